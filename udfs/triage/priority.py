"""How urgent a post is, by the contract's four levels, with the reasons.

1  life at risk now      2  a group without food, water or medicine, or stranded
3  responder goods, manpower, other hazards, offers      4  the rest

A post that neither asks, offers nor reports a hazard is 4 whatever it says. Reasons name rules and lexicon words, never
the post's own words, so they may be logged and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_RISING = {"flood_rising", "collapse", "landslide", "dyke_breach", "fire", "gas", "electric"}
_LIFELINES = ("oxygen", "dialysis", "insulin", "in_labour")
_ASKS = {"rescue", "medical", "supplies", "shelter", "transport", "missing_person", "other_help"}


@dataclass(frozen=True)
class Facts:
    """What a decision is made from."""

    needs: frozenset[str]
    hazards: Sequence[str] = ()
    urgency: frozenset[str] = frozenset()  # kinds of `lexicon/facts/people.yaml`, category urgency
    vulnerable: frozenset[str] = frozenset()
    item_kinds: frozenset[str] = frozenset()
    settled: bool = False  # a settlement is named (lexicon, or a place at town, village or poi level)
    source_kind: str = "self"
    state: str = "open"


def decide(facts: Facts) -> tuple[int, list[str]]:
    """Return the priority 1-4 and the reasons, the deciding one first."""
    if not facts.needs and not facts.hazards:
        return 4, ["no need and no hazard"]
    if facts.state == "closed":
        return 4, ["the call was answered"]
    for priority, rules in ((1, _FIRST), (2, _SECOND)):
        reasons = [reason for rule in rules if (reason := rule(facts)) is not None]
        if reasons:
            return priority, reasons
    return 3, [_third(facts)]


def _trapped(facts: Facts) -> str | None:
    # the classifier may miss a call that reports its hazard plainly; a report of the media is not one
    called = "rescue" in facts.needs or not (facts.needs or facts.source_kind in ("media", "official"))
    if not called:
        return None
    danger = [hazard for hazard in facts.hazards if hazard in _RISING]
    if "trapped" in facts.urgency and danger:
        return f"trapped, with {', '.join(danger)}"
    if {"trapped", "boats"} <= facts.urgency:
        return "trapped where boats are needed"
    if "high_place" in facts.urgency and ("trapped" in facts.urgency or "flood_rising" in facts.hazards):
        return "on a roof, a tree or in mid-stream"
    if "flood_rising" in facts.hazards and (facts.vulnerable or "danger" in facts.urgency):
        return "rising water around vulnerable people"
    if {"collapse", "landslide", "fire"} & set(facts.hazards) and "danger" in facts.urgency:
        return "danger of life in a collapse, landslide or fire"
    return None


def _lifeline(facts: Facts) -> str | None:
    found = [name for name in _LIFELINES if name in facts.vulnerable]
    if found and facts.needs & _ASKS:
        return f"depends on help now: {', '.join(found)}"
    return None


def _immobile(facts: Facts) -> str | None:
    cut_off = bool({"trapped", "cut_off"} & facts.urgency) or bool(set(facts.hazards) & (_RISING | {"road_cut"}))
    if "immobile" in facts.vulnerable and cut_off and facts.needs & _ASKS:
        return "immobile people cut off"
    return None


def _missing(facts: Facts) -> str | None:
    if "missing_person" in facts.needs and facts.hazards and "long_ago" not in facts.urgency:
        return "missing in a hazard area"
    return None


def _breach(facts: Facts) -> str | None:
    if "dyke_breach" in facts.hazards and facts.settled:
        return "a breach above a settlement"
    return None


def _danger(facts: Facts) -> str | None:
    if "danger" in facts.urgency and facts.needs & {"rescue", "medical"}:
        return "danger of life is stated"
    return None


def _hungry(facts: Facts) -> str | None:
    if not facts.needs & _ASKS:
        return None
    if "hunger" in facts.urgency:
        return "without food, water or medicine"
    for_responders = "responder" in facts.item_kinds and "responders" in facts.urgency
    if "supplies" in facts.needs and facts.item_kinds & {"survival", "medical"} and not for_responders:
        return "food, water, shelter goods or medicine asked for"
    if "supplies" in facts.needs and not facts.item_kinds and "responders" not in facts.urgency:
        return "supplies asked for"
    return None


def _stranded(facts: Facts) -> str | None:
    if "rescue" in facts.needs and not _only_gear(facts):
        return "rescue asked for"
    if "shelter" in facts.needs:
        return "shelter asked for"
    if "transport" in facts.needs and ({"stranded", "trapped", "cut_off"} & facts.urgency or facts.hazards):
        return "stranded"
    return None


def _only_gear(facts: Facts) -> bool:
    """Whether "rescue" is a rescuer's request for gear rather than a call."""
    return facts.item_kinds == {"responder"} and "responders" in facts.urgency and "trapped" not in facts.urgency


def _ill(facts: Facts) -> str | None:
    if "medical" in facts.needs and not ("responders" in facts.urgency and facts.item_kinds and not facts.vulnerable):
        return "medical help asked for"
    return None


def _lost(facts: Facts) -> str | None:
    return "a missing person" if "missing_person" in facts.needs else None


def _third(facts: Facts) -> str:
    if facts.needs & _ASKS:
        return "goods, manpower or other help asked for"
    if facts.hazards:
        return f"a hazard: {', '.join(facts.hazards)}"
    return "help offered"


_Rule = Callable[[Facts], str | None]
_FIRST: tuple[_Rule, ...] = (_trapped, _lifeline, _immobile, _missing, _breach, _danger)
_SECOND: tuple[_Rule, ...] = (_hungry, _stranded, _ill, _lost)
