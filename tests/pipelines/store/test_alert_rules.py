"""Each alert rule of Grafana on a real store: data that must fire, data that must not, and no data at all.

The statement runs as Grafana's account; reduce and threshold are those of ``dashboards.expressions``. Everything here
happens after 2090, where no other test's rows are, each test 60 days after the one before, and is deleted at the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client

from dashboards.checks import Run
from dashboards.expressions import ALERTING, NO_DATA, Instance, evaluate
from dashboards.frames import frames
from dashboards.macros import Window, expand
from dashboards.rules.files import rules
from dashboards.rules.rule import api
from pipelines.cli.dashboards.check import asking
from pipelines.store.client import StoreSettings, connect
from schemas.errors import UsageError
from tests.pipelines.store.conftest import Server

pytestmark = pytest.mark.services

START, APART = datetime(2090, 1, 1, 18, 30, tzinfo=UTC), timedelta(days=60)
RULES = {rule.uid.removeprefix("yuqing-"): rule for rule in rules()}
WRITTEN = {
    "post_totals": "minute",
    "mood_hourly": "hour",
    "metrics_minute": "minute",
    "alert_hits": "at",
    "feeds": "last_stored_at",
    "stream_lag": "at",
    "job_health": "at",
}
REFRESHED = ("mood_slices_refresh", "mood_hourly_refresh", "metrics_minute_refresh")

Fires = Callable[[str], list[Instance]]
Insert = Callable[..., None]
Count = Callable[..., None]


class Clock:
    """The time of a test: ``now``, and what was some time ago."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)


TIMES = itertools.count()


@pytest.fixture
def clock() -> Clock:
    return Clock(START + APART * next(TIMES))


@pytest.fixture(scope="module")
def held(clickhouse: StoreSettings) -> Iterator[Client]:
    """A store that makes no roll-up anew while rows of the future stand in it."""
    with connect(clickhouse) as client:
        for view in REFRESHED:
            client.command(f"SYSTEM STOP VIEW {view}")
        yield client
        for table, column in WRITTEN.items():
            client.command(f"DELETE FROM {table} WHERE {column} > '2089-01-01 00:00:00'")
        for view in REFRESHED:
            client.command(f"SYSTEM START VIEW {view}")


@pytest.fixture
def insert(held: Client) -> Insert:
    def rows(table: str, *given: dict[str, object]) -> None:
        names = list(given[0])
        held.insert(table, [[row[name] for name in names] for row in given], column_names=names)

    return rows


@pytest.fixture
def count(held: Client) -> Count:
    """Put numbers of posts into the roll-up: ``count((20, at, "rule", "flood-help"), ...)``."""

    def posts(*cells: tuple[int, datetime, str, str]) -> None:
        given = [
            [dimension, key, at.replace(second=0, microsecond=0), "weibo", number, at.date()]
            for number, at, dimension, key in cells
        ]
        held.insert("post_totals", given, column_names="dimension key minute platform posts stored_on".split())

    return posts


@pytest.fixture(scope="module")
def as_viewer(clickhouse_server: Server) -> Iterator[Run]:
    with asking(clickhouse_server.settings) as run:
        yield run


@pytest.fixture
def run(as_viewer: Run, clock: Clock) -> Fires:
    """Evaluate a rule at the test's time, its statement as the account of its data source."""

    def instances(name: str) -> list[Instance]:
        rule = RULES[name]
        sent = api(rule, "group")
        end = int(clock.now.timestamp() * 1000)
        sql = expand(sent["data"][0]["model"]["rawSql"], Window(end - rule.looks_back_s * 1000, end, 1000))
        columns, rows = as_viewer(sql, "viewer")
        found = frames(columns, rows, format=1, ref_id="A")
        return evaluate(sent["data"], sent["condition"], {"A": found})

    return instances


def firing(instances: list[Instance]) -> list[dict[str, str]]:
    return sorted((dict(i.labels) for i in instances if i.state == ALERTING), key=str)


@pytest.mark.parametrize("name", RULES)
def test_without_data_no_rule_fires_and_none_fails(run: Fires, held: Client, name: str) -> None:
    instances = run(name)
    assert firing(instances) == []
    if any(i.state == NO_DATA for i in instances):
        assert RULES[name].no_data == "OK"


# keyword burst ---


def test_a_rule_met_four_times_as_often_as_before_is_a_burst(run: Fires, clock: Clock, count: Count) -> None:
    before = [clock.ago(minutes=15 * quarter + 5) for quarter in range(1, 25)]
    count(
        *((20, at, "rule", key) for at in before for key in ("flood-help", "fire")),
        (80, clock.ago(minutes=4), "rule", "flood-help"),
        (40, clock.ago(minutes=4), "rule", "fire"),
    )
    instances = run("keyword-burst")
    assert firing(instances) == [{"keyword": "flood-help"}]
    assert {i.labels["keyword"]: i.values["B"] for i in instances} == pytest.approx({"flood-help": 4, "fire": 2})


@pytest.mark.parametrize(("posts", "fires"), [(19, False), (20, True)])
def test_a_burst_from_nothing_has_a_floor(run: Fires, clock: Clock, count: Count, posts: int, fires: bool) -> None:
    count((posts, clock.ago(minutes=4), "rule", "quake"))
    assert bool(firing(run("keyword-burst"))) is fires


def test_a_burst_of_other_dimensions_is_none(run: Fires, clock: Clock, count: Count) -> None:
    count((500, clock.ago(minutes=4), "adcode", "410103"), (500, clock.ago(minutes=4), "need", "rescue"))
    assert firing(run("keyword-burst")) == []


# priority-1 call ---


def hit(alert: str, at: datetime, **changes: object) -> dict[str, object]:
    return {
        "alert_id": alert,
        "platform": "weibo",
        "post_id": f"{alert}-1",
        "version": 1,
        "lane": "needs",
        "rule": "urgent-need",
        "priority": 1,
        "fold": "place",
        "place": "",
        "adcode": "410103",
        "needs": ["rescue"],
        "caller_token": "c1",
        "reasons": [],
        "notify": 1,
        "at": at,
    } | changes


def test_each_new_call_of_priority_1_fires_by_itself(run: Fires, clock: Clock, insert: Insert) -> None:
    at = clock.ago(minutes=3)
    second = hit("call-a", at, post_id="a2", caller_token="c2")
    insert("alert_hits", hit("call-a", at), second, hit("call-b", at), hit("call-c", at, adcode=""))
    instances = run("priority-1-call")
    assert sorted(i.values["B"] for i in instances) == [1, 1, 2]
    labels = firing(instances)
    assert sorted(each["adcode"] for each in labels) == ["410103", "410103", "all"]
    assert len({each["alert"] for each in labels}) == 3
    assert "地点不明" in {each["district"] for each in labels}


def test_calls_of_lower_priority_or_long_ago_do_not(run: Fires, clock: Clock, insert: Insert) -> None:
    insert("alert_hits", hit("call-low", clock.ago(minutes=3), priority=2), hit("call-old", clock.ago(minutes=31)))
    assert firing(run("priority-1-call")) == []


def test_a_call_that_is_raised_to_priority_1_fires(run: Fires, clock: Clock, insert: Insert) -> None:
    first = hit("call-up", clock.ago(minutes=10), priority=2)
    insert("alert_hits", first, hit("call-up", clock.ago(minutes=1), post_id="up-2"))
    assert len(firing(run("priority-1-call"))) == 1


# sentiment collapse ---


def mood(posts: int, hour: datetime, adcode: str = "410103") -> dict[str, object]:
    return {
        "hour": hour,
        "adcode": adcode,
        "platform": "weibo",
        "kind": "sentiment",
        "label": "negative",
        "posts": posts,
        "authors": 20,
    }


def last_hour(clock: Clock) -> datetime:
    """Begin of the last whole hour: tests are at half past."""
    return clock.ago(minutes=90)


@pytest.mark.parametrize(
    ("now", "negative_now", "before", "negative_before", "fires"),
    [
        (200, 120, 100, 20, True),  # 60 % after 20 %
        (200, 80, 100, 20, False),  # 40 % after 20 %
        (200, 120, 100, 60, False),  # always at 60 %: a region that complains is no collapse
        (45, 40, 100, 20, False),  # too few now
        (200, 120, 4, 0, False),  # too few before
        (200, 0, 100, 20, False),  # the cell of this hour is hidden: nobody knows, nobody is told
        (100, 50, 40, 0, False),  # hidden before: up to 19 of 40, and half now is no collapse
        (100, 95, 40, 0, True),  # even against the most that hidden cells can hold
    ],
)
def test_a_mood_far_below_the_districts_own_day_fires(
    run: Fires,
    clock: Clock,
    count: Count,
    insert: Insert,
    now: int,
    negative_now: int,
    before: int,
    negative_before: int,
    fires: bool,
) -> None:
    last = last_hour(clock)
    day = [last - timedelta(hours=hours) for hours in range(1, 25)]
    count((now, last, "adcode", "410103"), *((before, hour, "adcode", "410103") for hour in day))
    cells = [(negative_now, last), *((negative_before, hour) for hour in day)]
    shown = [mood(posts, hour) for posts, hour in cells if posts]
    insert("mood_hourly", *shown, mood(20, clock.ago(days=20)))
    found = firing(run("sentiment-collapse"))
    assert [each["adcode"] for each in found] == (["410103"] if fires else [])


def test_all_posts_together_are_a_region_too(run: Fires, clock: Clock, count: Count, insert: Insert) -> None:
    last = last_hour(clock)
    earlier = last - timedelta(hours=3)
    count((200, last, "all", ""), (200, earlier, "all", ""))
    insert("mood_hourly", mood(180, last, ""), mood(20, earlier, ""))
    assert firing(run("sentiment-collapse")) == [{"adcode": "all", "district": "全部地区"}]


# the stream itself ---


def feed(platform: str, created: datetime, stored: datetime) -> dict[str, object]:
    return {"platform": platform, "last_created_at": created, "last_stored_at": stored}


def test_a_feed_is_silent_after_half_an_hour(run: Fires, clock: Clock, insert: Insert) -> None:
    ago = clock.ago
    insert(
        "feeds",
        feed("fresh", ago(minutes=2), ago(minutes=1)),
        feed("slow", ago(minutes=29), ago(minutes=29)),
        feed("silent", ago(minutes=31), ago(minutes=31)),
        feed("replayed", ago(days=2), ago(minutes=1)),
        feed("wrong-clock", ago(days=-1), ago(minutes=40)),
        feed("given-up", ago(days=8), ago(days=8)),
    )
    assert [each["platform"] for each in firing(run("feed-silent"))] == ["replayed", "silent", "wrong-clock"]


def metrics(dead: int, at: datetime) -> dict[str, object]:
    return {
        "minute": at,
        "posts": 1_000,
        "dead_letters": dead,
        "latency_p50_ms": 1.0,
        "latency_p95_ms": 1.0,
        "latency_p99_ms": 1.0,
    }


@pytest.mark.parametrize(("before", "now", "fires"), [(0, 19, False), (0, 20, True), (10, 30, False), (10, 31, True)])
def test_dead_letters_rise(run: Fires, clock: Clock, insert: Insert, before: int, now: int, fires: bool) -> None:
    rows = [metrics(before, clock.ago(minutes=15 * quarter + 5)) for quarter in range(1, 25)]
    insert("metrics_minute", *rows, metrics(now, clock.ago(minutes=4)))
    assert bool(firing(run("dead-letters-rising"))) is fires


@pytest.mark.parametrize(("lag_s", "minutes", "fires"), [(61, 2, True), (60, 2, False), (900, 9, False)])
def test_a_job_lags(run: Fires, clock: Clock, insert: Insert, lag_s: int, minutes: int, fires: bool) -> None:
    note = {"at": clock.ago(minutes=minutes), "run": "r1", "lag_ms": lag_s * 1000, "posts": 5, "shed": 0}
    insert("stream_lag", note, note | {"run": "r2", "lag_ms": 20})
    assert bool(firing(run("job-lag"))) is fires


def health(run: str, at: datetime, *, breaker: bool) -> dict[str, object]:
    return {
        "at": at,
        "run": run,
        "job": "opinion",
        "state": "cancelled" if breaker else "running",
        "restarts": 0,
        "back_pressure": 0.0,
        "busy": 0.1,
        "checkpoint_age_s": 1.0,
        "breaker": breaker,
    }


def test_an_open_breaker_fires_for_its_run_alone(run: Fires, clock: Clock, insert: Insert) -> None:
    insert(
        "job_health",
        health("well", clock.ago(minutes=1), breaker=False),
        health("stopped", clock.ago(minutes=5), breaker=False),
        health("stopped", clock.ago(minutes=4), breaker=True),
        health("yesterday", clock.ago(days=1), breaker=True),
    )
    assert firing(run("breaker-open")) == [{"job": "opinion", "run": "stopped"}]


def test_a_variable_in_a_rule_is_an_error() -> None:
    with pytest.raises(UsageError, match="'region' is unknown"):
        expand("SELECT ${region:singlequote}", Window(0, 1, 1))
