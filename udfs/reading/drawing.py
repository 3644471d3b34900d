"""A piece of a page as a PNG: what a person is shown beside a value."""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from schemas.applications import Box, Page
from udfs.reading import paper
from udfs.reading.failures import Refused
from udfs.reading.ocr import Picture

MARGIN = 0.012
"""Of the page's longer side, around the piece."""
SHARPEST = 4400
"""Pixels of the longer side of the whole page from which a piece is cut."""


class Drawable(Protocol):
    def picture(self, number: int, side: int) -> Picture | None: ...


def drawn(document: Drawable, page: Page, box: Box, width: int) -> bytes:
    """The piece of the upright page, at most ``width`` pixels wide, as PNG; b"" when the page has no picture."""
    across = max(0.02, box[2] - box[0] + 2 * MARGIN)
    longer = max(page.width, page.height) / max(1.0, page.width)
    side = int(min(SHARPEST, max(200.0, width / across * longer / max(0.05, page.region[2] - page.region[0]))))
    stored = document.picture(page.number, side)
    if stored is None:
        return b""
    sheet = stored if page.source == "text" else paper.flattened(stored)
    upright = turned(sheet, page.rotation, page.skew)
    whole_height, whole_width = upright.shape[:2]
    left, top, right, bottom = page.region
    part = upright[
        round(top * whole_height) : max(round(bottom * whole_height), round(top * whole_height) + 1),
        round(left * whole_width) : max(round(right * whole_width), round(left * whole_width) + 1),
    ]
    height, across_pixels = part.shape[:2]
    margin = MARGIN * max(height, across_pixels) if box != (0.0, 0.0, 1.0, 1.0) else 0
    x0, y0 = max(0, round(box[0] * across_pixels - margin)), max(0, round(box[1] * height - margin))
    x1 = min(across_pixels, max(x0 + 1, round(box[2] * across_pixels + margin)))
    y1 = min(height, max(y0 + 1, round(box[3] * height + margin)))
    piece = part[y0:y1, x0:x1]
    if piece.size == 0:
        raise Refused("broken", "a box outside the page")
    if piece.shape[1] > width:
        scaled = (width, max(1, round(piece.shape[0] * width / piece.shape[1])))
        piece = cv2.resize(piece, scaled, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    good, encoded = cv2.imencode(".png", piece)
    if not good:
        raise Refused("broken", "a piece that cannot be drawn")
    return encoded.tobytes()


def turned(picture: Picture, rotation: int, skew: float) -> Picture:
    """Turned clockwise by ``rotation`` (a multiple of 90) and ``skew`` degrees; with skew on a larger white canvas."""
    quarter = rotation % 360 // 90
    turned_by_quarters = np.ascontiguousarray(np.rot90(picture, -quarter)) if quarter else picture
    if not skew:
        return turned_by_quarters
    height, width = turned_by_quarters.shape[:2]
    matrix, size = skew_matrix(width, height, skew)
    return cv2.warpAffine(
        turned_by_quarters, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 3
    ).astype(np.uint8, copy=False)


def skew_matrix(width: int, height: int, skew: float) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """The affine map that turns a picture clockwise by ``skew`` degrees about its middle, and the size it then has."""
    cosine, sine = abs(math.cos(math.radians(skew))), abs(math.sin(math.radians(skew)))
    size = (math.ceil(width * cosine + height * sine), math.ceil(height * cosine + width * sine))
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), -skew, 1.0), np.float64)
    matrix[:, 2] += (size[0] / 2 - width / 2, size[1] / 2 - height / 2)
    return matrix, size
