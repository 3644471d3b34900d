"""The text layer of a PDF page as lines with boxes and ruling lines, or the finding that it cannot be trusted.

Characters come from PDFium one by one. They are put together by where they stand, not by their order in the file:
characters on one base line are one line of text until a wide gap or a ruling line of a table comes between them."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from schemas.applications import Line, Page
from udfs.reading.order import in_reading_order

GAP = 1.3
"""Ems between characters that end a line: the second column of a form, the next cell."""
SPREAD = 3.2
"""Ems that may lie between two single Chinese characters: a label of two characters stretched to the width of four."""
SPACE = 0.3
"""Ems that are a space between two characters that are not Chinese."""
FEWEST = 6
"""Characters: a page with fewer may be a scan with a page number printed on it."""
RUBBISH = 0.1
"""Share of characters without a Unicode meaning above which the layer is not read."""
COVERED = 0.5
"""Share of the page under a picture above which the picture counts, not the text beside or under it: what a person sees
and what a machine reads must be the same."""
MOST_CHARACTERS = 50_000
MOST_OBJECTS = 20_000


class _Character(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float


def read(page: Any, file: str, number: int) -> Page | None:
    """The page by its text; None: there is none that a person would see, it is rubbish, or a scan lies over it."""
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        return None
    pictured, rules = _objects(page, width, height)
    if pictured > COVERED:
        return None
    characters, rubbish, turned = _characters(page, width, height)
    shown = sum(not character.text.isspace() for character in characters)
    if shown < FEWEST or rubbish > RUBBISH * (shown + rubbish):
        return None
    if turned:
        return None  # a page whose text runs up or down: the OCR turns it
    lines = in_reading_order(_lines(characters, [rule for rule in rules if rule[0] == rule[2]], width, height))
    shares = tuple(
        (round(x0 / width, 5), round(y0 / height, 5), round(x1 / width, 5), round(y1 / height, 5))
        for x0, y0, x1, y1 in rules
    )
    return Page(file, number, "text", width, height, lines, rules=shares)


def _upright(page: Any, width: float, height: float) -> Any:
    """Maps boxes on the PDF's own axes to boxes from the top left of the shown page, in points."""
    fine = 20
    corners = []
    x, y = ctypes.c_int(), ctypes.c_int()
    for at in ((0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)):
        pdfium.FPDF_PageToDevice(page, 0, 0, round(width * fine), round(height * fine), 0, *at, x, y)
        corners.append((x.value / fine, y.value / fine))
    (x0, y0), (x1, y1), (x2, y2) = corners
    ax, ay, bx, by = (x1 - x0) / 1000, (y1 - y0) / 1000, (x2 - x0) / 1000, (y2 - y0) / 1000

    def mapped(left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        xs = (x0 + ax * left + bx * bottom, x0 + ax * right + bx * top)
        ys = (y0 + ay * left + by * bottom, y0 + ay * right + by * top)
        return min(xs), min(ys), max(xs), max(ys)

    return mapped


def _characters(page: Any, width: float, height: float) -> tuple[list[_Character], int, bool]:
    """Characters inside the page, the number of those without meaning, whether most do not stand upright."""
    upright = _upright(page, width, height)
    rotation = 90 * pdfium.FPDFPage_GetRotation(page)
    layer = pdfium.FPDFText_LoadPage(page)
    found: list[_Character] = []
    rubbish = sideways = 0
    box, tight = pdfium.FS_RECTF(), [ctypes.c_double() for _ in range(4)]
    try:
        for index in range(min(MOST_CHARACTERS, max(0, pdfium.FPDFText_CountChars(layer)))):
            code = pdfium.FPDFText_GetUnicode(layer, index)
            if pdfium.FPDFText_IsGenerated(layer, index) == 1 or code in (0x0A, 0x0D, 0x02):
                continue
            if not pdfium.FPDFText_GetLooseCharBox(layer, index, box):
                continue
            left, top, right, bottom = upright(box.left, box.bottom, box.right, box.top)
            if right <= 0 or bottom <= 0 or left >= width or top >= height:
                continue
            text = chr(code) if code < 0x110000 else "\ufffd"
            if _meaningless(text) or pdfium.FPDFText_HasUnicodeMapError(layer, index) == 1:
                rubbish += 1
                continue
            if not text.isspace() and pdfium.FPDFText_GetCharBox(layer, index, *tight):
                # loose boxes have the font's height, which some fonts put far too high; the ink is what is seen
                ink = upright(tight[0].value, tight[2].value, tight[1].value, tight[3].value)
                if ink[3] > ink[1] and (ink[1] > bottom or ink[3] < top):
                    top, bottom = ink[1], ink[3]
            if index % 8 == 0:
                # both clockwise: of the character on the page, of the page as shown
                angle = (math.degrees(pdfium.FPDFText_GetCharAngle(layer, index)) + rotation) % 360
                sideways += 25 < angle < 335
            size = max(0.1, bottom - top)
            found.append(_Character(text, left, top, right, bottom, size))
    finally:
        pdfium.FPDFText_ClosePage(layer)
    return found, rubbish, sideways * 8 > len(found) * 0.5


def _meaningless(text: str) -> bool:
    category = unicodedata.category(text)
    return text == "\ufffd" or category in ("Co", "Cn", "Cs") or (category == "Cc" and text != "\t")


def _lines(
    characters: list[_Character], uprights: list[tuple[float, float, float, float]], width: float, height: float
) -> list[Line]:
    rows: list[list[_Character]] = []
    for character in sorted(characters, key=lambda found: ((found.top + found.bottom) / 2, found.left)):
        middle = (character.top + character.bottom) / 2
        for row in reversed(rows[-12:]):
            first = row[0]
            if abs((first.top + first.bottom) / 2 - middle) < 0.35 * min(first.size, character.size):
                row.append(character)
                break
        else:
            rows.append([character])
    lines = []
    for row in rows:
        run: list[_Character] = []
        for character in sorted(row, key=lambda found: (found.left, found.right, found.text)):
            if run and not character.text.isspace() and _parted(run, character, uprights):
                lines.append(run)
                run = []
            if run and character.text == run[-1].text and abs(character.left - run[-1].left) < 0.15 * character.size:
                continue  # drawn twice a hair apart: bold as some programs make it
            if run or not character.text.isspace():
                run.append(character)
        if run:
            lines.append(run)
    return [line for run in lines if (line := _line(run, width, height)) is not None]


def _parted(run: list[_Character], right: _Character, uprights: list[tuple[float, float, float, float]]) -> bool:
    """Whether a wide gap (typed spaces count as gap) or an upright ruling line lies between a run and a character."""
    seen = [character for character in run if not character.text.isspace()]
    left = seen[-1]
    spread = len(seen) == 1 and _is_han(left.text) and _is_han(right.text)  # a label stretched over its column
    if right.left - left.right > (SPREAD if spread else GAP) * max(left.size, right.size) * 0.85:
        return True
    middle, level = (left.left + left.right) / 2, (left.top + left.bottom) / 2
    return any(middle < x < (right.left + right.right) / 2 and y0 - 1 <= level <= y1 + 1 for x, y0, _, y1 in uprights)


def _is_han(text: str) -> bool:
    return "\u4e00" <= text <= "\u9fff"


def _line(run: list[_Character], width: float, height: float) -> Line | None:
    parts: list[str] = []
    last: _Character | None = None
    for character in run:
        if character.text.isspace():
            if parts and parts[-1] != " ":
                parts.append(" ")
        else:
            if last is not None and parts[-1] != " " and character.left - last.right > SPACE * character.size:
                parts.append(" ")
            parts.append(character.text)
        last = character
    text = "".join(parts).strip()
    seen = [character for character in run if not character.text.isspace()]
    if not text or not seen:
        return None
    box = (
        min(character.left for character in seen) / width,
        min(character.top for character in seen) / height,
        max(character.right for character in seen) / width,
        max(character.bottom for character in seen) / height,
    )
    return Line(text, tuple(round(min(1.0, max(0.0, edge)), 5) for edge in box))  # type: ignore[arg-type]


def _objects(page: Any, width: float, height: float) -> tuple[float, list[tuple[float, float, float, float]]]:
    """Share of the page under pictures, and its ruling lines in points: thin shapes, and the edges of drawn boxes."""
    upright = _upright(page, width, height)
    covered = 0.0
    rules: set[tuple[float, float, float, float]] = set()
    edges = [ctypes.c_float() for _ in range(4)]
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    for index in range(min(MOST_OBJECTS, pdfium.FPDFPage_CountObjects(page))):
        found = pdfium.FPDFPage_GetObject(page, index)
        kind = pdfium.FPDFPageObj_GetType(found)
        if kind not in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH):
            continue
        if not pdfium.FPDFPageObj_GetBounds(found, *edges):
            continue
        box = upright(*(edge.value for edge in edges))
        x0, y0, x1, y1 = max(0.0, box[0]), max(0.0, box[1]), min(width, box[2]), min(height, box[3])
        if x1 < x0 or y1 < y0:
            continue
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            covered += (x1 - x0) * (y1 - y0)
            continue
        if x1 - x0 < 3 and y1 - y0 > 8:
            rules.add(((x0 + x1) / 2, y0, (x0 + x1) / 2, y1))
        elif y1 - y0 < 3 and x1 - x0 > 8:
            rules.add((x0, (y0 + y1) / 2, x1, (y0 + y1) / 2))
        elif (
            min(x1 - x0, y1 - y0) > 8
            and pdfium.FPDFPath_GetDrawMode(found, fill, stroke)
            and stroke.value
            and pdfium.FPDFPath_CountSegments(found) <= 6  # a rectangle: four lines and a close
        ):
            rules.update({(x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)})
    return covered / (width * height), sorted(rules)
