"""Ruling lines of tables in a picture, and lines of text parted where an upright one runs through them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from udfs.reading.ocr import Picture, Quad

SMALL = 1400
SHORTEST = 0.022
"""Of the longer side: strokes of characters are shorter."""
Rule = tuple[float, float, float, float]
"""x0, y0, x1, y1 in shares of the page."""


def ink(picture: Picture) -> Picture:
    """1 where a pixel is clearly darker than what lies around it; 0 elsewhere."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 18)


def found(picture: Picture, quads: list[Quad]) -> tuple[Rule, ...]:
    """Horizontal and vertical ruling lines of an upright page, top to bottom; none inside its lines of text ``quads``:
    strokes of large characters in a row look like one."""
    height, width = picture.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    dark = ink(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    length = max(12, round(SHORTEST * max(size)))
    rules: list[Rule] = []
    for across, down in ((length, 1), (1, length)):
        # a line a little out of true is broken into steps: thickening it first keeps it whole
        thick = cv2.dilate(dark, np.ones((3, 1) if across > 1 else (1, 3), np.uint8))
        kept = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((down, across), np.uint8))
        kept = cv2.morphologyEx(kept, cv2.MORPH_CLOSE, np.ones((1, 9) if across > 1 else (9, 1), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(kept)
        for left, top, wide, high, area in stats[1:count]:
            long, wander = (wide, high) if across > 1 else (high, wide)
            # half a degree out of true, a rule across the page wanders ten times its thickness
            if area / long > 9 or wander > 9 + 0.02 * long or long < 1.5 * length:
                continue  # a bar or a piece of a picture; the side of a box for ticks, or a stroke
            if across > 1:
                y = (top + high / 2) / size[1]
                rules.append((left / size[0], y, (left + wide) / size[0], y))
            else:
                x = (left + wide / 2) / size[0]
                rules.append((x, top / size[1], x, (top + high) / size[1]))
    rules = [rule for rule in rules if not any(_is_stroke(rule, quad, width, height) for quad in quads)]
    rounded = (tuple(round(float(edge), 5) for edge in rule) for rule in rules)
    return tuple(sorted(rounded, key=_order))  # type: ignore[arg-type]


def parted(quads: list[Quad], rules: tuple[Rule, ...], width: int, height: int) -> list[Quad]:
    """The quadrilaterals of an upright page, cut where an upright ruling line passes through: cells are lines apart."""
    uprights = [(x0 * width, y0 * height, y1 * height) for x0, y0, x1, y1 in rules if x0 == x1]
    pieces: list[Quad] = []
    for quad in quads:
        left, right = float(quad[[0, 3], 0].mean()), float(quad[[1, 2], 0].mean())
        top, bottom = float(quad[:2, 1].mean()), float(quad[2:, 1].mean())
        middle, tall = (top + bottom) / 2, bottom - top
        cuts = [
            x
            for x, y0, y1 in uprights
            if left + 0.4 * tall < x < right - 0.4 * tall and y0 <= middle <= y1 and y1 - y0 > tall
        ]
        edges = [0.0, *((x - left) / (right - left) for x in sorted(set(cuts))), 1.0]
        for begin, end in pairwise(edges):
            if (end - begin) * (right - left) < 0.3 * tall:
                continue
            above, below = quad[1] - quad[0], quad[2] - quad[3]
            inset = 2 / max(1.0, right - left)  # the line itself would be read as a stroke
            a, b = begin + (inset if begin else 0), end - (inset if end < 1 else 0)
            pieces.append(
                np.array(
                    [quad[0] + a * above, quad[0] + b * above, quad[3] + b * below, quad[3] + a * below], np.float32
                )
            )
    return pieces


def _is_stroke(rule: Rule, quad: Quad, width: int, height: int) -> bool:
    """Whether a ruling line lies inside a line of text: a cell's own lines touch it from outside, or pass through."""
    left, top = quad.min(axis=0)
    right, bottom = quad.max(axis=0)
    x0, y0, x1, y1 = rule[0] * width, rule[1] * height, rule[2] * width, rule[3] * height
    inset = 0.1 * (bottom - top)
    return bool(x0 >= left - inset and x1 <= right + inset and y0 > top + inset and y1 < bottom - inset)


def _order(rule: Rule) -> tuple[float, float, float, float]:
    return rule[1], rule[0], rule[3], rule[2]
