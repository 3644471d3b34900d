"""Reading order: rows from top to bottom, within a row from left to right."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.applications import Line


def in_reading_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines whose middles lie within the height of a row's first line are one row; ties fall to position, then text, so
    that the order does not depend on the order in which they came."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (_middle(line), line.box[0], line.text)):
        if rows:
            first = rows[-1][0]
            reach = 0.5 * max(first.box[3] - first.box[1], line.box[3] - line.box[1])
            if _middle(line) - _middle(first) < reach:
                rows[-1].append(line)
                continue
        rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda line: (line.box[0], line.box[1], line.text)))


def _middle(line: Line) -> float:
    return (line.box[1] + line.box[3]) / 2
