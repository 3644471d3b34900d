"""How measured sentiment of posts enters a plan: as a sensitivity only, for those who post are not the residents."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from schemas.policy import Assumption, Column, Sentiment
from udfs.formulas import RuleSet
from udfs.lined import Node
from udfs.plans.names import nearest

EFFECT, MEASURED, DISTRICT = "sentiment_effect", "measured_sentiment", "district"
"""The assumption of the rules, and the columns of the population, that it works through."""
_DAYS = 366
_ADCODE = re.compile(r"[1-9]\d{5}")


def read(
    node: Node | None, rules: RuleSet, columns: Mapping[str, Column], entities: Collection[str]
) -> Sentiment | None:
    """What the plan asks for; None when it does not. Raises UsageError with the line."""
    if node is None:
        return None
    node.mapping(("effect", "days", "districts"), ("effect", "districts"))
    assumption = rules.assumptions.get(EFFECT)
    if assumption is None:
        node.fail(f"the rules {rules.name!r} have no assumption {EFFECT!r}: no formula of theirs takes sentiment")
    if (assumption.distribution, assumption.central) != ("fixed", 0):
        node.fail(f"the rules' {EFFECT!r} is not fixed at 0: the ranking itself would use measured sentiment")
    measured, district = columns.get(MEASURED), columns.get(DISTRICT)
    if measured is None or (measured.entity, measured.kind) != ("neighbourhood", "number"):
        node.fail(f"the population has no column {MEASURED!r}, a number of the neighbourhood")
    if district is None or (district.entity, district.kind) != ("district", "category") or "district" not in entities:
        node.fail(f"the population has no column {DISTRICT!r}, a category of the district")
    effect = node["effect"].number(assumption.low, assumption.high)
    if effect == 0:
        node["effect"].fail("with 0 nothing could change: leave 'sentiment' out")
    days = node["days"].integer(1, _DAYS) if "days" in node else 30
    return Sentiment(effect, days, _districts(node["districts"], district), node.line)


def kept_out(root: Node, assumptions: Iterable[Assumption]) -> None:
    """Refuse a plan whose ranking would use measured sentiment. Raises UsageError with the line."""
    said = root.get("assumptions")
    if said is None or EFFECT not in said:
        return
    (found,) = (one for one in assumptions if one.name == EFFECT)
    if (found.distribution, found.central) != ("fixed", 0):
        said[EFFECT].fail("measured sentiment takes no part in a ranking: write 'sentiment: {effect: ...}' instead")


def _districts(node: Node, column: Column) -> dict[str, str]:
    """By name or by Chinese title."""
    titles = dict(zip(column.titles, column.categories, strict=False))
    found: dict[str, str] = {}
    for said, value in node.items():
        name = titles.get(said, said)
        if name not in column.categories:
            value.fail(f"the population has no district {said!r}{nearest(said, [*column.categories, *column.titles])}")
        if name in found:
            value.fail(f"{name!r} stands twice, by name and by title")
        code = str(value.value) if isinstance(value.value, int) else value.text()
        if not _ADCODE.fullmatch(code):
            value.fail(f"{code!r} is no county's code: six digits, such as 410102")
        found[name] = code
    if not found:
        node.fail("no district: name at least one with the code of its county")
    return found
