"""Extractions from plain values, for tests: every field stands, well read, in each of its documents that is there."""

from __future__ import annotations

from datetime import date
from typing import Any

from schemas.applications import Decision, Document, Extraction, Field, FileReading, Found, Reading
from udfs.decisions import decide
from udfs.types import Type

ON = date(2026, 3, 2)


def identity(born: str, serial: str = "001") -> str:
    """A valid ID number of Zhengzhou's first district."""
    body = f"410102{born}{serial}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def found(value: Any, document: str = "", confidence: float = 0.999, faults: tuple[str, ...] = ()) -> Found:
    return Found(
        value=value,
        text=str(value),
        confidence=confidence,
        file=f"{document}.pdf" if document else "",
        page=1,
        box=(0.1, 0.1, 0.4, 0.2),
        document=document,
        faults=faults,
    )


def fill(
    kind: Type,
    values: dict[str, Any],
    documents: tuple[str, ...],
    *,
    weak: tuple[str, ...] = (),
    elsewhere: dict[tuple[str, str], Any] | None = None,
    faults: dict[str, tuple[str, ...]] | None = None,
    declared: dict[str, Any] | None = None,
) -> Extraction:
    """``elsewhere``: (field, document) -> what stands there instead. ``weak``: fields read with confidence .5."""
    fields = {}
    for name, spec in kind.fields.items():
        value = values.get(name)
        sure = 0.5 if name in weak else 0.999
        said = found(declared[name], confidence=1.0) if declared and name in declared else None
        if spec.kind == "table":
            rows = tuple({column: found(cell, "", sure) for column, cell in row.items()} for row in value or ())
            fields[name] = Field(name=name, best=None, rows=rows, declared_rows=(declared or {}).get(name, ()))
            continue
        places = []
        for document in spec.documents:
            here = (elsewhere or {}).get((name, document), value)
            if document in documents and here is not None:
                places.append(found(here, document, sure, (faults or {}).get(name, ())))
        fields[name] = Field(name=name, best=places[0] if places else None, declared=said, found=tuple(places))
    pages = tuple(Document(id=name, file=f"{name}.pdf", pages=(1,)) for name in documents)
    return Extraction(documents=pages, fields=fields)


def reading(documents: tuple[str, ...], **problems: str) -> Reading:
    """A file a document; ``problems``: document -> code."""
    files = (
        FileReading(file=f"{name}.pdf", sha256="0" * 64, bytes=1, kind="pdf", problem=problems.get(name, ""))
        for name in documents
    )
    return Reading(files=tuple(files), model="rapidocr@test")


def judged(kind: Type, extraction: Extraction, *, on: date = ON, read: Reading | None = None, **more: Any) -> Decision:
    names = tuple(document.id for document in extraction.documents)
    return decide(kind, "A1", more.pop("form", {}), read or reading(names), extraction, on=on, **more)


def failed(decision: Decision) -> dict[str, bool | None]:
    """Rule -> answer of the checks that did not pass."""
    return {check.rule: check.passed for check in decision.checks if not check.passed}
