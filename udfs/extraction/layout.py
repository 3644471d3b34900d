"""A page made ready for asking: folded lines, cells between ruling lines, neighbours, joined runs of lines."""

from __future__ import annotations

import bisect
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from schemas.applications import Box, Page
from udfs.extraction.folding import Folded, fold

Cell = tuple[float, float, float, float]
_EDGE = 0.012
"""Share of the page by which ruling lines and boxes may miss each other."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``page.lines[line]``, folded characters ``start`` to ``end``."""

    line: int
    start: int
    end: int


class Run:
    """Pieces of lines put together; knows box and lowest confidence of any part of its text."""

    __slots__ = ("page", "pieces", "text")

    def __init__(self, page: PageIndex, pieces: Sequence[Piece]) -> None:
        self.page = page
        self.pieces = tuple(pieces)
        self.text = "".join(page.texts[piece.line][piece.start : piece.end] for piece in pieces)

    def covering(self, start: int, end: int) -> list[Piece]:
        """The pieces that ``text[start:end]`` consists of."""
        parts: list[Piece] = []
        at = 0
        for piece in self.pieces:
            length = piece.end - piece.start
            low, high = max(start - at, 0), min(end - at, length)
            if low < high:
                parts.append(Piece(piece.line, piece.start + low, piece.start + high))
            at += length
        return parts

    def box(self, start: int, end: int) -> Box:
        """The box around a part; inside a line its share of the width is taken, wide characters counting double."""
        boxes = [self.page.part_box(piece) for piece in self.covering(start, end)]
        if not boxes:
            return (0.0, 0.0, 0.0, 0.0)
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return (min(lefts), min(tops), max(rights), max(bottoms))

    def confidence(self, start: int, end: int) -> float:
        """The lowest confidence of the lines under a part."""
        lines = self.page.page.lines
        return min((lines[piece.line].confidence for piece in self.covering(start, end)), default=0.0)

    def written(self, start: int, end: int) -> str:
        """The part as it was read, with its spaces."""
        parts = []
        for piece in self.covering(start, end):
            folded = self.page.folded[piece.line]
            parts.append(
                self.page.page.lines[piece.line].text[folded.origin[piece.start] : folded.origin[piece.end - 1] + 1]
            )
        return "".join(parts)


class PageIndex:
    """A page with its lines folded. Lines are named by their index in ``page.lines``."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.folded: list[Folded] = [fold(line.text) for line in page.lines]
        self.texts = [folded.text for folded in self.folded]
        self.boxes = [line.box for line in page.lines]
        self.ocr = page.source == "ocr"
        self.verticals, self.horizontals = _straight(page.rules)
        self._xs, self._ys = [at for at, _, _ in self.verticals], [at for at, _, _ in self.horizontals]
        self.cells: list[Cell | None] = [self._cell(*_middle(box)) for box in self.boxes]
        self.by_cell: dict[Cell, list[int]] = {}
        for at, cell in enumerate(self.cells):
            if cell is not None:
                self.by_cell.setdefault(cell, []).append(at)
        heights = sorted(box[3] - box[1] for box in self.boxes)
        self.height = heights[len(heights) // 2] if heights else 0.015
        """Of the middle line, as a share of the page."""

    def part_box(self, piece: Piece) -> Box:
        """The box of a part of a line."""
        left, top, right, bottom = self.boxes[piece.line]
        text = self.page.lines[piece.line].text
        origin = self.folded[piece.line].origin
        first, last = origin[piece.start], origin[piece.end - 1] + 1
        if first == 0 and last >= len(text):
            return (left, top, right, bottom)
        widths = [1.0 if char.isascii() else 2.0 for char in text]
        total = sum(widths) or 1.0
        width = right - left
        return (
            left + width * sum(widths[:first]) / total,
            top,
            left + width * sum(widths[:last]) / total,
            bottom,
        )

    def gap_before(self, line: int, at: int) -> bool:
        """Whether a space that is wider than letter-spacing stands before folded character ``at`` of a line."""
        origin, text = self.folded[line].origin, self.page.lines[line].text
        if at <= 0 or at >= len(origin):
            return True
        spaces = origin[at] - origin[at - 1] - 1
        if spaces == 0:
            return False
        # 申 请 人 张 三: where every character stands alone, one space says nothing
        return spaces > 1 or "\t" in text or "  " in text or text.count(" ") * 3 < len(origin)

    def cell_at(self, x: float, y: float) -> Cell | None:
        """The cell between ruling lines around a point."""
        return self._cell(x, y)

    def row_right(self, of: Box) -> list[int]:
        """Lines to the right of a box on the same row, from left to right. Boxes of OCR have a margin: two that stand
        close overlap a little."""
        slack = 0.015 if self.ocr else 0.005
        found = [
            other
            for other, box in enumerate(self.boxes)
            if box[0] >= of[2] - slack and box[0] + box[2] > 2 * of[2] and overlap(of, box) > 0.45
        ]  # fmt: skip
        return sorted(found, key=lambda other: self.boxes[other][0])

    def below(self, of: Box, reach: float = 3.2) -> list[int]:
        """Lines under a box that share its width, from the top; no farther than ``reach`` line heights."""
        left, top, right, bottom = of
        height = min(bottom - top, 2 * self.height)
        limit = bottom + reach * max(self.height, height)
        found = [
            other
            for other, box in enumerate(self.boxes)
            if bottom - 0.4 * height <= box[1] < limit and min(right, box[2]) - max(left, box[0]) > 0
        ]
        return sorted(found, key=lambda other: self.boxes[other][1])

    def continuing(self, line: int, edge: float) -> list[int]:
        """Lines that go on under ``line`` in the same column: nothing to the left on their row reaches ``edge``."""
        chain: list[int] = []
        at = line
        while True:
            box = self.boxes[at]
            height = max(self.height, box[3] - box[1])
            nearest: int | None = None
            for other, under in enumerate(self.boxes):
                gap = under[1] - box[3]
                if other == at or other in chain or not -0.5 * height < gap < 0.9 * height:
                    continue
                if under[1] <= box[1] + 0.4 * height:
                    continue
                if under[0] < edge - _EDGE or under[0] > box[2]:
                    continue
                if nearest is None or under[1] < self.boxes[nearest][1]:
                    nearest = other
            if nearest is None or self._has_left(nearest, edge) or len(chain) >= 12:
                return chain
            chain.append(nearest)
            at = nearest

    def stacked(self, line: int, edge: float, own: Collection[int], up: bool) -> list[int]:
        """Lines right above (or below) ``line`` that stand as if in its cell, nearest first: to the right of ``edge``,
        with the same left edge or the same middle, nothing beside them but the lines ``own`` of their label."""
        boxes, kept = self.boxes, [line]
        while len(kept) < 12:
            one = boxes[kept[-1]]
            height = max(self.height, one[3] - one[1])
            near = [
                other
                for other, box in enumerate(boxes)
                if other not in kept
                and self.texts[other]
                and box[0] >= edge - 0.005
                and -0.5 * height < ((one[1] - box[3]) if up else (box[1] - one[3])) < 0.7 * height
                and ((one[1] - box[1]) if up else (box[1] - one[1])) > 0.4 * height
                and (abs(box[0] - one[0]) < 0.03 or abs(box[0] + box[2] - one[0] - one[2]) < 0.03)
            ]
            if len(near) != 1 or any(
                other not in own and _beside(box, boxes[near[0]]) for other, box in enumerate(boxes)
            ):
                break
            kept.append(near[0])
        return kept[1:]

    def _has_left(self, line: int, edge: float) -> bool:
        box = self.boxes[line]
        return any(
            other != line and under[2] <= box[0] + 0.005 and _overlap(box[1], box[3], under[1], under[3]) > 0.45
            for other, under in enumerate(self.boxes)
        )

    def run(self, lines: Sequence[int]) -> Run:
        """Whole lines, joined."""
        return Run(self, [Piece(line, 0, len(self.texts[line])) for line in lines if self.texts[line]])

    def _cell(self, x: float, y: float) -> Cell | None:
        left, right = _around(self.verticals, self._xs, x, y)
        if left is None or right is None:
            return None
        top, bottom = _around(self.horizontals, self._ys, y, x)
        if top is None or bottom is None:
            return None
        return (round(left, 4), round(top, 4), round(right, 4), round(bottom, 4))


def _straight(
    rules: Sequence[tuple[float, float, float, float]],
) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]]:
    verticals: list[tuple[float, float, float]] = []
    horizontals: list[tuple[float, float, float]] = []
    for x0, y0, x1, y1 in rules:
        if abs(y1 - y0) >= abs(x1 - x0):
            verticals.append(((x0 + x1) / 2, min(y0, y1), max(y0, y1)))
        else:
            horizontals.append(((y0 + y1) / 2, min(x0, x1), max(x0, x1)))
    return sorted(verticals), sorted(horizontals)


def _around(
    rules: Sequence[tuple[float, float, float]], places: Sequence[float], at: float, across: float
) -> tuple[float | None, float | None]:
    """The nearest rules before and behind ``at`` that reach the height (or width) ``across``; sorted by place."""
    middle = bisect.bisect_right(places, at)
    before = behind = None
    for place, low, high in reversed(rules[:middle]):
        if low - _EDGE <= across <= high + _EDGE:
            before = place
            break
    for place, low, high in rules[middle:]:
        if low - _EDGE <= across <= high + _EDGE:
            behind = place
            break
    return before, behind


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _overlap(low: float, high: float, other_low: float, other_high: float) -> float:
    """Share of the shorter of two spans that both have in common."""
    shorter = min(high - low, other_high - other_low)
    return (min(high, other_high) - max(low, other_low)) / shorter if shorter > 0 else 0.0


def overlap(one: Box, other: Box) -> float:
    """Share of the lower of two boxes' heights that they have in common: above one half they are on one row."""
    return _overlap(one[1], one[3], other[1], other[3])


def _beside(box: Box, other: Box) -> bool:
    """Whether a box stands to the left or right of another and shares some of its height."""
    apart = box[2] <= other[0] + 0.005 or box[0] >= other[2] - 0.005
    return apart and overlap(box, other) > 0.1
