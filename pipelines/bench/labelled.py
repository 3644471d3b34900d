"""Labelled JSON lines as the benchmarks read them: `--data FILE`, .gz too, blank lines skipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import UsageError


def read(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """(number of the line from 1, object) of every line of ``path``.

    Raises UsageError with the line's number and the remedy, never its text, for the first line that is no object.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"--data {path} cannot be read ({error}); give JSON lines, or JSON lines in .gz") from None
    decode = msgspec.json.Decoder().decode
    rows: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except msgspec.DecodeError:
            raise UsageError(f"--data {path}, line {number}: not JSON; write one JSON object a line") from None
        if not isinstance(row, dict):
            raise UsageError(f'--data {path}, line {number}: not an object; write {{"text": ..., "sentiment": ...}}')
        rows.append((number, row))
    return rows
