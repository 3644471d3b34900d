"""What is summed for a plan: components of its measures, groups, histograms, queues' rows. Made once for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import UsageError
from schemas.policy import ALL, ENTITIES, Grouping, Measure, Plan

SPREAD = ("gini", "s80s20")
WAITING = ("wait", "served")


@dataclass(frozen=True)
class Kind:
    """What a variable of the rules or a column of the population is."""

    entity: str
    kind: str
    """``number``, ``boolean`` or ``category``."""
    unit: str = "1"
    categories: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()

    @classmethod
    def of(cls, thing: Any) -> Kind:
        """Of a ``schemas.policy.Column`` or a variable of the rules."""
        return cls(thing.entity, thing.kind, thing.unit, getattr(thing, "categories", ()), getattr(thing, "titles", ()))


@dataclass(frozen=True)
class Component:
    """What is added up, weighted, over the counted records for which ``where`` holds."""

    kind: str
    """``weight`` (1), ``value``, ``gain``, ``loss``, ``poor`` or ``gap``."""
    of: str = ""
    where: str = ""
    number: float = 0.0
    """Threshold of gain and loss, line of poor and gap."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.of, self.where) if name)


@dataclass(frozen=True)
class Spread:
    """A histogram: of ``of`` over the records of ``count`` for which ``where`` holds."""

    count: str
    of: str
    where: str = ""

    @property
    def key(self) -> str:
        return f"{self.count}/{self.of}/{self.where}"


@dataclass(frozen=True)
class Counted:
    """Everything that is summed over one entity."""

    entity: str
    groupings: tuple[str, ...]
    """``all`` first."""
    slices: Mapping[str, slice[int, int, None]]
    """Of the groups, by grouping."""
    components: tuple[Component, ...]
    unweighted: tuple[int, ...]
    """Components that are counted without weights too."""
    waiting: tuple[Component, ...]
    """Weights that are kept for each neighbourhood, for waits."""

    @property
    def groups(self) -> int:
        return sum(part.stop - part.start for part in self.slices.values())


def lowest(*entities: str) -> str:
    return min(entities, key=ENTITIES.index)


def needs_spread(measure: Measure) -> bool:
    line = measure.line_at
    return measure.kind in SPREAD or (
        measure.kind.startswith("poverty") and line is not None and line.value is None and not line.anchored
    )


def where_from(plan: Plan, line: int, what: str, message: str) -> UsageError:
    """The error to raise: the plan's file and line, what it is about, what is wrong."""
    return UsageError(f"{plan.file}:{line}: {what}: {message}")


class Layout:
    """``labels``: grouping -> its groups; ``lines``: measure -> its poverty line, where it is known beforehand."""

    def __init__(
        self,
        plan: Plan,
        kinds: Mapping[str, Kind],
        labels: Mapping[str, tuple[str, ...]],
        lines: Mapping[str, float],
    ) -> None:
        check(plan, kinds)
        self.plan = plan
        self.kinds = kinds
        self.labels = labels
        self.lines = lines
        self.spreads: dict[str, Spread] = {}
        for measure in plan.measures:
            if needs_spread(measure):
                spread = Spread(measure.count, measure.of, measure.where)
                self.spreads[spread.key] = spread
        self.counted = tuple(
            self._counted(entity) for entity in ENTITIES if any(measure.count == entity for measure in plan.measures)
        )
        self.by_entity = {counted.entity: counted for counted in self.counted}

    def _counted(self, entity: str) -> Counted:
        measures = [measure for measure in self.plan.measures if measure.count == entity]
        groupings = [ALL] + [g.name for g in self.plan.groupings if fits(g, entity, self.kinds)]
        slices, start = {}, 0
        for name in groupings:
            size = 1 if name == ALL else len(self.labels[name])
            slices[name] = slice(start, start + size)
            start += size
        components: dict[Component, int] = {}
        unweighted: set[int] = set()
        waiting: dict[Component, None] = {}
        for measure in measures:
            weight = Component("weight", where=measure.where)
            unweighted.add(components.setdefault(weight, len(components)))
            if measure.kind in WAITING:
                waiting[weight] = None
            hit = self.of_measure(measure)
            for component in hit:
                components.setdefault(component, len(components))
            if measure.kind in ("share", "gainers", "losers", "poverty_rate"):
                unweighted.update(components[component] for component in hit)
        return Counted(entity, tuple(groupings), slices, tuple(components), tuple(sorted(unweighted)), tuple(waiting))

    def of_measure(self, measure: Measure) -> tuple[Component, ...]:
        """What its numerator needs (and, of a ratio, the denominator)."""
        of, where = measure.of, measure.where
        match measure.kind:
            case "sum" | "mean" | "share":
                return (Component("value", of, where),)
            case "ratio":
                return (Component("value", of, where), Component("value", measure.over, where))
            case "gainers" | "losers":
                return (Component("gain" if measure.kind == "gainers" else "loss", of, where, measure.threshold),)
            case "poverty_rate" | "poverty_gap" if measure.name in self.lines:
                kind = "poor" if measure.kind == "poverty_rate" else "gap"
                return (Component(kind, of, where, self.lines[measure.name]),)
            case _:
                return ()


def fits(grouping: Grouping, entity: str, kinds: Mapping[str, Kind]) -> bool:
    """A group is carried down: it is of the counted entity or above."""
    return ENTITIES.index(kinds[grouping.of].entity) >= ENTITIES.index(entity)


def names(plan: Plan) -> tuple[str, ...]:
    """Variables and columns of which a tally wants the values, for options and baseline alike."""
    found: dict[str, None] = {}
    for measure in plan.measures:
        found |= dict.fromkeys(name for name in (measure.of, measure.over, measure.where) if name)
    found |= dict.fromkeys(grouping.of for grouping in plan.groupings)
    found |= dict.fromkeys(payer.of for payer in plan.payers)
    for queue in plan.queues:
        found |= dict.fromkeys(name for name in (queue.order, queue.load, queue.when) if name)
    return tuple(found)


def check(plan: Plan, kinds: Mapping[str, Kind]) -> None:
    """Raises UsageError, with the plan's line, for what cannot be counted."""
    for measure in plan.measures:
        what = f"measure {measure.name}"
        for name in (measure.of, measure.over, measure.where):
            _known(plan, kinds, name, measure.line, what)
            if name and ENTITIES.index(kinds[name].entity) < ENTITIES.index(measure.count):
                raise where_from(
                    plan,
                    measure.line,
                    what,
                    f"{name} is of each {kinds[name].entity}, but what is counted is the {measure.count}:"
                    f" count {kinds[name].entity}, or a variable that sums it up",
                )
        if measure.kind in WAITING and measure.queue not in {queue.name for queue in plan.queues}:
            raise where_from(plan, measure.line, what, f"there is no queue {measure.queue!r}")
        for name in (measure.of, measure.over):
            wanted = "boolean" if measure.kind == "share" else "number"
            if name and kinds[name].kind not in (wanted, "boolean"):
                raise where_from(plan, measure.line, what, f"{name} is a {kinds[name].kind}; a {wanted} is wanted")
        if measure.count == "district":
            raise where_from(plan, measure.line, what, "districts lie in many shards and cannot be counted")
        if measure.where and kinds[measure.where].kind != "boolean":
            raise where_from(plan, measure.line, what, f"where wants a boolean; {measure.where} is none")
    for grouping in plan.groupings:
        _known(plan, kinds, grouping.of, grouping.line, f"grouping {grouping.name}")
        if plan.measures and not any(fits(grouping, measure.count, kinds) for measure in plan.measures):
            counts = ", ".join(sorted({measure.count for measure in plan.measures}))
            raise where_from(
                plan,
                grouping.line,
                f"grouping {grouping.name}",
                f"{grouping.of} is of each {kinds[grouping.of].entity}, below everything that is counted ({counts})",
            )
    for constraint in plan.constraints:
        found = [measure for measure in plan.measures if measure.name == constraint.measure]
        for grouping in plan.groupings:
            if found and grouping.name == constraint.grouping and not fits(grouping, found[0].count, kinds):
                raise where_from(
                    plan,
                    constraint.line,
                    f"constraint {constraint.name}",
                    f"{found[0].name} counts each {found[0].count} and cannot be split by {grouping.name},"
                    f" which is of each {kinds[grouping.of].entity}",
                )
    for payer in plan.payers:
        _known(plan, kinds, payer.of, payer.line, f"payer {payer.name}")
        if kinds[payer.of].entity == "district":
            raise where_from(
                plan, payer.line, f"payer {payer.name}", "districts lie in many shards and cannot be summed"
            )
    for queue in plan.queues:
        for name in (queue.order, queue.load, queue.when):
            _known(plan, kinds, name, queue.line, f"queue {queue.name}")
            if name and kinds[name].entity != "neighbourhood":
                message = f"{name} is of each {kinds[name].entity}; a queue is of neighbourhoods"
                raise where_from(plan, queue.line, f"queue {queue.name}", message)


def _known(plan: Plan, kinds: Mapping[str, Kind], name: str, line: int, what: str) -> None:
    if name and name not in kinds:
        raise where_from(plan, line, what, f"there is neither a variable nor a column {name!r}")
