"""Which place a post is about, and when two such places are the same.

A *site* is a village, an estate, a school, a bridge, a road: below the town, what a boat can be sent to. The same
village is written with its town and without, with 小区 and without; two villages of one name in two towns are two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.records import PLACE_LEVELS

SITES = ("village", "poi", "road")
"""Levels of a site, the best to go by first: a call from a village names the bridge nearby, not the other way round."""
COUNTY = PLACE_LEVELS.index("county")


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a post. ``own`` is the site's name in normal form without the divisions above it; empty where no
    site is named: then ``level`` is that of a division. ``town`` is empty when it is not named."""

    name: str
    level: str
    adcode: str
    lat: float | None
    lon: float | None
    radius_m: int | None
    own: str = ""
    town: str = ""
    said: bool = True
    """The text names it. False: only the account's region does, which says where somebody lives, not who needs help."""

    @property
    def deep(self) -> bool:
        """Whether it is below the town."""
        return bool(self.own)

    @property
    def scope(self) -> str:
        """The division in which ``own`` is one: the county, or what is known of it."""
        return self.adcode or self.name.removesuffix(self.own)


def site_of(places: Sequence[Mapping[str, Any]]) -> Site | None:
    """The place that ``places`` (a row of ``posts``) is about: the first village, else point of interest, else road,
    else the deepest division; None without any."""
    if not places:
        return None
    for level in SITES:
        for place in places:
            if place["level"] == level:
                return _site(place, places)
    return _site(max(places, key=lambda place: PLACE_LEVELS.index(place["level"])), places)


def sites_of(places: Sequence[Mapping[str, Any]]) -> tuple[Site, ...]:
    """All sites that ``places`` name, in their order."""
    return tuple(_site(place, places) for place in places if place["level"] in SITES)


def sites_named(places: Sequence[Mapping[str, Any]]) -> int:
    """How many villages and points of interest are named: a list of calls names many."""
    return len({place["name"] for place in places if place["level"] in ("village", "poi")})


def _site(place: Mapping[str, Any], places: Sequence[Mapping[str, Any]]) -> Site:
    name, level = place["name"], place["level"]
    own = town = ""
    where = place  # whose division and position hold
    said = level in SITES or place["start"] >= 0
    above = [p for p in places if p["level"] not in SITES and name.startswith(p["name"]) and p["name"] != name]
    division = max(above, key=lambda p: len(p["name"]), default=None)
    if level in SITES:
        own = name[len(division["name"]) :] if division else _LAST_DIVISION.sub("", name)
        town = _TOWN.sub("", division["name"]) if division and division["level"] == "town" else ""
        if not town and (inside := _TOWN_INSIDE.match(own)):
            town, own = inside.group(1), inside.group(2)
        told = _HEARSAY.sub("", own)
        name, own = name[: len(name) - len(own)] + told, normal(told)
    named = division if level in SITES else place
    if named is not None and named["level"] == "town" and (county := _county_before(named, places)) is not None:
        # 中牟县龙泉街道 where the gazetteer knows a 龙泉街道 elsewhere only: the county that is written holds
        within = _TOWN.sub("", named["name"])
        name, where = county["name"] + within + name[len(named["name"]) :], county
    return Site(name, level, where["adcode"] or "", where["lat"], where["lon"], where["radius_m"], own, town, said)


def _county_before(town: Mapping[str, Any], places: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The county written right before a town that is listed under another."""
    for place in places:
        if place["level"] == "county" and 0 <= place["start"] < place["end"] and place["end"] == town["start"]:
            return None if town["name"].startswith(place["name"]) else place
    return None


_HEARSAY = re.compile(r"^(?:听说|据说|网传|都说|有人说|说是|传言|刚刚|紧急)(?=.{3})")
_LAST_DIVISION = re.compile(r"^.*(?:[省市县旗盟]|自治州|(?<![小社校园厂城新老])区)(?=.{2})", re.DOTALL)
_TOWN = re.compile(r"^.*[省市区县旗州盟](?=.{2,8}(?:镇|乡|街道|苏木)$)", re.DOTALL)
_TOWN_INSIDE = re.compile(r"^([^\W\d_]{1,5}(?:镇|街道|乡))([^\W_]{2,})$")
_SAME = re.compile(r"(?<=..)(?:行政村|自然村|村村委会|村委会|村村)$")  # 三官庙村村东头
_ESTATE = re.compile(r"(?<=..)(?:小区|社区)$")


def normal(own: str) -> str:
    """A site's name in the form that is compared."""
    own = re.sub(r"[\s·、,，()（）]+", "", own)
    own = _SAME.sub("村", own)
    return _ESTATE.sub("", own) or own


def same(one: Site, other: Site, shortest: int = 3) -> bool:
    """Whether two sites are one, both of them below the town.

    A name may be cut short, to no less than ``shortest`` characters; below 3, which asks for other evidence, one
    character may differ too.
    """
    if _apart(one, other):
        return False
    if one.town and other.town and one.town != other.town:
        return False
    short, long = sorted((one.own, other.own), key=len)
    if shortest < 3 and _slip(short, long):
        return True
    return short == long or (len(short) >= shortest and (long.startswith(short) or long.endswith(short)))


_TELLING = frozenset(
    "东西南北中上下前后大小新老一二三四五六七八九十王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董"
)
"""Characters in which villages differ that lie side by side: 王家庄 and 李家庄 are no slip of the pen."""


def _slip(one: str, other: str) -> bool:
    """Whether two names differ in one character, not the first, that is none of _TELLING."""
    if len(one) != len(other) or len(one) < 4 or one[0] != other[0]:
        return False
    differ = [{a, b} for a, b in zip(one, other, strict=True) if a != b]
    return len(differ) == 1 and not differ[0] & _TELLING


def conflict(one: Site | None, other: Site | None, shortest: int = 3) -> bool:
    """Whether both name a place and it cannot be the same: another county, another town, another village.

    A road says where a village lies and contradicts none of its county.
    """
    if one is None or other is None or not one.said or not other.said:
        return False
    if _apart(one, other):
        return True
    if not one.deep or not other.deep:
        return bool(one.town and other.town and one.town != other.town) or _town_conflict(one, other)
    if one.level != other.level and "road" in (one.level, other.level):
        return False
    return not same(one, other, shortest)


def _apart(one: Site, other: Site) -> bool:
    """Whether neither division lies in the other: 410000 is the province of 410181."""
    wide, narrow = sorted((_ZEROS.sub("", one.adcode), _ZEROS.sub("", other.adcode)), key=len)
    return not narrow.startswith(wide)


_ZEROS = re.compile(r"(?:00)+$")


def _town_conflict(one: Site, other: Site) -> bool:
    towns = [place.name for place in (one, other) if place.level == "town"]
    if len(towns) == 2:
        return towns[0] != towns[1]
    if not towns:
        return False
    deep = other if one.level == "town" else one
    return bool(deep.town) and _TOWN.sub("", towns[0]) != deep.town
