"""Constraints of a plan: bounds on measures and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.policy import ALL, Constraint, Grouping, Measure, Payer
from udfs.lined import Node
from udfs.plans.measures import named, splits, title
from udfs.plans.names import pick

_KEYS = ("title", "measure", "grouping", "at", "at_most", "at_least", "outcome")


def read(
    node: Node | None,
    measures: Sequence[Measure],
    payers: Sequence[Payer],
    groupings: Sequence[Grouping],
    entities: Mapping[str, str],
) -> tuple[Constraint, ...]:
    """``entities``: variable or column -> entity. Raises UsageError: unknown measure, groups it does not have."""
    by_name: dict[str, Measure | None] = {measure.name: measure for measure in measures}
    if payers:
        by_name |= {"cost": None, **{f"cost:{payer.name}": None for payer in payers}}
    found = []
    for name, item in named(node):
        item.mapping(_KEYS, ("measure",))
        measure = by_name[pick(item["measure"], by_name, "measure")]
        grouping = item["grouping"].text() if "grouping" in item else ALL
        _fits(item, grouping, measure, groupings, entities)
        at_most = item["at_most"].number() if "at_most" in item else None
        at_least = item["at_least"].number() if "at_least" in item else None
        if at_most is None and at_least is None:
            item.fail("no bound: write 'at_most' or 'at_least'")
        if at_most is not None and at_least is not None and at_least > at_most:
            item.fail(f"at_least {at_least:g} is above at_most {at_most:g}: nothing could meet it")
        found.append(
            Constraint(
                name=name,
                title=title(item, name),
                measure=item["measure"].text(),
                grouping=grouping,
                at=item["at"].text(("value", "change", "change_share")) if "at" in item else "value",
                at_most=at_most,
                at_least=at_least,
                outcome=item["outcome"].text(("infeasible", "intercept")) if "outcome" in item else "intercept",
                line=item.line,
            )
        )
    return tuple(found)


def _fits(
    node: Node, grouping: str, measure: Measure | None, groupings: Sequence[Grouping], entities: Mapping[str, str]
) -> None:
    """Raises UsageError when there are no results of this measure for this grouping."""
    if grouping == ALL:
        return
    where = node["grouping"]
    if measure is None:
        if grouping != "year":
            where.fail(f"costs are told for '{ALL}' and by 'year', not by {grouping!r}")
        return
    if grouping == "year":
        where.fail(f"only costs are told by year, not {measure.name!r}")
    has = [found.name for found in groupings if splits(measure, found, entities)]
    if grouping == "*":
        if not has:
            where.fail(f"no grouping splits {measure.name!r}")
        return
    pick(where, [found.name for found in groupings], "grouping")
    if grouping not in has:
        where.fail(f"{grouping!r} does not split {measure.name!r}, which counts each {measure.count}")
