"""The note from one shift to the next: what is open, what changed, what people still decide. Chinese, to print.

Names of officers stand in it, since whoever takes over asks them; of people in need only what an episode shows anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from udfs.export.case import GROUPS, HAZARDS, NEEDS, PRIORITIES, STATES, Case, local, printable, words

ACTIONS: Mapping[str, str] = {
    "verify": "核实", "dispatch": "派出", "arrive": "到达", "close": "办结", "reopen": "重开", "reject": "不采纳提议",
    "merge": "并入另一起", "split": "拆分", "note": "备注", "handover": "交班", "called": "回电",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """Something that a person did. ``at`` is epoch ms; ``other`` the episode that took a merged one over."""

    episode_id: str
    at: int
    actor: str
    action: str
    unit: str = ""
    deadline: int | None = None
    note: str = ""
    other: str = ""


@dataclass(frozen=True)
class Shift:
    """Whose note it is. Times are epoch ms; ``unit`` and ``words`` may be empty."""

    start: int
    end: int
    actor: str
    unit: str = ""
    words: str = ""


def note(shift: Shift, unfinished: Sequence[Case], changes: Sequence[Change]) -> str:
    """The note as plain text, lines ending in a newline; episodes stand in the order given, the most urgent first.

    ``unfinished``: episodes that are not closed now. ``changes``: what was done during the shift, oldest first.
    """
    lines = [
        "突发事件交接班说明",
        f"时段：{local(shift.start)[:16]} 至 {local(shift.end)[:16]}（北京时间）",
        f"交班人：{shift.actor}　承办单位：{shift.unit or '全部'}",
    ]
    if shift.words:
        lines.append(f"交班留言：{printable(shift.words)}")
    lines += ["", "一、概况", *_summary(shift, unfinished, changes), "", "二、未办结事项（按紧急程度）"]
    for number, case in enumerate(unfinished, 1):
        lines += _open(number, case, shift.end)
    lines += [] if unfinished else ["  无"]
    lines += ["", "三、本班变动"]
    lines += [_change(change) for change in changes] or ["  无"]
    proposals = [case for case in unfinished if case.proposed]
    lines += ["", "四、待人决定的办结提议（软件只提议，不改状态）"]
    for case in proposals:
        what = "部分解决" if case.proposed == "partial" else "已解决"
        lines.append(f"  {case.episode_id[:12]}　帖文 {case.proposed_by} 称{what}，请核对后办结或不采纳")
    lines += [] if proposals else ["  无"]
    lines += ["", "交班签字：＿＿＿＿＿＿　　接班签字：＿＿＿＿＿＿"]
    return "".join(line + "\n" for line in lines)


def _summary(shift: Shift, unfinished: Sequence[Case], changes: Sequence[Change]) -> list[str]:
    states = Counter(case.state for case in unfinished)
    split = "，".join(f"{word}{states[state]}" for state, word in STATES.items() if states[state])
    urgent = sum(case.priority == 1 for case in unfinished)
    late = sum(overdue(case, shift.end) for case in unfinished)
    closed = len({change.episode_id for change in changes if change.action == "close"})
    silent = sum(case.numbers > 0 and case.calls == 0 for case in unfinished)
    return [
        f"  未办结{len(unfinished)}起{f'（{split}）' if split else ''}，其中一级{urgent}起、超过期限{late}起；"
        f"本班办结{closed}起。",
        f"  留有电话而尚未回电：{silent}起。",
    ]


def overdue(case: Case, now: int) -> bool:
    """Its deadline has passed, and nobody has closed it."""
    return case.deadline is not None and case.deadline < now and case.state != "closed"


def _open(number: int, case: Case, now: int) -> list[str]:
    what = words(case.needs, NEEDS) or words(case.hazards, HAZARDS) or "情况待核"
    who = f"　{words(case.vulnerable, GROUPS)}" if case.vulnerable else ""
    people = f"　约{case.people}人" if case.people else ""
    where = case.place or (case.county.name if case.county else "") or case.adcode or "地点不详"
    priority = PRIORITIES.get(case.priority, str(case.priority))
    owner = f"　{case.owner}" if case.owner else "　无承办单位"
    deadline = f"　期限{_short(case.deadline)}" if case.deadline else ""
    late = "【超期】" if overdue(case, now) else ""
    called = f"已回电{case.calls}次，最近{_short(case.called_at)}" if case.calls and case.called_at else "未回电"
    return [
        printable(f"{number}. [{priority}] {where}　{what}{people}{who}"),
        "   "
        + printable(
            f"编号 {case.episode_id[:12]}　{STATES.get(case.state, case.state)}{owner}{deadline}{late}　"
            f"不同来电{case.callers}　转发{case.relays}　最近{_short(case.last_at)}　"
            + (called if case.numbers else "原帖未留电话")
        ),
    ]


def _change(change: Change) -> str:
    parts = [_short(change.at), change.episode_id[:12], change.actor, ACTIONS.get(change.action, change.action)]
    if change.unit:
        parts.append(change.unit)
    if change.deadline:
        parts.append(f"期限{_short(change.deadline)}")
    if change.other:
        parts.append(f"→ {change.other[:12]}")
    return "  " + printable("　".join(parts) + (f"：{change.note}" if change.note else ""))


def _short(ms: int) -> str:
    """07-20 20:00"""
    return local(ms)[5:16]
