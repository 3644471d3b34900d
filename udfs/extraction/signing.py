"""Signatures of several persons at one place."""

from __future__ import annotations

import dataclasses
import re

from udfs.extraction import kinds
from udfs.extraction.kinds import Hints, Value
from udfs.extraction.layout import Run

NAMES = re.compile(r"[\u3400-\u9fff、,·()]+")
"""A line that may go on with names."""
WRAPS = 10
"""Signs from which on a single name may be wrapped: an organisation's."""
_SEPARATED = re.compile("[、,;/]")


def read_names(run: Run, hints: Hints) -> Value | None:
    """Names of all who signed: parted by signs, else by the gaps between them."""
    if _SEPARATED.search(run.text):
        return kinds.read("signature", run.text, hints)
    text, origin = "", [0]
    for piece in run.pieces:
        for at in range(piece.start, piece.end):
            if text and (at == piece.start or run.page.gap_before(piece.line, at)):
                text += "、"
                origin.append(origin[-1])
            text += run.page.texts[piece.line][at]
            origin.append(origin[-1] + 1)
    value = kinds.read("signature", text, hints)
    return None if value is None else dataclasses.replace(value, start=origin[value.start], end=origin[value.end])
