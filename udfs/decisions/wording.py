"""Values and evidence as a reader of Chinese sees them."""

from __future__ import annotations

import re
from typing import Any

from schemas.applications import Evidence, Found
from udfs.decisions.view import View
from udfs.types import ColumnSpec, FieldSpec

_PLACE = re.compile(r"\{(\w+)\}")
_MOST = 20
"""Items of a list told in a sentence; the rest is counted."""
FOREVER = "9999-12-31"


def fill(text: str, view: View, outputs: dict[str, Any]) -> str:
    """A rule's sentence with {name} replaced by a table's output, a fact or a field's value, in this order."""

    def word(place: re.Match[str]) -> str:
        name = place[1]
        if name in outputs:
            return tell(outputs[name])
        if name in view.facts:
            return tell(view.facts[name])
        if name in view.kind.fields:
            return tell(view.value(name), view.kind.fields[name])
        return place[0]

    return _PLACE.sub(word, text)


def tell(value: Any, spec: FieldSpec | ColumnSpec | None = None) -> str:
    """A value in words: choices by their first word, lists joined, numbers without idle zeros, unknown as 未知."""
    if value is None or value == "":
        return "未知"
    if spec is not None and value in spec.choices:
        return spec.choices[value][0]
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        told = "、".join(tell(each, spec) for each in value[:_MOST])
        return (told or "无") + (f"等{len(value)}项" if len(value) > _MOST else "")
    return "长期" if value == FOREVER else str(value)


def evidence(field: str, found: Found) -> Evidence:
    """Where a value stands."""
    return Evidence(
        field=field,
        text=found.text,
        file=found.file,
        page=found.page,
        part=found.part,
        box=found.box,
        document=found.document,
    )


def all_evidence(view: View, name: str) -> tuple[Evidence, ...]:
    """Of a field: each place where it was found (of a table: each cell), else where it was declared."""
    field = view.field(name)
    if field.rows:
        return tuple(evidence(f"{name}.{column}", cell) for row in field.rows for column, cell in row.items())
    found = field.found or ((field.best,) if field.best else ())
    if not found and field.declared:
        found = (field.declared,)
    return tuple(evidence(name, each) for each in found)
