"""What stands around a short name decides whether a place is meant: 北京路 is a road, 上海人 are people.

``Surroundings.verdict`` looks at a few characters on either side of a short name (one without 省, 市, 区, 县). A full
name needs no such look. The words are in ``names.yaml`` under ``after`` and ``before``. Cost: a microsecond a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACE, WEAK, OTHER = 0, 1, 2
"""The place is meant; an institution bears its name and probably stands there; something else is meant."""

_ROAD = re.compile(
    r"[东南西北中]?[东南西北]?(?:[一二三四五六七八九十]{0,2}(?:大道|大街|支路|胡同|路高架|"
    r"路(?![上面况段边人过途程费灯政障演线由透网桥])|街(?![头道坊拍上边舞区景访]))|高架)"
)
_INSTITUTION = re.compile(r"[一-龥]{0,7}?(?:大学(?!生|城)|学院(?!路)|银行|有限公司|集团|俱乐部|研究院|出版社)")
_GRAMMAR = re.compile(r"[的在市省了和与及有是到去被等将从、]")
_PEOPLE = re.compile(r"人(?![民员大均社防才流数口事行工为家类群次力])")
_WALK = re.compile(r"[岸侧面部麓坡]|边(?![境疆防界民])")
_SAFE = re.compile(r"全(?![市城县境省域州区])")
_CALM = re.compile(r"[安均时台常衡稳息民]")
_LOWER = re.compile(
    r"镇(?![守静定]|区)|乡(?![村下亲土])|街道(?![上两旁])|村(?![民里委镇干医支庄官])|屯|"
    r"[湾府轩岸郡景苑园城](?:小区|家园|公寓)|花园|家园|华庭|名苑|嘉园|新苑|公馆|名邸"
)
_WATERS = re.compile(r"江(?!边|岸)|湖(?!边|区|畔)|河(?![道段堤边岸])|山(?![区路村洪体上里])|岛|峡")


class Surroundings:
    """Judges short names; built from the lists ``after`` and ``before``."""

    def __init__(self, after: Mapping[str, str], before: Mapping[str, str]) -> None:
        self._before = dict(before)
        words = sorted({word for listed in after.values() for word in listed.split()} - {"人"}, key=len, reverse=True)
        self._first = frozenset(word[0] for word in words) | frozenset("人")
        self._words = re.compile("|".join(_unless(*word.partition("!")) for word in words))

    def verdict(self, text: str, start: int, end: int, touching: bool, county: bool) -> int:
        """``touching``: another place ends where this name begins, so what is left of it needs no look."""
        if not touching and start and self._cut_from_the_left(text[start - 1], text[start:end], text[end : end + 2]):
            return OTHER
        if end >= len(text):
            return PLACE
        following = text[end]
        if following in "东南西北中一二三四五六七八九十路街大支胡高" and _ROAD.match(text, end):
            return OTHER
        if following in self._first and (_PEOPLE.match(text, end) or self._words.match(text, end)):
            return OTHER
        last = text[end - 1]
        if (last == "安" and _SAFE.match(text, end)) or (last == "平" and _CALM.match(text, end)):
            return OTHER
        if last == "阳" and following == "光":
            return OTHER
        if _LOWER.match(text, end):  # 登封市|桃园乡
            return OTHER
        if county and _WATERS.match(text, end):  # 鄱阳湖 and 澜沧江 are larger than the county
            return OTHER
        institution = _INSTITUTION.match(text, end)
        if institution and not _GRAMMAR.search(institution.group()[:-2]):
            return WEAK
        return PLACE

    def _cut_from_the_left(self, before: str, name: str, following: str) -> bool:
        """今天|津贴, 最大|连锁, 黄河|南岸: the name's first character belongs to the word before it."""
        if before in self._before.get(name[0], ""):
            return True
        return name[-1] in "东南西北" and _WALK.match(following) is not None


def _unless(word: str, mark: str, following: str) -> str:
    """菜!市场 -> 菜 that is not followed by 市 or 场."""
    return re.escape(word) + (f"(?![{re.escape(following)}])" if mark else "")
