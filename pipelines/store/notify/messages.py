"""What receivers get: fields for machines, words for people. Never text of a post."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from string import Template
from zoneinfo import ZoneInfo

from schemas.channels import DEFAULT_TEMPLATE, TEMPLATE_FIELDS

LEVELS = {1: "一级", 2: "二级", 3: "三级", 4: "四级"}
NEEDS = {
    "rescue": "救援", "medical": "医疗", "supplies": "物资", "shelter": "安置", "transport": "转运",
    "missing_person": "寻人", "other_help": "其他求助", "offer": "提供帮助",
}  # fmt: skip
HAZARDS = {
    "dyke_breach": "决堤", "collapse": "坍塌", "landslide": "滑坡", "flood_rising": "水位上涨", "electric": "触电",
    "gas": "燃气泄漏", "fire": "火情", "road_cut": "道路中断",
}  # fmt: skip
VULNERABLE = {
    "elderly": "老人", "infant": "婴儿", "child": "儿童", "pregnant": "孕妇", "in_labour": "临产", "disabled": "残障",
    "immobile": "行动不便", "patient": "病人", "injured": "伤者", "oxygen": "依赖氧气", "dialysis": "依赖透析",
    "insulin": "依赖胰岛素",
}  # fmt: skip
STATES = {"open": "未接警", "acknowledged": "已接警", "closed": "已关闭"}
SUBJECTS = {"approval-stopped": ("审批", "自动审批已停止")}
"""Rules that are no call for help -> what stands where a place would, and what happened."""
BANDS = (
    (re.compile(r"ocr_confidence below ([\d.]+)"), r"识别把握低于 \1"),
    (re.compile(r"referral_high"), "未自动准予的过多"),
    (re.compile(r"referral_low"), "未自动准予的过少"),
    (re.compile(r"slower than ([\d.]+) s"), r"慢于 \1 秒"),
    (re.compile(r"disagreement"), "审批人员与机器不一致"),
)
"""How ``governance.automation`` names a band -> in words."""
KINDS = {"need": ("需求", NEEDS), "hazard": ("险情", HAZARDS), "vulnerable": ("人群", VULNERABLE)}
"""First word of a reason that the stream writes -> its name and those of its values."""

TOP = 5
"""Alerts that a digest names."""


@dataclass(frozen=True)
class Message:
    """An alert for one receiver; the plain webhook and file get it as JSON. Times are milliseconds since the epoch."""

    event: str
    idempotency_key: str
    alert_id: str
    rule: str
    priority: int
    place: str
    needs: list[str]
    first_at: int
    last_at: int
    posts: int
    callers: int
    state: str
    reasons: list[str]
    post_ids: list[dict[str, str]]


@dataclass(frozen=True)
class Digest:
    """Many alerts in one message: how many of each priority, and the most urgent ones."""

    idempotency_key: str
    priorities: dict[int, int]
    top: list[Message]

    @property
    def count(self) -> int:
        return sum(self.priorities.values())


def digest(key: str, priorities: Sequence[int], top: Sequence[Message]) -> Digest:
    return Digest(key, dict(sorted(Counter(priorities).items())), list(top[:TOP]))


def without_place(message: Message, county: str) -> Message:
    """The message with no more of its place than ``county``, which is never personal."""
    return replace(message, place=county)


@dataclass(frozen=True)
class Wording:
    """A channel's template and time zone. A template that passed ``schemas.channels`` renders every message."""

    template: str = DEFAULT_TEMPLATE
    time_zone: str = "Asia/Shanghai"

    def render(self, message: Message) -> str:
        marks = {"escalation": "〔升级：尚无人接警〕", "test": "〔测试，请勿处置〕"}
        return marks.get(message.event, "") + Template(self.template).substitute(self.fields(message))

    def render_digest(self, digest: Digest) -> str:
        levels = "、".join(f"{LEVELS[priority]} {count} 条" for priority, count in digest.priorities.items())
        lines = [f"【合并通知】{digest.count} 条警情：{levels}"]
        for number, message in enumerate(digest.top, 1):
            values = self.fields(message)
            line = "{level} {place} {what}，首报 {first}，来电 {callers} 人，编号 {id}".format(**values)
            lines.append(f"{number}. {line}")
        if digest.count > len(digest.top):
            lines.append(f"其余 {digest.count - len(digest.top)} 条：yuqing alerts list")
        return "\n".join(lines)

    def fields(self, message: Message) -> dict[str, str]:
        """Every field that a template may name."""
        values = {
            "level": LEVELS[message.priority],
            "place": message.place or SUBJECTS.get(message.rule, ("地点不明",))[0],
            "what": what(message),
            "first": datetime.fromtimestamp(message.first_at / 1000, ZoneInfo(self.time_zone)).strftime("%m-%d %H:%M"),
            "callers": str(message.callers),
            "reposts": str(max(0, message.posts - message.callers)),
            "posts": str(message.posts),
            "reasons": "；".join(reason(words) for words in message.reasons) or "无",
            "state": STATES.get(message.state, message.state),
            "rule": message.rule,
            "id": message.alert_id[:12],
        }
        return {name: values[name] for name in TEMPLATE_FIELDS}


def what(message: Message) -> str:
    """What is needed or what happens, in a few words."""
    if message.rule in SUBJECTS:
        return SUBJECTS[message.rule][1]
    if message.rule == "silence":
        return "地区失声（无帖子）"
    needs = "、".join(NEEDS.get(need, need) for need in message.needs)
    if message.rule.startswith("burst:"):
        subject = message.rule.removeprefix("burst:")
        return f"{needs or NEEDS.get(subject, subject)} 突增"
    category = _CATEGORY.search(message.reasons[0]) if message.reasons else None
    return needs or (category[1] if category else message.rule)


_CATEGORY = re.compile(r"\((.+)\)$")
"""Of a keyword reason: ``被困 (灾情求助)``."""
_LEFT = re.compile(r"(.+): (\d+) of (\d+), limit (\S+)")
"""A band that was left: ``referral_high: 80 of 100, limit 0.7``."""


def reason(words: str) -> str:
    """A reason in Chinese: ``need rescue`` is 需求 救援; terms of rules stay as they are."""
    kind, _, value = words.partition(" ")
    if kind in KINDS:
        name, values = KINDS[kind]
        return f"{name} {values.get(value, value)}"
    if left := _LEFT.fullmatch(words):
        for band, name in BANDS:
            if found := band.fullmatch(left[1]):
                return f"{found.expand(name)}：{left[3]} 件中 {left[2]} 件，限 {left[4]}"
    return words
