"""When two ways of writing a value are the same value."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from schemas.applications import Field

_NUMBERS = ("amount", "number", "area", "percent")
_TOLERANCE = 0.005
"""Half a fen, half a hundredth of a square metre: below what papers print."""
_NOISE = re.compile(r"[\s,;:.·。、\-_'\"()\[\]《》〈〉“”‘’]+")
_SHORTEST_ADDRESS = 6
"""An address may leave out province and city; with fewer signs than this in common it is no address any more."""


def same(kind: str, one: Any, other: Any) -> bool:
    """Whether two values of that kind are the same. Addresses may differ by a province or city left out in front."""
    if kind in _NUMBERS:
        try:
            return abs(float(one) - float(other)) <= _TOLERANCE
        except (TypeError, ValueError):
            return False
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    left, right = bare(one), bare(other)
    if kind == "address" and min(len(left), len(right)) >= _SHORTEST_ADDRESS:
        return left.endswith(right) or right.endswith(left)
    return left == right


def agrees(kind: str, field: Field, bar: float) -> bool | None:
    """Whether everything found for a field, and what was declared, is the same.

    None: fewer than two values, or one that differs is below ``bar`` in confidence (then it may be misread) or could
    not be normalised.
    """
    values = [*field.found, *([field.declared] if field.declared else [])]
    if field.best is not None and field.best not in values:
        values.insert(0, field.best)
    if len(values) < 2:
        return None
    unsure = False
    for number, one in enumerate(values):
        for other in values[number + 1 :]:
            if not same(kind, one.value, other.value):
                known = one.value is not None and other.value is not None
                if known and one.confidence >= bar and other.confidence >= bar:
                    return False
                unsure = True
    return None if unsure else True


def bare(value: Any) -> str:
    """Text without width variants, spaces, brackets and punctuation, in capitals."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", str(value))).upper()
