"""What must hold of the worked policies for every option, on a small made-up city."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from udfs import formulas, plans, policies, population

PEOPLE = 4_000


class City:
    """A policy on one shard, option by option."""

    def __init__(self, folder: Path, name: str) -> None:
        info = population.info(folder)
        columns = population.columns(info)
        rules = formulas.load(policies.folder(name))
        self.plan = plans.load(policies.folder(name) / "plan.yaml", rules, columns, info.entities)
        self.program = formulas.compile(rules, columns, date.fromisoformat(self.plan.on), info.entities)
        self.shard = population.read_shard(folder, 0, self.program.needed(self.program.variables))
        self.evaluation = self.program.start(self.shard, self.plan.seed)

    def values(self, levers: Mapping[str, Any], *names: str, **assumptions: float) -> list[np.ndarray]:
        found = self.evaluation.values(levers, assumptions, names)
        return [found[name] for name in names]


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, City]:
    folder = tmp_path_factory.mktemp("city") / "people"
    population.synthesise("demonstration_city", PEOPLE, 11, folder)
    return {name: City(folder, name) for name in policies.NAMES}


def options(name: str) -> list[Any]:
    rules = formulas.load(policies.folder(name))
    columns = population.catalogue()
    entities = ("person", "household", "unit", "building", "neighbourhood", "district")
    plan = plans.load(policies.folder(name) / "plan.yaml", rules, columns, entities)
    return [pytest.param(option.levers, id=option.name) for option in plan.options]


@pytest.mark.parametrize("levers", options("neighbourhood_renovation"))
def test_payers_of_a_renovation_add_up_to_what_it_costs(cities: dict[str, City], levers: dict[str, Any]) -> None:
    city = cities["neighbourhood_renovation"]
    names = ("cost_central", "cost_local", "cost_bond", "cost_utility", "cost_fund")
    paid = sum(part.sum() for part in city.values(levers, *names))
    owed, landlords, compensation = city.values(levers, "resident_payment", "landlord_payment", "compensation")
    works, renovated, parking = city.values(levers, "neighbourhood_cost", "renovated", "parking_works")
    lift, built, ground, rate = city.values(levers, "lift_cost", "lift_built", "lift_owed", "lift_public")
    cost = works[renovated].sum() + parking.sum() + lift[built].sum()
    cost += (ground - (lift - rate))[built].sum()  # what upper floors pay to ground floors
    assert paid + owed.sum() + landlords.sum() == pytest.approx(cost, rel=1e-9, abs=1e-3)
    assert compensation.sum() <= (ground - (lift - rate))[built].sum() + 1e-6


@pytest.mark.parametrize("rule", ["more subsidy", "more compensation"])
def test_asking_for_less_loses_no_vote(cities: dict[str, City], rule: str) -> None:
    """The draws are the same for every option, so a household that agreed to pay more agrees to pay less."""
    city = cities["neighbourhood_renovation"]
    if rule == "more subsidy":
        dear, cheap, vote = (
            {"scope": "improved", "subsidy_rate": 0.3},
            {"scope": "improved", "subsidy_rate": 0.7},
            "agrees",
        )
        who = slice(None)
    else:
        dear = {"scope": "improved", "with_lift": True, "ground_floor_compensation": 0}
        cheap, vote = {**dear, "ground_floor_compensation": 40000}, "lift_agrees"
        who = city.shard.down(city.shard.values["ground_floor"], "unit", "household")
    before, after = city.values(dear, vote)[0][who], city.values(cheap, vote)[0][who]
    assert not (before & ~after).any()
    assert after.sum() > before.sum()


@pytest.mark.parametrize("levers", options("cash_benefit"))
def test_every_yuan_of_benefit_has_a_payer(cities: dict[str, City], levers: dict[str, Any]) -> None:
    city = cities["cash_benefit"]
    benefit, admin, *paid = city.values(
        levers, "benefit", "admin", "paid_by_upper", "paid_by_local", "surcharge_revenue"
    )
    np.testing.assert_allclose(sum(paid), benefit + admin, rtol=0, atol=1e-6)
    before, after, response, surcharge = city.values(
        levers, "before_benefit", "disposable", "earnings_change", "surcharge"
    )
    assert after.sum() == pytest.approx(before.sum() + benefit.sum() + response.sum() - surcharge.sum(), rel=1e-12)
    receives, entitled, undue = city.values(levers, "receives", "entitled", "undue")
    assert not (receives & ~entitled & ~undue).any()
    assert not (entitled & undue).any()


def test_a_higher_guarantee_gives_no_one_less(cities: dict[str, City]) -> None:
    city = cities["cash_benefit"]
    found = [city.values({"guarantee": level}, "entitled", "entitled_amount") for level in (800, 1400)]
    (few, little), (many, much) = found
    assert not (few & ~many).any()
    assert few.sum() < many.sum()
    assert (much >= little).all()
    assert (much[little > 0] > little[little > 0]).all()


@pytest.mark.parametrize("levers", options("flood_relief"))
def test_relief_is_paid_within_the_cap_and_by_someone(cities: dict[str, City], levers: dict[str, Any]) -> None:
    city = cities["flood_relief"]
    payment, approved, claims = city.values(levers, "payment", "approved", "claims")
    assert (payment <= levers.get("cap", 20000)).all()
    assert not payment[~approved].any()
    assert not (approved & ~claims).any()
    upper, local, load, checks = city.values(levers, "cost_upper", "cost_local", "relief_load", "check_cost")
    shipping = 0.12 * payment.sum() if levers.get("in_kind") else 0.0
    assert upper.sum() + local.sum() == pytest.approx(payment.sum() + checks.sum() + shipping, rel=1e-9)
    np.testing.assert_allclose(load, upper + local)


def test_the_order_of_visits_moves_waiting_but_makes_none(cities: dict[str, City]) -> None:
    """A queue that is never idle: whoever goes first, the mean wait over all claims stays."""
    city = cities["flood_relief"]
    base = {"basis": "flat", "verification": "committee"}
    waits = {}
    for rule in ("arrival", "vulnerable", "worst"):
        days, claims, vulnerable = city.values({**base, "visit_rule": rule}, "waiting_days", "claims", "vulnerable")
        waits[rule] = days[claims].mean(), days[claims & vulnerable].mean()
    assert waits["vulnerable"][0] == pytest.approx(waits["arrival"][0], rel=1e-9)
    assert waits["worst"][0] == pytest.approx(waits["arrival"][0], rel=1e-9)
    assert waits["vulnerable"][1] < waits["arrival"][1]


def test_red_lines_bite_for_their_reasons(cities: dict[str, City]) -> None:
    """More households are dry than wet, so self-declaration pays many wrongly; who pays a surcharge loses."""
    flood = cities["flood_relief"]
    wrong = {}
    for verification in ("declared", "committee"):
        paid, lost = flood.values({"basis": "flat", "verification": verification}, "payment", "wrong_payment")
        wrong[verification] = lost.sum() / paid.sum()
    assert wrong["declared"] > 0.05 > wrong["committee"]
    cash = cities["cash_benefit"]
    taxed = {"guarantee": 1400, "outreach": "visits", "financing": "surcharge", "surcharge_rate": 0.05}
    before, after = (cash.values(levers, "disposable")[0] for levers in ({}, taxed))
    assert (after < before - 100).mean() > 0.1
    assert (after > before + 100).any()
    works = cities["neighbourhood_renovation"]
    share = {}
    for rate in (0.4, 0.75):
        asked, built = works.values({"scope": "upgraded", "subsidy_rate": rate}, "in_programme", "renovated")
        share[rate] = built[asked].mean()
    assert share[0.4] < 0.6 < share[0.75]
