"""The step `settle`: a replay of the feed does not undo what a person had deleted or corrected."""

from __future__ import annotations

import pyarrow as pa

from governance.tokens import PHONE_KINDS
from pipelines.store.client import StoreSettings, with_retries
from pipelines.store.sinks import GIVE_UP_AFTER_S
from pipelines.store.vault import ClickHouseVault
from schemas import records
from schemas.step import Step


class Settle(Step):
    """Right after ``seal`` in a replay of the feed: numbers that a person had deleted or corrected keep that decision.

    The vault's own rows need no help (``governance.vault.rows.GOVERNED``); ``posts.phone_tokens`` is written anew with
    every post, so the token of the number as it was posted would come back into the counts. Not for the live stream:
    what is posted after a decision is new. Cost: one request for 200 posts with a number, some 10 ms.
    """

    name = "settle"
    reads = ("id", "platform", "phone_tokens", "vault")
    writes = pa.schema([records.SEALED.field("phone_tokens")])

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._vault: ClickHouseVault | None = None

    def open(self) -> None:
        self._vault = ClickHouseVault(self.settings)

    def close(self) -> None:
        if self._vault is not None:
            self._vault.close()
            self._vault = None

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replace ``phone_tokens`` where a decision says so. Raises StoreUnavailable, after retries, and StoreError."""
        if self._vault is None:
            raise RuntimeError("open() was not called")
        vault, tokens = self._vault, batch.column("phone_tokens").to_pylist()
        posts = list(zip(batch.column("platform").to_pylist(), batch.column("id").to_pylist(), strict=True))
        asked = sorted({post for post, found in zip(posts, tokens, strict=True) if found})
        decided = with_retries(lambda: vault.decided(asked), GIVE_UP_AFTER_S) if asked else {}
        if not decided:
            return batch
        for row, (post, values) in enumerate(zip(posts, batch.column("vault").to_pylist(), strict=True)):
            phones = [value for value in values or () if value["type"] in PHONE_KINDS]
            now = [decided.get((*post, one["start"], one["type"]), one["token"]) for one in phones]
            tokens[row] = list(dict.fromkeys(filter(None, now)))
        return records.with_columns(batch, self.writes, {"phone_tokens": tokens})
