"""The job as a whole: the same figures however people, weights, shards, processes and elements are cut."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipelines.engines.pool import run_pool
from pipelines.engines.work import Work
from pipelines.jobs.policy.prepared import prepare
from pipelines.jobs.policy.simulate import Engine, Simulated, simulate
from pipelines.jobs.policy.work import TallyOptions
from schemas.errors import UsageError
from schemas.policy import Result
from tests.pipelines.cli import economy
from tests.pipelines.cli.economy import Person, changed
from udfs import population

HOUSEHOLDS, SHARD = 60, 20
DRAWN = changed(economy.PLAN, economy.FIXED, "")
"""Whoever is entitled claims by chance, and how many do is drawn."""
UNCERTAIN = changed(DRAWN, "draws: 6\n", "draws: 6\nsensitivity: 8\n")


def loop(name: str, elements: Sequence[str], work: Work, *, order: int = 1) -> None:
    """An engine without anything: elements one after another, the last first with order -1."""
    work.open()
    for element in elements[::order]:
        work.process(element)
    work.close()


def simulated(
    folder: Path,
    rows: Sequence[Person],
    plan: str | None = None,
    engine: Engine = loop,
    shard_people: int = 50_000,
    homes: Sequence[int] | None = None,
) -> Simulated:
    """The economy of ``rows``, loaded, and its plan simulated."""
    economy.write(folder, rows, homes)
    if plan is not None:
        (folder / "plan.yaml").write_text(plan)
    if not (folder / "people").exists():
        population.load_tables(folder / "mapping.yaml", folder / "people", shard_people=shard_people)
    prepared = prepare(folder / "plan.yaml", None, folder / "populations")
    return simulate(prepared, home=folder / "home", engine=engine, run="policy-test")


def bits(done: Simulated) -> bytes:
    """Everything that was found out, but for the indices. NaN is the same as NaN here."""
    found = done.simulation
    return repr((found.results, found.standings, found.findings, done.draw_values, dict(done.outside))).encode()


@pytest.fixture(scope="module")
def rows() -> list[Person]:
    return economy.people(HOUSEHOLDS)


@pytest.fixture(scope="module")
def sure(rows: list[Person], tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """Nothing by chance."""
    return simulated(tmp_path_factory.mktemp("sure"), rows)


@pytest.fixture(scope="module")
def unsure(rows: list[Person], tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """With chance and draws, in eight shards."""
    return simulated(tmp_path_factory.mktemp("unsure"), rows, UNCERTAIN, shard_people=SHARD)


def test_chance_plays_a_part_in_what_is_compared(unsure: Simulated) -> None:
    assert unsure.simulation.population.shards == 8
    assert len(unsure.draw_values) == 6
    (better,) = (row for row in unsure.simulation.results if key(row) == ("transfer", "better", "all", "all"))
    assert 0 < better.value < 100
    assert better.assumptions > 0
    assert better.sampling > 0
    assert unsure.simulation.indices


def twice(name: str, elements: Sequence[str], work: Work) -> None:
    loop(name, [element for element in elements for _ in range(2)], work)


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(partial(loop, order=-1), id="the last element first"),
        pytest.param(twice, id="every element twice"),
        pytest.param(partial(run_pool, parallelism=1), id="the pool alone"),
    ],
)
def test_who_does_the_work_changes_no_bit(
    rows: list[Person], unsure: Simulated, tmp_path: Path, engine: Engine
) -> None:
    again = simulated(tmp_path, rows, UNCERTAIN, engine, SHARD)
    assert bits(again) == bits(unsure)
    assert again.simulation.indices == unsure.simulation.indices


def test_two_processes_change_no_bit(rows: list[Person], unsure: Simulated, tmp_path: Path) -> None:
    """Without indices: they would start another two, seconds each."""
    two = simulated(tmp_path, rows, DRAWN, partial(run_pool, parallelism=2), SHARD)
    assert two.simulation.indices == ()
    assert bits(two) == bits(unsure)


def test_the_order_of_people_and_the_cut_into_shards_change_nothing(
    rows: list[Person], unsure: Simulated, tmp_path: Path
) -> None:
    order = np.random.default_rng(3).permutation(len(rows))
    homes = [int(hid) for hid in np.random.default_rng(4).permutation(HOUSEHOLDS) + 1]
    again = simulated(tmp_path, [rows[place] for place in order], UNCERTAIN, homes=homes)
    assert again.simulation.population.shards == 1
    for one, two in zip(unsure.simulation.results, again.simulation.results, strict=True):
        for field in Result.__struct_fields__:
            wanted, got = getattr(one, field), getattr(two, field)
            # incomes of a household are added in another order
            near = wanted if isinstance(wanted, str) else pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)
            assert got == near, (key(one), field)
    ranks = [[(one.option, one.rank, one.state) for one in run.simulation.standings] for run in (unsure, again)]
    assert ranks[0] == ranks[1]


def test_another_seed_gives_other_draws(rows: list[Person], unsure: Simulated, tmp_path: Path) -> None:
    other = simulated(tmp_path, rows, changed(UNCERTAIN, "seed: 7", "seed: 8"), shard_people=SHARD)
    assert other.draw_values != unsure.draw_values
    claimed = [
        [row.value for row in one.simulation.results if (row.option, row.measure) == ("transfer", "cost:state")]
        for one in (unsure, other)
    ]
    assert claimed[0] != claimed[1]


def twins(rows: Sequence[Person], share: float) -> list[Person]:
    """Every household twice, under other ids, each with ``share`` of the weight."""
    return [
        row._replace(pid=row.pid + copy * 10_000, hid=row.hid + copy * 300, weight=row.weight * share)
        for copy in (0, 1)
        for row in rows
    ]


@pytest.mark.parametrize(
    ("share", "times"), [pytest.param(0.5, 1, id="weights split"), pytest.param(1.0, 2, id="population doubled")]
)
def test_twins(rows: list[Person], sure: Simulated, tmp_path: Path, share: float, times: int) -> None:
    again = simulated(tmp_path, twins(rows, share))
    sums = ("revenue", "cost", "cost:state")
    assert len(again.simulation.results) == len(sure.simulation.results)
    for one, two in zip(sure.simulation.results, again.simulation.results, strict=True):
        assert key(one) == key(two)
        factor = times if one.measure in sums else 1
        assert two.value == pytest.approx(one.value * factor, rel=1e-12, nan_ok=True), key(one)
        assert two.change == pytest.approx(one.change * factor, rel=1e-12, abs=1e-9, nan_ok=True), key(one)
        assert two.weight == pytest.approx(one.weight * times)
        assert two.sample == 2 * one.sample
    ranks = [[(one.option, one.rank) for one in run.simulation.standings] for run in (sure, again)]
    assert ranks[0] == ranks[1]


def key(row: Result) -> tuple[str, ...]:
    return row.option, row.measure, row.grouping, row.group


def test_people_are_who_the_population_says(rows: list[Person], sure: Simulated) -> None:
    assert sure.simulation.population.weight == sum(row.weight for row in rows)
    assert sure.outside == {"age": 0.0}
    everybody = [row for row in sure.simulation.results if row.grouping == "all" and row.measure == "average"]
    assert {(row.sample, row.weight) for row in everybody} == {(len(rows), sum(row.weight for row in rows))}


def test_people_beyond_the_evidence_are_counted_in_weights(rows: list[Person], tmp_path: Path) -> None:
    old = [row for row in rows if row.age > 80]
    assert old
    economy.write(tmp_path, rows)
    population.load_tables(tmp_path / "mapping.yaml", tmp_path / "people")
    rules = tmp_path / "rules" / "rules.yaml"
    rules.write_text(changed(economy.RULES, "[0, 110]", "[0, 80]"))
    done = simulate(
        prepare(tmp_path / "plan.yaml", None, tmp_path), home=tmp_path / "home", engine=loop, run="policy-test"
    )
    share = sum(row.weight for row in old) / sum(row.weight for row in rows)
    assert done.outside == {"age": pytest.approx(share)}
    assert share > 0.05
    assert {one.state for one in done.simulation.standings if one.option != "baseline"} == {"intercepted", "infeasible"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("rules/rules.yaml", "range: [0, 1]", "range: [0, 2]", id="rules"),
        pytest.param("people/population.json", '"digest": "', '"digest": "0', id="people"),
    ],
)
def test_rules_and_people_that_change_under_a_run_end_it(
    rows: list[Person], tmp_path: Path, file: str, old: str, new: str
) -> None:
    def meddled(name: str, elements: Sequence[str], work: Work) -> None:
        path = tmp_path / file
        path.write_text(changed(path.read_text(), old, new))
        loop(name, elements, work)

    with pytest.raises(UsageError, match="changed since the simulation began"):
        simulated(tmp_path, rows, engine=meddled)
    assert not list((tmp_path / "home").rglob("*.tally"))


def test_work_that_was_pickled_does_the_same(rows: list[Person], sure: Simulated, tmp_path: Path) -> None:
    done: list[Work] = []

    def engine(name: str, elements: Sequence[str], work: Work) -> None:
        again = pickle.loads(pickle.dumps(work))
        assert isinstance(again, TallyOptions)
        loop(name, elements, again)
        done.append(again)

    assert bits(simulated(tmp_path, rows, engine=engine)) == bits(sure)
    assert len(done) == 1


def test_a_synthesis_is_made_once_and_found_again(tmp_path: Path) -> None:
    economy.write(tmp_path, economy.people(2))
    wanted = "population: {synthesise: {spec: demonstration_city, people: 1000, seed: 3}}"
    plan = changed(economy.PLAN, "population: people", wanted)
    (tmp_path / "plan.yaml").write_text(changed(plan, "  side: {title: 村边, of: side}\n", ""))
    said: list[str] = []
    made = [prepare(tmp_path / "plan.yaml", None, tmp_path / "kept", said.append).info for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].seed == 3
    assert len(said) == 1
    assert len(list((tmp_path / "kept").iterdir())) == 1
