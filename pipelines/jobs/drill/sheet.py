"""The score sheet of a drill as one HTML file, in Chinese: nothing is loaded, nothing runs, and it prints on A4."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from pipelines.jobs.drill.place import Run
from udfs.brief import style
from udfs.brief.markup import Markup, join, tag

_BEIJING = timezone(timedelta(hours=8))
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
NEEDS = {
    "rescue": "救援",
    "medical": "医疗",
    "supplies": "物资",
    "shelter": "安置",
    "transport": "转运",
    "missing_person": "寻人",
    "other_help": "其他求助",
    "offer": "提供帮助",
}
HAZARDS = {
    "dyke_breach": "溃堤",
    "collapse": "坍塌",
    "landslide": "滑坡",
    "flood_rising": "涨水",
    "electric": "漏电",
    "gas": "燃气",
    "fire": "火情",
    "road_cut": "断路",
}
ACTS = {
    "verify": "核实",
    "dispatch": "派出",
    "arrive": "到场",
    "close": "办结",
    "reopen": "重开",
    "reject": "不采纳",
    "merge": "合并",
    "split": "拆分",
    "note": "备注",
    "handover": "交接",
    "called": "回电",
}


def render(run: Run, sheet: dict[str, Any]) -> str:
    """The whole file. No text of a post stands in it: the truth of a drill has none either."""
    summary, people = sheet["summary"], sheet["people"]
    body = [
        tag("div", tag("h1", f"演练评分：{run.title}"), tag("div", _when(run)), class_="head"),
        tag("p", "演练数据由程序生成，地点中县区以下均为虚构；本表不涉及真实人员与事件。", class_="secret"),
        tag(
            "ul", [tag("li", tag("b", value), tag("span", label)) for label, value in _figures(sheet)], class_="figures"
        ),
        tag("h2", "各级求助从首次发出到首次告警"),
        _table(
            ("优先级", "事件", "已告警", "漏报", "中位数", "95%", "最长"),
            [
                (f"{level} 级", row["episodes"], row["alerted"], row["missed"], *_spans(row))
                for level, row in summary["by_priority"].items()
            ],
        ),
        tag("h2", "人员处置（一、二级）"),
        tag(
            "p",
            f"共 {people['episodes']} 起，已处置 {people['acted_on']} 起"
            f"（首次处置中位数 {_span(people['first_act_p50_s'])}），"
            f"已派出 {people['dispatched']} 起（中位数 {_span(people['dispatched_p50_s'])}），"
            f"无人处置 {len(people['untouched'])} 起。",
        ),
        tag("h2", "逐起事件"),
        _table(
            (
                "优先级",
                "需要与险情",
                "县区",
                "发帖",
                "首次告警",
                "告警前发帖",
                "送达",
                "系统事件数",
                "处置",
                "首次处置",
            ),
            [_episode(row) for row in sheet["episodes"]],
        ),
        tag("h2", "误报"),
        _table(
            ("优先级", "规则", "帖数", "实际内容"),
            [
                (row["priority"], row["rule"], row["posts"], "，".join(f"{k} {n}" for k, n in row["kinds"].items()))
                for row in sheet["false_alerts"]
            ],
        )
        if sheet["false_alerts"]
        else tag("p", "无。"),
        tag("h2", "任务"),
        tag("ul", [tag("li", task) for task in run.tasks]) if run.tasks else tag("p", "本场景未列任务。"),
        tag(
            "p",
            "时间均为实际钟表时间，自流水线收到该事件第一条求助起算。漏报：一、二级事件没有任何告警涉及其帖文。误报：告警所含帖文"
            "无一属于事件，也无一需要任何人。",
            class_="note",
        ),
    ]
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("title", f"演练评分 {run.title}"),
            tag("style", Markup(style.CSS)),
        ),
        tag("body", *body),
        lang="zh-CN",
    )
    return "<!doctype html>" + page


def _when(run: Run) -> Markup:
    began = datetime.fromtimestamp(run.began_ms / 1000, _BEIJING)
    return join(f"{began:%Y-%m-%d %H:%M} 开始", tag("br"), f"{run.speed:g} 倍速，种子 {run.seed}")


def _figures(sheet: dict[str, Any]) -> list[tuple[str, str]]:
    summary, must = sheet["summary"], sheet["summary"]["must_alert"]
    return [
        ("帖文", f"{summary['posts']:,}"),
        ("一、二级事件", str(must["episodes"])),
        ("漏报", str(must["missed"])),
        ("首次告警中位数", _span(must["first_alert_p50_s"])),
        ("首次告警 95%", _span(must["first_alert_p95_s"])),
        ("告警", str(summary["alerts"])),
        ("误报", str(summary["false_alerts"])),
    ]


def _episode(row: dict[str, Any]) -> tuple[object, ...]:
    what = [*(NEEDS.get(need, need) for need in row["needs"]), *(HAZARDS.get(name, name) for name in row["hazards"])]
    before = row["posts_before_alert"]
    return (
        row["priority"],
        "、".join(what) or "-",
        row["adcode"] or "-",
        row["posts"],
        _span(row["first_alert_s"]) if row["first_alert_s"] is not None else tag("span", "漏报", class_="late"),
        "-" if before is None else before,
        _span(row["told_s"]),
        row["found_as"],
        "、".join(dict.fromkeys(ACTS.get(act, act) for act in row["acts"])) or "-",
        _span(row["first_act_s"]),
    )


def _spans(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_span(row[f"first_alert_{name}_s"]) for name in ("p50", "p95", "max"))


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.2f} 秒"
    return f"{seconds:.1f} 秒" if seconds < 120 else f"{seconds / 60:.1f} 分"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Markup:
    cells = [[cell if isinstance(cell, Markup) else str(cell) for cell in row] for row in rows]
    return tag(
        "table",
        tag("thead", tag("tr", [tag("th", name) for name in head])),
        tag("tbody", [tag("tr", [tag("td", cell) for cell in row]) for row in cells]),
    )
