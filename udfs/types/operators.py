"""Operators of facts.yaml and what each takes. What they compute is in udfs/decisions/facts.py.

An argument is named by its shape: ``field`` (a field's name), ``column`` (table.column), ``table`` (a table field),
``values`` (a list of two paths such as fields.begins_on, facts.x, on), ``zen`` (an expression), ``mapping`` (a mapping
with the keys given).
"""

from __future__ import annotations

OPERATORS: dict[str, str] = {
    "sum": "column",
    "rows": "table",
    "distinct": "column",
    "duplicates": "column",
    "values": "column",
    "least": "column",
    "most": "column",
    "agree": "field",
    "faults": "field",
    "district_of": "field",
    "days_between": "values",
    "years_between": "values",
    "age": "field",
    "zen": "zen",
    "missing": "mapping",
    "matches": "mapping",
    "unmatched": "mapping",
    "lacking": "mapping",
    "shared": "mapping",
}

KEYS: dict[str, tuple[str, ...]] = {
    "missing": ("table", "column", "from", "to"),
    "matches": ("field", "list"),
    "unmatched": ("field", "list"),
    "lacking": ("field", "list"),
    "shared": ("table", "column", "by", "one", "other"),
}
"""Keys of a mapping operator; all of them are needed."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "sum": ("where",),
    "rows": ("where",),
    "distinct": ("where",),
    "values": ("where",),
    "least": ("where",),
    "most": ("where",),
    "duplicates": ("where",),
}
"""Keys that may stand beside the operator: ``where: {column: value}`` counts only the rows that have these values."""
