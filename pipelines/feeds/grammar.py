"""Texts from templates, reproducibly, with the position of every marked part.

A template is literal text with `(a|b|)` for one of several and `{name}` for a slot; alternatives may hold slots and
alternatives. `{3-9}` is a whole number. Draws come from `Dice`: SHAKE128 of a key, so that a text depends on its key
only, not on the Python version, the platform or what was drawn for others.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_128
from typing import NamedTuple, TypeVar

_unpack = struct.Struct("<40I").unpack
T = TypeVar("T")


class Dice:
    """Draws from a key, 32 bits each; the bias of a draw from `count` things is below count / 2**32."""

    __slots__ = ("_key", "_words")

    def __init__(self, *key: object) -> None:
        self._key = repr(key).encode()
        self._words: list[int] = []

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1; count is at most 2**24."""
        if not self._words:
            self._words = list(_unpack(shake_128(self._key).digest(160)))
            self._key += b"+"  # for the next 40
        return self._words.pop() % count

    def between(self, least: int, most: int) -> int:
        return least + self.below(most - least + 1)

    def chance(self, share: float) -> bool:
        return self.below(1 << 20) < share * (1 << 20)

    def pick(self, things: Sequence[T]) -> T:
        return things[self.below(len(things))]


class Mark(NamedTuple):
    """A value whose position in the text is to be known; `type` is an entity type of the contract, or PLACE."""

    type: str
    value: str


class Span(NamedTuple):
    type: str
    start: int
    end: int
    value: str


class Segment(NamedTuple):
    """A piece of text and its marks."""

    text: str
    spans: tuple[Span, ...] = ()


Part = object  # str, _Slot, _Range, or a tuple of alternatives
Template = tuple[Part, ...]


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Range:
    least: int
    most: int


_TOKEN = re.compile(r"\{([^{}]*)\}|([()|])|([^{}()|]+)")


@cache
def compiled(template: str) -> Template:
    """Parse a template; ValueError where brackets do not match."""
    tokens = list(_TOKEN.finditer(template))
    if sum(len(token.group()) for token in tokens) != len(template):
        raise ValueError(f"unmatched brace in template {template!r}")
    parts, at = _sequence(tokens, 0, template)
    if at != len(tokens):
        raise ValueError(f"unmatched bracket in template {template!r}")
    return parts


def _sequence(tokens: list[re.Match[str]], at: int, template: str) -> tuple[Template, int]:
    parts: list[Part] = []
    while at < len(tokens):
        name, sign, literal = tokens[at].groups()
        if literal:
            parts.append(literal)
        elif name is not None:
            span = re.fullmatch(r"(\d+)-(\d+)", name)
            parts.append(_Range(int(span[1]), int(span[2])) if span else _Slot(name))
        elif sign == "(":
            choices: list[Template] = []
            while not choices or tokens[at].group() == "|":
                choice, at = _sequence(tokens, at + 1, template)
                choices.append(choice)
                if at == len(tokens):
                    raise ValueError(f"unmatched bracket in template {template!r}")
            parts.append(tuple(choices))
        else:
            break
        at += 1
    return tuple(parts), at


Slots = Mapping[str, "str | Mark | Sequence[str] | Callable[[Dice], str | Mark]"]
"""A text, a marked text, templates of which one is drawn, or what makes a text."""


class Writer:
    """Fills templates from slots; gathers the text and the marks' positions in code points."""

    def __init__(self, dice: Dice, *slots: Slots) -> None:
        self.dice = dice
        self._slots = slots
        self._parts: list[str] = []
        self._spans: list[Span] = []

    def write(self, template: str) -> Writer:
        self._fill(compiled(template))
        return self

    def segment(self) -> Segment:
        return Segment("".join(self._parts), tuple(self._spans))

    def _fill(self, parts: Template) -> None:
        add = self._parts.append
        for part in parts:
            kind = type(part)
            if kind is str:
                add(part)  # type: ignore[arg-type]
            elif kind is tuple:
                self._fill(part[self.dice.below(len(part))])  # type: ignore[arg-type,index]
            elif kind is _Range:
                add(str(self.dice.between(part.least, part.most)))  # type: ignore[attr-defined]
            else:
                self._slot(part.name)  # type: ignore[attr-defined]

    def _mark(self, mark: Mark) -> None:
        # marks are few: counting here is cheaper than keeping the length at every part
        start = sum(map(len, self._parts))
        self._spans.append(Span(mark.type, start, start + len(mark.value), mark.value))
        self._parts.append(mark.value)

    def _slot(self, name: str) -> None:
        for slots in self._slots:
            if name in slots:
                value = slots[name]
                break
        else:
            raise KeyError(f"no slot {name!r}")
        if type(value) is str:
            self._parts.append(value)
        elif type(value) is Mark:
            self._mark(value)
        elif callable(value):
            drawn = value(self.dice)
            if isinstance(drawn, Mark):
                self._mark(drawn)
            else:
                self._parts.append(drawn)
        else:
            self._fill(compiled(value[self.dice.below(len(value))]))


def joined(segments: Sequence[Segment], between: str = "") -> Segment:
    """One segment of several; empty ones leave no gap."""
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    for segment in segments:
        if not segment.text:
            continue
        if parts:
            parts.append(between)
            length += len(between)
        spans += [Span(s.type, s.start + length, s.end + length, s.value) for s in segment.spans]
        parts.append(segment.text)
        length += len(segment.text)
    return Segment("".join(parts), tuple(spans))
