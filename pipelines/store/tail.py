"""Reading ``posts`` in the order in which the store got them, as rows arrive, each row once.

Where it stands is the ``stored_at`` up to which everything was read, and the keys of the rows of the last half minute:
a sink that had to try again shows its rows later than ``stored_at`` says, so every few seconds that half minute is
looked through for rows that were not there before. A post that is edited or replayed has a new ``stored_at`` and comes
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated
from pipelines.store.sinks import GIVE_UP_AFTER_S, now_ms

ROWS_AT_ONCE = 2_000
LATE_MS = int(GIVE_UP_AFTER_S * 1_000) + 10_000
"""A sink gives up after 20 s; what it stores after that has a new ``stored_at``."""
SWEEP_MS = 5_000

ALWAYS = ("platform", "post_id", "stored_at", "generation")
_TIMES = frozenset({"created_at", "ingested_at", "stored_at"})
_AS_PLAIN_STRINGS = {"output_format_arrow_low_cardinality_as_dictionary": 0, "output_format_arrow_string_as_string": 1}
_SPAN = "stored_at > fromUnixTimestamp64Milli({since:Int64}) AND stored_at <= fromUnixTimestamp64Milli({until:Int64})"
_UNTIL = f"""SELECT max(s) FROM (SELECT toUnixTimestamp64Milli(stored_at) AS s FROM posts
WHERE stored_at > fromUnixTimestamp64Milli({{since:Int64}}) ORDER BY stored_at LIMIT {ROWS_AT_ONCE})"""  # noqa: S608
_KEY = "cityHash64(platform, post_id, version, stored_at)"


class Position(msgspec.Struct, frozen=True):
    """Where a tail stands: all rows with ``stored_at`` <= ``stored_ms`` were read, but for those that come late.

    ``seen`` holds (key, stored_ms) of the rows read that may still have late neighbours, as little-endian pairs of
    uint64: 16 bytes a post of the last half minute.
    """

    stored_ms: int
    seen: bytes = b""


class PostTail:
    """Reads ``columns`` of posts besides those in ``ALWAYS``. Times come as int64 ms, low-cardinality strings as plain
    strings, lists of tuples as lists of structs. Raises StoreUnavailable or StoreError; call again."""

    def __init__(
        self, client: Client, columns: Sequence[str], position: Position, clock: Callable[[], int] = now_ms
    ) -> None:
        self._client, self._clock = client, clock
        names = dict.fromkeys((*ALWAYS, *columns))
        # under another name: `stored_at` in WHERE would else be the number
        self._names = list(names)
        self._select = ", ".join(
            f"toUnixTimestamp64Milli({n}) AS {n}_" if n in _TIMES else f"{n} AS {n}_" for n in names
        )
        self._stored_ms = position.stored_ms
        pairs = np.frombuffer(position.seen, "<u8").reshape(-1, 2).tolist()
        self._seen: dict[int, int] = dict(pairs)
        self._swept_at = clock()

    def read(self) -> list[pa.RecordBatch]:
        """What is new, in order, in batches of at most ``ROWS_AT_ONCE``; empty when nothing is.

        At most about ``ROWS_AT_ONCE`` rows a call, or one insert if that is larger. Cost without news: one query over
        one column, a few ms.
        """
        late = self._late()
        with translated("posts"):
            until = int(self._client.query(_UNTIL, {"since": self._stored_ms}).first_row[0] or 0)
        new = []
        if until > self._stored_ms:
            new = self._rows(_SPAN, {"since": self._stored_ms, "until": until})
            self._stored_ms = until
        self._forget()
        return late + new

    @property
    def position(self) -> Position:
        """Where it stands after the last ``read``."""
        pairs = np.array(list(self._seen.items()), "<u8").reshape(-1, 2)
        return Position(self._stored_ms, pairs.tobytes())

    def _late(self) -> list[pa.RecordBatch]:
        now = self._clock()
        if now - self._swept_at < SWEEP_MS or not self._seen:
            return []
        self._swept_at = now
        span = {"since": self._stored_ms - LATE_MS, "until": self._stored_ms}
        with translated("posts"):
            keys = self._client.query(f"SELECT {_KEY} FROM posts WHERE {_SPAN}", span).result_columns  # noqa: S608
        missing = sorted(set(keys[0]) - self._seen.keys()) if keys else []
        late = []
        for at in range(0, len(missing), ROWS_AT_ONCE):  # they travel in the question's address
            named = {**span, "keys": missing[at : at + ROWS_AT_ONCE]}
            late += self._rows(f"{_SPAN} AND {_KEY} IN {{keys:Array(UInt64)}}", named)
        return late

    def _rows(self, where: str, parameters: Mapping[str, Any]) -> list[pa.RecordBatch]:
        sql = f"SELECT {self._select}, {_KEY} AS key_ FROM posts WHERE {where} ORDER BY stored_at, platform, post_id"  # noqa: S608
        with translated("posts", detail=False):
            found = self._client.query_arrow(sql, dict(parameters), settings=_AS_PLAIN_STRINGS)
        keys = found.column("key_").to_pylist()
        self._seen.update(zip(keys, found.column("stored_at_").to_pylist(), strict=True))
        rows = found.drop_columns(["key_"]).rename_columns(self._names)
        return [batch for batch in rows.combine_chunks().to_batches(max_chunksize=ROWS_AT_ONCE) if batch.num_rows]

    def _forget(self) -> None:
        oldest = self._stored_ms - LATE_MS
        if self._seen and min(self._seen.values()) <= oldest:
            self._seen = {key: stored for key, stored in self._seen.items() if stored > oldest}
