"""Reasons in Chinese, with the figures they rest on."""

from __future__ import annotations

import math


def figure(value: float, unit: str = "", *, against: float | None = None) -> str:
    """A number with its unit: four digits, more where it would otherwise look the same as ``against``."""
    text = _digits(value, 4)
    if against is not None and value != against:
        for digits in range(4, 13):
            text = _digits(value, digits)
            if text != _digits(against, digits):
                break
    return text + ("" if unit in ("", "1") else unit if unit in ("%", "‰") else f" {unit}")


def _digits(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    # digits before the point, and after it as many as are left of ``digits``
    before = math.floor(math.log10(abs(value))) + 1
    text = f"{value:,.{max(digits - before, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    return f"{100 * share:.3g}%" if share == 0 or share >= 0.01 else "不到 1%"
