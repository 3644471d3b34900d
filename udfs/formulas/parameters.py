"""What formulas read besides the population: dated parameters, levers, assumptions; read from ``rules.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TypeVar

from schemas.errors import UsageError
from schemas.policy import Assumption
from udfs.formulas import units
from udfs.lined import Node

NUMBER, TABLE, BRACKETS, STEPS = "number", "table", "brackets", "steps"
LEVER_KINDS = ("number", "boolean", "choice")
DISTRIBUTIONS = {
    "normal": ("mean", "standard deviation"),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "beta": ("a", "b"),
}

T = TypeVar("T")
Value = float | tuple[tuple[float, float], ...] | Mapping[str, float]


@dataclass(frozen=True)
class Place:
    """Where something stands in a file; light enough to be kept and pickled."""

    file: str
    line: int
    name: str

    def error(self, message: str) -> UsageError:
        return UsageError(f"{self.file}:{self.line}: {self.name}: {message}")


def place(node: Node) -> Place:
    return Place(node.file, node.line, node.name)


@dataclass(frozen=True)
class Lever:
    """What an option sets."""

    name: str
    title: str
    kind: str
    """``number``, ``boolean`` or ``choice``."""
    unit: str
    values: tuple[str, ...]
    """Of a choice."""
    titles: tuple[str, ...]
    default: float | str | bool
    low: float | None
    high: float | None
    """Beyond them a value is an error."""
    evidence: tuple[float, float] | None
    """Beyond it nothing is known: the risk gate intercepts."""
    place: Place

    @property
    def line(self) -> int:
        return self.place.line

    def wrong(self, value: object) -> str:
        """Why this is no value of the lever; empty: it is one."""
        if self.kind == "choice":
            return "" if value in self.values else f"{value!r} is none of {', '.join(self.values)}"
        if self.kind == "boolean":
            return "" if isinstance(value, bool) else f"true or false is wanted, not {value!r}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"a number is wanted, not {value!r}"
        low, high = (-float("inf") if self.low is None else self.low, float("inf") if self.high is None else self.high)
        return "" if low <= value <= high else f"{value:g} lies outside {low:g}..{high:g}"


@dataclass(frozen=True)
class Parameter:
    """A figure of law or of a price list, in force from a day on."""

    name: str
    title: str
    kind: str
    """``number``, ``table`` (a number for each value of ``by``), ``brackets`` or ``steps``."""
    unit: str
    of: str
    """Unit of what ``tax`` and ``step`` are asked for."""
    by: str
    source: str
    values: tuple[tuple[date, Value], ...]
    """Oldest first."""
    place: Place

    def at(self, day: date) -> Value:
        """What is in force. Raises UsageError where nothing is."""
        return in_force(self.values, day, self.place)


def in_force(dated: tuple[tuple[date, T], ...], day: date, where: Place) -> T:
    """The last of the dated that begins on or before the day."""
    found = [value for since, value in dated if since <= day]
    if not found:
        raise where.error(f"nothing is in force on {day}: the first is of {dated[0][0]}; add an earlier one")
    return found[-1]


def read_dated(node: Node) -> tuple[tuple[date, Node], ...]:
    """``{date: ...}``, oldest first. Raises UsageError on no dates, a date that is none, reversed or twice."""
    found: list[tuple[date, Node]] = []
    for text, value in node.items():
        where = Place(node.file, node.lines.get(text, value.line), node.name)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise where.error(f"{text!r} is no date: write 2026-01-31") from None
        if found and day <= found[-1][0]:
            reason = "stands twice" if day == found[-1][0] else f"comes after {found[-1][0]}: put the oldest first"
            raise where.error(f"{day} {reason}")
        found.append((day, value))
    if not found:
        node.fail("a value and the day from which it is in force are wanted, such as {2026-01-01: 350}")
    return tuple(found)


def read_unit(node: Node | None) -> str:
    """The unit as it was written, checked; ``1`` where there is none."""
    if node is None:
        return "1"
    text = "1" if node.value == 1 else node.text()
    try:
        units.parse(text)
    except ValueError as error:
        node.fail(str(error))
    return text


def read_text(node: Node | None, default: str = "") -> str:
    return default if node is None else node.text()


def read_lever(name: str, node: Node) -> Lever:
    got = node.mapping(
        ("title", "kind", "unit", "values", "titles", "default", "range", "evidence", "note"),
        ("title", "kind", "default"),
    )
    kind = got["kind"].text(LEVER_KINDS)
    for key in {"number": ("values", "titles"), "choice": ("unit", "range", "evidence")}.get(
        kind, ("unit", "range", "evidence", "values", "titles")
    ):
        if key in got:
            got[key].fail(f"a lever of kind {kind} has no {key!r}")
    values = got["values"].texts() if "values" in got else ()
    if kind == "choice" and len(set(values)) < max(len(values), 1):
        node.fail("a choice wants 'values', each once")
    titles = got["titles"].texts() if "titles" in got else ()
    if titles and len(titles) != len(values):
        got["titles"].fail(f"{len(titles)} titles for {len(values)} values")
    low, high = _pair(got["range"]) if "range" in got else (None, None)
    default = got["default"].plain()
    lever = Lever(
        name=name,
        title=got["title"].text(),
        kind=kind,
        unit=read_unit(got.get("unit")),
        values=values,
        titles=titles,
        default=float(default) if kind == "number" and type(default) in (int, float) else default,  # type: ignore[arg-type]
        low=low,
        high=high,
        evidence=_pair(got["evidence"]) if "evidence" in got else None,
        place=place(node),
    )
    if wrong := lever.wrong(default):
        got["default"].fail(wrong)
    return lever


def _pair(node: Node) -> tuple[float, float]:
    found = node.numbers()
    if len(found) != 2 or found[0] > found[1]:
        node.fail("two numbers are wanted, the lower first")
    return found[0], found[1]


def read_assumption(name: str, node: Node) -> Assumption:
    got = node.mapping(
        ("title", "unit", "central", "distribution", "fixed", "low", "high", "source", "note"), ("title", "central")
    )
    low = got["low"].number() if "low" in got else None
    high = got["high"].number() if "high" in got else None
    if low is not None and high is not None and low > high:
        got["low"].fail(f"{low:g} is more than 'high', {high:g}")
    central = got["central"].number(low, high)
    kind, numbers = _distribution(node, got)
    inside = {"uniform": numbers, "triangular": (numbers or (0.0,))[:: max(len(numbers) - 1, 1)], "beta": (0.0, 1.0)}
    if kind in inside and not inside[kind][0] <= central <= inside[kind][-1]:
        got["central"].fail(f"{central:g} lies outside its {kind} distribution")
    return Assumption(
        name=name,
        title=got["title"].text(),
        unit=read_unit(got.get("unit")),
        central=central,
        distribution=kind,
        numbers=numbers,
        low=low,
        high=high,
        source=read_text(got.get("source")),
        line=node.line,
    )


def _distribution(node: Node, got: Mapping[str, Node]) -> tuple[str, tuple[float, ...]]:
    if "fixed" in got:
        if "distribution" in got or not got["fixed"].boolean():
            got["fixed"].fail("either 'fixed: true' or a distribution")
        return "fixed", ()
    if "distribution" not in got:
        node.fail("'distribution' is missing (or 'fixed: true')")
    named = got["distribution"].mapping(DISTRIBUTIONS)
    if len(named) != 1:
        got["distribution"].fail(f"one of {', '.join(DISTRIBUTIONS)} is wanted, such as {{normal: [-0.4, 0.1]}}")
    kind, numbers_node = next(iter(named.items()))
    numbers = numbers_node.numbers()
    if len(numbers) != len(DISTRIBUTIONS[kind]):
        numbers_node.fail(f"{kind} wants [{', '.join(DISTRIBUTIONS[kind])}]")
    if kind in ("uniform", "triangular") and (list(numbers) != sorted(numbers) or numbers[0] == numbers[-1]):
        numbers_node.fail(f"{kind} wants them rising: [{', '.join(DISTRIBUTIONS[kind])}]")
    if (kind == "normal" and numbers[1] <= 0) or (kind == "beta" and min(numbers) <= 0):
        numbers_node.fail(f"{kind}: {'the standard deviation' if kind == 'normal' else 'both'} must be above 0")
    return kind, numbers


def read_parameter(name: str, node: Node, levers: Mapping[str, Lever]) -> Parameter:
    got = node.mapping(("title", "unit", "of", "by", "kind", "source", "values", "note"), ("title", "values"))
    kind = got["kind"].text((NUMBER, BRACKETS, STEPS)) if "kind" in got else NUMBER
    by = read_text(got.get("by"))
    if by and kind != NUMBER:
        got["by"].fail(f"{kind} are not by anything")
    if by in levers and levers[by].kind != "choice":
        got["by"].fail(f"{by!r} is a lever of kind {levers[by].kind}; a table is by a choice or a category")
    if "of" in got and kind != STEPS:
        got["of"].fail("only steps have 'of'")
    unit = read_unit(got.get("unit"))
    values: list[tuple[date, Value]] = []
    for day, value in read_dated(got["values"]):
        if by:
            table = {key: entry.number() for key, entry in value.items()}
            if by in levers and set(table) != set(levers[by].values):
                value.fail(f"a number for each of {', '.join(levers[by].values)} is wanted, and for nothing else")
            values.append((day, table))
        elif kind == NUMBER:
            values.append((day, value.number()))
        else:
            values.append((day, _points(value)))
    return Parameter(
        name=name,
        title=got["title"].text(),
        kind=TABLE if by else kind,
        unit=unit,
        of=read_unit(got.get("of")) if kind == STEPS else unit,
        by=by,
        source=read_text(got.get("source")),
        values=tuple(values),
        place=place(node),
    )


def _points(node: Node) -> tuple[tuple[float, float], ...]:
    points = []
    for entry in node.list():
        numbers = entry.numbers()
        if len(numbers) != 2:
            entry.fail("[from, value] is wanted")
        points.append((numbers[0], numbers[1]))
    if not points or any(left[0] >= right[0] for left, right in pairwise(points)):
        node.fail("a list of [from, value] is wanted, each 'from' above the one before")
    return tuple(points)
