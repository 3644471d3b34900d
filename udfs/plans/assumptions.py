"""What a plan says of the rules' assumptions: another distribution, narrower limits, a fixed value."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.policy import Assumption
from udfs.lined import Node
from udfs.plans.names import pick

_NUMBERS = {"normal": 2, "uniform": 2, "triangular": 3, "beta": 2}


def read(node: Node | None, known: Mapping[str, Assumption]) -> tuple[Assumption, ...]:
    """The rules' assumptions in their order, as the plan changes them. Raises UsageError with the line."""
    changed = dict(known)
    for name, item in node.items() if node is not None else ():
        pick(Node(name, item.file, item.line, item.name), known, "assumption")
        changed[name] = _changed(item, known[name])
    return tuple(changed.values())


def _changed(node: Node, rule: Assumption) -> Assumption:
    node.mapping((*_NUMBERS, "fixed", "central", "low", "high"))
    kinds = [kind for kind in (*_NUMBERS, "fixed") if kind in node]
    if len(kinds) > 1:
        node.fail(f"one distribution is wanted, not {' and '.join(kinds)}")
    low, high = _limit(node, "low", rule), _limit(node, "high", rule)
    if low is not None and high is not None and low > high:
        node.fail(f"low {low:g} is above high {high:g}")
    distribution, numbers, central = rule.distribution, rule.numbers, rule.central
    if kinds == ["fixed"]:
        distribution, numbers, central = "fixed", (), node["fixed"].number()
    elif kinds:
        distribution = kinds[0]
        numbers = node[distribution].numbers()
        central = _central(node[distribution], distribution, numbers, low, high)
    elif not {"central", "low", "high"} & set(node.mapping()):
        node.fail(f"write a distribution ({', '.join(_NUMBERS)}) or 'fixed: {rule.central:g}'")
    if "central" in node:
        if distribution == "fixed":
            node["central"].fail("write 'fixed' with this value")
        central = node["central"].number()
    _inside(node, central, low, high, "the central value")
    return msgspec.structs.replace(
        rule, distribution=distribution, numbers=numbers, central=central, low=low, high=high, line=node.line
    )


def _limit(node: Node, key: str, rule: Assumption) -> float | None:
    """The rule set's limit or a narrower one: what the rules' evidence does not hold is not for a plan to assume."""
    if key not in node:
        return rule.low if key == "low" else rule.high
    return node[key].number(rule.low, rule.high)


def _central(node: Node, distribution: str, numbers: tuple[float, ...], low: float | None, high: float | None) -> float:
    """Mean or mode, once the numbers make sense."""
    wanted = _NUMBERS[distribution]
    if len(numbers) != wanted:
        node.fail(f"{wanted} numbers are wanted, not {len(numbers)}")
    if distribution == "normal":
        if numbers[1] <= 0:
            node.fail(f"a standard deviation of {numbers[1]:g}: it must be above 0")
        return numbers[0]
    if distribution == "beta":
        if min(numbers) <= 0:
            node.fail("both numbers of a beta distribution must be above 0")
        return numbers[0] / sum(numbers)
    if list(numbers) != sorted(numbers) or numbers[0] == numbers[-1]:
        node.fail("the numbers must ascend: low" + (", mode" if wanted == 3 else "") + ", high")
    for number in (numbers[0], numbers[-1]):
        _inside(node, number, low, high, f"{distribution}'s end")
    return numbers[1] if wanted == 3 else (numbers[0] + numbers[1]) / 2


def _inside(node: Node, value: float, low: float | None, high: float | None, what: str) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        node.fail(f"{what} {value:g} lies outside {_shown(low)}..{_shown(high)}")


def _shown(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"
