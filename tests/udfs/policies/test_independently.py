"""Figures of each worked policy, computed a second time by other code (`apart.py`): equal to nine digits."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.udfs.policies import apart
from udfs import formulas, outcomes, plans, policies, population

PEOPLE = 8_000
SMALLER = {
    "[8.0e6, 8.0e6]": "[1.2e5, 1.0e5]",
    "[1.2e8, 1.2e8, 1.2e8]": "[1.5e7, 1.0e7, 1.4e7]",
}
"""Capacities of the plans' queues, which are for 100,000 people: here somebody must wait, too."""


CASH = ("surcharge", "all_residents", "guarantee=1200,taper=0.7,outreach=visits")
FLOOD = ("vulnerable_first", "in_kind", "basis=flat,verification=declared,teams=0")
RENOVATION = (
    "scope=basic,subsidy_rate=0.4,with_lift=false",
    "lift_well_compensated",
    "exempt",
)
CHOSEN = dict(zip(("cash_benefit", "flood_relief", "neighbourhood_renovation"), (CASH, FLOOD, RENOVATION), strict=True))


class Run:
    """A plan's rows as the product makes them, on all shards of a population, without intervals."""

    def __init__(self, policy: str, folder: Path, plan_file: Path, chosen: tuple[str, ...] = ()) -> None:
        """``chosen``: options besides the baseline; all, if none is named."""
        self.policy = policy
        info = population.info(folder)
        columns = population.columns(info)
        rules = formulas.load(policies.folder(policy))
        self.plan = plan = plans.load(plan_file, rules, columns, info.entities)
        program = formulas.compile(rules, columns, date.fromisoformat(plan.on), info.entities)
        names = outcomes.names(plan)
        kinds = {name: outcomes.Kind.of(columns.get(name) or rules.variables[name]) for name in names}
        shards = [population.read_shard(folder, number, program.needed(names)) for number in range(info.shards)]
        started = [program.start(shard, plan.seed) for shard in shards]
        central = {one.name: one.central for one in plan.assumptions}

        def values(option: Any) -> list[Any]:
            levers = {**plan.options[0].levers, **option.levers}
            return [one.values(levers, central, tuple(kinds)) for one in started]

        base = values(plan.options[0])
        marks = outcomes.Marks.of(plan, kinds, zip(shards, base, strict=True))
        talliers = [outcomes.Tallier(plan, kinds, marks, *pair, 1) for pair in zip(shards, base, strict=True)]
        full = {
            option.name: outcomes.merge([t.tally(v) for t, v in zip(talliers, values(option), strict=True)])
            for option in plan.options
            if not chosen or option.name in ("baseline", *chosen)
        }
        self.rows = {
            (row.option, row.measure, row.grouping, row.group): row.value
            for row in outcomes.estimate(plan, kinds, marks, full, {}, [])
        }
        self.people = apart.tables(folder)
        self.capacity = plan.queues[0].capacity if plan.queues else ()

    def apart(self, option: str) -> Any:
        """The same option by the other code."""
        levers = {one.name: one.levers for one in self.plan.options}
        rules = apart.Rules(policies.folder(self.policy), self.plan.on, levers["baseline"], levers[option])
        if self.policy == "cash_benefit":
            return apart.cash(self.people, rules, self.plan.seed)
        other = apart.flood if self.policy == "flood_relief" else apart.renovation
        return other(self.people, rules, self.plan.seed, self.capacity)

    def holds(self, option: str, expected: dict[tuple[str, str, str], float]) -> None:
        for (measure, grouping, group), value in expected.items():
            assert np.isfinite(value), measure
            got = self.rows[option, measure, grouping, group]
            assert got == pytest.approx(value, rel=1e-9, abs=1e-12), (option, measure, group)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("city")
    population.synthesise("demonstration_city", PEOPLE, 7, folder / "people")
    found = {}
    for name in policies.NAMES:
        text = (policies.folder(name) / "plan.yaml").read_text("utf-8")
        for old, new in SMALLER.items():
            text = text.replace(old, new)
        (folder / f"{name}.yaml").write_text(text, "utf-8")
        found[name] = Run(name, folder / "people", folder / f"{name}.yaml", CHOSEN[name])
    return found


def whole(measure: str) -> tuple[str, str, str]:
    return measure, "all", "all"


def cuts(persons: pd.DataFrame) -> Any:
    """Where the fifths of income begin, but the first."""
    return np.quantile(persons.equivalised_income, [0.2, 0.4, 0.6, 0.8], method="averaged_inverted_cdf")


def percent(part: Any, of: Any) -> float:
    return float(100 * np.asarray(part, float).sum() / np.asarray(of, float).sum())


@pytest.mark.parametrize("option", CASH)
def test_cash_benefit(runs: dict[str, Run], option: str) -> None:
    run = runs["cash_benefit"]
    _, before = run.apart("baseline")
    households, persons = run.apart(option)
    line = 0.5 * np.median(before.equivalised)
    poor, child = persons.equivalised < line, run.people["person"].age < 18
    worse, top = persons.disposable < before.disposable - 100, persons.equivalised_income >= cuts(persons)[3]
    entitled = households.entitled
    run.holds(
        option,
        {
            whole("cost:local"): 3e-6 * households.local.sum(),
            whole("poverty"): percent(poor, np.ones(len(poor))),
            whole("child_poverty"): percent(poor & child, child),
            whole("gap"): float(100 * np.where(poor, (line - persons.equivalised) / line, 0).mean()),
            ("worse_off", "income", "最高"): percent(worse & top, top),
            whole("coverage"): percent(households.receives & households.poor, households.poor),
            whole("unclaimed"): percent(entitled & ~households.receives, entitled),
            whole("leakage"): percent(households.leaked, households.benefit),
        },
    )
    assert worse.any() == (option == "surcharge")


@pytest.mark.parametrize("option", FLOOD)
def test_flood_relief(runs: dict[str, Run], option: str) -> None:
    run = runs["flood_relief"]
    before, after = run.apart("baseline"), run.apart(option)
    h, n = after["household"], after["neighbourhood"]
    first, last = (n.year == year for year in (0, 1))
    paid = n.year.to_numpy()[h["neighbourhood:row"]]
    ground, vulnerable = h.flooded & h.ground_floor, h.claims & h.vulnerable
    line = 0.5 * np.median(before["person"].equivalised)
    run.holds(
        option,
        {
            ("cost:upper", "year", "2026"): 1e-6 * n.upper[first].sum(),
            ("cost:local", "year", "2027"): 1e-6 * n.local[last].sum(),
            whole("fund_wait"): float(np.nanmean(paid[h.approved])),
            whole("funded"): percent(h.approved & ~np.isnan(paid), h.approved),
            whole("waiting_vulnerable"): h.days[vulnerable].mean(),
            whole("late"): percent(h.claims & (h.days > 7), h.claims),
            whole("inclusion"): percent(h.wrong, h.payment),
            ("exclusion", "ground", "底层"): percent(ground & ~h.approved, ground),
            whole("poverty"): percent(after["person"].equivalised < line, np.ones(len(after["person"]))),
        },
    )
    assert first.any()
    assert last.any(), "nobody waits: the queue is not tried"


@pytest.mark.parametrize("option", RENOVATION)
def test_neighbourhood_renovation(runs: dict[str, Run], option: str) -> None:
    run = runs["neighbourhood_renovation"]
    after = run.apart(option)
    h, n, b, persons = (after[name] for name in ("household", "neighbourhood", "building", "person"))
    served = ~np.isnan(n.year)
    ground = persons.floor < 2
    loses = persons.position < persons.disposable_income - 200
    counted = n.renovated.to_numpy()[h["neighbourhood:row"]]
    low = (h.equivalised_income < cuts(persons)[0]) & (h.pays > 0)
    expected = {
        whole("cost:central"): 1e-8 * n.central[served].sum(),
        ("cost:local", "year", "2027"): 1e-8 * n.local[n.year == 1].sum(),
        whole("consenting"): percent(n.renovated & n.listed, n.listed),
        whole("waiting"): float((n.year * n.people).sum() / n.people[served].sum()),
        whole("served"): percent(n.people[served], n.people),
        whole("paid_by_residents"): 1e-8 * h.pays.sum(),
        whole("burden"): 100 * h.burden[counted].mean(),
        ("worse_off", "floor", "底层"): percent(loses & ground, ground),
        ("overburdened", "income", "最低"): percent(low & (h.burden > 0.2), low),
    }
    if b.candidate.any():
        expected[whole("lift_consenting")] = percent(b.passes, b.candidate)
    run.holds(option, expected)
    assert served.any()
