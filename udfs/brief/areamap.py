"""A map of counties without a base map: where they lie to each other, a scale, an arrow to the north, and labels that
do not cover each other.

Projection: equirectangular about the middle latitude, for areas of some hundred kilometres (at 34 degrees north and
300 km the error is about 1%). What lies far from the rest is left outside and listed in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from udfs.brief.charts import mark
from udfs.brief.content import District
from udfs.brief.markup import Markup, tag
from udfs.brief.words import Words

WIDTH, HEIGHT = 680, 460
_MARGIN = 46
_KM_PER_DEGREE = 111.2
_REACH_KM = 250.0
"""Farther from the heaviest district than this, a district is listed and not drawn: the rest would shrink to a dot."""
_SMALLEST_KM = 12.0
_SIZE = 13.0
_SMALL = 10.0
_SCALES = (1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Box:
    """A rectangle in the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Do they share area?"""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class Spot:
    """A district in the drawing. ``label``: the box of its name, None where there was no room."""

    district: District
    x: float
    y: float
    size: float
    text: str
    label: Box | None

    @property
    def dot(self) -> Box:
        far = self.size * 1.25
        return Box(self.x - far, self.y - far, self.x + far, self.y + far)


@dataclass(frozen=True)
class Layout:
    """What is drawn, what is left outside, and how many pixels a kilometre has."""

    spots: tuple[Spot, ...]
    pale: tuple[Spot, ...]
    outside: tuple[District, ...]
    pixels_per_km: float


def lay_out(districts: Sequence[District], around: Sequence[District]) -> Layout:
    """Put ``districts`` (those with episodes) and ``around`` (pale, for orientation) on the paper.

    Guarantees: no label meets another label or any dot of ``districts``; every district is in ``spots`` or ``outside``;
    a district without room for its name has no label, and the table beside the map names it all the same.
    """
    middle = max(districts, key=lambda one: (one.open, one.episodes, -one.priority, one.adcode))
    near = [one for one in districts if distance_km(middle, one) <= _REACH_KM]
    outside = tuple(one for one in districts if one not in near)
    shown = [one for one in around if distance_km(middle, one) <= _REACH_KM]
    to_paper, scale = _projection([*near, *shown] if len(near) < 3 else _frame(near, shown))
    size = _size(near)
    placed = [Spot(one, *to_paper(one), size(one), f"{one.name} {one.open}", None) for one in near]
    # the most urgent first: they get their labels where one looks for them
    placed.sort(key=lambda spot: (spot.district.priority, -spot.district.open, spot.district.adcode))
    # corners that the scale and the arrow stand in
    taken = [Box(0, HEIGHT - 40, 170, HEIGHT), Box(WIDTH - 46, 0, WIDTH, 62), *(spot.dot for spot in placed)]
    spots = _labelled(placed, taken, _SIZE)
    pale = [Spot(one, *to_paper(one), 2.0, one.name, None) for one in shown]
    pale = [spot for spot in pale if 0 <= spot.x <= WIDTH and 0 <= spot.y <= HEIGHT]
    return Layout(spots, _labelled(pale, taken, _SMALL, close=True), outside, scale)


def draw(layout: Layout, words: Words) -> Markup:
    """The drawing."""
    drawn: list[Markup | None] = [tag("rect", x=0.5, y=0.5, width=WIDTH - 1, height=HEIGHT - 1, class_="frame")]
    for spot in layout.spots:
        radius = spot.district.radius_m / 1000 * layout.pixels_per_km
        drawn.append(tag("circle", cx=spot.x, cy=spot.y, r=radius, class_="reach"))
    for spot in layout.pale:
        drawn.append(tag("circle", cx=spot.x, cy=spot.y, r=spot.size, class_="pale"))
        drawn.append(_label(spot, _SMALL, "pale-label"))
    # the largest first, so that none hides a smaller one
    for spot in sorted(layout.spots, key=lambda one: -one.size):
        drawn.append(mark(spot.district.priority, spot.x, spot.y, spot.size, hollow=not spot.district.open))
    drawn += [_label(spot, _SIZE, "map-label") for spot in layout.spots]
    drawn += [_scale_bar(layout.pixels_per_km), _arrow(words)]
    return tag("svg", drawn, viewBox=f"0 0 {WIDTH} {HEIGHT}", width="100%", role="img", aria_label=words["map"])


def distance_km(one: District, other: District) -> float:
    """Great-circle distance (haversine)."""
    a, b = math.radians(one.lat), math.radians(other.lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(half)))


def bearing(one: District, other: District) -> int:
    """From ``one`` to ``other`` in eighths of a turn, 0 is north, clockwise."""
    east = (other.lon - one.lon) * math.cos(math.radians((one.lat + other.lat) / 2))
    return round(math.degrees(math.atan2(east, other.lat - one.lat)) / 45) % 8


def text_width(text: str, size: float) -> float:
    """About how wide ``text`` is: a Chinese character is as wide as high, a Latin one a bit over half."""
    return sum(size if ord(char) > 0x2E80 else size * 0.58 for char in text)


def _frame(near: Sequence[District], shown: Sequence[District]) -> list[District]:
    """``near`` and those of ``shown`` that lie in its surroundings, so that pale ones never shrink the rest."""
    lats, lons = [one.lat for one in near], [one.lon for one in near]
    by = 0.15 * max(max(lats) - min(lats), max(lons) - min(lons), 0.1)
    inside = [
        one
        for one in shown
        if min(lats) - by <= one.lat <= max(lats) + by and min(lons) - by <= one.lon <= max(lons) + by
    ]
    return [*near, *inside]


def _projection(districts: Sequence[District]) -> tuple[Callable[[District], tuple[float, float]], float]:
    lats, lons = [one.lat for one in districts], [one.lon for one in districts]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    narrow = math.cos(math.radians(lat))
    wide_km = max((max(lons) - min(lons)) * _KM_PER_DEGREE * narrow, _SMALLEST_KM)
    high_km = max((max(lats) - min(lats)) * _KM_PER_DEGREE, _SMALLEST_KM)
    scale = min((WIDTH - 2 * _MARGIN) / wide_km, (HEIGHT - 2 * _MARGIN) / high_km)

    def to_paper(one: District) -> tuple[float, float]:
        x = WIDTH / 2 + (one.lon - lon) * _KM_PER_DEGREE * narrow * scale
        return x, HEIGHT / 2 - (one.lat - lat) * _KM_PER_DEGREE * scale

    return to_paper, scale


def _size(districts: Sequence[District]) -> Callable[[District], float]:
    """Half the width of a mark: its area grows with the open episodes."""
    most = max((one.open for one in districts), default=1) or 1
    return lambda one: 4.0 + 8.0 * math.sqrt(one.open / most)


def _labelled(spots: Sequence[Spot], taken: list[Box], size: float, close: bool = False) -> tuple[Spot, ...]:
    """Give each spot the nearest free place for its name; ``taken`` grows. ``close``: next to the dot or nowhere."""
    found = []
    for spot in spots:
        wide, high = text_width(spot.text, size) + 4, size + 4
        box = next((box for box in _candidates(spot, wide, high, close) if not any(map(box.meets, taken))), None)
        if box is not None:
            taken.append(box)
        found.append(Spot(spot.district, spot.x, spot.y, spot.size, spot.text, box))
    return tuple(found)


def _candidates(spot: Spot, wide: float, high: float, close: bool) -> list[Box]:
    """Boxes around the dot: right, left, above, below, corners; then farther out, where a line leads to the dot."""
    boxes = []
    for away in (1.0,) if close else (1.0, 10.0, 20.0, 32.0, 46.0, 62.0, 80.0):
        reach = spot.size * 1.25 + away
        for turn in (0, 4, 6, 2, 7, 1, 5, 3):  # eighths from east, clockwise as y grows downwards
            x = spot.x + reach * math.cos(turn * math.pi / 4)
            y = spot.y + reach * math.sin(turn * math.pi / 4)
            left = x if turn in (7, 0, 1) else x - wide if turn in (3, 4, 5) else x - wide / 2
            top = y - high / 2 if turn in (0, 4) else y - high if turn in (5, 6, 7) else y
            box = Box(left, top, left + wide, top + high)
            if box.left >= 2 and box.right <= WIDTH - 2 and box.top >= 2 and box.bottom <= HEIGHT - 2:
                boxes.append(box)
    return boxes


def _label(spot: Spot, size: float, style: str) -> Markup | None:
    box = spot.label
    if box is None:
        return None
    text = tag("text", spot.text, x=box.left + 2, y=box.bottom - 0.28 * size, class_=style)
    nearest_x = min(max(spot.x, box.left), box.right)
    nearest_y = min(max(spot.y, box.top), box.bottom)
    if math.hypot(nearest_x - spot.x, nearest_y - spot.y) < spot.size * 1.25 + 9:
        return text
    leader = tag("line", x1=spot.x, y1=spot.y, x2=nearest_x, y2=nearest_y, class_="leader")
    return Markup(leader + text)


def scale_km(pixels_per_km: float) -> int:
    """Length of the scale bar: a round number of kilometres that fits into its corner."""
    return max((length for length in _SCALES if length * pixels_per_km <= 110), default=_SCALES[0])


def _scale_bar(pixels_per_km: float) -> Markup:
    km = scale_km(pixels_per_km)
    right = 16 + km * pixels_per_km
    y = HEIGHT - 14
    return tag(
        "g",
        tag("line", x1=16, y1=y, x2=right, y2=y, class_="scale"),
        tag("line", x1=16, y1=y - 5, x2=16, y2=y + 1, class_="scale"),
        tag("line", x1=right, y1=y - 5, x2=right, y2=y + 1, class_="scale"),
        tag("text", f"{km} km", x=16, y=y - 8, class_="small"),
    )


def _arrow(words: Words) -> Markup:
    x, y = WIDTH - 24, 30
    return tag(
        "g",
        tag("polygon", points=f"{x},{y - 12} {x + 7},{y + 14} {x},{y + 8} {x - 7},{y + 14}", fill="#222"),
        tag("text", words["north"], x=x, y=y + 28, class_="small", text_anchor="middle"),
    )
