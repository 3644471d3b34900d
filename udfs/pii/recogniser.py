"""The base of the recognisers of identifiers: Presidio's form, declared so that it also runs in the combined pass.

A recogniser is declared constants, as Presidio's own are: patterns, context words, one ``validate_result``.
``udfs.pii.presidio`` makes a Presidio PatternRecognizer of it; nothing here imports Presidio, since that alone takes a
worker seconds. Three things differ from stock Presidio, because of Chinese:

* patterns see the shadow copy (``udfs.pii.shadow``); results carry offsets of the original;
* a pattern may name a group ``span``: what is left and right of it is context that must be there, but is not masked;
* context is searched as substrings in a window of characters (there are no spaces to split words at) and a context
  *against* (order number, tracking number) lowers what no check digit confirmed.

``validate_result`` has Presidio's three answers: True (the check digit is right: score 1), None (well-formed, cannot
tell or the check digit is wrong: the pattern's own score), False (cannot be one: dropped).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from udfs.pii.shadow import numeral_shadow, shadow_of
from udfs.pii.spans import Span

SEVEN_DIGITS = r"\d(?:\D{0,4}\d){6}"
"""The gate that recognisers of long numbers share."""

FIVE_SIGNS = r"[A-Za-z0-9_][A-Za-z0-9_.\- ]{4}"
"""The gate that recognisers of ids in letters and digits share."""

CONTEXT_BOOST = 0.35
"""Presidio's own ``context_similarity_factor``."""


Found = tuple[int, int, float, float, int]
"""A match in a shadow: start and end there, score before and after context, number of its pattern."""


class IdentifierRecogniser:
    """Subclass, set the constants, and put the file into ``recognisers/``. Patterns ignore case."""

    ENTITY: ClassVar[str]
    PATTERNS: ClassVar[Sequence[tuple[str, str, float]]]
    """(name, regular expression over the shadow, score). Scores under the threshold (.4) count only in context."""
    CONTEXT: ClassVar[Sequence[str]] = ()
    """Lower-case words, simplified characters, of which one near the match raises its score."""
    AGAINST: ClassVar[Sequence[str]] = ()
    """Lower-case words that lower the score of a match which no check digit confirmed."""
    WINDOW: ClassVar[tuple[int, int]] = (14, 4)
    """How many characters before and after a match context is looked for."""
    GATES: ClassVar[tuple[str, ...]] = ()
    """Cheap regular expressions that every shadow with a match fulfils, all of them, the one shared with most
    recognisers first (it is evaluated once for all); none: always run. They heed case unless they begin with ``(?i)``:
    a scan that ignores it is several times slower."""
    HAN_ONLY: ClassVar[bool] = False
    """True when a match may hold no ASCII letter, digit or @ at all; its first gate then opens the combined pass."""
    NUMERALS: ClassVar[bool] = False
    """True when the identifier is also written with Chinese numerals."""
    AHEAD: ClassVar[str] = ""
    """A class of characters: what a match of any pattern that opens with a look-behind begins with. Asked first, it
    lets the scan pass over other text four times faster."""
    LANGUAGES: ClassVar[tuple[str, ...]] = ("zh", "en", "und")

    def __init__(self) -> None:
        self._compiled = [
            (re.compile(self._ahead(regex) + regex, re.IGNORECASE), score, "(?P<span>" in regex)
            for _, regex, score in self.PATTERNS
        ]
        self._context = _any_of(self.CONTEXT)
        self._against = _any_of(self.AGAINST)
        self.gates = tuple(re.compile(gate) for gate in self.GATES)

    def _ahead(self, regex: str) -> str:
        return f"(?={self.AHEAD})" if self.AHEAD and regex.startswith(("(?<!", "(?<=")) else ""

    def validate_result(self, pattern_text: str) -> bool | None:
        """Return True, None or False for what a pattern matched (in the shadow); see the module text."""
        return None

    def find(self, shadow: str) -> Iterator[Found]:
        """Yield every match of every pattern in a shadow text; they may overlap. The one place patterns run."""
        in_context = self._in_context if self._context or self._against else None
        for number, (pattern, base, grouped) in enumerate(self._compiled):
            for match in pattern.finditer(shadow):
                start, end = match.span("span") if grouped else match.span()
                verdict = self.validate_result(shadow[start:end])
                if start == end or verdict is False:
                    continue
                score = 1.0 if verdict else base
                raised = in_context(shadow, start, end, score) if in_context else score
                yield start, end, score, raised, number

    def _in_context(self, shadow: str, start: int, end: int, score: float) -> float:
        if score >= 1.0:
            return score
        before, after = self.WINDOW
        low, high = max(0, start - before), min(len(shadow), end + after)
        if self._context and (
            self._context.search(shadow, low, start) or (after and self._context.search(shadow, end, high))
        ):
            return min(1.0, score + CONTEXT_BOOST)
        if self._against and self._against.search(shadow, low, start):
            return max(0.01, score - CONTEXT_BOOST)
        return score

    def spans(self, text: str) -> Iterator[tuple[Span, Found]]:
        """Yield spans in offsets of ``text`` with their matches, for a text alone: no gate, no other recogniser."""
        shadow = shadow_of(text)
        shadows = [shadow]
        if self.NUMERALS and (folded := numeral_shadow(shadow)):
            shadows.append(folded)
        for each in shadows:
            for found in self.find(each.text):
                start, end, _, score, _ = found
                yield Span(self.ENTITY, *each.span(start, end), score), found


def _any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE) if words else None
