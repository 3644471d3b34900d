"""The drawings of a DOCX: a panel of the time line, and the map with numbers that the table beside it explains."""

from __future__ import annotations

from collections.abc import Sequence

from udfs.brief import areamap
from udfs.brief.areamap import Layout, Spot
from udfs.brief.charts import ticks
from udfs.brief.content import Bin
from udfs.brief.raster import BLACK, WHITE, Canvas, text_width
from udfs.brief.words import Words, number

_FACTOR = 2
"""Pixels of the picture for one of the SVG's."""
_PANEL_WIDTH, _PANEL_HEIGHT, _LEFT = 1360, 150, 120
_FILL = {1: 30, 2: 110, 3: 200}


def panel(bins: Sequence[Bin], bin_ms: int, values: Sequence[int], words: Words) -> bytes:
    """Bars of ``values``, one a bin, with their peak and the hours; PNG."""
    canvas = Canvas(_PANEL_WIDTH, _PANEL_HEIGHT + 40)
    peak = max([*values, 1])
    wide = (_PANEL_WIDTH - _LEFT) / len(values)
    for n, value in enumerate(values):
        top = _PANEL_HEIGHT * (1 - value / peak)
        canvas.rect(_LEFT + n * wide, top, _LEFT + (n + 1) * wide - min(2.0, wide * 0.15), _PANEL_HEIGHT, 60)
    canvas.rect(_LEFT, _PANEL_HEIGHT - 2, _PANEL_WIDTH, _PANEL_HEIGHT)
    said = number(max(values))
    canvas.write(_LEFT - 10 - text_width(said), 0, said)
    canvas.write(_LEFT - 10 - text_width("0"), _PANEL_HEIGHT - 22, "0")
    start, end = bins[0].at, bins[-1].at + bin_ms
    for at in ticks(start, end, words):
        x = _LEFT + (_PANEL_WIDTH - _LEFT) * (at - start) / (end - start)
        canvas.rect(x - 1, _PANEL_HEIGHT, x + 1, _PANEL_HEIGHT + 8)
        mark = words.clock(at)
        # the last one stands left of its mark
        canvas.write(min(max(x - text_width(mark) / 2, 0), _PANEL_WIDTH - text_width(mark)), _PANEL_HEIGHT + 14, mark)
    return canvas.png()


def area(layout: Layout, numbers: Sequence[str]) -> bytes:
    """The map of ``areamap``; ``numbers``: adcodes in the order of the table, whose row numbers stand at the marks."""
    canvas = Canvas(areamap.WIDTH * _FACTOR, areamap.HEIGHT * _FACTOR)
    canvas.frame(0, 0, canvas.width, canvas.height)
    for spot in layout.pale:
        canvas.disc(spot.x * _FACTOR, spot.y * _FACTOR, 4, 170)
    for spot in sorted(layout.spots, key=lambda one: -one.size):
        _mark(canvas, spot)
    for spot in layout.spots:
        said = str(numbers.index(spot.district.adcode) + 1)
        # beside the mark, on white, so that it can be read over a neighbour
        x, y = spot.x * _FACTOR + spot.size * _FACTOR * 1.25 + 4, spot.y * _FACTOR - 10
        x = min(x, canvas.width - text_width(said) - 6)
        canvas.rect(x - 2, y - 2, x + text_width(said) + 2, y + 23, WHITE)
        canvas.write(x, y, said)
    km = areamap.scale_km(layout.pixels_per_km)
    right, y = 32 + km * layout.pixels_per_km * _FACTOR, canvas.height - 24
    canvas.rect(32, y, right, y + 4)
    canvas.write(32, y - 30, f"{km} km")
    x = canvas.width - 50
    canvas.polygon([(x, 24), (x + 14, 72), (x, 60), (x - 14, 72)])
    canvas.write(x - 7, 82, "N")
    return canvas.png()


def _mark(canvas: Canvas, spot: Spot) -> None:
    """Square, diamond, triangle, circle, as in the SVG: an outline in black, then the fill."""
    x, y, size = spot.x * _FACTOR, spot.y * _FACTOR, spot.size * _FACTOR
    priority = spot.district.priority
    fill = _FILL.get(priority, WHITE) if spot.district.open else WHITE
    for far, shade in ((size, BLACK), (size - 3, fill)):
        if priority == 1:
            canvas.rect(x - far, y - far, x + far, y + far, shade)
        elif priority == 2:
            wide = far * 1.25
            canvas.polygon([(x, y - wide), (x + wide, y), (x, y + wide), (x - wide, y)], shade)
        elif priority == 3:
            wide = far * 1.25
            canvas.polygon([(x, y - wide), (x + wide, y + far * 0.9), (x - wide, y + far * 0.9)], shade)
        else:
            canvas.disc(x, y, far, shade)
