"""One bounded submission, measured from outside, that may be stopped in the middle and goes on.

CPU of the command is exact: this process adopts what its descendants leave behind (`PR_SET_CHILD_SUBREAPER`, prctl(2)),
waits for all of it, and so the kernel adds up every process that there was, JVM and Python workers too, however short
it lived. CPU of the services is read before and after, until they are quiet again: merges and what follows the store
belong to the posts that caused them. The home must have nothing else to do.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from loadtest.load.watch import Processes
from loadtest.outside import Failed, Outside
from loadtest.scale import kept

SERVICES = ("clickhouse", "notifier", "watch", "kafka", "jobmanager", "taskmanager")
QUIET_CORES, QUIET_FOR_S, QUIET_PATIENCE_S = 0.1, 5.0, 90.0
"""Services are quiet when they take no more than this beyond what they take idle, for so long; more patience than that
nobody has."""
SAVEPOINT_S = 240.0
SAMPLE_S = 2.0
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


@dataclass(frozen=True)
class Request:
    """What is to be run. `source` is complete; `settings` are those of `--set`."""

    source: str
    parallelism: int
    settings: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        return {"source": self.source, "parallelism": self.parallelism, "settings": list(self.settings)}


def idle(home: Outside, seconds: float = 30.0) -> float:
    """Cores that the services of a home take when nothing is to be done: clocks, merges of their own logs."""
    processes = Processes(home)
    processes.sample()
    time.sleep(seconds)
    return round(_services_s(processes.sample()) / seconds, 4)


def measured(
    home: Outside, path: Path, request: Request, stop: threading.Event, idle_cores: float = 0.0
) -> dict[str, Any]:
    """The figures of a run, from `path` if they stand there, else from running it; kept at `path`.

    `idle_cores` x the time it took is taken off what the services spent. Keys: posts, dead_letters,
    command_s, span_s (first record read to last row stored), posts_per_s, cpu_s (command, services, all), cpu_by_kind
    (sampled: two seconds of each process may be missing), latency_s, remembered (share of model results, None if
    unknown), step_us (a post), counted, segments.

    Stopped by `stop` it takes a savepoint, notes how far it was and raises kept.Stopped; the next call goes on there
    and adds up. A run that nobody saw the end of (this process was killed) begins anew. Raises Failed.
    """
    plain = request.plain()

    part = path.with_suffix(".part.json")

    def run() -> dict[str, Any]:
        segments, savepoint = _begun(home, part, plain)
        segments.append(_segment(home, part, request, list(segments), savepoint, stop, idle_cores))
        if (savepoint := segments[-1].pop("savepoint", None)) is not None:
            kept.write(part, {"request": plain, "segments": segments, "savepoint": savepoint})
            raise kept.Stopped(f"{path.stem}: stopped with a savepoint; the same command goes on there")
        found = _summed(segments, idle_cores) | _stored(home, segments[0]["began_ms"])
        found["posts_per_s"] = found["posts"] / found["span_s"] if len(segments) == 1 else None
        if not found["posts"]:
            raise Failed(f"{path.stem}: no row of the run is in the store")
        return found

    if stop.is_set():
        raise kept.Stopped(f"{path.stem}: not begun")
    found = kept.once(path, plain, run)
    part.unlink(missing_ok=True)
    return found


def _begun(home: Outside, part: Path, plain: dict[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """Segments so far, and the savepoint from which to go on; nothing when there is none to go on from."""
    found = kept.read(part) or {}
    for pid, born in found.get("alive", ()):  # of a process that was killed: its run still writes rows
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.create_time() == born:
                process.terminate()
                process.wait(SAVEPOINT_S)
    savepoint = found.get("savepoint")
    if found.get("request") != plain or savepoint is None or not Path(savepoint).exists():
        return [], None
    return list(found["segments"]), str(savepoint)


def _segment(
    home: Outside,
    part: Path,
    request: Request,
    before: list[dict[str, Any]],
    savepoint: str | None,
    stop: threading.Event,
    idle_cores: float,
) -> dict[str, Any]:
    """Run until the end or until asked to stop; then `savepoint` stands in what it gives."""
    if savepoint is None:
        arguments = ["submit", "opinion", "--source", request.source, "--parallelism", str(request.parallelism)]
        for setting in request.settings:
            arguments += ["--set", setting]
    else:
        arguments = ["resume", savepoint]
    part.parent.mkdir(parents=True, exist_ok=True)
    runs_before = {path.name for path in (home.home / "runs").glob("*")} if savepoint is None else set()
    processes = Processes(home)
    at_first = processes.sample()
    with _reaping() as children:
        began, began_ms = time.monotonic(), time.time_ns() // 1_000_000
        with part.with_suffix(".log").open("ab") as log:
            command = subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
                home.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            )
        alive = [[command.pid, psutil.Process(command.pid).create_time()]]
        kept.write(part, {"request": request.plain(), "segments": before, "savepoint": savepoint, "alive": alive})
        asked = False
        while command.poll() is None:
            time.sleep(SAMPLE_S) if asked else stop.wait(SAMPLE_S)
            if stop.is_set() and not asked:
                asked = True
                command.send_signal(signal.SIGTERM)
            processes.sample()
        said = (command.stdout.read() if command.stdout else b"").decode(errors="replace").split()
        command_s = time.monotonic() - began
    _quiet(processes, idle_cores)
    elapsed_s = time.monotonic() - began
    sampled = processes.sample()
    if command.returncode and asked and not said:
        raise kept.Stopped(f"{part.stem}: stopped before there was anything to save; it begins anew")
    if command.returncode and not asked:
        tail = part.with_suffix(".log").read_text(encoding="utf-8", errors="replace")[-1500:]
        raise Failed(f"yuqing {arguments[0]}: exit {command.returncode}\n{tail}")
    by_kind = {
        kind: round(one.get("cpu_s", 0.0) - at_first.get(kind, {}).get("cpu_s", 0.0), 2)
        for kind, one in sampled.items()
    }
    services = sum(seconds for kind, seconds in by_kind.items() if kind in SERVICES)
    segment: dict[str, Any] = {
        "began_ms": began_ms,
        "command_s": round(command_s, 2),
        "elapsed_s": round(elapsed_s, 2),
        "cpu_command_s": round(children[0], 2),
        "cpu_services_s": round(services, 2),
        "cpu_by_kind": by_kind,
        "workers": _workers(home, runs_before, savepoint),
    }
    if asked and said and Path(said[-1]).exists():
        segment["savepoint"] = said[-1]
    return segment


@contextlib.contextmanager
def _reaping() -> Iterator[list[float]]:
    """Adopt orphans of descendants; at the end wait for them, and leave the CPU seconds of all in the list."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    spent: list[float] = []
    before = _children_s()
    try:
        yield spent
    finally:
        deadline = time.monotonic() + 30
        with contextlib.suppress(ChildProcessError):
            while time.monotonic() < deadline:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    time.sleep(0.1)
        libc.prctl(_SUBREAPER, 0, 0, 0, 0)
        spent.append(_children_s() - before)


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _services_s(sample: dict[str, dict[str, float]]) -> float:
    return sum(one.get("cpu_s", 0.0) for kind, one in sample.items() if kind in SERVICES)


def _quiet(processes: Processes, idle_cores: float) -> None:
    """Wait until the services have done what the posts left them to do."""
    deadline = time.monotonic() + QUIET_PATIENCE_S
    while time.monotonic() < deadline:
        before, at = _services_s(processes.sample()), time.monotonic()
        time.sleep(QUIET_FOR_S)
        spent = _services_s(processes.sample()) - before
        if spent <= (idle_cores + QUIET_CORES) * (time.monotonic() - at):
            return


def _workers(home: Outside, before: set[str], savepoint: str | None) -> dict[str, Any]:
    """What the workers of the run counted: HOME/runs/RUN/worker-*.json."""
    if savepoint is not None:
        folder = next(path for path in Path(savepoint).parents if (path / "spec.json").exists())
    else:
        new = sorted(path for path in (home.home / "runs").glob("*") if path.name not in before)
        if not new:
            raise Failed("the command left no folder in HOME/runs")
        folder = new[-1]
    total: dict[str, Any] = {"posts": 0, "stored": 0, "dead_letters": 0, "costs": {}, "counted": {}}
    for path in folder.glob("worker-*.json"):
        worker = json.loads(path.read_bytes())
        for name in ("posts", "stored", "dead_letters"):
            total[name] += worker[name]
        _add(total["costs"], worker["costs"])
        _add(total["counted"], worker.get("counted", {}))
    return total


def _add(sums: dict[str, Any], more: dict[str, Any]) -> None:
    """Add numbers, lists of numbers and dictionaries of them, key by key."""
    for key, value in more.items():
        if isinstance(value, dict):
            _add(sums.setdefault(key, {}), value)
        elif isinstance(value, list):
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(value)), value, strict=True)]
        else:
            sums[key] = sums.get(key, 0) + value


def _summed(segments: list[dict[str, Any]], idle_cores: float) -> dict[str, Any]:
    workers: dict[str, Any] = {}
    by_kind: dict[str, float] = {}
    for segment in segments:
        _add(workers, segment["workers"])
        _add(by_kind, segment["cpu_by_kind"])
    command = sum(segment["cpu_command_s"] for segment in segments)
    elapsed = sum(segment["elapsed_s"] for segment in segments)
    services = max(0.0, sum(segment["cpu_services_s"] for segment in segments) - idle_cores * elapsed)
    seen = workers["counted"].get("classify", {})
    return {
        "dead_letters": workers["dead_letters"],
        "command_s": sum(segment["command_s"] for segment in segments),
        "cpu_s": {"command": command, "services": services, "all": command + services},
        "cpu_by_kind": by_kind,
        "step_us": {name: round(1e6 * spent / rows, 1) for name, (rows, spent) in workers["costs"].items() if rows},
        "counted": workers["counted"],
        "remembered": (seen["remembered"] + seen["folded"]) / seen["texts"] if seen.get("texts") else None,
        "segments": len(segments),
    }


def _stored(home: Outside, began_ms: int) -> dict[str, Any]:
    """Rows of the store that were read since then, and how long they took."""
    sql = """SELECT count(), toUnixTimestamp64Milli(min(ingested_at)), toUnixTimestamp64Milli(max(stored_at)),
            quantilesTDigest(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', ingested_at, stored_at)))
        FROM posts FINAL WHERE ingested_at >= fromUnixTimestamp64Milli({since:Int64})"""
    with home.store() as client:
        posts, first, last, latency = client.query(sql, parameters={"since": began_ms}).result_rows[0]
    names = ("p50", "p95", "p99")
    return {
        "posts": posts,
        "span_s": max(0.001, (last - first) / 1000),
        "latency_s": {name: round(value / 1000, 3) for name, value in zip(names, latency, strict=True)}
        if posts
        else {},
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
