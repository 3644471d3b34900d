"""How a figure is written: 亿元 with two places, percentages with one, an interval as 3.2（2.9—3.6）."""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUS = "\u2212"
FEWEST = 20
"""Records that a figure needs behind it to be shown."""
WITHHELD = "样本不足"
NONE = "—"

_WORDS = {
    "1": "",
    "CNY": "元",
    "year": "年",
    "month": "月",
    "day": "天",
    "hour": "小时",
    "person": "人",
    "household": "户",
    "unit": "套",
    "building": "栋",
    "neighbourhood": "小区",
    "m": "米",
    "m2": "平方米",
    "km": "公里",
}


def unit_word(unit: str) -> str:
    """``CNY/m2/year`` as 元/平方米/年; a unit that is Chinese already stays as it is; none for ``1``."""
    return "/".join(_WORDS.get(part, part) for part in unit.split("/")) if unit != "1" else ""


def change_word(unit: str) -> str:
    """The unit of a difference: percentages differ by points."""
    return "个百分点" if unit == "%" else unit_word(unit)


def places(unit: str, values: Iterable[float]) -> int:
    """Decimal places that serve a whole column, so that its figures can be compared at a glance."""
    if unit == "亿元":
        return 2
    if unit == "%":
        return 1
    known = [value for value in values if math.isfinite(value)]
    largest = max((abs(value) for value in known), default=0.0)
    decimals = 0 if largest >= 100 else 1 if largest >= 10 else 2 if largest >= 0.1 or largest == 0 else 4
    spread = max(known, default=0.0) - min(known, default=0.0)
    while 0 < spread * 10**decimals < 10 and decimals < 4:  # else values that differ would read the same
        decimals += 1
    return decimals


def number(value: float, decimals: int, sign: bool = False) -> str:
    """``1,234.50``; ``—`` for what is not a number; with ``sign`` a plus stands before what is above zero."""
    if not math.isfinite(value):
        return NONE
    text = f"{abs(value):,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        return text  # never a minus before zero
    return (MINUS if value < 0 else "+" if sign else "") + text


def bounds(low: float, high: float, decimals: int, sign: bool = False) -> str:
    """``（2.9—3.6）``; with a minus in it the dash would be misread: ``（−3.6 至 −2.9）``. Nothing without bounds."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    below, above = number(low, decimals, sign), number(high, decimals, sign)
    between = " 至 " if sign or MINUS in below + above else "—"
    return f"（{below}{between}{above}）"


def interval(value: float, low: float, high: float, decimals: int, sign: bool = False) -> str:
    """``3.2（2.9—3.6）``; without an interval that differs from it the value alone."""
    said = number(value, decimals, sign)
    return said if said == NONE or low == high else said + bounds(low, high, decimals, sign)


def percent(share: float) -> str:
    """A share of 1 as ``61.3%``."""
    return number(share * 100, 1) + "%" if math.isfinite(share) else NONE


def large(value: float) -> str:
    """A count: ``1,234,567``."""
    return number(value, 0)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def moment(at: str) -> str:
    """An RFC 3339 time as ``2026-07-02 09:30:00 +08:00``; anything else as it is."""
    if len(at) < 19 or at[10:11] != "T":
        return at
    zone = at[19:].lstrip(".0123456789")
    return f"{at[:10]} {at[11:19]} {'UTC' if zone in ('Z', '+00:00') else zone}".rstrip()
