"""Red seals over text: where they are, and the page without their red, since black under red stays black in the red
channel."""

from __future__ import annotations

import cv2
import numpy as np

from schemas.applications import Box
from udfs.reading.ocr import Picture

SMALL = 900
REDDER = 45
"""Levels by which red exceeds green and blue in a seal's ink, also where it is pale."""
SMALLEST, LARGEST = 0.035, 0.42
"""Of the page's shorter side: a name seal, an oval company seal."""
FILLED = 0.06
"""Least share of a seal's box that is red: a ring with characters has 0.15 to 0.5."""


def found(picture: Picture) -> tuple[Box, ...]:
    """Boxes of red seals, top to bottom: red things about as high as wide. A red headline or a red line is none."""
    height, width = picture.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    red = _red(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    if not red.any():
        return ()
    shorter = min(size)
    reach = max(3, round(shorter * 0.018)) | 1
    joined = cv2.morphologyEx(red, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    boxes: list[Box] = []
    for left, top, across, down, _area in stats[1:count]:
        if not SMALLEST * shorter <= max(across, down) <= LARGEST * shorter or not 0.6 <= across / down <= 1.7:
            continue
        if float(red[top : top + down, left : left + across].mean()) < FILLED:
            continue
        box = (left / size[0], top / size[1], (left + across) / size[0], (top + down) / size[1])
        boxes.append(tuple(round(float(edge), 5) for edge in box))  # type: ignore[arg-type]
    whole = [box for box in boxes if not any(box != other and _within(box, other) for other in boxes)]
    return tuple(sorted(whole, key=lambda box: (box[1], box[0])))


def without(picture: Picture, boxes: tuple[Box, ...]) -> Picture:
    """The picture with the red inside the boxes faded to white. Text that a seal's ink covers wholly is gone on paper,
    too; what shines through stays."""
    if not boxes:
        return picture
    height, width = picture.shape[:2]
    faded = picture.copy()
    for x0, y0, x1, y1 in boxes:
        margin = 0.01
        rows = slice(max(0, int((y0 - margin) * height)), int((y1 + margin) * height) + 1)
        columns = slice(max(0, int((x0 - margin) * width)), int((x1 + margin) * width) + 1)
        piece = faded[rows, columns]
        # the red channel of seal ink is nearly that of the paper: what is left of it is stretched to white
        channel = piece[:, :, 2].astype(np.float32)
        light = np.clip((channel - 40) / 120, 0, 1) * 255
        tinted = cv2.dilate(_red(piece, REDDER // 2), np.ones((3, 3), np.uint8))
        piece[tinted == 1] = light.astype(np.uint8)[tinted == 1][:, None]
    return faded


def _within(inner: Box, outer: Box) -> bool:
    """The star inside a ring is part of the seal."""
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _red(picture: Picture, more: int = REDDER) -> Picture:
    blue, green, red = (picture[:, :, channel].astype(np.int16) for channel in range(3))
    redder: Picture = ((red - np.maximum(blue, green) > more) & (red > 90)).astype(np.uint8)
    return redder
