"""DOCX files: paragraphs and table cells in order, with made-up boxes that keep rows and columns.

An archive is measured by its directory before a member is unpacked; zipfile never unpacks more of a member than the
directory says. Text that is not shown is not read: deleted by a tracked change, or hidden."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from schemas.applications import Line, Page
from udfs.reading.failures import Refused
from udfs.reading.limits import MEGABYTE, Limits
from udfs.reading.ocr import Picture
from udfs.reading.scan import Scanner

WIDTH, HEIGHT = 595.0, 842.0
"""Points of A4, the made-up page."""
LINE = 14.0
LEFT, RIGHT, TOP = 60.0, 535.0, 50.0
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"

_UNSHOWN = (_W + "pPr", _W + "rPr", _W + "del", _W + "moveFrom", _FALLBACK)


class Word:
    """A DOCX file, already laid out. Raises Refused: no DOCX, encrypted, a bomb, broken."""

    def __init__(self, content: bytes, file: str, limits: Limits) -> None:
        self._file = file
        _check_archive(content, limits)
        import docx  # a tenth of a second: only a process that reads one pays it

        try:
            body = docx.Document(io.BytesIO(content)).element.body
        except MemoryError:
            raise
        except Exception as error:  # lxml, zipfile and python-docx raise what they like
            raise Refused("broken", f"not a document of Word ({type(error).__name__})") from None
        self._pages = list(_pages(body))
        if len(self._pages) > limits.file_pages:
            raise Refused("too_many_pages", f"{len(self._pages)} pages, allowed {limits.file_pages}")

    def count(self) -> int:
        return len(self._pages)

    def read(self, number: int, scanner: Scanner) -> tuple[Page, ...]:
        rows, rules = self._pages[number - 1]
        height = max(HEIGHT, TOP + LINE * (max((row for row, *_ in rows), default=0) + 2))
        lines = tuple(Line(text, _shares(left, row, right, row + 0.85, height)) for row, left, right, text in rows)
        drawn = tuple(_shares(*rule, height) for rule in rules)
        source = "text" if lines else "blank"
        return (Page(self._file, number, source, WIDTH, height, lines, rules=drawn),)

    def picture(self, number: int, side: int) -> Picture | None:
        return None


def _shares(x0: float, y0: float, x1: float, y1: float, height: float) -> tuple[float, float, float, float]:
    """x in points and y in lines as shares of the page."""
    top, bottom = ((TOP + y * LINE) / height for y in (y0, y1))
    return round(x0 / WIDTH, 5), round(top, 5), round(x1 / WIDTH, 5), round(bottom, 5)


def _check_archive(content: bytes, limits: Limits) -> None:
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise Refused("broken", f"the archive has no directory ({type(error).__name__})") from None
    if len(members) > limits.archive_members:
        raise Refused("archive_bomb", f"{len(members)} members, allowed {limits.archive_members}")
    total = sum(member.file_size for member in members)
    if total > limits.archive_bytes:
        raise Refused("archive_bomb", f"{total} bytes unpacked, allowed {limits.archive_bytes}")
    for member in members:
        if member.file_size > MEGABYTE and member.file_size > limits.archive_ratio * max(1, member.compress_size):
            ratio = member.file_size // max(1, member.compress_size)
            raise Refused("archive_bomb", f"a member unpacks {ratio}-fold, allowed {limits.archive_ratio}")
    if any(member.flag_bits & 1 for member in members):
        raise Refused("encrypted", "members of the archive are encrypted")
    if not any(member.filename == "word/document.xml" for member in members):
        raise Refused("unsupported", f"an archive of {len(members)} members that is no document of Word")


Row = tuple[float, float, float, str]
"""Number of the line on its page, left and right in points, text."""
Rule = tuple[float, float, float, float]
"""x0, y0, x1, y1: x in points, y in numbers of lines."""


def _pages(body: Any) -> Iterator[tuple[list[Row], list[Rule]]]:
    """Pages end where the author or the program that last laid the text out broke them."""
    rows: list[Row] = []
    rules: list[Rule] = []
    at = 0
    for block in _blocks(body):
        if block.tag == _W + "tbl":
            at = _table(block, at, LEFT, RIGHT, rows, rules) + 1
            continue
        for index, part in enumerate(_text(block).split("\f")):
            if index:
                yield rows, rules
                rows, rules, at = [], [], 0
            for line in part.split("\n"):
                left = LEFT
                for cell in line.split("\t"):
                    if cell.strip():
                        right = min(RIGHT, left + 10.5 * len(cell))
                        rows.append((at, left, right, cell.strip()))
                        left = right
                    left += 32.0
                at += 1
    yield rows, rules


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables of a body or cell in order, also those inside content controls."""
    for child in parent.iterchildren():
        if child.tag in (_W + "p", _W + "tbl"):
            yield child
        elif child.tag in (_W + "sdt", _W + "sdtContent", _W + "customXml", _W + "ins"):
            yield from _blocks(child)


def _table(table: Any, at: int, left: float, right: float, rows: list[Row], rules: list[Rule]) -> int:
    """Lays out a table from line ``at``; returns the line below it. A table inside a cell is laid out in its column."""
    grid = [float(column.get(_W + "w") or 0) for column in table.iterfind(f"{_W}tblGrid/{_W}gridCol")]
    found = [row for row in table.iter(_W + "tr") if _table_of(row) is table]
    widest = max((sum(_span(cell) for cell in _cells(row)) for row in found), default=1) or 1
    if len(grid) < widest or sum(grid) <= 0:
        grid = [1.0] * widest
    edges = [left]
    for column in grid:
        edges.append(edges[-1] + column / sum(grid) * (right - left))
    top = at
    for row in found:
        column, below = 0, at + 1
        spans = []
        for cell in _cells(row):
            begins, column = column, min(len(edges) - 1, column + _span(cell))
            x0, x1 = edges[min(begins, len(edges) - 1)], edges[column]
            line = at
            for block in _blocks(cell):
                if block.tag == _W + "tbl":
                    line = _table(block, line, x0 + 2, x1 - 2, rows, rules)
                    continue
                for part in _text(block).replace("\f", "\n").replace("\t", " ").split("\n"):
                    if part.strip():
                        rows.append((line, x0 + 3, min(x1 - 3, x0 + 3 + 10.5 * len(part.strip())), part.strip()))
                    line += 1
            below = max(below, line)
            spans.append((x0, x1))
        rules.append((left, at - 0.07, right, at - 0.07))
        for x0, x1 in spans:
            rules.append((x0, at - 0.07, x0, below - 0.07))
            if x1 == spans[-1][1]:
                rules.append((x1, at - 0.07, x1, below - 0.07))
        at = below
    if at > top:
        rules.append((left, at - 0.07, right, at - 0.07))
    return at


def _table_of(row: Any) -> Any:
    parent = row.getparent()
    while parent is not None and parent.tag != _W + "tbl":
        parent = parent.getparent()
    return parent


def _cells(row: Any) -> Iterator[Any]:
    for child in row.iterchildren():
        if child.tag == _W + "tc":
            yield child
        elif child.tag in (_W + "sdt", _W + "sdtContent", _W + "customXml"):
            yield from _cells(child)


def _span(cell: Any) -> int:
    found = cell.find(f"{_W}tcPr/{_W}gridSpan")
    try:
        return max(1, min(64, int(found.get(_W + "val")))) if found is not None else 1
    except (TypeError, ValueError):
        return 1


def _text(paragraph: Any) -> str:
    r"""Its shown text; ``\t`` and ``\n`` as typed, ``\f`` where a page ends."""
    parts: list[str] = []

    def walk(element: Any) -> None:
        for child in element.iterchildren():
            tag = child.tag
            if tag == _W + "t":
                parts.append(child.text or "")
            elif tag == _W + "tab":
                if element.tag == _W + "r":  # in a paragraph's properties it is a tab stop
                    parts.append("\t")
            elif tag == _W + "br":
                parts.append("\f" if child.get(_W + "type") == "page" else "\n")
            elif tag == _W + "cr":
                parts.append("\n")
            elif tag == _W + "lastRenderedPageBreak":
                parts.append("\f")
            elif tag in _UNSHOWN or (tag == _W + "r" and child.find(f"{_W}rPr/{_W}vanish") is not None):
                continue
            elif tag == _W + "p":  # inside a text box
                parts.append("\n")
                walk(child)
                parts.append("\n")
            else:
                walk(child)

    walk(paragraph)
    # a typed page break is followed by the mark of where the page was last broken: one break, not two
    text = "".join(parts)
    while "\f\f" in text:
        text = text.replace("\f\f", "\f")
    return text
