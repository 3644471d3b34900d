"""The combined pass: every identifier recogniser over one shadow copy, behind gates.

Stock Presidio builds an explanation for each match and runs each pattern over each text: some thousands of texts a
second. Here one scan decides whether a text can hold any identifier at all; a text that can is folded once; each
recogniser's own gate (declared with its patterns) decides whether its patterns run. Gates only ever skip texts without
a match, so the spans are those of Presidio's engine with the same recognisers: a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from udfs.pii.recogniser import IdentifierRecogniser
from udfs.pii.shadow import CHINESE_DIGITS, TRADITIONAL, numeral_shadow, shadow_of
from udfs.pii.spans import Span

THRESHOLD = 0.4
"""Spans that score less are not masked. Presidio's engine must be given the same ``default_score_threshold``."""

_DIGIT = re.compile(r"\d").search
_NUMBERS = frozenset({"CN_MOBILE", "CN_LANDLINE", "PHONE_NUMBER", "IM_ID"})
_OPENERS = (
    rf"[0-9A-Za-z@{TRADITIONAL}]",
    r"[^\x00-\x7f\u2010-\u2027\u3000-\u3029\u4e00-\u9fff\uff01\uff0c\uff1a-\uff1f]",
    rf"[{''.join(CHINESE_DIGITS)}](?:[^\u4e00-\u9fff]{{0,2}}[点杠]?[{''.join(CHINESE_DIGITS)}]){{6}}",
)
"""What a text must hold to be looked at: ASCII letters, digits, an @ or a traditional character that folds; anything
unusual; or a run of numerals. In this order, since nearly every text that has any of them has the first."""


class SpanFinder(Protocol):
    """What a plug-in offers (``udfs.pii.presidio.PlugIn``)."""

    def find(self, text: str) -> list[Span]:
        """Return its spans in ``text``."""


class Detector:
    """Finds identifiers. Not thread-safe in the sense of the step contract: one instance a thread."""

    def __init__(
        self,
        recognisers: Sequence[IdentifierRecogniser],
        plug_ins: Sequence[SpanFinder] = (),
        public_numbers: frozenset[str] = frozenset(),
        threshold: float = THRESHOLD,
    ) -> None:
        self._groups = _grouped(recognisers)
        self._without_digits = _grouped([r for r in recognisers if not (r.GATES and r.GATES[0].startswith(r"\d"))])
        han_only = [recogniser.GATES[0] for recogniser in recognisers if recogniser.HAN_ONLY]
        self._openers = [re.compile(opener).search for opener in (*_OPENERS, *han_only)]
        self._plug_ins = plug_ins
        self._public = public_numbers
        self._threshold = threshold

    def find(self, text: str) -> list[Span]:
        """Return every accepted span of ``text``; they may overlap (``udfs.pii.spans.resolve`` settles that)."""
        spans: list[Span] = []
        for opener in self._openers:
            if opener(text):
                spans = self._identifiers(text)
                break
        for recogniser in self._plug_ins:
            spans += recogniser.find(text)
        return [span for span in spans if span.score >= self._threshold and not self._is_public(text, span)]

    def _identifiers(self, text: str) -> list[Span]:
        shadow = shadow_of(text)
        folded = numeral_shadow(shadow)
        spans = []
        for each in (shadow, folded) if folded else (shadow,):
            seen = each.text
            for first, members in self._groups if _DIGIT(seen) else self._without_digits:
                if first and not first(seen):
                    continue
                for recogniser, gates in members:
                    if each is folded and not recogniser.NUMERALS:
                        continue
                    for gate in gates:
                        if not gate(seen):
                            break
                    else:
                        for start, end, _, score, _ in recogniser.find(seen):
                            if each.at:
                                start, end = each.span(start, end)
                            spans.append(Span(recogniser.ENTITY, start, end, score))
        return spans

    def _is_public(self, text: str, span: Span) -> bool:
        if span.type not in _NUMBERS or span.end - span.start > 24:
            return False
        value = text[span.start : span.end]
        return not any(map(str.isalpha, value)) and "".join(filter(str.isdigit, value)) in self._public


_Gate = Callable[[str], object]
_Member = tuple[IdentifierRecogniser, tuple[_Gate, ...]]


def _grouped(recognisers: Sequence[IdentifierRecogniser]) -> list[tuple[_Gate | None, list[_Member]]]:
    """Recognisers by their first gate, with the gates that remain."""
    groups: dict[str, tuple[_Gate | None, list[_Member]]] = {}
    for recogniser in recognisers:
        gates = [gate.search for gate in recogniser.gates]
        first = None if recogniser.GATES[:1] == (r"\d",) else next(iter(gates), None)  # asked for all of them at once
        _, members = groups.setdefault(next(iter(recogniser.GATES), ""), (first, []))
        members.append((recogniser, tuple(gates[1:])))
    return list(groups.values())
