"""The data class of every column in the store, read from the migrations.

A column is declared on a line of its own that ends in ``COMMENT 'L2 what it is'``; the comment travels into ClickHouse
(``system.columns``), so the class stands where the data stands. A test compares both sides and fails for a column
without a class.

| class | | shown to |
| --- | --- | --- |
| L1 | public: definitions, counts without a person | everyone |
| L2 | internal: masked text, labels, ids of posts | analysts (views), operators |
| L3 | sensitive: shared places, keyed tokens of authors and callers | alerts, governed access |
| L4 | restricted: identifiers, encrypted raw records | reveal, with role, purpose, reason and audit entry |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"

DATA_CLASSES = ("L1", "L2", "L3", "L4")

_CREATE = re.compile(
    r"^CREATE\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:\w+\.)?(\w+)", re.I
)
_COLUMN = re.compile(r"^\s+`?(\w+)`?\s.*COMMENT\s+'(L[1-4]) [^']+'")
_ADD = re.compile(
    r"^ALTER\s+TABLE\s+(?:\w+\.)?(\w+)\s+ADD\s+COLUMN\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(\w+)`?\s"
    r".*COMMENT\s+'(L[1-4]) [^']+'",
    re.I,
)
_COMMENT = re.compile(
    r"^ALTER\s+TABLE\s+(?:\w+\.)?(\w+)\s+COMMENT\s+COLUMN\s+(?:IF\s+EXISTS\s+)?`?(\w+)`?\s+'(L[1-4]) [^']+'", re.I
)
_DROP = re.compile(r"^DROP\s+(?:TABLE|VIEW)\s+(?:IF\s+EXISTS\s+)?(?:\w+\.)?(\w+)", re.I)


@lru_cache(maxsize=4)
def data_classes(directory: Path = MIGRATIONS) -> Mapping[str, Mapping[str, str]]:
    """Table or view -> column -> data class, after all migrations in order. Cost: a few milliseconds, once."""
    tables: dict[str, dict[str, str]] = {}
    for path in sorted(directory.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        current: dict[str, str] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            if created := _CREATE.match(line):
                current = tables[created.group(1)] = {}
            elif changed := _ADD.match(line) or _COMMENT.match(line):
                tables[changed.group(1)][changed.group(2)] = changed.group(3)
            elif dropped := _DROP.match(line):
                tables.pop(dropped.group(1), None)
            elif column := _COLUMN.match(line):
                current[column.group(1)] = column.group(2)
    return {table: columns for table, columns in tables.items() if columns}
