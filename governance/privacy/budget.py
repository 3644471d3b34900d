"""Who has asked for how much: HOME/privacy/tables.jsonl, a line an answer, appended and never changed.

Composition is plain addition: who has answers of epsilon 0.5 and 1 has learnt at most 1.5. Spending is counted twice,
per requester and over all requesters together, since people talk and tables get printed. It is counted against a
population's digest *or* its name, whichever is the same: loading the same people again does not fill the purse. What
was spent comes back ``period_days`` later; that is the site's choice, not a theorem (docs/privacy-budget.md).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.audit.journal import Journal, read_lines
from schemas.errors import UsageError
from schemas.settings import PrivacySection

FILE = "tables.jsonl"
DAY_MS = 86_400_000
SLACK = 1e-9
"""Of sums of epsilons: 0.1 three times is 0.3."""

Line = dict[str, Any]
"""``at`` (ms), ``person``, ``population`` (digest), ``name``, ``question``, ``epsilon``, ``entry``, and of the first
answer to a question ``answer``: {scale, counts}."""


class Book:
    """The open, locked file. Reads all of it once: a line is 300 bytes, a year of a busy office some thousand lines."""

    def __init__(self, journal: Journal, lines: list[Line]) -> None:
        self._journal, self.lines = journal, lines

    def answer(self, question: str) -> Line | None:
        """The first answer to the question, whoever asked."""
        return next((one for one in self.lines if one["question"] == question and one.get("answer")), None)

    def has(self, person: str, question: str) -> bool:
        return any(one["person"] == person and one["question"] == question for one in self.lines)

    def add(self, lines: Sequence[Line]) -> None:
        """On the disk when this returns."""
        for line in lines:
            self._journal.append(line, sync=False)
        self._journal.sync()
        self.lines.extend(lines)


@contextmanager
def opened(home: Path) -> Iterator[Book]:
    """The book, kept from every other process meanwhile. Raises UsageError when it is damaged: then nothing leaves."""
    folder = home / "privacy"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = Journal(folder / FILE)
    try:
        with journal:
            journal.repair()  # a torn line was never answered
            yield Book(journal, _read(folder / FILE))
    finally:
        journal.close()


def left(home: Path, person: str, digest: str, name: str, limits: PrivacySection, now: int) -> float:
    """Epsilon that ``person`` may still spend on the population now."""
    path = home / "privacy" / FILE
    lines = _read(path) if path.exists() else []
    found = _remaining(lines, digest, name, limits, now)
    return max(min(found(person), found(None)), 0.0)


def refusal(
    lines: Sequence[Line], person: str, digest: str, name: str, own: float, new: float, limits: PrivacySection, now: int
) -> str:
    """Why ``person`` may not spend ``own`` on the population, of which ``new`` is on questions that nobody has asked;
    "" when they may. Says how much is left and when enough comes back."""
    found = _remaining(lines, digest, name, limits, now)
    for whose, limit, asked, who in (
        (person, limits.budget_epsilon, own, f"{person} has"),
        (None, limits.total_epsilon, new, "all requesters together have"),
    ):
        there = found(whose)
        if asked <= there + SLACK:
            continue
        why = f"epsilon {asked:g} is asked for, {who} {max(there, 0):.4g} of {limit:g} left for population {name!r}"
        if asked > limit + SLACK:
            return f"{why}; so much is never given: ask for fewer tables or a smaller epsilon"
        spent = sorted(_spent(lines, digest, name, whose, limits, now))
        for at, _ in spent:
            rest = math.fsum(epsilon for later, epsilon in spent if later > at)
            if asked <= limit - rest + SLACK:
                back = datetime.fromtimestamp((at + limits.period_days * DAY_MS) / 1000, UTC)
                return f"{why}; enough comes back on {back:%Y-%m-%d %H:%M} UTC"
    return ""


def _remaining(
    lines: Sequence[Line], digest: str, name: str, limits: PrivacySection, now: int
) -> Callable[[str | None], float]:
    def of(person: str | None) -> float:
        limit = limits.total_epsilon if person is None else limits.budget_epsilon
        return limit - math.fsum(epsilon for _, epsilon in _spent(lines, digest, name, person, limits, now))

    return of


def _spent(
    lines: Iterable[Line], digest: str, name: str, person: str | None, limits: PrivacySection, now: int
) -> list[tuple[int, float]]:
    """(when, epsilon) of the period that ends now; of everybody for None: each question once, when first answered.

    What stands in the future counts: a clock that is set back gives nothing back.
    """
    since = now - limits.period_days * DAY_MS
    return [
        (one["at"], one["epsilon"])
        for one in lines
        if (one["population"] == digest or one["name"] == name)
        and one["at"] > since
        and (one["person"] == person if person is not None else bool(one.get("answer")))
    ]


def _read(path: Path) -> list[Line]:
    whole, _ = read_lines(path)
    lines: list[Line] = []
    for number, line in enumerate(whole, start=1):
        try:
            one = json.loads(line)
            float(one["epsilon"]), int(one["at"])
            if not all(isinstance(one[key], str) for key in ("person", "population", "name", "question")):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise UsageError(
                f"privacy/{path.name}:{number}: damaged; nothing leaves until an administrator has put back a copy"
            ) from None
        lines.append(one)
    return lines
