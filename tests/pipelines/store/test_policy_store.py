"""Policy simulations on the real server: what comes back, what is written twice, what readers see and do not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipelines.store.client import connect
from pipelines.store.policy import PolicyStore, _version
from schemas.errors import StoreUnavailable, UsageError
from schemas.policy import BASELINE, Release
from tests.pipelines.store.simulations import GROUPS, SAMPLES, result, simulation

pytestmark = pytest.mark.services

RELEASE = Release("bold", "ofelia", "已由专家会论证，依据见纪要", "2026-11-28T11:00:00.123Z", "policy/3")


@pytest.fixture
def store(clickhouse):
    with PolicyStore(clickhouse) as policies:
        yield policies


def told(simulation) -> dict[str, Any]:
    """For comparing: NaN is no NaN's equal."""
    return {field: repr(getattr(simulation, field)) for field in simulation.__struct_fields__}


def test_a_run_comes_back_as_it_was_written(store):
    made = simulation("policy-whole", releases=(RELEASE,))
    store.write(made, "ann")
    back = store.simulation("policy-whole")
    wanted = msgspec.structs.replace(
        made, standings=(*made.standings[:2], msgspec.structs.replace(made.standings[2], state="released"))
    )
    assert told(back) == told(wanted)
    assert store.person("policy-whole") == "ann"
    assert (store.simulation("policy-nothing"), store.person("policy-nothing")) == (None, "")


def test_written_twice_is_written_once_and_the_later_counts(store, rows):
    first = simulation("policy-twice")
    fewer = simulation("policy-twice", made_at="2026-11-28T12:00:00Z", results=first.results[:5])
    stored = [
        f"(SELECT count() FROM {table} FINAL WHERE run = 'policy-twice')"
        for table in ("policy_simulations", "policy_runs")
    ]
    store.write(first, "ann")
    store.write(first, "ann")
    assert rows(f"SELECT {', '.join(stored)}") == [(1, len(first.results))]
    store.write(fewer, "bob")
    store.write(first, "ann")  # delivered late
    back = store.simulation("policy-twice")
    assert back is not None
    assert (len(back.results), back.made_at, store.person("policy-twice")) == (5, fewer.made_at, "bob")
    shown = rows("SELECT count() FROM v_policy_results WHERE run = 'policy-twice'")
    assert shown == [(3,)], "of the later version only: all, and two of its four groups"


def test_a_release_stays_whatever_is_written_later(store, rows):
    made = simulation("policy-release")
    store.write(made, "ann")
    store.release(made, RELEASE)  # not weighed anew: the state is told all the same
    store.release(made, RELEASE)
    assert store.person("policy-release") == "ann"
    store.write(made, "ann")
    back = store.simulation("policy-release")
    assert back is not None
    assert back.releases == (RELEASE,)
    assert [one.state for one in back.standings] == ["open", "open", "released"]
    sql = "SELECT state, isNull(released_at) FROM v_policy_options WHERE run = 'policy-release' ORDER BY number"
    assert rows(sql) == [("open", True), ("open", True), ("released", False)]
    # weighed anew with the release: a later version, and a release does not open what cannot be
    again = simulation("policy-release", releases=(RELEASE,))
    assert _version(again) > _version(made)
    barred = (*made.standings[:2], msgspec.structs.replace(made.standings[2], state="infeasible"))
    store.write(msgspec.structs.replace(again, standings=barred), "ann")
    assert rows(sql) == [("open", True), ("open", True), ("infeasible", False)]


def test_a_run_stopped_between_its_writes_is_seen_by_nobody(store, rows, monkeypatch):
    insert = store._insert

    def stopped(name, schema, given):
        if name == "policy_simulations":
            raise StoreUnavailable("killed")
        insert(name, schema, given)

    monkeypatch.setattr(store, "_insert", stopped)
    with pytest.raises(StoreUnavailable):
        store.write(simulation("policy-stopped"), "ann")
    monkeypatch.undo()
    for view in ("v_policy_simulations", "v_policy_options", "v_policy_results"):
        assert rows(f"SELECT count() FROM {view} WHERE run = 'policy-stopped'") == [(0,)], view
    assert store.simulation("policy-stopped") is None


SMALL = [
    # samples of the groups, of which groups the view has rows
    ((400, 300, 250, 12), (400, 300)),  # the next smallest too: else the twelve are what is missing from the total
    ((400, 300, 19, 12), (400, 300)),
    ((400, 300, 250, 20), (400, 300, 250, 20)),
    ((400, 300, 250, 0), (400, 300, 250, 0)),  # nobody is nobody's secret
    ((12, 13, 14, 15), ()),
]


@pytest.mark.parametrize(("samples", "shown"), SMALL)
def test_small_groups_are_not_shown(store, rows, samples, shown):
    run = f"policy-small-{'-'.join(map(str, samples))}"
    groups = tuple(
        result("wide", "gain", "age", group, sample=sample) for group, sample in zip(GROUPS, samples, strict=True)
    )
    store.write(simulation(run, results=groups), "ann")
    found = rows(f"SELECT sample FROM v_policy_results WHERE run = '{run}' ORDER BY number")
    assert tuple(sample for (sample,) in found) == shown


def test_readers_see_titles_and_no_person(store, as_user):
    store.write(simulation("policy-read", releases=(RELEASE,)), "ann")
    for user in ("viewer", "analyst", "operator", "centre"):
        one = as_user(user).query(
            "SELECT measure_title, grouping_title, `group`, aim, value, sample FROM v_policy_results"
            " WHERE run = 'policy-read' AND option = 'wide' ORDER BY number"
        )
        assert [tuple(row) for row in one.result_rows] == [
            ("受益面", "全部", "all", "more", 12.5, 962),
            *[("受益面", "年龄", GROUPS[n], "more", 12.5, SAMPLES[n]) for n in (0, 1)],
            ("差距", "年龄", GROUPS[0], "less", None, 0),
            *[
                (title, grouping, group, "", value, 0)
                for title in ("总支出", "市级财政")
                for grouping, group, value in (
                    ("全部", "all", 30.0),
                    ("年度", "2026", 10.0),
                    ("年度", "2027", 20.0),
                )
            ],
        ], user
        everything = [
            row
            for view in ("v_policy_simulations", "v_policy_options", "v_policy_results")
            for row in as_user(user).query(f"SELECT * FROM {view} WHERE run = 'policy-read'").result_rows
        ]
        assert "旧改试算" in repr(everything)
        assert not [name for name in ("ann'", "ofelia", "纪要") if name in repr(everything)]


def test_runs_are_listed_newest_first(store):
    store.write(simulation("policy-old", made_at="2099-01-01T00:00:00Z"), "ann")
    store.write(simulation("policy-new", made_at="2099-01-02T00:00:00+08:00", releases=(RELEASE,)), "ann")
    newest, older, *_ = store.runs()
    assert (newest["run"], newest["made_at"], newest["options"], newest["intercepted"]) == (
        "policy-new",
        "2099-01-01T16:00:00+00:00",
        3,
        0,
    )
    assert (older["run"], older["intercepted"], older["population"]) == ("policy-old", 1, "survey")
    assert len(store.runs(1)) == 1


def test_the_baseline_is_an_option_too_and_levers_are_json(store, clickhouse):
    store.write(simulation("policy-levers"), "ann")
    with connect(clickhouse) as client:
        found = client.query(
            "SELECT option, levers, score, rank, rank_low, rank_high, finding_codes FROM v_policy_options"
            " WHERE run = 'policy-levers' ORDER BY number"
        ).result_rows
    assert [tuple(row) for row in found] == [
        (BASELINE, "{}", 0.4, 2, 1, 2, []),
        ("wide", '{"lift":true,"rate":0.4,"scope":"improved"}', 0.6, 1, 1, 2, []),
        ("bold", '{"rate":0.9}', None, 0, 0, 0, ["outside:rate", "constraint:harm"]),
    ]


def test_a_time_that_is_none_is_refused(store):
    with pytest.raises(UsageError, match="'yesterday' is no time"):
        store.write(simulation("policy-time", made_at="yesterday"), "ann")
