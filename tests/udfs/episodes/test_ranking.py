"""The order of episodes, and how near two texts or places are."""

from __future__ import annotations

import pytest

from tests.udfs.episodes.posts import GONGYI, HOUR, T0, place
from udfs.episodes.copies import CopyIndex, signature
from udfs.episodes.episode import MOST_EVIDENCE, Episode
from udfs.episodes.offers import distance_km
from udfs.episodes.ranking import rank
from udfs.episodes.site import Site, conflict, normal, same, site_of

VILLAGE = site_of([place(GONGYI, "河东村")])
BASE = {"site": VILLAGE, "priority": 1, "last_at": T0, "caller_tokens": ["a"]}

ORDER = {
    "priority before freshness": ({"priority": 1}, {"priority": 2, "last_at": T0 + 1_000 * HOUR}),
    "fresher first": ({"last_at": T0 + HOUR}, {}),
    "more callers": ({"caller_tokens": ["a", "b"]}, {}),
    "a much fresher one before one of many callers": ({"last_at": T0 + 6 * HOUR}, {"caller_tokens": list("abcdefgh")}),
    "vulnerable people": ({"vulnerable": ["infant"]}, {}),
    "a place before none": ({}, {"site": None}),
    "what is open before what is said to be over": ({}, {"proposed": "closed", "proposed_at": T0 + 1}),
    "an uncontested hazard": ({"kind": "hazard"}, {"kind": "hazard", "denials": 1}),
}


@pytest.mark.parametrize("case", ORDER)
def test_order(case: str) -> None:
    first, second = (Episode("e", **{"kind": "help", **BASE, **changes}) for changes in ORDER[case])  # type: ignore[arg-type]
    assert rank(first) > rank(second)


def test_evidence_keeps_the_first_and_the_best() -> None:
    episode = Episode("e", "help")
    for n in range(100):
        episode.add_evidence(3 if n % 10 == 5 else 1, n, ("weibo", f"{n}"))
    kept = [post_id for *_, post_id in episode.evidence]
    assert len(kept) == MOST_EVIDENCE
    assert kept[0] == "0"
    assert kept[1:4] == ["95", "85", "75"]
    assert "99" in kept


CALL = "水已经淹到二楼了还在往上涨，我们五口人困在房顶出不来，手机只剩百分之三的电"
ALIKE = [
    (CALL, "【转】" + CALL + "#郑州暴雨互助#", True),
    (CALL, f"附近的救援队看一下 //@<USERNAME>:{CALL}", True),
    (CALL, CALL.replace("五口人", "5口人"), True),
    (CALL, "老人靠制氧机维持，停电三个小时了，氧气袋只够四十分钟，求送氧气", False),
    (CALL, "水已经退了", False),
]


@pytest.mark.parametrize(("one", "other", "expected"), ALIKE)
def test_near_copies(one: str, other: str, expected: bool) -> None:
    index = CopyIndex()
    first, second = signature(one), signature(other)
    assert first is not None
    index.add(first, "e")
    assert (second is not None and bool(index.alike(second))) is expected


def site(own: str, level: str = "village", county: str = "410181", town: str = "") -> Site:
    return Site(f"河南省{town}{own}", level, county, None, None, None, own, town)


SITES = [
    (site("河东村"), site("河东村"), False),
    (site("河东村"), site("河西村"), True),
    (site("河东村"), site("河东村", county="410183"), True),
    (site("河东村"), site("河东村", county="410000"), False),
    (site("河东村", town="柳河镇"), site("河东村", town="青石镇"), True),
    (site("河东村"), site("河东村小学", "poi"), False),
    (site("河东村"), site("解放路", "road"), False),
    (site("河东村"), site("", "county"), False),
    (site("河东村"), site("", "county", county="410183"), True),
]


@pytest.mark.parametrize(("one", "other", "expected"), SITES)
def test_places_that_contradict(one: Site, other: Site, expected: bool) -> None:
    assert conflict(one, other) is expected
    assert conflict(other, one) is expected


def test_a_wrong_character_counts_only_with_other_evidence() -> None:
    assert not same(site("王家湾村"), site("王家弯村"))
    assert same(site("王家湾村"), site("王家弯村"), shortest=2)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [((34.75, 113.62), (34.75, 113.62), 0), ((0, 0), (0, 1), 111.2), ((34.75, 113.62), (39.90, 116.40), 623)],
)
def test_distance(one: tuple[float, float], other: tuple[float, float], km: float) -> None:
    assert distance_km(*one, *other) == pytest.approx(km, rel=0.01, abs=0.01)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("河东村", "河东村"),
        ("三官庙村村", "三官庙村"),
        ("河东村村委会", "河东村"),
        ("河东行政村", "河东村"),
        ("锦绣花园小区", "锦绣花园"),
        ("前进社区", "前进"),
        ("园小区", "园小区"),
    ],
)
def test_names_in_normal_form(own: str, expected: str) -> None:
    assert normal(own) == expected
