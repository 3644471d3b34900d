"""Pages drawn from strings: each (text, x, y) becomes a line with a box as wide as its characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.applications import FileReading, Line, Page, Reading

CHAR, HEIGHT = 0.018, 0.014


def line(text: str, x: float, y: float, size: float = 1.0, confidence: float = 1.0) -> Line:
    """A line whose left upper corner is at (x, y); ``size``: of its height alone."""
    width = sum(CHAR / 2 if char.isascii() else CHAR for char in text)
    return Line(text, (x, y, min(1.0, x + width), y + size * HEIGHT), confidence)


def page(
    lines: Iterable[tuple[str, float, float] | tuple[str, float, float, float]],
    number: int = 1,
    file: str = "a.pdf",
    source: str = "text",
    confidence: float = 1.0,
    rules: Sequence[tuple[float, float, float, float]] = (),
    stamps: Sequence[tuple[float, float, float, float]] = (),
) -> Page:
    """A page of lines."""
    return Page(
        file=file, number=number, source=source, width=1000, height=1414, rules=tuple(rules), stamps=tuple(stamps),
        lines=tuple(line(*given, confidence=confidence if source == "ocr" else 1.0) for given in lines),
    )  # fmt: skip


def reading(*pages: Page) -> Reading:
    """Pages as the reader gives them: by file."""
    files: dict[str, list[Page]] = {}
    for one in pages:
        files.setdefault(one.file, []).append(one)
    return Reading(
        files=tuple(FileReading(name, "0" * 64, 1, "pdf", tuple(own)) for name, own in files.items()), model="test"
    )


def grid(
    xs: Sequence[float], ys: Sequence[float], rows: Sequence[Sequence[str]]
) -> tuple[list[tuple[str, float, float]], list[tuple[float, float, float, float]]]:
    """A ruled table: cells' texts (\\n wraps) and its ruling lines; xs and ys are the edges."""
    lines = []
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            parts = text.split("\n") if text else []
            top = (ys[row] + ys[row + 1]) / 2 - len(parts) * 0.016 / 2
            lines += [(part, xs[column] + 0.008, top + at * 0.016) for at, part in enumerate(parts)]
    rules = [(xs[0], y, xs[-1], y) for y in ys] + [(x, ys[0], x, ys[-1]) for x in xs]
    return lines, rules
