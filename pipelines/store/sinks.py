"""Sinks: steps that write a batch to ClickHouse and hand it on once it is acknowledged.

Order and delivery. A sink inserts its batch as one synchronous HTTP request, in the calling thread, and returns after
ClickHouse has written the part and fed the incremental views. The engine therefore checkpoints an offset only when
every row before it is stored. Rows of one insert become visible together. After a failure the engine sends the rows
again; the tables collapse them by key (posts by version, dead letters by their last write), so a row written twice is
one row under FINAL. Between two workers there is no order, and none is needed: versions decide.

Waiting. StoreUnavailable is retried in place for ``give_up_after_s`` (a restart of ClickHouse takes less), then raised:
the engine restarts the job from its checkpoint, without end. Nothing becomes a dead letter because the store is down.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from governance.vault.rows import vault_rows
from pipelines.store.client import StoreSettings, connect, translated, with_retries
from schemas.errors import StoreUnavailable
from schemas.records import DEAD_LETTER, values_of, with_columns
from schemas.step import Sink

GIVE_UP_AFTER_S = 20.0
"""A Python worker that blocks longer would hold up the checkpoint barrier; Flink's time-out for one is minutes."""

TIMESTAMP = pa.timestamp("ms", tz="UTC")
LATEST_MS = 4_294_967_295_000
"""7 February 2106, the end of ClickHouse's DateTime; an event time outside 1970..2106 is stored as the nearer end."""

GENERATION_BITS = 16


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def versions(updated_at: pa.Array, generation: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """``updated_at`` in ms << 16 | generation: what decides which of two rows of one post stays."""
    return (clipped(updated_at).astype(np.uint64) << np.uint64(GENERATION_BITS)) | np.uint64(generation)


def clipped(milliseconds: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Times as an array, nulls as 0, cut to what ClickHouse can hold."""
    values: np.ndarray[Any, np.dtype[np.int64]] = milliseconds.fill_null(0).to_numpy(zero_copy_only=False)
    return np.clip(values, 0, LATEST_MS)


def times(milliseconds: pa.Array) -> pa.Array:
    return pa.array(clipped(milliseconds)).cast(TIMESTAMP)


def distinct(lists: pa.ListArray, name: str) -> pa.Array:
    """For each list of structs the distinct values of field ``name``, sorted, nulls and empties left out."""
    values = values_of(lists.values.field(name))
    found: list[list[str]] = [[]] * len(lists)
    offsets = lists.offsets.to_numpy()
    for row in np.flatnonzero(np.diff(offsets)).tolist():
        found[row] = sorted({value for value in values[offsets[row] : offsets[row + 1]] if value})
    return pa.array(found, pa.list_(pa.string()))


class StoreSink(Sink):
    """A sink with a client of its own and the retries described above."""

    table: ClassVar[str]

    def __init__(
        self,
        settings: StoreSettings,
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.give_up_after_s = give_up_after_s
        self._client: Client | None = None

    def open(self) -> None:
        """Connect. Raises StoreUnavailable when nobody answers in time, StoreError for a wrong login."""
        if self._client is None:
            self._client = with_retries(lambda: connect(self.settings), self.give_up_after_s)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def insert(self, columns: Mapping[str, pa.Array | Sequence[Any]]) -> None:
        """Insert rows synchronously; returns after the acknowledgement. No rows: no request."""
        table = pa.table(dict(columns))
        if not table.num_rows:
            return
        client = self._client
        if client is None:
            raise StoreUnavailable(f"{self.table}: the sink is not open")

        def attempt() -> None:
            with translated(f"insert into {self.table}", detail=False):
                client.insert_arrow(self.table, table)

        with_retries(attempt, self.give_up_after_s)


_AS_THEY_ARE = (
    *("language", "text", "text_l2", "pii", "places", "items", "people", "sentiment", "sentiment_score", "emotion"),
    *("emotion_score", "need", "need_score", "help_score", "needs", "hazards", "source_kind", "state", "priority"),
    *("keywords", "likes", "reposts", "comments", "model", "embedding"),
)
"""Columns of the batch that are columns of ``posts`` without a change."""


class StorePosts(StoreSink):
    """Writes rendered posts to ``posts``. ``generation``: 0 for the stream, raised by each replay."""

    name = "store"
    table = "posts"
    reads = (
        *("id", "platform", "created_at", "updated_at", "ingested_at", "source", "partition", "offset"),
        *("author_token", "phone_tokens", "repost_of"),
        *_AS_THEY_ARE,
    )

    def __init__(
        self,
        settings: StoreSettings,
        generation: int = 0,
        job: str = "opinion",
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        super().__init__(settings, clock, give_up_after_s)
        if not 0 <= generation < 1 << GENERATION_BITS:
            raise ValueError(f"generation {generation} is not in 0..{(1 << GENERATION_BITS) - 1}")
        self.generation = generation
        self.job = job

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.insert(self.rows(batch))
        return batch

    def rows(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns of ``posts`` for ``batch``. Cost: about 2 us a post; nested columns are passed on as they are."""
        count = batch.num_rows
        columns = {name: batch.column(name) for name in _AS_THEY_ARE}
        columns["platform"] = batch.column("platform")
        columns["post_id"] = batch.column("id")
        columns["version"] = pa.array(versions(batch.column("updated_at"), self.generation))
        columns["generation"] = _constant(self.generation, count, pa.uint16())
        columns["created_at"] = times(batch.column("created_at"))
        columns["ingested_at"] = times(batch.column("ingested_at"))
        columns["stored_at"] = _constant(self.clock(), count, pa.int64()).cast(TIMESTAMP)
        columns["job"] = _constant(self.job, count, pa.string())
        for name in ("source", "partition", "offset", "author_token", "phone_tokens"):
            columns[name] = batch.column(name)
        columns["repost_of"] = batch.column("repost_of").fill_null("")
        columns["categories"] = distinct(batch.column("keywords"), "category")
        columns["adcodes"] = distinct(batch.column("places"), "adcode")
        return columns


class StoreVault(StoreSink):
    """Writes sealed identifiers (column ``vault`` of governance.seal) to ``pii_vault``.

    Which are kept and for how long is governance's to say (``governance.vault.rows.vault_rows``); ``ttl_days`` can only
    shorten it.
    """

    name = "vault"
    table = "pii_vault"
    reads = ("id", "platform", "updated_at", "vault", "needs", "hazards", "keywords")

    def __init__(
        self,
        settings: StoreSettings,
        generation: int = 0,
        ttl_days: int | None = None,
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        super().__init__(settings, clock, give_up_after_s)
        self.generation = generation
        self.ttl_days = ttl_days

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.insert(self.rows(batch))
        return batch

    def rows(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns of ``pii_vault``: one row a sealed value."""
        now = self.clock()
        version = pa.array(versions(batch.column("updated_at"), self.generation)).cast(pa.int64())
        sealed = vault_rows(with_columns(batch, _VERSION, {"version": version}), now, self.ttl_days)
        columns = {name: sealed.column(name) for name in sealed.schema.names}
        columns["version"] = columns["version"].cast(pa.uint64())
        for name in ("expires_at", "hold_until"):
            columns[name] = columns[name].cast(TIMESTAMP)
        columns["stored_at"] = _constant(now, sealed.num_rows, pa.int64()).cast(TIMESTAMP)
        return columns


_VERSION = pa.schema([pa.field("version", pa.int64())])


SealRaw = Callable[[bytes, str, str, int], bytes]
"""Encrypts (raw, source, partition, offset); the position is bound to the ciphertext."""


class DeadLetterSink(StoreSink):
    """Writes dead letters: raw bytes sealed, SHA-256 of the plain bytes, one row a source position."""

    name = "dead_letters"
    table = "dead_letters"
    reads = tuple(DEAD_LETTER.names)

    def __init__(
        self,
        settings: StoreSettings,
        seal: SealRaw,
        job: str = "opinion",
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        super().__init__(settings, clock, give_up_after_s)
        self.seal = seal
        self.job = job

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        self.write(batch)
        return batch

    def write(self, dead: pa.RecordBatch) -> None:
        """Store ``dead`` (columns of ``DEAD_LETTER``); returns after the acknowledgement."""
        self._put(dead, "open")

    def mark_retried(self, dead: pa.RecordBatch) -> None:
        """Write ``dead`` again with state ``retried``: the records have become posts."""
        self._put(dead, "retried")

    def _put(self, dead: pa.RecordBatch, state: str) -> None:
        position = ("source", "partition", "offset")
        raw = dead.column("raw").to_pylist()
        positions = zip(*(dead.column(name).to_pylist() for name in position), strict=True)
        sealed = [self.seal(plain, *where) for plain, where in zip(raw, positions, strict=True)]
        columns: dict[str, pa.Array] = {name: dead.column(name) for name in (*position, "step", "reason")}
        columns["raw"] = pa.array(sealed, pa.binary())
        columns["sha256"] = pa.array([hashlib.sha256(plain).hexdigest() for plain in raw], pa.string())
        columns["state"] = _constant(state, dead.num_rows, pa.string())
        columns["job"] = _constant(self.job, dead.num_rows, pa.string())
        columns["stored_at"] = _constant(self.clock(), dead.num_rows, pa.int64()).cast(TIMESTAMP)
        self.insert(columns)


def _constant(value: object, count: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
