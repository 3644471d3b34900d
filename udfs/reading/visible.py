"""What of a text layer can be seen: white text, text of no size or under a picture is not what a person reads.

A layer that says something else than the page shows would let a machine approve what no officer saw."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np

from schemas.applications import Page
from udfs.reading import seals
from udfs.reading.ocr import Picture

CONTRAST = 24
"""Grey levels between the lightest and the darkest pixel of a line that is seen; pale grey print has 60."""
MOST_UNSEEN = 0.1
"""Share of the characters: above it the layer is not read at all."""


def only(page: Page, picture: Picture) -> Page | None:
    """The page with the lines that are seen on ``picture``, and its seals; None when much of its text is not seen."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    seen = []
    for line in page.lines:
        left, top = int(line.box[0] * width), int(line.box[1] * height)
        right, bottom = int(np.ceil(line.box[2] * width)) + 1, int(np.ceil(line.box[3] * height)) + 1
        piece = grey[top:bottom, left:right]
        if piece.size and int(piece.max()) - int(piece.min()) >= CONTRAST:
            seen.append(line)
    total = sum(len(line.text) for line in page.lines)
    if not seen or sum(len(line.text) for line in seen) < (1 - MOST_UNSEEN) * total:
        return None
    return msgspec.structs.replace(page, lines=tuple(seen), stamps=seals.found(picture))
