"""Hazards and rumours: what a claim is about, and whether a post denies one. What is true is for people to decide."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

HAZARD_WORDS: Mapping[str, re.Pattern[str]] = {
    "dyke_breach": re.compile(r"决堤|溃堤|溃坝|决口|溃口|垮坝|漫坝|漫堤|管涌|大坝[^，。]{0,4}(?:垮|裂|塌|冲)|泄洪[^，。]{0,6}(?:炸|淹)|炸[堤坝]"),
    "collapse": re.compile(r"坍塌|倒塌|垮塌|塌陷|塌了|桥[^，。]{0,4}[塌断垮]|楼[^，。]{0,3}[塌倒]"),
    "landslide": re.compile(r"滑坡|泥石流|塌方|山体"),
    "electric": re.compile(r"漏电|触电|带电"),
    "gas": re.compile(r"燃气|煤气|天然气|毒气|化工[^，。]{0,6}(?:泄漏|爆炸)|泄漏"),
    "fire": re.compile(r"起火|着火|失火|火灾|爆炸"),
    "flood_rising": re.compile(r"洪峰|洪水|淹没|被淹|进水|倒灌|水位"),
    "road_cut": re.compile(r"封路|断路|道路中断|桥断"),
}  # fmt: skip
"""Words a denial uses for each hazard, most severe first: the lexicon of `triage` leaves denied hazards out."""

MAY_DENY = "辟谣|谣言|谣传|不实|假消息|假新闻|假的|没有|并未|并没|未发生|未出现|fake|false|rumou?r|hoax"
"""The cheap look before the dear one: RE2 and `re` read it alike."""

_DENIES = re.compile(
    r"辟谣|(?:系|是|为|属|属于|纯属|都是|别信|勿信|不信|制造|散布|传播)[^，。！]{0,4}(?:谣言|谣传)|谣言[!！。，,]|不实(?:信息|消息|言论|传言|内容)?(?:[。，,!！；;]|$|的)|"
    r"假消息|假新闻|(?<!真的)(?<!真真)(?:是|都是|系)假的|^假的|[，。！!“”\"]假的[，。！!]|不存在[^，。]{0,6}(?:决|溃|垮|塌|泄漏|滑坡|起火|爆炸)|"
    r"(?:没有|并未|并没有|未|没)(?:发生|出现|有)?(?:任何)?(?:决堤|溃堤|溃坝|决口|溃口|垮坝|管涌|坍塌|倒塌|垮塌|塌|滑坡|泄漏|起火|爆炸|漏电|险情)|"
    r"\b(?:fake news|not true|hoax|false rumou?r|debunked)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NO_DENIAL = re.compile(
    r"不是(?:谣言|谣传|假的|假消息)|并非(?:谣言|不实|假)|真的假的|是不是(?:谣言|假的|真的)|是真的吗|有没有(?:决|溃|垮|塌)|(?:谁|快|求|请|赶紧|怎么没人|官方|能)[^，。]{0,4}辟谣|"
    r"辟谣(?:吗|一下|被打脸|是假的)|别拿辟谣|没有(?:辟谣|回应)|not (?:fake|a rumou?r|a hoax)",
    re.IGNORECASE,
)


def denies(text: str) -> bool:
    """Whether ``text`` says that a hazard is not so: as an authority does, or as somebody on the spot."""
    text = unicodedata.normalize("NFKC", text[:1_000])
    return bool(_DENIES.search(text)) and not _NO_DENIAL.search(text)


def hazards_denied(text: str) -> list[str]:
    """The hazards whose words stand in a denial, most severe first."""
    return [hazard for hazard, words in HAZARD_WORDS.items() if words.search(text[:1_000])]


_STRUCTURE = re.compile(r"([一-龥]{2})(水库|大坝|大堤|河堤|堤坝|水电站|大桥|隧道|煤矿|化工厂|电厂)")


def structure(text: str) -> str:
    """The last two characters of the name of the first reservoir, dyke, bridge, ... and its kind ("石沟水库"), empty
    without any. The name's beginning cannot be told from the words before it, its end can."""
    found = _STRUCTURE.search(unicodedata.normalize("NFKC", text[:1_000]))
    return found.group() if found else ""
