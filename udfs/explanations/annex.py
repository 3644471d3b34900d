"""The rest of the report: what a person changed, which file is what, and what the decision was made with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from schemas.applications import Decision, FileReading, Review
from udfs.brief.markup import Markup, join, tag
from udfs.explanations import wording
from udfs.explanations.parts import Report, heading
from udfs.explanations.values import cut, restricted, share, written


def review(report: Report, review: Review) -> Markup:
    """What an officer decided, corrected and overruled."""
    decided = wording.DECIDED.get(review.decision, cut(review.decision, 40))
    changes = [_change(report, one.field, one.before, one.after) for one in review.changes]
    titles = {key: check.title for key, check in wording.keys(report.decision.checks).items()}
    overruled = [
        tag("tr", tag("td", titles.get(one.rule, one.rule)), tag("td", "通过" if one.passed else "不通过"),
            tag("td", report.veil(one.reason)))
        for one in review.overruled
    ]  # fmt: skip
    stale = review.fingerprint != report.decision.fingerprint
    return join(
        heading("审批人员的决定"),
        tag(
            "div",
            tag("p", tag("b", decided), f"　{cut(review.officer, 60)}　{_moment(review.at)}　",
                "已签署" if review.signed else "未签署"),
            tag("p", tag("b", "该决定针对此前的材料或规则作出，与本说明的指纹不符。")) if stale else None,
            tag("p", f"理由　{report.veil(review.reason, 2000)}") if review.reason else None,
            tag("p", f"备注　{report.veil(review.comment, 2000)}") if review.comment else None,
            _rows(("更正的字段", "更正前", "更正后"), changes),
            _rows(("改判的核查", "改判为", "理由"), overruled),
            tag("p", "未更正字段，未改判核查。", class_="note") if not changes and not overruled else None,
            class_=f"person {review.decision if review.decision in wording.DECIDED else ''}",
        ),
    )  # fmt: skip


def _moment(at: str) -> str:
    """2026年3月6日 09:30（+08:00）; what is no time as it stands."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return cut(at, 40)
    offset = f"（{moment.isoformat()[-6:]}）" if moment.tzinfo is not None else ""
    return f"{moment.year}年{moment.month}月{moment.day}日 {moment:%H:%M}{offset}"


def _change(report: Report, name: str, before: object, after: object) -> Markup:
    """A corrected value; the new one is as restricted as the field it stands in."""
    table, _, column = name.partition(".")
    spec = report.kind.fields.get(table.partition("[")[0])
    hidden = restricted(spec, column)
    described = spec.columns.get(column) if spec is not None and column else spec
    title = wording.titled(report.kind.fields, table.partition("[")[0])
    row = table.partition("[")[2].rstrip("]")
    if column:
        title = f"{title} 第 {row} 行 {described.title if described is not None else column}"
    shown = [report.veil.value(written(described, value), hidden) or "—" for value in (before, after)]
    return tag("tr", tag("td", title), [tag("td", value) for value in shown])


def documents(report: Report) -> Markup:
    """Which file and page is which document, and why a file could not be read."""
    found: dict[str, list[Markup]] = {}
    for one in report.decision.extraction.documents:
        pages = _pages(one.pages)
        title = "未能识别" if one.id == "unknown" else wording.titled(report.kind.documents, one.id)
        part = f"（第 {one.part} 部分）" if one.part else ""
        found.setdefault(one.file, []).append(tag("div", f"{title}　{pages}{part}　把握 {share(one.confidence)}"))
    read = {file.file: file for file in report.reading.files} if report.reading is not None else {}
    unread = {code.partition(":")[2] for code in report.decision.reasons if code.startswith("unreadable:")}
    rows = []
    for name in sorted({*found, *read, *unread}):
        file = read.get(name)
        what: list[object] = list(found.get(name, ()))
        if file is not None and file.problem:
            what.append(tag("div", tag("span", wording.problem(file.problem), class_="flag"), _detail(report, file)))
        elif name in unread:
            what.append(tag("span", "无法读取", class_="flag"))
        rows.append(tag("tr", tag("td", report.veil(name, 160)), tag("td", _format(file)), tag("td", what or "—")))
    return join(
        heading("材料", f"{len(rows)} 个文件"),
        _rows(("文件", "格式", "认定为"), rows) or tag("p", "没有材料。", class_="note"),
    )


def _detail(report: Report, file: FileReading) -> str:
    return f" {report.veil(file.detail, 200)}" if file.detail else ""


def _format(file: FileReading | None) -> str:
    if file is None:
        return "—"
    sources = dict.fromkeys(wording.SOURCES.get(page.source, page.source) for page in file.pages)
    pages = f"，{len(file.pages)} 页" if file.pages else ""
    return f"{wording.KINDS.get(file.kind, file.kind)}{pages}" + (f"，{'、'.join(sources)}" if sources else "")


def _pages(pages: Iterable[int]) -> str:
    """第 1—3、5 页."""
    runs: list[list[int]] = []
    for page in sorted(pages):
        if runs and page == runs[-1][1] + 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return f"第 {'、'.join(str(a) if a == b else f'{a}—{b}' for a, b in runs)} 页" if runs else ""


def versions(report: Report, folder: Path, seconds: float | None) -> Markup:
    """What the decision was made with, so that it can be made again, and what it does not cover."""
    decision, kind = report.decision, report.kind
    digests = [] if report.reading is None else [(f.file, f.sha256) for f in report.reading.files if f.sha256]
    rows: list[tuple[str, object]] = [
        ("事项类型", f"{kind.title}（{kind.type}），版本 {kind.version}"),
        ("规则", tag("span", decision.rules, class_="mono")),
        ("文字识别与校准", tag("span", decision.models, class_="mono")),
        ("判断所依日期", decision.decided_on),
        ("指纹", tag("span", decision.fingerprint, class_="mono")),
        ("自动审批", _automation(decision)),
        ("用时", f"{seconds:.1f} 秒" if seconds is not None else "—"),
        ("原件", f"保留于提交时的文件夹 {cut(folder.name, 120)}，未复制、未改动"),
        *([("本事项范围", kind.scope)] if kind.scope else []),
        *([("不在范围内", "；".join(kind.out_of_scope))] if kind.out_of_scope else []),
    ]
    return join(
        heading("版本与方法", "相同的指纹得出相同的建议"),
        tag("table", tag("tbody", [tag("tr", tag("td", head), tag("td", said)) for head, said in rows])),
        _rows(
            ("文件", "SHA-256"),
            [tag("tr", tag("td", report.veil(name, 160)), tag("td", tag("span", digest, class_="mono")))
             for name, digest in digests],
        ),
        tag("p", "“把握”为识别结果正确的估计概率。" + (
            "受限信息（L4）在文字中只显示首尾，在截图中以斜线遮盖。" if not report.veil.full
            else "本件完整显示受限信息（L4），请妥善保管。"), class_="note"),
    )  # fmt: skip


def _automation(decision: Decision) -> str:
    said = []
    if "breaker" in decision.reasons:
        said.append("已暂停（熔断），全部转人工审查")
    if "audit_sample" in decision.reasons:
        said.append("被随机抽取复核")
    return "；".join(said) or "正常运行，未被抽取复核"


def _rows(heads: Iterable[str], rows: list[Markup]) -> Markup | None:
    if not rows:
        return None
    return tag("table", tag("thead", tag("tr", [tag("th", head) for head in heads])), tag("tbody", rows))
