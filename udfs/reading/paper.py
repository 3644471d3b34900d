"""The sheet in a photo: its four corners, laid flat; and light that falls unevenly on it, made even."""

from __future__ import annotations

import cv2
import numpy as np

from udfs.reading.ocr import Picture, Quad, clockwise

SMALL = 640
"""Pixels of the longer side at which sheets and light are looked for."""
PALE = 185
"""Grey level of a scan's border: where most of the border is lighter, the picture is the sheet."""
LEAST_AREA = 0.25
UNEVEN = 14.0
"""Standard deviation of the background's grey levels above which its light is made even: scans have 0 to 8."""


def flattened(picture: Picture) -> Picture:
    """The sheet alone, seen from above, when the picture shows one on a darker ground; else the picture itself. The
    same picture gives the same sheet at any resolution, to about a pixel of ``SMALL``."""
    corners = corners_of(picture)
    if corners is None:
        return picture
    across = max(_length(corners[0], corners[1]), _length(corners[3], corners[2]))
    down = max(_length(corners[0], corners[3]), _length(corners[1], corners[2]))
    width, height = max(1, round(across)), max(1, round(down))
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, flat)
    return cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def corners_of(picture: Picture) -> Quad | None:
    """Corners of the sheet in pixels of ``picture``; None when the picture is a sheet or shows none clearly."""
    height, width = picture.shape[:2]
    scale = SMALL / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    grey = cv2.GaussianBlur(
        cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY), (7, 7), 0
    )
    border = np.concatenate([grey[:6].ravel(), grey[-6:].ravel(), grey[:, :6].ravel(), grey[:, -6:].ravel()])
    if float(np.mean(border > PALE)) > 0.5:
        return None
    _, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    sheet = cv2.convexHull(max(contours, key=cv2.contourArea))
    area = cv2.contourArea(sheet)
    if area < LEAST_AREA * size[0] * size[1]:
        return None
    quad = cv2.approxPolyDP(sheet, 0.03 * cv2.arcLength(sheet, True), True)
    if len(quad) != 4 or cv2.contourArea(quad) < 0.9 * area:
        return None
    corners = clockwise(quad.reshape(4, 2).astype(np.float32))
    inside = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(inside, corners.astype(np.int32), 1)
    if inside.all():
        return None
    # a table's dark page beside a light one would also give a quadrilateral: the ground must be clearly darker
    if float(np.median(grey[inside == 1])) - float(np.median(grey[inside == 0])) < 40:
        return None
    return corners * np.array([width / size[0], height / size[1]], np.float32)


def evened(picture: Picture) -> Picture:
    """The picture with its background made white where the light is uneven (shadows, vignettes); else as it is."""
    height, width = picture.shape[:2]
    scale = min(1.0, SMALL / 2 / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    ground: Picture = cv2.medianBlur(cv2.dilate(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.ones((9, 9), np.uint8)), 21)
    if float(np.std(ground)) < UNEVEN and float(np.median(ground)) > 150:
        return picture
    gain = 245.0 / np.maximum(cv2.resize(ground, (width, height), interpolation=cv2.INTER_LINEAR), 30).astype(
        np.float32
    )
    even: Picture = np.minimum(picture * gain[:, :, None], 255).astype(np.uint8)
    return even


def _length(one: Quad, other: Quad) -> float:
    return float(np.linalg.norm(one - other))
