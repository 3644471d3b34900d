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
_ID_LENGTH = 18
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
    """Hides the L4 values of one application in texts and cuts them to what is shown; hides nothing when ``full``.

    Cost: about 0.1 microseconds a character shown, however many values there are and however long the text is.
    """

    def __init__(self, kind: Any, extraction: Extraction, full: bool = False) -> None:
        self.full = full
        known: set[str] = set()
        if not full:
            for name, field in extraction.fields.items():
                known.update(_restricted_texts(kind.fields.get(name), field))
        self._known = {text for text in known if len(text) >= _LEAST}
        self._lengths: dict[str, list[int]] = {}
        """First characters of a known value -> lengths of the values that begin so, the longest first."""
        for text in sorted(self._known, key=len, reverse=True):
            lengths = self._lengths.setdefault(text[:_LEAST], [])
            if len(text) not in lengths:
                lengths.append(len(text))
        self._reach = max(_ID_LENGTH, max(map(len, self._known), default=0))

    def __call__(self, text: str, most: int = LONG) -> str:
        """``text`` as it may stand on the page: every L4 value in it only in part, at most ``most`` characters."""
        if self.full:
            return cut(text, most)
        window = plain(text[: most + self._reach])
        shown = _ID_NUMBER.sub(lambda match: masked(match.group()), self._hidden(window))
        return self._cut(shown, text, most)

    def value(self, text: str, hidden: bool, most: int = LONG) -> str:
        """Text of a value that is L4 when ``hidden``."""
        if not hidden or self.full:
            return self(text, most)
        return self._cut(masked(plain(text[: most + self._reach])), text, most)

    def _cut(self, shown: str, text: str, most: int) -> str:
        """What is shown of a text. A value that the window cut in two is not known any more: the end is dropped."""
        if len(text) <= most + self._reach and len(shown) <= most:
            return shown
        if len(text) > most + self._reach:
            shown = shown[: max(0, len(shown) - self._reach)]
        return f"{shown[:most]}……（共 {len(text)} 字）"

    def _hidden(self, text: str) -> str:
        """``text`` with the known values in it masked: the longest first, from left to right."""
        pieces: list[str] = []
        done = at = 0
        while at <= len(text) - _LEAST:
            lengths = self._lengths.get(text[at : at + _LEAST])
            for length in lengths or ():
                if text[at : at + length] in self._known:
                    pieces += [text[done:at], masked(text[at : at + length])]
                    done = at = at + length
                    break
            else:
                at += 1
        return "".join([*pieces, text[done:]]) if done else text


def _restricted_texts(spec: Any, field: Field) -> Iterator[str]:
    if restricted(spec):
        for found in (*founds(field), *((field.declared,) if field.declared else ())):
            yield from _texts(spec, found.value, found.text)
    for row in field.rows:
        for column, cell in row.items():
            if restricted(spec, column):
                yield from _texts(None, cell.value, cell.text)
    for said in field.declared_rows:
        for column, value in said.items():
            if restricted(spec, column):
                yield from _texts(None, value)


def _texts(spec: Any, value: object, text: str = "") -> Iterator[str]:
    """Every way in which a reason may write a value."""
    yield plain(str(value))
    yield written(spec, value)
    if isinstance(value, float) and value.is_integer():
        yield str(int(value))
    yield plain(text).strip()


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
