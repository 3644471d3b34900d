"""Model decisions in the ledger: who decided (model, version), how many posts, and a digest of the results.

The digest makes the entry a proof: whoever holds the posts and labels as they were can show that these and no others
were given. Nothing of a post stands in the entry but the positions in the feed between which the batches lie.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.audit.journal import canonical
from governance.audit.ledger import AuditEntry, Detail, Ledger, now_ms
from schemas.errors import JobError
from schemas.step import Sink

MODEL_BATCH = "model.batch"
FOLD_MS = 10_000
"""One entry for the batches of ten seconds: some 4 MB a day and worker, where an entry a batch would be 200."""

_DECIDED = ("sentiment", "emotion", "need", "state", "priority")
_PROVEN = ("platform", "id", *_DECIDED)
_POSITION = ("source", "partition", "offset")
_RECORD = 4_096
"""Bytes of a draft: written by one call and never longer, so that kill -9 leaves the old one or the new one."""


class Decisions:
    """Folds the decisions of ``fold_ms`` into one entry, and loses none by kill -9.

    What was decided since the last entry stands in a draft beside the ledger (``HOME/audit/WRITER.draft``), written
    before ``record`` returns; whoever takes the writer up next makes the entry of it. One process at a time holds a
    writer: ``take`` finds a free one. Cost: 1 us a post and 20 us a batch.
    """

    def __init__(self, ledger: Ledger, actor: str, fold_ms: int = FOLD_MS) -> None:
        self._ledger, self._actor, self._fold_ms = ledger, actor, fold_ms
        self._draft = os.open(_draft_of(ledger.home, ledger.writer), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._pending: _Pending | None = None
        try:
            fcntl.flock(self._draft, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._draft)
            raise JobError(f"audit writer {ledger.writer} is held by another process") from None
        self._take_up()

    def record(self, batch: pa.RecordBatch, now: int) -> AuditEntry | None:
        """Note what was decided on the rows of ``batch`` (after triage); returns the entry when one was due."""
        if not batch.num_rows:
            return None
        model = ",".join(sorted(pc.unique(batch.column("model")).drop_null().to_pylist()))
        if self._pending and model != self._pending.model:
            self.flush()
        if self._pending is None:
            self._pending = _Pending(model, now, _position(batch, 0))
        self._pending.add(batch)
        if now - self._pending.since >= self._fold_ms:
            return self.flush()
        self._write({"actor": self._actor, "subject": model, "detail": self._pending.detail()})
        return None

    def flush(self) -> AuditEntry | None:
        """Write the entry of what was recorded since the last one; None when that is nothing."""
        if self._pending is None:
            return None
        entry = self._ledger.append(self._actor, MODEL_BATCH, self._pending.model, self._pending.detail())
        self._pending = None
        os.ftruncate(self._draft, 0)
        return entry

    def close(self) -> None:
        """Flush and give the writer free; may be called twice."""
        if self._draft >= 0:
            self.flush()
            os.close(self._draft)
            self._draft = -1

    def _write(self, draft: dict[str, Any]) -> None:
        data = canonical(draft)
        os.pwrite(self._draft, data.ljust(_RECORD), 0)

    def _take_up(self) -> None:
        """Make an entry of what a killed process had recorded, unless it was killed just after it wrote that entry."""
        held = os.pread(self._draft, _RECORD, 0).strip()
        if not held:
            return
        try:
            draft = json.loads(held)
            detail = {**draft["detail"], "taken_up": True}
            newest = next(self._ledger.newest_first(), None)
            if newest is None or newest.detail.get("digest") != detail["digest"]:
                self._ledger.append(draft["actor"], MODEL_BATCH, draft["subject"], detail)
        except (ValueError, KeyError, TypeError):
            self._ledger.append("ledger", "audit.recovered", self._ledger.writer, {"draft_bytes": len(held)})
        os.ftruncate(self._draft, 0)


def take(home: Path, name: str, actor: str, fold_ms: int = FOLD_MS, most: int = 1_024) -> tuple[Ledger, Decisions]:
    """The first free of the writers ``name-0``, ``name-1``, ...: as many files as there ever were workers at once.

    The ledger is not durable: entries outlive kill -9, and at loss of power what was written since the last head may
    go. Raises JobError when none is free, OSError when HOME/audit cannot be written.
    """
    for number in range(most):
        ledger = Ledger(home, f"{name}-{number}", now_ms, durable=False)
        try:
            return ledger, Decisions(ledger, actor, fold_ms)
        except JobError:
            ledger.close()
    raise JobError(f"audit: {most} writers {name}-N are held: are there that many workers?")


def untaken(home: Path) -> list[str]:
    """Writers whose draft nobody has made an entry of yet: of running workers, and of killed ones."""
    return sorted(path.stem for path in (home / "audit").glob("*.draft") if path.stat().st_size)


class RecordDecisions(Sink):
    """Writes what was decided on a batch to the ledger before the batch goes on; nothing of the batch changes.

    ``job`` names the writers, ``run`` the run in the entries. Raises JobError when the ledger cannot be written: the
    engine tries again, and no decision takes effect unrecorded.
    """

    name = "record"
    reads = ("id", "platform", "model", *_DECIDED, *_POSITION)

    def __init__(self, home: Path | str, job: str, run: str = "", fold_ms: int = FOLD_MS) -> None:
        self.home, self.job, self.run, self.fold_ms = Path(home), job, run, fold_ms
        self._ledger: Ledger | None = None
        self._decisions: Decisions | None = None

    def open(self) -> None:
        """Take up a writer. Raises JobError."""
        if self._decisions is None:
            with _told("opened"):
                self._ledger, self._decisions = take(self.home, self.job, self.run or self.job, self.fold_ms)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self._decisions is None:
            raise RuntimeError("open() was not called")
        with _told("written"):
            self._decisions.record(batch, now_ms())
        return batch

    def close(self) -> None:
        if self._decisions is not None and self._ledger is not None:
            self._decisions.close()
            self._ledger.close()
            self._decisions = self._ledger = None


class _Pending:
    """What was decided since the last entry.

    ``digest`` depends on the rows and their order, however they were batched: SHA-256 over, column by column (_PROVEN),
    the SHA-256 of its values end to end (UTF-8; null is one NUL) and the SHA-256 of their lengths in bytes (int32,
    little-endian). By columns, since joining rows would cost three times as much.
    """

    def __init__(self, model: str, since: int, first: str) -> None:
        self.model, self.since, self.first, self.last = model, since, first, first
        self.posts = self.batches = 0
        self._values = [hashlib.sha256() for _ in _PROVEN]
        self._lengths = [hashlib.sha256() for _ in _PROVEN]
        self._priorities: Counter[int | None] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        for name, values, lengths in zip(_PROVEN, self._values, self._lengths, strict=True):
            column = batch.column(name)
            column = column if column.type == pa.string() else column.cast(pa.string())
            column = column.fill_null("\0") if column.null_count else column
            _, offsets, data = column.buffers()
            bounds = np.frombuffer(offsets, "<i4", len(column) + 1, column.offset * 4)
            if data is not None:
                values.update(memoryview(data)[bounds[0] : bounds[-1]])
            lengths.update(np.diff(bounds).tobytes())
        self.posts += batch.num_rows
        self.batches += 1
        self.last = _position(batch, batch.num_rows - 1)
        self._priorities.update(batch.column("priority").to_pylist())

    def detail(self) -> Detail:
        return {
            "posts": self.posts,
            "batches": self.batches,
            "since": self.since,
            "first": self.first[:_SHOWN],
            "last": self.last[:_SHOWN],
            "priorities": [f"{priority}:{count}" for priority, count in sorted(self._priorities.items(), key=str)],
            "digest": hashlib.sha256(
                b"".join(one.digest() + other.digest() for one, other in zip(self._values, self._lengths, strict=True))
            ).hexdigest(),
        }


_SHOWN = 200
"""Characters of a position: a path may be long, an entry may not."""


def _position(batch: pa.RecordBatch, row: int) -> str:
    return "/".join(str(batch.column(name)[row].as_py()) for name in _POSITION)


def _draft_of(home: Path, writer: str) -> Path:
    return home / "audit" / f"{writer}.draft"


@contextlib.contextmanager
def _told(what: str) -> Any:
    """A full disk is no record's fault."""
    try:
        yield
    except OSError as error:
        raise JobError(f"the audit ledger cannot be {what}: {error.strerror}") from None
