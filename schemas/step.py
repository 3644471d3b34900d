"""The one contract for steps.

A step takes an Arrow record batch and returns one. Engines, networks and databases are none of its business.

Guarantees a step gives (``udfs.checks.check_udf`` proves them for each):
* rows in = rows out, in the same order; columns it does not write pass through untouched;
* the result of a row depends on that row only: not on its neighbours, the batch size or earlier batches;
* before ``open`` it is cheap to build and pickles (constructor arguments are plain values or paths);
  everything heavy is loaded in ``open``, once per worker;
* no text of a post appears in a log line or an exception.

Guarantees the caller gives: ``open`` before the first ``apply``, ``close`` at the end, one thread per instance,
every column in ``reads`` present. A record the step rejects gets a reason in the nullable string column ``error``;
the caller takes such rows out and makes dead letters of them. When ``apply`` raises, the caller halves the batch
until the record that is to blame stands alone (except for StoreUnavailable, ModelError and MemoryError, which are
nobody's record's fault).
"""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

ERROR = "error"
"""Name of the column in which a step writes why it rejects a row (null: the row is fine)."""


class Step:
    """Base of every step; see the module text for the contract."""

    name: ClassVar[str]
    """The field's name for what it does; stands in dead letters, metrics and job listings."""
    reads: ClassVar[tuple[str, ...]] = ()
    """Columns that must be there."""
    writes: ClassVar[pa.Schema] = pa.schema([])
    """Columns it adds or replaces, with their types."""
    drops: ClassVar[tuple[str, ...]] = ()
    """Columns that nobody after this step may see."""

    def open(self) -> None:
        """Load what the step needs. Raises ModelError or UsageError with the remedy."""

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return ``batch`` with the columns of ``writes`` set and those of ``drops`` gone."""
        raise NotImplementedError

    def counted(self) -> dict[str, int]:
        """What the step has counted since ``open``, a name -> a number; shown beside its cost. Of attempts: a batch
        that the engine tries again counts again."""
        return {}

    def close(self) -> None:
        """Release what ``open`` took; may be called twice."""


class Sink(Step):
    """A step that writes somewhere outside. ``apply`` returns its batch only after the write was acknowledged.

    At-least-once: the same rows may come again after a failure, so writing them twice must change nothing.
    The inline filter (``yuqing score``) leaves sinks out.
    """
