"""Model decisions in the ledger: per batch who decided (model, version), how many posts, and a digest of the results.

The digest makes the entry a proof: whoever holds the posts and labels as they were can show that these and no others
were given. Nothing of a post stands in the entry but the positions in the feed between which the batch lies.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from governance.audit.ledger import AuditEntry, Detail, Ledger

MODEL_BATCH = "model.batch"
_DECIDED = ("sentiment", "emotion", "need", "state", "priority")
_POSITION = ("source", "partition", "offset")


class Decisions:
    """Writes an entry a batch, or folds the batches of ``fold_ms`` into one.

    Folding keeps the ledger small (an entry a batch is some 80 MB a day and worker at full rate); what was recorded
    since the last entry is lost by kill -9, so 0, an entry before each batch goes on, is the default. Cost: 3 us a
    post and 25 us an entry.
    """

    def __init__(self, ledger: Ledger, actor: str, fold_ms: int = 0) -> None:
        self._ledger, self._actor, self._fold_ms = ledger, actor, fold_ms
        self._pending = _Pending("", 0, "")

    def record(self, batch: pa.RecordBatch, now: int) -> AuditEntry | None:
        """Note what was decided on the rows of ``batch`` (after classify or triage); returns the entry if written."""
        if not batch.num_rows:
            return None
        model = ",".join(sorted(pc.unique(batch.column("model")).drop_null().to_pylist()))
        if self._pending.posts and model != self._pending.model:
            self.flush()
        if not self._pending.posts:
            self._pending = _Pending(model, now, _position(batch, 0))
        self._pending.add(batch)
        return self.flush() if now - self._pending.since >= self._fold_ms else None

    def flush(self) -> AuditEntry | None:
        """Write what was recorded; call it before close and before a savepoint."""
        pending = self._pending
        if not pending.posts:
            return None
        entry = self._ledger.append(self._actor, MODEL_BATCH, pending.model, pending.detail())
        self._pending = _Pending("", 0, "")
        return entry


class _Pending:
    """What was decided since the last entry."""

    def __init__(self, model: str, since: int, first: str) -> None:
        self.model, self.since, self.first, self.last = model, since, first, first
        self.posts = 0
        self._digest = hashlib.sha256()
        self._priorities: Counter[int | None] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        names = [name for name in _DECIDED if name in batch.schema.names]
        columns = [batch.column(name).cast(pa.string()) for name in ("platform", "id", *names)]
        rows = pc.binary_join_element_wise(
            *columns, pa.scalar("\x1e"), pa.scalar("\x1f"), null_handling="replace", null_replacement="\x00"
        )
        self._digest.update("".join(rows.to_pylist()).encode())
        self.posts += batch.num_rows
        self.last = _position(batch, batch.num_rows - 1)
        if "priority" in names:
            for count in pc.value_counts(batch.column("priority")).to_pylist():
                self._priorities[count["values"]] += count["counts"]

    def detail(self) -> Detail:
        return {
            "posts": self.posts,
            "first": self.first,
            "last": self.last,
            "priorities": [f"{priority}:{count}" for priority, count in sorted(self._priorities.items(), key=str)],
            "digest": self._digest.hexdigest(),
        }


def _position(batch: pa.RecordBatch, row: int) -> str:
    if not set(_POSITION) <= set(batch.schema.names):
        return ""
    return "/".join(str(batch.column(name)[row].as_py()) for name in _POSITION)
