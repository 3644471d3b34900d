"""The notifier against a real receiver and the real store: once each, again only when it rises, never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pyarrow as pa
import pytest

from pipelines.store.client import connect
from pipelines.store.notify import AlertFile, DeliveryFailed, Notifier, Webhook, run
from pipelines.store.sinks import StoreSink
from schemas.errors import StoreUnavailable, UsageError

NOW = 1_700_000_000_000


@dataclass
class Receiver:
    """An HTTP server that answers from a list of statuses (the last one for good) and keeps what it was sent."""

    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def keys(self, alert: str) -> list[str]:
        return [key for key, body in self.received if body["alert_id"] == alert]


@pytest.fixture
def receiver():
    state = Receiver()
    state.release.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.arrived.set()
            state.release.wait(30)
            state.received.append((self.headers["Idempotency-Key"], body))
            status = state.statuses.pop(0) if len(state.statuses) > 1 else state.statuses[0]
            try:
                self.send_response(status)
                self.end_headers()
            except OSError:  # the caller was killed while it waited
                pass

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    state.release.set()
    server.shutdown()
    server.server_close()


class Hits(StoreSink):
    table = "alert_hits"


@pytest.fixture
def hit(clickhouse):
    """Write one row of ``alert_hits``: ``hit("alert", priority=2)``."""
    sink = Hits(clickhouse)
    sink.open()
    with connect(clickhouse) as client:  # what other tests left to deliver
        client.command("TRUNCATE TABLE alert_hits")

    def write(alert, post="1", notify=1, priority=2, **columns):
        values = {
            "alert_id": alert, "platform": "notify", "post_id": post, "version": notify << 63 | 1, "lane": "rules",
            "rule": "flood-help", "priority": priority, "fold": "place", "place": "某县某村", "adcode": "410999",
            "needs": ["rescue"], "caller_token": "caller", "reasons": ["被困 (灾情求助)"], "notify": notify,
        } | columns  # fmt: skip
        at = pa.array([NOW], pa.timestamp("ms", "UTC"))
        version = pa.array([values.pop("version")], pa.uint64())
        sink.insert({name: [value] for name, value in values.items()} | {"at": at, "version": version})

    yield write
    sink.close()


@pytest.fixture
def notifier_user(clickhouse_server):
    return clickhouse_server.settings("notifier")


@pytest.fixture
def client(notifier_user):
    with connect(notifier_user) as opened:
        yield opened


def deliveries(rows, alert):
    sql = f"SELECT attempt, priority, status FROM alert_deliveries WHERE alert_id = '{alert}'"
    return rows(f"{sql} ORDER BY attempt, at, status")


@pytest.mark.services
def test_what_is_sent(client, receiver, hit):
    hit("sent", post="7")
    hit("sent", post="8", caller_token="another")
    assert Notifier(client, Webhook(receiver.url)).round() == 1
    assert receiver.received == [
        (
            "sent-2",
            {
                "event": "alert",
                "idempotency_key": "sent-2",
                "alert_id": "sent",
                "rule": "flood-help",
                "priority": 2,
                "place": "某县某村",
                "needs": ["rescue"],
                "first_at": NOW,
                "last_at": NOW,
                "posts": 2,
                "callers": 2,
                "state": "open",
                "reasons": ["被困 (灾情求助)"],
                "post_ids": [{"platform": "notify", "post_id": "7"}, {"platform": "notify", "post_id": "8"}],
            },
        )
    ]


# name, hits written before each round as (post, priority, notify), keys that the receiver got in the end
ROUNDS = [
    ("told once", [[("1", 2, 1)], [], []], ["2"]),
    ("a repeat is not told", [[("1", 2, 1)], [("2", 2, 1)], [("3", 3, 1)]], ["2"]),
    ("a rise is told", [[("1", 2, 1)], [("2", 1, 1)], [("3", 1, 1)]], ["2", "1"]),
    ("the most urgent first", [[("1", 2, 1), ("2", 1, 1)], []], ["1"]),
    ("a replay is not told", [[("1", 1, 0)], []], []),
    ("a replayed rise is not told", [[("1", 2, 1)], [("2", 1, 0)]], ["2"]),
    ("a replay does not take back what is due", [[("1", 2, 1), ("1", 2, 0)]], ["2"]),
]


@pytest.mark.services
@pytest.mark.parametrize(("name", "rounds", "keys"), ROUNDS)
def test_rounds(client, receiver, hit, name, rounds, keys):
    alert = name.replace(" ", "-")
    notifier = Notifier(client, Webhook(receiver.url))
    for hits in rounds:
        for post, priority, notify in hits:
            hit(alert, post=post, priority=priority, notify=notify)
        notifier.round()
        assert Notifier(client, Webhook(receiver.url)).round() == 0  # one that knows nothing sends nothing either
    assert receiver.keys(alert) == [f"{alert}-{key}" for key in keys]


@pytest.mark.services
def test_failures_back_off_and_are_not_lost(client, receiver, hit, rows):
    hit("failing")
    receiver.statuses = [500, 404, 302, 204]
    now = [NOW]
    notifier = Notifier(client, Webhook(receiver.url), clock=lambda: now[0])
    sent_after: list[int] = []
    for second in range(10):
        before = len(receiver.received)
        now[0] = NOW + second * 1_000
        notifier.round()
        sent_after += [second] * (len(receiver.received) - before)
    assert sent_after == [0, 1, 3, 7]
    assert receiver.keys("failing") == ["failing-2"] * 4
    expected = [(n, 2, status) for n in (1, 2, 3) for status in ("intent", "failed")]
    assert deliveries(rows, "failing") == [*expected, (4, 2, "intent"), (4, 2, "done")]


@pytest.mark.services
def test_one_that_fails_holds_up_no_other(client, receiver, hit):
    for n in range(3):
        hit(f"several-{n}", priority=1 + n)
    receiver.statuses = [503, 200]
    notifier = Notifier(client, Webhook(receiver.url), clock=lambda: NOW)
    assert notifier.round() == 2
    assert [body["alert_id"] for _, body in receiver.received] == ["several-0", "several-1", "several-2"]


@pytest.mark.services
def test_a_receiver_that_does_not_answer(client, hit, rows):
    hit("nobody")
    notifier = Notifier(client, Webhook("http://127.0.0.1:1/"), clock=lambda: NOW)
    assert notifier.round() == 0
    assert rows("SELECT detail FROM alert_deliveries WHERE alert_id = 'nobody' AND status = 'failed'") == [
        ("ConnectError",)
    ]


def home_of(tmp_path, server):
    home = tmp_path / "home"
    keys = home / "keys"
    keys.mkdir(parents=True, mode=0o700)
    (keys / "clickhouse.json").write_text(json.dumps(dict(server.passwords)))
    (keys / "clickhouse.json").chmod(0o600)
    url = server.settings().url
    (home / "services.json").write_text(json.dumps({"services": {"clickhouse": {"url": url}}}))
    return home


def start(home, *options):
    command = [sys.executable, "-m", "pipelines.store.notify", "--home", str(home), "--poll", "0.1", *options]
    with (home / "notify.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def wait_for(what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.services
@pytest.mark.faults
def test_killed_between_intent_and_answer(clickhouse_server, receiver, hit, rows, tmp_path):
    home = home_of(tmp_path, clickhouse_server)
    hit("killed")
    receiver.release.clear()
    first = start(home, "--webhook", receiver.url)
    try:
        assert receiver.arrived.wait(60)
        assert deliveries(rows, "killed") == [(1, 2, "intent")]
        os.kill(first.pid, signal.SIGKILL)
    finally:
        first.kill()
        first.wait()
    receiver.release.set()
    second = start(home, "--webhook", receiver.url)
    try:
        wait_for(lambda: (2, 2, "done") in deliveries(rows, "killed"))
        assert start(home).wait(60) == 2, "one notifier serves a home"
        os.kill(second.pid, signal.SIGTERM)
        assert second.wait(30) == 0
    finally:
        second.kill()
        second.wait()
    assert set(receiver.keys("killed")) == {"killed-2"}  # twice, under one key
    log = (home / "notify.log").read_text()
    assert "another notifier serves" in log
    assert "某村" not in log


@pytest.mark.services
def test_without_a_webhook_alerts_go_to_a_file(client, hit, tmp_path):
    hit("filed")
    path = tmp_path / "alerts.jsonl"
    assert Notifier(client, AlertFile(path)).round() == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["alert_id"] for line in lines] == ["filed"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.services
def test_a_store_that_is_away_is_waited_for(notifier_user, receiver, hit):
    hit("patient")
    stop = threading.Event()
    calls = []

    def connection():
        calls.append(1)
        if len(calls) < 3:
            raise StoreUnavailable("away")
        return connect(notifier_user)

    thread = threading.Thread(target=run, args=(connection, Webhook(receiver.url), stop, 0.01))
    thread.start()
    wait_for(lambda: receiver.keys("patient"))
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(calls) == 3


@pytest.mark.services
def test_a_test_message_is_marked_and_recorded_nowhere(client, receiver, rows):
    before = rows("SELECT count() FROM alert_deliveries")
    assert Notifier(client, Webhook(receiver.url), clock=lambda: NOW).test() == "HTTP 200"
    assert [(key, body["event"]) for key, body in receiver.received] == [(f"test-{NOW}", "test")]
    assert rows("SELECT count() FROM alert_deliveries") == before


def test_redirects_are_not_followed():
    followed = []

    def answer(request: httpx.Request) -> httpx.Response:
        followed.append(request.url.path)
        return httpx.Response(302, headers={"Location": "/elsewhere"})

    channel = Webhook("http://127.0.0.1:9/alerts", transport=httpx.MockTransport(answer))
    with pytest.raises(DeliveryFailed, match="HTTP 302"):
        Notifier(None, channel, clock=lambda: NOW).test()
    assert followed == ["/alerts"]


@pytest.mark.parametrize("url", ["", "ftp://host/", "host:80"])
def test_a_webhook_that_is_no_address(url):
    with pytest.raises(UsageError, match=r"alerts\.webhook"):
        Webhook(url)


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(DeliveryFailed, match="Is a directory"):
        Notifier(None, AlertFile(tmp_path), clock=lambda: NOW).test()
