"""The worked policies once more, apart from the rule language and the outcomes: what a formula means, said in pandas,
on the population's Arrow files. Only figures of law, prices and coefficients are read from rules.yaml.

Nothing of udfs is imported here, so an error in compiling, drawing, carrying up and down or counting shows as a
difference (`test_independently.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

ENTITIES = ("person", "household", "unit", "building", "neighbourhood", "district")
MASK = (1 << 64) - 1


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """A frame an entity; each carries the columns of all above it, and ``ENTITY:row`` of each of them."""
    about = json.loads((folder / "population.json").read_text("utf-8"))
    found: dict[str, pd.DataFrame] = {}
    for entity, above in reversed(list(zip(ENTITIES, (*ENTITIES[1:], None), strict=True))):
        parts, offset = [], 0
        for number in range(about["shards"]):
            frame = pa.ipc.open_file(folder / entity / f"{number:05}.arrow").read_all().to_pandas()
            if above:
                frame[f"{above}:row"] = frame.pop(":parent") + offset
                higher = pa.ipc.open_file(folder / above / f"{number:05}.arrow").read_all()
                offset += higher.num_rows
            parts.append(frame)
        frame = pd.concat(parts, ignore_index=True)
        assert (frame.pop(":weight") == 1).all(), "means and medians here are unweighted"
        for column in about["columns"]:
            if column["entity"] != entity:
                continue
            name = column["name"]
            if column["kind"] == "category":
                frame[name] = np.array(column["categories"])[frame[name]]
            else:
                frame[name] = frame[name].astype(bool if column["kind"] == "boolean" else float)
        frame = frame.rename(columns={":id": f"{entity}:id"})
        found[entity] = frame.join(found[above], on=f"{above}:row") if above else frame
    return found


class Rules:
    """Figures of rules.yaml in force that day, and all levers of an option."""

    def __init__(self, folder: Path, on: str, baseline: Mapping[str, Any], option: Mapping[str, Any]) -> None:
        self._read = yaml.load((folder / "rules.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - texts only
        self._on = on
        defaults = {name: self._plain(lever["default"]) for name, lever in self._read["levers"].items()}
        self.levers = {**defaults, **baseline, **option}

    @staticmethod
    def _plain(text: Any) -> Any:
        if isinstance(text, list):
            return [Rules._plain(one) for one in text]
        if text in ("true", "false"):
            return text == "true"
        try:
            return float(text)
        except ValueError:
            return text

    def __getattr__(self, name: str) -> Any:
        if name in self.levers:
            return self.levers[name]
        if name in self._read["assumptions"]:
            return float(self._read["assumptions"][name]["central"])
        parameter = self._read["parameters"][name]
        value = parameter["values"][max(day for day in parameter["values"] if day <= self._on)]
        return self._plain(value[self.levers[parameter["by"]]] if "by" in parameter else value)


def bits(seed: int, name: str, ids: pd.Series) -> list[int]:
    digest = hashlib.sha256(f"{seed}\x1f{name}#1".encode()).digest()
    first, second = (int.from_bytes(digest[at : at + 8], "little") for at in (0, 8))
    return [mix(mix((number + first) & MASK) ^ second) for number in ids.tolist()]


def mix(word: int) -> int:
    """splitmix64, in whole numbers."""
    word = (word + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def chance(seed: int, name: str, ids: pd.Series, probability: Any) -> np.ndarray:
    return np.array([(one >> 11) * 2.0**-53 for one in bits(seed, name, ids)]) < probability


def normal(seed: int, name: str, ids: pd.Series) -> np.ndarray:
    return np.array([NormalDist().inv_cdf(((one >> 12) + 0.5) * 2.0**-52) for one in bits(seed, name, ids)])


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def tax(income: pd.Series, brackets: Sequence[Sequence[float]]) -> np.ndarray:
    """By the table's own way: each band's part at its rate."""
    owed = np.zeros(len(income))
    ends = [low for low, _ in brackets[1:]] + [np.inf]
    for (low, rate), high in zip(brackets, ends, strict=True):
        owed += rate * np.clip(income - low, 0, high - low)
    return owed


def step(x: Any, steps: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array([[value for start, value in steps if start <= one][-1] for one in x])


def part(above: Any, below: Any) -> np.ndarray:
    """0 where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    return np.divide(above, below, out=np.zeros(above.shape), where=below != 0)


def up(frame: pd.DataFrame, values: Any, entity: str, size: int, how: str = "sum") -> np.ndarray:
    """Of each record of ``entity``: over its members."""
    grouped = pd.Series(np.asarray(values, float)).groupby(frame[f"{entity}:row"].to_numpy())
    return np.asarray(getattr(grouped, how)().reindex(range(size)).to_numpy())


def queue(load: np.ndarray, order: np.ndarray, takes: np.ndarray, ids: pd.Series, capacity: Sequence[float]) -> Any:
    """Year of being served, from 0; NaN: never. What a year leaves is added to the next."""
    served = np.full(len(load), np.nan)
    waiting = sorted(np.flatnonzero(takes), key=lambda one: (-order[one], int(ids.iloc[one])))
    left = 0.0
    for year, more in enumerate(capacity):
        left += more
        for one in [one for one in waiting if np.isnan(served[one])]:
            if load[one] <= left:
                served[one], left = year, left - load[one]
    return served


def cash(people: dict[str, pd.DataFrame], r: Rules, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(households, persons) under an option."""
    p, h = people["person"], people["household"].copy()
    row, size = p["household:row"].to_numpy(), len(h)

    def over(values: Any, how: str = "sum") -> np.ndarray:
        return up(p, values, "household", size, how)

    works = p.wage > 0
    children = over(p.age < r.child_age)
    relief = part(children * r.child_deduction, over(works))[row]
    base = np.where(works, np.maximum(p.wage - r.basic_deduction - p.social_contributions - relief, 0), 0)
    business = np.maximum(p.self_employment_income - np.where(works, 0, r.basic_deduction + p.social_contributions), 0)
    owed = tax(pd.Series(base), r.comprehensive_rates) + tax(business, r.business_rates)
    extra = owed * (r.surcharge_rate if r.financing == "surcharge" else 0)
    before = np.maximum(h.disposable_income - h.allowance_received + over(p.income_tax_paid) - over(owed), 0)
    h["poor"] = before / h.household_size < r.poor_line
    local = over(p.hukou_local | (not r.local_only))
    standard = 12 * (
        r.guarantee * local
        + r.child_supplement * children
        + r.elderly_supplement * over(p.age >= r.elderly_age)
        + r.disabled_supplement * over(p.disabled)
    )
    rigid = over(p.medical_spending) + h.education_spending
    counted = np.maximum(r.taper * before - r.housing_deduction * h.rent_paid - r.rigid_deduction * rigid, 0)
    assets = np.maximum(h.savings - h.debt, 0) <= r.asset_months * r.guarantee * h.household_size
    passes = (assets & ~h.has_car & (h.other_dwellings < 1)) | (not r.asset_test)
    amount = np.maximum(standard - counted, 0)
    h["entitled"] = (local > 0) & passes & (amount >= r.least_payment)
    hidden = np.maximum(standard - counted * (1 - r.concealed_part), 0)
    conceals = chance(seed, "conceals", h["household:id"], r.concealment) & ~h.entitled
    h["undue"] = conceals & (local > 0) & (hidden >= r.least_payment)
    claim = np.where(h.entitled, amount, np.where(h.undue, hidden, 0))
    told = {"visits": r.takeup_visits, "notice": r.takeup_notice * (over(p.online & p.smartphone) > 0), "none": 0}
    leaning = (
        r.takeup_base
        + r.takeup_size * claim / 1000
        + r.takeup_informed * h.informed
        + told[r.outreach]
        + r.takeup_current * h.minimum_living_allowance
        + r.takeup_frail * (over(p.care_needed | (p.health == "poor")) > 0)
        + r.takeup_bank * ~h.bank_account
        + r.takeup_distance * h.distance_clinic / 1000
        + r.takeup_trust * (over(p.trust_in_government, "mean") - 0.5)
    )
    refused = h.entitled & chance(seed, "refused", h["household:id"], r.wrong_refusal)
    h["receives"] = (h.entitled | h.undue) & ~refused & chance(seed, "receives", h["household:id"], logistic(leaning))
    h["benefit"] = np.where(h.receives, claim, 0)
    response = over(p.wage + p.self_employment_income) * r.labour_response * 10 * (1 - r.taper) * h.receives
    h["disposable"] = before + h.benefit + response - over(extra)
    h["equivalised"] = h.disposable / h.oecd_scale
    kept = over(extra * np.clip(1 - r.evasion * 100 * r.surcharge_rate, 0, 1))
    admin = r.admin_cost * (h.receives | conceals) + r.outreach_cost * h.poor
    match = np.where(h.fiscal_capacity < r.ample_capacity, r.upper_match, r.upper_match_ample)
    h["local"] = h.benefit * (1 - match) + admin - kept
    h["leaked"] = np.where(h.poor, 0, h.benefit)
    return h, h.loc[row].reset_index(drop=True)


def flood(people: dict[str, pd.DataFrame], r: Rules, seed: int, capacity: Sequence[float]) -> dict[str, Any]:
    """Households and neighbourhoods under an option."""
    p, h, n = people["person"], people["household"].copy(), people["neighbourhood"].copy()
    row, at, size = p["household:row"].to_numpy(), h["neighbourhood:row"].to_numpy(), len(n)

    def over(values: Any, how: str = "sum") -> np.ndarray:
        return up(p, values, "household", len(h), how)

    def within(values: Any, how: str = "sum") -> np.ndarray:
        return up(h, values, "neighbourhood", size, how)

    h["flooded"] = h.flood_depth > 0
    damage = 1 - np.exp(-r.loss_speed * h.flood_depth)
    repair = (
        h.floor_area * r.repair_price * r.repair_part * damage * np.where(h.structure == "timber", r.timber_factor, 1)
    )
    vehicles = (h.cars * r.car_value + h.electric_bikes * r.bike_value) * damage * r.vehicles_caught
    loss = h.contents_value * r.largest_loss * damage + vehicles + np.where(h.owner, repair, 0)
    bare = loss * np.where(h.insured_home, 1 - r.insured_share, 1)
    relative = part(bare, np.maximum(h.disposable_income, 0))
    low = (h.equivalised_income < r.low_income) | h.minimum_living_allowance
    frail = p.disabled | p.mobility_limited | p.care_needed | (p.chronic_illness & (p.health == "poor"))
    dependants = over((p.age >= r.elderly_age) | (p.age < r.child_age)) > 0
    score = 1.5 * low + (over(frail) > 0) + 0.5 * dependants + 0.5 * h.lives_alone_elderly + (relative > 0.3)
    h["vulnerable"] = score >= 1.5
    declared = r.verification == "declared"
    leaning = (
        r.claim_base
        + r.claim_size * np.minimum(relative, 1)
        + r.claim_informed * h.informed
        + r.claim_team * r.teams
        + (r.claim_online * (over(p.online) > 0) if declared else r.claim_committee)
    )
    going = (within(h.flooded) > 0)[at] & (r.basis != "none")
    ids = h["household:id"]
    rightly = going & h.flooded & chance(seed, "claims_rightly", ids, logistic(leaning))
    false = r.false_declared if declared else r.false_committee
    wrongly = going & ~h.flooded & chance(seed, "claims_wrongly", ids, false)
    h["claims"] = rightly | wrongly
    here = h.owner | (over(p.hukou_local & (p.months_in_city >= 6)) > 0)
    reject = r.rejected_declared if declared else r.rejected_committee + np.where(here, 0, r.rejected_renter)
    h["rightly"] = rightly & ~chance(seed, "approved_rightly", ids, reject)
    caught = r.caught_declared if declared else r.caught_committee
    h["approved"] = h.rightly | (wrongly & ~chance(seed, "approved_wrongly", ids, caught))
    assessed = np.where(h.flooded, bare, h.contents_value * 0.1)
    due = {
        "none": 0 * score,
        "flat": 0 * score + r.amount,
        "damage": r.damage_rate * assessed,
        "need": r.amount * step(score, r.need_amount),
    }[r.basis]
    h["payment"] = np.where(h.approved, np.minimum(due, r.cap), 0)
    h["wrong"] = np.where(h.flooded, 0, h.payment)
    first = h.claims & {"arrival": False, "vulnerable": h.vulnerable, "worst": h.flood_depth >= r.deep}[r.visit_rule]
    helpers = np.minimum(up(p, p.volunteer, "neighbourhood", size), 20)
    committee = r.committee_pace * np.where(n.has_committee, 1, 0.6) + r.volunteer_pace * helpers
    pace = (r.declared_pace if declared else committee) + r.team_pace * r.teams
    ahead, everybody = within(first), within(h.claims)
    days = np.where(first, ahead[at] / 2, ahead[at] + (everybody - ahead)[at] / 2) / np.broadcast_to(pace, size)[at]
    h["days"] = np.where(h.claims, days, 0)
    worth = h.payment * (r.in_kind_worth if r.in_kind else 1)
    idle = np.clip(r.idle_days * p.flood_depth * (1.5 - p.drainage_condition) / 365, 0, 1)
    lost = np.maximum(p.self_employment_income + np.where(p.formal_contract, 0, p.wage), 0) * idle
    saved = r.savings_used * np.maximum(h.savings - h.debt, 0)
    left = h.disposable_income - over(lost) - np.maximum(bare - saved, 0) + worth
    h["equivalised"] = np.maximum(left, 0) / h.oecd_scale
    paid = within(h.payment)
    check = everybody * (r.declared_cost if declared else r.committee_cost) + r.team_cost * r.teams * everybody / pace
    check = np.where((within(h.flooded) > 0) & (r.basis != "none"), check, 0)
    n["upper"] = r.upper_match * paid
    n["local"] = paid - n.upper + (r.in_kind_cost * paid if r.in_kind else 0) + check
    order = {"worst": within(damage, "mean"), "poorest": within(low, "mean"), "smallest": -paid / 1e6}[r.fund_rule]
    n["year"] = queue((n.upper + n.local).to_numpy(), order, paid > 0, n["neighbourhood:id"], capacity)
    return {"household": h, "neighbourhood": n, "person": h.loc[row].reset_index(drop=True)}


def renovation(people: dict[str, pd.DataFrame], r: Rules, seed: int, capacity: Sequence[float]) -> dict[str, Any]:
    """Households, buildings and neighbourhoods under an option; parking is left out, no option here has it."""
    assert not r.with_parking
    p, h, b, n = (people[name].copy() for name in ("person", "household", "building", "neighbourhood"))
    row, at, house, size = p["household:row"], h["neighbourhood:row"].to_numpy(), h["building:row"].to_numpy(), len(n)

    def within(values: Any, how: str = "sum") -> np.ndarray:
        return up(h, values, "neighbourhood", size, how)

    def inside(values: Any) -> np.ndarray:
        return up(h, values, "building", len(b))

    condition = (h.roof_condition + h.facade_condition + h.pipe_condition) / 3
    listed = n.old_neighbourhood.to_numpy() & (r.scope != "none")
    price = r.cost_by_scope * (1 + r.condition_surcharge * (1 - condition))
    price += r.insulation_cost * ~h.insulated * (r.scope in ("improved", "upgraded"))
    price += r.fire_access_cost * ~h.fire_access * (r.scope == "upgraded")
    cost = np.where(listed[at], h.floor_area * price, 0)
    whole, area, dwellings = within(cost), within(h.floor_area), within(np.ones(len(h)))
    public, utility = r.subsidy_rate * whole, r.utility_share * whole
    fund = np.minimum(r.fund_share * whole, n.maintenance_fund * area)
    asked = np.maximum(whole - public - utility - fund, 0)
    share = part(asked, whole)[at]
    exempt = h.owner & ((h.equivalised_income < r.low_income) | h.minimum_living_allowance) & r.exempt_low
    own, waived = np.where(exempt, 0, cost * share), np.where(exempt, cost * share, 0)
    income = np.maximum(h.disposable_income, r.income_floor)
    mood = (r.mood_spread * normal(seed, "mood", n["neighbourhood:id"]))[at]
    turnout = r.turnout_base + r.turnout_informed * h.informed + r.turnout_committee * h.has_committee
    votes = chance(seed, "votes", h["household:id"], logistic(turnout + r.turnout_absent * ~h.owner))
    trust = up(p, p.trust_in_government, "household", len(h), "mean")
    leaning = r.consent_base + r.appeal_by_scope + r.opinion_effect * h.opinion_renovation + mood
    leaning += r.condition_effect * (1 - condition) + r.trust_effect * (trust - 0.5) + r.price_effect * own / income
    agrees = votes & chance(seed, "agrees", h["household:id"], logistic(leaning))
    voting, number = within(h.floor_area * votes), within(votes)
    quorum = (3 * voting >= 2 * area) & (3 * number >= 2 * dwellings)
    for_area, for_number = within(h.floor_area * agrees), within(agrees)
    special = (asked > 1) | (r.scope in ("improved", "upgraded"))
    majority = np.where(
        special,
        (4 * for_area >= 3 * voting) & (4 * for_number >= 3 * number),
        (2 * for_area > voting) & (2 * for_number > number),
    )
    adds_up = r.subsidy_rate + r.utility_share + r.fund_share <= 1 and r.central_part + r.bond_part <= 1
    n["listed"], n["renovated"] = listed, listed & quorum & majority & adds_up
    done = n.renovated.to_numpy()[at]
    # lifts
    candidate = listed[b["neighbourhood:row"]] & b.lift_feasible & ~b.has_lift & b.floors.between(4, 7) & r.with_lift
    lift = np.where(candidate, b.stairwells * r.lift_price, 0)
    helped = np.minimum(b.stairwells * r.lift_subsidy, lift)
    due = np.where(candidate, lift - helped + r.ground_floor_compensation * inside(h.ground_floor), 0)
    coefficient = step(h.floor, r.lift_share_by_floor)
    lift_asked = due[house] * part(coefficient, inside(coefficient)[house])
    moves_badly = up(p, p.mobility_limited, "household", len(h)) > 0
    wish = r.lift_base + r.opinion_effect * h.opinion_lift + r.lift_floor_effect * (h.floor - 1) + mood
    wish += r.lift_mobility_effect * moves_badly + r.lift_price_effect * lift_asked / income
    wish += (r.lift_ground_effect + r.compensation_effect * r.ground_floor_compensation / income) * h.ground_floor
    wants = votes & chance(seed, "lift_agrees", h["household:id"], logistic(wish))
    passes = candidate & (3 * inside(h.floor_area * votes) >= 2 * inside(h.floor_area))
    passes &= 3 * inside(votes) >= 2 * inside(np.ones(len(h)))
    passes &= 4 * inside(h.floor_area * wants) >= 3 * inside(h.floor_area * votes)
    passes &= 4 * inside(wants) >= 3 * inside(votes)
    b["candidate"], b["passes"] = candidate, passes
    built = passes.to_numpy() & n.renovated.to_numpy()[b["neighbourhood:row"]]
    up_there = built[house]
    # money
    lifts = up(b, np.where(built, helped, 0), "neighbourhood", size)
    central, bond = r.central_part * public * n.renovated, r.bond_part * public * n.renovated
    need = (public + within(waived)) * n.renovated + lifts
    n["central"], n["local"] = central, need - central - bond
    owed = own * done + lift_asked * up_there
    h["pays"] = np.where(h.owner, owed, 0)
    h["burden"] = h.pays / income
    paid_out = r.ground_floor_compensation * (up_there & h.ground_floor & h.owner)
    floors = np.where(h.ground_floor, -r.lift_value_loss, r.lift_value_gain * (h.floor - 1)) * h.dwelling_value
    better = r.value_gain_by_scope * (1.5 - condition) * done
    once = np.where(h.owner, better * h.dwelling_value + floors * up_there, 0) + paid_out - h.pays
    yearly = better * h.market_rent * (~h.owner * 1.0 - r.rent_response * (h.tenure == "rented"))
    h["gain"] = once / r.pay_years + yearly
    h["position"] = h.disposable_income + h.gain
    bad = up(b, 1 - (b.roof_condition + b.facade_condition + b.pipe_condition) / 3, "neighbourhood", size, "mean")
    old = up(p, p.age >= 60, "neighbourhood", size, "mean")
    fire = up(b, np.where(b.fire_access, 0, 0.2), "neighbourhood", size, "mean")
    order = {
        "neediest": bad + old + within(np.where(h.leaks, 0.3, 0), "mean") + fire,
        "willing": part(for_number, dwellings),
        "cheapest": -part(need, dwellings) / 10000,
    }[r.priority_rule]
    n["year"] = queue(need.to_numpy(), order, n.renovated.to_numpy(), n["neighbourhood:id"], capacity)
    n["people"] = up(p, np.ones(len(p)), "neighbourhood", size)
    return {"household": h, "building": b, "neighbourhood": n, "person": h.loc[row].reset_index(drop=True)}
