"""Snippets of pages: what the machine read, as it stands on the paper, with everything L4 painted over.

A snippet shows its surroundings, so the number of a person may stand beside a name that is wanted. Hence snippets are
cut here, out of the whole page, where all L4 boxes of that page are known: each is hatched in every snippet that meets
it, and a page that holds an L4 value whose place is not known gives no snippet at all.

Pages are asked for once each and dropped after their snippets are cut: one page is in memory at a time.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.applications import Box, Extraction, Found
from udfs.explanations.values import founds, restricted

if TYPE_CHECKING:
    from PIL.Image import Image

At = tuple[str, int, int]
"""File, page and part."""

Picture = Callable[[str, int, int], "bytes | Image | None"]
"""(file, page, part) -> the upright page as PNG, JPEG or a PIL image; None when it has no picture (DOCX) or cannot be
read any more."""

WIDTH, HEIGHT = 760, 900
"""Most pixels of a snippet: it is shown at half of that, so that it prints sharp."""
MOST = 60
"""Snippets in a report: a page of a hearing's file, not a copy of the application."""
_QUALITY = 72
_ABOVE, _LEFT, _RIGHT = 0.010, 0.150, 0.030
"""Shares of the page that are shown around a box: the label stands left of the value, or above it."""
_GROW, _GROW_BOX = 0.004, 0.2
"""Shares of the page, and of the box's height besides, by which an L4 box is painted larger than it was found: boxes of
OCR are a little tight, and a page drawn again may lie a little otherwise."""


class Snippet(NamedTuple):
    """A picture for the page: number in the report, data URI, size in pixels."""

    number: int
    uri: str
    width: int
    height: int


class Wanted(NamedTuple):
    """A place of a page."""

    at: At
    box: Box


def place(found: Any) -> Wanted | None:
    """Where a value or a piece of evidence stands; None when it has no place on a page."""
    if not found.file or found.box[2] <= found.box[0] or found.box[3] <= found.box[1]:
        return None
    return Wanted((found.file, found.page, found.part), found.box)


def of_table(rows: Iterable[Mapping[str, Found]]) -> Wanted | None:
    """The place of a table's cells on the first page on which it stands."""
    cells = [wanted for row in rows for cell in row.values() if (wanted := place(cell))]
    if not cells:
        return None
    boxes = [cell.box for cell in cells if cell.at == cells[0].at]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Wanted(cells[0].at, (min(lefts), min(tops), max(rights), max(bottoms)))


def hidden_boxes(kind: Any, extraction: Extraction) -> dict[At, list[Box] | None]:
    """Where L4 values stand, a page; None for a page on which one stands at a place that is not known."""
    hidden: dict[At, list[Box] | None] = {}
    for name, field in extraction.fields.items():
        spec = kind.fields.get(name)
        cells = [cell for row in field.rows for column, cell in row.items() if restricted(spec, column)]
        for found in (*(founds(field) if restricted(spec) else ()), *cells):
            if not found.file:
                continue
            at = (found.file, found.page, found.part)
            boxes = hidden.setdefault(at, [])
            if place(found) is None:
                hidden[at] = None
            elif boxes is not None:
                boxes.append(found.box)
    return hidden


def cut(wanted: Iterable[Wanted], picture: Picture, hidden: Mapping[At, list[Box] | None]) -> dict[Wanted, Snippet]:
    """The snippets of ``wanted`` (each once, at most MOST), numbered in order, without those that cannot be had.

    Cost: a page is asked for once; a snippet takes about 3 ms.
    """
    ordered = list(dict.fromkeys(wanted))[:MOST]
    pages: dict[At, list[Wanted]] = {}
    for one in ordered:
        if hidden.get(one.at, []) is not None:
            pages.setdefault(one.at, []).append(one)
    made: dict[Wanted, tuple[str, int, int]] = {}
    for at, places in pages.items():
        page = _opened(picture(*at))
        if page is None:
            continue
        _hatch(page, hidden.get(at) or ())
        for one in places:
            made[one] = _encoded(_piece(page, one.box))
    known = [one for one in ordered if one in made]
    return {one: Snippet(number, *made[one]) for number, one in enumerate(known, 1)}


def _opened(given: bytes | Image | None) -> Image | None:
    """A copy as RGB that may be painted on; None for bytes that are no picture: a report is never lost for one."""
    from PIL import Image

    if given is None:
        return None
    try:
        return (Image.open(io.BytesIO(given)) if isinstance(given, bytes) else given).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _hatch(page: Image, boxes: Iterable[Box]) -> None:
    """Paint over ``boxes``: what was under them is gone, and one sees that something was hidden."""
    from PIL import Image, ImageDraw

    for left, top, right, bottom in boxes:
        grow = _GROW + _GROW_BOX * max(0.0, bottom - top)
        x0, y0 = int((left - grow) * page.width), int((top - grow) * page.height)
        x1, y1 = math.ceil((right + grow) * page.width), math.ceil((bottom + grow) * page.height)
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(page.width, x1), min(page.height, y1)
        if x1 <= x0 or y1 <= y0:
            continue
        patch = Image.new("RGB", (x1 - x0, y1 - y0), "#e9e9e6")
        pen = ImageDraw.Draw(patch)
        step = max(6, patch.height // 3)
        for x in range(-patch.height, patch.width, step):
            pen.line((x, patch.height, x + patch.height, 0), fill="#9a9a94", width=max(1, step // 6))
        pen.rectangle((0, 0, patch.width - 1, patch.height - 1), outline="#6f6f69")
        page.paste(patch, (x0, y0))


def _piece(page: Image, box: Box) -> Image:
    """The piece of the page around ``box``, which is framed in it, not larger than WIDTH x HEIGHT."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = (max(0.0, min(1.0, edge)) for edge in box)
    above = max(_ABOVE, 0.7 * (bottom - top)) if bottom - top < 0.1 else _ABOVE
    x0, y0 = int(max(0.0, left - _LEFT) * page.width), int(max(0.0, top - above) * page.height)
    x1 = max(x0 + 1, round(min(1.0, right + _RIGHT) * page.width))
    y1 = max(y0 + 1, round(min(1.0, bottom + above) * page.height))
    piece = page.crop((x0, y0, x1, y1))
    scale = min(1.0, WIDTH / piece.width, HEIGHT / piece.height)
    if scale < 1:
        size = (max(1, round(piece.width * scale)), max(1, round(piece.height * scale)))
        piece = piece.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    gap = 3
    frame = (
        max(0, (left * page.width - x0) * scale - gap),
        max(0, (top * page.height - y0) * scale - gap),
        min(piece.width - 1, (right * page.width - x0) * scale + gap),
        min(piece.height - 1, (bottom * page.height - y0) * scale + gap),
    )
    if frame[2] > frame[0] and frame[3] > frame[1]:
        ImageDraw.Draw(piece).rectangle(frame, outline="#2f6f9f", width=2)
    return piece


def _encoded(piece: Image) -> tuple[str, int, int]:
    stored = io.BytesIO()
    piece.save(stored, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stored.getvalue()).decode(), piece.width, piece.height
