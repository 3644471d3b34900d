"""Each metric moves when what it counts happens: one piece of work a metric, read over HTTP before and after."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from pipelines.jobs import episodes, following, health
from pipelines.metrics import declared, endpoint
from pipelines.store import bursts, client
from pipelines.store.health import Look
from pipelines.store.notify import service
from pipelines.store.notify.channels import Route, Webhook
from pipelines.store.notify.messages import Message
from pipelines.store.notify.notifier import Notifier
from pipelines.store.notify.outbox import Due
from schemas.errors import StoreUnavailable
from tests.pipelines.jobs.test_following import Clock, Counter, Tail
from tests.pipelines.metrics.test_metrics_endpoint import scrape

DUE = Due("alert-1", 2, since=1_000, attempts=0)
LOOK = Look(1, "run-1", "opinion", "running", 2, 0.25, 0.5, 7.0)


def send(status: int) -> None:
    """One alert through a webhook that answers ``status``, two seconds after it came."""
    channel = Webhook("http://receiver.example/", httpx.MockTransport(lambda _: httpx.Response(status)))
    notifier = Notifier(None, Route(channel), clock=lambda: 3_000)  # type: ignore[arg-type]
    message = Message("alert", "key", "alert-1", "flood", 2, "", [], 0, 0, 1, 1, "open", [], [])
    notifier._send(SimpleNamespace(record=lambda *_: None), message, {DUE: "key"})  # type: ignore[arg-type]


def dispatch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Outbox:
        joined: ClassVar[dict[str, int]] = {"": 0}

        def __init__(self, client: object) -> None: ...
        def join(self, *_: object) -> None: ...
        def due(self, *_: object) -> dict[str, list[Due]]:
            return {"": [DUE, Due("alert-2", 3, 1_000, 0)]}

        def escalated(self, *_: object) -> dict[str, list[Due]]:
            return {}

    monkeypatch.setattr(service, "Outbox", Outbox)

    def away() -> Any:
        raise StoreUnavailable("gone")

    route = Route(Webhook("http://receiver.example/"))
    dispatcher = service.Dispatcher(away, [route], [])  # the lane cannot deliver: the alerts wait
    dispatcher.round(None)  # type: ignore[arg-type]
    dispatcher.close()


def follow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten posts, at one of which the follower fails: 6 taken two by two, 7 one by one, then all but the odd one."""
    monkeypatch.setattr(following, "PostTail", Tail)

    def odd() -> list[Counter]:
        follower = Counter(odd=True)
        follower.name = "episodes"
        return [follower]

    work = following.Following(tmp_path, "test", odd, clock=Clock())
    work.open(None)  # type: ignore[arg-type]
    for _ in range(20):
        try:
            work.round()
        except following.FollowerFailed:
            work.open(None)  # type: ignore[arg-type]
    work.save()


def lag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(following, "PostTail", Tail)
    work = following.Following(tmp_path, "test", lambda: [Counter()], clock=Clock())
    work.open(None)  # type: ignore[arg-type]
    work.round()


def lose_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop = threading.Event()

    def away() -> Any:
        stop.set()
        raise StoreUnavailable("gone")

    following.follow(following.Following(tmp_path, "test", list), away, stop)


def lose_the_store_in_the_notifier(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop = threading.Event()

    def away() -> Any:
        stop.set()
        raise StoreUnavailable("gone")

    service.run(away, [], stop)


def refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for error in (DatabaseError("no", code=241), DatabaseError("no", code=497), ConnectionResetError()):
        with suppress(Exception), client.translated("test"):
            raise error


def insert(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = SimpleNamespace(insert=lambda *_, **__: None, insert_arrow=lambda *_, **__: None)
    monkeypatch.setattr(client.clickhouse_connect, "get_client", lambda **_: fake)
    client.connect(client.StoreSettings("http://127.0.0.1:1")).insert("posts", [1, 2, 3])


def burst(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alert = bursts.Alert("a", "burst:calls", 2, "", "", (), False)
    post = bursts.Evidence("weibo", "1", 1, 1, (), "")
    bursts.insert(SimpleNamespace(insert_arrow=lambda *_: None), [(alert, post)], 1)  # type: ignore[arg-type]


def open_episodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("merges_and_splits", "write_facts"):
        monkeypatch.setattr(episodes.store, name, lambda *_: [])
    follower = episodes.Episodes()
    follower._client = object()  # type: ignore[assignment]
    closed = SimpleNamespace(priority=1, proposed="closed", last_call_at=1, proposed_at=2)
    called_again = SimpleNamespace(priority=2, proposed="closed", last_call_at=3, proposed_at=2)
    follower._folder = SimpleNamespace(fetch=list, episodes={"a": closed, "b": called_again})  # type: ignore[assignment]
    follower.tick(1)


def fail_to_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop = threading.Event()

    def away() -> Any:
        stop.set()
        raise StoreUnavailable("gone")

    with health.Sampler(tmp_path, away, stop) as sampler:
        sampler._thread.join(10)


Work = Callable[[pytest.MonkeyPatch, Path], None]
looked: Work = lambda *_: health.note([LOOK])  # noqa: E731
stopped: Work = lambda *_: health.note([Look(1, "r", "opinion", "stopped", breaker=True)])  # noqa: E731

WORK: dict[declared.Declared, tuple[Work, list[str]]] = {
    declared.ALERTS_DELIVERED: (lambda *_: send(200), ['_total{channel="webhook"} 1.0']),
    declared.DELIVERIES_FAILED: (lambda *_: send(500), ['_total{channel="webhook"} 1.0']),
    declared.DELIVERY_SECONDS: (
        lambda *_: send(200),
        ['_bucket{channel="webhook",le="1.0"} 0.0', '_bucket{channel="webhook",le="2.0"} 1.0'],
    ),
    declared.ALERTS_WAITING: (dispatch, ['{channel="webhook"} 2.0']),
    declared.POSTS_TAKEN: (follow, ['{follower="episodes"} 22.0']),
    declared.FOLLOWER_LAG: (lag, []),
    declared.TICKS: (follow, []),
    declared.FOLLOWER_FAILURES: (follow, ['{follower="episodes"} 2.0']),
    declared.POSTS_LEFT_OUT: (follow, ['{follower="episodes"} 1.0']),
    declared.FOLLOWER_STARTS: (follow, [" 3.0"]),
    declared.SNAPSHOT_AT: (follow, []),
    declared.OPEN_EPISODES: (open_episodes, ['{priority="1"} 0.0', '{priority="2"} 1.0']),
    declared.ALERTS_WRITTEN: (burst, ['{lane="burst"} 1.0']),
    declared.JOB_RUNS: (looked, ['state="running"} 1.0', 'state="failed"} 0.0']),
    declared.JOB_RESTARTS: (looked, ['{job="opinion"} 2.0']),
    declared.JOB_BACK_PRESSURE: (looked, ['{job="opinion"} 0.25']),
    declared.JOB_BUSY: (looked, ['{job="opinion"} 0.5']),
    declared.JOB_CHECKPOINT_AGE: (looked, ['{job="opinion"} 7.0']),
    declared.JOB_BREAKER_STOPS: (stopped, ['{job="opinion"} 1.0']),
    declared.JOB_LOOKS_FAILED: (fail_to_look, [" 1.0"]),
    declared.STORE_ERRORS: (
        refused,
        ['"241",outcome="unavailable"} 1.0', '"497",outcome="refused"} 1.0', '"none",outcome="unavailable"} 1.0'],
    ),
    declared.STORE_AWAY: (lose_the_store, [" 1.0"]),
    declared.INSERTED_ROWS: (insert, [" 3.0"]),
    declared.INSERT_SECONDS: (insert, ["_count 1.0"]),
}  # fmt: skip


def test_every_metric_has_its_work() -> None:
    assert set(WORK) == {one for one in declared.ALL.values() if one.kind != "process"}


@pytest.mark.parametrize("metric", WORK, ids=lambda metric: metric.name)
def test_it_moves(metric: declared.Declared, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work, expected = WORK[metric]
    with endpoint.listen(0) as listener, endpoint.serve(metric.services[-1], listener):
        port = listener.getsockname()[1]

        def lines() -> list[str]:
            return [line for line in scrape(port).splitlines() if line.startswith(metric.name)]

        before = lines()
        work(monkeypatch, tmp_path)
        after = lines()
    assert before, "it is there from the start"
    assert before != after
    for end in expected:
        assert [line for line in after if line.endswith(end)], after


def test_the_notifier_too_counts_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with endpoint.listen(0) as listener, endpoint.serve(declared.NOTIFIER, listener):
        lose_the_store_in_the_notifier(monkeypatch, tmp_path)
        assert "yuqing_store_reconnects_total 1.0" in scrape(listener.getsockname()[1])
