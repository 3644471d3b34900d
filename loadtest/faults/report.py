"""What came of each fault, for people and machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loadtest.faults.table import Fault

WORDS = {"held": "held", "failed": "**failed**", "skipped": "skipped"}


@dataclass
class Outcome:
    """A row of the table and what was measured of it."""

    fault: Fault
    state: str = "held"
    """held, failed or skipped."""
    wrong: list[str] = field(default_factory=list)
    """What did not hold; what is lacking when skipped."""
    lasted_s: float | None = None
    """How long the fault was to last, in the form that was run; None: as long as the table says."""
    first_row_s: float | None = None
    """Seconds from the end of the fault to the first new row; None when all were stored by then."""
    caught_up_s: float | None = None
    """Seconds from the end of the fault, first rows come, until no post waits longer than without a fault."""
    stored_during: int = 0
    """Posts stored while the fault lasted."""
    seconds: float = 0.0
    """The whole row, with start-up."""


def write(outcomes: Sequence[Outcome], folder: Path, about: dict[str, Any]) -> Path:
    path = folder / "report.json"
    document = about | {"faults": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def read(path: Path) -> list[Outcome]:
    rows = json.loads(path.read_text(encoding="utf-8"))["faults"]
    return [Outcome(**row | {"fault": Fault(**row["fault"])}) for row in rows]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """The table of docs/faults.md."""
    lines = [
        "| fault | scene | lasts | expected | outcome | first row, s | caught up, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in outcomes:
        outcome = WORDS[one.state] + (
            ": " + "; ".join(one.wrong).replace("|", "/").replace("\n", " ") if one.wrong else ""
        )
        lasted = one.fault.seconds if one.lasted_s is None else one.lasted_s
        cells = (one.fault.name, one.fault.scene, f"{lasted:g} s", one.fault.expected, outcome)
        lines.append("| " + " | ".join((*cells, _seconds(one.first_row_s), _seconds(one.caught_up_s))) + " |")
    return "\n".join(lines) + "\n"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def line(one: Outcome) -> str:
    """For a terminal."""
    times = f"first row {_seconds(one.first_row_s) or '-':>6} s, caught up {_seconds(one.caught_up_s) or '-':>6} s"
    return f"{one.state:8} {one.fault.name:34} {times}, {one.seconds:5.0f} s  {'; '.join(one.wrong)[:300]}"
