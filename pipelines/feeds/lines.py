"""Bytes to lines, in bounded memory, from plain and from gzip files, also damaged ones.

A line ends at LF only (U+2028 and friends may stand inside a JSON string); a CR before the LF is taken off. Of a line
longer than the contract's 65,536 bytes the first 65,537 are kept: enough for `udfs.parse` to reject it as over-long, so
a line of 10 GB costs no more memory than any other. The SHA-256 of its dead letter is that of the bytes kept.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO

from schemas.errors import YuqingError

MAX_LINE = 65_536
"""The contract's limit, in bytes without the line end."""
KEPT = MAX_LINE + 1
CHUNK = 262_144
_COMPRESSED_CHUNK = 32_768
BOM = b"\xef\xbb\xbf"
"""RFC 8259 section 8.1 lets a reader ignore it; else the first line of a file from a Windows tool would be lost."""


class SourceError(YuqingError):
    """A source cannot be read on: it is damaged or gone. What stood before was delivered. Names file and line."""


class SourceChanged(SourceError):
    """A file is not the one that was indexed: its size or modification time is another."""


class LineScanner:
    """Cuts chunks of bytes into lines. Holds at most one unfinished line, of at most 65,538 bytes."""

    def __init__(self) -> None:
        self._held = b""
        self._length = 0  # of the unfinished line, the part that is not held included

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, blank ones as b""."""
        parts = chunk.split(b"\n")
        rest = parts.pop()
        lines = [part[:-1] if part[-1:] == b"\r" else part for part in parts] if self._plain(parts) else []
        if parts and not lines:
            lines = [self._complete(parts[0]), *map(self._complete, parts[1:])]
        if rest:
            # one byte more than is kept, for the CR of a line that is just over-long
            self._held += rest[: KEPT + 1 - len(self._held)]
            self._length += len(rest)
        return lines

    def finish(self) -> list[bytes]:
        """The last line where it has no LF, else nothing."""
        return [self._complete(b"")] if self._length else []

    def _plain(self, parts: list[bytes]) -> bool:
        return not self._length and bool(parts) and max(map(len, parts)) <= MAX_LINE

    def _complete(self, part: bytes) -> bytes:
        length = self._length + len(part)
        line = self._held + part[: KEPT + 1 - len(self._held)]
        self._held, self._length = b"", 0
        if length <= KEPT + 1 and line.endswith(b"\r"):
            line = line[:-1]
        return line[:KEPT]


class GzipBytes:
    """The decompressed bytes of a gzip file of any number of members, front to back.

    Unlike `gzip.GzipFile` it hands on every byte that can be had before a place where the file is damaged (that one
    drops what its failing call had decompressed) and then raises SourceError. Zero bytes after a member are padding.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.position = 0
        """Decompressed bytes handed out so far."""
        self._file = file
        self._input = b""
        self._decoder: zlib._Decompress | None = None
        self._members = 0
        self._salvaged = b""
        self._damage = ""

    def read(self, limit: int) -> bytes:
        """1 to `limit` bytes, b"" at the end. Raises SourceError where the file is damaged."""
        data = self._next(limit)
        self.position += len(data)
        return data

    def _next(self, limit: int) -> bytes:
        while not self._damage:
            if self._decoder is None and not self._begin_member():
                return b""
            decoder = self._decoder
            assert decoder is not None  # noqa: S101  (for the type checker)
            at_end = not self._input and not self._fill()
            before = decoder.copy()
            try:
                data = decoder.decompress(self._input, limit)
            except zlib.error:
                self._salvage(before)
                break
            if decoder.eof:
                self._input = decoder.unused_data
                self._decoder = None
                self._members += 1
            else:
                self._input = decoder.unconsumed_tail
                if at_end and not data:
                    self._damage = "the gzip file ends in the middle"
            if data:
                return data
        if self._salvaged:
            data, self._salvaged = self._salvaged[:limit], self._salvaged[limit:]
            return data
        raise SourceError(self._damage)

    def _fill(self) -> bool:
        self._input = self._file.read(_COMPRESSED_CHUNK)
        return bool(self._input)

    def _begin_member(self) -> bool:
        while self._input or self._fill():
            if self._members:
                self._input = self._input.lstrip(b"\0")
            if self._input:
                self._decoder = zlib.decompressobj(wbits=31)  # gzip header and checksum
                return True
        return False

    def _salvage(self, decoder: zlib._Decompress) -> None:
        """Decompress the chunk that fails byte by byte, up to the bad one: a few milliseconds, once a file."""
        self._damage = "the gzip data are damaged" if self.position or self._members else "this is not a gzip file"
        good = []
        try:
            for at in range(len(self._input)):
                good.append(decoder.decompress(self._input[at : at + 1]))
                if decoder.eof:
                    break
        except zlib.error:
            pass
        self._salvaged = b"".join(good)
        if self._salvaged:
            self._damage = "the gzip data are damaged"
