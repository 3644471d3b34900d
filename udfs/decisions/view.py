"""What facts and rules see of an application: confident values, documents, the form.

A value below the type's ``confidence.fact`` is None: whatever needs it cannot be judged, and what cannot be judged is
referred. So no rule has to think of uncertainty.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from schemas.applications import Extraction, Field, Found
from udfs.decisions.agreement import agrees
from udfs.decisions.columns import judged
from udfs.types import Type

Row = dict[str, Any]


class View:
    """An application as its type's expressions see it. ``facts`` grows while they are evaluated, in order."""

    def __init__(self, kind: Type, form: dict[str, Any], extraction: Extraction, on: date) -> None:
        self.kind = kind
        self.on = on
        self.form = form
        self.extraction = extraction
        self.facts: dict[str, Any] = {}
        self.documents: dict[str, dict[str, Any]] = {name: {"present": False, "pages": 0} for name in kind.documents}
        for document in extraction.documents:
            if document.id in self.documents:
                entry = self.documents[document.id]
                entry["present"] = True
                entry["pages"] += len(document.pages)
        self.fields = {name: self._field(name) for name in kind.fields}

    def field(self, name: str) -> Field:
        """Everything found for a field; empty when extraction says nothing of it."""
        return self.extraction.fields.get(name) or Field(name=name, best=None)

    def value(self, name: str) -> Any:
        """A field's confident value or None. Of a field that stands in no document: the declared one."""
        return self.fields[name]["value"]

    def rows(self, name: str) -> list[Row] | None:
        """A table's rows with confident values (a weak or empty cell is None); None when no row was found."""
        rows: list[Row] | None = self.fields[name]["rows"]
        return rows

    def confidence(self, name: str) -> float:
        """Of a field's value: 1 where nothing was found (its absence is a check's matter); of a table: the least
        of its cells on which a decision rests."""
        confidence: float = self.fields[name]["confidence"]
        return confidence

    def present(self, document: str) -> bool:
        """Whether pages of that document were recognised."""
        return bool(self.documents[document]["present"])

    def context(self) -> dict[str, Any]:
        """The input of expressions and decision tables; plain values only."""
        return {
            "form": self.form,
            "fields": self.fields,
            "documents": self.documents,
            "facts": self.facts,
            "on": self.on.isoformat(),
        }

    def _field(self, name: str) -> dict[str, Any]:
        spec = self.kind.fields[name]
        field = self.field(name)
        if spec.kind == "table":
            return self._table(field, spec.documents == ())
        found = field.best
        if found is None and not spec.documents:
            found = field.declared
        return {
            "value": None if found is None else self._sure(found),
            "confidence": 1.0 if found is None else found.confidence,
            "present": found is not None or field.declared is not None,
            "agree": agrees(spec.kind, field, self.kind.confidence.fact),
            "rows": None,
            "faults": sorted({fault for each in (found, field.declared) if each for fault in each.faults}),
        }

    def _table(self, field: Field, declared_only: bool) -> dict[str, Any]:
        columns, counted = self.kind.fields[field.name].columns, judged(self.kind, field.name)
        rows: list[Row] = []
        for row in field.rows:
            rows.append({column: self._cell(row.get(column), spec.kind) for column, spec in columns.items()})
        if not rows and declared_only:
            rows = [{column: row.get(column) for column in columns} for row in field.declared_rows]
        return {
            "value": None,
            "confidence": min(
                (row[column].confidence for row in field.rows for column in counted if column in row), default=1.0
            ),
            "present": bool(rows or field.declared_rows),
            "agree": None,
            "rows": rows or None,
            "faults": sorted({fault for row in field.rows for cell in row.values() for fault in cell.faults}),
        }

    def _cell(self, found: Found | None, kind: str) -> Any:
        """A cell's value for facts. A signature counts where it stands, however badly its name is read."""
        if found is None:
            return None
        return found.value if kind == "signature" else self._sure(found)

    def _sure(self, found: Found) -> Any:
        return found.value if found.confidence >= self.kind.confidence.fact else None
