"""A picture of a page becomes pages with lines: the order of the steps from pixels to text."""

from __future__ import annotations

import cv2
import numpy as np

from schemas.applications import Box, Line, Page
from udfs.reading import drawing, paper, parts, ruling, seals, upright
from udfs.reading.limits import Limits
from udfs.reading.ocr import Ocr, Picture, Quad, cut
from udfs.reading.order import in_reading_order

LEAST = 0.1
"""A line whose least sure character is less sure than this is noise."""
BLANK = 0.00005
"""Share of ink below which nothing is looked for: a page number of three characters on A4 has twice that."""
FAINT = 0.6
"""A page whose only lines are one or two characters, none surer than this, is blank: specks and stains."""


class Scanner:
    """Reads pictures; one a process, since it keeps the networks."""

    def __init__(self, ocr: Ocr, limits: Limits) -> None:
        self._ocr = ocr
        self._limits = limits

    def read(self, picture: Picture, file: str, number: int) -> tuple[Page, ...]:
        """The pages in a picture as it is stored: one, or two when it holds two documents.

        1. The sheet of a photo is laid flat and its light made even. 2. Seals are found and their red faded. 3. A blank
        page ends here. 4. Lines are detected, and tell how the page lies; it is turned. 5. Ruling lines part cells.
        6. Each line is recognised. 7. Two documents become two pages."""
        sheet = paper.evened(paper.flattened(picture))
        stamps = seals.found(sheet)
        clean = seals.without(sheet, stamps)
        if is_blank(clean):
            return (self._blank(sheet, file, number, stamps),)
        quads = self._ocr.detect(clean)
        if not quads:
            return (self._blank(sheet, file, number, stamps),)
        page, quads, rotation, skew = upright.stood(self._ocr, clean, quads)
        if stamps and (rotation or skew):
            stamps = seals.found(drawing.turned(sheet, rotation, skew))
        height, width = page.shape[:2]
        rules = ruling.found(page, quads)
        lines = []
        for quad in ruling.parted(quads, rules, width, height):
            text, confidence = self._ocr.recognise(cut(page, quad))
            if text.strip() and confidence >= LEAST:
                lines.append(Line(text.strip(), _share(quad, width, height), confidence))
        if all(len(line.text) <= 2 and line.confidence < FAINT for line in lines):
            return (self._blank(sheet, file, number, stamps),)
        whole = Page(file, number, "ocr", width, height, in_reading_order(lines), rotation, skew, stamps, rules)
        regions = parts.found(page, lines)
        return tuple(_part(whole, index, region) for index, region in enumerate(regions, 1)) or (whole,)

    @staticmethod
    def _blank(sheet: Picture, file: str, number: int, stamps: tuple[Box, ...]) -> Page:
        return Page(file, number, "blank", sheet.shape[1], sheet.shape[0], stamps=stamps)


def is_blank(picture: Picture) -> bool:
    """Whether there is hardly any ink but specks: the edge is left out (shadows, holes, staples)."""
    height, width = picture.shape[:2]
    scale = min(1.0, 1200 / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    dark = cv2.medianBlur(ruling.ink(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), 3)
    y, x = size[1] // 60, size[0] // 60
    return float(dark[y : size[1] - y, x : size[0] - x].mean()) < BLANK


def _part(whole: Page, index: int, region: Box) -> Page:
    """The part of a page inside a region as a page of its own."""
    lines = [line for line in whole.lines if parts.holds(region, line.box)]
    rules = [rule for rule in whole.rules if parts.holds(region, rule)]
    return Page(
        whole.file,
        whole.number,
        whole.source,
        round(whole.width * (region[2] - region[0])),
        round(whole.height * (region[3] - region[1])),
        in_reading_order(Line(line.text, parts.inside(region, line.box), line.confidence) for line in lines),
        whole.rotation,
        whole.skew,
        tuple(parts.inside(region, stamp) for stamp in whole.stamps if parts.holds(region, stamp)),
        tuple(parts.inside(region, rule) for rule in rules),
        index,
        region,
    )


def _share(quad: Quad, width: int, height: int) -> Box:
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    box = np.clip((left / width, top / height, right / width, bottom / height), 0, 1)
    return tuple(round(float(edge), 5) for edge in box)  # type: ignore[return-value]
