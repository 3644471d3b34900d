"""The JSON line of a decision (CONTRACT.md, "Approval, in and out"), and a file of such lines as a register.

The file is for the operator who ran `approve` and holds what the documents say: it is made for its owner's eyes only.
It only ever grows; of several lines of an application the last counts, so a run that is stopped loses nothing that was
decided, and the next one goes on where it was.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from schemas.applications import APPROVE, Check, Decision, Evidence, Field, Found
from schemas.errors import JobError, UsageError

MACHINE = "machine"
_PLACES = 4
"""Decimals of confidences and boxes."""


def line_of(decision: Decision, seconds: float, report: str) -> dict[str, Any]:
    """What the contract promises, and ``type``, ``reasons``, ``documents``, ``unread`` and versions besides.

    ``final`` is true for what the machine may decide alone, an approval; anything else waits for an officer.
    """
    return {
        "application_id": decision.application_id,
        "type": decision.type,
        "decision": decision.decision,
        "confidence": round(decision.confidence, _PLACES),
        "fields": {name: _field(field) for name, field in decision.extraction.fields.items()},
        "checks": [_check(check) for check in decision.checks],
        "supplement": list(decision.supplement),
        "final": decision.decision == APPROVE,
        "decided_by": MACHINE,
        "seconds": round(seconds, 3),
        "report": report,
        "reasons": list(decision.reasons),
        "documents": [
            {
                "document": one.id,
                "file": one.file,
                "pages": list(one.pages),
                "confidence": round(one.confidence, _PLACES),
            }
            for one in decision.extraction.documents
        ],
        "rules": decision.rules,
        "models": decision.models,
        "decided_on": decision.decided_on,
        "fingerprint": decision.fingerprint,
    }


def _field(field: Field) -> dict[str, Any] | None:
    if field.rows:
        cells = [cell for row in field.rows for cell in row.values()]
        first = cells[0] if cells else None
        return {
            "value": [{name: cell.value for name, cell in row.items()} for row in field.rows],
            "confidence": round(min((cell.confidence for cell in cells), default=0.0), _PLACES),
            "file": first.file if first else "",
            "page": first.page if first else 0,
            "box": _around([cell for cell in cells if first and (cell.file, cell.page) == (first.file, first.page)]),
        }
    if field.best is None:
        return None
    return {
        "value": field.best.value,
        "confidence": round(field.best.confidence, _PLACES),
        "file": field.best.file,
        "page": field.best.page,
        "box": _box(field.best.box),
    }


def _around(cells: list[Found]) -> list[float]:
    if not cells:
        return []
    lefts, tops, rights, bottoms = zip(*(cell.box for cell in cells), strict=True)
    return _box((min(lefts), min(tops), max(rights), max(bottoms)))


def _box(box: tuple[float, float, float, float]) -> list[float]:
    return [round(edge, _PLACES) for edge in box]


def _check(check: Check) -> dict[str, Any]:
    return {
        "rule": check.rule,
        "title": check.title,
        "passed": check.passed,
        "outcome": check.outcome,
        "reason": check.reason,
        "evidence": [_evidence(one) for one in check.evidence],
        "legal_basis": check.legal_basis,
        "version": check.version,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "field": evidence.field,
        "text": evidence.text,
        "file": evidence.file,
        "page": evidence.page,
        "box": _box(evidence.box),
    }


@dataclass(frozen=True)
class Held:
    """What a register remembers of an application's last line."""

    fingerprint: str
    decision: str
    final: bool
    decided_by: str


class Lines:
    """A file of decisions. One process at a time writes it: a lock on it says so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held: dict[str, Held] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Lines:
        """Read what is there and open the file for more.

        A last line that was cut off (a killed process) is removed. Raises UsageError for a file of something else.
        """
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(handle, "r+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end = 0
            for number, (line, whole) in enumerate(_complete(self._file), 1):
                if not whole:
                    break
                self._remember(line, number)
                end += len(line)
            self._file.truncate(end)
            self._file.seek(end)
        except BlockingIOError:
            self.__exit__()
            raise UsageError(f"--output {self.path}: another process writes it; wait for it, or name another") from None
        except OSError as error:
            raise UsageError(f"--output {self.path}: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, row: dict[str, Any]) -> None:
        """Write a line; it outlives this process when this returns. Raises JobError for a full disk."""
        if self._file is None:
            raise RuntimeError("not open")
        encoded = msgspec.json.encode(row) + b"\n"
        try:
            self._file.write(encoded)
            self._file.flush()
        except OSError as error:
            raise JobError(f"--output {self.path} cannot be written: {error.strerror}") from None
        self._remember(encoded, 0)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The last line of each application, in the order in which they first came."""
        last: dict[str, bytes] = {}
        with self.path.open("rb") as file:
            for line, whole in _complete(file):
                if whole:
                    last[msgspec.json.decode(line)["application_id"]] = line
        for line in last.values():
            yield msgspec.json.decode(line)

    def _remember(self, line: bytes, number: int) -> None:
        try:
            row = msgspec.json.decode(line)
            self.held[row["application_id"]] = Held(
                row.get("fingerprint", ""), row["decision"], row["final"], row["decided_by"]
            )
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            raise UsageError(
                f"--output {self.path}: line {number} is no decision; name a new file, or one that `approve` wrote"
            ) from None


def _complete(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    for line in file:
        yield line, line.endswith(b"\n")
