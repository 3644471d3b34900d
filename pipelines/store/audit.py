"""The ledger's copy in the store: table ``audit_log``, to ask questions of and to check the files against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from governance.audit import AUDIT_LOG, Follow
from pipelines.store.client import StoreSettings, connect, translated
from pipelines.store.sinks import TIMESTAMP

ROWS_AT_ONCE = 5_000


class LedgerCopy:
    """Copies what is new; one process at a time (the notifier of a home), else entries would stand there twice."""

    def __init__(self, client: Client, home: Path) -> None:
        self._client, self._home = client, home
        self._follow: Follow | None = None

    def round(self) -> int:
        """Copy all new entries; returns how many. Raises StoreUnavailable, StoreError, OSError for files that cannot be
        read; the next call then asks the store how far it came."""
        follow, self._follow = self._follow, None  # kept only when all goes well
        if follow is None:
            with translated("audit_log"):
                done = self._client.query("SELECT writer, max(seq) FROM audit_log GROUP BY writer").result_rows
            follow = Follow(self._home, {str(writer): int(seq) for writer, seq in done})
        copied = 0
        while rows := follow.rows(ROWS_AT_ONCE):
            columns = {field.name: pa.array([row[field.name] for row in rows], field.type) for field in AUDIT_LOG}
            columns["seq"] = columns["seq"].cast(pa.uint64())
            columns["at"] = columns["at"].cast(TIMESTAMP)
            with translated("insert into audit_log", detail=False):
                self._client.insert_arrow("audit_log", pa.table(columns))
            copied += len(rows)
        self._follow = follow
        return copied


def copied_entries(settings: StoreSettings) -> Iterator[dict[str, Any]]:
    """Writer, seq and hash of every entry in the store's copy, for ``governance.audit.verify``."""
    sql = "SELECT writer, toInt64(seq) AS seq, hash FROM audit_log ORDER BY writer, seq"
    with connect(settings) as client, translated("audit_log"), client.query_rows_stream(sql) as rows:
        for writer, seq, digest in rows:
            yield {"writer": writer, "seq": seq, "hash": digest}
