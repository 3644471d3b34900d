"""HTML and SVG in which nothing stands unescaped: every string that is no `Markup` is taken for text.

    tag("p", "a < b")                  # <p>a &lt; b</p>
    tag("text", name, x=3, class_="n")

What a post holds can therefore neither end an element nor begin one; characters that would turn the reading direction
or that XML cannot hold are dropped by `plain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_NOT_FOR_PAPER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_VOID = frozenset({"meta", "br", "rect", "line", "circle", "path", "polygon", "polyline", "col"})


class Markup(str):
    """Escaped already."""

    __slots__ = ()


def plain(text: str) -> str:
    """``text`` without control characters, lone surrogates and marks that turn the direction of reading."""
    return _NOT_FOR_PAPER.sub("", text)


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` is class, an underscore a hyphen; an attribute that is None or False is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: object) -> Markup:
    """Children one after another; lists are laid out, None is nothing."""
    return Markup("".join(_each(child) for child in children))


def _each(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str):
        return escape(plain(child))
    if isinstance(child, Iterable):
        return "".join(_each(inner) for inner in child)
    return _text(child)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(plain(str(value)))
