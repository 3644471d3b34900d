"""Results from tallies: values, and intervals from who is in the population and from what is not known.

value     from the tally over everybody, central assumptions
sampling  block bootstrap: blocks of whole clusters drawn with replacement, 400 replicates, the same ones for every
          option, so that changes are paired; spread by sqrt(n / (n - 1)) for n blocks (Rao & Wu 1988)
draws     value of a draw less that of the central assumptions, both on the sample, brought to everybody's size
interval  10 % and 90 % of value + sampling error + the error of a draw that is picked for the replicate
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.policy import ALL, BASELINE, Plan, Result
from udfs.outcomes import blocks as hashed
from udfs.outcomes.layout import Kind, Layout
from udfs.outcomes.marks import Marks
from udfs.outcomes.stack import Key, Stack, evaluate, scaling
from udfs.outcomes.tally import Tally

Floats = NDArray[np.float64]
LEVEL = 0.8


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
    of: Tally | None = None,
    central: Tally | None = None,
) -> dict[tuple[str, str, str], float]:
    """(measure, grouping, group) -> value, without intervals.

    For a tally of a sample, give the same option's tally over everybody (``of``) and on the sample under central
    assumptions (``central``): sums, costs and capacities of queues are then brought to everybody's size.
    """
    layout = Layout(plan, kinds, marks.labels, marks.lines)
    scale = scaling(layout, of, central) if of is not None and central is not None else None
    found = evaluate(layout, marks, Stack.single(layout, tally), scale)
    return {
        (measure, grouping, label): float(value)
        for (measure, grouping), values in found.items()
        for label, value in zip(group_labels(layout, grouping), values[0], strict=True)
    }


def group_labels(layout: Layout, grouping: str) -> tuple[str, ...]:
    if grouping == ALL:
        return (ALL,)
    return tuple(str(year) for year in layout.plan.years) if grouping == "year" else layout.labels[grouping]


class _Option:
    """An option: values [groups], errors of replicates [replicates, groups], shifts of draws [draws, groups]; by key."""

    def __init__(self, layout: Layout, marks: Marks, tally: Tally, times: Floats, spread: float) -> None:
        single = Stack.single(layout, tally)
        self.tally = tally
        self.about = single
        self.values = {key: found[0] for key, found in evaluate(layout, marks, single).items()}
        self.errors: dict[Key, Floats] = {}
        if len(times):
            replicates = evaluate(layout, marks, Stack(layout, tally, times))
            for key, found in replicates.items():
                # a group that a replicate has nobody of says nothing about the error
                self.errors[key] = np.nan_to_num((found - self.values[key]) * spread, nan=0.0, posinf=0.0, neginf=0.0)
        self.shifts: dict[Key, Floats] = {}

    def shift(self, layout: Layout, marks: Marks, full: Tally, central: Tally, draws: Sequence[Tally]) -> None:
        scale = scaling(layout, full, central)
        middle = evaluate(layout, marks, Stack.single(layout, central), scale)
        drawn = [evaluate(layout, marks, Stack.single(layout, draw), scale) for draw in draws]
        for key, found in middle.items():
            # a group that the sample has nobody of: nothing is known of its shift
            self.shifts[key] = np.nan_to_num(np.stack([draw[key][0] for draw in drawn]) - found[0], nan=0.0)


def _results(layout: Layout, name: str, option: _Option, base: _Option, picked: NDArray[np.int64]) -> list[Result]:
    found = []
    for key, values in option.values.items():
        scale, unit = shown(layout.plan, key[0])
        change = values - base.values[key]
        low, high, sampling, drawn = _interval(option.errors.get(key), option.shifts.get(key), picked, len(values))
        errors = option.errors[key] - base.errors[key] if key in option.errors else None
        shifts = option.shifts[key] - base.shifts[key] if key in option.shifts else None
        change_low, change_high, _, _ = _interval(errors, shifts, picked, len(values))
        weight, sample, hits = option.about.about(layout, key)
        for group, label in enumerate(group_labels(layout, key[1])):
            found.append(
                Result(
                    option=name,
                    grouping=key[1],
                    group=label,
                    measure=key[0],
                    unit=unit,
                    value=float(values[group] * scale),
                    low=float((values[group] + low[group]) * scale),
                    high=float((values[group] + high[group]) * scale),
                    change=float(change[group] * scale),
                    change_low=float((change[group] + change_low[group]) * scale),
                    change_high=float((change[group] + change_high[group]) * scale),
                    weight=float(weight[group]),
                    sample=int(sample[group]),
                    hits=int(hits[group]),
                    sampling=float(sampling[group] * abs(scale)),
                    assumptions=float(drawn[group] * abs(scale)),
                )
            )
    return found


def shown(plan: Plan, measure: str) -> tuple[float, str]:
    """Scale and unit in which a measure or cost is shown."""
    for found in plan.measures:
        if found.name == measure:
            return found.scale, found.unit
    return plan.payers_scale, plan.payers_unit


def _interval(
    errors: Floats | None, shifts: Floats | None, picked: NDArray[np.int64], groups: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """(low, high, standard error, standard deviation over draws), each [groups], about the value."""
    nought = np.zeros(groups)
    both = np.zeros((len(picked), groups))
    if errors is not None:
        both = both + errors
    if shifts is not None:
        both = both + shifts[picked]
    low, high = np.quantile(both, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    sampling = errors.std(axis=0, ddof=1) if errors is not None and len(errors) > 1 else nought
    drawn = shifts.std(axis=0, ddof=1) if shifts is not None and len(shifts) > 1 else nought
    return low, high, sampling, drawn
