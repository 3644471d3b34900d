"""Texts from templates, reproducibly and fast, with the position of every marked part.

A template is literal text with `(a|b|)` for one of several and `{name}` for a slot; alternatives may hold slots and
alternatives. `{3-9}` is a whole number. `Grammar` turns each template once into a Python function (an f-string over
tables), because texts are made by the ten million. A marked part (an identifier, a place) stands in the made text
between two private-use characters, so it keeps its position through everything that is put around it; `plain` takes
them out and `segment` reads them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_128
from itertools import chain
from math import prod
from typing import Any, NamedTuple, TypeVar

_unpack = struct.Struct("<40I").unpack
T = TypeVar("T")


class Dice:
    """Draws from a key by SHAKE128, 32 bits each: they depend on the key only, not on the Python version, the platform
    or what was drawn for others. The bias of a draw from `count` things is below count / 2**32.
    """

    __slots__ = ("next",)

    def __init__(self, *key: object) -> None:
        self.next: Callable[[], int] = _shaken(repr(key).encode()).__next__
        """The next word; templates draw with it directly."""

    @classmethod
    def of(cls, words: Sequence[int], more: Iterator[int]) -> Dice:
        """Draws `words` and then `more`, which must not end."""
        dice = cls.__new__(cls)
        dice.next = chain(words, more).__next__
        return dice

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1; count is at most 2**24."""
        return self.next() % count

    def between(self, least: int, most: int) -> int:
        return least + self.next() % (most - least + 1)

    def chance(self, share: float) -> bool:
        return self.next() % (1 << 20) < share * (1 << 20)

    def pick(self, things: Sequence[T]) -> T:
        return things[self.next() % len(things)]


def _shaken(key: bytes) -> Iterator[int]:
    while True:
        yield from reversed(_unpack(shake_128(key).digest(160)))
        key += b"+"  # for the next 40


class Mark(NamedTuple):
    """A value whose position in the text is to be known; `type` is an entity type of the contract, or PLACE."""

    type: str
    value: str


class Span(NamedTuple):
    type: str
    start: int
    end: int
    value: str
    disguised: bool = False


class Segment(NamedTuple):
    """A piece of text and its marks."""

    text: str
    spans: tuple[Span, ...] = ()


# -- marks -----------------------------------------------------------------------------------------------------------
TYPES = (
    "CN_MOBILE", "CN_LANDLINE", "CN_ID", "CN_PLATE", "BANK_CARD", "EMAIL_ADDRESS", "URL", "IM_ID", "USERNAME", "PERSON",
    "ADDRESS", "PLACE",
)  # fmt: skip
END = "\ue000"
_DISGUISED = 0x20
OPEN = {name: chr(0xE010 + at) for at, name in enumerate(TYPES)}
"""The character before a marked part, by type; the same + 0x20 where the part is disguised. `END` stands after it."""
HIDDEN = {name: chr(ord(sign) + _DISGUISED) for name, sign in OPEN.items()}
SIGNS = re.compile("[\ue000-\ue04f]")


def marked(value: str | Mark) -> str:
    """With its signs; a bare text as it is."""
    if isinstance(value, str):
        return value
    kind, text = value
    return f"{OPEN[kind]}{text}{END}"


def plain(text: str) -> str:
    """Without the signs."""
    return SIGNS.sub("", text) if END in text else text


def segment(text: str) -> Segment:
    """The text without signs, and where the marked parts are in it, in code points."""
    if END not in text:
        return Segment(text)
    pieces: list[str] = []
    spans: list[Span] = []
    length, at, open_at, sign = 0, 0, 0, 0
    for found in SIGNS.finditer(text):
        pieces.append(text[at : found.start()])
        length += found.start() - at
        at = found.end()
        if found.group() != END:
            open_at, sign = length, ord(found.group()) - 0xE010
        else:
            spans.append(Span(TYPES[sign % _DISGUISED], open_at, length, pieces[-1], sign >= _DISGUISED))
    return Segment("".join(pieces) + text[at:], tuple(spans))


# -- templates -------------------------------------------------------------------------------------------------------
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
Render = Callable[[Dice, Callable[[], int], Slots], str]


class Grammar:
    """Renders templates over `words`, which are bound when a template is first used; other slots come with each call.

    A name in `words` may not be given again with a call: what is bound wins.
    """

    def __init__(self, words: Slots) -> None:
        self._words = words
        self._made: dict[str, Render] = {}

    def render(self, template: str, dice: Dice, slots: Slots) -> str:
        """The text, with signs around its marked parts. KeyError for a slot that is nowhere, ValueError for a template
        that cannot be parsed."""
        made = self._made.get(template) or self.of(template)
        return made(dice, dice.next, slots)

    def of(self, template: str) -> Render:
        """The template as a function of a Dice, its `next`, and the slots of the call."""
        if template not in self._made:
            self._made[template] = self._function(compiled(template))
        return self._made[template]

    def forms(self, template: str) -> int:
        """How many texts a template can give, were each slot one word: its own alternatives only."""
        return _forms(compiled(template))

    def _function(self, parts: Template) -> Render:
        scope: dict[str, Any] = {"drawn": self._drawn, "marked": marked}
        # literals and f-strings side by side are one f-string to the compiler, and literals need no escaping
        pieces = [
            repr(part) if isinstance(part, str) else f"f'''{{{self._expression(part, scope)}}}'''" for part in parts
        ]
        made: Render = eval(f"lambda d, n, s: {' '.join(pieces) or repr('')}", scope)  # noqa: S307  (our own templates)
        return made

    def _expression(self, part: Part, scope: dict[str, Any]) -> str:
        """Python for a part, in terms of d, n, s; tables and functions go into `scope`."""
        name = f"k{len(scope)}"
        if isinstance(part, _Range):
            return f"{part.least} + n() % {part.most - part.least + 1}"
        if isinstance(part, tuple):
            return self._choice(part, name, scope)
        assert isinstance(part, _Slot)  # noqa: S101  (nothing else is left)
        if part.name not in self._words:
            return f"(v if (v := s[{part.name!r}]).__class__ is str else drawn(v, d, n, s))"
        word = self._words[part.name]
        if isinstance(word, str | Mark):
            scope[name] = marked(word)
            return name
        if callable(word):
            scope[name] = word
            return f"marked({name}(d))"
        return self._choice(tuple(compiled(text) for text in word), name, scope)

    def _choice(self, choices: Sequence[Template], name: str, scope: dict[str, Any]) -> str:
        if all(isinstance(part, str) for choice in choices for part in choice):
            scope[name] = tuple("".join(choice) for choice in choices)  # type: ignore[arg-type]  # all are str
            return f"{name}[n() % {len(choices)}]"
        scope[name] = None  # its name is taken, whatever the alternatives need
        scope[name] = tuple(self._function(choice) for choice in choices)
        return f"{name}[n() % {len(choices)}](d, n, s)"

    def _drawn(self, value: Any, dice: Dice, draw: Callable[[], int], slots: Slots) -> str:
        """The text of a slot of the call that is not a bare string."""
        if isinstance(value, Mark):
            return marked(value)
        if callable(value):
            return marked(value(dice))
        return self.of(value[draw() % len(value)])(dice, draw, slots)


def _forms(parts: Template) -> int:
    return prod(sum(map(_forms, part)) for part in parts if isinstance(part, tuple))


_BARE = Grammar({})


class Writer:
    """Fills templates from slots, of which the first that has a name gives it; for texts that are made one by one."""

    def __init__(self, dice: Dice, *slots: Slots) -> None:
        self.dice = dice
        self._slots: Slots = {name: value for given in reversed(slots) for name, value in given.items()}
        self._text = ""

    def write(self, template: str) -> Writer:
        self._text += _BARE.render(template, self.dice, self._slots)
        return self

    def segment(self) -> Segment:
        return segment(self._text)
