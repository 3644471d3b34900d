"""The sender: hands the posts of a spool on when they are due, in a process of its own, and says how late it was.

`python -m loadtest.load.send JOB.json`, where the run wrote what is in `Job`. It says `ready` on stdout once it could
send, and reads from stdin when to begin: a start-up on a busy machine must not make the first posts late.

Open loop: it never waits for an answer; when it is late it sends at once what is due and goes on. Each second it writes
a line of figures to `log`; SIGTERM makes it stop after what it has sent, and SIGKILL loses a second's figures at most.
The last line has `ended`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from loadtest.load.posts import message
from loadtest.load.schedule import Schedule, Segment

TICK_S = 0.002
"""Posts that are due within this are sent together, so that a wake-up costs little at high rates; what it makes a
post late is counted like any lateness."""


@dataclass(frozen=True)
class Job:
    """What a sender does. Paths as strings: it goes through JSON."""

    spool: str
    log: str
    way: str
    target: str
    """host:port of the broker, or the folder."""
    topic: str
    """Also the beginning of the files' names."""
    keyed: bool
    file_s: float
    segments: tuple[tuple[float, float, float], ...]
    start_ms: int = 0
    """Epoch ms at which the schedule begins."""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Job:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["segments"] = tuple(tuple(one) for one in values["segments"])
        return cls(**values)

    @property
    def schedule(self) -> Schedule:
        return Schedule(tuple(Segment(*one) for one in self.segments))


class Out(Protocol):
    """Where posts go."""

    def begin(self, start_ms: int) -> None:
        """When the schedule begins, epoch ms."""

    def send(self, value: bytes, key: bytes | None, due_ms: int) -> None:
        """Take a post; it need not be on its way yet."""

    def due(self, seconds: float) -> float:
        """When, in seconds of the schedule, a post that was due at `seconds` is to be on its way."""

    def tick(self, seconds: float) -> None:
        """Now is second `seconds` of the schedule."""

    def finish(self) -> None:
        """Return when all is handed over, or raise RuntimeError."""

    def counts(self) -> dict[str, int]:
        """acknowledged, failed."""


class Records:
    """Kafka records. Idempotent, acks=all: a broker's restart neither loses nor doubles one (KIP-98)."""

    def __init__(self, job: Job) -> None:
        from confluent_kafka import Producer

        self._producer = Producer(
            {
                "bootstrap.servers": job.target,
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 2_000_000,
                "queue.buffering.max.kbytes": 1_048_576,
                # a broker that is away for a while costs latency, not posts
                "message.timeout.ms": 300_000,
            }
        )
        self._topic = job.topic
        self._counts = {"acknowledged": 0, "failed": 0}
        self._producer.list_topics(job.topic, timeout=60)  # connections and metadata before the first post is due

    def begin(self, start_ms: int) -> None:
        pass

    def _delivered(self, error: Any, record: Any) -> None:
        self._counts["failed" if error else "acknowledged"] += 1

    def send(self, value: bytes, key: bytes | None, due_ms: int) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, key, timestamp=due_ms, on_delivery=self._delivered)
            except BufferError:  # the queue is full: the wait makes the posts behind it late, and shows there
                self._producer.poll(0.1)
            else:
                return

    def due(self, seconds: float) -> float:
        return seconds

    def tick(self, seconds: float) -> None:
        self._producer.poll(0)

    def finish(self) -> None:
        left = self._producer.flush(300)
        if left or self._counts["failed"]:
            raise RuntimeError(f"{left} records left over, {self._counts['failed']} refused by the broker")

    def counts(self) -> dict[str, int]:
        return dict(self._counts)


class Files:
    """Files of `file_s` seconds of posts, written under a name that nobody looks at and renamed in."""

    def __init__(self, job: Job) -> None:
        self._folder, self._name, self._every = Path(job.target), job.topic, job.file_s
        self._start_ms = job.start_ms
        self._number, self._held, self._posts, self._sent = 0, bytearray(), 0, 0

    def begin(self, start_ms: int) -> None:
        self._start_ms = start_ms

    def send(self, value: bytes, key: bytes | None, due_ms: int) -> None:
        number = int((due_ms - self._start_ms) / 1000 // self._every)
        if self._held and number != self._number:
            self._write()
        self._number = number
        self._held += value + b"\n"
        self._posts += 1

    def due(self, seconds: float) -> float:
        return (seconds // self._every + 1) * self._every

    def tick(self, seconds: float) -> None:
        if self._held and seconds >= (self._number + 1) * self._every:
            self._write()

    def _write(self) -> None:
        aside = self._folder / f".{self._name}-{self._number:07d}.part"
        aside.write_bytes(self._held)
        aside.rename(self._folder / f"{self._name}-{self._number:07d}.jsonl")
        self._sent += self._posts
        self._held, self._posts = bytearray(), 0

    def finish(self) -> None:
        if self._held:
            self._write()

    def counts(self) -> dict[str, int]:
        return {"acknowledged": self._sent, "failed": 0}


class Sender:
    """Sends a job's posts. `clock` is epoch seconds."""

    def __init__(self, job: Job, out: Out, clock: Any = time.time, sleep: Any = time.sleep) -> None:
        self._job, self._out, self._clock, self._sleep = job, out, clock, sleep
        self._stopped = False
        self._parent = os.getppid()
        self.sent = 0

    def stop(self, *_: Any) -> None:
        self._stopped = True

    def run(self, spool: BinaryIO, log: Any) -> None:
        """Send until the spool or the schedule ends or `stop` is called; then finish and write the last line."""
        start, late, second = self._job.start_ms / 1000, _Lateness(), 0
        lines = iter(spool)
        for due, line in zip(self._dues(), lines, strict=False):
            now = self._clock() - start
            while now < due - TICK_S / 2:
                second = self._each_second(second, now, late, log)
                self._out.tick(now)
                if self._stopped:
                    break
                self._sleep(min(max(due - now, TICK_S), 0.05))
                now = self._clock() - start
            if self._stopped:
                break
            key, value = self._split(line.rstrip(b"\n"))
            due_ms = round((start + due) * 1000)
            self._out.send(message(value, due_ms), key, due_ms)
            self.sent += 1
            late.add(max(now - self._out.due(due), 0.0))
            if self.sent % 64 == 0:
                now = self._clock() - start
                second = self._each_second(second, now, late, log)
                self._out.tick(now)
        self._finish(late, log)

    def _finish(self, late: _Lateness, log: Any) -> None:
        error = ""
        try:
            self._out.tick(self._clock() - self._job.start_ms / 1000)
            self._out.finish()
        except RuntimeError as reason:
            error = str(reason)
        last = late.take() | self._out.counts() | {"sent": self.sent, "ended": True, "stopped": self._stopped}
        _write(log, last | {"at": self._clock(), "error": error, "late_s": late.whole()})

    def _dues(self) -> Iterator[float]:
        for block in self._job.schedule.blocks():
            yield from block.tolist()

    def _split(self, line: bytes) -> tuple[bytes | None, bytes]:
        if not self._job.keyed:
            return None, line
        key, _, value = line.partition(b"\t")
        return key or None, value

    def _each_second(self, second: int, now: float, late: _Lateness, log: Any) -> int:
        if now >= second + 1:
            if os.getppid() != self._parent:  # the run was killed: nobody would end the job or look at the figures
                self._stopped = True
            _write(log, late.take() | self._out.counts() | {"at": self._clock(), "sent": self.sent})
            return int(now)
        return second


class _Lateness:
    """How late posts were handed over: a histogram in steps of 5%, from 0.1 ms to hours, in constant memory."""

    _STEP = np.log(1.05)

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._second: list[float] = []
        self._max = 0.0

    def add(self, late: float) -> None:
        self._second.append(late)

    def take(self) -> dict[str, float]:
        """Of the posts since the last call: how many, p99 and max."""
        if not self._second:
            return {"posts": 0}
        values = np.asarray(self._second)
        self._second = []
        steps, counts = np.unique(np.ceil(np.log(np.maximum(values, 1e-4) / 1e-4) / self._STEP), return_counts=True)
        for step, count in zip(steps.tolist(), counts.tolist(), strict=True):
            self._counts[int(step)] = self._counts.get(int(step), 0) + count
        self._max = max(self._max, float(values.max()))
        return {"posts": len(values), "late_p99_s": float(np.quantile(values, 0.99)), "late_max_s": float(values.max())}

    def whole(self) -> dict[str, float]:
        """p50, p99 (each up to 5% too high) and max of all posts."""
        total, seen, found = sum(self._counts.values()), 0, {}
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            seen = 0
            for step in sorted(self._counts):
                seen += self._counts[step]
                if seen >= share * total:
                    found[name] = min(1e-4 * float(np.exp(step * self._STEP)), self._max)
                    break
        return found | {"max": self._max}


def _write(log: Any, values: dict[str, Any]) -> None:
    log.write(json.dumps(values) + "\n")
    log.flush()


def main(arguments: list[str] | None = None) -> int:
    job = Job.load(Path((arguments or sys.argv[1:])[0]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then says SIGTERM
    out: Out = Records(job) if job.way == "kafka" else Files(job)
    print("ready", flush=True)
    start = sys.stdin.readline()
    if not start:  # the run is gone
        return 1
    job = replace(job, start_ms=int(start))
    out.begin(job.start_ms)
    sender = Sender(job, out)
    signal.signal(signal.SIGTERM, sender.stop)
    with open(job.spool, "rb", buffering=1 << 20) as spool, open(job.log, "a", encoding="utf-8") as log:
        sender.run(spool, log)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
