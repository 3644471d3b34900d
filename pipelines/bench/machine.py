"""What a figure was measured on, and what it took."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from pipelines.services.process import HOME_MARK, marked


def description() -> dict[str, Any]:
    """The machine and the day, for the head of a report."""
    from datetime import UTC, datetime

    model = next(
        (line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


class PeakMemory:
    """Sum of the proportional set sizes of a home's processes and of this one with its children, in MiB, sampled.

    Proportional (PSS): a page that several processes share counts once in the sum.
    """

    def __init__(self, home: Path, every_s: float = 1.0) -> None:
        self._home, self._every = str(home), every_s
        self._stop = threading.Event()
        self.by_process: dict[str, float] = {}
        self.mib = 0.0

    def __enter__(self) -> PeakMemory:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(self._every):
            found: dict[str, float] = {}
            for process in self._processes():
                with contextlib.suppress(psutil.Error):
                    name = _kind(process)
                    found[name] = found.get(name, 0.0) + process.memory_full_info().pss / 2**20
            total = sum(found.values())
            if total > self.mib:
                self.mib, self.by_process = total, found

    def _processes(self) -> Iterator[psutil.Process]:
        own = psutil.Process()
        seen = {own.pid}
        yield own
        children = own.children(recursive=True)
        for process in [*children, *(process for process, _ in marked(HOME_MARK, self._home))]:
            if process.pid not in seen:
                seen.add(process.pid)
                yield process


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    for words, name in (
        ("pyflink.fn_execution", "python workers"),
        ("pipelines.store.embedded", "clickhouse"),
        ("pipelines.store.notify", "notifier"),
        ("kafka", "kafka"),
    ):
        if words in line:
            return name
    return "flink (java)" if "java" in line.split(" ")[0] else "command"
