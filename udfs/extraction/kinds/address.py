"""Addresses, and the district (adcode) that one lies in."""

from __future__ import annotations

import functools
import re

from udfs.extraction.folding import folded, written
from udfs.extraction.kinds.value import Hints, Value

_PART = re.compile(r"[省市区县旗镇乡村路街巷弄道组屯号楼栋幢座室层段]|街道|小区|大厦|广场|公寓|花园|家园|苑")
_BODY = re.compile(r"[^，。；;!?\"]{4,120}")
_LATIN_END = re.compile(r"[,:;、\-.]+$")


def read(text: str, hints: Hints) -> Value | None:
    """The text up to the end of its clause; fault ``form`` when it names no part that an address has."""
    match = _BODY.search(text)
    if match is None:
        return None
    body = match.group()
    cut = re.search(r"(?:邮政编码|邮编|联系电话|电话|联系人)[::]?", body)
    if cut and cut.start() >= 4:
        body = body[: cut.start()]
    body = _LATIN_END.sub("", body)
    parts = len(_PART.findall(body))
    if parts == 0 or len(body) < 4:
        return None
    return Value(
        written(body), match.start(), match.start() + len(body), faults=() if parts > 1 or len(body) > 6 else ("form",)
    )


def district_of(address: str) -> str | None:
    """Adcode of the county or district that the address begins with, None when it cannot be told.

    河南省郑州市金水区..., 郑州市金水区..., 金水区... where only one district of China has that name. First call: 0.4 s.
    """
    text = folded(address)
    rest, code = _step(text, None)
    if code is None:
        return _counties().get(_head(text))
    while True:
        after, below = _step(rest, code)
        if below is None:
            return code if len(code) == 6 and not code.endswith("00") else None
        rest, code = after, below


def _head(text: str) -> str:
    match = re.match(r"[\u4e00-\u9fff]{1,10}?[区县市旗]", text)
    return match.group() if match else ""


def _step(text: str, parent: str | None) -> tuple[str, str | None]:
    """The division below ``parent`` that the text begins with (from nothing: a province or a city)."""
    for length in range(min(12, len(text)), 1, -1):
        code = _children(parent).get(text[:length])
        if code is not None:
            return text[length:], code
    return text, None


@functools.lru_cache(512)
def _children(parent: str | None) -> dict[str, str]:
    from udfs.places.gazetteer import Gazetteer

    table = Gazetteer.load()
    names: dict[str, str] = {}
    for division in table.divisions.values():
        if division.adcode is None:
            continue
        above = table.divisions.get(division.parent or "")
        if parent is None:
            near = division.level in ("province", "city")
        else:
            # a city of a province, a county of either: the city in between may be left out
            near = division.parent == parent or (above is not None and above.parent == parent)
        if near and division.level != "town":
            names.setdefault(division.name, division.adcode)
            if division.level != "county" and len(division.short) > 1:
                names.setdefault(division.short, division.adcode)
    return names


@functools.cache
def _counties() -> dict[str, str]:
    """Names that one county alone bears."""
    from udfs.places.gazetteer import Gazetteer

    seen: dict[str, str | None] = {}
    for division in Gazetteer.load().divisions.values():
        if division.level == "county" and division.adcode is not None:
            seen[division.name] = None if division.name in seen else division.adcode
    return {name: code for name, code in seen.items() if code is not None}
