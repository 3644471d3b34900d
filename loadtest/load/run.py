"""One run: make the posts, start what is asked for, offer them on schedule, watch, wait, report.

What a run needs to be judged is written before it begins (`run.json`) and as it goes (`samples.jsonl`, `sender.jsonl`),
so that one that is killed can still be reported.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from loadtest.load import flink, measure, pictures, posts, report, send, watch
from loadtest.load.plan import Plan
from loadtest.load.position import Position
from loadtest.load.watch import Watch
from loadtest.outside import Failed, Outside, wait_for
from schemas.errors import UsageError

LEAD_S = 1.0
"""From the sender's being ready, and the watch's first sample, to the first post."""


@dataclass(frozen=True)
class Options:
    """How a run goes about it, beside its plan."""

    up: bool = False
    """Start services and job, and cancel the job at the end."""
    topic: str = ""
    """Without `up`: the topic that a running job reads; of `dir` its folder."""
    name: str = ""
    drain: bool = True
    """Wait until all is stored (False: `wait_s` after the last post, for trials above what the job can do)."""
    wait_s: float = 0.0
    draw: bool = True


def new_name() -> str:
    """Of a run: topic, source and beginning of its ids."""
    return f"load-{time.time_ns() // 1_000_000:x}"


class Interrupted:
    """SIGTERM and SIGINT end the offering; the rest is reported. A second signal ends the command."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupted:
        self._before = {one: signal.signal(one, self._ask) for one in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def run(home: Outside, plan: Plan, output: Path, options: Options, say: Callable[[str], None]) -> dict[str, Any]:
    """Do it and return the report. Raises Failed, or UsageError where the folder holds a run already."""
    output.mkdir(parents=True, exist_ok=True)
    if (output / report.RUN).exists():
        raise UsageError(f"--output {output}: holds a run already; name another folder")
    if not options.up and not options.topic:
        raise UsageError("name what a running job reads with --topic (or --folder), or let --up start services and job")
    name = options.name or new_name()
    spool = output / "spool"
    with Interrupted() as interrupted, contextlib.ExitStack() as stack:
        stack.callback(spool.unlink, missing_ok=True)
        made = _spool(home, plan, name, spool)
        say(f"{made:,} posts made")
        place = stack.enter_context(_place(home, plan, name, output, options, say))
        position = Position(place.source, place.broker, {}, "" if place.broker else name)
        position.begins.update(position.ends() if place.broker else {})
        noted = _noted(plan, name, place, position)
        job = _job(plan, place, name, output, spool)
        seen = flink.Flink(place.rest, place.job) if place.job else None
        _offer(home, plan, output, options, job, noted, position, seen, interrupted, say)
    found = report.make(home, output)
    if options.draw:
        pictures.draw(found, watch.read(output / report.SAMPLES), output / report.PICTURE)
    return found


def _spool(home: Outside, plan: Plan, name: str, spool: Path) -> int:
    count = plan.schedule.posts
    source = posts.feed_source(plan.source, count, plan.seed, name)
    made = posts.spool(posts.read_feed(home, source), name, plan.key, spool, count)
    if made < count:
        raise UsageError(f"source {plan.source}: has {made:,} posts, the schedule needs {count:,}; shorten it")
    return made


@dataclass(frozen=True)
class _Place:
    """Where posts go in and who reads them."""

    source: str
    broker: str
    folder: str
    rest: str
    job: str


@contextlib.contextmanager
def _place(
    home: Outside, plan: Plan, name: str, output: Path, options: Options, say: Callable[[str], None]
) -> Iterator[_Place]:
    kafka = plan.way == "kafka"
    if options.up:
        home.run("up", "--flink", *(["--kafka"] if kafka else []), timeout_s=600)
    services = home.services()
    missing = [one for one in ("clickhouse", *(["kafka"] if kafka else [])) if one not in services]
    if missing:
        raise UsageError(f"--home {home.home}: {' and '.join(missing)} does not run; start it, or let --up do it")
    rest = str(services["flink-jobmanager"]["url"]) if "flink-jobmanager" in services else ""
    broker = home.kafka() if kafka else ""
    if not options.up:
        job = (flink.newest(rest) if rest else None) or ""
        folder = "" if kafka else options.topic
        # a folder without a name of its own is called by its path
        yield _Place(options.topic, broker, folder, rest, job)
        return
    folder = "" if kafka else str((output / "inbox").resolve())
    if kafka:
        _make_topic(broker, name, plan.partitions)
        source = f"kafka://{broker}/{name}"
    else:
        Path(folder).mkdir()
        source = f"dir://{folder}?name={name}"
    job = _submit(home, plan, source, rest)
    try:
        seen = flink.Flink(rest, job)
        took = wait_for(seen.running, f"all tasks of job {job} run", 300)
        say(f"job {job} runs after {took:.0f} s")
        yield _Place(name, broker, folder, rest, job)
    finally:
        home.run("cancel", job, check=False)


def _make_topic(broker: str, name: str, partitions: int) -> None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": broker})  # a name of its own: what it makes goes when it goes
    try:
        admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    except KafkaException as error:
        raise Failed(f"the topic {name} cannot be made at {broker}: {error.args[0].str()}") from None


def _submit(home: Outside, plan: Plan, source: str, rest: str) -> str:
    target = "flink://" + rest.removeprefix("http://")
    more = ["--parallelism", str(plan.parallelism)] if plan.parallelism else []
    for one in plan.settings:
        more += ["--set", one]
    done = home.run("submit", "opinion", "--source", source, "--target", target, *more, timeout_s=600)
    return done.stdout.split()[-1]


def _noted(plan: Plan, name: str, place: _Place, position: Position) -> dict[str, Any]:
    return {
        "name": name,
        "machine": report.machine(),
        "plan": plan.plain(),
        "segments": [astuple(segment) for segment in plan.schedule.segments],
        "source": place.source,
        "broker": place.broker,
        "begins": position.begins,
        "files": position.files,
        "job": place.job,
    }


def _job(plan: Plan, place: _Place, name: str, output: Path, spool: Path) -> send.Job:
    return send.Job(
        spool=str(spool),
        log=str(output / report.SENDER),
        way=plan.way,
        target=place.broker or place.folder,
        topic=place.source if place.broker else name,
        keyed=plan.key != "none",
        file_s=plan.file_s,
        segments=tuple((one.seconds, one.first, one.last) for one in plan.schedule.segments),
    )


def _offer(
    home: Outside,
    plan: Plan,
    output: Path,
    options: Options,
    job: send.Job,
    noted: dict[str, Any],
    position: Position,
    seen: flink.Flink | None,
    interrupted: Interrupted,
    say: Callable[[str], None],
) -> None:
    job.save(output / "sender.json")
    command = [sys.executable, "-m", "loadtest.load.send", str(output / "sender.json")]
    with (output / "sender.err").open("wb") as errors:
        sender = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    more = {sender.pid: "sender", os.getpid(): "load"}
    try:
        with Watch(home, output / report.SAMPLES, position=position, flink=seen, more=more) as watching:
            wait_for(lambda: watching.latest, "a first sample", 120)
            start_ms = _begin(sender, output, noted)
            until = start_ms / 1000 + plan.schedule.seconds
            while sender.poll() is None:
                if interrupted.asked:
                    sender.terminate()
                if time.time() > until + 300 + plan.late_s:
                    raise Failed("the sender is five minutes behind its schedule; its figures are in sender.jsonl")
                time.sleep(0.2)
            # a sender that was told to stop before it could listen has sent nothing
            if sender.returncode and not (interrupted.asked and sender.returncode == -signal.SIGTERM):
                raise Failed(f"the sender failed: {(output / 'sender.err').read_text()[-2000:]}")
            lines = watch.read(output / report.SENDER) if (output / report.SENDER).exists() else []
            sent = lines[-1]["sent"] if lines else 0
            say(f"{sent:,} posts sent")
            _settle(home, plan, options, position, watching, sent, interrupted)
    finally:
        if sender.poll() is None:
            sender.kill()
            sender.wait()


def _begin(sender: subprocess.Popen[bytes], output: Path, noted: dict[str, Any]) -> int:
    """Let the sender, once it is ready, begin; returns when, in epoch ms. The run is noted before."""
    assert sender.stdin is not None  # noqa: S101  (they are pipes)
    assert sender.stdout is not None  # noqa: S101
    ready = sender.stdout.readline()
    start_ms = round((time.time() + LEAD_S) * 1000)
    whole = json.dumps(noted | {"start_ms": start_ms}, ensure_ascii=False, indent=1)
    (output / report.RUN).write_text(whole, encoding="utf-8")
    if ready:  # else it has failed, and says so in sender.err
        sender.stdin.write(b"%d\n" % start_ms)
        sender.stdin.flush()
    return start_ms


def _settle(
    home: Outside,
    plan: Plan,
    options: Options,
    position: Position,
    watching: Watch,
    sent: int,
    interrupted: Interrupted,
) -> None:
    """Wait until everything is stored, or nothing new has been for `settle_s`, or `wait_s` has passed."""
    began = changed = time.monotonic()
    before = -1
    while True:
        seen = watching.latest.get("position", {"rows": 0, "dead": 0})
        count = seen["rows"] + seen["dead"]
        if count >= sent and measure.losses(home, position).missing(sent) <= 0:
            time.sleep(1.5)  # one more sample, which has the end in it
            return
        now = time.monotonic()
        if count != before:
            before, changed = count, now
        if now - changed > plan.settle_s or (not options.drain and now - began > options.wait_s):
            return
        time.sleep(0.5)
