"""政策推演 on the real server: what each panel answers for a run, and that a run is chosen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from dashboards import words
from dashboards.boards import policy
from dashboards.macros import Window, expand
from pipelines.store.policy import PolicyStore
from schemas.policy import BASELINE, Release
from tests.pipelines.store.simulations import GROUPS, NAN, result, simulation

pytestmark = pytest.mark.services

RUN = "policy-board"
AT = "2095-01-02T03:04:05Z"
NOW_MS = round(datetime.now(UTC).timestamp() * 1000)
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module", autouse=True)
def written(clickhouse) -> None:
    made = simulation(RUN, made_at=AT)
    better = result("wide", "gap", "all", "all", unit="元", value=1234.6, change=-20.0, change_low=-30, change_high=-10)
    worse = result("wide", "gap", "age", GROUPS[1], change=5.0, change_low=1.0, change_high=9.0, sample=300)
    open_ = result("wide", "gap", "age", GROUPS[0], change=0.5, change_low=-1.0, change_high=2.0, sample=400)
    empty = result("wide", "gap", "age", GROUPS[2], value=NAN, low=NAN, high=NAN, change=NAN, sample=0)
    with PolicyStore(clickhouse) as store:
        kept = tuple(one for one in made.results if one.measure != "gap")
        store.write(msgspec.structs.replace(made, results=(*kept, better, worse, open_, empty)), "ann")
        store.write(simulation(f"{RUN}-older", made_at="2095-01-01T00:00:00Z", results=()), "ann")


@pytest.fixture
def ask(as_user) -> Ask:
    def asked(sql: str, run: str = RUN) -> list[tuple[Any, ...]]:
        expanded = expand(sql, Window(NOW_MS - 86_400_000, NOW_MS, 60_000), {"run": run})
        return [tuple(row) for row in as_user("viewer").query(expanded).result_rows]

    return asked


def test_the_latest_run_is_shown_unless_another_is_chosen(ask: Ask) -> None:
    runs = ask(policy.RUNS)
    assert runs[0] == ("latest", "最近一次")
    assert [row for row in runs if row[0].startswith(RUN)] == [
        (RUN, "2095-01-02 11:04 旧改试算"),
        (f"{RUN}-older", "2095-01-01 08:00 旧改试算"),
    ]
    assert ask(policy.SOURCES, "latest")[0][-1] == RUN
    assert ask(policy.SOURCES, f"{RUN}-older")[0][-1] == f"{RUN}-older"
    assert ask(policy.SOURCES, "nothing") == []


def test_how_many_options_of_which_kind(ask: Ask) -> None:
    assert ask(policy.ABOUT) == [(3, 2, 1, 0, 0, 2)]


def test_options_side_by_side_best_first(ask: Ask) -> None:
    cost = ("30", "11 至 14", "万元")
    assert ask(policy.SIDE_BY_SIDE) == [
        ("完善类 补四成", "open", 1, "1 至 2", 0.6, 0.9, "是", *cost),
        ("维持现状", "open", 2, "1 至 2", 0.4, 0.1, "是", *cost),
        ("提升类 补九成", "intercepted", None, "", None, None, "", *cost),
    ]


def test_what_was_intercepted_and_why(ask: Ask, clickhouse) -> None:
    reason = "补贴比例 0.9 超出有依据的 0.2 至 0.8"
    bold = ("提升类 补九成", "intercepted")
    assert ask(policy.FINDINGS) == [
        (*bold, "intercept", reason, "outside:rate", None),
        (*bold, "warn", "区间越过红线", "constraint:harm", None),
    ]
    made = simulation(f"{RUN}-released", made_at="2090-01-01T00:00:00Z")
    release = Release("bold", "ofelia", "已由专家会论证，见纪要", "2026-11-28T11:00:00Z", "policy/3")
    with PolicyStore(clickhouse) as store:
        store.write(made, "ann")
        store.release(made, release)
    (first, *_) = ask(policy.FINDINGS, f"{RUN}-released")
    assert first[1] == "released"
    assert first[-1].replace(tzinfo=UTC) == datetime(2026, 11, 28, 11, tzinfo=UTC)
    assert "ofelia" not in repr(ask(policy.FINDINGS, f"{RUN}-released"))
    assert ask(policy.ABOUT, f"{RUN}-released") == [(3, 2, 0, 0, 1, 2)]


def test_measures_with_change_interval_and_direction(ask: Ask) -> None:
    found = ask(policy.MEASURES)
    change = ("1.5", "0.5 至 2.5", "改善", "%")
    assert found == [
        ("受益面", "完善类 补四成", "12.5", "11 至 14", *change),
        ("受益面", "维持现状", "12.5", "11 至 14", "", "", "", "%"),
        ("受益面", "提升类 补九成", "12.5", "11 至 14", *change),
        ("差距", "完善类 补四成", "1235", "11 至 14", "-20", "-30 至 -10", "改善", "元"),
    ]


def test_who_pays_and_in_which_year(ask: Ask) -> None:
    years = ("30", "11 至 14", "2026年 10，2027年 20", "万元")
    assert ask(policy.PAYERS) == [
        (title, payer, *years)
        for title in ("完善类 补四成", "维持现状", "提升类 补九成")
        for payer in ("市级财政", "总支出")
    ]


def test_groups_that_are_worse_off_come_first(ask: Ask) -> None:
    found = ask(policy.GROUPS)
    assert found[0] == ("年龄", GROUPS[1], "差距", "完善类 补四成", "5", "1 至 9", "变差", "%", 5000)
    assert found[-1][:4] + found[-1][6:7] == ("年龄", GROUPS[0], "差距", "完善类 补四成", "分不清")
    # of gain the smallest two groups are hidden; the baseline and an empty group have no change to show
    assert [row[1:4] for row in found[1:-1]] == [
        (group, "受益面", title) for title in ("完善类 补四成", "提升类 补九成") for group in GROUPS[:2]
    ]


def test_codes_have_words(ask: Ask) -> None:
    assert set(words.WORDS["policy"]) == {"open", "infeasible", "intercepted", "released"}
    assert {row[1] for row in ask(policy.SIDE_BY_SIDE)} <= set(words.WORDS["policy"])
    assert {row[2] for row in ask(policy.FINDINGS)} <= set(words.WORDS["gate"])
    said = {row[6] for sql in (policy.MEASURES, policy.GROUPS) for row in ask(sql)} - {""}
    assert said == set(words.WORDS["change"])
    assert BASELINE == "baseline"
