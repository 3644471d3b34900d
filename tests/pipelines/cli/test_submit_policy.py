"""The policy job with a store and on the Flink cluster: files, rows and entries of a run; the same to the bit."""

from __future__ import annotations

import getpass
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.services import control, flink_rest
from pipelines.services.flink import JOBMANAGER
from pipelines.services.registry import Registry
from pipelines.store.client import connect
from tests.conftest import Home
from tests.pipelines.cli.conftest import Typed

pytestmark = pytest.mark.services

PLAN = """
plan: 救助标准小算
question: 提高标准值不值？
rules: cash_benefit
population: {synthesise: {spec: demonstration_city, people: 3000, seed: 7}}
on: 2026-07-01
years: [2026, 2027]
seed: 11
draws: 8
options:
  - {option: visits, title: 标准一千二百元、上门, levers: {guarantee: 1200, outreach: visits}}
  - {option: child, title: 儿童每月增发三百元, levers: {child_supplement: 300}}
  - {option: very_high, title: 标准二千元, levers: {guarantee: 2000}}
groups:
  age: {title: 年龄, of: age, cuts: [18, 60]}
  district: {title: 片区, of: district}
measures:
  poverty: {title: 相对贫困率, poverty_rate: equivalised, line: {share: 0.5}, unit: "%", aim: less, weight: 2}
  coverage: {title: 困难家庭的覆盖面, share: receives, where: poor, count: household, unit: "%", aim: more, weight: 1}
  better_off: {title: 得益的居民, gainers: disposable, threshold: 100, unit: "%"}
payers:
  unit: 万元
  who: {local: {title: 地方财政, of: paid_by_local, timing: annual}}
"""
NO_VALUE = """
rules: no_value
title: 无值
version: "1"
entities: [person]
levers: {rate: {title: 系数, kind: number, unit: "1", default: 1, range: [0, 2]}}
variables: {gone: {title: 无值, entity: person, unit: "1", class: L2, formula: "log(rate)"}}
"""
NO_VALUE_PLAN = """
plan: 无值
question: 算得出吗？
rules: no_value
population: {synthesise: {spec: demonstration_city, people: 3000, seed: 7}}
on: 2026-07-01
years: [2026, 2026]
options: [{option: zero, title: 归零, levers: {rate: 0}}]
measures: {gone: {title: 无值, mean: gone}}
"""
FILES = {"runs.parquet", "draws.parquet", "choice.json", "report.html", "report.docx", "report.json"}
RESULTS = "SELECT * EXCEPT run FROM v_policy_results WHERE run = {run:String} ORDER BY number"
OPTIONS = "SELECT * EXCEPT run FROM v_policy_options WHERE run = {run:String} ORDER BY number"


@pytest.fixture(scope="module")
def typed(home: Home) -> Typed:
    return Typed(home.path)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(home: Home, plan: Path) -> tuple[str, list[str]]:
    """A run on this machine: its name, and what the store says of it before anything is released."""
    run = name_of(home.run("submit", "policy", "--source", plan.as_uri(), "--parallelism", "1").stderr)
    return run, stored(home, run)


@pytest.fixture
def run(done: tuple[str, list[str]]) -> str:
    return done[0]


def name_of(said: bytes) -> str:
    (line,) = (line for line in said.decode().splitlines() if line.startswith("run policy-"))
    return line.split()[1].rstrip(":")


def rows(home: Home, sql: str, run: str) -> list[tuple[Any, ...]]:
    with connect(control.connection(home.path)) as client:
        return [tuple(row) for row in client.query(sql, parameters={"run": run}).result_rows]


def stored(home: Home, run: str) -> list[str]:
    return [repr(rows(home, sql, run)) for sql in (RESULTS, OPTIONS)]


def entries(home: Home, subject: str) -> list[dict[str, Any]]:
    lines = [line for path in sorted((home.path / "audit").glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [one for one in map(json.loads, lines) if one.get("subject") == subject]


def scratch(home: Home) -> set[Path]:
    return set((home.path / "runs").glob("*/tallies"))


def test_a_run_is_files_rows_and_entries(home: Home, typed: Typed, run: str) -> None:
    assert {path.name for path in (home.path / "policy" / run).iterdir()} == FILES
    assert [(one[0], one[4]) for one in rows(home, OPTIONS, run)] == [
        ("baseline", "open"),
        ("visits", "open"),
        ("child", "open"),
        ("very_high", "intercepted"),
    ]
    results = rows(home, RESULTS, run)
    assert {row[0] for row in results} == {"baseline", "visits", "child", "very_high"}
    assert {row[2] for row in results} == {"all", "year", "age", "district"}
    shown = json.loads(typed.run("policy", "show", run, "--format", "json").stdout.splitlines()[0])
    assert shown["rank"] == 1
    assert "very_high" in typed.run("policy", "show", run).stdout.decode()
    of_option = typed.run("policy", "show", run, "--option", "child", "--format", "json").stdout.splitlines()
    values = {row[1]: row[9] for row in results if row[0] == "child" and row[2] == "all"}
    assert {row["measure"]: row["value"] for row in map(json.loads, of_option)} == values
    start, end = entries(home, f"run {run}")
    assert (start["action"], end["action"]) == ("job.start", "job.end")
    assert start["detail"]["purpose"].startswith("Weigh options")
    assert start["detail"]["lawful_basis"] == "statutory_duty"
    assert (end["detail"]["state"], end["detail"]["open"], end["detail"]["intercepted"]) == ("ended", 3, 1)
    assert not scratch(home)
    assert not (home.path / "runs" / run).exists()


def test_an_analyst_reads_views_and_no_table(typed: Typed, run: str) -> None:
    for name in ("simulations", "options", "results"):
        ask = f"SELECT count() FROM v_policy_{name} WHERE run = '{run}'"
        assert int(typed.run("sql", "--role", "analyst", ask, "--format", "csv").stdout) > 0
    for name in ("simulations", "options", "runs", "releases"):
        typed.run("sql", "--role", "analyst", f"SELECT count() FROM policy_{name}", code=1)


def test_a_release_changes_store_and_report(
    home: Home, typed: Typed, run: str, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.path / "policy" / run
    before = {name: (folder / name).read_bytes() for name in FILES}
    release = ("policy", "release", run, "very_high", "--reason", "已由专家会论证，见会议纪要")
    with monkeypatch.context() as away:
        away.setattr("pipelines.jobs.policy.stored.keep_release", stopped)
        with pytest.raises(RuntimeError, match="away"):
            typed.run(*release)
    assert {name: (folder / name).read_bytes() for name in FILES} == before, "files ahead of the store"
    typed.run(*release)
    assert [one["action"] for one in entries(home, f"{run}/very_high")] == ["policy.release"]
    report = json.loads((folder / "report.json").read_text())
    assert [one["option"] for one in report["released"]] == ["very_high"]
    assert (folder / "report.html").read_bytes() != before["report.html"]
    options = {row[0]: row for row in rows(home, OPTIONS, run)}
    ranks = {one["option"]: one["rank"] for one in report["ranking"]}
    assert options["very_high"][4] == "released"
    assert {option: row[6] for option, row in options.items()} == ranks
    assert len(ranks) == 4
    person = "SELECT person FROM policy_simulations FINAL WHERE run = {run:String}"
    assert rows(home, person, run) == [(getpass.getuser(),)]
    assert "released already" in typed.run(*release, code=2).stderr.decode()


def stopped(*_: object) -> None:
    raise RuntimeError("the store is away")


WRONG = {
    ("--engine", "flink"): "policy is a Beam job",
    ("--target", "flink://nowhere"): "flink://host:port",
    ("--target", "spark://127.0.0.1:1"): "flink://host:port",
    ("--source", "dir:///tmp"): "policy takes a plan",
    ("--source", "file:///absent/plan.yaml"): "plan.yaml",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_is_wrong_is_told_before_anything(home: Home, typed: Typed, plan: Path, words: tuple[str, str]) -> None:
    known = set((home.path / "policy").glob("*"))
    told = typed.run("submit", "policy", "--source", plan.as_uri(), *words, code=2).stderr.decode()
    assert WRONG[words] in told
    assert set((home.path / "policy").glob("*")) == known


def test_a_dry_run_does_nothing(tmp_path: Path, plan: Path) -> None:
    home = Typed(tmp_path)
    done = home.run("submit", "policy", "--source", plan.as_uri(), "--dry-run")
    assert f"submit policy --source {plan.as_uri()} --target local --engine beam" in done.stdout.decode()
    assert list(tmp_path.iterdir()) == []


def test_what_is_down_is_told_before_people_are_made(home: Home, typed: Typed, plan: Path, tmp_path: Path) -> None:
    told = Typed(tmp_path).run("submit", "policy", "--source", plan.as_uri(), code=None)
    assert told.returncode not in (0, 2)
    assert "yuqing up" in told.stderr.decode()
    other = tmp_path / "other.yaml"
    other.write_text(PLAN.replace("seed: 7", "seed: 8"), encoding="utf-8")
    told = typed.run("submit", "policy", "--source", other.as_uri(), "--target", "flink://127.0.0.1:9", code=None)
    assert told.returncode not in (0, 2)
    assert "no Flink cluster answers at http://127.0.0.1:9" in told.stderr.decode()
    assert not list(tmp_path.glob("populations"))
    assert not list((home.path / "populations").glob("*-3000-8-*"))


def test_a_run_that_fails_leaves_an_entry_and_nothing_else(home: Home, typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "no_value").mkdir()
    (tmp_path / "no_value" / "rules.yaml").write_text(NO_VALUE, encoding="utf-8")
    path = tmp_path / "plan.yaml"
    path.write_text(NO_VALUE_PLAN, encoding="utf-8")
    known = set((home.path / "policy").glob("*"))
    told = typed.run("submit", "policy", "--source", path.as_uri(), "--parallelism", "1", code=2).stderr.decode()
    assert "rules.yaml:7" in told
    assert set((home.path / "policy").glob("*")) == known
    assert not scratch(home)
    ledger = "".join(one.read_text() for one in (home.path / "audit").glob("jobs*.jsonl")).splitlines()
    detail = json.loads(ledger[-1])["detail"]
    assert detail["state"] == "failed"
    assert "rules.yaml:7" in detail["why"]


@pytest.mark.timeout(600)
def test_the_cluster_gives_the_same_to_the_bit(
    home: Home, typed: Typed, plan: Path, done: tuple[str, list[str]], tmp_path: Path
) -> None:
    home.run("up", "--flink", timeout=180)
    service = Registry(home.path).running(JOBMANAGER)
    assert service is not None
    target = service.url.replace("http://", "flink://")
    command = home.command("submit", "policy", "--source", plan.as_uri(), "--target", target, "--parallelism", "2")
    with (tmp_path / "said").open("wb") as said:
        submitted = subprocess.Popen(command, stderr=said)
    listed: set[str] = set()
    tallies: set[str] = set()
    try:
        while submitted.poll() is None:  # the test's own limit ends what hangs
            tallies |= {path.name for path in (home.path / "runs").glob("policy-*/tallies/*.tally")}
            if "RUNNING" not in listed and flink_rest.list_jobs(service.url):
                found = map(json.loads, typed.run("jobs", "--format", "json").stdout.splitlines())
                listed |= {row["state"] for row in found if row["job"] == "policy"}
            time.sleep(0.2)
    finally:
        submitted.kill()
    assert submitted.wait() == 0, (tmp_path / "said").read_text()
    there = name_of((tmp_path / "said").read_bytes())
    assert "RUNNING" in listed, "never among the jobs while it ran"
    assert tallies, "workers left theirs elsewhere"
    assert not scratch(home)
    assert stored(home, there) == done[1]
    (start, end) = entries(home, f"run {there}")
    assert start["detail"]["target"] == target
    assert end["detail"]["state"] == "ended"
