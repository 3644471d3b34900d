"""Options of a plan: the baseline, a full grid over levers, named ones."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping

from schemas.policy import BASELINE, Option, Plan
from udfs.formulas import Lever, RuleSet
from udfs.lined import Node
from udfs.plans import units
from udfs.plans.names import pick

MOST = 400
"""Options besides the baseline: a grid of more is no choice that a person can look at, and costs hours."""
_NAME = re.compile(r"[\w.=,+-]{1,200}")

Value = float | str | bool
Levers = dict[str, Value]


def read(root: Node, rules: RuleSet) -> tuple[Option, ...]:
    """All options, the baseline first. Raises UsageError with the line."""
    baseline = _baseline(root.get("baseline"), rules)
    grid, options = root.get("grid"), root.get("options")
    if grid is None and options is None:
        root.fail("no options: write 'grid' (all combinations of levers) or 'options' (named ones)")
    excluded = _excluded(root.get("exclude"), grid, rules)
    found = [baseline]
    if grid is not None:
        found += _grid(grid, rules, baseline, excluded)
    for node in options.list() if options is not None else ():
        found.append(_option(node, rules))
    if len(found) == 1:
        (grid or options or root).fail("no option is left besides the baseline")
    if len(found) - 1 > MOST:
        (grid or options or root).fail(f"{len(found) - 1} options; at most {MOST}: narrow them down")
    _distinct(found, root)
    return tuple(found)


def levers_of(plan: Plan, option: Option) -> Levers:
    """All levers of an option: what it does not name has the baseline's value."""
    return {**plan.options[0].levers, **option.levers}


def _baseline(node: Node | None, rules: RuleSet) -> Option:
    levers: Levers = {name: _plain(lever.default) for name, lever in rules.levers.items()}
    title = "维持现状"
    if node is not None:
        node.mapping(("title", "levers"))
        if "title" in node:
            title = node["title"].text()
        if "levers" in node:
            levers |= _levers(node["levers"], rules)
    return Option(BASELINE, title, levers, node.line if node else 0)


def _option(node: Node, rules: RuleSet) -> Option:
    node.mapping(("option", "title", "levers"), ("option", "levers"))
    name = node["option"].text()
    if not _NAME.fullmatch(name):
        node["option"].fail(f"{name!r} is no name: letters, digits and _ . = , + -, at most 200")
    if name == BASELINE:
        node["option"].fail(f"{BASELINE!r} is the name of the option that changes nothing: write its levers there")
    title = node.get("title")
    levers = _levers(node["levers"], rules)
    return Option(name, title.text() if title else _title(levers, rules), levers, node.line)


def _grid(
    grid: Node, rules: RuleSet, baseline: Option, excluded: list[tuple[Node, dict[str, list[Value]]]]
) -> list[Option]:
    axes: dict[str, list[Value]] = {}
    for name, node in grid.items():
        axes[_lever(node, name, rules)] = _values(node, rules.levers[name], distinct=True)
    if not axes:
        grid.fail("the grid is empty: name levers with their values")
    size = math.prod(len(values) for values in axes.values())
    # the exclusions may bring a larger grid down, but nobody means to write a million points
    if size > 10 * MOST:
        grid.fail(f"{size} combinations; at most {MOST} options: fewer values or levers")
    found: list[Option] = []
    hit = [False] * len(excluded)
    for combination in itertools.product(*axes.values()):
        levers = dict(zip(axes, combination, strict=True))
        full = {**baseline.levers, **levers}
        matches = [all(full[name] in values for name, values in case.items()) for _, case in excluded]
        hit = [before or now for before, now in zip(hit, matches, strict=True)]
        if any(matches) or full == baseline.levers:
            continue
        name = ",".join(f"{lever}={_word(value)}" for lever, value in levers.items())
        if not _NAME.fullmatch(name):
            grid.fail(f"the name {name[:60]!r}... is longer than 200: fewer levers, or name the options yourself")
        found.append(Option(name, _title(levers, rules), levers, grid.line))
    for (node, _), was in zip(excluded, hit, strict=True):
        if not was:
            node.fail("no combination of the grid matches it")
    return found


def _excluded(node: Node | None, grid: Node | None, rules: RuleSet) -> list[tuple[Node, dict[str, list[Value]]]]:
    if node is None:
        return []
    if grid is None:
        node.fail("there is no grid to take combinations out of")
    found = []
    for case in node.list():
        wanted = {_lever(value, name, rules): _values(value, rules.levers[name]) for name, value in case.items()}
        if not wanted:
            case.fail("it names no lever")
        found.append((case, wanted))
    return found


def _levers(node: Node, rules: RuleSet) -> Levers:
    return {_lever(value, name, rules): _value(value, rules.levers[name]) for name, value in node.items()}


def _lever(node: Node, name: str, rules: RuleSet) -> str:
    return pick(Node(name, node.file, node.line, node.name), rules.levers, "lever")


def _values(node: Node, lever: Lever, *, distinct: bool = False) -> list[Value]:
    """One value or a list of them."""
    if not isinstance(node.value, list):
        return [_value(node, lever)]
    found = [_value(item, lever) for item in node.list()]
    if not found:
        node.fail("no value")
    if distinct and len(set(found)) < len(found):
        node.fail("a value stands twice")
    return found


def _value(node: Node, lever: Lever) -> Value:
    if lever.kind == "choice":
        return pick(node, [str(value) for value in lever.values], "value")
    if lever.kind == "boolean":
        return node.boolean()
    return node.number(lever.low, lever.high)


def _distinct(options: list[Option], root: Node) -> None:
    names: dict[str, Option] = {}
    levers: dict[tuple[tuple[str, Value], ...], Option] = {}
    for option in options:
        at = Node(None, root.file, option.line, f"options.{option.name}")
        if option.name in names:
            at.fail(f"two options have this name (line {names[option.name].line} too)")
        names[option.name] = option
        key = tuple(sorted({**options[0].levers, **option.levers}.items()))
        if key in levers:
            other = levers[key]
            at.fail(f"it has the same levers as {other.name!r} (line {other.line})")
        levers[key] = option


def _plain(value: Value) -> Value:
    return value if isinstance(value, bool | str) else float(value)


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:.12g}"


def _title(levers: Mapping[str, Value], rules: RuleSet) -> str:
    shown = [f"{rules.levers[name].title} {say(value, rules.levers[name])}" for name, value in levers.items()]
    return "，".join(shown) or "维持现状"


def say(value: Value, lever: Lever) -> str:
    """A lever's value in Chinese: 基础类, 是, 30%, 500 元/年."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str):
        titles = dict(zip((str(v) for v in lever.values), lever.titles, strict=False))
        return titles.get(value, value)
    if lever.unit == "1":
        rate = lever.low is not None and lever.high is not None and lever.low >= 0 and lever.high <= 1
        return f"{100 * value:.6g}%" if rate else f"{value:.12g}"
    return f"{value:.12g} {units.chinese(lever.unit)}"
