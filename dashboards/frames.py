"""Rows of ClickHouse as the data frames that Grafana's panels and expressions read (DataFrameJSON).

What the plugin's backend does with an answer (plugin 4.20 on sqlds; grafana-plugin-sdk-go ``data.LongToWide``):

- format 1, a table: the columns as they are.
- format 0, a time series: without a string column, as it is. With one, long becomes wide: one field for each number
  column and set of strings, the strings its labels; a time that a series has not stays empty. No rows give no frame.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import UsageError

TIME_SERIES, TABLE = 0, 1

Field = dict[str, Any]
Frame = dict[str, Any]

_NUMBER = re.compile(r"U?Int\d+|Float\d+|BFloat16|Decimal")
_TIME = re.compile(r"Date")
_JSON = re.compile(r"Array|Map|Tuple|Nested|Variant|Dynamic|JSON|Object|Point")
_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)$|SimpleAggregateFunction\([^,]+,\s*(.*)\)$", re.DOTALL)
_ZONE = re.compile(r"DateTime(?:64)?\((?:\d+\s*,\s*)?'([^']+)'\)")


def plain_type(clickhouse_type: str) -> str:
    """The type without what wraps it: ``LowCardinality(Nullable(String))`` is ``String``."""
    wrapped = _WRAPPED.match(clickhouse_type)
    return plain_type(wrapped[1] or wrapped[2]) if wrapped else clickhouse_type


def field_type(clickhouse_type: str) -> str:
    """time, number, string, boolean, or other (arrays, maps, tuples), as Grafana names them."""
    plain = plain_type(clickhouse_type)
    for kind, pattern in (("time", _TIME), ("other", _JSON), ("number", _NUMBER)):
        if pattern.match(plain):
            return kind
    return "boolean" if plain == "Bool" else "string"


def frames(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]], *, format: int, ref_id: str
) -> list[Frame]:
    """``[{"schema": {refId, name, meta, fields: [{name, type, labels?}]}, "data": {"values": [column, ...]}}]``.

    ``columns``: name and ClickHouse type. Times (datetime, date, or the server's text for them; without a zone they
    are in the column's zone, else UTC) become epoch milliseconds, decimals and 64-bit numbers in quotes become
    numbers, NaN and infinity null. An array stays one in a table and is text in a time series.

    Raises UsageError, as the plugin would, for a time series whose rows are not sorted by time or lack it.
    """
    fields = [Column(name, kind, rows, index) for index, (name, kind) in enumerate(columns)]
    shape = "table" if format == TABLE else "graph"
    if format == TABLE:
        return [_frame(ref_id, {"preferredVisualisationType": shape}, [(f.plain(), f.values) for f in fields])]
    if not rows:
        return []
    for field in fields:
        if field.type == "other":
            field.type = "string"
            # text only after the long rows were made wide: until then it counts as a value, not as a label
            field.values = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in field.values]
    times = [f for f in fields if f.type == "time"]
    factors = [f for f in fields if f.label]
    values = [f for f in fields if not f.label and f not in times[:1]]
    if not times or not factors or not values:
        return [_frame(ref_id, {"preferredVisualisationType": shape}, [(f.plain(), f.values) for f in fields])]
    meta = {"type": "timeseries-wide", "typeVersion": [0, 1], "preferredVisualisationType": shape}
    return [_frame(ref_id, meta, _wide(times[0], factors, values))]


class Column:
    """One column of an answer: its name, Grafana's type and the converted values."""

    def __init__(self, name: str, clickhouse_type: str, rows: Sequence[Sequence[object]], index: int) -> None:
        self.name = name
        self.type = field_type(clickhouse_type)
        self.label = self.type in ("string", "boolean")
        convert = _converter(self.type, plain_type(clickhouse_type))
        self.values = [None if row[index] is None else convert(row[index]) for row in rows]

    def plain(self) -> Field:
        return {"name": self.name, "type": self.type}


def _frame(ref_id: str, meta: Mapping[str, Any], fields: Sequence[tuple[Field, list[Any]]]) -> Frame:
    schema = {"refId": ref_id, "name": ref_id, "meta": dict(meta), "fields": [field for field, _ in fields]}
    return {"schema": schema, "data": {"values": [values for _, values in fields]}}


def _wide(time: Column, factors: Sequence[Column], values: Sequence[Column]) -> list[tuple[Field, list[Any]]]:
    """Long to wide; the fields sorted by name, then by labels in the order of their columns."""
    instants: list[int] = []
    series: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for row, at in enumerate(time.values):
        if at is None:
            raise UsageError(f"time series: column {time.name} has no value in row {row + 1}")
        if instants and at < instants[-1]:
            raise UsageError(f"time series: the rows are not sorted by {time.name}: add ORDER BY {time.name}")
        if not instants or at > instants[-1]:
            instants.append(at)
        labels = tuple(_label(factor.values[row]) for factor in factors)
        series.setdefault(labels, []).append((len(instants) - 1, row))
    fields: list[tuple[Field, list[Any]]] = []
    for value in sorted(values, key=lambda column: column.name):
        for labels in sorted(series):
            column: list[Any] = [None] * len(instants)
            for instant, row in series[labels]:  # a second row of one series and time overwrites the first
                column[instant] = value.values[row]
            named = {factor.name: label for factor, label in zip(factors, labels, strict=True)}
            fields.append(({**value.plain(), "labels": named}, column))
    return [(time.plain(), instants), *fields]


def _label(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _converter(kind: str, plain: str) -> Callable[[Any], Any]:
    if kind == "time":
        zone = _ZONE.match(plain)
        here: tzinfo = ZoneInfo(zone[1]) if zone else UTC
        return lambda value: _epoch_ms(value, here)
    if kind == "number":
        return _number
    if kind == "boolean":
        return lambda value: value in (True, 1, "true", "1")
    if kind == "other":
        return lambda value: value
    return lambda value: value if isinstance(value, str) else str(value)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _epoch_ms(value: Any, zone: tzinfo) -> int:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone)
        return round(aware.timestamp() * 1000)
    raise UsageError(f"a time arrived as {type(value).__name__}: datetime, date or text is expected")
