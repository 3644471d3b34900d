"""Work orders (工单) for a 12345 hotline, as CSV for Excel and as JSON.

There is no national interface for work orders: every province and city has its own columns and category codes (DB44/T
2479-2024 of Guangdong is one table of them). So ``FIELDS`` is a template: names that dispatchers know, one column each,
to be mapped by whoever receives them. 诉求类别 is in words, not in anybody's codes.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence

from udfs.export.case import (
    GROUPS,
    HAZARDS,
    NEEDS,
    PRIORITIES,
    STANDINGS,
    STATES,
    Case,
    local,
    printable,
    title,
    words,
)

Value = str | int | float | None

URGENCY: Mapping[int, str] = {1: "特急", 2: "紧急", 3: "一般", 4: "一般"}
QUOTES = 3
QUOTE_CHARACTERS = 300


def _category(case: Case) -> str:
    if case.needs:
        return "求助-" + words(case.needs, NEEDS)
    return "险情-" + (words(case.hazards, HAZARDS) or "其他")


def _content(case: Case) -> str:
    parts = [f"网民反映（已脱敏，原帖{case.posts}条，其中转发转述{case.relays}条）："]
    parts += [f"“{printable(quoted.text)[:QUOTE_CHARACTERS]}”（{quoted.name}）" for quoted in case.quoted[:QUOTES]]
    if case.hazards and case.needs:
        parts.append(f"同时反映险情：{words(case.hazards, HAZARDS)}。")
    if case.standing:
        parts.append(f"险情说法：{STANDINGS.get(case.standing, case.standing)}。")
    if case.items:
        parts.append(f"所需物品：{words(case.items, {})}。")
    return "".join(parts)


def _contact(case: Case) -> str:
    if not case.numbers:
        return "原帖未留电话"
    back = f"；已回电{case.calls}次，最近{local(case.called_at)}" if case.calls and case.called_at else "；尚未回电"
    return f"原帖留有电话{case.numbers}个，加密存放，需授权查看{back}"


_FIELDS: Mapping[str, Callable[[Case], Value]] = {
    "工单编号": lambda case: f"YQ-{case.episode_id[:16]}",
    "工单来源": lambda _: "网络舆情",
    "诉求类别": _category,
    "紧急程度": lambda case: URGENCY.get(case.priority, "一般"),
    "优先级": lambda case: PRIORITIES.get(case.priority, str(case.priority)),
    "标题": title,
    "诉求内容": _content,
    "区划代码": lambda case: case.adcode,
    "事发地点": lambda case: case.place,
    "经度": lambda case: case.lon,
    "纬度": lambda case: case.lat,
    "定位误差（米）": lambda case: case.radius_m,
    "首次反映时间": lambda case: local(case.first_at),
    "最近反映时间": lambda case: local(case.last_at),
    "反映人数": lambda case: case.callers,
    "涉及人数": lambda case: case.people,
    "重点人群": lambda case: words(case.vulnerable, GROUPS),
    "联系方式": _contact,
    "办理状态": lambda case: STATES.get(case.state, case.state),
    "核实时间": lambda case: local(case.verified_at) if case.verified_at else "",
    "承办单位": lambda case: case.owner,
    "办理期限": lambda case: local(case.deadline) if case.deadline else "",
    "依据": lambda case: " ".join(quoted.name for quoted in case.quoted),
}
FIELDS: Sequence[str] = tuple(_FIELDS)


def ticket(case: Case) -> dict[str, Value]:
    """One work order: every name of ``FIELDS``, in that order; no value spans lines or holds a control character.

    The number (工单编号) is made of the episode's, so the same episode exported twice is one work order.
    """
    order = {name: value(case) for name, value in _FIELDS.items()}
    return {name: printable(value) if isinstance(value, str) else value for name, value in order.items()}


def as_csv(cases: Sequence[Case]) -> bytes:
    """A table with a head, UTF-8 with a byte order mark, CRLF, every cell quoted: what Excel opens by a double click.

    A cell that a spreadsheet would take for a formula begins with an apostrophe (``harmless``).
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(FIELDS)
    for case in cases:
        writer.writerow([harmless(value) for value in ticket(case).values()])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_json(cases: Sequence[Case]) -> bytes:
    """An array of objects, UTF-8; numbers are numbers, what is not known is null."""
    return (json.dumps([ticket(case) for case in cases], ensure_ascii=False, indent=2) + "\n").encode()


_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")
"""The full-width ones count for Excel; | and % for other importers."""


def harmless(value: Value) -> Value:
    """``value``, not to be run by a spreadsheet: text of strangers stands in these cells (OWASP, CSV injection)."""
    if isinstance(value, str) and value.lstrip().startswith(_FORMULA):
        return "'" + value
    return value
