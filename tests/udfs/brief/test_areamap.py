"""The map: where things lie, and that no name covers another."""

from __future__ import annotations

import itertools
import random

import pytest

from udfs.brief import areamap
from udfs.brief.content import District
from udfs.brief.words import Words
from udfs.places.gazetteer import Gazetteer


def districts(city, open_=2):
    return [
        District(one.name, one.adcode or "", one.lat, one.lon, one.radius_m, 3, open_, 1 + n % 4)
        for n, one in enumerate(Gazetteer.load().counties(city))
    ]


def crowd(seed, many):
    draw = random.Random(seed)
    return [
        District("某某自治县"[: draw.randint(2, 5)], f"{n}", 34 + draw.random() * 0.5, 113 + draw.random() * 0.5, 5000,
                 1, draw.randint(0, 40), draw.randint(1, 4))
        for n in range(many)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "shown",
    [
        districts("410100"), districts("110000"), districts("310000"), districts("500000"), districts("410100")[:1],
        *(crowd(seed, many) for seed, many in ((1, 12), (2, 40), (3, 120))),
    ],
    ids=["Zhengzhou", "Beijing", "Shanghai", "Chongqing", "one", "12", "40", "120"],
)  # fmt: skip
def test_no_label_meets_a_label_or_a_mark_and_all_are_on_the_paper(shown):
    layout = areamap.lay_out(shown, ())
    labels = [spot.label for spot in layout.spots if spot.label]
    dots = [spot.dot for spot in layout.spots]
    assert not [pair for pair in itertools.combinations(labels, 2) if pair[0].meets(pair[1])]
    assert not [1 for label in labels for dot in dots if label.meets(dot)]
    assert all(box.left >= 0 and box.right <= areamap.WIDTH for box in labels)
    assert all(box.top >= 0 and box.bottom <= areamap.HEIGHT for box in labels)
    assert all(0 < spot.x < areamap.WIDTH and 0 < spot.y < areamap.HEIGHT for spot in layout.spots)
    assert len(layout.spots) + len(layout.outside) == len(shown)
    if len(shown) <= 40:
        assert len(labels) >= 0.9 * len(layout.spots)


def test_north_is_up_east_is_right_and_the_scale_is_true():
    west, north, east = (
        District(n, n, lat, lon, 0, 1, 1) for n, lat, lon in (("w", 34, 113), ("n", 34.5, 113.2), ("e", 34, 114))
    )
    layout = areamap.lay_out([west, north, east], ())
    spots = {spot.district.name: spot for spot in layout.spots}
    assert spots["w"].x < spots["n"].x < spots["e"].x
    assert spots["n"].y < spots["w"].y == pytest.approx(spots["e"].y)
    drawn = (spots["e"].x - spots["w"].x) / layout.pixels_per_km
    assert drawn == pytest.approx(areamap.distance_km(west, east), rel=0.01)


def test_what_lies_far_away_is_listed():
    zhengzhou = districts("410100", 5)
    urumqi = District("天山区", "650102", 43.8, 87.6, 5000, 1, 1, 1)
    layout = areamap.lay_out([*zhengzhou, urumqi], ())
    assert layout.outside == (urumqi,)
    assert len(layout.spots) == len(zhengzhou)


def test_pale_districts_never_push_the_others_together():
    two = districts("410100")[:4]
    alone = areamap.lay_out(two, ())
    beside = areamap.lay_out(two, districts("411700"))
    assert beside.pixels_per_km == pytest.approx(alone.pixels_per_km)


def test_priority_is_told_by_shape():
    shapes = {n: areamap.mark(n, 0, 0, 5).split()[0] for n in (1, 4)}
    assert shapes == {1: "<rect", 4: "<circle"}
    diamond, triangle = (areamap.mark(n, 0, 0, 5).count(",") for n in (2, 3))
    assert (diamond, triangle) == (4, 3)


def test_the_drawing_has_a_scale_an_arrow_and_every_name_it_has_room_for():
    shown = districts("410100")
    layout = areamap.lay_out(shown, ())
    drawn = areamap.draw(layout, Words("zh"))
    assert f"{areamap.scale_km(layout.pixels_per_km)} km" in drawn
    assert "北" in drawn
    assert all(f">{spot.text}<" in drawn for spot in layout.spots if spot.label)
