"""The report's checks: what did not pass or could not be judged with its evidence, then what passed, compactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.applications import Check, Evidence
from udfs.brief.markup import Markup, join, tag
from udfs.explanations import fields, wording
from udfs.explanations.parts import Report, heading
from udfs.explanations.pictures import Wanted, of_table, place
from udfs.explanations.values import restricted

_EVIDENCE = 8
"""Pieces of evidence of a check that are shown one by one: of a roster there are hundreds."""
_CELLS = 3
"""Cells of a table that are shown one by one; more are told together, beside the table's snippet."""


class Seen(NamedTuple):
    """Evidence that is shown: single places, and tables of which many cells are evidence."""

    single: list[Evidence]
    tables: dict[str, list[Evidence]]
    more: int


def _seen(check: Check) -> Seen:
    """What of a check's evidence is shown. What names no place and holds no text (a missing document) shows nothing."""
    single: list[Evidence] = []
    tables: dict[str, list[Evidence]] = {}
    for one in check.evidence:
        if one.field and (one.file or one.text):
            table = one.field.partition(".")[0].partition("[")[0]
            (tables.setdefault(table, []) if _column(one.field) else single).append(one)
    for table in [table for table, cells in tables.items() if len(cells) <= _CELLS]:
        single += tables.pop(table)
    return Seen(single[:_EVIDENCE], tables, max(0, len(single) - _EVIDENCE))


def wanted(report: Report) -> Iterator[Wanted]:
    """Places of evidence of what did not pass; most are those of fields already and cost nothing more."""
    for check in _not_passed(report):
        yield from (at for one in _seen(check).single if (at := place(one)) is not None)


def section(report: Report) -> Markup:
    shown = set(fields.wanted(report))
    first = _not_passed(report)
    open_ = sum(check.passed is None for check in first)
    passed = [check for check in report.decision.checks if check.passed is True]
    return join(
        heading("核查", f"不通过 {len(first) - open_} 项，无法判断 {open_} 项，通过 {len(passed)} 项"),
        [_card(report, check, shown) for check in first],
        _passed(passed) if passed else None,
    )


def _not_passed(report: Report) -> list[Check]:
    """What failed, grounds for a refusal first, then what could not be judged."""
    return sorted((check for check in report.decision.checks if check.passed is not True), key=_gravity)


def _gravity(check: Check) -> int:
    return 3 if check.passed is None else {"reject": 0, "supplement": 1}.get(check.outcome, 2)


def _card(report: Report, check: Check, shown: set[Wanted]) -> Markup:
    veil = report.veil
    seen = _seen(check)
    return tag(
        "div",
        tag("div", tag("b", check.title), tag("span", wording.state(check), class_="state"), class_="top"),
        tag("p", veil(check.reason)) if check.reason else None,
        tag("p", veil(check.remedy), class_="remedy") if check.remedy else None,
        [_evidence(report, one, shown) for one in seen.single],
        [_cells(report, table, cells) for table, cells in seen.tables.items()],
        tag("p", f"另有 {seen.more} 处。", class_="lines") if seen.more else None,
        tag("p", f"依据 {check.legal_basis}", class_="lines") if check.legal_basis else None,
        tag("p", _rule(check), f"　{wording.OUTCOMES.get(check.outcome, check.outcome)}", class_="mono"),
        class_="check open" if check.passed is None else "check failed",
    )


def _evidence(report: Report, one: Evidence, shown: set[Wanted]) -> Markup:
    """What was seen where. A place that stands with its field is referred to, another is shown here, once."""
    at = place(one)
    here = None if at is None or at in shown else report.figure(at)
    if at is not None:
        shown.add(at)
    text = report.veil.value(one.text, restricted(_spec(report, one.field), _column(one.field)), 200)
    line = tag(
        "p",
        f"{_title(report, one.field)} ",
        tag("b", text or "—"),
        f"　{report.where(one.file, one.page, one.part, one.document)}",
        join("　", report.reference(at)) if here is None and report.reference(at) is not None else None,
        class_="lines",
    )
    return join(line, here)


def _cells(report: Report, table: str, cells: list[Evidence]) -> Markup:
    """Many cells of a table in a line, with its snippet."""
    field = report.decision.extraction.fields.get(table)
    figure = report.reference(of_table(field.rows)) if field is not None else None
    pages = dict.fromkeys((one.file, one.page) for one in cells if one.file)
    where = "，".join(report.where(file, page) for file, page in list(pages)[:_CELLS])
    said = f"{_title(report, table)} {len(cells)} 处　{where}{'等' if len(pages) > _CELLS else ''}"
    return tag("p", said, join("　", figure) if figure is not None else None, class_="lines")


def _spec(report: Report, name: str) -> object:
    return report.kind.fields.get(name.partition(".")[0].partition("[")[0])


def _column(name: str) -> str:
    """``shareholders.capital`` and ``shareholders[2].capital`` name a table's column."""
    return name.partition(".")[2]


def _title(report: Report, name: str) -> str:
    table = name.partition(".")[0].partition("[")[0]
    spec = report.kind.fields.get(table)
    title = wording.titled(report.kind.fields, table)
    column = _column(name)
    return f"{title}·{wording.titled(spec.columns, column)}" if spec is not None and column else title


def _rule(check: Check) -> str:
    return f"{check.rule}@{check.version}" if check.version else check.rule


def _passed(checks: list[Check]) -> Markup:
    heads = tag("tr", tag("th", "通过的核查"), tag("th", "法律依据"), tag("th", "规则与版本"))
    rows = [
        tag(
            "tr",
            tag("td", check.title),
            tag("td", check.legal_basis),
            tag("td", tag("span", _rule(check), class_="mono")),
        )
        for check in checks
    ]
    return tag("table", tag("thead", heads), tag("tbody", rows))
