"""The report's checks: what did not pass or could not be judged with its evidence, then what passed, compactly."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.applications import Check, Evidence
from udfs.brief.markup import Markup, join, tag
from udfs.explanations import fields, wording
from udfs.explanations.parts import Report, heading
from udfs.explanations.pictures import Wanted, place
from udfs.explanations.values import restricted

_EVIDENCE = 12
"""Pieces of evidence that are shown of a check: a roster of hundreds has hundreds."""


def wanted(report: Report) -> Iterator[Wanted]:
    """Places of evidence of what did not pass; most are those of fields already and cost nothing more."""
    for check in _not_passed(report):
        yield from (at for one in check.evidence[:_EVIDENCE] if (at := place(one)) is not None)


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
    evidence = check.evidence[:_EVIDENCE]
    more = len(check.evidence) - len(evidence)
    return tag(
        "div",
        tag("div", tag("b", check.title), tag("span", wording.state(check), class_="state"), class_="top"),
        tag("p", veil(check.reason)) if check.reason else None,
        tag("p", veil(check.remedy), class_="remedy") if check.remedy else None,
        [_evidence(report, one, shown) for one in evidence],
        tag("p", f"另有 {more} 处，见字段表。", class_="lines") if more > 0 else None,
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
