"""How a page lies: by quarters and by degrees, from the lines found on it."""

from __future__ import annotations

import numpy as np

from udfs.reading import drawing
from udfs.reading.ocr import Ocr, Picture, Quad, clockwise, cut

LONG = 2.5
"""Times its height that a line must be wide to have a direction."""
MOST_SKEW = 20.0
LEAST_SKEW = 0.35
"""Degrees below which a page is left as it is: across A4 that is half the height of a line."""
PIXELS = 1.5
"""By which the ends of a line may be off: on a page of short lines a small skew cannot be told from none."""
AGAIN = 3.0
"""Degrees above which lines are looked for again once the page stands upright."""
VOTES = 12


def lie(quads: list[Quad]) -> tuple[bool, float, float]:
    """Whether most lines run up or down, the degrees clockwise by which they are turned besides (-45 to 45), and those
    degrees that may be nothing but the detector's pixels."""
    angles, lengths = [], []
    for quad in quads:
        across = (quad[1] - quad[0] + quad[2] - quad[3]) / 2
        down = (quad[3] - quad[0] + quad[2] - quad[1]) / 2
        wide, tall = float(np.linalg.norm(across)), float(np.linalg.norm(down))
        if max(wide, tall) < LONG * min(wide, tall):
            continue
        x, y = across if wide > tall else down
        angles.append(float(np.degrees(np.arctan2(y, x))))
        lengths.append(max(wide, tall))
    if not angles:
        return False, 0.0, 0.0
    folded = (np.array(angles) + 90) % 180 - 90  # -90 to 90: a line has no head
    weight = np.array(lengths)
    sideways = float(weight[np.abs(folded) > 45].sum()) > 0.5 * float(weight.sum())
    skews = (folded + 45) % 90 - 45
    order = np.argsort(skews, kind="stable")
    middle = int(np.searchsorted(np.cumsum(weight[order]), 0.5 * weight.sum()))
    doubt = float(np.degrees(PIXELS / max(lengths)))
    return sideways, float(skews[order][min(middle, len(order) - 1)]), doubt


def stood(ocr: Ocr, picture: Picture, quads: list[Quad]) -> tuple[Picture, list[Quad], int, float]:
    """The picture upright, its lines there, and the degrees clockwise by which it was turned: quarters and skew."""
    sideways, slope, doubt = lie(quads)
    skew = round(-slope, 2) if LEAST_SKEW + doubt <= abs(slope) <= MOST_SKEW else 0.0
    rotation = 270 if sideways else 0  # a crop of a tall line is turned counter-clockwise: so must the page be
    longest = sorted(quads, key=lambda quad: (-_area(quad), float(quad[0, 1]), float(quad[0, 0])))[:VOTES]
    if _upside_down(ocr, [cut(picture, quad) for quad in longest]):
        rotation = (rotation + 180) % 360
    if not rotation and not skew:
        return picture, quads, 0, 0.0
    height, width = picture.shape[:2]
    upright = drawing.turned(picture, rotation, skew)
    if sideways or abs(skew) > AGAIN:
        return upright, ocr.detect(upright), rotation, skew
    moved = [clockwise(_turned(quad, width, height, rotation, skew)) for quad in quads]
    return upright, moved, rotation, skew


def _upside_down(ocr: Ocr, crops: list[Picture]) -> bool:
    """By the classifier; where that is in doubt, by how surely the three longest lines are read either way."""
    chance = ocr.upside_down(crops)
    if chance < 0.15 or chance > 0.85:
        return chance > 0.5
    sure = [0.0, 0.0]
    for crop in crops[:3]:
        sure[0] += ocr.recognise(crop)[1]
        sure[1] += ocr.recognise(np.ascontiguousarray(crop[::-1, ::-1]))[1]
    return sure[1] > sure[0]


def _turned(quad: Quad, width: int, height: int, rotation: int, skew: float) -> Quad:
    """Where the corners lie after drawing.turned (rotation 0 or 180 only: others are detected again)."""
    corners = np.array([width, height], np.float32) - quad if rotation == 180 else quad
    if not skew:
        return corners.astype(np.float32)
    matrix, _ = drawing.skew_matrix(width, height, skew)
    moved: Quad = (corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def _area(quad: Quad) -> float:
    return float(np.linalg.norm(quad[1] - quad[0]) * np.linalg.norm(quad[3] - quad[0]))
