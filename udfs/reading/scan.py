"""A picture of a page becomes pages with lines: the order of the steps from pixels to text."""

from __future__ import annotations

import numpy as np

from schemas.applications import Line, Page
from udfs.reading.limits import Limits
from udfs.reading.ocr import Ocr, Picture, Quad, cut
from udfs.reading.order import in_reading_order

LEAST = 0.2
"""A line whose least sure character is less sure than this is noise."""


class Scanner:
    """Reads pictures; one a process, since it keeps the networks."""

    def __init__(self, ocr: Ocr, limits: Limits) -> None:
        self._ocr = ocr
        self._limits = limits

    def read(self, picture: Picture, file: str, number: int) -> tuple[Page, ...]:
        height, width = picture.shape[:2]
        lines = []
        for quad in self._ocr.detect(picture):
            text, confidence = self._ocr.recognise(cut(picture, quad))
            if text.strip() and confidence >= LEAST:
                lines.append(Line(text.strip(), _share(quad, width, height), confidence))
        return (Page(file, number, "ocr" if lines else "blank", width, height, in_reading_order(lines)),)


def _share(quad: Quad, width: int, height: int) -> tuple[float, float, float, float]:
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    box = np.clip((left / width, top / height, right / width, bottom / height), 0, 1)
    return tuple(round(float(edge), 5) for edge in box)  # type: ignore[return-value]
