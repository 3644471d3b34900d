"""Measured sentiment beside a run: it moves consent there, and no bit of the run itself."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.engines.work import Work
from pipelines.jobs.policy import sentiment
from pipelines.jobs.policy.prepared import Prepared, prepare
from pipelines.jobs.policy.simulate import Engine, Simulated, simulate
from schemas.policy import Column, Mood, Reading, Sentiment
from udfs.population import Shard

ASKED = """sentiment:
  effect: 9
  districts:
    {东城片: "410101", xihu: "410102", nangang: "410103", beishan: "410104", xincheng: "410105", 江北片: "410106"}
"""
PLAN = """
plan: 老旧小区改造小算
question: 网上情绪会改变什么？
rules: neighbourhood_renovation
population: {synthesise: {spec: demonstration_city, people: 5000, seed: 7}}
on: 2026-07-01
years: [2026, 2027]
seed: 3
draws: 3
sensitivity: 0
baseline: {levers: {scope: none}}
options:
  - {option: basic, title: 基础类, levers: {scope: basic, subsidy_rate: 0.6}}
  - {option: improved, title: 完善类, levers: {scope: improved, subsidy_rate: 0.6}}
  - {option: unpaid, title: 提升类不补, levers: {scope: upgraded, subsidy_rate: 0}}
groups: {income: {title: 收入, of: equivalised_income, quantiles: 2}}
measures:
  consenting: {share: renovated, where: in_programme, count: neighbourhood, unit: "%", aim: more, weight: 1}
  better_off: {title: 得益的居民, gainers: position, threshold: 200, unit: "%", aim: more, weight: 1}
queues:
  works: {title: 排期, order: priority, load: public_cost, capacity: [9.0e8, 9.0e8], when: renovated}
payers: {queue: works, unit: 亿元, who: {local: {title: 地方, of: cost_local, timing: once}}}
constraints:
  consent: {title: 至少一成通过, measure: consenting, at_least: 10, outcome: infeasible}
"""


def loop(name: str, elements: Sequence[str], work: Work) -> None:
    work.open()
    for element in elements:
        work.process(element)
    work.close()


def reading(mood: Mood | None) -> Reading:
    """The same of every county."""
    moods = {f"41010{n}": mood for n in range(1, 7)} if mood else {}
    return Reading(moods, "2026-10-29", "2026-11-28")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sentiment")


def prepared(folder: Path, text: str) -> Prepared:
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    return prepare(folder / "plan.yaml", None, folder / "populations")


def run(folder: Path, text: str, given: Reading | None = None, engine: Engine = loop, said: list[str] | None = None):
    of = prepared(folder, text)
    note = said.append if said is not None else str
    return simulate(of, home=folder / "home", engine=engine, run="policy-test", reading=given, say=note)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Simulated:
    return run(folder, PLAN)


def bits(done: Simulated) -> str:
    found = done.simulation
    return repr((found.results, found.standings, found.findings, found.indices, done.draw_values, done.outside))


def test_options_pass_when_nobody_asks_for_sentiment(plain: Simulated) -> None:
    assert plain.simulation.sentiment == ""
    states = {one.option: one.state for one in plain.simulation.standings}
    assert states == {"baseline": "open", "basic": "open", "improved": "open", "unpaid": "infeasible"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param(None, ["没有连接数据库，未做"], id="no store"),
        pytest.param(reading(None), ["6 个片区中 0 个有数据", "未做敏感性分析"], id="no cell"),
        pytest.param(
            reading(Mood(0, 0, 200)),
            ["6 个片区中 6 个有数据", "东城片 -1.00", "「基础类」由可选变为不可行", "「完善类」由可选变为不可行"],
            id="all against it",
        ),
        pytest.param(reading(Mood(200, 0, 0)), ["东城片 +1.00", "「提升类不补」由不可行变为已拦截"], id="all for it"),
        pytest.param(reading(Mood(100, 40, 100)), ["东城片 +0.00", "各方案的状态和名次都不变"], id="balanced"),
    ],
)
def test_it_is_told_beside_the_run_and_changes_no_bit_of_it(
    folder: Path, plain: Simulated, given: Reading | None, told: list[str]
) -> None:
    said: list[str] = []
    done = run(folder, PLAN + ASKED, given, said=said)
    assert bits(done) == bits(plain)
    for words in [*told, "没有参与排序", "发帖的人不等于居民"]:
        assert words in done.simulation.sentiment, done.simulation.sentiment
    assert any(line.startswith("measured sentiment:") for line in said)
    assert not list((folder / "home").rglob("*.tally"))


def test_only_the_districts_that_have_data_move(folder: Path) -> None:
    one = Reading({"410101": Mood(0, 0, 200)}, "2026-10-29", "2026-11-28")
    told = run(folder, PLAN + ASKED, one).simulation.sentiment
    assert "6 个片区中 1 个有数据" in told
    assert "按 0 计：西湖片、南港片、北山片、新城片、江北片" in told
    assert "变为不可行" not in told, "the others consent as before"


def test_work_that_was_pickled_and_done_twice_changes_no_word(folder: Path) -> None:
    def elsewhere(name: str, elements: Sequence[str], work: Work) -> None:
        loop(name, [*elements, *elements], pickle.loads(pickle.dumps(work)))

    given = reading(Mood(200, 0, 0))
    told = [run(folder, PLAN + ASKED, given, engine).simulation.sentiment for engine in (loop, elsewhere)]
    assert told[0] == told[1]


def test_a_neighbourhood_has_its_districts_mean() -> None:
    district = Column("district", "district", "category", categories=("a", "b", "c"))
    own = np.full(5, 0.9)
    shard = Shard(
        number=0,
        columns={"district": district, "measured_sentiment": Column("measured_sentiment", "neighbourhood", "number")},
        values={"district": np.array([2, 0, -1, 1], np.int16), "measured_sentiment": own},
        ids={"neighbourhood": np.arange(5, dtype=np.uint64), "district": np.array([3, 1, 9, 2], np.uint64)},
        weights={"neighbourhood": np.ones(5), "district": np.ones(4)},
        parents={"neighbourhood": np.array([1, 0, 0, 2, 3])},
    )
    found = sentiment.applied(shard, {"a": -0.5, "c": 0.25})
    assert found.values["measured_sentiment"].tolist() == [-0.5, 0.25, 0.25, 0.0, 0.0]
    assert own.tolist() == [0.9] * 5
    assert found.values["district"] is shard.values["district"]


@pytest.mark.parametrize(
    ("moods", "wanted"),
    [
        ({}, {}),
        ({"1": Mood(30, 0, 10)}, {"a": 0.5, "c": 0.5}),
        ({"1": Mood(0, 50, 0), "2": Mood(0, 0, 5)}, {"a": 0.0, "b": -1.0, "c": 0.0}),
        ({"3": Mood(1, 1, 1)}, {}),
    ],
)
def test_means(moods: Mapping[str, Mood], wanted: Mapping[str, float]) -> None:
    assert sentiment.means(Sentiment(1.0, 30, {"a": "1", "b": "2", "c": "1"}), moods) == wanted


def test_a_plan_with_it_is_json(folder: Path, plain: Simulated) -> None:
    import msgspec

    from schemas.policy import Plan

    plan = prepared(folder, PLAN + ASKED).plan
    assert msgspec.convert(json.loads(msgspec.json.encode(plan)), Plan) == plan
    before = {key: value for key, value in msgspec.to_builtins(plain.simulation.plan).items() if key != "sentiment"}
    assert msgspec.convert(before, Plan).sentiment is None, "a run of before is read"


def test_who_loses_is_counted_against_the_baseline_under_the_same_sentiment(folder: Path) -> None:
    """When nobody consents, the baseline's works are not done either: nobody loses them by the option."""
    text = PLAN.replace("{scope: none}", "{scope: basic, subsidy_rate: 0.6}")
    options, measures = text.index("  - {option: basic"), text.index("groups:")
    text = text[:options] + "  - {option: more, title: 多补一点, levers: {subsidy_rate: 0.61}}\n" + text[measures:]
    text = text.replace("gainers: position, threshold: 200", "losers: position, threshold: 200").replace(
        "{title: 至少一成通过, measure: consenting, at_least: 10, outcome: infeasible}",
        "{title: 无人受损, measure: better_off, at_most: 1, outcome: infeasible}",
    )
    done = run(folder, text + ASKED, reading(Mood(0, 0, 200)))
    assert {one.state for one in done.simulation.standings} == {"open"}
    assert "不可行" not in done.simulation.sentiment
