"""A steady stream for hours: does anything grow that should not?

The job is a command of its own (`yuqing submit`, its own session), which outlives this one when that is killed: started
again with the same output it goes on watching. SIGTERM stops both, the job with a savepoint; started again it goes on
from there, as another segment of the series, since its processes are new. Samples are lines of JSON, written at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from loadtest.load.flink import Flink, newest
from loadtest.load.watch import Processes, Store, read
from loadtest.outside import Failed, Outside, wait_for
from loadtest.scale import kept, runs

SAMPLES, BEGUN, JOB = "samples.jsonl", "begun.json", "job.json"
START_S = 600.0
"""A JVM, its workers and their models; minutes on a machine that is busy."""
STOP_S = 240.0
REST_PORTS = range(8081, 8182)
"""Of Flink inside the command (docs/services.md)."""


@dataclass(frozen=True)
class Plan:
    """What is held steady, and for how long."""

    hours: float
    rate: float
    parallelism: int
    settings: tuple[str, ...] = ()
    source: str = ""
    """Another source than the generated feed at `rate`: an unbounded one that somebody else feeds."""
    every_s: float = 5.0

    @property
    def feed(self) -> str:
        return self.source or f"generate:?rate={self.rate:g}&seed=77"

    def plain(self) -> dict[str, Any]:
        return {"source": self.feed, "parallelism": self.parallelism, "settings": list(self.settings)}


class Soak:
    """One soak in one output folder."""

    def __init__(self, home: Outside, output: Path, plan: Plan, clock: Callable[[], float] = time.time) -> None:
        self._home, self._output, self._plan, self._clock = home, output, plan, clock
        self._processes, self._store = Processes(home), Store(home)
        self._flink: Flink | None = None
        self._disk: dict[str, int] = {}
        self._disk_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until `plan.hours` of samples are there, or `stop`; then the job is stopped. Raises Failed when it ended by
        itself, and kept.Stopped after `stop`: samples stay, and the next call goes on."""
        kept.once(self._output / BEGUN, self._plan.plain(), kept.machine)
        path = self._output / SAMPLES
        samples = read(path) if path.exists() else []
        segment = max((one["segment"] for one in samples), default=0)
        last = samples[-1]["at"] if samples else 0.0
        done = watched_s(samples)
        process = self._living()
        if process is None:
            segment += 1
            process = self._begin()
        elif samples and self._clock() - last > 10 * self._plan.every_s:
            runs.say(f"the job lived on unseen for {self._clock() - last:.0f} s")
        with path.open("a", encoding="utf-8") as out:
            while done < self._plan.hours * 3600 and not stop.is_set():
                began = time.monotonic()
                if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                    raise Failed(f"the job ended by itself: see {self._output / 'job.log'}")
                out.write(json.dumps(self.sample() | {"segment": segment}) + "\n")
                out.flush()
                stop.wait(max(0.0, self._plan.every_s - (time.monotonic() - began)))
                done += time.monotonic() - began
        self._end(process)
        if stop.is_set():
            saved = (kept.read(self._output / JOB) or {}).get("savepoint")
            way = "from the savepoint" if saved else "with a new job: this one left no savepoint"
            raise kept.Stopped(f"stopped: the same command goes on {way}")

    def sample(self) -> dict[str, Any]:
        """What there is to see now; a part that does not answer is absent and its name stands in `missing`."""
        found: dict[str, Any] = {"at": round(self._clock(), 3), "missing": []}
        for name, look in (
            ("processes", self._processes.sample),
            ("store", self._store.sample),
            ("rows", self._rows),
            ("flink", self._checkpoints),
            ("disk", self._folders),
        ):
            try:
                found[name] = look()
            except Exception as error:  # whatever a service raises that is away: the watch goes on
                found["missing"].append(f"{name}: {type(error).__name__}")
        return found

    def _rows(self) -> int:
        """Rows of `posts` in all parts; a merge takes repeated ones out."""
        (((rows,),)) = self._store.ask(
            "SELECT sum(rows) FROM system.parts WHERE active AND database = 'yuqing' AND table = 'posts'"
        )
        return int(rows)

    def _checkpoints(self) -> dict[str, Any]:
        if self._flink is None:
            rest = rest_of(self._output)
            job = newest(rest) if rest else None
            if not rest or job is None:
                raise Failed("Flink inside the command does not answer")
            self._flink = Flink(rest, job)
        found: dict[str, Any] = self._flink.sample()["checkpoints"]
        return found

    def _folders(self) -> dict[str, int]:
        """Bytes under HOME by folder; looked at once a minute, since it walks them."""
        if not self._disk or time.monotonic() - self._disk_at > 60:
            self._disk_at = time.monotonic()
            self._disk = {one.name: bytes_under(one) for one in self._home.home.iterdir() if one.is_dir()}
        return self._disk

    def _living(self) -> psutil.Process | None:
        job = kept.read(self._output / JOB) or {}
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(job.get("pid", -1) if job.get("pid", -1) > 0 else 2**22)
            if process.create_time() == job.get("born") and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def _begin(self) -> psutil.Process:
        """Start the job, or go on from the last savepoint; return when rows arrive."""
        saved = (kept.read(self._output / JOB) or {}).get("savepoint")
        if saved and Path(saved).exists():
            arguments = ["resume", saved]
        else:
            arguments = ["submit", "opinion", "--source", self._plan.feed, "--parallelism", str(self._plan.parallelism)]
            for setting in self._plan.settings:
                arguments += ["--set", setting]
        with (self._output / "job.log").open("ab") as log, (self._output / "job.out").open("wb") as said:
            command = subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
                self._home.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=log,
                start_new_session=True,
            )
        process = psutil.Process(command.pid)
        kept.write(self._output / JOB, {"pid": command.pid, "born": process.create_time()})
        before = self._newest_row()

        def arrives() -> bool:
            if command.poll() is not None:
                raise Failed(f"the job ended with exit {command.returncode}: see {self._output / 'job.log'}")
            return self._newest_row() > before

        wait_for(arrives, "rows of the job", START_S, 1.0)
        return process

    def _newest_row(self) -> int:
        (((newest_ms,),)) = self._store.ask("SELECT toUnixTimestamp64Milli(max(stored_at)) FROM posts")
        return int(newest_ms)

    def _end(self, process: psutil.Process) -> None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(STOP_S)
        said = (self._output / "job.out").read_text(encoding="utf-8", errors="replace").split()
        savepoint = said[-1] if said and Path(said[-1]).exists() else None
        kept.write(self._output / JOB, {"savepoint": savepoint})
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            raise Failed(f"the job did not stop within {STOP_S:.0f} s: process {process.pid}")


def watched_s(samples: list[dict[str, Any]], pause_s: float = 60.0) -> float:
    """Seconds that samples cover; longer pauses between them are left out."""
    gaps = (after["at"] - before["at"] for before, after in pairwise(samples) if before["segment"] == after["segment"])
    return float(sum(gap for gap in gaps if gap <= pause_s))


def rest_of(output: Path) -> str | None:
    """Where the Flink inside our command listens."""
    job = kept.read(output / JOB) or {}
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(job.get("pid", 2**22)).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                for one in child.net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN and one.laddr.port in REST_PORTS:
                        return f"http://127.0.0.1:{one.laddr.port}"
    return None


def bytes_under(folder: Path) -> int:
    """On disk, of files that may go while one looks."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
    return total
