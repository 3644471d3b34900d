"""What a report is made of, before it is HTML or DOCX. Texts are plain: whoever renders escapes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from udfs.policy_report.drawing import Drawing


@dataclass(frozen=True)
class Cell:
    """A cell of a table whose text is more than a word."""

    text: str
    below: str = ""
    """Smaller, on a line of its own: an interval, an explanation."""
    strong: bool = False
    pale: bool = False
    """Withheld or empty."""


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 1
    page: bool = False
    """Begins a page."""


@dataclass(frozen=True)
class Text:
    text: str
    kind: str = ""
    """``lead`` (large), ``note`` (small) or nothing."""


@dataclass(frozen=True)
class Points:
    items: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """Framed: what nobody may overlook."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """A few answers under each other: (asked, answer, explanation)."""

    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """``query`` says where its figures come from; a table that has one gets a number (T1, T2, ...)."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    widths: tuple[int, ...]
    """Shares of the page's width, one a column."""
    right: frozenset[int] = field(default_factory=frozenset)
    """Columns of numbers."""
    query: str = ""
    note: str = ""
    number: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing; ``legend`` says in words what its signs and numbers mean, for a picture that can hold no words."""

    title: str
    drawing: Drawing
    legend: tuple[str, ...] = ()
    query: str = ""
    number: str = ""


@dataclass(frozen=True)
class Form:
    """Blanks to be filled in by hand: (label, lines), and places to sign."""

    title: str
    about: str
    blanks: tuple[tuple[str, int], ...]
    signatures: tuple[str, ...]


Block = Heading | Text | Points | Box | Facts | Table | Figure | Form
