"""What can be seen of a home from outside, each second, as lines of JSON: processes, JVMs, Flink, Kafka, the store.

Every part of a sample that cannot be had (a service that is down is a result, not an error) is left out and its name
stands in `missing`. CPU times are sums since the watch began, those of processes that have ended since included, so
that the difference between two lines is what was spent between them.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from loadtest.load import jvm
from loadtest.load.flink import Flink
from loadtest.load.position import Position
from loadtest.outside import Outside

SLOW_S = 5.0
"""Looking for new processes, PSS (the kernel walks the page tables for it) and parts: this often."""


class Processes:
    """CPU, memory, open files and threads by kind of process. `more` are pids that are not of the home."""

    def __init__(self, home: Outside, more: dict[int, str] | None = None) -> None:
        self._home, self._more = home, more or {}
        self._known: dict[int, tuple[str, psutil.Process]] = {}
        self._cpu: dict[tuple[int, float], tuple[str, float]] = {}
        self._base: dict[tuple[int, float], float] = {}
        self._looked = 0.0
        self._first: set[int] = set()
        self._pss: dict[int, int] = {}

    def sample(self) -> dict[str, dict[str, float]]:
        """kind -> count, cpu_s (since the watch began), rss, pss (of up to SLOW_S ago), files, threads."""
        now = time.monotonic()
        if not self._looked or now - self._looked >= SLOW_S:
            self._look()
            self._first = self._first if self._looked else set(self._known)
            self._looked = now
        found: dict[str, dict[str, float]] = {}
        for pid, (kind, process) in list(self._known.items()):
            try:
                with process.oneshot():
                    times, memory = process.cpu_times(), process.memory_info()
                    files, threads, born = process.num_fds(), process.num_threads(), process.create_time()
            except (psutil.Error, OSError):
                del self._known[pid]
                continue
            spent = times.user + times.system
            # one that the first look did not find was born under the watch: it is counted from its birth
            self._base.setdefault((pid, born), spent if pid in self._first else 0.0)
            self._cpu[pid, born] = kind, spent - self._base[pid, born]
            one = found.setdefault(kind, {"count": 0, "rss": 0, "pss": 0, "files": 0, "threads": 0})
            for name, value in (("count", 1), ("rss", memory.rss), ("files", files), ("threads", threads)):
                one[name] += value
            one["pss"] += self._pss.get(pid, memory.rss)
        for kind, spent in self._cpu.values():
            one = found.setdefault(kind, {"count": 0, "rss": 0, "pss": 0, "files": 0, "threads": 0})
            one["cpu_s"] = round(one.get("cpu_s", 0.0) + spent, 3)
        return found

    def pids(self) -> dict[int, str]:
        return {pid: kind for pid, (kind, _) in self._known.items()}

    def _look(self) -> None:
        for pid, kind in (self._home.processes() | self._more).items():
            if pid not in self._known:
                with contextlib.suppress(psutil.Error):
                    self._known[pid] = kind, psutil.Process(pid)
        for pid in list(self._known):
            with contextlib.suppress(OSError, StopIteration):
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                    line = next(line for line in rollup if line.startswith("Pss:"))
                self._pss[pid] = int(line.split()[1]) * 1024


class Store:
    """Parts, merges and memory of ClickHouse, over one connection."""

    def __init__(self, home: Outside) -> None:
        self._home = home
        self._stack = contextlib.ExitStack()
        self._client: Any = None

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        if self._client is None:
            self._client = self._stack.enter_context(self._home.store())
        try:
            return [tuple(row) for row in self._client.query(sql, settings={"log_queries": 0}).result_rows]
        except Exception:
            self._stack.close()
            self._client = None
            raise

    def sample(self) -> dict[str, float]:
        ((merges, merging),) = self.ask("SELECT count(), sum(total_size_bytes_compressed) FROM system.merges")
        parts = dict(
            self.ask(
                "SELECT table, count() FROM system.parts WHERE active AND database = 'yuqing'"
                " AND table IN ('posts', 'alert_hits', 'pii_vault', 'dead_letters') GROUP BY table"
            )
        )
        ((memory,),) = self.ask("SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'")
        ((disk,),) = self.ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'yuqing'")
        return {
            "merges": merges,
            "merging_bytes": merging,
            "parts": sum(parts.values()),
            "parts_posts": parts.get("posts", 0),
            "memory": int(memory),
            "disk_bytes": disk,
        }


class Watch:
    """Samples until stopped; each is a line of `path` at once."""

    def __init__(
        self,
        home: Outside,
        path: Path,
        *,
        position: Position | None = None,
        flink: Flink | None = None,
        more: dict[int, str] | None = None,
        every_s: float = 1.0,
    ) -> None:
        self._path, self._every = path, every_s
        self._processes = Processes(home, more)
        self._store = Store(home)
        self._position, self._flink = position, flink
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._slow_at = 0.0
        self.latest: dict[str, Any] = {}

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def sample(self) -> dict[str, Any]:
        """One sample: `at` (epoch s), and what there is of `processes`, `gc`, `position`, `flink`, `store`."""
        found: dict[str, Any] = {"at": round(time.time(), 3), "missing": []}
        self._part(found, "processes", self._processes.sample)
        self._part(found, "gc", lambda: jvm.by_kind(self._processes.pids()))
        if self._position is not None:
            position = self._position
            self._part(found, "position", lambda: position.sample(self._store.ask))
        if self._flink is not None:
            self._part(found, "flink", self._flink.sample)
        if time.monotonic() - self._slow_at >= SLOW_S:
            self._slow_at = time.monotonic()
            self._part(found, "store", self._store.sample)
        return found

    def _part(self, found: dict[str, Any], name: str, look: Callable[[], Any]) -> None:
        try:
            found[name] = look()
        except Exception as error:  # whatever a service that dies under the load may raise, the watch goes on
            found["missing"].append(f"{name}: {type(error).__name__}")

    def _run(self) -> None:
        with self._path.open("a", encoding="utf-8") as out:
            due = time.monotonic()
            while not self._stop.wait(max(due - time.monotonic(), 0)):
                self.latest = self.sample()
                out.write(json.dumps(self.latest, ensure_ascii=False) + "\n")
                out.flush()
                due = max(due + self._every, time.monotonic())


def read(path: Path) -> list[dict[str, Any]]:
    """The samples of a file; a last line that was cut off is left out."""
    samples = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            samples.append(json.loads(line))
    return samples
