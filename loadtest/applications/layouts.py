"""Layouts of the papers. The split `figure` uses none that `tune` uses.

Families share the code that places them (placing.py); a layout of one split differs from every layout of the other in
family or columns, and in what its clerks write: dates, boxes, spread labels, numbered parts. Stacked cells, marks √ and
dates in numerals or with slashes are never seen in tuning.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """A way to lay out a form."""

    name: str
    family: str
    """grid (cells), bars (horizontal lines only), lines (label：value), underlined, stacked (label above)."""
    columns: int
    size: float
    spread: bool
    """Short labels are spread over their cell's width: 申 请 人."""
    dates: tuple[str, ...]
    choices: tuple[str, ...]
    centred: bool = False
    """Values are centred in their cells."""
    sections: bool = False
    """Blocks bear numbers: 一、……"""


LAYOUTS: dict[str, tuple[Layout, ...]] = {
    "tune": (
        Layout("tune-grid-two", "grid", 2, 10.5, False, ("plain", "dashes"), ("word", "filled", "boxes")),
        Layout("tune-grid-one", "grid", 1, 11, True, ("plain", "padded"), ("word", "boxes")),
        Layout("tune-lines", "lines", 1, 11.5, False, ("plain", "padded"), ("word", "filled")),
        Layout("tune-underlined", "underlined", 2, 10.5, False, ("plain", "dots"), ("word", "boxes")),
        Layout("tune-bars", "bars", 2, 10, False, ("dashes", "dots"), ("word", "filled", "boxes"), centred=True),
    ),
    "figure": (
        Layout("figure-grid-mid", "grid", 2, 11, True, ("padded", "plain"), ("word", "ticked", "boxes"), centred=True),
        Layout("figure-grid-sections", "grid", 2, 10, False, ("plain", "slashes"), ("word", "boxes"), sections=True),
        Layout("figure-stacked", "stacked", 2, 11, False, ("dashes", "numerals"), ("word", "filled", "boxes")),
        Layout("figure-lines-numbered", "lines", 1, 12, False, ("plain", "dashes"), ("word", "ticked"), sections=True),
        Layout("figure-underlined-one", "underlined", 1, 11.5, True, ("plain", "padded"), ("word", "boxes")),
        Layout("figure-bars-one", "bars", 1, 11.5, False, ("plain", "dots"), ("word", "filled")),
    ),
}  # fmt: skip
