"""Posts, plan and sender: what goes out, when, and what is said of it. The clock is made by hand."""

from __future__ import annotations

import io
import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from loadtest.load import jvm, plan, posts
from loadtest.load.schedule import Burst
from loadtest.load.send import Files, Job, Sender
from schemas.errors import UsageError


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        (b'{"id":"a","text":"x","created_at":5}', "none", b'{"created_at":1700,"id":"r-a","text":"x"}'),
        (
            b'{"id":"a","text":"x","repost_of":"b"}',
            "none",
            b'{"created_at":1700,"id":"r-a","text":"x","repost_of":"r-b"}',
        ),
        (b'{"id":"a","text":"x","updated_at":"2020"}', "none", b'{"created_at":1700,"id":"r-a","text":"x"}'),
        # what is no post stays one: a dead letter must come out as one
        (b'{"text":"x"}', "none", b'{"created_at":1700,"text":"x"}'),
        (b'{"id":"","text":"x"}', "none", b'{"created_at":1700,"id":"","text":"x"}'),
        (b'{"id":7,"text":"x"}', "none", b'{"created_at":1700,"id":7,"text":"x"}'),
        (b"{}", "none", b'{"created_at":1700}'),
        (b'["a"]', "none", b'["a"]'),
        (b'{"id":"a', "none", b'{"id":"a'),
        (b'{"id":"\xc4\xe3"}', "none", b'{"id":"\xc4\xe3"}'),
        (b'{"id":"a","text":"x"}', "one", b'one\t{"created_at":1700,"id":"r-a","text":"x"}'),
        (b'{"id":"a","author":"a\\tb"}', "author", b'a b\t{"created_at":1700,"id":"r-a","author":"a\\tb"}'),
        (b'{"id":"a"}', "author", b'\t{"created_at":1700,"id":"r-a"}'),
        (b"{", "author", b"\t{"),
    ],
)
def test_lines(line: bytes, key: str, expected: bytes) -> None:
    made = posts.spooled(line, "r", key)
    before, tab, rest = made.rpartition(b"\t") if key != "none" else (b"", b"", made)
    assert before + tab + posts.message(rest, 1700) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("generate:?", "generate:?posts=5&seed=3"),
        ("generate:", "generate:?posts=5&seed=3"),
        ("generate:?seed=9&bad=.1", "generate:?seed=9&bad=.1&posts=5"),
        ("file:///a.jsonl", "file:///a.jsonl"),
    ],
)
def test_the_feed_is_as_long_as_the_schedule(source: str, expected: str) -> None:
    assert posts.feed_source(source, 5, 3, "run") == expected


def test_two_runs_have_other_posts() -> None:
    assert posts.feed_source("generate:?", 5, 0, "a") != posts.feed_source("generate:?", 5, 0, "b")
    with pytest.raises(UsageError, match="posts="):
        posts.feed_source("generate:?posts=7", 5, 0, "a")


PLAN = """
schedule:
  - {ramp: [10, 100], seconds: 30}
bursts: [10x6@12, {times: 2, seconds: 1, at: 0}]
way: dir
settings: [overload.lag_s=0]
"""


def test_a_plan_and_options_over_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    found = plan.read(file, {"warm_up_s": 5.0, "way": None})
    assert (found.way, found.settings, found.warm_up_s) == ("dir", ("overload.lag_s=0",), 5.0)
    assert found.bursts == (Burst(10, 6, 12), Burst(2, 1, 0))
    assert found.schedule.seconds == 35
    assert json.loads(json.dumps(found.plain()))["posts"] == found.schedule.posts
    again = plan.read(file, {"rate": 100, "seconds": 60, "way": "kafka", "bursts": []})
    assert (again.way, again.schedule.posts) == ("kafka", 6000)
    assert plan.constant(found, 50, 10).schedule.posts == 5 * 50 + 500  # the warm-up is at the new rate


@pytest.mark.parametrize(
    ("text", "options", "named"),
    [
        ("- 1", {}, "keys and values"),
        ("a: [", {}, "not YAML"),
        ("speed: 4", {}, "unknown key 'speed'"),
        ("way: pigeon\nschedule: [{constant: 1, seconds: 1}]", {}, "pigeon"),
        ("key: colour\nschedule: [{constant: 1, seconds: 1}]", {}, "colour"),
        ("way: dir", {}, "no schedule"),
        ("way: dir", {"rate": 5}, "belong together"),
        ("bursts: [{times: 2}]\nschedule: [{constant: 1, seconds: 1}]", {}, "seconds"),
        ("late_s: -1\nschedule: [{constant: 1, seconds: 1}]", {}, "late_s"),
    ],
)
def test_wrong_plans_name_themselves(tmp_path: Path, text: str, options: dict[str, Any], named: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=named):
        plan.read(file, options)


class Clock:
    """Time passes when the sender sleeps, and where the test says so."""

    def __init__(self, stops: dict[int, float] | None = None) -> None:
        self.now = 1000.0
        self.stops = stops or {}
        self.sent: list[tuple[float, bytes, bytes | None, int]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    # -- the way out
    def send(self, value: bytes, key: bytes | None, due_ms: int) -> None:
        self.sent.append((round(self.now - 1000, 3), value, key, due_ms))
        self.now += self.stops.get(len(self.sent), 0.0)

    def begin(self, start_ms: int) -> None:
        pass

    def due(self, seconds: float) -> float:
        return seconds

    def tick(self, seconds: float) -> None:
        pass

    def finish(self) -> None:
        pass

    def counts(self) -> dict[str, int]:
        return {"acknowledged": len(self.sent), "failed": 0}


def job(tmp_path: Path, **changes: Any) -> Job:
    values: dict[str, Any] = {
        "spool": "",
        "log": "",
        "way": "kafka",
        "target": str(tmp_path),
        "topic": "t",
        "keyed": False,
        "file_s": 0.5,
        "start_ms": 1_000_000,
        "segments": ((5.0, 10.0, 10.0),),
    }
    return Job(**values | changes)


def sent(made: Job, clock: Clock, lines: int = 50, out: Any = None) -> list[dict[str, Any]]:
    log = io.StringIO()
    spool = io.BytesIO(b"".join(b',"id":"%d"}\n' % number for number in range(lines)))
    Sender(made, out or clock, clock, clock.sleep).run(spool, log)
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_posts_go_when_they_are_due(tmp_path: Path) -> None:
    clock = Clock()
    *_, last = sent(job(tmp_path), clock)
    assert [at for at, *_ in clock.sent] == pytest.approx([k / 10 for k in range(50)], abs=0.003)
    assert [due for *_, due in clock.sent] == [1_000_000 + 100 * k for k in range(50)]
    assert clock.sent[3][1] == b'{"created_at":1000300,"id":"3"}'
    assert (last["sent"], last["ended"], last["stopped"], last["error"]) == (50, True, False, "")
    assert last["late_s"]["max"] < 0.003


def test_a_stopped_sender_sends_what_is_due_and_says_how_late(tmp_path: Path) -> None:
    """A stop of 2 s after the 11th post: what it wrote into the posts is when they were due, not when they went."""
    clock = Clock({11: 2.0})
    lines = sent(job(tmp_path), clock)
    assert [due for *_, due in clock.sent] == [1_000_000 + 100 * k for k in range(50)]
    late = [at - due / 1000 + 1000 for at, _, _, due in clock.sent]
    assert max(late) == pytest.approx(1.9, abs=0.01)
    assert sum(value > 0.01 for value in late) == 19
    assert lines[-1]["late_s"]["max"] == pytest.approx(1.9, abs=0.01)
    assert lines[-1]["late_s"]["p99"] == pytest.approx(1.9, rel=0.06)
    assert lines[-1]["late_s"]["p50"] < 0.01


def test_a_spool_that_ends_early_ends_the_run(tmp_path: Path) -> None:
    *_, last = sent(job(tmp_path), Clock(), lines=7)
    assert last["sent"] == 7


def test_files_are_renamed_in_when_they_are_whole(tmp_path: Path) -> None:
    clock = Clock()
    made = job(tmp_path, way="dir")
    seen: list[set[str]] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        seen.append(set(os.listdir(tmp_path)))

    log = io.StringIO()
    spool = io.BytesIO(b"".join(b',"id":"%d"}\n' % number for number in range(50)))
    Sender(made, Files(made), clock, sleep).run(spool, log)
    files = sorted(tmp_path.iterdir())
    assert [len(file.read_bytes().splitlines()) for file in files] == [5] * 10
    assert b"".join(file.read_bytes() for file in files).count(b"created_at") == 50
    assert not any(name.endswith(".part") for names in seen for name in names)
    last = json.loads(log.getvalue().splitlines()[-1])
    assert (last["sent"], last["acknowledged"]) == (50, 50)
    # a post that is renamed in with its file, half a second after it was due, is not late
    assert last["late_s"]["max"] < 0.06


def test_counters_of_a_jvm() -> None:
    """A file as HotSpot lays it out, with two collectors."""
    values = {
        "sun.os.hrt.frequency": 1_000_000,
        "sun.gc.collector.0.time": 2_500_000,
        "sun.gc.collector.0.invocations": 7,
        "sun.gc.collector.1.time": 500_000,
        "sun.gc.collector.1.invocations": 1,
        "sun.gc.generation.0.space.0.used": 100,
        "sun.gc.generation.1.space.0.used": 50,
    }
    body = b""
    for name, value in values.items():
        text = name.encode() + b"\0"
        text += b"\0" * (-(20 + len(text)) % 8)
        text += b"\0" * ((20 + len(text)) % 8)
        data_at = 20 + len(text)
        body += (
            struct.pack("<iiibbbbi", data_at + 8, 20, 0, ord("J"), 0, 0, 0, data_at) + text + struct.pack("<q", value)
        )
    head = b"\xca\xfe\xc0\xc0\x01\x02\x00\x01" + struct.pack("<iiqii", 0, 0, 0, 32, len(values))
    assert jvm.counters(head + body) == values
    assert jvm.collections(values) == {"seconds": 3.0, "count": 8, "used": 150}
    with pytest.raises(ValueError, match="HotSpot"):
        jvm.counters(b"\0" * 64)
