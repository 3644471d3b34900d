"""JSON-lines files as a source: an index of splits, and a reader that turns a split into records with their positions.

A record's position is (folder or given name, file name, line number from 0). Blank lines (nothing but ASCII white
space) are counted and skipped; a byte order mark at the very beginning is dropped; everything else is handed on as it
stands.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from pipelines.feeds.lines import BOM, CHUNK, GzipBytes, LineScanner, SourceChanged, SourceError
from pipelines.feeds.pace import Clock, wall_ms
from schemas.errors import UsageError
from schemas.records import RAW

LINES_PER_SPLIT = 512
MAX_LINES_PER_SPLIT = 16_384
"""Of 64 KiB each they are 1 GiB: an Arrow binary column holds no more than 2."""
_OPEN_FILES = 4


@dataclass(frozen=True)
class FileSplit:
    """Some lines of a file. Plain values: `dataclasses.asdict` and `FileSplit(**d)` take it through JSON."""

    path: str
    source: str
    first_line: int
    lines: int
    """Blank ones count."""
    byte_start: int
    """In the decompressed bytes."""
    byte_end: int
    size: int
    """Of the file when it was indexed, in bytes; with `mtime_ns` it tells whether the file is still the same."""
    mtime_ns: int
    damage: str = ""
    """Not empty in the last split of a damaged file: it has no lines, and reading it raises SourceError with this."""


def index(path: str | Path, lines_per_split: int = LINES_PER_SPLIT, source: str = "") -> list[FileSplit]:
    """The splits of a file in order; an empty file has none. One pass over the bytes (a .gz is decompressed once).

    Raises UsageError when there is no such file or it is none, SourceChanged when it changes meanwhile. A damaged
    gzip file gives the splits of the lines before the damage and a last one that raises when it is read, so that what
    is good is delivered first.
    """
    if not 1 <= lines_per_split <= MAX_LINES_PER_SPLIT:
        raise ValueError(f"lines_per_split must be 1 to {MAX_LINES_PER_SPLIT}, not {lines_per_split}")
    path = os.fspath(path)
    with _open(path) as file:
        before = os.fstat(file.fileno())
        shown = source or os.path.dirname(os.path.abspath(path))

        def split(cut: tuple[int, int], end: tuple[int, int], damage: str = "") -> FileSplit:
            return FileSplit(
                path, shown, cut[0], end[0] - cut[0], cut[1], end[1], before.st_size, before.st_mtime_ns, damage
            )

        content = _content(file, path)
        cuts, end, damage = _cuts(content, lines_per_split)
        splits = [split(a, b) for a, b in pairwise([*cuts, end])]
        if damage:
            splits.append(split(end, end, f"{_shown(path)}, line {end[0] + 1}: {damage}"))
        _same(path, before.st_size, before.st_mtime_ns)
    return splits


Position = tuple[int, int]  # line, byte


def _cuts(content: BinaryIO | GzipBytes, lines_per_split: int) -> tuple[list[Position], Position, str]:
    """Where splits begin, the end of the last whole line, and what is wrong there ("" for a sound file)."""
    cuts: list[Position] = []
    lines, position, line_start = 0, 0, 0
    damage = ""
    try:
        while chunk := content.read(CHUNK):
            ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)
            if not lines and not cuts:
                cuts.append((0, 0))
            # lines whose number is a multiple of lines_per_split begin after these line ends
            for at in range(lines_per_split - 1 - lines % lines_per_split, len(ends), lines_per_split):
                cuts.append((lines + at + 1, position + int(ends[at]) + 1))
            if len(ends):
                line_start = position + int(ends[-1]) + 1
            lines += len(ends)
            position += len(chunk)
    except SourceError as error:
        damage = str(error)
    if not damage and line_start < position:  # the last line has no line end
        lines, line_start = lines + 1, position
    end = (lines, line_start)
    while cuts and cuts[-1] == end:
        cuts.pop()
    return cuts, end, damage


class FileReader:
    """Reads splits. Of gzip files it keeps the place where it stopped, so splits in order cost one pass over the file;
    a split before that place (after a restart, or when splits are handed out in another order) is reached from the
    beginning. Not for several threads at once; any number of readers may share a file.
    """

    def __init__(self, clock: Clock = wall_ms) -> None:
        self._clock = clock
        self._gzips: OrderedDict[str, tuple[GzipBytes, BinaryIO]] = OrderedDict()

    def read(self, split: FileSplit) -> pa.RecordBatch:
        """The records of a split, in order: a batch of RAW with 0 to `split.lines` rows.

        Raises SourceError for the split behind which a file is damaged, SourceChanged when the file is another one now.
        """
        if split.damage:
            raise SourceError(split.damage)
        _same(split.path, split.size, split.mtime_ns)
        scanner = LineScanner()
        lines: list[bytes] = []
        left = split.byte_end - split.byte_start
        content, file = self._at(split)
        try:
            while left:
                chunk = content.read(min(left, CHUNK))
                if not chunk:
                    raise _changed(split.path)
                left -= len(chunk)
                lines += scanner.feed(chunk)
        except SourceError as error:
            self._drop(split.path)
            if isinstance(error, SourceChanged):
                raise
            raise SourceError(f"{_shown(split.path)}, line {split.first_line + len(lines) + 1}: {error}") from None
        finally:
            if not isinstance(content, GzipBytes):
                file.close()
        lines += scanner.finish()
        _same(split.path, split.size, split.mtime_ns)
        if len(lines) != split.lines:
            raise _changed(split.path)
        partition = os.path.basename(split.path)
        return _batch(split.source, partition, split.first_line, lines, split.mtime_ns // 1_000_000, self._clock())

    def close(self) -> None:
        """Close what is open; the reader can be used again."""
        for path in list(self._gzips):
            self._drop(path)

    def _at(self, split: FileSplit) -> tuple[BinaryIO | GzipBytes, BinaryIO]:
        """The file's content, standing at the first byte of the split."""
        kept = self._gzips.get(split.path)
        if kept is None or kept[0].position > split.byte_start:
            self._drop(split.path)
            file = _open(split.path)
            content = _content(file, split.path)
            if not isinstance(content, GzipBytes):
                file.seek(split.byte_start)
                return content, file
            kept = self._gzips[split.path] = content, file
            if len(self._gzips) > _OPEN_FILES:
                self._drop(next(iter(self._gzips)))
        self._gzips.move_to_end(split.path)
        content = kept[0]
        while content.position < split.byte_start:
            if not content.read(min(split.byte_start - content.position, CHUNK)):
                raise _changed(split.path)
        return kept

    def _drop(self, path: str) -> None:
        if path in self._gzips:
            self._gzips.pop(path)[1].close()


def read_stream(
    stream: BinaryIO, source: str = "-", partition: str = "-", *, clock: Clock = wall_ms, lines: int = LINES_PER_SPLIT
) -> Iterator[pa.RecordBatch]:
    """Batches of RAW of at most `lines` rows from something that cannot be indexed: standard input, a pipe.

    What one read brings is handed on at once, so a slow writer is answered line by line. Gzip is known by its first
    bytes. `timestamp` is the time of reading. Raises SourceError at the place where gzip data are damaged.
    """
    read = getattr(stream, "read1", stream.read)
    head = b""
    while len(head) < len(_GZIP) and (more := read(CHUNK)):
        head += more
    content = GzipBytes(_Replayed(head, read)) if head.startswith(_GZIP) else _Replayed(head, read)  # type: ignore[arg-type]
    scanner = LineScanner()
    at = 0
    while True:
        try:
            chunk = content.read(CHUNK)
        except SourceError as error:
            raise SourceError(f"{partition}, line {at + 1}: {error}") from None
        found = scanner.feed(chunk) if chunk else scanner.finish()
        for first in range(0, len(found), lines):
            now = clock()
            batch = _batch(source, partition, at + first, found[first : first + lines], now, now)
            if batch.num_rows:
                yield batch
        at += len(found)
        if not chunk:
            return


_GZIP = b"\x1f\x8b"
_SPACE = b" \t\r\v\f"


class _Replayed:
    """A stream of which the head was read already."""

    def __init__(self, head: bytes, read: object) -> None:
        self._head = head
        self._read = read

    def read(self, limit: int) -> bytes:
        if self._head:
            data, self._head = self._head[:limit], self._head[limit:]
            return data
        return self._read(limit)  # type: ignore[operator,no-any-return]


def _batch(
    source: str, partition: str, first_line: int, lines: list[bytes], timestamp: int, now: int
) -> pa.RecordBatch:
    if not first_line and lines and lines[0].startswith(BOM):
        lines[0] = lines[0][len(BOM) :]
    kept = [(number, line) for number, line in enumerate(lines, first_line) if line.strip(_SPACE)]
    rows = len(kept)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([_shown(source)] * rows, pa.string()),
            pa.array([_shown(partition)] * rows, pa.string()),
            pa.array([number for number, _ in kept], pa.int64()),
            pa.array([timestamp] * rows, pa.int64()),
            pa.array([now] * rows, pa.int64()),
            pa.array([line for _, line in kept], pa.binary()),
        ],
        schema=RAW,
    )


def _shown(name: str) -> str:
    """A file name that is not UTF-8, as Arrow and a terminal can hold it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _open(path: str) -> BinaryIO:
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            raise UsageError(f"{_shown(path)} is a folder; name a file, or write dir://{_shown(os.path.abspath(path))}")
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise UsageError(f"{_shown(path)} is not a regular file; copy it into one")
        return open(path, "rb")
    except FileNotFoundError:
        raise UsageError(f"{_shown(path)} is not there; check the path of the source") from None
    except OSError as error:
        raise UsageError(f"{_shown(path)} cannot be read: {error.strerror}") from None


def _content(file: BinaryIO, path: str) -> BinaryIO | GzipBytes:
    """The decompressed content. The first bytes tell gzip, and so does the name: a .gz that is none must not pass."""
    head = file.read(len(_GZIP))
    file.seek(0)
    return GzipBytes(file) if head == _GZIP or path.endswith(".gz") else file


def _same(path: str, size: int, mtime_ns: int) -> None:
    try:
        now = os.stat(path)
    except OSError as error:
        raise SourceError(f"{_shown(path)} can no longer be read: {error.strerror}; put it back and resume") from None
    if (now.st_size, now.st_mtime_ns) != (size, mtime_ns):
        raise _changed(path)


def _changed(path: str) -> SourceChanged:
    return SourceChanged(
        f"{_shown(path)} changed while it was being read; write new posts to another file, rename it into place, "
        "and submit again"
    )
