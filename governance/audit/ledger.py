"""Appending to the audit ledger and reading it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from governance.audit.heads import HEADS, seal_heads
from governance.audit.journal import Journal, backwards, canonical, read_lines
from schemas.errors import UsageError, YuqingError

DETAIL_BYTES = 4_096
SEAL_EVERY_MS = 10_000
GENESIS = "0" * 64
_WRITER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

AUDIT_LOG = pa.schema(
    [
        pa.field("writer", pa.string(), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("at", pa.int64(), nullable=False),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),  # JSON object
        pa.field("prev_hash", pa.string(), nullable=False),
        pa.field("hash", pa.string(), nullable=False),
    ]
)
"""Rows of the store's table ``audit_log``: a copy to ask questions of; the files under HOME/audit are the ledger."""

Detail = Mapping[str, str | int | float | bool | list[str] | None]


@dataclass(frozen=True)
class AuditEntry:
    """One line of the ledger. ``id`` (writer/seq) is what ``yuqing audit show`` takes."""

    writer: str
    seq: int  # from 0, without gaps
    at: int  # ms since the epoch, UTC
    actor: str  # person, or program and version
    action: str  # dotted: reveal.done, reveal.refused, job.start, rules.change, model.batch, settings.change, ...
    subject: str  # what it was done to: ids and tokens, never values
    detail: Detail
    prev_hash: str  # hash of entry seq - 1; zeros for the first
    hash: str

    @property
    def id(self) -> str:
        return f"{self.writer}/{self.seq}"


class Ledger:
    """Appends entries as one writer. Guarantees:

    * when ``append`` returns, the entry outlives kill -9 of the process; with ``durable`` also loss of power
      (without, power loss may cost what was written since the last head: enough for batch entries, not for reveals);
    * entries of one writer form one chain although several processes may write under that name;
    * about every ``seal_every_ms`` the heads of all writers are sealed together, by whoever appends then.

    Raises UsageError for a writer's name or a detail that does not fit. Never put a value, a name or text of a post
    into an entry. Cost: 40 us an entry and 2.5 ms a head of CPU; ``durable`` adds the disk's fsync time.
    """

    def __init__(
        self,
        home: Path,
        writer: str,
        clock: Callable[[], int],
        durable: bool = True,
        seal_every_ms: int | None = SEAL_EVERY_MS,
        anchor: Path | None = None,
    ) -> None:
        if not _WRITER.fullmatch(writer) or writer == HEADS:
            raise UsageError(f"audit writer {writer!r}: use a-z, 0-9, dot, dash and underscore, at most 64")
        folder = home / "audit"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home, self.writer, self.durable = home, writer, durable
        self._clock, self._seal_every, self._anchor = clock, seal_every_ms, anchor
        self._journal = Journal(folder / f"{writer}.jsonl")
        self._size = -1
        self._seq, self._hash = 0, GENESIS
        self._sealed_at: int | None = None  # the first entry is sealed at once

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes of this writer out between looking at past entries and appending."""
        with self._journal:
            yield

    def append(self, actor: str, action: str, subject: str, detail: Detail | None = None) -> AuditEntry:
        """Write an entry; it is in the ledger when this returns."""
        detail = dict(detail or {})
        if len(canonical(detail)) > DETAIL_BYTES:
            raise UsageError(f"the detail of an audit entry ({action}) is larger than {DETAIL_BYTES} bytes")
        now = self._clock()
        with self._journal:
            if self._journal.size != self._size:
                self._catch_up(now)
            entry = self._write(now, actor, action, subject, detail)
        last = self._sealed_at
        if self._seal_every is not None and (last is None or now - last >= self._seal_every):
            self.seal()
        return entry

    def seal(self) -> None:
        """Seal the heads of all writers now."""
        self._journal.sync()
        self._sealed_at = now = self._clock()
        seal_heads(self.home, now, self._anchor)

    def newest_first(self) -> Iterator[AuditEntry]:
        """This writer's entries, newest first; reads no further back than asked."""
        return map(_entry, self._journal.newest_first())

    def close(self) -> None:
        """Seal and release the file; may be called twice."""
        if self._size >= 0:
            self.seal()
            self._size = -1
        self._journal.close()

    def _catch_up(self, now: int) -> None:
        """Another process wrote, or this one just started: continue the chain where it ends."""
        torn = self._journal.repair()
        last = next(self._journal.newest_first(), None)
        self._seq, self._hash = (last["seq"] + 1, last["hash"]) if last else (0, GENESIS)
        if torn:
            self._write(now, "ledger", "audit.recovered", self.writer, {"torn_bytes": torn})

    def _write(self, now: int, actor: str, action: str, subject: str, detail: Detail) -> AuditEntry:
        fields = {
            "writer": self.writer,
            "seq": self._seq,
            "at": now,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": detail,
            "prev_hash": self._hash,
        }
        entry = _entry({**fields, "hash": entry_hash(fields)})
        self._journal.append(vars(entry), sync=self.durable)
        self._seq, self._hash, self._size = entry.seq + 1, entry.hash, self._journal.size
        return entry


def now_ms() -> int:
    """The clock of the ledger: ms since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def entry_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of an entry without its ``hash``."""
    return hashlib.sha256(canonical({name: value for name, value in fields.items() if name != "hash"})).hexdigest()


def writers(home: Path) -> list[str]:
    """Names of everyone who ever wrote, sorted."""
    return sorted(path.stem for path in (home / "audit").glob("*.jsonl") if path.stem != HEADS)


class Follow:
    """New entries of every writer since ``done`` (writer -> seq), reading each byte of the files once.

    A line that is no entry is passed over: ``verify`` says what happened to it.
    """

    def __init__(self, home: Path, done: Mapping[str, int] | None = None) -> None:
        self._home = home
        self._done = dict(done or {})
        self._offsets: dict[str, int] = {}

    def rows(self, most: int = 1_000_000_000) -> list[dict[str, Any]]:
        """Up to about ``most`` rows of AUDIT_LOG that were not returned before; empty when there is nothing new."""
        found: list[dict[str, Any]] = []
        for writer in writers(self._home):
            with (self._home / "audit" / f"{writer}.jsonl").open("rb") as lines:
                lines.seek(self._offsets.get(writer, 0))
                for line in lines:
                    if len(found) >= most or not line.endswith(b"\n"):
                        break
                    self._offsets[writer] = self._offsets.get(writer, 0) + len(line)
                    with contextlib.suppress(ValueError, KeyError, TypeError):
                        record = json.loads(line)
                        if record["seq"] > self._done.get(writer, -1):
                            found.append({**record, "detail": canonical(record["detail"]).decode()})
        return found


def newest_first(home: Path, writer: str) -> Iterator[AuditEntry]:
    """A writer's entries from the newest to the oldest, while it goes on writing; reads no further than asked.

    Raises ValueError, KeyError or TypeError at a damaged line.
    """
    handle = os.open(home / "audit" / f"{writer}.jsonl", os.O_RDONLY)
    try:
        yield from map(_entry, backwards(handle))
    finally:
        os.close(handle)


def find_entry(home: Path, entry_id: str) -> AuditEntry:
    """The entry ``writer/seq``; raises YuqingError when there is none."""
    writer, _, seq = entry_id.rpartition("/")
    path = home / "audit" / f"{writer}.jsonl"
    if not _WRITER.fullmatch(writer) or not seq.isdecimal() or not path.exists():
        raise YuqingError(f"no audit entry {entry_id!r}: an id reads writer/number, as in `yuqing audit show cli/12`")
    lines, _ = read_lines(path)
    if int(seq) >= len(lines):
        raise YuqingError(f"no audit entry {entry_id!r}: {writer} has {len(lines)}")
    entry = _entry(json.loads(lines[int(seq)]))
    if entry.id != f"{writer}/{int(seq)}":
        raise YuqingError(f"audit entry {entry_id!r} is not in its place: run `yuqing audit verify`")
    return entry


def _entry(record: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(**record)
