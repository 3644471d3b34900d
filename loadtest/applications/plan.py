"""Which application comes at which place: a pure function of options and index, so that any process can make any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from loadtest.applications import enterprise, food, lift, neighbourhood, road
from loadtest.applications.faults import FAULTS
from loadtest.applications.hostile import HOSTILE
from loadtest.applications.invention import dice
from loadtest.applications.paper import Case, Defect

KINDS = ("text", "clean", "poor", "hostile")
TYPES = {module.NAME: module for module in (road, food, enterprise, lift, neighbourhood)}
DUPLICATE = "generic.duplicate"


@dataclass(frozen=True)
class Options:
    """What is made. ``kinds`` are weights; ``defective`` is the share of applications with a defect."""

    seed: int
    split: str
    on: date
    types: tuple[str, ...] = tuple(TYPES)
    kinds: tuple[tuple[str, float], ...] = (("text", 10.0), ("clean", 4.0), ("poor", 4.0), ("hostile", 1.0))
    defective: float = 0.6


@dataclass(frozen=True)
class Plan:
    """An application to be made."""

    index: int
    id: str
    type: str
    kind: str
    defect: str
    """"" or the name of what is wrong: a rule, a fault of FAULTS, `generic.duplicate` or `hostile.NAME`."""
    values: int
    """Index of the application whose values it has: its own, or the earlier one that it repeats."""


def plan(options: Options, index: int) -> Plan:
    """The application at that index."""
    rng = dice(options.seed, options.split, index, "plan")
    kind = rng.choices([name for name, _ in options.kinds], [weight for _, weight in options.kinds])[0]
    type_ = rng.choice(options.types)
    defect, values = "", index
    if kind == "hostile":
        defect = "hostile." + rng.choice(sorted(HOSTILE))
    elif rng.random() < options.defective:
        rules, general = sorted(TYPES[type_].DEFECTS), [*sorted(FAULTS), DUPLICATE]
        # rules of the type twice as often as the general faults together
        defect = rng.choice(rules) if rng.random() < 2 / 3 else rng.choice(general)
    if defect == DUPLICATE:
        values = earlier(options, index, type_)
        if values == index:
            defect = ""
    return Plan(index, f"{options.split}-{options.seed}-{index:06}", type_, kind, defect, values)


def earlier(options: Options, index: int, type_: str) -> int:
    """The nearest earlier application of the type that has nothing wrong, within 200; else the index itself."""
    for before in range(index - 1, max(-1, index - 200), -1):
        found = plan(options, before)
        if found.type == type_ and not found.defect:
            return before
    return index


def invented(options: Options, wanted: Plan) -> Case:
    """The application's values, papers and defects."""
    module = TYPES[wanted.type]
    rule = wanted.defect if wanted.defect in module.DEFECTS else ""
    case: Case = module.draw(dice(options.seed, options.split, wanted.values, "values"), options.on, rule)
    if rule:
        case.defects.append(module.DEFECTS[rule])
    elif wanted.defect == DUPLICATE:
        case.defects.append(Defect(DUPLICATE, "refer"))
    elif wanted.defect in FAULTS:
        rng = dice(options.seed, options.split, wanted.index, "fault")
        made = FAULTS[wanted.defect](case, rng, options.on) or FAULTS["generic.missing"](case, rng, options.on)
        if made:
            case.defects.append(made)
    return case
