"""Where dead letters go: into the store with their raw bytes encrypted, into a file without them, or nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa

from governance.crypto import Sealer, context
from governance.keys import load_keys
from pipelines.store.client import StoreSettings
from pipelines.store.sinks import DeadLetterSink
from schemas.records import DEAD_LETTER


def position(source: str, partition: str, offset: int) -> bytes:
    """Authenticated data of a dead letter: its bytes open only at the position they came from."""
    return context("dead_letter", source, partition, str(offset))


class StoredDeadLetters:
    """Encrypts raw bytes with the home's key and writes them to `dead_letters`; one row a position."""

    def __init__(self, home: Path, store: StoreSettings, master_key: str, job: str) -> None:
        self._home, self._master_key = home, master_key
        self._sink = DeadLetterSink(store, seal=self._seal, job=job)

    def open(self) -> None:
        self._sealer: Sealer | None = Sealer(load_keys(self._home, self._master_key).master)
        self._sink.open()

    def write(self, dead: pa.RecordBatch) -> None:
        self._sink.write(dead)

    def mark_retried(self, letters: Sequence[tuple[Any, ...]]) -> None:
        """Note that these (columns of DEAD_LETTER) have become posts."""
        columns = dict(zip(DEAD_LETTER.names, zip(*letters, strict=True), strict=True))
        self._sink.mark_retried(pa.RecordBatch.from_pydict(columns, schema=DEAD_LETTER))

    def close(self) -> None:
        self._sealer = None
        self._sink.close()

    def _seal(self, raw: bytes, source: str, partition: str, offset: int) -> bytes:
        if self._sealer is None:
            raise RuntimeError("open() was not called")
        return self._sealer.seal(raw, position(source, partition, offset))


@dataclass
class CountedDeadLetters:
    """For the filters: counts; with `path` a line for each (number, step, reason, SHA-256), never the bytes."""

    path: Path | None = None
    count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    _file: IO[bytes] | None = None

    def open(self) -> None:
        if self.path is not None:
            self._file = self.path.open("wb")

    def write(self, dead: pa.RecordBatch) -> None:
        self.count += dead.num_rows
        for row in dead.to_pylist():
            reason = f"{row['step']}: {row['reason']}"
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
            if self._file is not None:
                self._file.write(msgspec.json.encode(_line(row)) + b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "line": row["offset"] + 1,
        "step": row["step"],
        "reason": row["reason"],
        "sha256": hashlib.sha256(row["raw"]).hexdigest(),
    }
