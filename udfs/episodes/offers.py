"""Offers of help near an episode: who offers what it asks for, by great-circle distance, its own county first."""

# ruff: noqa: E501  (Han characters count twice; a table reads better unbroken)
from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

WITHIN_KM = 50.0
WITHIN_MS = 24 * 3_600_000
MOST = 5
"""Offers of an episode."""
KEPT = 2_000
EARTH_KM = 6371.0

_SERVES: Mapping[str, re.Pattern[str]] = {
    "rescue": re.compile(r"皮划艇|冲锋舟|橡皮艇|救生艇|[快游小木铁]船|有船|开船|船只|救援队|救生|直升机|挖掘机|铲车|boat|rescue team"),
    "medical": re.compile(r"医生|护士|医疗|救护|药|氧|床位|透析|doctor|nurse|medic|ambulance"),
    "supplies": re.compile(r"物资|饮用水|矿泉水|方便面|食品|食物|吃的|热饭|热水|盒饭|面包|奶粉|棉被|毛毯|衣物|发电机|充电|帐篷|water|food|blanket|supplies"),
    "shelter": re.compile(r"住宿|入住|能住|可住|过夜|留宿|宾馆|酒店|民宿|避雨|落脚|休息|安置|shelter|room|place to stay"),
    "transport": re.compile(r"车|接送|接人|转移|运送|拉货|船|皮划艇|冲锋舟|橡皮艇|ride|truck|car\b|transport"),
    "missing_person": re.compile(r"搜救|无人机|寻人|救援队|search"),
    "other_help": re.compile(r"人手|志愿者|队员|抽水|水泵|维修|抢修|帮忙|沙袋|volunteer|pump"),
}  # fmt: skip


class Offer(msgspec.Struct, frozen=True, array_like=True):
    """An offer of help. No name and no number: whoever wants those asks for the post."""

    platform: str
    post_id: str
    at: int
    adcode: str
    lat: float
    lon: float
    serves: tuple[str, ...]
    items: tuple[str, ...] = ()


def serves(text: str) -> tuple[str, ...]:
    """The needs that an offer can meet, by its words; none where it does not say what it offers."""
    return tuple(need for need, words in _SERVES.items() if words.search(text[:1_000]))


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance (haversine)."""
    north, east = math.radians(other_lat - lat) / 2, math.radians(other_lon - lon) / 2
    across = math.cos(math.radians(lat)) * math.cos(math.radians(other_lat))
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(math.sin(north) ** 2 + across * math.sin(east) ** 2)))


def nearby(
    offers: Iterable[Offer],
    *,
    needs: Collection[str],
    items: Collection[str],
    adcode: str,
    lat: float,
    lon: float,
    at: int,
) -> list[tuple[Offer, float]]:
    """At most ``MOST`` offers that meet one of ``needs`` or ``items``, with their km: the same county first, then the
    nearest, then the newest. Positions are those of the county where no better is known, so km 0 means near."""
    found = []
    for offer in offers:
        if abs(offer.at - at) > WITHIN_MS:
            continue
        if not (set(offer.serves) & set(needs) or set(offer.items) & set(items)):
            continue
        if abs(offer.lat - lat) > WITHIN_KM / 110:  # cheap: a degree of latitude is 111 km
            continue
        km = distance_km(lat, lon, offer.lat, offer.lon)
        if km <= WITHIN_KM:
            found.append((offer, km))
    found.sort(key=lambda pair: (not adcode or pair[0].adcode != adcode, pair[1], -pair[0].at, pair[0].post_id))
    return found[:MOST]
