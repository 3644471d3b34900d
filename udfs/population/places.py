"""Neighbourhoods, buildings and dwellings of a synthetic population. All coefficients are made up.

The neighbourhoods of a city are an endless list: the n-th has district, kind and size from the seed and from those
before it, never from how many follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from udfs.population import draws
from udfs.population.catalogue import catalogue
from udfs.population.drawing import Draft, Values
from udfs.population.spec import Spec

HOUSEHOLDS = {"walk_up_early": (200, 450), "walk_up_late": (250, 600), "mid_rise": (300, 700), "tower": (450, 900)}
"""Smallest and largest neighbourhood of each kind."""
FLOORS = {"walk_up_early": (5, 6), "walk_up_late": (6, 7), "mid_rise": (7, 12), "tower": (15, 18)}
STAIRWELLS = {"walk_up_early": (2, 4), "walk_up_late": (3, 5), "mid_rise": (2, 3), "tower": (1, 2)}
A_LANDING = {"walk_up_early": 2, "walk_up_late": 2, "mid_rise": 2, "tower": 4}
"""Dwellings a floor and stairwell."""
BUILT = {"walk_up_early": (1962, 1985), "walk_up_late": (1986, 2000), "mid_rise": (2001, 2012), "tower": (2013, 2024)}
TODAY = 2026
"""The year for which ages of buildings and windows are drawn."""
STOREY = 2.9
PLINTH = 0.3
"""Metres from one floor to the next, and from the ground to the lowest one."""
_MOST_BUILDINGS = 64


class Neighbourhood(NamedTuple):
    number: int
    district: int
    kind: int
    households: int


def neighbourhoods(spec: Spec, seed: int) -> Iterator[Neighbourhood]:
    """Without end. Each goes to the district and kind that lack most households, so shares hold from the start."""
    kinds = catalogue()["neighbourhood_kind"].categories
    got = np.zeros(spec.geography.shape)
    number = 0
    while True:
        ids = np.arange(number + 1, number + 1025, dtype=np.uint64)
        for drawn in draws.uniform(seed, "households_in_neighbourhood", ids):
            number += 1
            lack = spec.geography * (got.sum() + 1) - got
            district, kind = np.unravel_index(int(np.argmax(lack)), lack.shape)
            low, high = HOUSEHOLDS[kinds[int(kind)]]
            households = low + int(drawn * (high - low + 1))
            got[district, kind] += households
            yield Neighbourhood(number, int(district), int(kind), households)


def settle(draft: Draft, spec: Spec, chosen: list[Neighbourhood]) -> None:
    """Adds districts, neighbourhoods, buildings and units (one for each household), and their places."""
    numbers = np.array([each.number for each in chosen], dtype=np.uint64)
    district = np.array([each.district for each in chosen])
    households = np.array([each.households for each in chosen])
    present, draft.parents["neighbourhood"] = np.unique(district, return_inverse=True)
    draft.ids["district"] = (present + 1).astype(np.uint64)
    draft.set("district", present)
    for name in ("fiscal_capacity", "rural_share", "unemployment_rate", "rent_level"):
        draft.set(name, spec.districts[name][present])
    draft.ids["neighbourhood"] = numbers
    draft.set("neighbourhood_kind", np.array([each.kind for each in chosen]))
    draft.set("households_in_neighbourhood", households)
    _buildings(draft, numbers, households)


def _within(name: str, ranges: dict[str, tuple[int, int]], draft: Draft, ids: Values, kind: Values) -> Values:
    """Whole numbers, evenly in the range of the kind."""
    bounds = np.array([ranges[each] for each in catalogue()["neighbourhood_kind"].categories], dtype=np.float64)[kind]
    drawn = draws.uniform(draft.seed, name, ids.astype(np.uint64))
    whole: Values = np.floor(bounds[:, 0] + drawn * (bounds[:, 1] - bounds[:, 0] + 1))
    return whole


def _buildings(draft: Draft, numbers: Values, households: Values) -> None:
    count = len(numbers)
    # more buildings than any neighbourhood needs; those that begin beyond its last household fall away
    ids = (numbers[:, None] * np.uint64(_MOST_BUILDINGS) + np.arange(_MOST_BUILDINGS, dtype=np.uint64)).ravel()
    kind = np.repeat(draft.code("neighbourhood_kind"), _MOST_BUILDINGS)
    floors = _within("floors", FLOORS, draft, ids, kind)
    stairwells = _within("stairwells", STAIRWELLS, draft, ids, kind)
    landing = np.array([A_LANDING[each] for each in catalogue()["neighbourhood_kind"].categories])[kind]
    capacity = (floors * stairwells * landing).reshape(count, _MOST_BUILDINGS)
    ends = np.cumsum(capacity, axis=1)
    starts = ends - capacity
    kept = (starts < households[:, None]).ravel()
    # empty dwellings are spread over all of a neighbourhood's buildings: none has a single household
    room = np.where(starts < households[:, None], ends, 0).max(axis=1)
    filled = np.round(np.minimum(ends, room[:, None]) * (households / room)[:, None])
    units = np.diff(filled, axis=1, prepend=0).ravel()[kept].astype(np.int64)
    draft.ids["building"] = ids[kept]
    draft.parents["building"] = np.repeat(np.arange(count), _MOST_BUILDINGS)[kept]
    draft.set("floors", floors[kept])
    draft.set("stairwells", stairwells[kept])
    draft.set("units_in_building", units)
    draft.parents["unit"] = np.repeat(np.arange(len(units)), units)
    total = int(households.sum())
    within = np.arange(total) - np.repeat(np.cumsum(households) - households, households)
    unit_ids = np.repeat(numbers, households) * np.uint64(4096) + within.astype(np.uint64) + np.uint64(1)
    draft.ids["unit"] = unit_ids
    draft.ids["household"] = unit_ids
    draft.parents["household"] = np.arange(total)
    place = np.arange(total) - np.repeat(np.cumsum(units) - units, units)
    # a building that is not full has empty dwellings spread over its floors
    floor = np.floor((place + 0.5) * np.repeat(floors[kept] / units, units)) + 1
    draft.set("floor", floor)
    draft.set("ground_floor", floor == 1)
    draft.set("top_floor", floor == np.repeat(floors[kept], units))


def furnish_buildings(draft: Draft) -> None:
    """The columns of buildings; needs `settle` and the floor areas of units."""
    kind = draft.down("neighbourhood_kind", "building")
    built = _within("built_year", BUILT, draft, draft.ids["building"], kind)
    # houses of one neighbourhood were built within a few years
    of_all = _within("built_year", BUILT, draft, draft.ids["neighbourhood"], draft.code("neighbourhood_kind"))
    built = np.round(0.8 * draft.lift(of_all, "neighbourhood", "building") + 0.2 * built)
    draft.set("built_year", built)
    age = TODAY - built
    tall = draft["floors"] >= 7
    new = built > 2000
    draft.chance("has_lift", np.where(draft["floors"] >= 9, 1.0, np.where(new & tall, 0.95, np.where(new, 0.3, 0.03))))
    lift_age = np.minimum(age, 25) * draft.uniform("lift_age", "building")
    draft.set("lift_age", np.where(draft.flag("has_lift"), np.where(new, age, np.round(lift_age / 3)), 0))
    draft.chance("lift_feasible", np.where(draft["floors"] >= 4, 0.72, 0.0), ~draft.flag("has_lift"))
    timber = (built < 1975) * 0.15
    brick = np.where(built <= 2000, 0.85, 0.12) * (draft["floors"] <= 7)
    draft.pick("structure", ("timber", "brick_concrete", "frame"), (timber, brick, 1.0001 - brick - timber))
    draft.scattered("roof_condition", 0.95 - 0.013 * age, 0.13, 0, 1)
    draft.scattered("facade_condition", 0.93 - 0.011 * age, 0.12, 0, 1)
    draft.scattered("pipe_condition", 0.96 - 0.015 * age, 0.13, 0, 1)
    draft.scattered("wiring_condition", 0.97 - 0.013 * age, 0.12, 0, 1)
    draft.set("building_area", draft.up(draft["floor_area"], "unit"))
    draft.chance("insulated", np.where(built > 2008, 0.92, np.where(new, 0.45, 0.12)))
    draft.chance("fire_access", np.where(new, 0.93, 0.58))
    draft.chance("ramp", np.where(new, 0.85, 0.22))
    draft.chance("basement", np.where(new, 0.7, 0.1))


def furnish_neighbourhoods(draft: Draft, spec: Spec) -> None:
    """The columns of neighbourhoods; needs buildings and people."""
    entity = "neighbourhood"
    old = draft.is_("neighbourhood_kind", "walk_up_early", "walk_up_late")
    draft.set("old_neighbourhood", old)
    people = draft.shard().above("person", entity)
    draft.set("people_in_neighbourhood", np.bincount(people, minlength=len(old)))
    by_kind = {"walk_up_early": 0.18, "walk_up_late": 0.35, "mid_rise": 0.75, "tower": 1.05}
    draft.scattered("parking_per_household", draft.table("neighbourhood_kind", by_kind), 0.1, 0.05, 1.6)
    charging = draft["households_in_neighbourhood"] * np.where(old, 0.01, 0.06) * draft.uniform("charging", entity)
    draft.set("charging_points", np.floor(charging))
    draft.scattered("green_share", np.where(old, 0.2, 0.34), 0.05, 0.05, 0.5)
    fund = draft.table("neighbourhood_kind", {"walk_up_early": 0, "walk_up_late": 12, "mid_rise": 55, "tower": 90})
    draft.set("maintenance_fund", fund * np.exp(0.4 * draft.normal("maintenance_fund", entity)))
    draft.chance("has_property_manager", np.where(old, 0.55, 0.97))
    fee = np.where(old, 0.6, 1.9) * np.exp(0.25 * draft.normal("property_fee", entity))
    draft.set("property_fee", np.where(draft.flag("has_property_manager"), fee, 0))
    draft.chance("has_committee", np.where(old, 0.28, 0.55))
    draft.chance("gated", np.where(old, 0.5, 0.95))
    draft.chance("elderly_canteen", np.where(old, 0.25, 0.15))
    rural = draft.lift(spec.districts["rural_share"][draft.code("district")], "district", entity)
    for name, typical in (
        ("distance_clinic", 700), ("distance_school", 650), ("distance_bus", 260), ("distance_shelter", 800),
    ):  # fmt: skip
        metres = typical * np.where(old, 0.8, 1.15) * (1 + 2 * rural) * np.exp(0.5 * draft.normal(name, entity))
        draft.set(name, np.clip(metres, 50, 6000))
    # the sentiment of posts is measured by a job, never made up
    draft.set("measured_sentiment", np.zeros(len(old)))


def lay_ground(draft: Draft, spec: Spec) -> None:
    """What of neighbourhoods must stand before dwellings are valued: level, drainage, price."""
    entity = "neighbourhood"
    of_district = {name: numbers[draft.code("district")] for name, numbers in spec.districts.items()}
    ground = draft.lift(of_district["ground_level"], "district", entity)
    draft.scattered("ground_level", ground, 1.1, -2.5, 12)
    old = draft.is_("neighbourhood_kind", "walk_up_early", "walk_up_late")
    draft.scattered("drainage_condition", np.where(old, 0.5, 0.75), 0.15, 0.05, 1)
    draft.set("flood_prone", (draft["ground_level"] < 0.2) | (draft["drainage_condition"] < 0.25))
    kind = draft.table(
        "neighbourhood_kind", {"walk_up_early": 0.8, "walk_up_late": 0.87, "mid_rise": 1.02, "tower": 1.2}
    )
    price = draft.lift(of_district["house_price"], "district", entity) * kind
    draft.set("house_price", price * np.exp(0.14 * draft.normal("house_price", entity)))
