"""The explanation report of a decision as one HTML file: nothing is loaded, nothing runs, and it prints on A4.

The first page is for the officer who decides: what is proposed, why it is not approved, everything that is to be
mended. The rest is for the hearing: every field with the piece of the page it was read from, every check with its
evidence and legal basis, what was found in which file, which versions judged, and what a person changed.

Every text of an application is hostile; it reaches the page only as text (udfs/brief/markup.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemas.applications import APPROVE, PROPOSE_REJECT, Decision, Reading, Review
from udfs.brief.markup import Markup, join, tag
from udfs.explanations import annex, checks, fields, pictures, style, wording
from udfs.explanations.parts import Report, heading
from udfs.explanations.values import Veil, cut, share

if TYPE_CHECKING:
    from udfs.types import Type

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Should a mark of a document ever get through as an element: no script runs and nothing is fetched."""

_AUTHORITY, _APPEAL = "审批机关", "如对决定不服，可依法申请行政复议或者提起行政诉讼。"
"""For a type that says neither."""
_WHYS = 15
"""Reasons in the head: it is to be read in a minute."""


def render(
    decision: Decision,
    kind: Type | None,
    folder: Path,
    picture: pictures.Picture,
    review: Review | None = None,
    *,
    reading: Reading | None = None,
    seconds: float | None = None,
    show: Literal["masked", "full"] = "masked",
) -> str:
    """The whole file. ``kind`` is None for an application whose form names no type that is known.

    ``folder`` is named as the place of the originals and not opened; pages come from ``picture(file, page, part)``,
    each asked for at most once. ``reading`` adds what is known of the files (digest, kind, problem); a report that is
    made again a year later can do without. ``show="full"`` writes L4 values in clear and leaves the snippets as they
    are: for an officer who is entitled and has given a reason. Cost: about 50 ms and what ``picture`` takes.
    """
    kind = kind or _untyped(decision.type)
    full = show == "full"
    veil = Veil(kind, decision.extraction, full)
    hidden = {} if full else pictures.hidden_boxes(kind, decision.extraction)
    withheld = frozenset(at for at, boxes in hidden.items() if boxes is None)
    report = Report(decision, kind, veil, {}, reading, withheld)
    wanted = [*fields.wanted(report), *checks.wanted(report)]
    report = replace(report, snippets=pictures.cut(wanted, picture, hidden))
    body: Iterator[Markup | None] = (
        part
        for part in (
            _head(report, review),
            annex.review(report, review) if review is not None else None,
            _notice(report),
            fields.section(report),
            checks.section(report),
            annex.documents(report),
            annex.versions(report, folder, seconds),
        )
    )
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"审批说明 {cut(decision.application_id, 100)}"),
            tag("style", Markup(style.CSS)),
        ),
        tag("body", *body),
        lang="zh-CN",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _untyped(name: str) -> Type:
    """A type of which nothing is known: every field is then taken for L4."""
    from udfs.types import Type

    title = f"未知事项（{cut(name, 40)}）" if name else "未知事项"
    return Type(name, title, "—", "", fields={}, documents={}, facts=(), rules=(), lists={}, digest="")


def _head(report: Report, review: Review | None) -> Markup:
    decision, kind, veil = report.decision, report.kind, report.veil
    found = wording.whys(decision, kind)
    whys = [tag("li", veil(why.text)) for why in found[:_WHYS]]
    if len(found) > _WHYS:
        whys.append(tag("li", f"另有 {len(found) - _WHYS} 项，见下文"))
    if whys:
        reasons = join(tag("p", "未予自动准予的原因，由重到轻：", class_="note"), tag("ol", whys))
    else:
        passed = sum(check.passed is True for check in decision.checks)
        reasons = tag("p", f"全部 {passed} 项核查通过，关键字段识别把握充分，材料齐全。")
    signed = review is not None and review.signed
    return join(
        tag(
            "div",
            tag("div", tag("h1", "申请材料审批说明"), tag("div", kind.title, class_="kind")),
            tag(
                "div",
                "申请编号 ",
                tag("b", cut(decision.application_id, 100)),
                tag("br"),
                "按 ",
                tag("b", decision.decided_on),
                " 施行的规则判断",
                class_="id",
            ),
            class_="head",
        ),
        tag(
            "div",
            tag(
                "div",
                tag("b", wording.PROPOSED.get(decision.decision, decision.decision)),
                tag("span", "整体把握 ", tag("b", share(decision.confidence))),
                class_="say",
            ),
            reasons,
            tag("p", "软件提出建议，由人决定。", class_="by"),
            class_=f"verdict {_class(decision.decision)}",
        ),
        None
        if signed or decision.decision == APPROVE
        else tag("div", tag("span", "审批决定："), tag("span", "审批人员签名："), tag("span", "日期："), class_="sign"),
    )


def _class(code: str) -> str | None:
    """Known codes only: a class is no place for foreign text."""
    return code if code in wording.PROPOSED or code in wording.DECIDED else ""


def _notice(report: Report) -> Markup | None:
    """一次性告知: everything at once; for a proposed refusal its reasons, remedies and the way of appeal."""
    decision, kind, veil = report.decision, report.kind, report.veil
    refusing = [check for check in decision.checks if check.passed is False and check.outcome == "reject"]
    if decision.decision != PROPOSE_REJECT:
        refusing = []
    grounds = None
    if refusing:
        grounds = join(
            heading("不予许可的理由", f"{len(refusing)} 项"),
            tag(
                "ol",
                [
                    tag(
                        "li",
                        tag("b", check.title),
                        f"：{veil(check.reason)}" if check.reason else None,
                        tag("div", f"依据：{check.legal_basis}", class_="lines") if check.legal_basis else None,
                        tag("div", veil(check.remedy), class_="remedy") if check.remedy else None,
                    )
                    for check in refusing
                ],
                class_="told",
            ),
            tag("p", tag("b", "救济途径　"), kind.texts.get("appeal", _APPEAL), class_="appeal"),
        )
    told = list(dict.fromkeys(decision.supplement))
    if not told:
        return grounds
    authority = kind.texts.get("authority", _AUTHORITY)
    return join(
        grounds,
        heading("一次性告知", f"{len(told)} 项，请一并补正"),
        tag(
            "p",
            f"以下为需要补齐或者更正的全部内容，由{authority}一次告知。",
            class_="note",
        ),
        tag("ol", [tag("li", veil(one)) for one in told], class_="told"),
    )
