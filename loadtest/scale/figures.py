"""The few measured numbers of a site that a sizing needs, from the report of `cost` on a machine of its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from loadtest.outside import Outside
from loadtest.scale import kept
from schemas.errors import UsageError

MEASURED = Path(__file__).with_name("measured.json")
"""Of the machine that it names; committed with the command that made it."""
GPU_TEXTS_S = {"12 x 384": 31_397.0, "24 x 1024": 12_439.0}
"""Texts a second of one H200 in bfloat16, tokenising included, 65,536 padded tokens, double buffer (docs/models.md)."""


@dataclass(frozen=True)
class Figures:
    """CPU is milliseconds of a core a post; bytes are a post's."""

    step_ms: Mapping[str, float]
    """Of each step of the job, in order."""
    engine_ms: float
    """Of what carries posts to the steps: JVM, serialisation, PyFlink."""
    services_ms: Mapping[str, float]
    """Of each service (clickhouse, watch, notifier) beside the job."""
    disk_bytes: float
    """A row of `posts` and all that hangs on it, compressed, in ClickHouse."""
    message_bytes: float
    """A post's line of JSON, as a Kafka message without compression."""
    remembered: float
    """Share of model results that were remembered in the measurement: `step_ms["classify"]` holds for as many."""
    machine: str
    command: str


def read(path: Path) -> Figures:
    """Raises UsageError naming the key that is missing or odd."""
    found = kept.read(path)
    if found is None:
        raise UsageError(f"--figures {path}: there is no such file; `python -m loadtest.scale figures` makes one")
    names = [field.name for field in fields(Figures)]
    if odd := sorted(set(names) ^ set(found)):
        raise UsageError(f"--figures {path}: {', '.join(odd)}: wanted are exactly {', '.join(names)}")
    figures = Figures(**found)
    numbers = [*figures.step_ms.values(), *figures.services_ms.values(), figures.engine_ms]
    numbers += [figures.disk_bytes, figures.message_bytes, figures.remembered]
    if not all(isinstance(one, int | float) and one >= 0 for one in numbers):
        raise UsageError(f"--figures {path}: costs, bytes and shares are numbers of 0 or more")
    if "classify" not in figures.step_ms or not 0 <= figures.remembered < 1:
        raise UsageError(f"--figures {path}: step_ms needs classify, and remembered lies from 0 to less than 1")
    return figures


def of_cost(report: Mapping[str, Any], disk_bytes: float, message_bytes: float, command: str) -> Figures:
    """Figures of the largest size of a cost report.

    The engine is what its own processes take, and of the Python workers what is not in a step. Steps are timed in
    seconds of the wall: where they seem to take more than the workers' CPU (other work held them up) they are scaled
    down to it.
    """
    point, begun = report["points"][-1], report["start"]
    job_ms = point["beyond_start_ms"] - point["services_ms"]
    engine_s = sum(point["cpu_by_kind"].get(kind, 0.0) - begun["cpu_by_kind"].get(kind, 0.0) for kind in _ENGINE)
    workers_ms = job_ms - min(job_ms, max(0.0, 1000 * engine_s / (point["posts"] - begun["posts"])))
    steps = {name: spent / 1000 for name, spent in point["step_us"].items()}
    scale = min(1.0, workers_ms / sum(steps.values()))
    by_kind = {kind: spent for kind, spent in point["cpu_by_kind"].items() if kind in _SERVICES and spent > 0}
    whole = sum(by_kind.values()) or 1.0
    machine = report["machine"]
    return Figures(
        step_ms={name: round(spent * scale, 5) for name, spent in steps.items()},
        engine_ms=round(job_ms - sum(steps.values()) * scale, 5),
        services_ms={kind: round(point["services_ms"] * spent / whole, 5) for kind, spent in by_kind.items()},
        disk_bytes=round(disk_bytes, 1),
        message_bytes=round(message_bytes, 1),
        remembered=round(point["remembered"] or 0.0, 4),
        machine=f"{machine['cores']} cores ({machine['cpu']}), {machine['date']}, parallelism {report['parallelism']},"
        f" {point['posts']:,} posts, a start of {begun['all']:.0f} CPU-seconds taken off",
        command=command,
    )


_SERVICES = ("clickhouse", "notifier", "watch", "kafka")
_ENGINE = ("command", "flink client", "jobmanager", "taskmanager")


def disk_bytes_of(home: Outside) -> float:
    """Bytes of all tables of the home's store by rows of `posts`. Raises UsageError for an empty store."""
    ((size, rows),) = home.ask(
        "SELECT sum(bytes_on_disk), sumIf(rows, table = 'posts') FROM system.parts WHERE active AND database = 'yuqing'"
    )
    if not rows:
        raise UsageError(f"{home.home}: its store holds no posts; run `cost` first")
    return float(size / rows)


def message_bytes_of(lines: Sequence[bytes]) -> float:
    if not lines:
        raise UsageError("the feed has no line to weigh")
    return sum(map(len, lines)) / len(lines)


def save(path: Path, figures: Figures) -> None:
    kept.write(path, asdict(figures))
