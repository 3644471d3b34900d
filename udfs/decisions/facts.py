"""The operators of facts.yaml. Each gives None when what it needs is missing or not confident.

Numbers come out rounded to nine places (sums of money and shares are no place for the last bit of a float); years are
whole years plus the share of the year begun, so that five years to the day are 5.0.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from udfs.decisions.agreement import bare
from udfs.decisions.expressions import evaluate
from udfs.decisions.view import Row, View
from udfs.types import Fact

_ASIDE = re.compile(r"[（(][^（）()]*[）)]")
_HEADING = re.compile(r"^(?:一般项目|许可项目|一般经营项目|许可经营项目)\s*[:：]")
_PIECES = re.compile(r"[;；。\n]")
_FINER = re.compile(r"[、,，]")


def derive(view: View) -> None:
    """Fills ``view.facts`` with the type's facts, in their order."""
    for fact in view.kind.facts:
        view.facts[fact.name] = compute(fact, view)


def compute(fact: Fact, view: View) -> Any:
    """One fact's value or None."""
    return _OPERATORS[fact.operator](view, fact.argument, **fact.options)


def items(text: str) -> list[str]:
    """The single items of a list written as text: 一般项目：甲；乙（不含丙）。 -> 甲, 乙.

    Commas separate only where there is no semicolon: an item may hold one (专业保洁、清洗、消毒服务).
    """
    flat = _ASIDE.sub("", text)
    coarse = [piece for piece in _PIECES.split(flat) if piece.strip()]
    pieces = coarse if len(coarse) > 1 else _FINER.split(coarse[0]) if coarse else []
    named = (_HEADING.sub("", piece.strip()).strip() for piece in pieces)
    return [piece for piece in named if piece]


def years(first: date, last: date) -> float:
    """Years from one day to another, negative when the second is earlier: whole ones and the share of the next."""
    if last < first:
        return -years(last, first)
    whole = last.year - first.year
    if _anniversary(first, whole) > last:
        whole -= 1
    begun, following = _anniversary(first, whole), _anniversary(first, whole + 1)
    length = (following - begun).days or 365  # after 9999 there is no following one, and 长期 is 9999-12-31
    return round(whole + (last - begun).days / length, 6)


def day(value: Any) -> date | None:
    """A date from its ISO form, or None."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _anniversary(first: date, number: int) -> date:
    year = min(first.year + number, date.max.year)
    try:
        return first.replace(year=year)
    except ValueError:  # 29 February
        return date(year, 3, 1)


def _cells(view: View, argument: str, where: dict[str, Any] | None) -> list[Any] | None:
    """A column's values in the rows that count; None when one of them, or whether it counts, is not known."""
    table, _, column = argument.partition(".")
    rows = _counted(view.rows(table), where)
    if rows is None or any(row[column] is None for row in rows):
        return None
    return [row[column] for row in rows]


def _counted(rows: list[Row] | None, where: dict[str, Any] | None) -> list[Row] | None:
    if rows is None or any(row[column] is None for row in rows for column in where or {}):
        return None
    return [row for row in rows if all(row[column] == value for column, value in (where or {}).items())]


def _sum(view: View, argument: str, where: dict[str, Any] | None = None) -> float | None:
    cells = _cells(view, argument, where)
    numbers = None if cells is None else [_number(cell) for cell in cells]
    if numbers is None or any(number is None for number in numbers):
        return None
    return _tidy(math.fsum(number for number in numbers if number is not None))


def _rows(view: View, argument: str, where: dict[str, Any] | None = None) -> int | None:
    rows = _counted(view.rows(argument), where)
    return None if rows is None else len(rows)


def _distinct(view: View, argument: str, where: dict[str, Any] | None = None) -> int | None:
    cells = _cells(view, argument, where)
    return None if cells is None else len({bare(cell) for cell in cells})


def _duplicates(view: View, argument: str, where: dict[str, Any] | None = None) -> list[Any] | None:
    cells = _cells(view, argument, where)
    if cells is None:
        return None
    often = {key for key, number in Counter(map(bare, cells)).items() if number > 1}
    return list({bare(cell): cell for cell in cells if bare(cell) in often}.values())


def _values(view: View, argument: str, where: dict[str, Any] | None = None) -> list[Any] | None:
    return _cells(view, argument, where)


def _least(view: View, argument: str, where: dict[str, Any] | None = None) -> Any:
    cells = _cells(view, argument, where)
    return min(cells) if cells else None


def _most(view: View, argument: str, where: dict[str, Any] | None = None) -> Any:
    cells = _cells(view, argument, where)
    return max(cells) if cells else None


def _agree(view: View, argument: str) -> bool | None:
    agree: bool | None = view.fields[argument]["agree"]
    return agree


def _faults(view: View, argument: str) -> list[str] | None:
    field = view.fields[argument]
    return field["faults"] if field["value"] is not None or field["rows"] else None


def _district_of(view: View, argument: str) -> str | None:
    """The county (else city, else province) an address lies in, as adcode; the narrowest that is named."""
    text = view.value(argument)
    if not isinstance(text, str):
        return None
    matcher = _matcher()
    lexicon = matcher.lexicon
    named = [node for node, _, _ in matcher.places(text) if lexicon.nodes[node].adcode]
    if not named:
        return None
    code: str | None = lexicon.nodes[max(named, key=lambda node: lexicon.depth[node])].adcode
    return code


def _days_between(view: View, argument: list[str]) -> int | None:
    first, last = (day(_path(view, each)) for each in argument)
    return None if first is None or last is None else (last - first).days


def _years_between(view: View, argument: list[str]) -> float | None:
    first, last = (day(_path(view, each)) for each in argument)
    return None if first is None or last is None else years(first, last)


def _age(view: View, argument: str) -> int | None:
    """Full years on the day of the application, from a date or an ID number."""
    value = view.value(argument)
    if view.kind.fields[argument].kind == "id_number":
        value = f"{value[6:10]}-{value[10:12]}-{value[12:14]}" if isinstance(value, str) and len(value) == 18 else None
    born = None if value is None else day(value)
    return None if born is None else math.floor(years(born, view.on))


def _zen(view: View, argument: str) -> Any:
    value = evaluate(str(argument), view.context())
    return _tidy(value) if isinstance(value, float) else value


def _missing(view: View, argument: dict[str, Any]) -> list[int] | None:
    """Whole numbers from..to that do not stand in a column."""
    first, last = (_number(_path(view, argument[end])) for end in ("from", "to"))
    cells = _cells(view, f"{argument['table']}.{argument['column']}", None)
    if first is None or last is None or cells is None:
        return None
    there = {_number(cell) for cell in cells}
    return [number for number in range(int(first), int(last) + 1) if number not in there]


def _matches(view: View, argument: dict[str, Any]) -> list[str] | None:
    """Terms of a list that stand in a text, outside brackets (which are what is left out: 不含危险化学品)."""
    text = view.value(argument["field"])
    if not isinstance(text, str):
        return None
    flat = bare(_ASIDE.sub("", text))
    return [term for term in view.kind.lists[argument["list"]] if bare(term) in flat]


def _lacking(view: View, argument: dict[str, Any]) -> list[str] | None:
    """Terms of a list that do not stand in a text, brackets included."""
    text = view.value(argument["field"])
    if not isinstance(text, str):
        return None
    flat = bare(text)
    return [term for term in view.kind.lists[argument["list"]] if bare(term) not in flat]


def _unmatched(view: View, argument: dict[str, Any]) -> list[str] | None:
    """Items of a text that are no term of a list."""
    text = view.value(argument["field"])
    if not isinstance(text, str):
        return None
    terms = {bare(term) for term in view.kind.lists[argument["list"]]}
    return [item for item in items(text) if bare(item) not in terms]


def _shared(view: View, argument: dict[str, Any]) -> list[str] | None:
    """Values of a column that stand both in rows where ``by`` is ``one`` and in rows where it is one of ``other``."""
    rows = view.rows(argument["table"])
    column, by, one = argument["column"], argument["by"], argument["one"]
    other = argument["other"] if isinstance(argument["other"], list) else [argument["other"]]
    if rows is None or any(row[column] is None or row[by] is None for row in rows):
        return None
    others = {bare(row[column]) for row in rows if row[by] in other}
    return [row[column] for row in rows if row[by] == one and bare(row[column]) in others]


def _path(view: View, path: Any) -> Any:
    """``on``, ``fields.NAME`` (its value), any other expression, or a plain number."""
    if path == "on":
        return view.on
    if isinstance(path, str) and path.startswith("fields.") and path.count(".") == 1:
        return view.value(path.removeprefix("fields."))
    return evaluate(path, view.context()) if isinstance(path, str) else path


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _tidy(value: float) -> float:
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded


@lru_cache(1)
def _matcher() -> Any:
    """Names of places: .6 s and 60 MB once a process, only for types that ask for a district."""
    from udfs.places.gazetteer import Gazetteer
    from udfs.places.lexicon import Lexicon
    from udfs.places.matching import Matcher

    return Matcher(Lexicon(Gazetteer.load()))


_OPERATORS: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "rows": _rows,
    "distinct": _distinct,
    "duplicates": _duplicates,
    "values": _values,
    "least": _least,
    "most": _most,
    "agree": _agree,
    "faults": _faults,
    "district_of": _district_of,
    "days_between": _days_between,
    "years_between": _years_between,
    "age": _age,
    "zen": _zen,
    "missing": _missing,
    "matches": _matches,
    "unmatched": _unmatched,
    "lacking": _lacking,
    "shared": _shared,
}
