"""Figures as shapes: SVG for the page, PNG for the document, which takes no SVG.

The PNG holds no words (see udfs/brief/raster.py: no font is needed to draw it): a ``Label`` has besides its words the
digits that stand for them there, and the legend explains these. Shades are greys of 0 to 255; the page tints them blue
without changing how dark they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from udfs.brief.markup import Markup, tag
from udfs.brief.raster import Canvas, text_width

WIDTH = 720
_FACTOR = 2
_DOT = 3
"""Pixels of the picture a dot of a digit: about as tall as the page's small print."""
_DRAWN = frozenset("0123456789:,.-/ ")
_INK = (22, 50, 79)


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    shade: int = 60
    framed: bool = False


@dataclass(frozen=True)
class Stroke:
    """A line of any direction."""

    x1: float
    y1: float
    x2: float
    y2: float
    shade: int = 60
    thick: float = 1.0


@dataclass(frozen=True)
class Mark:
    """``disc``, ``ring``, ``square``, ``frame``, ``cross`` or ``diamond`` around (x, y)."""

    kind: str
    x: float
    y: float
    size: float = 4.0
    shade: int = 40


@dataclass(frozen=True)
class Label:
    """Words at (x, y), their foot; ``digits`` are drawn instead where there are no words, None: the text itself, if
    it is digits."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    strong: bool = False
    digits: str | None = None
    shade: int = 30
    clear: bool = False
    """White around it, for where lines run."""


Shape = Rect | Stroke | Mark | Label


@dataclass(frozen=True)
class Drawing:
    title: str
    height: float
    shapes: tuple[Shape, ...]
    width: float = WIDTH


def wide(text: str, size: float = 11.0) -> float:
    """About how wide a text stands: a Chinese character is as wide as tall, a Latin one half of it."""
    return sum(size if ord(char) > 0x2E7F else 0.58 * size for char in text)


def fitted(text: str, width: float, size: float = 11.0) -> str:
    """``text``, cut so that it stands within ``width``."""
    if wide(text, size) <= width:
        return text
    while text and wide(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round marks of an axis that cover low..high."""
    span = high - low
    if not span > 0:
        return [low]
    rough = span / most
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * k for k in (1, 2, 2.5, 5, 10) if base * k >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def tick(value: float, marks: Sequence[float]) -> str:
    """A mark of an axis, with as many places as its neighbours need."""
    step = min((abs(b - a) for a, b in pairwise(marks)), default=1.0)
    decimals = 0 if step == 0 else max(0, min(6, -math.floor(math.log10(step) + 1e-9)))
    if step and abs(round(step, decimals) - step) > step * 1e-6:
        decimals += 1
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def svg(drawing: Drawing) -> Markup:
    """For the page: scales with the column it stands in."""
    return tag(
        "svg",
        [_element(shape) for shape in drawing.shapes],
        viewBox=f"0 0 {drawing.width:.0f} {drawing.height:.0f}",
        width="100%",
        role="img",
        aria_label=drawing.title,
    )


def _colour(shade: int) -> str:
    """Blue as dark as the grey."""
    share = max(0.0, min(1.0, (shade - 45) / 210))
    return "#" + "".join(f"{round(ink + (255 - ink) * share):02x}" for ink in _INK)


def _element(shape: Shape) -> Markup:
    if isinstance(shape, Rect):
        edge = _colour(45) if shape.framed else None
        return tag(
            "rect",
            x=shape.x,
            y=shape.y,
            width=shape.width,
            height=shape.height,
            fill=_colour(shape.shade),
            stroke=edge,
            stroke_width=0.7 if edge else None,
        )
    if isinstance(shape, Stroke):
        return tag(
            "line",
            x1=shape.x1,
            y1=shape.y1,
            x2=shape.x2,
            y2=shape.y2,
            stroke=_colour(shape.shade),
            stroke_width=shape.thick,
        )
    if isinstance(shape, Label):
        return tag(
            "text",
            shape.text,
            x=shape.x,
            y=shape.y,
            class_="strong" if shape.strong else None,
            text_anchor=None if shape.anchor == "start" else shape.anchor,
            fill=_colour(shape.shade),
            paint_order="stroke" if shape.clear else None,
            stroke="#fff" if shape.clear else None,
            stroke_width=3 if shape.clear else None,
        )
    return _sign(shape)


def _sign(mark: Mark) -> Markup:
    x, y, size, ink = mark.x, mark.y, mark.size, _colour(mark.shade)
    fill, edge = {"ring": ("#fff", ink), "frame": ("#fff", ink)}.get(mark.kind, (ink, "#fff"))
    if mark.kind in ("disc", "ring"):
        return tag("circle", cx=x, cy=y, r=size, fill=fill, stroke=edge, stroke_width=1.3)
    if mark.kind in ("square", "frame"):
        return tag(
            "rect", x=x - size, y=y - size, width=2 * size, height=2 * size, fill=fill, stroke=edge, stroke_width=1.3
        )
    if mark.kind == "diamond":
        far = size * 1.3
        points = f"{x:.1f},{y - far:.1f} {x + far:.1f},{y:.1f} {x:.1f},{y + far:.1f} {x - far:.1f},{y:.1f}"
        return tag("polygon", points=points, fill=fill, stroke=edge, stroke_width=1.0)
    lines = ((x - size, y - size, x + size, y + size), (x - size, y + size, x + size, y - size))
    return tag("g", [tag("line", x1=a, y1=b, x2=c, y2=d, stroke=ink, stroke_width=1.6) for a, b, c, d in lines])


def png(drawing: Drawing) -> bytes:
    """For the document: two pixels for each unit, grey, digits only."""
    canvas = Canvas(round(drawing.width * _FACTOR), round(drawing.height * _FACTOR))
    for shape in drawing.shapes:
        if isinstance(shape, Rect):
            left, top = shape.x * _FACTOR, shape.y * _FACTOR
            right, bottom = left + shape.width * _FACTOR, top + shape.height * _FACTOR
            canvas.rect(left, top, right, bottom, shape.shade)
            if shape.framed:
                canvas.frame(left, top, right, bottom, 1, 45)
        elif isinstance(shape, Stroke):
            _line(canvas, shape)
        elif isinstance(shape, Mark):
            _stamp(canvas, shape)
        else:
            _digits(canvas, shape)
    return canvas.png()


def _line(canvas: Canvas, stroke: Stroke) -> None:
    x1, y1, x2, y2 = (value * _FACTOR for value in (stroke.x1, stroke.y1, stroke.x2, stroke.y2))
    half = max(1.0, stroke.thick * _FACTOR / 2)
    if x1 == x2 or y1 == y2:
        canvas.rect(
            min(x1, x2) - half * (x1 == x2),
            min(y1, y2) - half * (y1 == y2),
            max(x1, x2) + half * (x1 == x2),
            max(y1, y2) + half * (y1 == y2),
            stroke.shade,
        )
        return
    length = math.hypot(x2 - x1, y2 - y1)
    across_x, across_y = -(y2 - y1) / length * half, (x2 - x1) / length * half
    canvas.polygon(
        [
            (x1 + across_x, y1 + across_y),
            (x2 + across_x, y2 + across_y),
            (x2 - across_x, y2 - across_y),
            (x1 - across_x, y1 - across_y),
        ],
        stroke.shade,
    )


def _stamp(canvas: Canvas, mark: Mark) -> None:
    x, y, size = mark.x * _FACTOR, mark.y * _FACTOR, mark.size * _FACTOR
    if mark.kind in ("disc", "ring"):
        canvas.disc(x, y, size + 2, mark.shade if mark.kind == "ring" else 255)
        canvas.disc(x, y, size, 255 if mark.kind == "ring" else mark.shade)
    elif mark.kind in ("square", "frame"):
        canvas.rect(x - size, y - size, x + size, y + size, mark.shade)
        if mark.kind == "frame":
            canvas.rect(x - size + 3, y - size + 3, x + size - 3, y + size - 3, 255)
    elif mark.kind == "diamond":
        far = size * 1.3
        canvas.polygon([(x, y - far), (x + far, y), (x, y + far), (x - far, y)], mark.shade)
    else:
        for a, b, c, d in ((-1, -1, 1, 1), (-1, 1, 1, -1)):
            reach = mark.size
            _line(
                canvas,
                Stroke(mark.x + a * reach, mark.y + b * reach, mark.x + c * reach, mark.y + d * reach, mark.shade, 1.6),
            )


def _digits(canvas: Canvas, label: Label) -> None:
    text = (label.text if label.digits is None else label.digits).replace("\u2212", "-")
    if not text or not set(text) <= _DRAWN:
        return
    long = text_width(text, _DOT)
    x = label.x * _FACTOR - {"start": 0, "middle": long / 2, "end": long}[label.anchor]
    x, top = min(max(0.0, x), canvas.width - long), label.y * _FACTOR - 7 * _DOT
    if label.clear:
        canvas.rect(x - 3, top - 3, x + long + 3, top + 7 * _DOT + 3, 255)
    canvas.write(x, top, text, _DOT, label.shade)
