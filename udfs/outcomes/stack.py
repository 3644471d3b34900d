"""Measures and costs from sums: of a tally as it is, of a bootstrap's replicates, or of many tallies, all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.policy import ALL, Line, Measure, Plan
from udfs.outcomes import histogram
from udfs.outcomes.layout import SPREAD, WAITING, Component, Layout, Spread
from udfs.outcomes.marks import Marks
from udfs.outcomes.queues import NEVER, replay
from udfs.outcomes.tally import Rows, Tally

Floats = NDArray[np.float64]
Key = tuple[str, str]
"""(measure, ``cost`` or ``cost:PAYER``; grouping)."""


class Scaling(msgspec.Struct, frozen=True):
    """Brings a sample to everybody's size. Plain numbers: it goes to workers as JSON."""

    groups: dict[str, list[list[float]]]
    """Counted entity -> [groups, plain weights]: everybody's weight by the sample's."""
    people: float
    queues: dict[str, float]
    """Queue -> everybody's load by the sample's."""


class Whole(msgspec.Struct, frozen=True):
    """What an option's tally over everybody says of size. Plain numbers: it goes to workers as JSON."""

    people: float
    loads: dict[str, float]
    """Queue -> load of all that take part."""

    @classmethod
    def of(cls, tally: Tally) -> Whole:
        return cls(float(tally.people.value.sum()), {name: float(rows.load.sum()) for name, rows in tally.rows.items()})


class Stack:
    """Sums of replicates. ``times``: [replicates, blocks] of whole numbers; one row of ones is the tally itself."""

    def __init__(self, layout: Layout, tally: Tally, times: Floats) -> None:
        self.tally = tally
        self.times = times
        self.sums = {entity: found.times(times) for entity, found in tally.sums.items()}
        self.bins = {key: found.times(times) for key, found in tally.bins.items()}
        people = tally.people.times(times)
        # how many people there are is known: without this, sums would vary with how many clusters the blocks drawn
        # happen to hold (measured: three times the true error), which no one is uncertain about
        self.brought: Floats = tally.people.times(np.ones((1, tally.blocks))) / people
        self.money = tally.money.times(times) * self.brought[:, None]
        self.many: list[Stack] = []
        self._served: dict[tuple[str, float], NDArray[np.int64]] = {}
        self._plan = layout.plan

    @classmethod
    def single(cls, layout: Layout, tally: Tally) -> Stack:
        return cls(layout, tally, np.ones((1, tally.blocks)))

    @classmethod
    def of_many(cls, layout: Layout, tallies: Sequence[Tally]) -> Stack:
        """A replicate for each tally; their queues are replayed one by one."""
        many = [cls.single(layout, tally) for tally in tallies]
        first = cls.single(layout, tallies[0])
        first.many = many
        first.sums = {entity: np.concatenate([part.sums[entity] for part in many]) for entity in first.sums}
        first.bins = {key: np.concatenate([part.bins[key] for part in many]) for key in first.bins}
        first.money = np.concatenate([part.money for part in many])
        first.brought = np.concatenate([part.brought for part in many])
        return first

    def rows_times(self, rows: Rows) -> Floats:
        found: Floats = self.times[:, rows.blocks]
        return found

    def served(self, queue: str, scale: float) -> NDArray[np.int64]:
        """[replicates, rows]: year of being served."""
        found = self._served.get((queue, scale))
        if found is None:
            rows = self.tally.rows[queue]
            asked = next(q for q in self._plan.queues if q.name == queue)
            found = replay(asked, rows, self.rows_times(rows) * self.brought[:, None], scale)
            self._served[queue, scale] = found
        return found

    def about(self, layout: Layout, key: Key) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        """(weight, records, hits) of the groups of a key, of a single stack."""
        measure = next((m for m in self._plan.measures if m.name == key[0]), None)
        if measure is None:
            size = len(self._plan.years) if key[1] == "year" else 1
            people = np.full(size, float(self.tally.people.value.sum()))
            return people, np.zeros(size, dtype=np.int64), np.full(size, -1)
        counted = layout.by_entity[measure.count]
        part = counted.slices[key[1]]
        weight = counted.components.index(Component("weight", where=measure.where))
        place = {number: position for position, number in enumerate(counted.unweighted)}
        weights = self.sums[measure.count][0, part, weight]
        records = self.tally.counts[measure.count][part, place[weight]]
        hits = np.full(len(records), -1)
        if measure.kind in ("share", "gainers", "losers", "poverty_rate") and layout.of_measure(measure):
            hit = counted.components.index(layout.of_measure(measure)[0])
            hits = self.tally.counts[measure.count][part, place[hit]]
        if measure.kind in WAITING:
            rows = self.tally.rows[measure.queue]
            at = counted.waiting.index(Component("weight", where=measure.where))
            there = self.served(measure.queue, 1.0)[0] != NEVER
            reached = rows.counts[measure.count][there][:, part, at].sum(axis=0)
            if measure.kind == "served":
                hits = reached
            else:
                records = reached
                weights = rows.waiting[measure.count].value[there][:, part, at].sum(axis=0)
        return weights, records, hits


def scaling(layout: Layout, full: Tally, sample: Tally) -> Scaling:
    """From the same option's tallies: by the weight of each group; by everybody where the sample has nobody of it."""
    people = _by(float(full.people.value.sum()), float(sample.people.value.sum()))
    groups = {}
    for counted in layout.counted:
        plain = [number for number, component in enumerate(counted.components) if component.kind == "weight"]
        whole = full.sums[counted.entity].value.sum(axis=0)[:, plain]
        part = sample.sums[counted.entity].value.sum(axis=0)[:, plain]
        overall = np.where(part[0] > 0, whole[0] / np.where(part[0] > 0, part[0], 1.0), people)
        groups[counted.entity] = np.where(part > 0, whole / np.where(part > 0, part, 1.0), overall).tolist()
    loads = {
        queue: _by(float(rows.load.sum()), float(sample.rows[queue].load.sum()), people)
        for queue, rows in full.rows.items()
    }
    return Scaling(groups, people, loads)


def scaling_to(layout: Layout, whole: Whole, sample: Tally) -> Scaling:
    """The same for a plan of which only the size of everybody is known: every group by the ratio of people."""
    people = _by(whole.people, float(sample.people.value.sum()))
    groups = {
        counted.entity: [[people] * sum(one.kind == "weight" for one in counted.components)] * counted.groups
        for counted in layout.counted
    }
    loads = {name: _by(whole.loads[name], float(rows.load.sum()), people) for name, rows in sample.rows.items()}
    return Scaling(groups, people, loads)


def _by(whole: float, part: float, otherwise: float = 1.0) -> float:
    return whole / part if part > 0 and whole > 0 else otherwise


def evaluate(layout: Layout, marks: Marks, stack: Stack, scale: Scaling | None = None) -> dict[Key, Floats]:
    """(measure, grouping) -> [replicates, groups], unscaled by ``Measure.scale``; then costs."""
    found: dict[Key, Floats] = {}
    for measure in layout.plan.measures:
        groupings = (
            (ALL,) if measure.kind in SPREAD or _own_line(measure) else layout.by_entity[measure.count].groupings
        )
        everything = _measure(layout, marks, stack, measure, scale)
        for grouping in groupings:
            part = layout.by_entity[measure.count].slices[grouping]
            found[measure.name, grouping] = everything[:, part]
    found.update(_costs(layout.plan, stack, scale))
    return found


def _own_line(measure: Measure) -> bool:
    line = measure.line_at
    return measure.kind.startswith("poverty") and line is not None and line.value is None and not line.anchored


def _measure(layout: Layout, marks: Marks, stack: Stack, measure: Measure, scale: Scaling | None) -> Floats:
    """[replicates, groups]; one group for those of ``all`` only."""
    counted = layout.by_entity[measure.count]
    if measure.kind in SPREAD or _own_line(measure):
        return _spread(marks, stack, measure)
    if measure.kind in WAITING:
        return _waits(layout, stack, measure, scale)
    sums = stack.sums[measure.count]
    weight = counted.components.index(Component("weight", where=measure.where))
    parts = [sums[:, :, counted.components.index(component)] for component in layout.of_measure(measure)]
    if measure.kind == "sum":
        parts[0] = parts[0] * stack.brought[:, None]
        if scale is None:
            return parts[0]
        plain = [number for number, component in enumerate(counted.components) if component.kind == "weight"]
        return np.asarray(parts[0] * np.asarray(scale.groups[measure.count])[:, plain.index(weight)])
    by = parts[1] if measure.kind == "ratio" else sums[:, :, weight]
    return _ratio(parts[0], by)


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where there is nothing to divide by: nobody is in the group."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0)


def _spread(marks: Marks, stack: Stack, measure: Measure) -> Floats:
    bins = stack.bins[Spread(measure.count, measure.of, measure.where).key]
    edges = np.asarray(marks.edges[measure.of])
    line = measure.line_at or Line()
    ways: dict[str, Callable[[], Floats]] = {
        "gini": lambda: histogram.gini(bins),
        "s80s20": lambda: histogram.s80s20(bins),
        "poverty_rate": lambda: histogram.poverty(bins, edges, line.share or 0.0, gap=False),
        "poverty_gap": lambda: histogram.poverty(bins, edges, line.share or 0.0, gap=True),
    }
    return ways[measure.kind]()[:, None]


def _waits(layout: Layout, stack: Stack, measure: Measure, scale: Scaling | None) -> Floats:
    """Served: of everybody counted, those whose neighbourhood is served within the horizon. Wait: years from the first
    year of the horizon (served in it: 0), mean of those served."""
    if stack.many:
        return np.concatenate([_waits(layout, part, measure, scale) for part in stack.many])
    rows = stack.tally.rows[measure.queue]
    at = layout.by_entity[measure.count].waiting.index(Component("weight", where=measure.where))
    weights = rows.waiting[measure.count].part(at)
    served = stack.served(measure.queue, scale.queues[measure.queue] ** -1 if scale else 1.0)
    times = stack.rows_times(rows)
    reached = weights.times(times * (served != NEVER))
    if measure.kind == "served":
        return _ratio(reached, weights.times(times))
    return _ratio(weights.times(times * np.maximum(served, 0)), reached)


def _costs(plan: Plan, stack: Stack, scale: Scaling | None) -> dict[Key, Floats]:
    """By year and over the horizon, of each payer and of all."""
    if not plan.payers:
        return {}
    paid = _paid(plan, stack, scale)
    found: dict[Key, Floats] = {}
    for number, payer in enumerate(plan.payers):
        found[f"cost:{payer.name}", "year"] = paid[:, :, number]
        found[f"cost:{payer.name}", ALL] = paid[:, :, number].sum(axis=1)[:, None]
    found["cost", "year"] = paid.sum(axis=2)
    found["cost", ALL] = paid.sum(axis=(1, 2))[:, None]
    return found


def _paid(plan: Plan, stack: Stack, scale: Scaling | None) -> Floats:
    """[replicates, years, payers]."""
    if stack.many and plan.payers_queue:
        return np.concatenate([_paid(plan, part, scale) for part in stack.many])
    years = len(plan.years)
    paid = np.zeros((len(stack.money), years, len(plan.payers)))
    once = np.array([payer.timing == "once" for payer in plan.payers])
    if plan.payers_queue:
        factor = scale.queues[plan.payers_queue] if scale else 1.0
        rows = stack.tally.rows[plan.payers_queue]
        served = stack.served(plan.payers_queue, 1 / factor)
        times = stack.rows_times(rows)
        for year in range(years):
            now = rows.amounts.times(times * (served == year)) * stack.brought[:, None]
            paid[:, year] += now
            if year + 1 < years:
                paid[:, year + 1 :] += np.where(once, 0.0, now)[:, None]
    else:
        factor = scale.people if scale else 1.0
        paid[:] = np.where(once, 0.0, stack.money)[:, None]
        paid[:, 0] = stack.money
    return paid * factor
