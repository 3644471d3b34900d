"""Reasons in Chinese, with the figures they rest on."""

from __future__ import annotations


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
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.{digits + 4}f}".rstrip("0")


def percent(share: float) -> str:
    return f"{100 * share:.3g}%"
