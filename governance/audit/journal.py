"""A JSON-lines file that is only ever appended to, by one process at a time.

A line counts once its newline stands: a process killed while writing leaves a torn last line, which was never
acknowledged and which the next writer takes off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

_BLOCK = 65_536


class Journal:
    """One locked journal file. Use as a context manager; holding it keeps other processes out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._depth = 0

    def __enter__(self) -> Journal:
        if not self._depth:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self._handle).st_size

    def repair(self) -> int:
        """Take a torn last line off; returns its length in bytes, 0 when there is none."""
        size = self.size
        whole = _end_of_last_line(self._handle, size)
        if whole < size:
            os.ftruncate(self._handle, whole)
        return size - whole

    def append(self, record: dict[str, Any], sync: bool) -> None:
        """Write one line: with ``sync`` it is on the disk when this returns, else in the kernel (outlives kill -9)."""
        data = canonical(record) + b"\n"
        while data:
            data = data[os.write(self._handle, data) :]
        if sync:
            os.fsync(self._handle)

    def sync(self) -> None:
        """Bring everything written so far to the disk."""
        os.fsync(self._handle)

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """Records from the newest to the oldest; reads only as far as it is asked. Raises ValueError on damage."""
        return backwards(self._handle)

    def close(self) -> None:
        """Release the file and its lock; may be called twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def canonical(record: dict[str, Any]) -> bytes:
    """The one byte form of a record that is hashed and written: sorted keys, no spaces, UTF-8."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def newest(path: Path) -> dict[str, Any] | None:
    """The newest whole record of a journal that others may be writing; None when there is none."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return next(backwards(handle), None)
    finally:
        os.close(handle)


def read_lines(path: Path) -> tuple[list[bytes], int]:
    """All whole lines of a journal, and the number of bytes of a torn last line."""
    *whole, torn = path.read_bytes().split(b"\n")
    return whole, len(torn)


def backwards(handle: int) -> Iterator[dict[str, Any]]:
    """Records of an open journal from the newest whole one to the oldest. Raises ValueError on damage."""
    end = _end_of_last_line(handle, os.fstat(handle).st_size) - 1
    if end < 0:
        return
    later = b""
    while end > 0:
        start = max(0, end - _BLOCK)
        first, *lines = (os.pread(handle, end - start, start) + later).split(b"\n")
        for line in reversed(lines):
            yield json.loads(line)
        end, later = start, first  # the first line may begin in the block before
    yield json.loads(later)


def _end_of_last_line(handle: int, size: int) -> int:
    """Offset just after the last newline."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        at = os.pread(handle, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0
