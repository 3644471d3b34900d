"""How far a live stream is behind, noted by its workers and asked by followers that must not slow it.

Above capacity analytics go first. Topics wait (``HoldBack``) from half of the lag at which ``classify`` sheds
(``udfs.encoder.shedding``), so they have given way before any post gets less than its all. Nothing of theirs is lost:
posts stay in the store, and the follower goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import structlog
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, translated
from pipelines.store.sinks import GIVE_UP_AFTER_S, TIMESTAMP, StoreSink, now_ms
from udfs.encoder.shedding import SHED, Overload, lag_ms

NOTE_MS = 5_000
"""A worker notes its lag this often: a request in 5 s, where one a batch would be five a second."""
FRESH_MS = 3 * NOTE_MS
"""A note older than this says nothing of now: the stream has stopped, and holds nobody back."""
ASK_MS = 2_000

log = structlog.get_logger()


class NoteLag(StoreSink):
    """Writes how long records had been published when they were stored, the worst of ``note_ms``. Stands last in a
    live job; rows without a time of publishing note nothing."""

    name = "lag"
    table = "stream_lag"
    reads: ClassVar[tuple[str, ...]] = ("timestamp", "model")

    def __init__(
        self,
        settings: StoreSettings,
        run: str = "",
        note_ms: int = NOTE_MS,
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        super().__init__(settings, clock, give_up_after_s)
        self.run, self.note_ms = run, note_ms
        self._noted_at = self._worst = self._posts = self._shed = 0

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        now = self.clock()
        lag = lag_ms(batch, now) if batch.num_rows else None
        if lag is None:
            return batch
        self._worst = max(self._worst, lag)
        self._posts += batch.num_rows
        self._shed += pc.sum(pc.ends_with(batch.column("model"), SHED)).as_py() or 0
        if now - self._noted_at >= self.note_ms:
            self.insert(
                {
                    "at": pa.array([now], pa.int64()).cast(TIMESTAMP),
                    "run": pa.array([self.run]),
                    "lag_ms": pa.array([self._worst], pa.uint64()),
                    "posts": pa.array([self._posts], pa.uint64()),
                    "shed": pa.array([self._shed], pa.uint64()),
                }
            )
            self._noted_at, self._worst, self._posts, self._shed = now, 0, 0, 0
        return batch


def worst_lag_ms(client: Client, since_ms: int) -> int:
    """The worst lag that any worker noted from ``since_ms`` on; 0 when none did."""
    with translated("how far the stream is behind"):
        found = client.query(
            "SELECT max(lag_ms) FROM stream_lag WHERE at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
            {"since": since_ms},
        )
    return int(found.result_rows[0][0])


class HoldBack:
    """Whether a follower should leave the store to the stream now.

    From half of ``lag_s`` on, until the lag is below half of ``back_s``; ``lag_s`` 0 never holds. Asks the store every
    two seconds at most, and says in the log when it begins and ends. Raises what the store raises.
    """

    def __init__(self, name: str, lag_s: float, back_s: float) -> None:
        self._name = name
        self._overload = Overload(lag_s / 2, back_s / 2) if lag_s else None
        self._asked_at: int | None = None

    def __call__(self, client: Client, now_ms: int) -> bool:
        """True: do not read posts now, ask again at the next poll."""
        if self._overload is None:
            return False
        if self._asked_at is None or now_ms - self._asked_at >= ASK_MS:
            self._asked_at = now_ms
            was = self._overload.on
            lag = worst_lag_ms(client, now_ms - FRESH_MS)
            if self._overload.see(lag) != was:
                event = "overload: follower goes on" if was else "overload: follower waits for the stream"
                log.warning(event, follower=self._name, lag_s=lag // 1000)
        return self._overload.on
