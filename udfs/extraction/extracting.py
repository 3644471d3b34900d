"""A reading and a type in, documents and fields with confidence and place out.

    pages -> documents (documents.py) -> for each: tables (tables.py), then labels' candidates (candidates.py)
          -> values by kind (kinds/) -> confidence (confidence.py)

A value that differs from the declared one stays as it was read: the form never mends a document. Cost: about 3 ms a
page with a text layer, 10 ms with OCR's noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.applications import Box, Extraction, Field, Found, Reading
from udfs.extraction import confidence, kinds
from udfs.extraction.candidates import BELOW, PageFields
from udfs.extraction.documents import UNKNOWN, documents_of, parted
from udfs.extraction.kinds import Value
from udfs.extraction.labels import CELL, COLON, PROSE, Hit
from udfs.extraction.layout import PageIndex, Run
from udfs.extraction.plan import Plan, noisy, owns, plan_of, with_unit
from udfs.extraction.tables import Table, headers, read_rows
from udfs.types.spec import FieldSpec, Type

SEAL = "印章"
"""Value of a signature where a red seal stands and no name could be read."""


@dataclass(frozen=True, slots=True)
class Record:
    """What confidence was made of, for calibration. ``row`` is -1 where the field is no table."""

    field: str
    column: str
    row: int
    document: str
    value: Any
    features: dict[str, float]
    confidence: float


@dataclass(slots=True)
class _Raw:
    """A value in a document before it is known what the others say."""

    value: Value
    text: str
    box: Box
    page: PageIndex
    document: str
    features: dict[str, float]


def extract(kind: Type, form: Mapping[str, Any], reading: Reading) -> Extraction:
    """Documents and fields of an application. Never raises for anything that a document or the form holds.

    ``form``: declared fields as they stand in application.json. Pages are taken in the reading's order.
    """
    return extract_with_records(kind, form, reading)[0]


def extract_with_records(kind: Type, form: Mapping[str, Any], reading: Reading) -> tuple[Extraction, list[Record]]:
    """``extract``, and the features of every value found in a document."""
    plan = plan_of(kind)
    pages = [
        part
        for page in reading.pages
        if page.source != "blank" and page.lines
        for part in parted(plan, PageIndex(page))
        if any(part.texts)
    ]
    documents, places = documents_of(plan, pages)
    doubts = {document.id: 1.0 - document.confidence for document in documents}
    by_document: dict[str, list[PageIndex]] = {}
    for index, place in zip(pages, places, strict=True):
        document = documents[place]
        if document.id != UNKNOWN:
            by_document.setdefault(document.id, []).append(index)

    singles: dict[str, list[_Raw]] = {}
    tables: dict[str, dict[str, list[dict[str, _Raw]]]] = {}
    for name, indexes in by_document.items():
        doubt = doubts[name]
        views, found = _tables(plan, name, indexes, doubt)
        for field, rows in found.items():
            tables.setdefault(field, {})[name] = rows
        for field, spec in kind.fields.items():
            if spec.kind != "table" and name in spec.documents:
                raw = _best(plan, spec, name, views, doubt)
                if raw is not None:
                    singles.setdefault(field, []).append(raw)

    records: list[Record] = []
    fields: dict[str, Field] = {}
    for name, spec in kind.fields.items():
        declared = form.get(spec.declared or name, form.get(name))
        if spec.kind == "table":
            fields[name] = _table_field(spec, declared, tables.get(name, {}), records)
        else:
            fields[name] = _single_field(spec, declared, singles.get(name, []), records)
    return Extraction(documents=tuple(documents), fields=fields), records


# -- values of one document -------------------------------------------------------------------------------------------
def _tables(
    plan: Plan, document: str, pages: Sequence[PageIndex], doubt: float
) -> tuple[list[PageFields], dict[str, list[dict[str, _Raw]]]]:
    names = [name for name, spec in plan.kind.fields.items() if spec.kind == "table" and document in spec.documents]
    tables = {name: Table(name) for name in names}
    views: list[PageFields] = []
    for page in pages:
        taken: set[int] = set()
        hits = plan.labels.hits(page)
        if names:
            labelled = frozenset(
                hit.line for hit in hits if hit.form in (CELL, COLON) and hit.start == 0 and hit.label in plan.owners
            )
            heads = headers(page, plan.columns, names)
            first = heads[0].top if heads else 1.0
            for table in tables.values():
                if table.open and (not heads or heads[0].table != table.name):
                    taken |= read_rows(table, page, None, first, _without_columns(labelled, page, plan, table.name))
            for at, head in enumerate(heads):
                until = heads[at + 1].top if at + 1 < len(heads) else 1.0
                taken |= read_rows(
                    tables[head.table], page, head, until, _without_columns(labelled, page, plan, head.table)
                )
            for table in tables.values():
                table.open = table.open and table.page is page
        views.append(PageFields(page, hits, taken))
    found: dict[str, list[dict[str, _Raw]]] = {}
    for name, table in tables.items():
        spec = plan.kind.fields[name]
        rows = [_cells(plan, spec, document, row.cells, doubt) for row in table.rows]
        # a row of signatures alone, or a line of text under the table, is none of its rows
        rows = [row for row in rows if len(row) >= min(2, len(spec.columns))]
        if rows:
            found[name] = rows
    return views, found


def _without_columns(labelled: frozenset[int], page: PageIndex, plan: Plan, table: str) -> frozenset[int]:
    """Labels of fields that are no words of the table itself: its header, or a choice in a cell."""
    names = plan.columns[table]
    words = {
        word
        for column in plan.kind.fields[table].columns
        for words in plan.hints[f"{table}.{column}"].choices.values()
        for word in words
    }
    return frozenset(line for line in labelled if page.texts[line] not in names and page.texts[line] not in words)


def _cells(
    plan: Plan, spec: FieldSpec, document: str, cells: Mapping[str, tuple[Run, str]], doubt: float
) -> dict[str, _Raw]:
    row: dict[str, _Raw] = {}
    for column, (run, note) in cells.items():
        hints = plan.hints[f"{spec.name}.{column}"]
        hints = noisy(hints, note) if run.page.ocr else with_unit(hints, note)
        value = kinds.read(spec.columns[column].kind, run.text, hints)
        if value is None:
            continue
        features = _reading(value, run, doubt, spec.columns[column].kind)
        features["table"] = 1.0
        row[column] = _Raw(
            value, run.written(value.start, value.end), run.box(value.start, value.end), run.page, document, features
        )
    return row


def _best(plan: Plan, spec: FieldSpec, document: str, views: Sequence[PageFields], doubt: float) -> _Raw | None:
    hints = plan.hints[spec.name]
    candidates = [candidate for view in views for candidate in view.candidates(spec, plan, hints)]
    if not candidates:
        return _seal(plan, spec, document, views, doubt) if spec.kind == "signature" else None
    best = max(candidates, key=lambda candidate: candidate.score)
    rivals = {
        str(other.value.value)
        for other in candidates
        if other.value.value != best.value.value and other.score > 0.8 * best.score
    }
    features = _reading(best.value, best.run, doubt, spec.kind)
    features["label_doubt"] = 1.0 - best.hit.score if best.hit.form != PROSE else 0.0
    features["position_below"] = float(best.relation == BELOW)
    features["position_prose"] = float(best.hit.form == PROSE)
    features["rivals"] = min(3.0, float(len(rivals)))
    return _Raw(best.value, best.text, best.box, best.run.page, document, features)


def _reading(value: Value, run: Run, doubt: float, kind: str) -> dict[str, float]:
    """Features that the reading alone gives."""
    ocr = float(run.page.ocr)
    uncovered = 0.0 if kind in ("text", "choice") else 1.0 - (value.end - value.start) / max(1, len(run.text))
    return {
        "ocr": ocr,
        "ocr_doubt": ocr * (1.0 - run.confidence(value.start, value.end)),
        "ocr_length": ocr * (value.end - value.start) / 10.0,
        "uncovered": uncovered,
        "checked": float(value.checked),
        "faults": float(bool(value.faults)),
        "ocr_faults": ocr * bool(value.faults),
        "repaired": float(value.repaired),
        "document_doubt": doubt,
        "handwritten_kind": ocr * (kind == "signature"),
    }


def _seal(plan: Plan, spec: FieldSpec, document: str, views: Sequence[PageFields], doubt: float) -> _Raw | None:
    """A red seal at the place of a signature, where no name is readable under it."""
    for view in views:
        page = view.page.page
        for hit in view.hits:
            if not owns(plan, spec, hit):
                continue
            for stamp in page.stamps:
                if _beside(stamp, view.page.boxes[hit.line]):
                    features = _seal_features(view.page, hit, doubt)
                    return _Raw(Value(SEAL, 0, 0), SEAL, stamp, view.page, document, features)
    return None


def _beside(stamp: Box, label: Box) -> bool:
    left, top, right, bottom = label[0] - 0.05, label[1] - 0.06, label[2] + 0.35, label[3] + 0.08
    return min(stamp[2], right) > max(stamp[0], left) and min(stamp[3], bottom) > max(stamp[1], top)


def _seal_features(page: PageIndex, hit: Hit, doubt: float) -> dict[str, float]:
    ocr = float(page.ocr)
    return {
        "ocr": ocr,
        "label_doubt": 1.0 - hit.score,
        "uncovered": 0.5,
        "document_doubt": doubt,
        "handwritten_kind": ocr,
    }


# -- what the documents and the form say together ------------------------------------------------------------------
def _single_field(spec: FieldSpec, declared: Any, raws: Sequence[_Raw], records: list[Record]) -> Field:
    wanted = kinds.normalise(spec.kind, declared, spec.choices, spec.unit)
    found: list[Found] = []
    for raw in raws:
        others = [other for other in raws if other is not raw]
        _compare(raw, [wanted] if declared is not None else [], [other.value.value for other in others], spec.kind)
        found.append(_found(raw))
        records.append(Record(spec.name, "", -1, raw.document, raw.value.value, raw.features, found[-1].confidence))
    found.sort(key=lambda one: -one.confidence)
    return Field(
        name=spec.name,
        best=found[0] if found else None,
        declared=None if declared is None else Found(value=wanted, text=str(declared)[:500], confidence=1.0),
        found=tuple(found),
    )


def _table_field(
    spec: FieldSpec, declared: Any, tables: Mapping[str, Sequence[dict[str, _Raw]]], records: list[Record]
) -> Field:
    declared_rows = _declared_rows(spec, declared)
    best: list[dict[str, Found]] = []
    best_weight = 0.0
    for document in sorted(tables, key=lambda name: spec.documents.index(name)):
        rows = tables[document]
        elsewhere = [row for other, others in tables.items() if other != document for row in others]
        made: list[dict[str, Found]] = []
        for number, row in enumerate(rows):
            cells: dict[str, Found] = {}
            for column, raw in row.items():
                kind = spec.columns[column].kind
                of_form = [each[column] for each in declared_rows if each.get(column) is not None]
                of_others = [each[column].value.value for each in elsewhere if column in each]
                _compare(raw, of_form, of_others, kind)
                cells[column] = _found(raw)
                records.append(
                    Record(spec.name, column, number, document, raw.value.value, raw.features, cells[column].confidence)
                )
            made.append(cells)
        weight = sum(cell.confidence for cells in made for cell in cells.values())
        if weight > best_weight:
            best, best_weight = made, weight
    return Field(name=spec.name, best=None, rows=tuple(best), declared_rows=tuple(declared_rows))


def _declared_rows(spec: FieldSpec, declared: Any) -> list[dict[str, Any]]:
    if not isinstance(declared, list | tuple):
        return []
    rows: list[dict[str, Any]] = []
    for row in declared:
        if isinstance(row, Mapping):
            rows.append(
                {
                    column: kinds.normalise(column_spec.kind, row[column], column_spec.choices, column_spec.unit)
                    for column, column_spec in spec.columns.items()
                    if row.get(column) is not None
                }
            )
    return rows


def _compare(raw: _Raw, form: Sequence[Any], others: Sequence[Any], kind: str) -> None:
    """Agreement is strong evidence; disagreement lowers confidence where reading may have erred, never the value."""
    features = raw.features
    if form:
        agrees = any(same(kind, raw.value.value, value) for value in form)
        features["agrees_form"] = float(agrees)
        features["differs_form"] = float(not agrees)
        features["ocr_differs_form"] = features["ocr"] * (not agrees)
    if others:
        agrees = any(same(kind, raw.value.value, value) for value in others)
        features["agrees_documents"] = float(agrees)
        features["differs_documents"] = float(not agrees)
        features["ocr_differs_documents"] = features["ocr"] * (not agrees)


def same(kind: str, one: Any, other: Any) -> bool:
    """Whether two normalised values of a kind are the same."""
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one) == str(other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.005
    if kind in ("text", "address", "organisation", "signature"):
        return _bare(str(one)) == _bare(str(other))
    return bool(one == other)


def _bare(text: str) -> str:
    return "".join(char for char in text if char.isalnum()).lower()


def _found(raw: _Raw) -> Found:
    page = raw.page.page
    return Found(
        value=raw.value.value,
        text=raw.text[:500],
        confidence=confidence.probability(raw.features),
        file=page.file,
        page=page.number,
        part=page.part,
        box=raw.box,
        document=raw.document,
        faults=raw.value.faults,
    )
