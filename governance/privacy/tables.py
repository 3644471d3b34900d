"""Which tables of counts can leave, and how much one household can change them.

A table is one option's measure over one grouping. Its counts are records for which the measure holds and for which it
does not, group by group: every record stands in one cell, so a household that is added or taken away changes all cells
together by no more than its members. That holds only if a record's cell depends on its own household alone. So what
looks at everybody (quantile groups, poverty lines by the median, queues) is refused, and so are variables that sum over
a building or neighbourhood.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping

import msgspec

from schemas.errors import UsageError
from schemas.policy import ALL, ENTITIES, Grouping, Measure, Simulation

COUNTED = ("share", "gainers", "losers", "poverty_rate")
"""Kinds of measures that are counts of records."""
OWN = ("person", "household")
MEMBERS = "person"
ONCE = ("household", "unit")
"""Entities of which a household is, or has, one."""

Reach = Callable[[str], str]
"""Name of a variable or column -> the highest entity over whose members its formula sums; "person" for none."""


class Wanted(msgspec.Struct, frozen=True):
    """A table that is asked for."""

    option: str
    measure: str
    grouping: str = ALL


class Cell(msgspec.Struct, frozen=True):
    """A group: counts with noise, which may be negative. Nothing here is exact."""

    group: str
    hits: int
    """Records for which the measure holds."""
    records: int
    """All records of the group that it is about: the sum of two counts with noise."""
    share: float | None
    """``hits`` by ``records``, cut to 0..1; None where ``records`` is not above its own accuracy."""


class Table(msgspec.Struct, frozen=True):
    """A table as it leaves: unweighted records."""

    option: str
    measure: str
    grouping: str
    epsilon: float
    persons_per_household: int
    scale: float
    """Of the noise."""
    accuracy_hits: int
    """In 95 % of cells the noise of ``hits`` is at most this."""
    accuracy_records: int
    cells: tuple[Cell, ...]
    at: str = ""
    """When it was first answered."""
    entry: str = ""
    """Id of the audit entry of that."""
    charged: float = 0.0
    """What it cost whoever asks now; 0: they have it already."""


def reach_of(entities: Mapping[str, str], reads: Mapping[str, Collection[str]]) -> Reach:
    """The reach of every name, from who reads what. ``entities``: of variables and columns; ``reads``: variable -> the
    variables and columns that its formula names (those that these name in turn may be among them).

    A variable sums over its entity when anything it rests on is of a lower one; a column is data and rests on nothing.
    Raises UsageError for a name that is neither, at asking.
    """

    def rests_on(name: str) -> set[str]:
        found: set[str] = set()
        todo = [name]
        while todo:
            for part in reads.get(todo.pop(), ()):
                if part not in found:
                    found.add(part)
                    todo.append(part)
        return found

    def reach(name: str) -> str:
        if name not in entities:
            raise UsageError(f"{name!r} is neither a variable of the rules nor a column of the population")
        highest = 0
        for one in {name, *rests_on(name)} & entities.keys():
            level = ENTITIES.index(entities[one])
            below = rests_on(one)
            if any(ENTITIES.index(entities[part]) < level for part in below if part in entities):
                highest = max(highest, level)
        return ENTITIES[highest]

    return reach


def counts(simulation: Simulation, wanted: Wanted, reach: Reach | None) -> tuple[list[str], list[int]]:
    """The groups, and the exact counts: for each group hits, then misses. For the mechanism only.

    The groups are those of the plan and the population's categories, whether or not anybody is in them. ``reach``:
    needed where the population has more than persons and households. Raises UsageError, saying why, for what cannot
    leave; that depends on the plan, never on a count.
    """
    measure = _measure(simulation, wanted)
    grouping = _grouping(simulation, wanted)
    _depends_on_own(simulation, measure, grouping, reach)
    groups = [ALL] if grouping is None else list(simulation.group_labels.get(grouping.name, ()))
    if not groups:
        raise UsageError(f"run {simulation.run} does not list the groups of {wanted.grouping!r}")
    found = {
        result.group: (result.hits, result.sample)
        for result in simulation.results
        if (result.option, result.measure, result.grouping) == (wanted.option, wanted.measure, wanted.grouping)
    }
    cells = []
    for group in groups:
        hits, sample = found.get(group, (0, 0))
        hits = max(hits, 0)
        cells += [hits, max(sample - hits, 0)]
    return groups, cells


def changed(simulation: Simulation, wanted: Wanted, persons_per_household: int) -> int:
    """How many records of the table one household can change. Raises UsageError when the bound is too small."""
    largest = simulation.population.largest_household
    if persons_per_household < max(largest, 1):
        raise UsageError(
            f"--persons-per-household {persons_per_household}: the population has households of {largest}; noise for"
            " smaller ones would not protect them"
        )
    return persons_per_household if _measure(simulation, wanted).count == MEMBERS else 1


def question(simulation: Simulation, wanted: Wanted, epsilon: float, persons_per_household: int) -> str:
    """SHA-256 of all that makes a question the same one: of the data only the digest."""
    asked = {
        "population": simulation.population.digest, "plan": simulation.plan.digest, "rules": simulation.rules_digest,
        "versions": dict(sorted(simulation.versions.items())), "wanted": msgspec.structs.asdict(wanted),
        "epsilon": epsilon, "persons_per_household": persons_per_household,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _measure(simulation: Simulation, wanted: Wanted) -> Measure:
    if wanted.option not in {one.name for one in simulation.plan.options}:
        names = ", ".join(one.name for one in simulation.plan.options)
        raise UsageError(f"run {simulation.run} has no option {wanted.option!r}; it has {names}")
    for measure in simulation.plan.measures:
        if measure.name != wanted.measure:
            continue
        if measure.kind not in COUNTED:
            raise UsageError(
                f"measure {measure.name!r} is of kind {measure.kind}: only counts of records can leave"
                f" ({', '.join(COUNTED)}), since no bound on what one household weighs in it is known"
            )
        if measure.count not in (MEMBERS, *ONCE):
            raise UsageError(f"measure {measure.name!r} counts {measure.count}s: only persons, households and units")
        if measure.line_at is not None and measure.line_at.share is not None:
            raise UsageError(f"measure {measure.name!r} has a line by the median, which depends on everybody")
        return measure
    names = ", ".join(one.name for one in simulation.plan.measures if one.kind in COUNTED)
    raise UsageError(f"run {simulation.run} has no measure {wanted.measure!r}; tables can have {names or 'none'}")


def _grouping(simulation: Simulation, wanted: Wanted) -> Grouping | None:
    if wanted.grouping == ALL:
        return None
    for grouping in simulation.plan.groupings:
        if grouping.name == wanted.grouping:
            if grouping.quantiles:
                raise UsageError(f"grouping {grouping.name!r} is by quantiles, whose cuts depend on everybody")
            return grouping
    names = ", ".join((ALL, *(one.name for one in simulation.plan.groupings if not one.quantiles)))
    raise UsageError(f"run {simulation.run} has no grouping {wanted.grouping!r}; tables can have {names}")


def _depends_on_own(simulation: Simulation, measure: Measure, grouping: Grouping | None, reach: Reach | None) -> None:
    if set(simulation.population.entities) <= set(OWN):
        return
    names = [name for name in (measure.of, measure.where, grouping.of if grouping else "") if name]
    for name in names:
        if reach is None:
            raise UsageError(f"what {name!r} sums over is not known: the rules of the run are needed")
        if reach(name) not in OWN:
            raise UsageError(f"{name!r} sums over a {reach(name)}: one household could change it for all of them")
