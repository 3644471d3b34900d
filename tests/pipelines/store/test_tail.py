"""Posts are read back in the order of storing, each row once, the late ones too."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, connect
from pipelines.store.sinks import StorePosts
from pipelines.store.tail import LATE_MS, SWEEP_MS, Position, PostTail

pytestmark = pytest.mark.services

START_MS = 3_800_000_000_000  # in 2090: no other test's posts are there
_starts = itertools.count()


class Clock:
    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def client(clickhouse: StoreSettings) -> Iterator[Client]:
    with connect(clickhouse) as client:
        yield client


@pytest.fixture
def start() -> int:
    return START_MS + next(_starts) * 10_000_000


@pytest.fixture
def store(clickhouse, make_posts):
    """``store(at, ids, generation)``: rows with that ``stored_at``."""

    def put(at: int, ids: list[str], generation: int = 0) -> None:
        sink = StorePosts(clickhouse, generation=generation, clock=lambda: at)
        sink.open()
        sink.apply(make_posts([f"水位上涨 {n}" for n in ids], id=ids))
        sink.close()

    return put


def ids(tail: PostTail) -> list[str]:
    return [post for batch in tail.read() for post in batch.column("post_id").to_pylist()]


def test_in_order_and_once(client, store, start):
    store(start + 20, ["t3", "t4"])
    store(start + 10, ["t1", "t2"])
    tail = PostTail(client, ["text", "created_at", "needs", "places", "embedding"], Position(start))
    [batch] = tail.read()
    assert batch.column("post_id").to_pylist() == ["t1", "t2", "t3", "t4"]
    assert batch.column("stored_at").to_pylist() == [start + 10] * 2 + [start + 20] * 2
    assert batch.schema.names == [
        *("platform", "post_id", "stored_at", "generation", "text", "created_at", "needs", "places", "embedding"),
    ]
    assert str(batch.schema.field("platform").type) == "string"
    assert str(batch.schema.field("created_at").type) == "int64"
    assert ids(tail) == []
    store(start + 30, ["t5"])
    assert ids(tail) == ["t5"]


def test_rows_that_show_late_are_found_by_the_sweep_and_only_once(client, store, start):
    clock = Clock(start)
    store(start + 5_000, ["a1"])
    tail = PostTail(client, [], Position(start), clock)
    assert ids(tail) == ["a1"]
    store(start + 2_000, ["late"])
    assert ids(tail) == []
    clock.now += SWEEP_MS
    assert ids(tail) == ["late"]
    clock.now += SWEEP_MS
    assert ids(tail) == []


def test_very_many_late_rows_are_asked_for_in_parts(client, store, start, monkeypatch):
    clock = Clock(start)
    store(start + 5_000, ["m1"])
    tail = PostTail(client, [], Position(start), clock)
    assert ids(tail) == ["m1"]
    late = [f"m-late-{n}" for n in range(5)]
    store(start + 2_000, late)
    clock.now += SWEEP_MS
    monkeypatch.setattr("pipelines.store.tail.ROWS_AT_ONCE", 2)
    assert sorted(ids(tail)) == late
    assert ids(tail) == []


def test_it_goes_on_from_a_position(client, store, start):
    clock = Clock(start)
    store(start + 5_000, ["b1", "b2"])
    tail = PostTail(client, [], Position(start), clock)
    assert ids(tail) == ["b1", "b2"]
    store(start + 4_000, ["b-late"])
    store(start + 6_000, ["b3"])
    again = PostTail(client, [], tail.position, clock)
    clock.now += SWEEP_MS
    assert sorted(ids(again)) == ["b-late", "b3"]


def test_a_replay_brings_a_post_again(client, store, start):
    store(start + 5_000, ["c1"])
    tail = PostTail(client, [], Position(start))
    assert ids(tail) == ["c1"]
    store(start + 6_000, ["c1"], generation=1)
    [batch] = tail.read()
    assert batch.column("generation").to_pylist() == [1]


def test_what_it_remembers_is_bounded(client, store, start):
    tail = PostTail(client, [], Position(start))
    store(start + 1_000, ["d1", "d2"])
    tail.read()
    assert len(tail.position.seen) == 2 * 16
    store(start + 1_000 + LATE_MS, ["d3"])
    tail.read()
    assert len(tail.position.seen) == 1 * 16
