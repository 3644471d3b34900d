"""The wall's bench: its made-up store fills every table that panels read, and every query of every board runs on it."""

from __future__ import annotations

import time

import pytest

from pipelines.bench import dashboards as bench
from pipelines.cli.dashboards.queries import queries
from pipelines.store.client import connect
from pipelines.store.migrate import migrate
from pipelines.store.query import refresh_roll_ups
from schemas.errors import UsageError
from tests.pipelines.store.conftest import fresh_server

pytestmark = pytest.mark.services
_ = fresh_server  # a fixture of another folder

POSTS = 60_000
"""Enough that one county has twenty authors of one mood in an hour."""


@pytest.fixture
def filled(fresh_server):
    fresh_server.start()
    migrate(fresh_server.settings())
    with connect(fresh_server.settings()) as client:
        bench.fill(client, POSTS, lambda _: None)
    refresh_roll_ups(fresh_server.settings())
    return fresh_server


def test_every_query_runs_and_is_measured(filled):
    with connect(filled.settings()) as client:
        assert client.query("SELECT count() FROM posts FINAL").first_row[0] == POSTS
        for table in (
            "alert_hits",
            "episode_facts",
            "episode_events",
            "topics",
            "dead_letters",
            "stream_lag",
            "forecasts",
            "applications",
            "application_reviews",
            "automation_state",
            "policy_simulations",
            "policy_options",
            "policy_runs",
        ):
            assert client.query(f"SELECT count() FROM {table}").first_row[0] > 0, table
        bench.fill(client, POSTS, lambda _: None)
        assert client.query("SELECT count() FROM posts").first_row[0] == POSTS, "a second fill adds nothing"
        with pytest.raises(UsageError, match="60,000 posts"):
            bench.fill(client, POSTS + 1, lambda _: None)
        asked = list(queries(bench.largest_topic(client)))
    report = bench.measure(asked, filled.settings, times=1)
    assert report["queries"] == len(asked)
    assert {query.account for query in asked} == {"centre", "viewer"}
    assert {query.board for query in asked} > {"alert rules", "yuqing-command", "yuqing-approval", "yuqing-policy"}
    empty = {
        f"{board}: {panel}"
        for board, panels in report["boards"].items()
        for panel, one in panels.items()
        if not one["rows"] and "one county" not in panel and board != "alert rules"
    }
    assert not empty


def test_a_minute_of_posts_is_added_and_each_roll_up_measured_alone(filled, monkeypatch):
    monkeypatch.setattr(bench, "OVERLAP_S", 0)
    monkeypatch.setattr(bench, "REFRESHED_BY_S", time.time() % 60)
    counted = "SELECT sum(posts) FROM mood_slices FINAL WHERE kind = 'sentiment' AND adcode = ''"
    with connect(filled.settings()) as client:
        assert client.query(counted).first_row[0] == POSTS
        costs = bench.roll_ups(client, filled.process.pid, POSTS, lambda _: None)
        assert costs["posts"] == POSTS // 600
        assert client.query(counted).first_row[0] == POSTS + costs["posts"], "what was measured is what counts them"
        assert costs["mood_slices_refresh_cpu_ms"] > 0
        bench.fill(client, POSTS, lambda _: None)
        assert client.query("SELECT count() FROM posts").first_row[0] == POSTS + costs["posts"], "still no second fill"
