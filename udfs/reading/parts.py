"""Two documents in one scan: identity cards above each other, two A5 sheets side by side.

Conservative: a page is parted only along a wide band without any ink, near its middle, when what lies on either side
looks like a sheet of its own. A page parted wrongly loses its table; one not parted is still read whole."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from schemas.applications import Box, Line
from udfs.reading.ocr import Picture
from udfs.reading.ruling import ink

SMALL = 700
BAND = 0.05
"""Least width of the empty band, as a share of the page."""
MIDDLE = (0.3, 0.7)
SPECK = 12
"""Pixels: dots of dirt are no ink, but a frame of one pixel's width is (a median filter would take it away)."""
LINES = 3
"""Least number of lines of text in either part."""


def found(picture: Picture, lines: list[Line]) -> tuple[Box, ...]:
    """Two regions that share no line, or none: the page is one document."""
    if len(lines) < 2 * LINES:
        return ()
    height, width = picture.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    dark = _without_specks(ink(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)))
    for line in lines:  # pale text that the threshold misses is ink all the same
        left, top, right, bottom = (round(edge * size[index % 2]) for index, edge in enumerate(line.box))
        dark[top : bottom + 1, left : right + 1] = 1
    # one above the other needs frames around both; side by side is usual for a landscape scan of two sheets
    cut = _band(dark.any(axis=1))
    if cut is not None:
        regions: tuple[Box, Box] = ((0.0, 0.0, 1.0, cut), (0.0, cut, 1.0, 1.0))
        if all(_enough(region, lines) and _framed(dark, region) for region in regions):
            return regions
    cut = _band(dark.any(axis=0))
    if cut is not None:
        regions = ((0.0, 0.0, cut, 1.0), (cut, 0.0, 1.0, 1.0))
        sheets = size[0] > 1.15 * size[1] and all(_headed(region, lines) for region in regions)
        if all(_enough(region, lines) for region in regions) and (
            sheets or all(_framed(dark, region) for region in regions)
        ):
            return regions
    return ()


def inside(region: Box, box: Box) -> Box:
    """A box of the page as shares of the region."""
    wide, high = region[2] - region[0], region[3] - region[1]
    moved = (
        (box[0] - region[0]) / wide,
        (box[1] - region[1]) / high,
        (box[2] - region[0]) / wide,
        (box[3] - region[1]) / high,
    )
    return tuple(round(min(1.0, max(0.0, edge)), 5) for edge in moved)  # type: ignore[return-value]


def holds(region: Box, box: Box) -> bool:
    """Whether the middle of the box lies in the region."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x < region[2] and region[1] <= y < region[3]


def _without_specks(dark: Picture) -> Picture:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark)
    kept = np.array([False, *(stats[index, cv2.CC_STAT_AREA] >= SPECK for index in range(1, count))])
    return np.asarray(kept[labels], np.uint8)


def _band(inked: npt.NDArray[np.bool_]) -> float | None:
    """The middle of the widest run without ink near the middle, when it is wide enough and ink lies on both sides."""
    count = len(inked)
    where = np.flatnonzero(inked)
    if len(where) < 2:
        return None
    gaps = np.diff(where)
    best: tuple[int, float] | None = None
    for index in np.flatnonzero(gaps > BAND * count):
        middle = float(where[index] + where[index + 1]) / 2 / count
        if MIDDLE[0] <= middle <= MIDDLE[1] and (best is None or gaps[index] > best[0]):
            best = (int(gaps[index]), middle)
    return round(best[1], 5) if best else None


def _enough(region: Box, lines: list[Line]) -> bool:
    return sum(holds(region, line.box) for line in lines) >= LINES


def _headed(region: Box, lines: list[Line]) -> bool:
    """Whether the highest line of the region is a heading: centred, and higher than most."""
    own = [line for line in lines if holds(region, line.box)]
    if len(own) < LINES:
        return False
    first = min(own, key=lambda line: line.box[1])
    tall = sorted(line.box[3] - line.box[1] for line in own)[len(own) // 2]
    off = abs((first.box[0] + first.box[2]) / 2 - (region[0] + region[2]) / 2) / (region[2] - region[0])
    return off < 0.12 and first.box[3] - first.box[1] > 1.15 * tall


def _framed(dark: Picture, region: Box) -> bool:
    """Whether all ink of the region lies in one frame: four drawn sides around it."""
    height, width = dark.shape
    own = dark[
        round(region[1] * height) : round(region[3] * height), round(region[0] * width) : round(region[2] * width)
    ]
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if len(rows) < 20 or len(columns) < 20:
        return False
    frame = own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sides = (frame[:4].any(axis=0), frame[-4:].any(axis=0), frame[:, :4].any(axis=1), frame[:, -4:].any(axis=1))
    return all(float(side.mean()) > 0.6 for side in sides)  # corners of a card are round
