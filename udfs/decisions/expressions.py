"""zen-engine: expressions and decision tables, compiled once a process.

An expression or table that reads something unknown (null) is not asked unless it says ``null`` itself: zen-engine
raises on such comparisons in an expression, and in a table it silently goes on to the next row, where a last row that
always hits would answer for a value nobody knows. Who asks ``fields.x.present`` beside ``fields.x.value`` has thought
of a field that is not there: only one that is there and not sure is unknown then. Rows are unknown when a cell of a
column that is asked for (``#.column``) is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

import zen

from udfs.types.checking import references
from udfs.types.tables import parse_table

_COLUMN = re.compile(r"#\.(\w+)")
_COMPILED = 4096
"""More than all types have together; a process that loads types again and again does not grow."""


class Verdict(NamedTuple):
    """A table's answer: ``passed`` None when no row hit or something it reads is not known."""

    passed: bool | None
    outputs: dict[str, Any]


class _Reads(NamedTuple):
    paths: frozenset[tuple[str, str, str]]
    columns: frozenset[str]
    speaks_of_null: bool


def evaluate(expression: str, context: dict[str, Any]) -> Any:
    """An expression's value; None when it reads something unknown or cannot be evaluated for these values."""
    compiled, reads = _expression(expression)
    if _unknown(reads, context):
        return None
    try:
        return compiled.evaluate(context)
    except RuntimeError:
        return None


def judge(content: str, context: dict[str, Any]) -> Verdict:
    """A decision table's answer, from its JSON."""
    decision, reads = _decision(content)
    if _unknown(reads, context):
        return Verdict(None, {})
    try:
        outputs = decision.evaluate(context)["result"] or {}
    except RuntimeError:
        return Verdict(None, {})
    passed = outputs.get("passed")
    return Verdict(passed if isinstance(passed, bool) else None, outputs)


def unknown(content: str, context: dict[str, Any]) -> list[str]:
    """Names (of fields and facts) a table reads that are not known, sorted."""
    return sorted({path[1] for path in _decision(content)[1].paths if _at(path, context) is None})


def _unknown(reads: _Reads, context: dict[str, Any]) -> bool:
    return not reads.speaks_of_null and any(
        (_at(path, context) is None and not _absent(path, reads, context)) or _holes(path, reads, context)
        for path in reads.paths
    )


def _holes(path: tuple[str, str, str], reads: _Reads, context: dict[str, Any]) -> bool:
    """Whether a cell is unknown in a column of the table that is asked for."""
    rows = _at(path, context) if path[0] == "fields" and path[2] == "rows" else None
    return any(row[column] is None for row in rows or () for column in reads.columns if column in row)


def _absent(path: tuple[str, str, str], reads: _Reads, context: dict[str, Any]) -> bool:
    """Whether it is a field that is not there, read by who asks whether it is."""
    present = ("fields", path[1], "present")
    return path[0] == "fields" and present in reads.paths and not _at(present, context)


def _at(path: tuple[str, str, str], context: dict[str, Any]) -> Any:
    place, name, member = path
    value = context[place].get(name)
    if place in ("fields", "documents"):
        return None if value is None else value.get(member)
    return value


def _reads(texts: tuple[str, ...]) -> _Reads:
    paths = {reference for text in texts for reference in references(text)}
    columns = {column for text in texts for column in _COLUMN.findall(text)}
    return _Reads(frozenset(paths), frozenset(columns), any("null" in text for text in texts))


@lru_cache(_COMPILED)
def _expression(expression: str) -> tuple[Any, _Reads]:
    return zen.compile_expression(expression), _reads((expression,))


@lru_cache(_COMPILED)
def _decision(content: str) -> tuple[Any, _Reads]:
    return _engine().create_decision(content), _reads(parse_table(content).texts)


@lru_cache(1)
def _engine() -> Any:
    return zen.ZenEngine()
