"""The report's fields: value, as read, as declared, how sure, where, and the piece of the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from schemas.applications import Field, Found
from udfs.brief.markup import Markup, join, tag
from udfs.explanations import wording
from udfs.explanations.parts import Report, heading
from udfs.explanations.pictures import Wanted, of_table, place
from udfs.explanations.values import founds, marked, restricted, same, share, written

if TYPE_CHECKING:
    from udfs.types import FieldSpec

Named = tuple[str, Field]
"""A field's name and the field."""

ROWS = 1000
"""Rows of a table that are shown; the rest is counted."""


def wanted(report: Report) -> Iterator[Wanted]:
    """Places of which a snippet is wanted, as they follow in the report: each field's best value, each table."""
    for _, field in (pair for group in _groups(report) for pair in group):
        at = of_table(field.rows) if field.rows else place(field.best) if field.best is not None else None
        if at is not None:
            yield at


def section(report: Report) -> Markup:
    """All fields of the type: those that a person should look at first, then the others, then tables."""
    first, rest, tables = _groups(report)
    return join(
        heading("字段", f"共 {len(first) + len(rest) + len(tables)} 个，{len(first)} 个须核对"),
        tag("h3", "须由人核对") if first else None,
        [_field(report, name, field) for name, field in first],
        tag("h3", "其余字段") if first and rest else None,
        [_field(report, name, field) for name, field in rest],
        [_table(report, name, field) for name, field in tables],
    )


def _groups(report: Report) -> tuple[list[Named], list[Named], list[Named]]:
    """Single fields to look at first, the other single fields, tables."""
    first: list[Named] = []
    rest: list[Named] = []
    tables: list[Named] = []
    for name, field in _ordered(report):
        if _is_table(report, name, field):
            tables.append((name, field))
        else:
            (first if _flags(report, name, field) else rest).append((name, field))
    return first, rest, tables


def _ordered(report: Report) -> list[Named]:
    """As the type lists them, then what it does not know; one without anything is left out unless required."""
    known, found = report.kind.fields, report.decision.extraction.fields
    shown: list[Named] = []
    for name in (*known, *(name for name in found if name not in known)):
        field = found.get(name) or Field(name, None)
        spec = known.get(name)
        empty = field.best is None and field.declared is None and not field.rows and not field.declared_rows
        if not empty or (spec is not None and spec.required):
            shown.append((name, field))
    return shown


def _is_table(report: Report, name: str, field: Field) -> bool:
    spec = report.kind.fields.get(name)
    return bool(field.rows or field.declared_rows) or (spec is not None and spec.kind == "table")


def _flags(report: Report, name: str, field: Field) -> list[str]:
    """What makes a person look: nothing found, unsure, faults, another value declared or in another document."""
    spec = report.kind.fields.get(name)
    best, said = field.best, []
    if best is None:
        on_paper = spec is None or bool(spec.documents)
        return ["材料中未找到"] if on_paper and (spec is None or spec.required or field.declared is not None) else []
    if best.confidence < report.kind.confidence.fact or f"uncertain:{name}" in report.decision.reasons:
        said.append("识别把握不足")
    said += [wording.fault(code) for code in best.faults]
    if field.declared is not None and not same(best.value, field.declared.value):
        said.append("与申报不一致")
    if any(not same(best.value, found.value) for found in founds(field)):
        said.append("各材料之间不一致")
    return said


def _field(report: Report, name: str, field: Field) -> Markup:
    spec = report.kind.fields.get(name)
    hidden = restricted(spec)
    best = field.best
    flags = _flags(report, name, field)
    at = place(best) if best is not None else None
    caption = report.where(best.file, best.page, best.part, best.document) if best is not None else ""
    return tag(
        "div",
        tag("div", tag("b", wording.titled(report.kind.fields, name)), _class(spec), class_="title"),
        tag(
            "div",
            tag("div", _shown(report, spec, best, hidden), class_="value"),
            [tag("span", flag, class_="flag") for flag in flags],
            _lines(report, spec, field, hidden),
        ),
        tag("div", report.figure(at, caption) or _no_picture(report, field)),
        class_="field" if best is not None else "field none",
    )


def _class(spec: FieldSpec | None) -> str:
    said = [] if spec is None else [spec.data_class, "关键" if spec.critical else "", "必填" if spec.required else ""]
    return " · ".join(part for part in said if part)


def _shown(report: Report, spec: FieldSpec | None, best: Found | None, hidden: bool) -> Markup | str:
    if best is None:
        return "未找到"
    return report.veil.value(written(spec, best.value), hidden) or "（空）"


def _lines(report: Report, spec: FieldSpec | None, field: Field, hidden: bool) -> Markup:
    """As read, as declared, how sure, and what other documents say."""
    best, declared, veil = field.best, field.declared, report.veil
    lines: list[Markup] = []
    if best is not None:
        sure = tag("b", share(best.confidence), class_="low" if best.confidence < report.kind.confidence.fact else None)
        lines.append(tag("p", "把握 ", sure, class_="lines"))
        value = written(spec, best.value)
        if best.text and best.text.strip() != value:
            lines.append(tag("p", "原文 ", tag("b", veil.value(best.text, hidden)), class_="lines"))
    if declared is not None:
        lines.append(tag("p", "申报 ", tag("b", _declared(report, spec, field, hidden)), class_="lines"))
    for other in [found for found in founds(field) if found is not best][:6]:
        lines.append(_other(report, spec, best, other, hidden))
    return join(lines)


def _declared(report: Report, spec: FieldSpec | None, field: Field, hidden: bool) -> Markup:
    """The declared value; where it differs from the paper's, what differs is marked."""
    declared, best = field.declared, field.best
    if declared is None:
        return join()
    said = report.veil.value(written(spec, declared.value), hidden)
    if best is None:
        return join(said)
    if same(best.value, declared.value):
        return join(said, "（一致）")
    if hidden and not report.veil.full:
        return tag("mark", said)
    return marked(said, report.veil.value(written(spec, best.value), hidden))


def _other(report: Report, spec: FieldSpec | None, best: Found | None, other: Found, hidden: bool) -> Markup:
    at = report.where(other.file, other.page, other.part, other.document)
    if best is not None and same(best.value, other.value):
        return tag("p", f"同见于 {at}", class_="lines")
    said = report.veil.value(written(spec, other.value), hidden)
    return tag("p", f"{at} 为 ", tag("b", tag("mark", said)), f"（把握 {share(other.confidence)}）", class_="lines")


def _no_picture(report: Report, field: Field) -> Markup:
    best = field.best
    if best is None:
        return tag("div", "没有对应的页面位置", class_="none-there")
    if (best.file, best.page, best.part) in report.withheld:
        said = "该页含有未定位的受限信息，不附截图"
    elif best.file:
        said = "无截图"
    else:
        said = "来自申请表单"
    return tag(
        "div", said, tag("br"), report.where(best.file, best.page, best.part, best.document), class_="none-there"
    )


# -- tables -----------------------------------------------------------------------------------------------------------
def _table(report: Report, name: str, field: Field) -> Markup:
    """A table field: its rows with what is unsure, wrong or declared otherwise, and one snippet of it."""
    spec = report.kind.fields.get(name)
    columns = _columns(spec, field)
    rows = len(field.rows)
    told = [f"材料中 {rows} 行" if rows else "材料中未找到"]
    if field.declared_rows:
        told.append(f"申报 {len(field.declared_rows)} 行")
    pages = list(dict.fromkeys((cell.file, cell.page) for row in field.rows for cell in row.values() if cell.file))
    if pages:
        told.append("，".join(report.where(file, page) for file, page in pages[:4]) + ("等" if pages[4:] else ""))
    specs = spec.columns if spec is not None else {}
    numeric = {column for column in columns if getattr(specs.get(column), "kind", "") in _NUMERIC}
    heads = [tag("th", wording.titled(specs, column), class_="n" if column in numeric else None) for column in columns]
    compared = len(field.declared_rows) == rows
    body = [
        tag(
            "tr",
            tag("td", number, class_="n"),
            [
                tag("td", _cell(report, spec, column, row, field.declared_rows[number - 1] if compared else {}),
                    class_="n" if column in numeric else None)
                for column in columns
            ],
        )
        for number, row in enumerate(field.rows[:ROWS], 1)
    ]  # fmt: skip
    at = of_table(field.rows)
    return tag(
        "div",
        tag("h3", wording.titled(report.kind.fields, name), "　", tag("span", "；".join(told), class_="note")),
        tag("table", tag("thead", tag("tr", tag("th", "行", class_="n"), heads)), tag("tbody", body)) if rows else None,
        tag("p", f"其余 {rows - ROWS} 行从略。", class_="note") if rows > ROWS else None,
        report.figure(at, report.where(*at.at) if at is not None else ""),
        class_="wide",
    )


_NUMERIC = frozenset({"amount", "number", "area", "percent"})


def _columns(spec: FieldSpec | None, field: Field) -> list[str]:
    known = list(spec.columns) if spec is not None else []
    return list(dict.fromkeys([*known, *(column for row in field.rows for column in row)]))


def _cell(report: Report, spec: Any, column: str, row: dict[str, Found], said: dict[str, Any]) -> Markup:
    cell = row.get(column)
    if cell is None:
        return join("—")
    hidden = restricted(spec, column)
    described = spec.columns.get(column) if spec is not None else None
    text = report.veil.value(written(described, cell.value), hidden, 120)
    below = [wording.fault(code) for code in cell.faults]
    if cell.confidence < report.kind.confidence.fact:
        below.append(f"把握 {share(cell.confidence)}")
    differs = said.get(column) is not None and not same(cell.value, said[column])
    if differs:
        below.append(f"申报 {report.veil.value(written(described, said[column]), hidden, 120)}")
    return join(tag("mark", text) if differs else text, tag("div", "，".join(below), class_="below") if below else None)
