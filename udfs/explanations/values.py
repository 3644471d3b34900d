"""How a value is written for a reader: by its kind, shortened, and L4 values only in part.

What is L4 must not stand on the page in clear, wherever it comes from: a field, a cell, a reason with the number in it,
a correction. `Veil` knows every L4 value of an application and hides it in any text.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from schemas.applications import Extraction, Field, Found
from udfs.brief.markup import Markup, join, plain, tag

LONG = 400
"""Characters of a value that are shown; a longer one is cut and its length told."""
_DIFFER = 200
"""Differences are marked character by character in values up to this length: beyond it they say nothing to a reader."""
_LEAST = 4
"""An L4 value of fewer characters is hidden where it stands as a field, not wherever these characters occur."""
_BORN = r"(?:1[89]|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_NUMBER = re.compile(rf"(?<![0-9A-Za-z])[1-8]\d{{5}}{_BORN}\d{{3}}[0-9Xx](?![0-9A-Za-z])")
"""GB 11643, with a plausible date of birth: a credit code of digits only (GB 32100) is not taken for one, or hardly."""


def masked(text: str) -> str:
    """The first (at most 5) and last (at most 4) characters; 18 characters give 41010*********123X."""
    front, back = min(5, len(text) // 3), min(4, len(text) // 4)
    return text[:front] + "*" * (len(text) - front - back) + text[len(text) - back :]


def cut(text: str, most: int = LONG) -> str:
    """``text`` fit for a page: no marks that turn it, not longer than ``most``."""
    text = plain(text)
    return text if len(text) <= most else f"{text[:most]}……（共 {len(text)} 字）"


def restricted(spec: Any, column: str = "") -> bool:
    """Whether a field (of a table: its ``column``) is L4. What no type describes is taken for L4: it fails closed."""
    if spec is None:
        return True
    if column:
        return restricted(spec.columns.get(column))
    return str(spec.data_class) == "L4"


class Veil:
    """Hides the L4 values of one application in texts; hides nothing when ``full``."""

    def __init__(self, kind: Any, extraction: Extraction, full: bool = False) -> None:
        self.full = full
        known: set[str] = set()
        if not full:
            for name, field in extraction.fields.items():
                known.update(_restricted_texts(kind.fields.get(name), field))
        known = {text for text in known if len(text) >= _LEAST}
        ordered = sorted(known, key=lambda text: (-len(text), text))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """``text`` with every L4 value in it shown only in part."""
        if self.full:
            return text
        text = plain(text)
        if self._known is not None:
            text = self._known.sub(_masked_match, text)
        return _ID_NUMBER.sub(_masked_match, text)

    def value(self, text: str, hidden: bool) -> str:
        """Text of a value that is L4 when ``hidden``."""
        return masked(plain(text)) if hidden and not self.full else self(text)


def _masked_match(match: re.Match[str]) -> str:
    return masked(match.group())


def _restricted_texts(spec: Any, field: Field) -> Iterator[str]:
    if restricted(spec):
        for found in (*founds(field), *((field.declared,) if field.declared else ())):
            yield from _texts(found)
    for row in field.rows:
        for column, cell in row.items():
            if restricted(spec, column):
                yield from _texts(cell)
    for said in field.declared_rows:
        for column, value in said.items():
            if restricted(spec, column):
                yield plain(str(value))


def _texts(found: Found) -> tuple[str, str]:
    return plain(str(found.value)), plain(found.text).strip()


def founds(field: Field) -> Iterator[Found]:
    """Everything found on pages for a field that is no table, the best first and each once."""
    if field.best is not None:
        yield field.best
    yield from (found for found in field.found if found != field.best)


def written(spec: Any, value: object) -> str:
    """A value in the words of its kind: 500,000 元, 88.5 平方米, 2026年3月5日, a choice by its first word."""
    if value is None:
        return ""
    kind = str(getattr(spec, "kind", "text"))
    if kind == "choice" and isinstance(value, str | bool) and (words := spec.choices.get(value)):
        return str(words[0])
    if isinstance(value, bool):
        return "是" if value else "否"
    if value == "9999-12-31":
        return "长期"
    if isinstance(value, int | float):
        return _number(value) + _unit(spec, kind)
    text = str(value)
    if kind == "date" and (match := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text)):
        year, month, day = match.groups()
        return f"{year}年{int(month)}月{int(day)}日"
    return text


def _unit(spec: Any, kind: str) -> str:
    if kind in ("number", "area") and spec.unit:
        return f" {spec.unit}"
    return {"amount": " 元", "percent": "%", "area": " 平方米"}.get(kind, "")


def _number(value: float) -> str:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def same(one: object, other: object) -> bool:
    """Whether two values are the same to a reader: width, spaces and case aside, numbers to a hundredth."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.01
    return _bare(one) == _bare(other)


def _bare(value: object) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(value))).casefold()


def marked(text: str, against: str) -> Markup:
    """``text`` with the characters marked that differ from ``against``."""
    if len(text) > _DIFFER or len(against) > _DIFFER:
        return tag("mark", text)
    matcher = difflib.SequenceMatcher(None, against, text, autojunk=False)
    pieces: Iterable[object] = (
        text[start:end] if step == "equal" else tag("mark", text[start:end])
        for step, _, _, start, end in matcher.get_opcodes()
        if start < end
    )
    return join(*pieces)


def share(confidence: float) -> str:
    """A confidence as a percentage; never 100% unless it is 1, never 0% unless it is 0."""
    percent = max(0.0, min(1.0, confidence)) * 100
    if 99.95 <= percent < 100:
        return ">99.9%"
    return f"{percent:.1f}%"
