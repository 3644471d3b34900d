"""Measures, groupings, queues and payers of a plan, checked against what the rules and the population know."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from schemas.policy import ALL, Grouping, Line, Measure, Payer, Queue
from udfs.lined import Node
from udfs.plans import units
from udfs.plans.names import NAME, Names, pick

SHARES = ("share", "gainers", "losers", "poverty_rate", "served")
"""Kinds whose value is a share: hits are counted, and they are shown in per cent."""
KINDS = (
    *("sum", "mean", "share", "ratio", "gainers", "losers", "poverty_rate", "poverty_gap", "gini", "s80s20"),
    *("wait", "served"),
)
_QUEUED = ("wait", "served")
_CHANGES = ("gainers", "losers")
_POVERTY = ("poverty_rate", "poverty_gap")
_MOST_GROUPS = 100
_MEASURE = ("title", "count", "where", "over", "threshold", "line", "scale", "unit", "aim", "weight")


def groupings(node: Node | None, names: Names) -> tuple[Grouping, ...]:
    """Raises UsageError: unknown column, cuts that do not ascend, labels of another number than the groups."""
    return tuple(_grouping(name, item, names) for name, item in named(node, reserved=(ALL, "year")))


def _grouping(name: str, node: Node, names: Names) -> Grouping:
    node.mapping(("title", "of", "cuts", "quantiles", "labels"), ("of",))
    of = names.find(node["of"])
    cuts: tuple[float, ...] = ()
    quantiles = 0
    if of.kind == "number":
        if ("cuts" in node) == ("quantiles" in node):
            node.fail(f"{of.name!r} is a number: write 'cuts' or 'quantiles', one of them")
        if "cuts" in node:
            cuts = node["cuts"].numbers()
            if not cuts or list(cuts) != sorted(set(cuts)):
                node["cuts"].fail("the cuts must ascend, each once")
        else:
            quantiles = node["quantiles"].integer(2, _MOST_GROUPS)
        groups = quantiles or len(cuts) + 1
    else:
        for key in ("cuts", "quantiles"):
            if key in node:
                node[key].fail(f"{of.name!r} is a {of.kind}: it is not cut")
        groups = 2 if of.kind == "boolean" else of.groups
    if groups > _MOST_GROUPS:
        node.fail(f"{groups} groups; at most {_MOST_GROUPS}")
    labels = node["labels"].texts() if "labels" in node else ()
    if labels and (len(labels) != groups or len(set(labels)) < groups):
        node["labels"].fail(f"{len(labels)} labels; {groups} different ones are wanted, one for each group")
    return Grouping(name, title(node, name), of.name, cuts, quantiles, labels, node.line)


def queues(node: Node | None, names: Names, years: int) -> tuple[Queue, ...]:
    """Raises UsageError: not of the neighbourhood, a capacity of another length than the years."""
    return tuple(_queue(name, item, names, years) for name, item in named(node))


def _queue(name: str, node: Node, names: Names, years: int) -> Queue:
    node.mapping(("title", "order", "load", "capacity", "when", "carry"), ("order", "load", "capacity"))
    for key, kind in (("order", "number"), ("load", "number"), ("when", "boolean")):
        if key in node and (found := names.find(node[key], kind)).entity != "neighbourhood":
            node[key].fail(f"{found.name!r} is of the {found.entity}; neighbourhoods wait, so theirs is wanted")
    capacity = tuple(year.number(low=0) for year in node["capacity"].list())
    if len(capacity) != years:
        node["capacity"].fail(f"{len(capacity)} numbers for {years} years: one for each year")
    return Queue(
        name=name,
        title=title(node, name),
        order=node["order"].text(),
        load=node["load"].text(),
        capacity=capacity,
        when=node["when"].text() if "when" in node else "",
        carry=node["carry"].boolean() if "carry" in node else True,
        line=node.line,
    )


class Payers(NamedTuple):
    payers: tuple[Payer, ...] = ()
    queue: str = ""
    scale: float = 1.0
    unit: str = "元"


def payers(node: Node | None, names: Names, queued: Collection[str]) -> Payers:
    """Raises UsageError: not money, money a year paid once, or the other way round."""
    if node is None:
        return Payers()
    node.mapping(("queue", "scale", "unit", "who"), ("who",))
    queue = pick(node["queue"], queued, "queue") if "queue" in node else ""
    found = []
    for name, item in named(node["who"]):
        item.mapping(("title", "of", "timing"), ("of",))
        timing = item["timing"].text(("annual", "once")) if "timing" in item else "annual"
        of = names.find(item["of"], "number")
        wanted = "CNY" if timing == "once" else "CNY/year"
        if units.parse(of.unit) != units.parse(wanted):
            item.fail(f"{of.name!r} is in {of.unit}; what is paid {timing} is in {wanted}")
        if of.entity == "district":
            item["of"].fail(f"{of.name!r} is of the district, which lies in many shards: name one of a lower entity")
        found.append(Payer(name, title(item, name), of.name, timing, item.line))
    unit, scale = _shown(node, "CNY", "元")
    return Payers(tuple(found), queue, scale, unit)


def measures(node: Node, names: Names, queued: Collection[str]) -> tuple[Measure, ...]:
    """Raises UsageError: a kind without what it needs, units, weights, variables below what is counted."""
    found = tuple(_measure(name, item, names, queued) for name, item in named(node, reserved=("cost",)))
    if not found:
        node.fail("no measure: nothing would be known of the options")
    return found


def _measure(name: str, node: Node, names: Names, queued: Collection[str]) -> Measure:
    node.mapping((*_MEASURE, *KINDS))
    kinds = [kind for kind in KINDS if kind in node]
    if len(kinds) != 1:
        node.fail(f"exactly one of {', '.join(KINDS)} is wanted" + (f", not {' and '.join(kinds)}" if kinds else ""))
    kind = kinds[0]
    _belongs(node, kind)
    count = names.entity(node["count"]) if "count" in node else "person"
    if count == "district":
        node["count"].fail("districts cannot be counted: they lie in many shards")
    if "where" in node:
        names.find(node["where"], "boolean", of=count)
    queue = of = over = ""
    if kind in _QUEUED:
        queue = pick(node[kind], queued, "queue")
        computed = "year" if kind == "wait" else "1"
    else:
        of, over, computed = _variables(node, kind, names, count)
    unit, scale = _shown(node, computed, "%" if kind in SHARES else units.chinese(computed))
    aim = node["aim"].text(("more", "less")) if "aim" in node else ""
    weight = _weight(node["weight"]) if "weight" in node else 0.0
    if weight and not aim:
        node["weight"].fail("a weight without an aim: write 'aim: more' or 'aim: less'")
    return Measure(
        name=name,
        title=title(node, name),
        kind=kind,
        of=of,
        over=over,
        where=node["where"].text() if "where" in node else "",
        count=count,
        threshold=node["threshold"].number(low=0) if "threshold" in node else 0.0,
        line_at=_line(node["line"], names.find(node[kind]).unit) if kind in _POVERTY else None,
        queue=queue,
        scale=scale,
        unit=unit,
        aim=aim,
        weight=weight,
        line=node.line,
    )


def _belongs(node: Node, kind: str) -> None:
    """Keys that only some kinds have."""
    for key, whose in (("over", ("ratio",)), ("threshold", _CHANGES), ("line", _POVERTY)):
        if key in node and kind not in whose:
            node[key].fail(f"{kind!r} has none; it belongs to {', '.join(whose)}")
        if key not in node and kind in whose and key != "threshold":
            node.fail(f"{kind!r} wants {key!r} too")


def _variables(node: Node, kind: str, names: Names, count: str) -> tuple[str, str, str]:
    """``of``, ``over`` and the unit in which the value is computed."""
    kinds = {"share": ("boolean",), "sum": ("number", "boolean"), "ratio": ("number", "boolean")}.get(kind, ("number",))
    of = names.find(node[kind], *kinds, of=count)
    if kind == "ratio":
        over = names.find(node["over"], *kinds, of=count)
        return of.name, over.name, units.divide(of.unit, over.unit)
    return of.name, "", of.unit if kind in ("sum", "mean") else "1"


def _line(node: Node, unit: str) -> Line:
    node.mapping(("share", "anchored", "value", "unit"))
    if ("share" in node) == ("value" in node):
        node.fail("a poverty line is 'share' (of the median) or 'value' (an amount), one of them")
    if "value" in node:
        if "anchored" in node:
            node["anchored"].fail("an amount is the same for every option")
        if node["unit"].text() != unit:
            node["unit"].fail(f"the line is in {node['unit'].text()}, what it is held against in {unit}")
        return Line(value=node["value"].number(low=0))
    if "unit" in node:
        node["unit"].fail("a share has no unit")
    share = node["share"].number(low=0, high=10)
    return Line(share=share, anchored=node["anchored"].boolean() if "anchored" in node else True)


def _shown(node: Node, computed: str, default: str) -> tuple[str, float]:
    """The unit that is shown, and the factor to it."""
    unit = node["unit"].text() if "unit" in node else default
    where = node.get("unit") or node
    given = node["scale"].number() if "scale" in node else None
    if given is not None and given <= 0:
        node["scale"].fail(f"{given:g} is no scale: it must be above 0")
    try:
        scale = units.scale(unit, computed)
    except units.UnknownUnitError as error:
        where.fail(str(error))
    if scale is None:
        where.fail(f"shown in {unit}, computed in {computed}: they do not fit; {units.chinese(computed)} would")
    if units.any_scale(unit):
        return unit, given if given is not None else 1.0
    if given is not None and not math.isclose(given, scale, rel_tol=1e-9):
        node["scale"].fail(f"{given:g} does not lead from {computed} to {unit}: {scale:g} does; leave 'scale' out")
    return unit, scale


def _weight(node: Node) -> float:
    if isinstance(node.value, float) and math.isnan(node.value):
        node.fail("NaN is no weight")
    return node.number(low=0, high=1e6)


def splits(measure: Measure, grouping: Grouping, names: Mapping[str, str]) -> bool:
    """Whether the measure is told for each group of the grouping; ``names``: variable or column -> entity.

    Not when the groups are of an entity below what is counted (households have no age), and not for what is of
    everybody only (Gini, quintile share ratio, a poverty line that moves with the option).
    """
    if measure.kind in ("gini", "s80s20"):
        return False
    if measure.line_at is not None and measure.line_at.share is not None and not measure.line_at.anchored:
        return False
    return Names.reaches(names[grouping.of], measure.count)


def named(node: Node | None, reserved: Collection[str] = ()) -> list[tuple[str, Node]]:
    """Items under names of the plan's own."""
    if node is None:
        return []
    found = list(node.items())
    for name, item in found:
        if not re.fullmatch(NAME, name):
            item.fail(f"{name!r} is no name: letters, digits and _, at most 60")
        if name in reserved:
            item.fail(f"{name!r} is taken: choose another name")
    return found


def title(node: Node, name: str) -> str:
    """As it is shown; the name where none is given."""
    return node["title"].text() if "title" in node else name
