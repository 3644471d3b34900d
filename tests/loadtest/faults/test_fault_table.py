"""The table of faults, the posts, the wire and the comparison of waves: what can be known without a home."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from loadtest.faults import checks, clock, feed, report
from loadtest.faults.feed import Offer
from loadtest.faults.network import Wires
from loadtest.faults.posts import Wave
from loadtest.faults.run import SHORT, Campaign
from loadtest.faults.stage import Stage
from loadtest.faults.strikes import flipped
from loadtest.faults.table import Fault, choose, load
from loadtest.outside import Failed
from schemas.errors import UsageError

FAULT = Fault("a", "kill", "folder", "it goes on")
ROW = "- {name: a, strike: kill, scene: folder, expected: it goes on"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW + ", second: 3}", "there is no field 'second'"),
        ("- {name: a, strike: kill, scene: folder}", "expected is missing"),
        (ROW.replace("kill", "hug") + "}", "there is no strike 'hug'"),
        (ROW.replace("folder", "moon") + "}", "there is no scene 'moon'"),
        (ROW + ", needs: [luck]}", "nothing is known of the need 'luck'"),
        (f"{ROW}}}\n{ROW}}}", "'a' stands there twice"),
    ],
)
def test_what_is_no_row_is_told(tmp_path, row, said):
    (tmp_path / "t.yaml").write_text(row)
    with pytest.raises(UsageError, match=said):
        load(tmp_path / "t.yaml")


def test_the_shipped_table_has_every_kind_of_fault_that_was_asked_for():
    rows = load()
    struck = {(row.strike, row.target) for row in rows}
    processes = ("python worker", "clickhouse", "notifier", "watch", "command", "taskmanager", "kafka", "jobmanager")
    assert not {("kill", one) for one in processes} - struck
    assert not {("pause", one) for one in processes if one != "command"} - struck
    kinds = {"full_disk", "partition", "wire", "table_setting", "descriptors", "restart"}
    assert not (kinds | {"poisoned_model", "corrupt_checkpoint", "upgrade"}) - {row.strike for row in rows}
    assert 4 <= len(choose(rows, (), short=True)) < 10
    with pytest.raises(UsageError, match="no such fault"):
        choose(rows, ["an earthquake"], short=False)


def test_a_wave_is_known_to_the_last_line():
    first, second = Wave("w1", 600, 1_000), Wave("w2", 600, 1_000)
    lines = list(first.lines())
    assert len(lines) == 600
    assert lines[450:500] == list(first.lines(450, 50))
    posts = {}
    for index, line in enumerate(lines):
        try:
            posts[index] = json.loads(line)
        except json.JSONDecodeError:
            assert first.is_bad(index)
    assert posts.keys() == first.good
    assert len(first.bad) == 600 - len(first.good) == 4
    assert not first.bad & second.bad, "a dead letter of one wave must not pass for that of another"
    assert [post["text"] for post in posts.values()] == [
        json.loads(second.line(index))["text"] for index in sorted(second.good)
    ]
    found = [checks.IDENTIFIER.findall(line.decode()) for line in lines]
    assert all(found), "every line has an identifier to mask"
    assert {word for words in found for word in words} <= first.planted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"stored": {0: 1, 1: 9}}, ["1 posts have other masked text, places or rules than undisturbed, post 1 first"]),
        ({"sealed": {0: 2}}, ["1 posts have other identifiers in the vault than undisturbed, post 1 first"]),
        ({"labels": {0: 1, 1: 9}}, ["1 posts have other labels than undisturbed, post 1 first"]),
        ({"hits": frozenset({("x", 0, "rules", "r", 1)})}, ["1 hits of alerts lost, of alert y first"]),
        (
            {"hits": frozenset({("x", 0, "rules", "r", 1), ("y", 1, "needs", "r", 1), ("z", 1, "rules", "r", 1)})},
            ["1 hits of alerts that an undisturbed run has not, of alert z first"],
        ),
    ],
)
def test_a_difference_from_the_undisturbed_wave_is_found(change, said):
    before = checks.Seen(
        {0: 1, 1: 2}, {0: 1, 1: 2}, {0: 2, 1: 2}, frozenset({("x", 0, "rules", "r", 1), ("y", 1, "needs", "r", 1)})
    )
    assert checks.same(replace(before, **change), before) == said
    if set(change) == {"labels"}:
        assert checks.same(replace(before, **change), before, new_model=True) == []


def test_what_is_decided_and_not_yet_an_entry_counts(tmp_path):
    (tmp_path / "audit").mkdir()
    entries = '{"action": "model.batch", "detail": {"posts": 3}}\n{"action": "job.start", "detail": {}}\n{"half'
    (tmp_path / "audit" / "opinion-0.jsonl").write_text(entries)
    (tmp_path / "audit" / "opinion-0.draft").write_text('{"detail": {"posts": 2}}   ')
    (tmp_path / "audit" / "opinion-1.draft").touch()
    assert checks.decided(tmp_path) == 5


def test_the_report_is_read_back_and_drawn(tmp_path):
    outcomes = [
        report.Outcome(replace(FAULT, needs=("root",)), first_row_s=1.25, caught_up_s=4),
        report.Outcome(replace(FAULT, name="b"), "failed", ["3 rows | of 4"], lasted_s=4),
    ]
    again = report.read(report.write(outcomes, tmp_path, {"at": "now"}))
    drawn = report.markdown(again)
    assert drawn == report.markdown(outcomes)
    assert "| a | folder | 10 s | it goes on | held | 1.2 | 4.0 |" in drawn
    assert "| b | folder | 4 s | it goes on | **failed**: 3 rows / of 4 |" in drawn


def test_one_bit_is_flipped():
    assert flipped(b"abcde") == b"abbde"


def test_a_job_is_not_given_what_the_job_before_had(tmp_path):
    stage = Stage(tmp_path / "home", tmp_path, scene="folder")
    sources = []
    for _ in range(2):
        stage._feed()
        sources.append(stage.source())
        assert stage.inbox.is_dir()
        assert not any(stage.inbox.iterdir())
    assert len(set(sources)) == 2


@pytest.mark.parametrize(("error", "said"), [(Failed("no rows"), "no rows"), (OSError("gone"), "OSError: gone")])
def test_a_row_that_breaks_the_driver_fails_and_the_next_one_runs(tmp_path, error, said):
    def broken(_):
        raise error

    campaign = Campaign(tmp_path, SHORT, say=lambda _: None)
    campaign._stage_for = broken
    outcomes = campaign.strike([FAULT, FAULT])
    assert [(one.state, one.wrong) for one in outcomes] == [("failed", [said])] * 2


@pytest.mark.skipif(not clock.COMPILER, reason="needs a C compiler, as the rows of the clock do")
def test_a_clock_moves_under_a_running_process(tmp_path):
    look = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True); time.sleep(0.001)"
    environment = os.environ | clock.environment(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", look], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:

        def ahead():
            running.stdin.write("\n")
            running.stdin.flush()
            told, monotonic = map(float, running.stdout.readline().split())
            assert abs(monotonic - time.monotonic()) < 5, "no clock that only goes forward is moved"
            return round(told - time.time())

        seen = [ahead()]
        for by_s in (3600, -3600, -60):
            clock.move(tmp_path, by_s)
            seen.append(ahead())
    assert seen == pytest.approx([0, 3600, 0, -60], abs=3)


@pytest.fixture
def wired():
    """A server that answers everything with 100 bytes, one connection at a time, and how to talk to it on the wire."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, contextlib.suppress(ConnectionError):
                while peer.recv(100):
                    peer.sendall(b"x" * 100)

    threading.Thread(target=serve, daemon=True).start()
    wires = Wires()
    host, _, port = wires.add("127.0.0.1:0", f"127.0.0.1:{server.getsockname()[1]}").rpartition(":")

    def ask(reset=False):
        with socket.create_connection((host, int(port)), timeout=20) as talk:
            talk.settimeout(0.5)
            if reset:
                talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                talk.sendall(b"?")
                return len(talk.recv(1000))
            except TimeoutError:
                return "silence"
            except ConnectionError:
                return "reset"

    yield wires, ask
    wires.close()
    server.close()


def test_who_leaves_without_a_goodbye_is_gone_on_the_other_side_too(wired):
    _, ask = wired
    assert [ask(reset=True), ask()] == [100, 100]


def test_the_wire_does_as_it_is_told(wired):
    wires, ask = wired
    assert ask() == 100
    for order, answer in (("hold", "silence"), ("cut", "reset"), ("half", 50), ("delay 1", "silence"), ("pass", 100)):
        wires.tell(order)
        until = [ask() for _ in range(5)]  # the order is on its way
        assert answer in until, order
        assert until[-1] == answer or until[-1] == 0, (order, until)


def test_an_offer_knows_what_must_be_stored(monkeypatch):
    monkeypatch.setattr(feed, "IN_TIME_S", 0.3)
    wave, given = Wave("w001", 300, 0), []
    with Offer(
        wave, lambda name, first, lines: given.extend(lines), rate=600, patience_s=30, finish=lambda: None
    ) as offer:
        assert offer.due() == 0, "nothing was offered long enough ago"
    assert given == list(wave.lines())
    time.sleep(0.4)
    assert offer.due() == len(wave.good)


def test_an_offer_that_fails_is_told(monkeypatch):
    def full(*_):
        raise OSError("no room")

    with pytest.raises(Failed, match="no room"), Offer(Wave("w001", 10, 0), full, 100, 30, lambda: None):
        pass


def test_an_offer_stops_when_its_row_breaks():
    given = []
    offer = Offer(Wave("w001", 10_000, 0), lambda name, first, lines: given.append(first), 100, 30, lambda: None)
    with pytest.raises(KeyError), offer:
        raise KeyError
    assert not offer.is_alive()
    assert len(given) < 5
