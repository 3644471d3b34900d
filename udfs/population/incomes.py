"""Money and dwellings of a synthetic population. All coefficients are made up, in yuan of one year; shares of
contributions and tax brackets are of the order of those in force, without their exceptions."""

from __future__ import annotations

import numpy as np

from udfs.population.drawing import Draft, Values

MEDIAN_WAGE = 62_000.0
"""Of someone of 45 with senior school in the middle band."""
MINIMUM_LIVING = 9_600.0
"""A year and person: the made-up threshold of the allowance (低保)."""
_TAX = ((0, 0.03), (36_000, 0.10), (144_000, 0.20), (300_000, 0.25), (420_000, 0.30), (660_000, 0.35), (960_000, 0.45))


def house(draft: Draft) -> None:
    """Area, rooms, value and state of dwellings; needs tenure and the level of the ground."""
    band = draft.code("income_band") - 2.0
    size = draft["household_size"]
    kinds = {"walk_up_early": 52.0, "walk_up_late": 72.0, "mid_rise": 92.0, "tower": 101.0}
    usual = draft.lift(draft.table("neighbourhood_kind", kinds), "neighbourhood", "unit")
    tenure = draft.table("tenure", {"owner_occupied": 1.0, "rented": 0.82, "public_rental": 0.6})
    area = usual * tenure * (size / 2.7) ** 0.22 * np.exp(0.06 * band + 0.17 * draft.normal("floor_area", "unit"))
    draft.set("floor_area", np.round(np.clip(area, 16, 320), 1))
    draft.set("rooms", np.clip(np.round(draft["floor_area"] / 30 + 0.4 * draft.normal("rooms", "unit")), 1, 7))
    draft.set("crowded", draft["floor_area"] / size < 15)
    price = draft.lift(draft["house_price"], "neighbourhood", "unit")
    storey = 1 - 0.05 * draft.flag("ground_floor") - 0.03 * draft.flag("top_floor")
    value = draft["floor_area"] * price * storey * np.exp(0.08 * draft.normal("dwelling_value", "unit"))
    draft.set("dwelling_value", np.round(value, -3))
    level = draft.lift(draft["rent_level"], "district", "unit")
    rent = 12 * level * draft["floor_area"] * np.exp(0.12 * draft.normal("market_rent", "unit"))
    draft.set("market_rent", np.round(rent, -2))


def equip(draft: Draft) -> None:
    """What dwellings have; needs buildings and the household's incomes."""
    built = draft.lift(draft["built_year"], "building", "unit")
    age = 2026 - built
    renewed = draft.uniform("window_age:renewed", "unit") < 0.35
    draft.set("window_age", np.floor(np.where(renewed, age * draft.uniform("window_age", "unit"), age)))
    roof = draft.lift(draft["roof_condition"], "building", "unit")
    pipes = draft.lift(draft["pipe_condition"], "building", "unit")
    draft.chance("leaks", 0.02 + 0.16 * (1 - pipes) + np.where(draft.flag("top_floor"), 0.35 * (1 - roof), 0))
    draft.chance("gas_connected", np.where(built > 2000, 0.97, np.where(built > 1985, 0.86, 0.6)))
    draft.chance("has_balcony", np.where(built > 1985, 0.95, 0.72))
    draft.chance("private_kitchen", np.where(built > 1985, 0.995, 0.88))
    draft.chance("private_toilet", np.where(built > 1985, 0.995, 0.84))
    connected = draft.up(draft.flag("online").astype(np.float64), "person") > 0
    draft.chance("broadband", np.where(connected, 0.93, 0.25))
    band = draft.code("income_band") - 2.0
    draft.chance("insured_home", 0.07 + 0.025 * band)
    contents = 22_000 + 0.35 * np.maximum(draft["disposable_income"], 0)
    draft.set("contents_value", np.round(contents * np.exp(0.45 * draft.normal("contents_value", "unit")), -2))


def flood(draft: Draft, storey: float, plinth: float) -> None:
    """Water in the dwelling in the flood that the ground's level refers to: bad drains add up to 0.4 m."""
    water = -draft["ground_level"] + 0.4 * (1 - draft["drainage_condition"])
    at = draft.lift(water, "neighbourhood", "unit") - plinth - storey * (draft["floor"] - 1.0)
    draft.set("flood_depth", np.clip(at + 0.12 * draft.normal("flood_depth", "unit"), 0, storey))


def earn(draft: Draft) -> None:
    """Each person's incomes, contributions and tax."""
    age = draft["age"]
    education = draft.code("education").astype(np.float64)
    band = draft.lift(draft.code("income_band"), "household", "person").astype(np.float64) - 2
    shared = draft.lift(draft.normal("income:household", "household"), "household", "person")
    place = draft.lift(draft.normal("income:neighbourhood", "neighbourhood"), "neighbourhood", "person")
    log_wage = np.log(MEDIAN_WAGE) + 0.13 * (education - 3) + 0.3 * band + 0.16 * shared + 0.06 * place
    log_wage += 0.1 * draft.is_("sex", "male") - 0.0007 * (np.clip(age, 18, 65) - 45) ** 2
    log_wage += draft.table("sector", _SECTORS) + 0.35 * draft.normal("wage", "person")
    pay = np.exp(log_wage)
    employed, self_employed = draft.flag("employed"), draft.flag("self_employed")
    draft.set("wage", np.round(np.where(employed & ~self_employed, pay, 0), -1))
    own = 0.85 * pay * np.exp(0.4 * draft.normal("self_employment_income", "person"))
    draft.set("self_employment_income", np.round(np.where(self_employed, own, 0), -1))
    insured = draft.flag("insured_pension")
    pension = np.where(insured, 41_000 * np.exp(0.08 * (education - 2) + 0.1 * band), 3_200 * np.exp(0.1 * band))
    pension = pension * np.exp(0.22 * draft.normal("pension", "person"))
    old = draft.flag("retired") & (insured | (age >= 60))
    draft.set("pension", np.round(np.where(old, pension, 0), -1))
    dole = draft.flag("unemployed") & (draft.uniform("transfer_income", "person") < 0.35)
    gifts = (age >= 60) & ~insured & (draft.uniform("gifts", "person") < 0.5)
    carers = draft.flag("disabled") * 1_800.0
    draft.set("transfer_income", np.where(dole, 19_200, 0) + np.where(gifts, 4_000, 0) + carers)
    some = (age >= 25) & (draft.uniform("has_property_income", "person") < 0.22 + 0.08 * band)
    yields = 2_600 * np.exp(0.5 * band + 1.1 * draft.normal("property_income", "person"))
    draft.set("property_income", np.round(np.where(some, yields, 0), -1))
    draft.set(
        "social_contributions",
        np.where(draft.flag("formal_contract"), 0.105 * np.clip(draft["wage"], 45_000, 270_000), 0),
    )
    deducted = 60_000 + draft["social_contributions"] + 12_000 * (draft.uniform("deductions", "person") < 0.55)
    draft.set("income_tax_paid", np.round(_tax(np.maximum(draft["wage"] - deducted, 0)), 0))


_SECTORS = {"none": 0.0, "public": 0.14, "manufacturing": 0.02, "construction": -0.02, "trade": -0.12, "services": 0.03}
"""What a sector adds to the logarithm of pay."""


def _tax(taxable: Values) -> Values:
    due = np.zeros_like(taxable)
    for (start, rate), before in zip(_TAX, (0.0, *(rate for _, rate in _TAX)), strict=False):
        due += (rate - before) * np.maximum(taxable - start, 0)
    return due


def keep_house(draft: Draft) -> None:
    """The household's composition and money; needs everyone's age and incomes."""
    age = draft["age"]
    for name, counted in (
        ("children_under_6", age < 6), ("children_6_17", (age >= 6) & (age < 18)), ("adults", age >= 18),
        ("elderly_60", age >= 60), ("elderly_80", age >= 80), ("earners", draft.flag("employed")),
    ):  # fmt: skip
        draft.set(name, draft.up(counted.astype(np.float64), "person"))
    size = draft["household_size"]
    draft.set("lives_alone_elderly", (size == 1) & (draft["elderly_60"] == 1))
    draft.set("single_parent", draft.is_("household_type", "single_parent"))
    draft.set("member_disabled", draft.up(draft.flag("disabled").astype(np.float64), "person") > 0)
    # OECD-modified scale: 1, 0.5 for each further person of 14 or more, 0.3 for each child below
    fourteen = draft.up((age >= 14).astype(np.float64), "person")
    draft.set("oecd_scale", 1 + 0.5 * (fourteen - 1) + 0.3 * (size - fourteen))
    _incomes(draft)
    _wealth(draft)


def _incomes(draft: Draft) -> None:
    def total(*names: str) -> Values:
        return draft.up(np.sum([draft[name].astype(np.float64) for name in names], axis=0), "person")

    market = total("wage", "self_employment_income", "property_income")
    draft.set("market_income", market)
    net = market + total("pension", "transfer_income") - total("social_contributions", "income_tax_paid")
    short = MINIMUM_LIVING * draft["household_size"] - net
    local = draft.up(draft.flag("hukou_local").astype(np.float64), "person") > 0
    taken = (short > 0) & local & (draft.uniform("minimum_living_allowance", "household") < 0.6)
    draft.set("minimum_living_allowance", taken)
    draft.set("allowance_received", np.where(taken, short, 0))
    draft.set("disposable_income", net + draft["allowance_received"])
    draft.set("equivalised_income", draft["disposable_income"] / draft["oecd_scale"])


def _wealth(draft: Draft) -> None:
    income, scale = np.maximum(draft["disposable_income"], 0), draft["oecd_scale"]
    # a unit is a household: their positions are the same
    tenure = {"owner_occupied": 0.0, "rented": 1.0, "public_rental": 0.3}
    draft.set("rent_paid", np.round(draft["market_rent"] * draft.table("tenure", tenure), -1))
    relative = np.maximum(income / scale, 500) / 45_000
    spent = 35_000 * scale * relative**0.72 * np.exp(0.2 * draft.normal("consumption", "household"))
    draft.set("consumption", np.round(spent, -1))
    food = np.clip(0.31 - 0.06 * np.log(relative) + 0.05 * draft.normal("food", "household"), 0.12, 0.65)
    draft.set("food_spending", np.round(food * spent, -1))
    utilities = (1_100 + 14 * draft["floor_area"]) * np.exp(0.25 * draft.normal("utilities", "household"))
    draft.set("utilities_spending", np.round(utilities, -1))
    pupils = draft.up(draft.flag("student").astype(np.float64), "person")
    schooling = pupils * 5_500 * relative**0.5 * np.exp(0.6 * draft.normal("schooling", "household"))
    draft.set("education_spending", np.round(schooling, -1))
    saved = 0.9 * income * relative**0.4 * np.exp(0.9 * draft.normal("savings", "household"))
    draft.set("savings", np.round(saved, -2))
    owner = draft.is_("tenure", "owner_occupied")
    new = draft.lift(draft.is_("neighbourhood_kind", "mid_rise", "tower"), "neighbourhood", "household")
    mortgaged = owner & new & (draft.uniform("debt", "household") < 0.42)
    left = draft["dwelling_value"] * 0.5 * draft.uniform("debt:share", "household")
    draft.set("debt", np.round(np.where(mortgaged, left, 0), -3))
    draft.set(
        "other_dwellings",
        np.floor(draft.uniform("other_dwellings", "household") + 0.14 * np.minimum(relative, 4)),
    )
    longest = np.where(owner, np.where(new, 14, 34), np.where(draft.is_("tenure", "rented"), 6, 16))
    draft.set("years_in_dwelling", np.floor(longest * draft.uniform("years_in_dwelling", "household")))
    grown = draft["adults"]
    cars = 0.42 * relative**0.7 + 0.18 * (grown >= 2) - 0.3 * (draft["elderly_60"] == grown)
    draft.set("cars", np.clip(np.floor(draft.uniform("cars", "household") + cars), 0, 3) * (grown > 0))
    draft.set("has_car", draft["cars"] > 0)
    draft.set("electric_bikes", np.floor(draft.uniform("electric_bikes", "household") + 0.32 * grown))
    draft.chance(
        "bank_account", 0.995 - 0.06 * (draft["elderly_80"] > 0) - 0.02 * draft.flag("minimum_living_allowance")
    )
    medical(draft)


def medical(draft: Draft) -> None:
    """What is paid from one's own pocket: skewed, more for the ill."""
    centre = draft.table("health", {"good": 550.0, "fair": 1_700.0, "poor": 5_200.0})
    uninsured = np.where(draft.flag("insured_medical"), 1.0, 1.5)
    draft.set(
        "medical_spending", np.round(centre * uninsured * np.exp(0.9 * draft.normal("medical_spending", "person")))
    )
