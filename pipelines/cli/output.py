"""How commands list things: a table for people, JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Format(StrEnum):
    """`--format` of every command that lists something."""

    TABLE = "table"
    JSON = "json"


def listing(rows: Sequence[dict[str, Any]], how: Format, columns: Sequence[str] | None = None) -> None:
    """Print rows on stdout; an empty table still shows its head."""
    if how is Format.JSON:
        for row in rows:
            sys.stdout.write(msgspec.json.encode(row, enc_hook=str).decode() + "\n")
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    names = list(columns or (rows[0] if rows else ["(nothing)"]))
    table = Table(*names, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    # a pipe has no width: a row stays a line there
    Console(width=None if sys.stdout.isatty() else 1_000, markup=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(held)}" for name, held in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)
