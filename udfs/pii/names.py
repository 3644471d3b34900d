"""What a name and a shared place look like: surnames, titles, suffixes, and the border cases of ``docs/pii.md``.

Used after the tagger, to settle where a span ends and what is none, and while training, to make labels follow the
same rules.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_LEXICON = yaml.safe_load(Path(__file__).with_name("lexicon.yaml").read_text(encoding="utf-8"))


def _words(key: str) -> list[str]:
    return sorted(_LEXICON[key].split(), key=len, reverse=True)


SURNAMES = "".join(_words("surnames"))
COMPOUND_SURNAMES = tuple(_words("compound_surnames"))
_TITLE = re.compile("|".join(_words("titles")))
_CLEAR_SURNAMES = "".join(_words("clear_surnames"))
_CLEAR_TITLES = "|".join(_words("clear_titles"))
SURNAME_AND_TITLE = re.compile(
    rf"(?<![\u4e00-\u9fff])(?:{'|'.join(COMPOUND_SURNAMES)}|[{_CLEAR_SURNAMES}])"
    rf"(?:{_CLEAR_TITLES}|某(?![些个种人天日年月地处]))|"
    rf"(?<=[是叫找的请和给跟与让由到在系谢求帮救])[{_CLEAR_SURNAMES}](?:{_CLEAR_TITLES})"
)
"""A surname and a title where the surname cannot be the end of another word."""

_NOT_NAMES = frozenset(_words("not_names"))
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_NAME = re.compile(rf"[{_HAN}A-Za-z·•・.\-]+")

_SHARED = re.compile(f"(?:{'|'.join(_words('shared_suffixes'))})$")
_NOT_SHARED = frozenset(_words("not_shared"))
_ADMIN_SUFFIX = re.compile(f"(?:{'|'.join(_words('admin_suffixes'))})$")
_PARTICLES = "还也都说的是就让被把"
_GENERIC = re.compile(
    "人民|中心|第?[一二三四五六七八九十]|中医|妇幼|儿童|实验|大学|中学|小学|医院|卫生院|政府|高中|初中|幼儿园"
)
_ADMIN_BEFORE = re.compile(r"[^\W\d省市县区镇乡]{2,3}[省市县区镇乡]$")
_ADMIN_HEAD = re.compile(
    rf"(?:[{_HAN}]{{2,3}}?(?:省|自治区))?(?:[{_HAN}]{{2,4}}?市)?(?:[{_HAN}]{{1,4}}?(?:区|县|旗))?"
    rf"(?:[{_HAN}]{{2,4}}?(?:镇|乡|街道))?"
)


def is_shared(place: str) -> bool:
    """Whether a place name is of a kind many people share (and not a province, city, county or town)."""
    if place in _NOT_SHARED:
        return False
    return (bool(_SHARED.search(place)) and not _ADMIN_SUFFIX.search(place)) or place.endswith(("小区", "社区"))


def refine_person(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of a name that was tagged at ``text[start:end]``, or None when it is none."""
    while start < end and not _NAME.match(text, start, start + 1):
        start += 1
    match = _NAME.match(text, start, end)
    if match is None:
        return None
    end = match.end()
    while end > start and text[end - 1] in "·•・.-":
        end -= 1
    name = text[start:end]
    if (len(name) == 1 and name in SURNAMES) or name in COMPOUND_SURNAMES:
        title = _TITLE.match(text, end)
        return (start, title.end()) if title else None
    if len(name) > 2 and name[-1] in _PARTICLES:
        name, end = name[:-1], end - 1
    if len(name) < 2 or name in _NOT_NAMES or not any("\u3400" <= char <= "\u9fff" for char in name):
        return None
    for form in ("先生", "女士", "小姐", "老师", "医生", "同志", "教授", "记者"):
        if (
            name.endswith(form)
            and len(name) - len(form) >= 2
            and name[0] in SURNAMES
            and name[:2] not in COMPOUND_SURNAMES
        ):
            return start, end - len(form)
    return start, end


def refine_place(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of a shared place tagged at ``text[start:end]``, less provinces and towns before it, or None."""
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    head = _ADMIN_HEAD.match(text, start, end)
    if head and head.end() < end - 1:
        start = head.end()
    if _GENERIC.match(text, start):  # 人民医院 alone names none: 河南省人民医院 does
        before = _ADMIN_BEFORE.search(text, max(0, start - 4), start)
        if before:
            start = before.start()
            if len(before[0]) == 4 and start and text[start - 1].isalpha():
                start += 1  # 河|南阳市…, not 河南|南南阳市…
    name = text[start:end]
    return (start, end) if len(name) >= 2 and is_shared(name) else None
