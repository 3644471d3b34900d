"""Tables: a header row known by its labels, rows by height, cells by column, over page ends.

A row of totals ends the table and is left out. A cell that wraps is put together: whatever stands between two rows goes
to the nearer one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from udfs.extraction.layout import PageIndex, Run, overlap

_TOTALS = re.compile(r"^(?:合计|总计|小计|共计|本页合计)")
_NOTE = re.compile(r"\([^()]{0,12}\)")
_OTHER_COLUMNS = frozenset(
    "序号 备注 签字 签名 编号 联系电话 电话 证件类型 证件名称 国籍 性别 说明 出资方式 手印 日期 职业 住址".split()
)
_END = re.compile(r"^(?:以上|注:|说明:|备注:|填表|申请人|全体|法定代表人|第[一二三四五六七八九十0-9]+[条章页])")


@dataclass(frozen=True, slots=True)
class Header:
    """A header row: lines with their columns (None: a column nobody asked for), from left to right."""

    table: str
    columns: tuple[tuple[int, str | None, str], ...]
    """(line, column or None, unit note)."""
    top: float
    bottom: float


@dataclass(slots=True)
class Row:
    """A row's cells: column -> the run of lines in it and the header's note of a unit."""

    cells: dict[str, tuple[Run, str]]
    lines: list[int]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str | None
    left: float
    right: float
    note: str
    ruled: bool = False


class Table:
    """Rows found for a table field in one document, page after page."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[Row] = []
        self.columns: list[_Column] = []
        self.page: PageIndex | None = None
        self.open = False
        """Whether its last row stood at the end of a page: it may go on."""


def headers(page: PageIndex, columns: Mapping[str, Mapping[str, str]], tables: Sequence[str]) -> list[Header]:
    """Header rows of the given tables on a page, each for the table whose labels fit it best."""
    named: dict[int, dict[str, tuple[str, str, int]]] = {}
    for line, text in enumerate(page.texts):
        if not 2 <= len(text) <= 24:
            continue
        note = _NOTE.search(text)
        bare = _NOTE.sub("", text).strip(":")
        for table in tables:
            column = (
                columns[table].get(text)
                or columns[table].get(bare)
                or (_near(bare, columns[table]) if page.ocr and len(bare) >= 3 else None)
            )
            if column is not None:
                named.setdefault(line, {})[table] = (column, note.group() if note else "", len(bare))
    found: list[Header] = []
    used: set[int] = set()
    for line in sorted(named, key=lambda line: page.boxes[line][1]):
        if line in used:
            continue
        band = [
            other
            for other in range(len(page.texts))
            if other == line or overlap(page.boxes[line], page.boxes[other]) > 0.4
        ]
        band.sort(key=lambda other: page.boxes[other][0])
        best: tuple[int, int, str] | None = None
        for table in tables:
            have = {named[other][table][0]: named[other][table][2] for other in band if table in named.get(other, {})}
            score = (len(have), sum(have.values()), table)
            if len(have) >= min(2, len(set(columns[table].values()))) and (best is None or score[:2] > best[:2]):
                best = score
        if best is None:
            continue
        table = best[2]
        row: list[tuple[int, str | None, str]] = []
        strange = 0
        seen: set[str] = set()
        for other in band:
            entry = named.get(other, {}).get(table)
            if entry is not None and entry[0] not in seen:
                seen.add(entry[0])
                row.append((other, entry[0], entry[1]))
            else:
                strange += page.texts[other] not in _OTHER_COLUMNS
                row.append((other, None, ""))
        if strange * 2 > len(seen):
            continue  # a form's row: labels and values take turns
        used.update(band)
        found.append(
            Header(
                table,
                tuple(row),
                min(page.boxes[other][1] for other in band),
                max(page.boxes[other][3] for other in band),
            )
        )
    return found


def _near(text: str, labels: Mapping[str, str]) -> str | None:
    """The column whose label differs from the text in one sign."""
    for label, column in labels.items():
        if len(label) == len(text) >= 3 and sum(a != b for a, b in zip(label, text, strict=True)) == 1:
            return column
    return None


def read_rows(
    table: Table, page: PageIndex, header: Header | None, until: float = 1.0, labelled: frozenset[int] = frozenset()
) -> set[int]:
    """Add the rows under a header (or, with None, those that go on at the page's top). -> lines used.

    ``labelled``: lines that are labels of fields; a row that holds one ends the table.
    """
    used: set[int] = set()
    if header is not None:
        table.columns = _columns(page, header)
        used.update(line for line, _, _ in header.columns)
    start = header.bottom - 0.2 * page.height if header is not None else 0.0
    lines = [
        line
        for line, box in enumerate(page.boxes)
        if page.texts[line] and start <= (box[1] + box[3]) / 2 < until and line not in used
    ]
    bands = _bands(page, lines)
    wanted = sum(column.name is not None for column in table.columns)
    placed: list[tuple[float, float, dict[int, list[int]]]] = []
    last_bottom: float | None = header.bottom if header is not None else None
    pitch = 0.0
    ended = False
    before: tuple[float, float, dict[int, list[int]]] | None = None
    for band in bands:
        top, bottom = min(page.boxes[line][1] for line in band), max(page.boxes[line][3] for line in band)
        texts = [page.texts[line] for line in band]
        if any(_TOTALS.match(text) for text in texts[:2]) or (_END.match(texts[0]) and len(band) <= 2):
            ended = True
            break
        if any(line in labelled for line in band) or _elsewhere(page, band, table.columns):
            if header is None and not placed and top < 0.25:
                continue
            ended = True
            break
        cells: dict[int, list[int]] = {}
        wide = False
        for line in band:
            at = _column_of(page, line, table.columns)
            if at is None:
                wide = True
                continue
            cells.setdefault(at, []).append(line)
        gap = top - last_bottom if last_bottom is not None else 0.0
        if last_bottom is not None and gap > max(3.0 * page.height, 1.6 * pitch):
            ended = True
            break
        if header is None and not placed and (wide or len(cells) < max(2, wanted // 2)):
            if top > 0.25:
                break
            # a running head, or the upper half of a wrapped cell: the next band tells
            before = None if wide or not cells else (top, bottom, cells)
            continue
        if before is not None and top - before[1] < 0.9 * page.height:
            placed.append(before)
        before = None
        if wide and len(cells) < 2:
            ended = True
            break
        if placed:
            pitch = max(pitch, top - placed[-1][0])
        placed.append((top, bottom, cells))
        last_bottom = bottom
    rows = _rows(page, placed, table.columns, wanted)
    for lines_of in rows:
        cells_of: dict[str, tuple[Run, str]] = {}
        for at, members in lines_of.items():
            column = table.columns[at]
            used.update(members)
            if column.name is not None:
                ordered = sorted(
                    members, key=lambda line: (round(page.boxes[line][1] / page.height), page.boxes[line][0])
                )
                cells_of[column.name] = (page.run(ordered), column.note)
        if cells_of:
            table.rows.append(Row(cells_of, [line for members in lines_of.values() for line in members]))
    table.page = page
    table.open = not ended and bool(rows) and last_bottom is not None and last_bottom > 0.6
    return used


def _elsewhere(page: PageIndex, band: Sequence[int], columns: Sequence[_Column]) -> bool:
    """Whether a ruled table's band stands in cells of other widths, or in none: it is another table or a text."""
    if not any(column.ruled for column in columns):
        return False
    cells = [cell for line in band if (cell := page.cells[line]) is not None]
    if not cells:
        return not page.ocr  # in a scan a ruling line may have been missed
    strange = sum(
        not any(abs(cell[0] - column.left) < 0.012 and abs(cell[2] - column.right) < 0.012 for column in columns)
        for cell in cells
    )
    return strange * 2 > len(cells)


def _columns(page: PageIndex, header: Header) -> list[_Column]:
    """Columns with their edges: ruled cells, else half way to the neighbours."""
    out: list[_Column] = []
    boxes = [page.boxes[line] for line, _, _ in header.columns]
    middles = [(box[0] + box[2]) / 2 for box in boxes]
    for at, (line, name, note) in enumerate(header.columns):
        cell = page.cells[line]
        # a cell around two headings lacks the ruling line between them
        if cell is not None and sum(cell[0] < middle < cell[2] for middle in middles) == 1:
            out.append(_Column(name, cell[0], cell[2], note, True))
            continue
        left = (boxes[at - 1][2] + boxes[at][0]) / 2 if at else 0.0
        right = (boxes[at][2] + boxes[at + 1][0]) / 2 if at + 1 < len(boxes) else 1.0
        out.append(_Column(name, left, right, note))
    return out


def _column_of(page: PageIndex, line: int, columns: Sequence[_Column]) -> int | None:
    """The column in which most of a line lies; None for a line over several."""
    left, _, right, _ = page.boxes[line]
    shares = [min(right, column.right) - max(left, column.left) for column in columns]
    at = max(range(len(columns)), key=lambda at: shares[at])
    width = right - left
    others = sum(max(0.0, share) for share in shares) - shares[at]
    if shares[at] <= 0 or others > 0.3 * width or ("。" in page.texts[line] and others > 0.02):
        return None
    return at


def _bands(page: PageIndex, lines: Sequence[int]) -> list[list[int]]:
    """Lines of one height together, from the top; each from left to right."""
    bands: list[list[int]] = []
    for line in sorted(lines, key=lambda line: (page.boxes[line][1] + page.boxes[line][3]) / 2):
        if bands and overlap(page.boxes[bands[-1][0]], page.boxes[line]) > 0.5:
            bands[-1].append(line)
        else:
            bands.append([line])
    return [sorted(band, key=lambda line: page.boxes[line][0]) for band in bands]


def _rows(
    page: PageIndex,
    placed: Sequence[tuple[float, float, dict[int, list[int]]]],
    columns: Sequence[_Column],
    wanted: int,
) -> list[dict[int, list[int]]]:
    """Bands put together into rows: by ruled cells where there are any, else the sparse bands join their neighbours."""
    ruled: dict[float, dict[int, list[int]]] = {}
    loose: list[tuple[float, float, dict[int, list[int]]]] = []
    for top, bottom, cells in placed:
        tops = {page.cells[line][1] for members in cells.values() for line in members if page.cells[line] is not None}  # type: ignore[index]
        if len(tops) == 1:
            row = ruled.setdefault(tops.pop(), {})
            for at, members in cells.items():
                row.setdefault(at, []).extend(members)
        else:
            loose.append((top, bottom, cells))
    if ruled and not loose and not (page.ocr and _merged(page, placed, wanted)):
        return [ruled[top] for top in sorted(ruled)]
    if ruled:
        loose = list(placed)
    full = [_is_full(cells, wanted) for _, _, cells in loose]
    if not any(full):
        return [dict(cells) for _, _, cells in loose if len(cells) >= min(2, wanted)]
    anchors = [at for at, whole in enumerate(full) if whole]
    rows = {at: {column: list(members) for column, members in loose[at][2].items()} for at in anchors}
    for at, (top, bottom, cells) in enumerate(loose):
        if at in rows:
            continue
        middle = (top + bottom) / 2
        nearest = min(anchors, key=lambda anchor: abs((loose[anchor][0] + loose[anchor][1]) / 2 - middle))
        if abs((loose[nearest][0] + loose[nearest][1]) / 2 - middle) > 2.4 * page.height:
            continue
        for column, members in cells.items():
            rows[nearest].setdefault(column, []).extend(members)
    return [rows[at] for at in anchors]


def _is_full(cells: Mapping[int, Sequence[int]], wanted: int) -> bool:
    """Whether a band has text in so many columns that it is a row and no wrapped part of one."""
    return len(cells) >= max(2, (wanted + 1) // 2)


def _merged(page: PageIndex, placed: Sequence[tuple[float, float, dict[int, list[int]]]], wanted: int) -> bool:
    """Whether two full bands stand in the same cells: the ruling line between two rows of a scan was missed."""
    tops = [
        page.cells[line][1]  # type: ignore[index]
        for _, _, cells in placed
        if _is_full(cells, wanted)
        for line in [next(iter(cells.values()))[0]]
        if page.cells[line] is not None
    ]
    return len(tops) != len(set(tops))
