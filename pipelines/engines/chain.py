"""A chain runs steps over record batches and makes dead letters of the records that fail; every engine uses it.

    chain = Chain(steps, dead_letters)
    chain.open()
    out = chain.run(batch)      # the rows that came through, after every sink and the dead letters' store acknowledged

The raw bytes of a record leave the batch right after the first step that reads them (`parse`) and are kept aside for
a dead letter, so that no later step can see what `mask` has removed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import structlog

from governance.breaker import CircuitBreaker
from schemas.errors import CircuitOpen, JobError, ModelError, RecordError, StoreError, StoreUnavailable
from schemas.records import DEAD_LETTER, with_columns, without_columns
from schemas.step import ERROR, Sink, Step

NOBODYS_FAULT = (StoreUnavailable, StoreError, ModelError, JobError, CircuitOpen, MemoryError)
"""Errors that no record causes: halving a batch cannot help, the engine has to retry or stop."""


class DeadLetters(Protocol):
    """Where dead letters go. `write` returns after they are safe; writing one twice must change nothing."""

    def open(self) -> None: ...

    def write(self, dead: pa.RecordBatch) -> None:
        """Take a batch of DEAD_LETTER."""

    def close(self) -> None: ...


_POSITION = ("source", "partition", "offset")
log = structlog.get_logger()


@dataclass
class StepCost:
    """What one step has cost since `open`: rows seen and seconds of this thread."""

    rows: int = 0
    seconds: float = 0.0


@dataclass
class Chain:
    """Steps in order. Not thread-safe: one chain a worker thread. Pickles before `open` when its steps do."""

    steps: Sequence[Step]
    dead_letters: DeadLetters
    breaker: CircuitBreaker | None = None
    """Stops a stream job when a step after parse fails too often; None never stops (inline)."""
    costs: dict[str, StepCost] = field(default_factory=dict)
    _labels: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Open every step, in order. Raises what a step raises; steps opened before it are closed again."""
        opened: list[Step | DeadLetters] = []
        try:
            for part in (*self.steps, self.dead_letters):
                part.open()
                opened.append(part)
        except BaseException:
            for part in reversed(opened):
                part.close()
            raise
        self._labels = labels([step.name for step in self.steps])
        self.costs = {label: StepCost() for label in self._labels}

    def counted(self) -> dict[str, dict[str, int]]:
        """What steps have counted since `open`, by the label that `costs` has; steps that count nothing are absent."""
        found = {label: step.counted() for step, label in zip(self.steps, self._labels, strict=True)}
        return {label: counts for label, counts in found.items() if counts}

    def close(self) -> None:
        for part in (*self.steps, self.dead_letters):
            part.close()

    def run(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Run all steps; return the rows that came through. Dead letters are written before it returns.

        Raises StoreUnavailable, StoreError, ModelError, MemoryError (the engine retries the same batch) and
        CircuitOpen (the engine stops the job).
        """
        dead: list[pa.RecordBatch] = []
        raw: pa.Array | None = None
        for step, label in zip(self.steps, self._labels, strict=True):
            if raw is None and "raw" not in step.reads and "raw" in batch.schema.names:
                raw = batch.column("raw")
                batch = without_columns(batch, ["raw"])
            started = time.perf_counter()
            rows = batch.num_rows
            batch, errors = _apply(step, batch)
            cost = self.costs[label]
            cost.rows += rows
            cost.seconds += time.perf_counter() - started
            if errors:
                reasons = [errors.get(i) for i in range(rows)]
                keep = pa.array([reason is None for reason in reasons])
                gone = pa.array([reason is not None for reason in reasons])
                whole_raw = raw if raw is not None else batch.column("raw")
                dead.append(_dead_letters(step, batch.filter(gone), whole_raw.filter(gone), list(errors.values())))
                batch = batch.filter(keep)
                raw = None if raw is None else raw.filter(keep)
            if self.breaker is not None and not isinstance(step, Sink):
                self.breaker.record(step.name, rows, len(errors))
        if dead:
            self.dead_letters.write(pa.Table.from_batches(dead).combine_chunks().to_batches()[0])
        return batch


def labels(names: Sequence[str]) -> list[str]:
    """Names made distinct for reports: alert, alert -> alert, alert 2."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found


def _apply(step: Step, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[int, str]]:
    """Return the batch with all its rows, and {row: reason} for those that failed (their new columns are null)."""
    if missing := [name for name in step.reads if name not in batch.schema.names]:
        raise JobError(f"step {step.name} needs the columns {', '.join(missing)}, which no step before it writes")
    if not batch.num_rows:
        return step.apply(batch), {}
    try:
        out = step.apply(batch)
    except NOBODYS_FAULT:
        raise
    except Exception as error:
        return _bisect(step, batch, error)
    if ERROR not in out.schema.names:
        return out, {}
    reasons = out.column(ERROR).to_pylist()
    return without_columns(out, [ERROR]), {i: reason for i, reason in enumerate(reasons) if reason is not None}


def _bisect(step: Step, batch: pa.RecordBatch, error: Exception) -> tuple[pa.RecordBatch, dict[int, str]]:
    """Halve the batch until the records to blame stand alone: log2(n) extra passes for one of them."""
    if batch.num_rows == 1:
        nulls = {column.name: [None] for column in step.writes if column.name != ERROR}
        declared = pa.schema([column for column in step.writes if column.name != ERROR])
        return without_columns(with_columns(batch, declared, nulls), step.drops), {0: reason_of(error)}
    half = batch.num_rows // 2
    left, left_errors = _apply(step, batch.slice(0, half))
    right, right_errors = _apply(step, batch.slice(half))
    errors = left_errors | {half + i: reason for i, reason in right_errors.items()}
    joined = pa.Table.from_batches([left, right.select(left.schema.names)]).combine_chunks().to_batches()
    return joined[0], errors


def reason_of(error: Exception) -> str:
    """Say why without saying what: a RecordError's own words, of any other error only its type and its line.

    Messages of foreign exceptions may quote the text they failed on, so they never go into a dead letter or a log.
    """
    if isinstance(error, RecordError):
        return str(error)
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f" at {at.tb_frame.f_code.co_name}:{at.tb_lineno}" if at is not None else ""
    return f"{type(error).__name__}{where}"


def _dead_letters(step: Step, rows: pa.RecordBatch, raw: pa.Array, reasons: list[str]) -> pa.RecordBatch:
    log.warning("dead letters", step=step.name, count=rows.num_rows, first=reasons[0][:80])
    return pa.RecordBatch.from_arrays(
        [*(rows.column(name) for name in _POSITION), pa.array([step.name] * len(reasons)), pa.array(reasons), raw],
        schema=DEAD_LETTER,
    )
