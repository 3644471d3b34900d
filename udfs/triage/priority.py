"""How urgent a post is, by the contract's four levels, with the reasons.

1  life at risk now      2  a group without food, water or medicine, or stranded
3  responder goods, manpower, other hazards, offers      4  the rest

A missed 1 may cost a life, a false 1 costs an officer's minute. So a call for rescue is 1 until something speaks
against it (gear for rescuers, a game or a film), and so is a person missing lately. Other needs are 1 with evidence of
danger. A post that neither asks, offers nor reports a hazard is 4, unless the rules see a call and the model does not
rule it out. Reasons name rules and lexicon words, never the post's own words, so they may be logged and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_RISING = {"flood_rising", "collapse", "landslide", "dyke_breach", "fire", "gas", "electric"}
_SUDDEN = {"fire", "gas", "landslide", "dyke_breach", "electric"}
_LIFELINES = ("oxygen", "dialysis", "insulin", "in_labour")
_FRAIL = {"elderly", "infant", "child", "pregnant", "in_labour", "disabled", "immobile", "patient", "injured"}
_HELD = {"trapped", "high_place", "deep_water"}
_ASKS = {"rescue", "medical", "supplies", "shelter", "transport", "missing_person", "other_help"}
_REPORTERS = ("media", "official")


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
    rescue_by_rule: bool = False  # the need lexicon sees a call for rescue, whatever was classified
    likely: bool = True  # the model does not rule out that help is asked for
    half_sure: bool = False  # the model holds it for nearly as likely as not, but cannot say for what help
    faint: bool = False  # no rule sees a need, and the model is not sure of any
    disaster: bool = False  # words of a disaster, in hashtags too
    unreal: bool = False  # words of a game, a film, a drill, advice, exaggeration
    group: bool = False  # many people, as in a camp


def decide(facts: Facts) -> tuple[int, list[str]]:
    """Return the priority 1-4 and the reasons, the deciding one first."""
    if not facts.needs and not facts.hazards and not _called(facts):
        return 4, ["no need and no hazard"]
    if facts.state == "closed":
        return 4, ["the call was answered"]
    if facts.faint and not (facts.hazards or facts.urgency or facts.vulnerable or facts.disaster):
        return 3, ["perhaps a call, without a word that says so"]
    for priority, rules in ((1, _FIRST), (2, _SECOND)):
        reasons = [reason for rule in rules if (reason := rule(facts)) is not None]
        if reasons:
            return priority, reasons
    return 3, [_third(facts)]


def _asks(facts: Facts) -> bool:
    return bool(facts.needs & _ASKS)


def _called(facts: Facts) -> bool:
    """Whether a post that names no need is a call all the same: the classifier may miss one in plain words."""
    if facts.needs or facts.source_kind in _REPORTERS or facts.unreal or facts.state in ("unclear", "closed"):
        return False
    return (facts.rescue_by_rule and facts.likely) or (facts.half_sure and not _RISING.isdisjoint(facts.hazards))


def _rescue(facts: Facts) -> str | None:
    if "rescue" not in facts.needs or _only_gear(facts):
        return None
    if facts.unreal and not (facts.hazards or facts.disaster or "lately" in facts.urgency):
        return None
    danger = [hazard for hazard in facts.hazards if hazard in _RISING]
    return f"rescue asked for, with {', '.join(danger)}" if danger else "rescue asked for"


def _trapped(facts: Facts) -> str | None:
    if not (_asks(facts) or _called(facts)) or _for_responders(facts):
        return None
    danger = [hazard for hazard in facts.hazards if hazard in _RISING]
    if "trapped" in facts.urgency and danger:
        return f"trapped, with {', '.join(danger)}"
    if {"trapped", "boats"} <= facts.urgency:
        return "trapped where boats are needed"
    if "high_place" in facts.urgency and ("trapped" in facts.urgency or "flood_rising" in facts.hazards):
        return "on a roof, a tree or in mid-stream"
    if "deep_water" in facts.urgency:
        return "in deep water"
    if "flood_rising" in facts.hazards and ("danger" in facts.urgency or _called(facts)):
        return "danger of life in rising water"
    if {"collapse", "landslide", "fire"} & set(facts.hazards) and "danger" in facts.urgency:
        return "danger of life in a collapse, landslide or fire"
    return None


def _frail(facts: Facts) -> str | None:
    """People who cannot save themselves, next to a hazard that leaves no time, whatever is asked for."""
    calls = facts.needs & {"rescue", "medical", "transport", "other_help"} and "supplies" not in facts.needs
    if not calls or not _FRAIL & facts.vulnerable or facts.source_kind in _REPORTERS:
        return None
    near = [hazard for hazard in facts.hazards if hazard in _SUDDEN]
    return f"vulnerable people near {', '.join(near)}" if near else None


def _lifeline(facts: Facts) -> str | None:
    found = [name for name in _LIFELINES if name in facts.vulnerable]
    if found and _asks(facts):
        return f"depends on help now: {', '.join(found)}"
    return None


def _immobile(facts: Facts) -> str | None:
    if not _asks(facts) or "immobile" not in facts.vulnerable or _for_responders(facts):
        return None
    cut_off = bool({"trapped", "cut_off"} & facts.urgency)
    if not facts.needs <= {"supplies", "shelter", "offer"}:  # they may be in a camp already
        cut_off = cut_off or bool(set(facts.hazards) & (_RISING | {"road_cut"}))
    if cut_off:
        return "immobile people cut off"
    return None


def _missing(facts: Facts) -> str | None:
    if "missing_person" not in facts.needs or "long_ago" in facts.urgency:
        return None
    if facts.hazards or facts.disaster:
        return "missing in a hazard area"
    # of 85 labelled posts that miss somebody, most without a word of the hazard, 84 are 1; "years ago" is what tells
    return "missing, and nothing says for long"


def _breach(facts: Facts) -> str | None:
    if facts.state == "unclear" or facts.unreal or _for_responders(facts):
        return None
    if "dyke_breach" in facts.hazards and facts.settled:
        return "a breach above a settlement"
    return None


def _danger(facts: Facts) -> str | None:
    if not facts.needs & {"rescue", "medical"}:
        return None
    if "danger" in facts.urgency:
        return "danger of life is stated"
    many = "supplies" in facts.needs and facts.group  # a camp without medicine is 2
    if "critical" in facts.urgency and not many:
        return "an emergency of medicine"
    if not many and {"trapped", "cut_off"} & facts.urgency and facts.vulnerable & _FRAIL:
        return "ill and cut off"
    goods = "supplies" in facts.needs or bool(facts.item_kinds)
    if "medical" in facts.needs and not goods and facts.source_kind not in _REPORTERS:
        return "a patient, not goods"
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


def _for_responders(facts: Facts) -> bool:
    """Whether goods or hands are asked for by those who help, whatever they tell of the water."""
    if not facts.needs or not facts.needs <= {"supplies", "other_help", "offer"}:
        return False
    return facts.source_kind == "volunteer" or (facts.item_kinds == {"responder"} and "responders" in facts.urgency)


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
_FIRST: tuple[_Rule, ...] = (_rescue, _trapped, _frail, _lifeline, _immobile, _missing, _breach, _danger)
_SECOND: tuple[_Rule, ...] = (_hungry, _stranded, _ill, _lost)
