"""What runs inside Flink's Python workers: pandas UDFs around a chain.

The chain writes to the store synchronously, and PyFlink finishes a bundle before it lets a checkpoint barrier pass:
so the positions in a checkpoint are those of rows that the store has acknowledged. That is the whole delivery
guarantee; everything may come twice, nothing is lost.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import structlog
from pyflink.table.udf import FunctionContext, ScalarFunction

from governance.breaker import CircuitBreaker
from pipelines.engines.chain import Chain
from pipelines.engines.job import Job
from pipelines.engines.splits import SplitReader, encode, unreadable
from pipelines.feeds.generate import GenerateSplit
from pipelines.feeds.lines import SourceError
from pipelines.services import flink_rest
from schemas.errors import CircuitOpen, ServiceError
from schemas.records import RAW

STOPPED = "stopped.json"
"""In the run's folder: why a worker asked for the job to be stopped. A watching command cancels the job; on a cluster
the worker asks for it itself."""
JOB_ID = "job_id"
"""In the run's folder: the id that Flink gave the job."""


class _Worker(ScalarFunction):  # type: ignore[misc]
    """Opens the chain once per worker, counts, and turns errors that no restart can mend into a request to stop."""

    def __init__(self, job: Job, run_folder: str, rest: str | None) -> None:
        self._job = job
        self._folder = Path(run_folder)
        self._rest = rest

    def open(self, function_context: FunctionContext) -> None:
        # PyFlink replaces `print` by one that takes no `flush`, on which structlog's default logger fails
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
        self._chain = Chain(self._job.steps, self._job.dead_letters, CircuitBreaker())
        self._chain.open()
        metrics = function_context.get_metric_group()
        self._posts = metrics.counter("posts")
        self._through = metrics.counter("posts_stored")
        self._counts = {"posts": 0, "stored": 0, "dead_letters": 0}
        self._reader = SplitReader()
        self._counts_file = self._folder / f"worker-{os.getpid()}-{id(self):x}.json"

    def close(self) -> None:
        if hasattr(self, "_chain"):
            self._reader.close()
            self._chain.close()

    def _run(self, batch: pa.RecordBatch) -> None:
        try:
            stored = self._chain.run(batch).num_rows
        except CircuitOpen as error:
            self._ask_to_stop(str(error))
            raise
        self._posts.inc(batch.num_rows)
        self._through.inc(stored)
        self._counts["posts"] += batch.num_rows
        self._counts["stored"] += stored
        self._counts["dead_letters"] += batch.num_rows - stored
        self._note()

    def _note(self) -> None:
        """Leave the counts where the operator's command finds them: attempts, so a restart counts its posts again."""
        costs = {name: [cost.rows, cost.seconds] for name, cost in self._chain.costs.items()}
        aside = self._counts_file.with_suffix(".tmp")
        found = self._counts | {"at": time.time(), "costs": costs, "counted": self._chain.counted()}
        with contextlib.suppress(OSError):  # a full disk must not stop the rows; the next batch tells again
            aside.write_bytes(msgspec.json.encode(found))
            aside.replace(self._counts_file)

    def _ask_to_stop(self, why: str) -> None:
        aside = self._folder / f".{STOPPED}.{os.getpid()}"
        aside.write_bytes(msgspec.json.encode({"why": why, "at": time.time()}))
        aside.replace(self._folder / STOPPED)
        noted = self._folder / JOB_ID
        if self._rest is not None and noted.exists():
            # nobody watches a detached job; the next restart asks again if the cluster does not answer now
            with contextlib.suppress(ServiceError):
                flink_rest.request_cancel(self._rest, noted.read_text())


class RunSplits(_Worker):
    """Encoded splits, as many as make a batch -> 1. What stands in one Arrow batch goes through the chain together."""

    def eval(self, splits: pd.Series) -> pd.Series:
        self._run_splits(splits)
        return pd.Series([1] * len(splits))

    def _run_splits(self, splits: Iterable[str]) -> None:
        batches = []
        for split in splits:
            try:
                batches.append(self._reader.read(split))
            except SourceError as error:
                self._job.dead_letters.write(unreadable(split, error))
                self._counts["dead_letters"] += 1
                self._note()
        if batches:
            self._run(joined(batches))


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of the rows of all, in order; ``batches`` is not empty. One alone is handed on as it is."""
    if len(batches) == 1:
        return batches[0]
    schema = batches[0].schema
    columns = [pa.concat_arrays([batch.column(name) for batch in batches]) for name in schema.names]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class RunGenerated(RunSplits):
    """Numbers of parts of a generated feed, `posts_per_part` posts each -> 1."""

    def __init__(
        self, job: Job, run_folder: str, rest: str | None, uri: str, posts: int | None, posts_per_part: int
    ) -> None:
        super().__init__(job, run_folder, rest)
        self._uri, self._end, self._size = uri, posts, posts_per_part

    def eval(self, parts: pd.Series) -> pd.Series:
        self._run_splits(split for part in parts if (split := self._split(int(part))))
        return pd.Series([1] * len(parts))

    def _split(self, part: int) -> str | None:
        first = part * self._size
        count = self._size if self._end is None else min(self._size, self._end - first)
        return encode(GenerateSplit(self._uri, first, count)) if count > 0 else None


class RunRecords(_Worker):
    """Kafka messages as Arrow columns -> 1. `eval` gets what the batch size and bundle time give."""

    def eval(
        self, topic: pd.Series, partition: pd.Series, offset: pd.Series, timestamp: pd.Series, raw: pd.Series
    ) -> pd.Series:
        now = time.time_ns() // 1_000_000
        columns: dict[str, Any] = {
            "source": topic,
            "partition": partition.astype(str),
            "offset": offset,
            "timestamp": pd.DatetimeIndex(timestamp).as_unit("ms").asi8,  # the session's time zone is UTC
            "ingested_at": [now] * len(raw),
            "raw": [b"" if value is None else bytes(value) for value in raw],
        }
        arrays = [pa.array(columns[column.name], column.type) for column in RAW]
        self._run(pa.RecordBatch.from_arrays(arrays, schema=RAW))
        return pd.Series([1] * len(raw))
