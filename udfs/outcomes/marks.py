"""What must be known of the baseline over everybody before anything is tallied: medians, quantile cuts, bin edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.policy import ENTITIES, Grouping, Line, Measure, Plan
from udfs.outcomes import histogram, inequality
from udfs.outcomes.layout import Kind, check, needs_spread, where_from

if TYPE_CHECKING:
    from udfs.population.shard import Shard

Floats = NDArray[np.float64]


class Marks(msgspec.Struct, frozen=True):
    """Small: goes to every worker and into the run's files."""

    labels: dict[str, tuple[str, ...]]
    """Grouping -> its groups, in order, as ``Result.group`` names them (``Simulation.group_labels``)."""
    cuts: dict[str, tuple[float, ...]]
    """Grouping of a number -> where its groups begin."""
    lines: dict[str, float]
    """Measure -> its poverty line, unless each option has its own."""
    edges: dict[str, tuple[float, ...]]
    """Variable -> inner edges of its histogram."""

    @staticmethod
    def names(plan: Plan) -> tuple[str, ...]:
        """Variables and columns of which ``Marks.of`` wants the baseline's values; may be empty."""
        found = dict.fromkeys(_medians(plan) + _spreads(plan))
        return tuple(found | dict.fromkeys(grouping.of for grouping in plan.groupings))

    @classmethod
    def of(cls, plan: Plan, kinds: Mapping[str, Kind], parts: Iterable[tuple[Shard, Mapping[str, Any]]]) -> Marks:
        """``parts``: each shard, in order, with the baseline's values of ``Marks.names(plan)``.

        Weighted by people (the members of a household stand behind its value), whatever a measure counts. Keeps 16
        bytes a record of each variable's own entity. Raises UsageError, with the plan's line, for a plan that cannot be
        counted, for groups that nobody is in, for a poverty line that is not above nought.
        """
        check(plan, kinds)
        quantiles = [grouping.of for grouping in plan.groupings if grouping.quantiles]
        kept = tuple(dict.fromkeys(_medians(plan) + _spreads(plan) + tuple(quantiles)))
        cut = [grouping.of for grouping in plan.groupings if kinds[grouping.of].kind == "number"]
        needed = dict.fromkeys((*kept, *cut))
        values: dict[str, list[Floats]] = {name: [] for name in needed}
        weights: dict[str, list[Floats]] = {name: [] for name in needed}
        for shard, base in parts:
            carried: dict[str, Floats] = {}
            for name in needed:
                entity = kinds[name].entity
                if entity not in carried:
                    carried[entity] = people(shard, entity)
                values[name].append(np.asarray(base[name], dtype=np.float64))
                weights[name].append(carried[entity])
        all_values = {name: np.concatenate(found) if found else np.zeros(0) for name, found in values.items()}
        all_weights = {name: np.concatenate(found) if found else np.zeros(0) for name, found in weights.items()}
        cuts, labels = {}, {}
        for grouping in plan.groupings:
            kind = kinds[grouping.of]
            if kind.kind == "number":
                cuts[grouping.name] = _cuts(plan, grouping, all_values[grouping.of], all_weights[grouping.of])
            labels[grouping.name] = _labels(plan, grouping, kind, cuts.get(grouping.name, ()))
        lines = {}
        for measure in plan.measures:
            if measure.kind.startswith("poverty") and not needs_spread(measure):
                lines[measure.name] = _line(plan, measure, all_values, all_weights)
        edges = {name: tuple(histogram.edges(all_values[name], all_weights[name]).tolist()) for name in _spreads(plan)}
        return cls(labels, cuts, lines, edges)


def people(shard: Shard, entity: str) -> Floats:
    """Weighted number of people in each record of ``entity``."""
    if entity == "person" or ENTITIES.index(entity) < ENTITIES.index("person"):
        return shard.weights["person"]
    position = shard.above("person", entity)
    return np.bincount(position, weights=shard.weights["person"], minlength=shard.size(entity)).astype(np.float64)


def _medians(plan: Plan) -> tuple[str, ...]:
    return tuple(
        measure.of
        for measure in plan.measures
        if measure.line_at is not None and measure.line_at.value is None and measure.line_at.anchored
    )


def _spreads(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(measure.of for measure in plan.measures if needs_spread(measure)))


def _line(plan: Plan, measure: Measure, values: Mapping[str, Floats], weights: Mapping[str, Floats]) -> float:
    at = measure.line_at or Line()
    line = at.value
    if line is None:
        line = (at.share or 0.0) * inequality.median(values[measure.of], weights[measure.of])
    if not line > 0:
        message = f"its poverty line is {line:g}; it must be above 0"
        raise where_from(plan, measure.line, f"measure {measure.name}", message)
    return line


def _cuts(plan: Plan, grouping: Grouping, values: Floats, weights: Floats) -> tuple[float, ...]:
    cuts = grouping.cuts
    what = f"grouping {grouping.name}"
    if grouping.quantiles:
        shares = tuple(number / grouping.quantiles for number in range(1, grouping.quantiles))
        cuts = inequality.quantiles(values, weights, shares)
    elif not cuts:
        raise where_from(plan, grouping.line, what, f"{grouping.of} is a number: give cuts or quantiles")
    group = np.searchsorted(np.asarray(cuts), values, side="right")
    there = ~np.isnan(values)
    filled = np.bincount(group[there], weights=weights[there], minlength=len(cuts) + 1) > 0
    if len(values) and not filled.all():
        empty = int(np.flatnonzero(~filled)[0])
        remedy = "many have the same value: use cuts" if grouping.quantiles else "leave a cut out"
        raise where_from(
            plan, grouping.line, what, f"nobody is in group {empty + 1} of {len(cuts) + 1} of {grouping.of}; {remedy}"
        )
    return tuple(float(value) for value in cuts)


def _labels(plan: Plan, grouping: Grouping, kind: Kind, cuts: tuple[float, ...]) -> tuple[str, ...]:
    what = f"grouping {grouping.name}"
    if kind.kind == "category":
        found = kind.titles or kind.categories
    elif kind.kind == "boolean":
        found = ("否", "是")
    elif grouping.quantiles == 5:
        found = ("最低20%", "次低20%", "中间20%", "次高20%", "最高20%")
    elif grouping.quantiles:
        found = tuple(f"第{number}组（共{grouping.quantiles}组）" for number in range(1, grouping.quantiles + 1))
    else:
        said = [f"{cut:.10g}" for cut in cuts]
        between = [f"{low}至{high}（不含）" for low, high in pairwise(said)]
        found = (f"{said[0]}以下", *between, f"{said[-1]}及以上")
    if grouping.labels:
        if len(grouping.labels) != len(found):
            message = f"{len(grouping.labels)} labels for {len(found)} groups"
            raise where_from(plan, grouping.line, what, message)
        return grouping.labels
    if not found:
        raise where_from(plan, grouping.line, what, f"{grouping.of} has no categories")
    return found
