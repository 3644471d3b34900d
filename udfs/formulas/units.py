"""Units: products of powers, such as ``CNY/m2``. Nothing is converted: a year is twelve months when a rule says so.

``None`` stands for the unit of a literal zero: it fits every unit, because nothing of anything is nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

_FACTOR = re.compile(r"([A-Za-z_%\u4e00-\u9fff]+)(?:\^?(\d{1,2}))?")


@dataclass(frozen=True)
class Unit:
    """Base units with their powers, sorted by name; no power is 0."""

    powers: tuple[tuple[str, Fraction], ...] = ()

    def __mul__(self, other: Unit) -> Unit:
        return _product(self, other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        return _product(self, other, -1)

    def __pow__(self, exponent: Fraction) -> Unit:
        return Unit(tuple((name, power * exponent) for name, power in self.powers)) if exponent else ONE

    def __str__(self) -> str:
        over = "*".join(_shown(name, power) for name, power in self.powers if power > 0)
        under = "".join("/" + _shown(name, -power) for name, power in self.powers if power < 0)
        return (over or "1") + under


ONE = Unit()


def _product(left: Unit, right: Unit, sign: int) -> Unit:
    powers = dict(left.powers)
    for name, power in right.powers:
        powers[name] = powers.get(name, Fraction(0)) + sign * power
    return Unit(tuple(sorted((name, power) for name, power in powers.items() if power)))


def _shown(name: str, power: Fraction) -> str:
    return name if power == 1 else f"{name}{power}" if power.denominator == 1 else f"{name}^({power})"


@lru_cache(maxsize=1024)
def parse(text: str) -> Unit:
    """``CNY*m2/year`` -> Unit; what stands after a ``/`` is divided by, up to the next ``*`` or ``/``.

    Raises ValueError in words.
    """
    unit = ONE
    for number, part in enumerate(re.split(r"\s*([*/])\s*", text.strip())):
        if number % 2:
            sign = part
            continue
        if number == 0:
            sign = "*"
        if part == "1":
            continue
        match = _FACTOR.fullmatch(part)
        if match is None:
            raise ValueError(f"{text!r} is no unit: write a product of powers, such as CNY/m2 or CNY*m2/year, or 1")
        factor = Unit(((match[1], Fraction(int(match[2] or 1))),)) if match[2] != "0" else ONE
        unit = unit * factor if sign == "*" else unit / factor
    return unit


def said(unit: Unit | None) -> str:
    return "any unit" if unit is None else str(unit)
