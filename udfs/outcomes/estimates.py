"""Results from tallies: values, and intervals from who is in the population and from what is not known.

value     from the tally over everybody, central assumptions
sampling  block bootstrap: blocks of whole clusters drawn with replacement, 400 replicates, the same ones for every
          option, so that changes are paired; spread by sqrt(n / (n - 1)) for n blocks (Rao & Wu 1988); each
          replicate is brought to the number of people that there are
draws     value of a draw less that of the central assumptions, both on the sample, brought to everybody's size
interval  10 % and 90 % of value + sampling error + the error of a draw that is picked for the replicate; each replicate
          is cut to what the figure can be: a share ends at 1, and what no replicate and no draw puts below 0 ends at 0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.policy import ALL, BASELINE, Plan, Result
from udfs.outcomes import blocks as hashed
from udfs.outcomes import stack as stacked
from udfs.outcomes.layout import Kind, Layout
from udfs.outcomes.marks import Marks
from udfs.outcomes.stack import Key, Scaling, Stack, Whole, evaluate, scaling
from udfs.outcomes.tally import Tally

Floats = NDArray[np.float64]
LEVEL = 0.8
_SHARES = ("share", "gainers", "losers", "poverty_rate", "served")
"""Kinds that end at 1."""


def estimate(
    plan: Plan,
    kinds: Mapping[str, Kind],
    marks: Marks,
    full: Mapping[str, Tally],
    central: Mapping[str, Tally],
    draws: Sequence[Mapping[str, Tally]],
) -> list[Result]:
    """Rows of every option: its measures by grouping and group, then costs by payer and year.

    full: option -> tally over everybody, with blocks (one block: no sampling error can be told, it is 0), the baseline
    among them. central and draws: the same options on a sample, under central and drawn assumptions; both may be empty.
    """
    layout = Layout(plan, kinds, marks.labels, marks.lines)
    base_tally = full[BASELINE]
    filled = base_tally.people.value > 0
    number = int(filled.sum())
    times = hashed.multiplicities(plan.seed, filled) if number > 1 else np.zeros((0, len(filled)))
    spread = np.sqrt(number / (number - 1)) if number > 1 else 1.0
    picked = hashed.picks(plan.seed, len(draws))
    base: _Option | None = None
    results: list[Result] = []
    for name in dict.fromkeys((BASELINE, *full)):
        option = _Option(layout, marks, full[name], times, spread)
        if draws:
            option.shift(layout, marks, full[name], central[name], [draw[name] for draw in draws])
        base = base or option
        results.extend(_results(layout, name, option, base, picked))
    order = {option.name: position for position, option in enumerate(plan.options)}
    return sorted(results, key=lambda result: order.get(result.option, len(order)))


def values_only(
    plan: Plan,
    kinds: Mapping[str, Kind],
    marks: Marks,
    tally: Tally,
    scale: Scaling | None = None,
) -> dict[tuple[str, str, str], float]:
    """(measure, grouping, group) -> value, in the measure's unit, without intervals.

    A tally of a sample wants the option's ``scale`` (``scaling_of``): without it, sums and costs are the sample's, and
    queues have everybody's capacity for the few in the sample.
    """
    layout = Layout(plan, kinds, marks.labels, marks.lines)
    found = evaluate(layout, marks, Stack.single(layout, tally), scale)
    return {
        (measure, grouping, label): value
        for (measure, grouping), values in found.items()
        for label, value in zip(
            group_labels(layout, grouping), (values[0] * shown(plan, measure)[0]).tolist(), strict=True
        )
    }


def scaling_of(plan: Plan, kinds: Mapping[str, Kind], marks: Marks, full: Tally, central: Tally) -> Scaling:
    """What brings an option's tallies of the sample to everybody's size: from its tally over everybody and that of the
    sample, both under central assumptions."""
    return scaling(Layout(plan, kinds, marks.labels, marks.lines), full, central)


def scaling_to(plan: Plan, kinds: Mapping[str, Kind], marks: Marks, whole: Whole, central: Tally) -> Scaling:
    """As ``scaling_of`` where only the size of everybody is known: for a part of the plan, whose tallies hold less."""
    return stacked.scaling_to(Layout(plan, kinds, marks.labels, marks.lines), whole, central)


def values_of_draws(
    plan: Plan,
    kinds: Mapping[str, Kind],
    marks: Marks,
    full: Mapping[str, Tally],
    central: Mapping[str, Tally],
    draws: Sequence[Mapping[str, Tally]],
) -> list[dict[str, dict[str, float]]]:
    """For each draw: option -> measure or cost -> its value on the sample, brought to everybody's size, in its unit.

    Not everybody's value plus what the draw moves: whole neighbourhoods pass or fail, and an option of which one fails
    in the sample would gain more by a draw than there is to gain, and overtake one that is never worse.

    All draws at once: as ``values_only`` of each with its scaling, at a tenth of the cost.
    """
    layout = Layout(plan, kinds, marks.labels, marks.lines)
    answer: list[dict[str, dict[str, float]]] = [{} for _ in draws]
    for option, tally in full.items() if draws else ():
        stack = Stack.of_many(layout, [draw[option] for draw in draws])
        found = evaluate(layout, marks, stack, scaling(layout, tally, central[option]))
        columns = {
            measure: (values[:, 0] * shown(plan, measure)[0]).tolist()
            for (measure, grouping), values in found.items()
            if grouping == ALL
        }
        for number, values in enumerate(answer):
            values[option] = {measure: column[number] for measure, column in columns.items()}
    return answer


def group_labels(layout: Layout, grouping: str) -> tuple[str, ...]:
    if grouping == ALL:
        return (ALL,)
    return tuple(str(year) for year in layout.plan.years) if grouping == "year" else layout.labels[grouping]


class _Option:
    """Values [all groups], errors of replicates [replicates, all groups], shifts of draws [draws, all groups]; the
    groups of every key one after the other, so that quantiles are taken once."""

    def __init__(self, layout: Layout, marks: Marks, tally: Tally, times: Floats, spread: float) -> None:
        self.about = Stack.single(layout, tally)
        found = evaluate(layout, marks, self.about)
        self.keys = {key: values.shape[1] for key, values in found.items()}
        self.values = self._flat(found)[0]
        self.errors = np.zeros((0, len(self.values)))
        self.least = self.values
        """The lowest of value, replicates and draws."""
        kinds = {measure.name: measure.kind for measure in layout.plan.measures}
        tops = [1.0 if kinds.get(measure) in _SHARES else np.inf for measure, _ in self.keys]
        self.top = np.repeat(tops, list(self.keys.values()))
        if len(times):
            replicates = self._flat(evaluate(layout, marks, Stack(layout, tally, times)))
            self.least = np.fmin(self.least, np.fmin.reduce(replicates))
            # a group that a replicate has nobody of says nothing about the error
            self.errors = np.nan_to_num((replicates - self.values) * spread, nan=0.0, posinf=0.0, neginf=0.0)
        self.shifts = np.zeros((0, len(self.values)))

    def _flat(self, found: Mapping[Key, Floats]) -> Floats:
        return np.concatenate([found[key] for key in self.keys], axis=1)

    def shift(self, layout: Layout, marks: Marks, full: Tally, central: Tally, draws: Sequence[Tally]) -> None:
        scale = scaling(layout, full, central)
        found = self._flat(evaluate(layout, marks, Stack.of_many(layout, [central, *draws]), scale))
        # a group that the sample has nobody of: nothing is known of its shift
        self.shifts = np.nan_to_num(found[1:] - found[0], nan=0.0)
        self.least = np.fmin(self.least, np.fmin.reduce(found))

    def off(self, picked: NDArray[np.int64]) -> Floats:
        """How far off the value each replicate is [replicates, all groups], by both errors, cut to what can be.

        Two errors that are added know nothing of bounds: a cost that is 0 in the worst replicate and 0 in the worst
        draw would come out below 0.
        """
        both = np.zeros((len(picked), len(self.values)))
        if len(self.errors):
            both += self.errors
        if len(self.shifts):
            both += self.shifts[picked]
        bottom = np.where(self.least >= 0, 0.0, -np.inf)
        return np.asarray(np.clip(both, bottom - self.values, self.top - self.values))


def _results(layout: Layout, name: str, option: _Option, base: _Option, picked: NDArray[np.int64]) -> list[Result]:
    plan = layout.plan
    found = []
    change = option.values - base.values
    off = option.off(picked)
    low, high = _interval(option.values, off)
    change_low, change_high = _interval(change, off - base.off(picked))
    sampling, drawn = _deviation(option.errors), _deviation(option.shifts)
    everything = np.stack([option.values, low, high, change, change_low, change_high])
    deviations = np.stack([sampling, drawn])
    start = 0
    for key, size in option.keys.items():
        factor, unit = shown(plan, key[0])
        part = slice(start, start + size)
        start += size
        figures = everything[:, part] * factor
        if factor < 0:
            figures = figures[[0, 2, 1, 3, 5, 4]]
        errors = (deviations[:, part] * abs(factor)).T.tolist()
        weight, sample, hits = option.about.about(layout, key)
        for number, label in enumerate(group_labels(layout, key[1])):
            found.append(
                Result(
                    option=name,
                    grouping=key[1],
                    group=label,
                    measure=key[0],
                    unit=unit,
                    value=float(figures[0, number]),
                    low=float(figures[1, number]),
                    high=float(figures[2, number]),
                    change=float(figures[3, number]),
                    change_low=float(figures[4, number]),
                    change_high=float(figures[5, number]),
                    weight=float(weight[number]),
                    sample=int(sample[number]),
                    hits=int(hits[number]),
                    sampling=errors[number][0],
                    assumptions=errors[number][1],
                )
            )
    return found


def shown(plan: Plan, measure: str) -> tuple[float, str]:
    """Scale and unit in which a measure or cost is shown."""
    for found in plan.measures:
        if found.name == measure:
            return found.scale, found.unit
    return plan.payers_scale, plan.payers_unit


def _interval(values: Floats, off: Floats) -> tuple[Floats, Floats]:
    """(low, high) of each value."""
    low, high = np.quantile(np.ascontiguousarray(off.T), ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=1)
    return values + low, values + high


def _deviation(errors: Floats) -> Floats:
    return np.asarray(errors.std(axis=0, ddof=1)) if len(errors) > 1 else np.zeros(errors.shape[1])
