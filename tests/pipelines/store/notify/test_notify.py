"""The notifier against a real receiver and the real store: once each, again only when it rises, never lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from pipelines.store.client import connect
from pipelines.store.notify.channels import AlertFile, DeliveryFailed, Route, Webhook
from pipelines.store.notify.notifier import Notifier, send_test
from pipelines.store.notify.service import main, run
from schemas.errors import StoreUnavailable, UsageError

NOW = 1_700_000_000_000


def deliveries(rows, alert):
    sql = f"SELECT attempt, priority, status FROM alert_deliveries WHERE alert_id = '{alert}'"
    return rows(f"{sql} ORDER BY attempt, at, status")


@pytest.mark.services
def test_what_is_sent(client, receiver, hit):
    hit("sent", post="7")
    hit("sent", post="8", caller_token="another")
    assert Notifier(client, Route(Webhook(receiver.url))).round() == 1
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
    notifier = Notifier(client, Route(Webhook(receiver.url)))
    for hits in rounds:
        for post, priority, notify in hits:
            hit(alert, post=post, priority=priority, notify=notify)
        notifier.round()
        assert (
            Notifier(client, Route(Webhook(receiver.url))).round() == 0
        )  # one that knows nothing sends nothing either
    assert receiver.keys(alert) == [f"{alert}-{key}" for key in keys]


@pytest.mark.services
def test_failures_back_off_and_are_not_lost(client, receiver, hit, rows):
    hit("failing")
    receiver.statuses = [500, 404, 302, 204]
    now = [NOW]
    notifier = Notifier(client, Route(Webhook(receiver.url)), clock=lambda: now[0])
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
    notifier = Notifier(client, Route(Webhook(receiver.url)), clock=lambda: NOW)
    assert notifier.round() == 2
    assert [body["alert_id"] for _, body in receiver.received] == ["several-0", "several-1", "several-2"]


@pytest.mark.services
def test_a_receiver_that_does_not_answer(client, hit, rows):
    hit("nobody")
    notifier = Notifier(client, Route(Webhook("http://127.0.0.1:1/")), clock=lambda: NOW)
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
def test_killed_between_intent_and_answer(clickhouse_server, receiver, hit, rows, tmp_path, capsys):
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
        assert main(["--home", str(home)]) == 2, "one notifier serves a home"
        os.kill(second.pid, signal.SIGTERM)
        assert second.wait(30) == 0
    finally:
        second.kill()
        second.wait()
    assert set(receiver.keys("killed")) == {"killed-2"}  # twice, under one key
    log = (home / "notify.log").read_text()
    assert "another notifier serves" in capsys.readouterr().err
    assert "某村" not in log


@pytest.mark.services
def test_without_a_webhook_alerts_go_to_a_file(client, hit, tmp_path):
    hit("filed")
    path = tmp_path / "alerts.jsonl"
    assert Notifier(client, Route(AlertFile(path))).round() == 1
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

    thread = threading.Thread(target=run, args=(connection, [Route(Webhook(receiver.url))], stop, 0.01))
    thread.start()
    wait_for(lambda: receiver.keys("patient"))
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(calls) == 4  # of the one that looks, the third, and of the thread of the channel


@pytest.mark.services
def test_a_test_message_is_marked(receiver):
    assert send_test(Webhook(receiver.url), lambda: NOW) == "HTTP 200"
    assert [(key, body["event"]) for key, body in receiver.received] == [(f"test-{NOW}", "test")]


def test_redirects_are_not_followed():
    followed = []

    def answer(request: httpx.Request) -> httpx.Response:
        followed.append(request.url.path)
        return httpx.Response(302, headers={"Location": "/elsewhere"})

    channel = Webhook("http://127.0.0.1:9/alerts", transport=httpx.MockTransport(answer))
    with pytest.raises(DeliveryFailed, match="HTTP 302"):
        send_test(channel, lambda: NOW)
    assert followed == ["/alerts"]


@pytest.mark.parametrize("url", ["", "ftp://host/", "host:80"])
def test_a_webhook_that_is_no_address(url):
    with pytest.raises(UsageError, match=r"alerts\.webhook"):
        Webhook(url)


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(DeliveryFailed, match="Is a directory"):
        send_test(AlertFile(tmp_path), lambda: NOW)
