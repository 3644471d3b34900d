"""`yuqing simulate` and `yuqing policy` as an analyst types them: right answers, files, releases, wrong plans."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import docx
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.cli import asking
from pipelines.jobs.policy import outputs
from schemas.policy import Result
from tests.pipelines.cli import economy
from tests.pipelines.cli.conftest import Typed
from tests.pipelines.cli.economy import LINE, OPTIONS, THRESHOLD, YEARS, Person, changed

SILC = Path(__file__).parents[4] / "shared" / "data" / "households"
ONE = ("--parallelism", "1")


@dataclass(frozen=True)
class Site:
    """An economy's files, the home, and the folder of a run."""

    home: Typed
    files: Path
    people: list[Person]

    @property
    def plan(self) -> Path:
        return self.files / "plan.yaml"

    @property
    def run(self) -> Path:
        return self.files / "run"

    def report(self) -> dict[str, Any]:
        return json.loads((self.run / "report.json").read_bytes())


def made(folder: Path, rows: list[Person]) -> Site:
    """An economy whose people are loaded; nothing has run."""
    site = Site(Typed(folder / "home"), economy.write(folder / "files", rows), rows)
    site.home.run("policy", "population", str(site.files / "people"), "--load", str(site.files / "mapping.yaml"))
    return site


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Sixty households under five options; tests that change the run take a copy."""
    site = made(tmp_path_factory.mktemp("simulate"), economy.people())
    site.home.run("simulate", str(site.plan), "-o", str(site.run), *ONE)
    return site


@pytest.fixture
def own(simulated: Site, tmp_path: Path) -> Site:
    """A copy of that run and its files, with a home of its own."""
    shutil.copytree(simulated.files, tmp_path / "files")
    return Site(Typed(tmp_path / "home"), tmp_path / "files", simulated.people)


def found(folder: Path) -> dict[tuple[str, str, str, str], Result]:
    """Rows of a run by option, measure, grouping and group."""
    return {(row.option, row.measure, row.grouping, row.group): row for row in outputs.results_of(folder)}


def gini(income: np.ndarray, weight: np.ndarray) -> float:
    """As the R package laeken prints it, as a share."""
    order = np.argsort(income, kind="stable")
    income, weight = income[order], weight[order]
    whole = 2 * (weight * income * np.cumsum(weight)).sum() - (weight**2 * income).sum()
    return float(whole / (weight.sum() * (weight * income).sum()) - 1)


def by_hand(rows: list[Person], rate: float, transfer: float) -> dict[str, float]:
    """Every measure over everybody; shares in per cent, the gap is none."""
    wage, weight, home = (np.array([getattr(row, name) for row in rows], float) for name in ("wage", "weight", "hid"))
    net = wage - wage * rate + transfer
    whole = weight.sum()
    homes = [home == hid for hid in sorted(set(home))]
    shared, households = ([float(values[own].mean()) for own in homes] for values in (net, weight))
    return {
        "revenue": (weight * wage * rate).sum(),
        "average": (weight * net).sum() / whole,
        "better": 100 * weight[net - wage > THRESHOLD].sum() / whole,
        "worse": 100 * weight[wage - net > THRESHOLD].sum() / whole,
        "poverty": 100 * weight[net < LINE].sum() / whole,
        "gap": (weight * np.maximum(LINE - net, 0) / LINE).sum() / whole,
        "gini": gini(net, weight),
        "home": float(np.average(shared, weights=households)),
        "cost": YEARS * transfer * whole,
        "cost:state": YEARS * transfer * whole,
    }


def test_the_figures_are_those_worked_out_by_hand(simulated: Site) -> None:
    rows = found(simulated.run)
    base = by_hand(simulated.people, 0, 0)
    for option, (rate, transfer) in {"baseline": (0, 0), **OPTIONS}.items():
        for measure, wanted in by_hand(simulated.people, rate, transfer).items():
            row = rows[option, measure, "all", "all"]
            # sixty households in bins: the Gini coefficient is near, never above
            near = {"abs": 5e-4} if measure == "gini" else {"rel": 1e-9, "abs": 1e-9}
            assert row.value == pytest.approx(wanted, **near), (option, measure)
            assert row.change == pytest.approx(wanted - base[measure], **near), (option, measure)
        year = rows[option, "cost:state", "year", "2027"]
        assert year.value == pytest.approx(transfer * sum(row.weight for row in simulated.people))


def test_groups_have_their_own_people(simulated: Site) -> None:
    rows = found(simulated.run)
    for group, belongs in {
        ("sex", "男"): lambda row: row.sex == "m",
        ("sex", "女"): lambda row: row.sex == "f",
        ("side", "北"): lambda row: economy.side(row.hid) == "north",
        ("side", "南"): lambda row: economy.side(row.hid) == "south",
    }.items():
        inside = [row for row in simulated.people if belongs(row)]
        assert 0 < len(inside) < len(simulated.people)
        for option, (rate, transfer) in OPTIONS.items():
            wanted = by_hand(inside, rate, transfer)
            for measure in ("revenue", "average", "better", "worse", "poverty"):
                row = rows[option, measure, *group]
                assert row.value == pytest.approx(wanted[measure]), (option, measure, group)
                assert (row.sample, row.weight) == (len(inside), sum(one.weight for one in inside))


TWO = [Person(1, 1, 30, "m", 10_000, 3.0), Person(2, 2, 40, "f", 30_000, 1.0)]


@pytest.mark.parametrize(
    ("option", "measure", "value"),
    [
        ("baseline", "gini", 0.25),  # (9a + 7b) / 4 (3a + b) - 1
        ("tax", "gini", 0.25),  # a flat tax takes from both alike
        ("transfer", "gini", (9 * 14 + 7 * 34) / (4 * (3 * 14 + 34)) - 1),
        ("tax", "revenue", 6_000),
        ("tax", "average", 13_500),
        ("tax", "worse", 100),
        ("tax", "better", 0),
        ("transfer", "better", 100),
        ("transfer", "cost:state", 32_000),
        ("both", "average", 16_000),
        ("both", "better", 75),  # the poorer one pays 2,000 and gets 4,000
        ("both", "worse", 25),
        ("baseline", "poverty", 75),
        ("dear", "poverty", 0),
        ("transfer", "gap", 0.75 * 0.3),
    ],
)
def test_two_people(two: dict[tuple[str, str, str, str], Result], option: str, measure: str, value: float) -> None:
    assert two[option, measure, "all", "all"].value == pytest.approx(value, abs=1e-9)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str, str], Result]:
    site = made(tmp_path_factory.mktemp("two"), TWO)
    site.home.run("simulate", str(site.plan), "-o", str(site.run), *ONE)
    return found(site.run)


SILC_RULES = """\
rules: silc
title: 收入
version: "1"
entities: [person, household]
levers: {grant: {title: 补贴, kind: number, unit: EUR/year, default: 0, range: [0, 10000]}}
variables: {income: {title: 收入, entity: household, unit: EUR/year, formula: equivalised_income + grant}}
"""
SILC_PLAN = """\
plan: 收入
question: 与公布的数字一致吗？
rules: rules
population: silc
on: 2026-01-01
years: [2026, 2026]
draws: 0
options: [{option: grant, title: 补贴, levers: {grant: 1000}}]
measures:
  poverty: {title: 贫困率, poverty_rate: income, line: {share: 0.6, anchored: true}, unit: "%"}
  ratio: {title: 五分之一之比, s80s20: income}
  gini: {title: 基尼系数, gini: income, unit: "%"}
"""


@pytest.mark.skipif(not SILC.exists(), reason="the EU-SILC files are not here")
def test_eu_silc_has_the_indicators_that_laeken_documents(tmp_path: Path) -> None:
    home = Typed(tmp_path / "home")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.yaml").write_text(SILC_RULES)
    (tmp_path / "plan.yaml").write_text(SILC_PLAN)
    home.run("policy", "population", str(tmp_path / "silc"), "--load", "eusilc", "--tables", str(SILC))
    home.run("simulate", str(tmp_path / "plan.yaml"), "-o", str(tmp_path / "run"), *ONE)
    rows = found(tmp_path / "run")
    for measure, published in {"poverty": 14.44422, "ratio": 3.971415, "gini": 26.48962}.items():
        before, after = (rows[option, measure, "all", "all"].value for option in ("baseline", "grant"))
        assert before == pytest.approx(published, abs=0.1 if measure != "ratio" else 0.01), measure
        assert after < before, measure
    assert rows["baseline", "poverty", "all", "all"].value == pytest.approx(14.44422, abs=1e-4)


# --- what a run leaves ------------------------------------------------------------------------------------------------


def test_a_run_has_the_files_of_the_contract(simulated: Site) -> None:
    table = pq.read_table(simulated.run / "runs.parquet")
    assert table.schema.names[:7] == ["run", "option", "grouping", "group", "measure", "unit", "value"]
    assert {"low", "high", "change", "change_low", "change_high", "weight", "sample"} <= set(table.schema.names)
    assert set(table["option"].to_pylist()) == {"baseline", *OPTIONS}
    assert {"draws.parquet", "choice.json"} <= {path.name for path in simulated.run.iterdir()}
    report = simulated.report()
    standings = {one["option"]: one for one in report["simulation"]["standings"]}
    assert {name: one["state"] for name, one in standings.items()} == {
        "baseline": "open", "tax": "open", "transfer": "open", "both": "open", "steep": "intercepted",
        "dear": "infeasible",
    }  # fmt: skip
    assert {one["option"] for one in report["ranking"]} == {"baseline", "tax", "transfer", "both"}
    assert [one["rank"] for one in report["ranking"]] == sorted(one["rank"] for one in report["ranking"])
    assert set(report["pareto"]) <= {"baseline", "tax", "transfer", "both"}
    (steep,), (dear,) = report["intercepted"], report["infeasible"]
    assert steep["option"] == "steep"
    assert "60%" in steep["reasons"][0]
    assert dear["option"] == "dear"
    assert "预算" in dear["reasons"][0]
    assert outputs.read(simulated.run).run == table["run"][0].as_py() == report["simulation"]["run"]


def test_the_report_opens_in_both_forms(simulated: Site) -> None:
    html = (simulated.run / "report.html").read_text(encoding="utf-8")
    text = "\n".join(one.text for one in docx.Document(str(simulated.run / "report.docx")).paragraphs)
    for words in ("比例税与普遍补贴", "征多少，发多少？"):
        assert words in html
        assert words in text
    assert "<script" not in html


def test_a_run_is_written_over_only_when_asked(own: Site) -> None:
    before = (own.run / "report.json").read_bytes()
    assert "--replace" in own.home.run("simulate", str(own.plan), "-o", str(own.run), *ONE, code=2).stderr.decode()
    assert (own.run / "report.json").read_bytes() == before
    # a plan that is wrong, or a formula without value, costs nobody the run that lay there
    good = own.plan.read_text()
    own.plan.write_text(changed(good, "mean: net", "mean: nett"))
    own.home.run("simulate", str(own.plan), "-o", str(own.run), *ONE, "--replace", code=2)
    assert (own.run / "report.json").read_bytes() == before
    own.plan.write_text(good)
    rules = own.files / "rules" / "rules.yaml"
    rules.write_text(changed(economy.RULES, "sum(net) / members", "sum(net) / (members - 1)"))
    said = own.home.run("simulate", str(own.plan), "-o", str(own.run), *ONE, "--replace", code=2).stderr.decode()
    assert "rules.yaml:17" in said
    assert (own.run / "report.json").read_bytes() == before
    assert not list(own.home.path.rglob("*.tally"))
    rules.write_text(economy.RULES)
    own.home.run("simulate", str(own.plan), "-o", str(own.run), *ONE, "--replace")
    assert own.report()["simulation"]["run"] != json.loads(before)["simulation"]["run"]


@pytest.mark.parametrize("replaced", [False, True], ids=["new", "replaced"])
def test_a_run_that_dies_while_it_writes_leaves_no_report(
    own: Site, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    def dies(simulation: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("udfs.policy_report.document", dies)
    target = own.run if replaced else own.files / "other"
    with pytest.raises((KeyboardInterrupt, AssertionError)):
        own.home.run("simulate", str(own.plan), "-o", str(target), *ONE, "--replace")
    assert (target / "runs.parquet").exists()
    assert not (target / "report.json").exists()
    assert "no run" in own.home.run("policy", "show", str(target), code=2).stderr.decode()


def test_the_ledger_says_who_simulated_what(simulated: Site) -> None:
    start, end = entries(simulated.home, "jobs")[:2]
    simulation = outputs.read(simulated.run)
    assert (start["action"], end["action"]) == ("job.start", "job.end")
    assert start["subject"] == end["subject"] == f"run {simulation.run}"
    assert start["detail"]["plan"] == simulation.plan.digest
    assert start["detail"]["population"] == simulation.population.digest
    assert end["detail"]["intercepted"] == 1


def entries(home: Typed, writer: str) -> list[dict[str, Any]]:
    path = home.path / "audit" / f"{writer}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# --- releases and tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "reason", "words"),
    [
        ("steep", "ok", "characters"),
        ("dear", "the council has found more money", "infeasible"),
        ("tax", "because it is there, is it not", "open"),
        ("moon", "because it is there, is it not", "moon"),
    ],
)
def test_what_cannot_be_released(own: Site, option: str, reason: str, words: str) -> None:
    before = (own.run / "report.json").read_bytes()
    refused = own.home.run("policy", "release", str(own.run), option, "--reason", reason, code=2)
    assert words in refused.stderr.decode()
    assert (own.run / "report.json").read_bytes() == before
    assert "policy.release" not in [entry["action"] for entry in entries(own.home, "policy")]


def test_a_released_option_is_weighed_and_the_entry_stands_before(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "海外有同样税率的先例，应一并比较"
    release = ("policy", "release", str(own.run), "steep", "--reason", reason)
    before, figures = own.report(), (own.run / "runs.parquet").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(outputs, "report", _full)
        with pytest.raises(RuntimeError):
            own.home.run(*release)
    (entry,) = entries(own.home, "policy")
    assert own.report() == before
    assert (entry["action"], entry["subject"]) == ("policy.release", f"{before['simulation']['run']}/steep")
    own.home.run(*release)
    after = own.report()
    assert "steep" in [one["option"] for one in after["ranking"]]
    assert after["intercepted"] == []
    assert after["released"][0]["option"] == "steep"
    (made,) = after["simulation"]["releases"]
    assert (made["entry"], made["reason"]) == (f"policy/{entry['seq']}", reason)
    assert reason in (own.run / "report.html").read_text(encoding="utf-8")
    assert (own.run / "runs.parquet").read_bytes() == figures
    assert "released already" in own.home.run(*release, code=2).stderr.decode()


def _full(*_: object) -> None:
    raise RuntimeError("the disk is full")


def test_who_simulated_does_not_release_and_another_person_may(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(asking.TOKEN, raising=False)

    def by(token: str | None, *arguments: str, code: int = 0) -> str:
        with mock.patch.dict(os.environ, {asking.TOKEN: token} if token else {}):
            done = own.home.run(*arguments, code=code)
        return done.stdout.decode().strip() if arguments[0] == "people" else done.stderr.decode()

    admin = by(None, "people", "add", "adam")
    tokens = {}
    for name, roles in {"olga": ("operator", "officer"), "oleg": ("officer",), "anna": ("analyst",)}.items():
        given = by(admin, "people", "add", name)
        for role in roles:
            by(admin, "people", "grant", name, role)
        tokens[name] = by(given, "people", "token")
    simulate = ("simulate", str(own.plan), "-o", str(own.run), "--replace", *ONE)
    by(tokens["anna"], *simulate, code=1)
    by(tokens["olga"], *simulate)
    release = ("policy", "release", str(own.run), "steep", "--reason", "海外有同样税率的先例")
    by(tokens["anna"], *release, code=1)
    assert "other" in by(tokens["olga"], *release, code=1)
    assert own.report()["released"] == []
    assert "released by oleg" in by(tokens["oleg"], *release)
    assert own.report()["simulation"]["releases"][0]["person"] == "oleg"
    assert [(one["actor"], one["action"]) for one in entries(own.home, "policy")] == [
        ("olga", "policy.release.refused"),
        ("oleg", "policy.release"),
    ]


def test_tables_have_noise_and_cost_a_budget(own: Site) -> None:
    def ask(measure: str, epsilon: str, code: int = 0, grouping: str = "side") -> tuple[list[dict[str, Any]], str]:
        done = own.home.run(
            "policy", "tables", str(own.run), "--option", "both", "--measure", measure, "--grouping", grouping,
            "--epsilon", epsilon, "--persons-per-household", "4", "--format", "json", code=code,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    table, said = ask("better", "1")
    assert "epsilon 1 spent now, 2 left" in said
    assert [row["group"] for row in table] == ["北", "南"]
    again, said = ask("better", "1")
    assert again == table
    assert "epsilon 0 spent now, 2 left" in said
    # noise of scale 8 in four cells: all four exact once in 60,000 tables
    other, _ = ask("worse", "0.5")
    rows = found(own.run)
    exact = [
        (rows["both", measure, "side", row["group"]].hits, rows["both", measure, "side", row["group"]].sample)
        for measure, one in (("better", table), ("worse", other))
        for row in one
    ]
    assert [(row["hits"], row["records"]) for row in (*table, *other)] != exact
    for measure, words in (("average", "of kind mean"), ("gini", "of kind gini"), ("moon", "no measure")):
        _, said = ask(measure, "0.1", code=2)
        assert words in said
    _, said = ask("worse", "2", code=1)
    assert "1.5" in said
    written = [(entry["action"], entry["detail"].get("charged")) for entry in entries(own.home, "policy")]
    tables = "policy.tables"
    assert written == [(tables, 1.0), (tables, 0.0), (tables, 0.5), (f"{tables}.refused", None)]


# --- policy plan, rules, show, population -----------------------------------------------------------------------------


def test_worked_policies_are_listed_and_printed(tmp_path: Path) -> None:
    home = Typed(tmp_path / "home")
    listed = [json.loads(line) for line in home.run("policy", "plan", "--format", "json").stdout.splitlines()]
    assert {"cash_benefit", "neighbourhood_renovation"} <= {one["name"] for one in listed}
    printed = home.run("policy", "plan", "cash_benefit").stdout.decode()
    assert "rules: cash_benefit" in printed
    assert "cash_benefit" in home.run("policy", "plan", "cash", code=2).stderr.decode()


def test_rules_whose_case_breaks_end_with_1(tmp_path: Path) -> None:
    home = Typed(tmp_path / "home")
    folder = economy.write(tmp_path, TWO) / "rules"
    done = home.run("policy", "rules", str(folder), "--format", "json")
    assert "due" in {json.loads(line)["variable"] for line in done.stdout.splitlines()}
    (folder / "cases.yaml").write_text(changed(economy.CASES, "[95, 5, 50]", "[95, 5, 51]"))
    said = home.run("policy", "rules", str(folder), "--cases-only", code=1).stderr.decode()
    assert "cases.yaml" in said
    assert "1 cases do not hold" in said
    assert "rules.yaml" in home.run("policy", "rules", str(tmp_path / "gone"), code=2).stderr.decode()


def test_show_lists_options_and_the_measures_of_one(simulated: Site) -> None:
    shown = simulated.home.run("policy", "show", str(simulated.run), "--format", "json").stdout.splitlines()
    rows = [json.loads(line) for line in shown]
    assert [row["option"] for row in rows[-2:]] == ["dear", "steep"]
    assert "60%" in rows[-1]["why"]
    one = ("policy", "show", str(simulated.run), "--option", "tax", "--format", "json", "--grouping")
    groups = [json.loads(line) for line in simulated.home.run(*one, "sex").stdout.splitlines()]
    assert {row["group"] for row in groups} == {"男", "女"}
    assert "moon" in simulated.home.run(*one, "moon", code=2).stderr.decode()


def test_a_population_is_shown_and_not_written_over(simulated: Site) -> None:
    folder = str(simulated.files / "people")
    said = simulated.home.run("policy", "population", folder).stderr.decode()
    assert f"{len(simulated.people)} person, 60 household" in said
    columns = simulated.home.run("policy", "population", folder, "--columns", "--format", "json").stdout.splitlines()
    assert {json.loads(line)["column"] for line in columns} == {"age", "sex", "wage", "side"}
    mapping = ("--load", str(simulated.files / "mapping.yaml"))
    for arguments in ((folder, *mapping), (folder, *mapping, "--synthesise", "demonstration_city")):
        simulated.home.run("policy", "population", *arguments, code=2)


# --- wrong plans ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """For whatever is refused: every test writes the files anew."""
    return made(tmp_path_factory.mktemp("village"), TWO)


def refused(site: Site, plan: str | None = None, rules: str = economy.RULES, *more: str) -> str:
    """What `simulate` says; exit code 2, no traceback, nothing of a report."""
    shutil.rmtree(site.run, ignore_errors=True)  # what a test that failed left
    economy.write(site.files, site.people)
    (site.files / "rules" / "rules.yaml").write_text(rules)
    if plan is not None:
        site.plan.write_text(plan)
    done = site.home.run("simulate", str(site.plan), "-o", str(site.run), *ONE, *more, code=2)
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert not (site.run / "report.json").exists()
    return said


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


GROUP, PEOPLE, AT = "{title: 性别, of: sex}", "population: people", f"value: {LINE}, unit: CNY"
SYNTHESISE = "population: {{synthesise: {{spec: {}, people: {}}}}}"
WRONG_PLANS = {
    "unknown variable": ("mean: net,", "mean: nett,", "did you mean 'net'?"),
    "unit mismatch": ("sum: due,", "sum: due, unit: 亿元,", "do not fit"),
    "unit of a line": (f"{AT}/year}}, aim", f"{AT}}}, aim", "the line is in CNY"),
    "years reversed": ("years: [2026, 2027]", "years: [2027, 2026]", "is before the first"),
    "day after the years": ("on: 2026-07-01", "on: 2028-07-01", "after the last year"),
    "no such day": ("on: 2026-07-01", "on: 2026-02-30", "is no date"),
    "empty group": (GROUP, "{title: 年龄, of: age, cuts: [200]}", "nobody is in group 2"),
    "empty quantile": (GROUP, "{title: 收入, of: wage, quantiles: 9}", "nobody is in"),
    "cuts reversed": (GROUP, "{title: 收入, of: wage, cuts: [2, 1]}", "must ascend"),
    "unknown population": (PEOPLE, "population: elsewhere", "elsewhere"),
    "unknown synthesis": (PEOPLE, SYNTHESISE.format("moon", 5000), "moon"),
    "three people": (PEOPLE, SYNTHESISE.format("demonstration_city", 3), "1000"),
    "unknown rules": ("rules: rules", "rules: gone", "no rules 'gone'"),
    "entities missing": ("rules: rules", "rules: neighbourhood_renovation", "needs people in"),
    "outside a lever's range": ("levers: {rate: 0.1}", "levers: {rate: 1.5}", "outside 0..1"),
    "lever is no number": ("levers: {rate: 0.1}", "levers: {rate: .nan}", "no finite number"),
    "unknown lever": ("levers: {rate: 0.1}", "levers: {ratio: 0.1}", "no lever 'ratio'"),
    "option twice": ("title: 重税, levers: {rate: 0.6}", "title: 重税, levers: {rate: 0.1}", "the same levers"),
    "option that climbs": ("{option: tax,", "{option: ../../tax,", "is no name"),
    "option with a tag": ("{option: tax,", "{option: '<b>',", "is no name"),
    "negative seed": ("seed: 7", "seed: -7", "outside"),
    "too many draws": ("draws: 6", "draws: 100000", "outside"),
    "assumption out of bounds": ("fixed: 1}", "fixed: 2}", "lies outside 0..1"),
    "anchor": ("baseline: {title: 现状}", "baseline: &x {title: 现状}", "anchors and aliases"),
    "key twice": ("seed: 7", "seed: 7\nseed: 8", "stands twice"),
    "no YAML": ("rules: rules", "rules: rules: rules", "not readable as YAML"),
    "unknown key": ("seed: 7", "sead: 7", "there is no 'sead'"),
    "negative weight of a measure": ("weight: 1}\n  average", "weight: -1}\n  average", "outside"),
    "unknown payer": ("cost:state", "cost:moon", "moon"),
}


@pytest.mark.parametrize(("old", "new", "words"), WRONG_PLANS.values(), ids=WRONG_PLANS)
def test_a_wrong_plan_is_refused_with_its_line(village: Site, old: str, new: str, words: str) -> None:
    plan = changed(economy.PLAN, old, new)
    said = refused(village, plan)
    assert words in said
    lines = {line_of(plan, new) + number for number in range(new.count("\n") + 1)}
    assert any(f"plan.yaml:{line}:" in said for line in lines), said


WRONG_FORMULAS = {
    "unknown name": ("wage * rat", "did you mean 'rate'?"),
    "unit mismatch": ("wage * wage", "CNY2/year2"),
    "cycle": ("paid * rate + 0 * net", "net"),
    "no value": ("wage * rate / (1 - 1)", "due"),
    "import": ("__import__('os').system('touch pwned')", ""),
    "attribute": ("wage.__class__.__bases__", ""),
    "lambda": ("(lambda: wage)()", ""),
    "comprehension": ("[wage for wage in (1, 2)][0]", ""),
    "1e5 characters": ("wage" + " + wage" * 20_000, "characters"),
    "nested": ("(" * 900 + "wage" + ")" * 900, ""),
    "power": ("wage * 9**9**9**9", ""),
}


@pytest.mark.parametrize(("formula", "words"), WRONG_FORMULAS.values(), ids=WRONG_FORMULAS)
def test_wrong_rules_are_refused_with_their_line(village: Site, formula: str, words: str) -> None:
    rules = changed(economy.RULES, "wage * rate", formula)
    said = refused(village, None, rules)
    assert f"rules.yaml:{line_of(rules, '  due:')}:" in said
    assert words in said
    assert len(said) < 2_000
    assert not list(Path().glob("pwned"))


def test_parameters_whose_days_are_reversed(village: Site) -> None:
    rules = changed(
        economy.RULES, "assumptions:",
        "parameters:\n  least: {title: 下限, values: {2026-01-01: 1, 2025-01-01: 2}}\nassumptions:",
    )  # fmt: skip
    assert f"rules.yaml:{line_of(rules, '2025-01-01')}:" in refused(village, None, rules)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        pytest.param(economy.PLAN + "note: >\n" + "  长文\n" * 200_000, "bytes; at most", id="huge"),
        pytest.param("", "plan.yaml:1: the file is empty", id="empty"),
        pytest.param("just words", "plan.yaml:1:", id="a text"),
        pytest.param("- a\n- list", "plan.yaml:1:", id="a list"),
        pytest.param("{" * 5_000, "plan.yaml:1: nested deeper", id="nested"),
        pytest.param("!!python/object/apply:os.system ['touch pwned']", "plan.yaml:1:", id="a Python object"),
    ],
)
def test_a_file_that_is_no_plan(village: Site, plan: str, words: str) -> None:
    assert words in refused(village, plan)
    assert not list(Path().glob("pwned"))


def test_400_options_are_a_choice_and_401_are_not(village: Site) -> None:
    start, end = economy.PLAN.index("options:"), economy.PLAN.index("assumptions:")
    points = ", ".join(f"{number / 1000:g}" for number in range(1, 402))
    plan = f"{economy.PLAN[:start]}grid: {{rate: [{points}]}}\n{economy.PLAN[end:]}"
    assert f"plan.yaml:{line_of(plan, 'grid:')}: grid: 401 options; at most 400" in refused(village, plan)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param((2, 2, 40, "f", 30_000, -1), "the weight -1 is negative", id="negative weight"),
        pytest.param((2, 2, 40, "f", 30_000, "NaN"), "missing or NaN", id="NaN as weight"),
        pytest.param((2, 2, 40, "f", 30_000, ""), "missing or NaN", id="no weight"),
        pytest.param((2, 2, 40, "f", 30_000, "inf"), "no finite number", id="infinite weight"),
        pytest.param((2, 2, 40, "x", 30_000, 1), "'x' is none of", id="unknown category"),
        pytest.param((2, 2, 40, "f", "much", 1), "'much' is no number", id="no number"),
        pytest.param((2, 9, 40, "f", 30_000, 1), "there is no household '9'", id="household that is not there"),
        pytest.param((1, 2, 40, "f", 30_000, 1), "stands twice", id="id twice"),
        pytest.param((2, 1, 40, "f", 30_000, 1), "two weights", id="household in two weights"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, row: tuple[object, ...], words: str) -> None:
    economy.write(tmp_path, TWO, [1] if row[1] == 1 else [1, 2])
    economy.table(tmp_path / "people.csv", ("pid", "hid", "age", "sex", "wage", "w"), [TWO[0], row])
    load = ("policy", "population", str(tmp_path / "people"), "--load", str(tmp_path / "mapping.yaml"))
    said = Typed(tmp_path / "home").run(*load, code=2).stderr.decode()
    assert "people.csv" in said
    assert "line 3" in said
    assert words in said
    assert not (tmp_path / "people" / "population.json").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("entities", ["person", "household", "../../secret"], "secret", id="entity outside the folder"),
        pytest.param("entities", ["person"], "household", id="people without households"),
        pytest.param("entities", ["household", "person"], "household", id="entities reversed"),
        pytest.param("shards", 10**9, "person/00001.arrow", id="shards that are not there"),
        pytest.param("shards", 0, "0 shards", id="no shards"),
        pytest.param("digest", 5, "not a population's description", id="no text"),
    ],
)
def test_a_description_of_a_population_that_lies(
    village: Site, tmp_path: Path, name: str, value: object, words: str
) -> None:
    economy.write(village.files, village.people)
    folder = tmp_path / "people"
    shutil.copytree(village.files / "people", folder)
    shutil.copytree(folder / "household", tmp_path / "secret")
    path = folder / "population.json"
    body = json.loads(path.read_bytes())
    path.write_text(json.dumps(body | {name: value}))
    assert words in refused(village, None, economy.RULES, "--population", str(folder))


def test_tags_in_titles_stay_text(own: Site) -> None:
    tag = "<script>alert(1)</script>"
    plan = own.plan.read_text()
    for old, new in (("title: 征税", f"title: '{tag}'"), ("question: 征多少，发多少？", f"question: '{tag}'"),
                     ("title: 贫困率", f"title: '{tag}'"), ("title: 性别", f"title: '{tag}'")):  # fmt: skip
        plan = changed(plan, old, new)
    own.plan.write_text(f"{plan}note: '{tag}'\n")
    rules = own.files / "rules" / "rules.yaml"
    rules.write_text(changed(economy.RULES, "title: 比例税与普遍补贴", f"title: '{tag}'"))
    own.home.run("simulate", str(own.plan), "-o", str(own.run), *ONE, "--replace")
    html = (own.run / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert math.isfinite(msgspec.json.decode((own.run / "report.json").read_bytes())["simulation"]["seconds"])
    docx.Document(str(own.run / "report.docx"))
