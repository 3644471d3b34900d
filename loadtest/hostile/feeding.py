"""A filter (`yuqing score`, `yuqing mask`) as a process over stdin, fed in steps, so that time can be told by line.

The filter answers what one read brings at once. After every step a plain post is sent, whose row says that the step is
done. Time is the CPU time of the process, which a busy machine does not lengthen; only one that stands still (no row
and no CPU used, or none at all for `PATIENCE_S`) is judged by the clock.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from loadtest.outside import YUQING

PATIENCE_S = 300.0
"""Of waiting for a step's end by the clock, before the filter counts as hung. A step is some hundred lines."""


class Hung(Exception):
    """The filter did not answer within PATIENCE_S."""


class Died(Exception):
    """The filter ended before its input did."""


class Filter:
    """A running filter. `rows` are kept until `take`; a context manager that ends the process."""

    def __init__(self, command: str, home: Path, dead_letters: Path, log: Path) -> None:
        self.lines = 0
        """Sent so far, ends of steps too: line numbers of dead letters count them."""
        self._steps = 0
        self._log = log.open("wb")
        arguments = [YUQING, "--home", str(home), command, "--dead-letters", str(dead_letters)]
        self._process = subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        self._watched = psutil.Process(self._process.pid)
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Filter:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # what a dead filter did not read
            self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        self._log.close()

    def feed(self, lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], float]:
        """Send lines; return the rows that came of them and the seconds of CPU. Raises Hung or Died."""
        self._steps += 1
        end = f"end of step {self._steps}"
        before = self._cpu()
        data = b"".join(line + b"\n" for line in [*lines, json.dumps({"id": end, "text": "好"}).encode()])
        # a filter that hangs reads no more, and a full pipe would hold whoever writes into it: the clock runs here
        threading.Thread(target=self._write, args=(data,), daemon=True).start()
        self.lines += len(lines) + 1
        rows: list[dict[str, Any]] = []
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                row = self._answers.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise Hung(f"no end of a step of {len(lines)} lines within {PATIENCE_S:g} s") from None
            if row is None:
                raise Died(self._last_words())
            if row.get("id") == end:
                return rows, self._cpu() - before
            rows.append(row)

    def finish(self) -> int:
        """End the input; return the exit code."""
        self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        return self._process.wait(timeout=PATIENCE_S)

    def memory(self) -> int:
        """Resident bytes now."""
        return int(self._watched.memory_info().rss)

    def _cpu(self) -> float:
        try:
            times = self._watched.cpu_times()
        except psutil.Error:
            raise Died(self._last_words()) from None
        return float(times.user + times.system)

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError, ValueError):  # it died, or was killed for hanging: `feed` tells
            self._process.stdin.write(data)  # type: ignore[union-attr]  # it is a pipe
            self._process.stdin.flush()  # type: ignore[union-attr]

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            try:
                row = json.loads(line)
            except ValueError:
                row = {"unreadable": line[:80].hex()}
            self._answers.put(row)
        self._answers.put(None)

    def _last_words(self) -> str:
        self._process.wait(timeout=10)
        said = Path(self._log.name).read_bytes().splitlines()[-1:] or [b""]
        word = said[0].split(b":")[0][:60].decode(errors="replace")
        return f"exit {self._process.returncode}, last word {word!r}"
