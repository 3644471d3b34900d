"""Overload in the store: shed posts counted by id, the lag noted now and then, followers held back by it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from pipelines.store.client import connect
from pipelines.store.shed import ASK_MS, FRESH_MS, HoldBack, NoteLag, worst_lag_ms
from pipelines.store.sinks import StorePosts, now_ms

MINUTE = 60_000


@pytest.mark.services
def test_shed_posts_are_counted_once_however_often_they_are_delivered(clickhouse, make_posts, rows):
    start = now_ms() // MINUTE * MINUTE - 10 * MINUTE
    models = ["wide@9+shed"] * 30 + ["encoder@9"] * 10 + ["wide@9"] * 5
    batch = make_posts(["a"] * 45, id=[f"shed-{n}" for n in range(45)], model=models)
    clock = iter([start, start + 1_000, start + MINUTE, start + 5 * MINUTE])
    sink = StorePosts(clickhouse, clock=lambda: next(clock))
    sink.open()
    sink.apply(batch.slice(0, 20))
    sink.apply(batch)  # again, cut elsewhere
    sink.apply(batch.slice(25, 3))
    sink.close()
    replayed = make_posts(["a"] * 45, id=[f"shed-{n}" for n in range(45)], model=["encoder@9"] * 45)
    sink = StorePosts(clickhouse, generation=1, clock=lambda: start + 5 * MINUTE)
    sink.open()
    sink.apply(replayed)
    sink.close()
    sql = "SELECT toUnixTimestamp(minute) * 1000, step, reason, posts FROM v_shed WHERE minute >= {} ORDER BY 1"
    assert rows(sql.format(start // 1000)) == [
        (start, "classify", "behind", 30),
        (start + MINUTE, "classify", "behind", 3),
    ]
    still = "SELECT count() FROM posts FINAL WHERE startsWith(post_id, 'shed-') AND endsWith(model, '+shed')"
    assert rows(still) == [(0,)], "a replay gives them the encoder's labels; what was shed stays on record"


@pytest.mark.services
def test_the_worst_lag_is_noted_now_and_then(clickhouse, make_posts, rows):
    start = now_ms()
    clock = iter([start, start + 1_000, start + 4_999, start + 5_000, start + 5_001])
    sink = NoteLag(clickhouse, "run-of-lag", note_ms=5_000, clock=lambda: next(clock))
    sink.open()
    for lag, model in [(100, "a"), (70_000, "wide@9+shed"), (3, "a"), (5_000, "a"), (9, "a")]:
        batch = make_posts(["a", "b"], timestamp=[start - lag] * 2, model=[model] * 2)
        assert sink.apply(batch) is batch
    sink.close()
    found = rows("SELECT lag_ms, posts, shed FROM stream_lag WHERE run = 'run-of-lag' ORDER BY at")
    assert found == [(100, 2, 0), (71_000, 6, 2)]
    with connect(clickhouse) as client:
        assert worst_lag_ms(client, start + 5_000) == 71_000
        assert worst_lag_ms(client, start + 5_001) == 0
    view = "SELECT max(lag_max_ms) >= 71000, sum(posts) >= 8, sum(shed) >= 2 FROM v_stream_lag"
    assert rows(view) == [(True, True, True)]


def test_records_without_a_time_note_nothing(clickhouse_settings_of_nobody, make_posts):
    sink = NoteLag(clickhouse_settings_of_nobody)  # not open: a write would raise
    sink.apply(make_posts(["a"], timestamp=[0]))
    sink.apply(make_posts(["a"]).slice(0, 0))


@pytest.fixture
def clickhouse_settings_of_nobody():
    from pipelines.store.client import StoreSettings

    return StoreSettings("http://127.0.0.1:1", "yuqing", "", "yuqing")


class Store:
    """Answers as `stream_lag` would: `notes` are (at, lag)."""

    def __init__(self):
        self.notes, self.asked = [], 0

    def query(self, sql, parameters):
        self.asked += 1
        self.result_rows = [(max((lag for at, lag in self.notes if at >= parameters["since"]), default=0),)]
        return self


def test_a_follower_waits_before_anything_is_shed_and_goes_on_afterwards():
    store, hold = Store(), HoldBack("topics", lag_s=30, back_s=10)
    with capture_logs() as said:
        held = []
        for second, lag in enumerate([0, 14_999, 15_000, 15_000, 5_000, 4_999, 4_999]):
            now = second * ASK_MS
            store.notes = [(now, lag)]
            held.append(hold(store, now))
    assert held == [False, False, True, True, True, False, False]
    assert [(entry["event"], entry["follower"]) for entry in said] == [
        ("overload: follower waits for the stream", "topics"),
        ("overload: follower goes on", "topics"),
    ]


def test_a_stream_that_stopped_holds_nobody_back():
    store, hold = Store(), HoldBack("topics", lag_s=30, back_s=10)
    store.notes = [(0, 90_000)]
    assert hold(store, FRESH_MS)
    assert not hold(store, FRESH_MS + ASK_MS)


def test_the_store_is_asked_seldom_and_never_when_shedding_is_off():
    store = Store()
    hold = HoldBack("topics", lag_s=30, back_s=10)
    for now in range(0, 4 * ASK_MS, 500):
        hold(store, now)
    assert store.asked == 4
    assert not HoldBack("topics", lag_s=0, back_s=10)(store, 0)
    assert store.asked == 4
