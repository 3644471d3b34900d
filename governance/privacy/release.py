"""The whole way of a request: may they, is it sound, was it answered, is there budget, noise, ledger, book, answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from governance.audit import Ledger
from governance.privacy import budget, noise, tables
from governance.privacy.tables import Cell, Reach, Table, Wanted
from governance.roles import AccessRefused, Person, authorise
from schemas.errors import UsageError
from schemas.policy import Simulation
from schemas.settings import PrivacySection

ACTION = "policy.tables"
MOST_TABLES = 1_000


def release_counts(
    simulation: Simulation, wanted: Sequence[Wanted], epsilon: float, persons_per_household: int, person: Person, *,
    home: Path, ledger: Ledger, limits: PrivacySection, now: int, reach: Reach | None = None,
) -> list[Table]:  # fmt: skip
    """Tables of counts with noise, each at ``epsilon``; all of them or none.

    ``persons_per_household``: the most members of a household, as it is declared; at least that of the population.
    ``reach``: see ``tables.Reach``. ``now``: ms since the epoch. Guarantees:

    * the noise fits ``epsilon`` for a household more or less, whatever else is known;
    * the spending and the answer are on the disk, and the audit entry before them, when this returns. Killed in
      between, nothing was shown;
    * a question that was answered gets the stored answer; whoever has it already pays nothing, another person pays from
      their own budget;
    * two processes at once cannot spend the same budget.

    Raises AccessRefused (no role, or the budget is spent; written down) and UsageError (what cannot leave).
    """
    decision = authorise(person, ACTION, now)
    if not decision:
        _refuse(ledger, simulation, person, decision.reason)
    asked = list(dict.fromkeys(wanted))
    if not 1 <= len(asked) <= MOST_TABLES:
        raise UsageError(f"{len(asked)} tables are asked for; 1 to {MOST_TABLES} can be")
    digest, name = simulation.population.digest, simulation.population.name
    if not digest:
        raise UsageError(f"population {name!r} has no digest: nobody could tell what was spent on it")
    exact = [tables.counts(simulation, one, reach) for one in asked]
    scales = [noise.scale_of(epsilon, tables.changed(simulation, one, persons_per_household)) for one in asked]
    keys = [tables.question(simulation, one, epsilon, persons_per_household) for one in asked]
    with budget.opened(home) as book:
        answers = {key: book.answer(key) for key in keys}
        charged = {key: 0.0 if book.has(person.name, key) else epsilon for key in keys}
        new = epsilon * sum(answers[key] is None for key in keys)
        own = sum(charged.values())
        why = budget.refusal(book.lines, person.name, digest, name, own, new, limits, now)
        if why:
            _refuse(ledger, simulation, person, why)
        drawn = {
            key: {"scale": scale, "counts": noise.noisy(cells, scale)}
            for key, (_, cells), scale in zip(keys, exact, scales, strict=True)
            if answers[key] is None
        }
        detail: dict[str, str | int | float | bool | list[str] | None] = {
            "population": digest, "tables": len(asked), "epsilon": epsilon, "charged": own,
            "persons_per_household": persons_per_household, "questions": [key[:16] for key in keys[:100]],
        }  # fmt: skip
        entry = ledger.append(person.name, ACTION, simulation.run, detail)
        book.add([
            {
                "at": now, "person": person.name, "population": digest, "name": name, "question": key,
                "epsilon": epsilon, "entry": entry.id, "answer": drawn.get(key),
            }
            for key in keys
            if charged[key] or key in drawn
        ])  # fmt: skip
        answers = {key: book.answer(key) for key in keys}
    found = []
    for one, key, (groups, _) in zip(asked, keys, exact, strict=True):
        line = answers[key]
        assert line is not None  # noqa: S101 - it was added above
        found.append(_table(one, groups, line, persons_per_household, charged[key]))
    return found


def _table(wanted: Wanted, groups: Sequence[str], line: budget.Line, persons: int, charged: float) -> Table:
    scale, counts = float(line["answer"]["scale"]), [int(count) for count in line["answer"]["counts"]]
    far = noise.accuracy(scale, terms=2)
    cells = []
    for group, hits, misses in zip(groups, counts[::2], counts[1::2], strict=True):
        records = hits + misses
        cells.append(Cell(group, hits, records, min(max(hits / records, 0.0), 1.0) if records > far else None))
    return Table(
        wanted.option, wanted.measure, wanted.grouping, float(line["epsilon"]), persons, scale, noise.accuracy(scale),
        far, tuple(cells), _utc(line["at"]), str(line["entry"]), charged,
    )  # fmt: skip


def _refuse(ledger: Ledger, simulation: Simulation, person: Person, why: str) -> NoReturn:
    ledger.append(person.name, f"{ACTION}.refused", simulation.run, {"why": why})
    raise AccessRefused(why)


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
