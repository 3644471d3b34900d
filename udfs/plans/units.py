"""Units as they are shown (亿元, %, 元/平方米) against units as they are computed (CNY, 1, CNY/m2).

The rules' units are products of powers; shown ones the same with Chinese words and multiples. One is turned into the
other by a factor, which is exact (a fraction) until the end, so that 亿元 gives 1e-8 to the bit.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_POINTS = "分"
_SYMBOLS: dict[str, tuple[Fraction, str]] = {
    # what is counted has no dimension: 元/人 is shown from CNY as well as from CNY/person
    **dict.fromkeys(("person", "household", "unit", "building", "neighbourhood", "district"), (Fraction(1), "")),
    "1": (Fraction(1), ""),
    "month": (Fraction(1, 12), "year"),
    "day": (Fraction(1, 365), "year"),
    "km": (Fraction(1000), "m"),
}
_WORDS: dict[str, tuple[Fraction, str, int]] = {
    "元": (Fraction(1), "CNY", 1),
    "万元": (Fraction(10**4), "CNY", 1),
    "百万元": (Fraction(10**6), "CNY", 1),
    "亿元": (Fraction(10**8), "CNY", 1),
    "%": (Fraction(1, 100), "", 0),
    "‰": (Fraction(1, 1000), "", 0),
    **dict.fromkeys(("人", "户", "套", "栋", "个", "部", "小区", "次", "倍", _POINTS), (Fraction(1), "", 0)),
    **dict.fromkeys(("万人", "万户"), (Fraction(10**4), "", 0)),
    "年": (Fraction(1), "year", 1),
    "月": (Fraction(1, 12), "year", 1),
    "天": (Fraction(1, 365), "year", 1),
    "米": (Fraction(1), "m", 1),
    "公里": (Fraction(1000), "m", 1),
    "平方米": (Fraction(1), "m", 2),
    "万平方米": (Fraction(10**4), "m", 2),
    "亩": (Fraction(2000, 3), "m", 2),
}
_CHINESE = {"CNY": "元", "year": "年", "month": "月", "day": "天", "m": "米", "m2": "平方米", "km": "公里"}
_FACTOR = re.compile(r"([A-Za-z_]+)\^?(\d*)")


class Unit(NamedTuple):
    factor: Fraction
    powers: tuple[tuple[str, int], ...]
    """Sorted by symbol, none with power 0."""


class UnknownUnitError(ValueError):
    """The text is no unit; the message says which part."""


def parse(text: str) -> Unit:
    """A unit of the rules or a shown one. Raises UnknownUnitError."""
    factor = Fraction(1)
    powers: dict[str, int] = {}
    for sign, part in _parts(text):
        if part in _WORDS:
            size, symbol, power = _WORDS[part]
        elif part == "1":
            continue
        elif found := _FACTOR.fullmatch(part):
            size, symbol = _SYMBOLS.get(found[1], (Fraction(1), found[1]))
            power = int(found[2] or 1)
            size **= power
        else:
            raise UnknownUnitError(f"{part!r} is no unit; known are {' '.join(_WORDS)}, and CNY, m2, year and the like")
        factor *= size**sign
        if symbol:
            powers[symbol] = powers.get(symbol, 0) + sign * power
    return Unit(factor, tuple(sorted((symbol, power) for symbol, power in powers.items() if power)))


def divide(over: str, under: str) -> str:
    """The unit of a ratio, as text; what stands above and below is struck out."""
    parts = [*_parts(over), *((-sign, part) for sign, part in _parts(under))]
    above = [part for sign, part in parts if sign > 0 and part != "1"]
    below = [part for sign, part in parts if sign < 0 and part != "1"]
    for part in [*above]:
        if part in below:
            above.remove(part)
            below.remove(part)
    return "/".join(["*".join(above) or "1", *below])


def scale(shown: str, computed: str) -> float | None:
    """The factor from computed to shown; None: their dimensions differ. Raises UnknownUnitError."""
    to, of = parse(shown), parse(computed)
    return float(of.factor / to.factor) if to.powers == of.powers else None


def any_scale(shown: str) -> bool:
    """Points (分) have no scale of their own."""
    return shown == _POINTS


def chinese(computed: str) -> str:
    """A computed unit in Chinese words, at scale 1; ``1`` stays."""
    parts = [(sign, _CHINESE.get(part, part)) for sign, part in _parts(computed) if _SYMBOLS.get(part, ("", "-"))[1]]
    above = "·".join(part for sign, part in parts if sign > 0)
    return "/".join([above or "1", *(part for sign, part in parts if sign < 0)])


def _parts(text: str) -> list[tuple[int, str]]:
    """``CNY*m2/year`` as [(1, CNY), (1, m2), (-1, year)]."""
    found: list[tuple[int, str]] = []
    sign = 1
    for piece in re.split(r"([*·/])", text.strip()):
        if piece in ("*", "·", "/"):
            sign = -1 if piece == "/" else 1
        else:
            found.append((sign, piece.strip()))
    return found
