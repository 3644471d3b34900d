"""An episode as exports see it, and the Chinese words for its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
"""What exports are written in: all of China keeps Beijing's time."""

NEEDS: Mapping[str, str] = {
    "rescue": "救援", "medical": "医疗", "supplies": "物资", "shelter": "安置", "transport": "转运",
    "missing_person": "寻人", "other_help": "其他求助", "offer": "提供帮助",
}  # fmt: skip
HAZARDS: Mapping[str, str] = {
    "dyke_breach": "堤坝险情", "collapse": "倒塌", "landslide": "滑坡", "flood_rising": "水位上涨",
    "electric": "漏电", "gas": "燃气泄漏", "fire": "火情", "road_cut": "道路中断",
}  # fmt: skip
GROUPS: Mapping[str, str] = {
    "elderly": "老人", "infant": "婴幼儿", "child": "儿童", "pregnant": "孕妇", "in_labour": "临产", "disabled": "残障",
    "immobile": "行动不便", "patient": "病人", "injured": "伤员", "oxygen": "吸氧", "dialysis": "透析",
    "insulin": "胰岛素",
}  # fmt: skip
STATES: Mapping[str, str] = {
    "unverified": "待核实", "verified": "已核实", "dispatched": "已派出", "arrived": "已到达", "closed": "已办结",
}  # fmt: skip
STANDINGS: Mapping[str, str] = {"unverified": "未经证实", "official": "官方发布", "contested": "说法不一"}
PRIORITIES: Mapping[int, str] = {1: "一级", 2: "二级", 3: "三级", 4: "四级"}


@dataclass(frozen=True)
class Quoted:
    """A post behind the episode; ``text`` is masked, shared places too (``posts.text_l2``)."""

    platform: str
    post_id: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.platform}/{self.post_id}"


@dataclass(frozen=True)
class Circle:
    """An area: WGS-84 degrees, metres."""

    name: str
    lat: float
    lon: float
    radius_m: int


@dataclass(frozen=True)
class Case:
    """One episode. Times are epoch ms. ``place`` is L3: a village, road or building where people may be in need."""

    episode_id: str
    kind: str
    priority: int
    place: str
    level: str
    adcode: str
    first_at: int
    last_at: int
    state: str = "unverified"
    lat: float | None = None
    lon: float | None = None
    radius_m: int | None = None
    needs: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()
    people: int | None = None
    callers: int = 0
    relays: int = 0
    posts: int = 0
    standing: str = ""
    owner: str = ""
    deadline: int | None = None
    verified_at: int | None = None
    numbers: int = 0
    """Distinct phone numbers of its posts: how many the vault may hold, never which."""
    calls: int = 0
    """How often somebody has phoned back."""
    called_at: int | None = None
    proposed: str = ""
    """State that a post proposes and nobody has turned down: closed or partial."""
    proposed_by: str = ""
    quoted: tuple[Quoted, ...] = ()
    county: Circle | None = None
    """The county of ``adcode``: all that the public is told of a place."""


def words(labels: Sequence[str], names: Mapping[str, str]) -> str:
    """Labels in Chinese; one that has no word here stands as it is."""
    return "、".join(names.get(label, label) for label in labels)


def local(ms: int) -> str:
    """2026-07-20 20:00:00, in Beijing's time."""
    return datetime.fromtimestamp(ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S")


_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]+")


def printable(text: str) -> str:
    """``text`` in one line without what no table and no XML 1.0 document may hold: controls, lone surrogates."""
    return _NOT_PRINTED.sub(" ", text).strip()


def title(case: Case, place: str | None = None) -> str:
    """What is asked for or feared, where, and how many people: the first line of every export."""
    what = words(case.needs, NEEDS) or words(case.hazards, HAZARDS) or "情况待核"
    kind = "求助" if case.kind == "help" else "险情"
    count = f"，约{case.people}人" if case.people else ""
    where = place if place is not None else case.place or (case.county.name if case.county else "")
    return printable(f"{where or '地点不详'}{kind}：{what}{count}")
