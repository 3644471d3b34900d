"""Elements of the policy job: done again, in another order or by another worker, they change nothing."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from pipelines.engines.pool import run_pool
from pipelines.engines.work import Work
from pipelines.jobs.policy.prepared import Prepared, prepare
from pipelines.jobs.policy.simulate import simulate

PLAN = """
plan: 发放方式小算
question: 按损失还是按户发？
rules: flood_relief
population: {synthesise: {spec: demonstration_city, people: 3000, seed: 5}}
on: 2026-08-01
years: [2026, 2027]
seed: 3
draws: 5
sensitivity: 8
baseline: {levers: {basis: none}}
options:
  - {option: flat, title: 按户, levers: {basis: flat}}
  - {option: damage, title: 按损失, levers: {basis: damage, teams: 2}}
groups: {district: {title: 片区, of: district}}
measures:
  coverage: {title: 覆盖, share: approved_rightly, where: flooded, count: household, unit: "%", aim: more, weight: 1}
  wait: {title: 等待拨款, wait: fund, where: approved, count: household, unit: 年, aim: less, weight: 1}
queues:
  fund: {title: 拨款排期, order: fund_order, load: relief_load, capacity: [2.0e5, 2.0e5], when: waits_for_money}
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("policy")
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return prepare(folder / "plan.yaml", None, folder / "populations")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def worker(work: Work) -> Work:
    """As an engine makes one: from the pickle of what was never opened."""
    made: Work = pickle.loads(pickle.dumps(work))
    made.open()
    return made


def test_an_element_done_again_changes_nothing(prepared: Prepared, tmp_path: Path) -> None:
    seen: dict[str, int] = {}
    tallies = tmp_path / "runs" / "again" / "tallies"

    def engine(name: str, elements: Sequence[str], work: Work) -> None:
        first, second = worker(work), worker(work)
        for element in elements:
            first.process(element)
        once = digests(tallies)
        for element in reversed(elements):
            second.process(element)
        assert digests(tallies) == once
        first.process(elements[0])  # the worker that was thought dead comes back, with all it remembers
        assert digests(tallies) == once
        assert not list(tallies.glob("*.part"))
        seen[name] = len(elements)

    again = simulate(prepared, home=tmp_path, engine=engine, run="again")
    assert seen["policy"] > 1
    assert seen["policy-sensitivity"] > 1
    alone = simulate(prepared, home=tmp_path, engine=partial(run_pool, parallelism=1), run="alone")
    for name in ("results", "standings", "findings", "indices"):
        assert repr(getattr(again.simulation, name)) == repr(getattr(alone.simulation, name))
    assert repr(again.draw_values) == repr(alone.draw_values)


class Crash(BaseException):
    """Such as Ctrl-C: no Exception."""


@pytest.mark.parametrize("fails", ["policy", "policy-sensitivity", ""])
def test_tallies_go_with_their_run(prepared: Prepared, tmp_path: Path, fails: str) -> None:
    runs = tmp_path / "runs"

    def engine(name: str, elements: Sequence[str], work: Work) -> None:
        run_pool(name, elements, work, parallelism=1)
        assert list((runs / "run" / "tallies").iterdir())
        assert (runs / "run" / "tallies").stat().st_mode & 0o077 == 0
        if name == fails:
            raise Crash

    try:
        simulate(prepared, home=tmp_path, engine=engine, run="run")
    except Crash:
        assert fails
    else:
        assert not fails
    assert list(runs.iterdir()) == []
