"""How many people need help, and who among them is vulnerable.

Counts are lower bounds of what the post says ("大概200多人" is 200). Groups that are listed one after another are
added ("3个大人2个孩子"); a part of a group is not ("三百人，其中老人五十"); a stated total wins ("一共12人"); of
several separate mentions the largest counts, since posts repeat themselves. Rescuers, the dead and ages are not
counted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from udfs.triage.evidence import MOST_READ, Evidence
from udfs.triage.numerals import ENGLISH_NUMBER, NUMBER, parse_number

VULNERABLE = (
    "elderly",
    "infant",
    "child",
    "pregnant",
    "in_labour",
    "disabled",
    "immobile",
    "patient",
    "injured",
    "oxygen",
    "dialysis",
    "insulin",
)
"""Names in `people.vulnerable`, in the order written; oxygen, dialysis and insulin mean dependent on it."""

_NOUN = (
    "大人|成年人|老年人|老人家|老人|老两口|小孩子|小孩|孩子|儿童|小朋友|婴儿|婴幼儿|幼儿|宝宝|娃娃|娃|孕妇|产妇|病人|患者|伤员|伤者|重症|"
    "村民|居民|群众|灾民|乡亲|住户|业主|学生|师生|老师|员工|工人|工友|民工|乘客|旅客|游客|驴友|司机|同事|同学|男的|女的|男人|女人|"
    "男子|女子|男孩|女孩|残疾人|亲人|老百姓|百姓|人口|人员|人"
)
_MODIFIER = (
    r"(?:(?:\d{1,3}|[一二三四五六七八九十]{1,4})(?:多)?岁(?:多|以上|左右)?的?|被困的?|受灾的?|高龄的?|"
    r"年迈的?|行动不便的?|无助的?|刚出生的?|大小)?"
)
_APPROXIMATE = r"[ \t]?(?P<more>多|余|来|几)?[ \t]?"
_GROUP = re.compile(
    rf"(?P<number>(?>{NUMBER})){_APPROXIMATE}(?P<unit>个|名|位|口|户)?(?:多|左右)?{_MODIFIER}(?P<noun>{_NOUN})(?!数|次|力|手|民币|份|类|设|工)"
)
# (?<!\s): a run of spaces is looked at once, from its beginning, not from each of its places
_HOUSEHOLD = re.compile(rf"(?:一家|全家|家里|家中|家里有|我家|一家子|家|共|上下)?(?<!\s)\s*(?P<number>(?>{NUMBER}))口")
_FAMILY_OF = re.compile(r"一家(?:老小|子)?(?P<number>[二两三四五六七八九十]|\d{1,2})(?:口|人|个)")
_ENGLISH = re.compile(
    rf"(?P<number>{ENGLISH_NUMBER})\s+(?:\w+\s+)?"
    r"(?:people|persons|adults?|children|kids?|babies|elderly|seniors|patients|students|villagers|residents|workers|"
    r"passengers|men|women|families|members|of us)\b"
)
_FAMILY_ENGLISH = re.compile(rf"family of (?P<number>{ENGLISH_NUMBER})")
_TOTAL = re.compile(r"(?:一共|总共|总计|共计|合计|共有|共|total of)\s*(?:有|约|大概|大约)?\s*$")
_PART = re.compile(r"(?:其中|包括|包含|里面有|含有|含|里有|including)\s*(?:有|就有|约|大概|大约)?\s*$")
_ASIDE = re.compile(r",\s*有\s*$")
_NOT_THEM = re.compile(
    r"^\s*(?:的)?(?:救援|消防|志愿|抢险|突击|医疗队|医护|武警|官兵|队员|死亡|遇难|确诊|点赞|转发|群)|^(?:死亡|遇难|获救|得救|已转移|转发|点赞|的群)"
)
_NOT_BEFORE = re.compile(
    r"(?:派出|出动|组织|调派|增派|招募|需要|急需|死亡|遇难|确诊|新增|累计|支援|救出|转移了?|已转移|疏散了?|转发|点赞|评论|关注|浏览|可住|可容纳|能住|容纳|接待|第|每|缺|差)\s*(?:了|约|大概|大约|志愿者)?\s*$"
)
_CONNECTED = re.compile(r"^[\s,、和跟与及以及还有加带着一共外两]{0,6}$|^(?:,?\s*(?:and|plus|with|an?)\s*)+$")
_PATTERNS = (_FAMILY_OF, _HOUSEHOLD, _GROUP, _FAMILY_ENGLISH, _ENGLISH)
_REACH = 12
_MOST = 5_000_000


class _Mention(NamedTuple):
    start: int
    end: int
    people: int
    total: bool
    part: bool  # "其中", "包括"
    aside: bool  # ",有两位老人" after the whole


def vulnerable_of(evidence: Evidence) -> list[str]:
    """Return the names of `VULNERABLE` for whom the post speaks."""
    kinds = evidence.kinds("vulnerable")
    return [name for name in VULNERABLE if name in kinds]


def count_of(text: str) -> int | None:
    """Return the number of people the post (in normal form) speaks for, None when it gives none."""
    mentions = _mentions(text[:MOST_READ])
    if not mentions:
        return None
    totals = [mention.people for mention in mentions if mention.total]
    if totals:
        return max(totals)
    best = run = 0
    last: _Mention | None = None
    for mention in mentions:
        if (mention.part or mention.aside) and last is not None and mention.people < last.people:
            continue
        joined = last is not None and _CONNECTED.match(text[last.end : mention.start]) is not None
        run = run + mention.people if joined else mention.people
        best = max(best, run)
        last = mention
    return best or None


def _mentions(text: str) -> list[_Mention]:
    matches = [match for pattern in _PATTERNS for match in pattern.finditer(text)]
    matches.sort(key=lambda match: match.start())  # stable: of two that begin together the earlier pattern's wins
    found: list[_Mention] = []
    for match in matches:
        if found and match.start() < found[-1].end:
            continue
        mention = _mention(text, match)
        if mention is not None:
            found.append(mention)
    return found


def _mention(text: str, match: re.Match[str]) -> _Mention | None:
    number = parse_number(match.group("number"))
    if number is None or not 1 <= number <= _MOST:
        return None
    start, end = match.span()
    groups = match.groupdict()
    noun, unit = groups.get("noun"), groups.get("unit")
    if noun == "人" and unit is None and match.group("number") in ("一", "几", "数", "十", "百", "万", "千"):
        return None  # "一人" as in 一人一个, "万人迷"
    if unit == "户" or match.group("number") in ("几", "数"):
        return None
    before = text[max(0, start - _REACH) : start]
    if _NOT_BEFORE.search(before) or _NOT_THEM.match(text[end : end + _REACH]):
        return None
    if match.group("number")[0].isdigit() and before[-1:] in (".", ":", "-", "/"):
        return None  # the tail of a date, a time or a range
    return _Mention(
        start, end, int(number), bool(_TOTAL.search(before)), bool(_PART.search(before)), bool(_ASIDE.search(before))
    )
