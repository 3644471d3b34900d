"""The highest rate that holds: doubling, then bisection, each rate judged by a trial of its own.

A trial holds when p99 from the intended time, posts that are not stored yet counted as late without end, is below the
limit, when the lag does not grow, and when the sender kept its schedule. Trials are kept, so a search that was stopped
goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from schemas.errors import UsageError

LEAST = 1.0
"""posts/s: a job that does not hold this holds nothing."""
GROWTH_S = 1.0
"""Lag, in seconds of the offered rate, by which it may grow between the thirds of a trial: batches make it swing by
half of this. Over a trial of W seconds this finds overload of 1.5 / W and more: 2.5% with 60 s, half of a bracket."""


@dataclass(frozen=True)
class Trial:
    """What a trial came to. Plain values."""

    rate: float
    holds: bool
    p99_s: float | None
    """None: among the posts that were not stored in time."""
    lag_growth_s: float | None
    why: str
    name: str = ""


@dataclass(frozen=True)
class Found:
    """The bracket in which the highest rate lies. `lowest_that_fails` is None when the ceiling held."""

    highest_that_holds: float | None
    lowest_that_fails: float | None
    trials: tuple[Trial, ...]


def judge(report: dict[str, Any], rate: float, limit_s: float) -> Trial:
    """A trial from the report of its run."""
    p99 = report["latency"]["intended_to_stored_with_missing"].get("p99")
    growth = report["lag"]["growth"]
    growth_s = None if growth is None else round(growth / rate, 2)
    reasons = []
    if not report["sender"]["kept"]:
        reasons.append("the sender did not keep its schedule")
    if p99 is None or p99 >= limit_s:
        reasons.append(f"p99 {'is among posts not stored' if p99 is None else f'is {p99:g} s'}")
    if growth_s is None:
        reasons.append("the lag was not seen")
    elif growth_s > GROWTH_S:
        reasons.append(f"the lag grew by {growth_s:g} s")
    return Trial(rate, not reasons, p99, growth_s, "; ".join(reasons) or "holds", report["name"])


def search(trial: Callable[[float], Trial], start: float, bracket: float, ceiling: float = 1e6) -> Found:
    """Double (or halve) from `start` until one rate holds and one fails, then bisect until they are within `bracket`
    of each other. A rate is tried once."""
    holds: float | None = None
    fails: float | None = None
    trials: list[Trial] = []
    rate = start
    while True:
        found = trial(rate)
        trials.append(found)
        if found.holds:
            holds = rate
        else:
            fails = rate
        if fails is None:
            if rate >= ceiling:
                break
            rate = min(rate * 2, ceiling)
        elif holds is None:
            if rate <= LEAST:
                break
            rate = max(rate / 2, LEAST)
        elif fails - holds < bracket * holds:
            break
        else:
            rate = round((holds + fails) / 2, 3)
    return Found(holds, fails, tuple(trials))


def _line(trial: Trial) -> str:
    return json.dumps(asdict(trial), ensure_ascii=False) + "\n"


class Kept:
    """Trials in a folder. A folder of a search with other options is refused: its trials would not compare."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file, noted = folder / "trials.jsonl", folder / "search.json"
        options = json.loads(json.dumps(options))
        if noted.exists():
            before = json.loads(noted.read_text(encoding="utf-8"))
            if changed := sorted(key for key in before.keys() | options if before.get(key) != options.get(key)):
                raise UsageError(
                    f"--output {folder}: holds a search with another {', '.join(changed)}; name another folder"
                )
        noted.write_text(json.dumps(options, ensure_ascii=False, indent=1), encoding="utf-8")
        self._known: dict[float, Trial] = {}
        if self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                try:
                    one = Trial(**json.loads(line))
                except ValueError:  # cut off when the search was killed
                    continue
                self._known[one.rate] = one
            self._file.write_text("".join(map(_line, self._known.values())), encoding="utf-8")

    def remembered(self, trial: Callable[[float], Trial]) -> Callable[[float], Trial]:
        """`trial`, but for rates that were tried before."""

        def tried(rate: float) -> Trial:
            if rate not in self._known:
                self._known[rate] = trial(rate)
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(_line(self._known[rate]))
            return self._known[rate]

        return tried
