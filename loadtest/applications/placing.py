"""Places a paper's blocks on sheets as marks: texts, ruling lines, seals.

Sheets have 595 x 842 points (short papers: 595 x 420). Nothing is ever cut off: what does not fit its cell is wrapped,
or written smaller when it is one word; a sheet that is full is followed by another.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtest.applications.layouts import Layout
from loadtest.applications.paper import Block, Case, Pairs, Paper, Prose, Rows, Signs
from loadtest.applications.writing import Style, write

WIDTH, HEIGHT, SHORT = 595.0, 842.0, 420.0
MARGIN = 52.0


@dataclass(frozen=True)
class Text:
    """``x``, ``y``: left end of the base line, points from the upper left corner."""

    x: float
    y: float
    size: float
    role: str
    """``title``, ``label``, ``value`` or ``hand``."""
    text: str


@dataclass(frozen=True)
class Rule:
    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 0.6


@dataclass(frozen=True)
class Seal:
    """A round red seal around its centre."""

    x: float
    y: float
    radius: float
    text: str


Mark = Text | Rule | Seal


@dataclass
class Sheet:
    """A page as marks."""

    document: str
    height: float
    marks: list[Mark] = field(default_factory=list)


class Widths(dict[str, float]):
    """Widths of characters as shares of the size, rather too large than too small: fonts differ. Filled as needed."""

    def __missing__(self, c: str) -> float:
        wide = ord(c) > 0x2000 or c == "·"
        self[c] = 1.0 if wide else 0.95 if c in "WM%@" else 0.72 if c.isupper() else 0.6
        return self[c]


WIDTHS = Widths()


def extent(text: str, size: float) -> float:
    """Width in points, rather too large than too small."""
    return size * sum(map(WIDTHS.__getitem__, text))


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Lines that fit; breaks anywhere between Chinese characters, never inside a number or code."""
    lines, line = [], ""
    for piece in pieces(text):
        if line and extent(line + piece, size) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line]


def pieces(text: str) -> list[str]:
    """What is never torn apart: numbers and codes, a sign and what it closes, a box and its word's first character."""
    found: list[str] = []
    for c in text:
        last = found[-1][-1] if found else ""
        word = c.isascii() and not c.isspace() and last.isascii() and not last.isspace()
        if last and (word or c in "，。；：、）》”%号元米" or last in "☑☐■□√（《"):
            found[-1] += c
        else:
            found.append(c)
    return found


def fitted(text: str, size: float, width: float) -> tuple[list[str], float]:
    """Lines and size: smaller when one piece alone is too wide."""
    widest = max((extent(piece, size) for piece in pieces(text)), default=0.0)
    if widest > width:
        size *= width / widest
    return wrapped(text, size, width), size


class Placing:
    """Lays one paper out; keeps the pen's height on the current sheet."""

    def __init__(self, paper: Paper, case: Case, layout: Layout, style: Style, rng: random.Random) -> None:
        self.paper, self.case, self.layout, self.style, self.rng = paper, case, layout, style, rng
        self.height = SHORT if paper.short else HEIGHT
        self.size = layout.size * (0.92 if paper.short else 1.0)
        self.lead = self.size * 1.45
        self.pad = self.size * (0.45 if paper.short else rng.uniform(0.55, 1.1))
        self.sheets: list[Sheet] = []
        self.y = 0.0
        self.section = 0
        self.labels = {
            name: rng.choice(case.wording(paper.document, name).labels)
            for name in sorted(paper.fields())
            if name not in case.tables
        }
        self.turn()

    def turn(self) -> None:
        """A new sheet."""
        self.sheets.append(Sheet(self.paper.document, self.height))
        self.y = MARGIN if self.height == HEIGHT else 36.0

    def room(self, height: float) -> None:
        if self.y + height > self.height - (46 if self.height == HEIGHT else 20):
            self.turn()

    def put(self, mark: Mark) -> None:
        self.sheets[-1].marks.append(mark)

    def write(self, x: float, y: float, text: str, role: str, size: float | None = None) -> None:
        if text:
            self.put(Text(x, y, size or self.size, role, text))

    def run(self) -> list[Sheet]:
        title = self.rng.choice(self.paper.titles)
        lines, size = fitted(title, 19 if self.height == HEIGHT else 16, WIDTH - 2 * MARGIN)
        for line in lines:
            self.y += size * 1.2
            # the bold of a heading is drawn a little wider than counted
            self.write((WIDTH - extent(line, size)) / 2, self.y, line, "title", size)
        self.y += self.lead
        for block in self.paper.blocks:
            self.block(block)
        return self.sheets

    def block(self, block: Block) -> None:
        if isinstance(block, Pairs):
            self.heading("")
            PLACED[self.layout.family](self, [(self.label(name), self.text(name)) for name in block.fields])
            self.y += self.lead * 0.7
        elif isinstance(block, Rows):
            self.table(block)
        elif isinstance(block, Prose):
            for paragraph in block.paragraphs:
                self.paragraph(paragraph)
        else:
            self.signs(block)

    def heading(self, text: str) -> None:
        # licences and cards have no numbered parts
        if not (text or (self.layout.sections and not self.paper.short)):
            return
        number = "一二三四五六七八九"[self.section]
        self.section += 1
        self.room(self.lead * 4)
        self.y += self.size * 0.6
        words = text or ("基本信息" if self.section == 1 else "其他事项")
        self.write(MARGIN, self.y, f"{number}、{words}" if self.layout.sections else words, "label")
        self.y += self.size * 0.9

    def label(self, name: str) -> str:
        text = self.labels[name]
        return "　".join(text) if self.layout.spread and 2 <= len(text) <= 4 and self.layout.family == "grid" else text

    def text(self, name: str) -> str:
        return self.case.text(self.paper.document, name, self.style)

    def grid(self, pairs: list[tuple[str, str]]) -> None:
        """Cells label | value, ``columns`` pairs a row; a value that is long takes the row."""
        bars = self.layout.family == "bars"
        width = (WIDTH - 2 * MARGIN) / self.layout.columns
        label_width = min(max(extent(label, self.size) for label, _ in pairs) + 2 * self.pad, width * 0.42)
        line_height = self.lead * 0.92
        for row in self.packed(pairs, width - label_width - 2 * self.pad):
            cells = []
            for place, (label, text) in enumerate(row):
                end = WIDTH - MARGIN if place == len(row) - 1 else MARGIN + (place + 1) * width
                left = MARGIN + place * width
                inner = end - left - label_width - 2 * self.pad
                cells.append(
                    (left, end, fitted(label, self.size, label_width - self.pad), fitted(text, self.size, inner), inner)
                )
            height = (
                max(max(len(label[0]), len(text[0])) for _, _, label, text, _ in cells) * line_height + 2 * self.pad
            )
            self.room(height)
            top = self.y
            for left, end, (labels, label_size), (lines, size), inner in cells:
                if bars:
                    self.put(Rule(left, top, end, top))
                    self.put(Rule(left, top + height, end, top + height))
                else:
                    self.frame(left, top, end, top + height)
                    self.put(Rule(left + label_width, top, left + label_width, top + height))
                self.cell(
                    left + self.pad * 0.5,
                    top,
                    height,
                    labels,
                    "label",
                    label_size,
                    centre=label_width - self.pad if self.layout.centred else 0,
                )
                self.cell(
                    left + label_width + self.pad,
                    top,
                    height,
                    lines,
                    "value",
                    size,
                    centre=inner if self.layout.centred else 0,
                )
            self.y += height

    def packed(self, pairs: list[tuple[str, str]], inner: float) -> list[list[tuple[str, str]]]:
        rows: list[list[tuple[str, str]]] = []
        row: list[tuple[str, str]] = []
        for label, text in pairs:
            wide = extent(text, self.size) > inner
            if row and (wide or len(row) == self.layout.columns):
                rows.append(row)
                row = []
            row.append((label, text))
            if wide:
                rows.append(row)
                row = []
        return [*rows, row] if row else rows

    def frame(self, x0: float, y0: float, x1: float, y1: float) -> None:
        for line in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            rule = Rule(*(round(each, 2) for each in line))
            # neighbouring cells share an edge: it is drawn once
            if rule not in self.sheets[-1].marks[-40:]:
                self.put(rule)

    def cell(
        self, x: float, top: float, height: float, lines: list[str], role: str, size: float, centre: float = 0
    ) -> None:
        """Lines in the middle of a cell's height; ``centre`` is the width in which they are centred."""
        pitch = self.lead * 0.92
        y = top + (height - pitch * len(lines)) / 2 + pitch * 0.76
        for line in lines:
            shift = max(0.0, (centre - extent(line, size)) / 2) if centre else 0.0
            self.write(x + shift, y, line, role, size)
            y += pitch

    def lines(self, pairs: list[tuple[str, str]]) -> None:
        """Label：value, a line each, wrapped under the value."""
        for number, (label, text) in enumerate(pairs, 1):
            head = f"{number}．{label}：" if self.layout.sections else f"{label}："
            indent = extent(head, self.size)
            lines, size = fitted(text, self.size, WIDTH - 2 * MARGIN - indent)
            self.room(len(lines) * self.lead)
            for place, line in enumerate(lines):
                self.y += self.lead * 1.08
                if not place:
                    self.write(MARGIN, self.y, head, "label")
                self.write(MARGIN + indent, self.y, line, "value", size)
        self.y += self.pad

    def underlined(self, pairs: list[tuple[str, str]]) -> None:
        """Label：____value____, columns side by side, no borders."""
        width = (WIDTH - 2 * MARGIN) / self.layout.columns
        longest = max(extent(label + "：", self.size) for label, _ in pairs)
        for row in self.packed(pairs, width - longest - 16):
            self.room(self.lead * 2.4)
            base, deepest = self.y, 1
            for place, (label, text) in enumerate(row):
                left = MARGIN + place * width
                end = (WIDTH - MARGIN if place == len(row) - 1 else left + width) - 6
                start = left + (longest if self.layout.spread else extent(label + "：", self.size)) + 4
                lines, size = fitted(text, self.size, end - start - 4)
                deepest = max(deepest, len(lines))
                self.write(left, base + self.lead * 1.1, label + "：", "label")
                for number, line in enumerate(lines):
                    y = base + self.lead * (1.1 + 1.1 * number)
                    self.write(start + 3, y, line, "value", size)
                    self.put(Rule(start, y + 3.4, end, y + 3.4, 0.5))
            self.y = base + self.lead * (1.1 * deepest + 0.25)
        self.y += self.pad

    def stacked(self, pairs: list[tuple[str, str]]) -> None:
        """Boxes with a small label above the value."""
        width = (WIDTH - 2 * MARGIN) / self.layout.columns
        small = self.size * 0.82
        for row in self.packed(pairs, width - 2 * self.pad):
            cells = []
            for place, (label, text) in enumerate(row):
                left = MARGIN + place * width
                end = WIDTH - MARGIN if place == len(row) - 1 else left + width
                cells.append((left, end, label, fitted(text, self.size, end - left - 2 * self.pad)))
            height = small * 1.5 + max(len(text[0]) for *_, text in cells) * self.lead + self.pad
            self.room(height)
            for left, end, label, (lines, size) in cells:
                self.frame(left, self.y, end, self.y + height)
                self.write(left + self.pad, self.y + small * 1.3, label, "label", small)
                self.cell(left + self.pad, self.y + small * 1.4, height - small * 1.5, lines, "value", size)
            self.y += height

    def table(self, block: Rows) -> None:
        """Header and rows with borders; the header is repeated on every sheet."""
        words = self.case.columns[block.table]
        rows = self.case.rows(self.paper.document, block.table)
        heads = [self.rng.choice(words[name].labels) for name in block.columns]
        body = [[write(words[name], row[name], self.style) for name in block.columns] for row in rows]
        if block.total:
            sums = ["" for _ in block.columns]
            sums[0] = "合计"
            sums[block.columns.index(block.total)] = write(
                words[block.total], round(sum(row[block.total] for row in rows), 2), self.style
            )
            body.append(sums)
        if block.heading:
            self.heading(block.heading)
        size = min(self.size, 10.5)
        needs = [max(extent(row[i], size) for row in [heads, *body]) + 10 for i in range(len(heads))]
        share = (WIDTH - 2 * MARGIN) / sum(needs)
        edges = [MARGIN]
        for need in needs:
            edges.append(edges[-1] + need * share)
        self.row(edges, heads, size, "label")
        for row in body:
            sheet = len(self.sheets)
            self.room(self.measured(edges, row, size)[1])
            if len(self.sheets) != sheet:
                self.row(edges, heads, size, "label")
            self.row(edges, row, size, "value")
        self.y += self.lead * 0.8

    def measured(self, edges: list[float], row: list[str], size: float) -> tuple[list[tuple[list[str], float]], float]:
        cells = [fitted(text, size, right - left - 8) for text, left, right in zip(row, edges, edges[1:], strict=False)]
        return cells, max(len(lines) for lines, _ in cells) * self.lead * 0.92 + self.pad * 1.2

    def row(self, edges: list[float], row: list[str], size: float, role: str) -> None:
        cells, height = self.measured(edges, row, size)
        for (lines, smaller), left, right in zip(cells, edges, edges[1:], strict=False):
            self.frame(left, self.y, right, self.y + height)
            self.cell(left + 4, self.y, height, lines, role, smaller, centre=right - left - 8)
        self.y += height

    def paragraph(self, template: str) -> None:
        """Running text with two characters' indent; values stand in it as they would be typed."""
        text = template
        for part in template.split("{")[1:]:
            name = part.split("}")[0]
            text = text.replace("{" + name + "}", self.text(name))
        for line in wrapped("　　" + text, self.size, WIDTH - 2 * MARGIN):
            self.room(self.lead)
            self.y += self.lead
            self.write(MARGIN, self.y, line, "label")
        self.y += self.pad

    def signs(self, block: Signs) -> None:
        """Signatures to the right; a seal lies half over the last of them."""
        self.room(self.lead * (2.2 * len(block.fields) + 1))
        self.y += self.lead * 0.6
        # further left where a long name would not fit on its line
        needs = [extent(self.labels[name] + "：" + self.text(name), self.size * 1.25) + 12 for name in block.fields]
        left = max(MARGIN, min(WIDTH * self.rng.uniform(0.3, 0.42), WIDTH - MARGIN - max(needs, default=0.0)))
        for name in block.fields:
            label = self.labels[name] + "："
            signature = self.case.words[name].kind == "signature"
            self.y += self.lead * 1.35
            start = left + extent(label, self.size) + 6
            self.write(left, self.y, label, "label")
            lines, size = fitted(self.text(name), self.size * (1.25 if signature else 1.0), WIDTH - MARGIN - start)
            for place, line in enumerate(lines):
                if place:
                    self.y += self.lead * 1.3
                    self.room(self.lead * 0.5)
                self.write(start, self.y, line, "hand" if signature else "value", size)
        signatures = [name for name in block.fields if self.case.words[name].kind == "signature"]
        blank = any(self.case.value(self.paper.document, name) is None for name in signatures)
        # whoever did not sign did not seal either: a seal alone would count as signed
        owner = str(self.case.value(self.paper.document, block.seal) or "") if block.seal else ""
        if owner and not blank:
            radius = 46.0 if self.height == HEIGHT else 36.0
            y = min(self.y - self.lead * 0.4, self.height - radius - 8)
            self.put(Seal(WIDTH - MARGIN - radius - self.rng.uniform(0, 30), y, radius, owner[:16]))
        self.y += self.lead


PLACED: dict[str, Callable[[Placing, list[tuple[str, str]]], None]] = {
    "grid": Placing.grid,
    "bars": Placing.grid,
    "lines": Placing.lines,
    "underlined": Placing.underlined,
    "stacked": Placing.stacked,
}


def place(paper: Paper, case: Case, layout: Layout, rng: random.Random) -> list[Sheet]:
    """The paper's sheets. Draws labels, title and style from ``rng``."""
    style = Style.draw(rng, dates=layout.dates, choices=layout.choices)
    return Placing(paper, case, layout, style, rng).run()
