"""The table of faults: a row is a fault, when it strikes, how long it lasts and what is expected."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from loadtest.faults.clock import COMPILER
from schemas.errors import UsageError

TABLE = Path(__file__).with_name("faults.yaml")
SCENES = ("folder", "wire", "cluster", "apart")


@dataclass(frozen=True)
class Fault:
    """One row. Times in seconds."""

    name: str
    strike: str
    """Name of a function in `strikes`; "nothing" gives the figures of a run that nobody disturbs."""
    scene: str
    """Which job runs: folder (dir:// into the mini cluster of a command), wire (the same, its store behind a proxy),
    cluster (Kafka into a Flink cluster), apart (Kafka into a mini cluster in a network namespace of its own)."""
    expected: str
    """In words, for the table in docs/faults.md."""
    target: str = ""
    """Kind of process (`loadtest.outside.kind`), folder of the home, or whatever else the strike strikes."""
    seconds: float = 10.0
    short_seconds: float = 4.0
    recover_s: float = 90.0
    """Most seconds from the end of the fault until no post waits longer than without a fault."""
    needs: tuple[str, ...] = ()
    """What the machine must have: root, cc."""
    short: bool = False
    """Whether the short form has it."""
    repeats: bool = False
    """Whether a message may leave twice, under the same idempotency key (docs/alerts.md)."""
    new_model: bool = False
    """Whether another model labels some of the posts: then labels, and alerts that follow from them, may differ."""
    starts_anew: bool = False
    """Whether the job that it leaves is of no use to the next row."""

    def lasts(self, short: bool) -> float:
        return self.short_seconds if short else self.seconds


def load(path: Path = TABLE) -> tuple[Fault, ...]:
    """The rows, in the order in which they run. Raises UsageError for what is no row."""
    from loadtest.faults.strikes import STRIKES

    names = {field.name for field in fields(Fault)}
    rows = []
    for number, row in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1):
        where = f"{path.name}, row {number}"
        if unknown := set(row) - names:
            raise UsageError(
                f"{where}: there is no field {sorted(unknown)[0]!r}; fields are {', '.join(sorted(names))}"
            )
        if missing := {"name", "strike", "scene", "expected"} - set(row):
            raise UsageError(f"{where}: {sorted(missing)[0]} is missing")
        values: dict[str, Any] = {key: tuple(value) if key == "needs" else value for key, value in row.items()}
        fault = Fault(**values)
        if fault.strike not in STRIKES:
            raise UsageError(f"{where}: there is no strike {fault.strike!r}; strikes are {', '.join(STRIKES)}")
        if fault.scene not in SCENES:
            raise UsageError(f"{where}: there is no scene {fault.scene!r}; scenes are {', '.join(SCENES)}")
        if wrong := [need for need in fault.needs if need not in HAVE]:
            raise UsageError(f"{where}: nothing is known of the need {wrong[0]!r}; needs are {', '.join(HAVE)}")
        rows.append(fault)
    doubled = [row.name for row in rows if [other.name for other in rows].count(row.name) > 1]
    if doubled:
        raise UsageError(f"{path.name}: {doubled[0]!r} stands there twice")
    return tuple(rows)


def choose(rows: Sequence[Fault], only: Sequence[str], short: bool) -> list[Fault]:
    """The rows that were asked for. Raises UsageError for a name that no row has."""
    if unknown := set(only) - {row.name for row in rows}:
        raise UsageError(
            f"--only {sorted(unknown)[0]!r}: no such fault; faults are {', '.join(row.name for row in rows)}"
        )
    return [row for row in rows if (row.name in only if only else row.short or not short)]


HAVE: dict[str, Any] = {
    "root": lambda: "" if os.geteuid() == 0 and shutil.which("ip") else "root and iproute2: mounts, namespaces",
    "cc": lambda: "" if COMPILER else "a C compiler (cc): the clock that can be moved",
}


def lacking(fault: Fault) -> str:
    """What this machine lacks for the row, in words; empty when it lacks nothing."""
    return "; ".join(lack for need in fault.needs if (lack := HAVE[need]()))
