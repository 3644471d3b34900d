"""Spans: what a recogniser found, how overlaps are settled, how a text is masked.

Overlap rule, in one sentence: no character that any accepted recogniser claimed is left standing. Spans are taken by
rank (tier, then score, then length, then order of types); a span that loses characters to one ranked higher keeps what
is left of it, if a letter or digit is left. So "@郑州消防" glued to a phone number becomes a USERNAME and a CN_MOBILE.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """A piece of personal data: ``text[start:end]`` is of ``type``, with confidence ``score`` from 0 to 1."""

    type: str
    start: int
    end: int
    score: float


_TIERS = {"URL": 0, "EMAIL_ADDRESS": 0, "USERNAME": 3, "ADDRESS": 4, "PERSON": 5, "PLACE": 6}
"""Types that hold others come first (a number inside a link is part of the link); numbers and ids (tier 1) before
mentions, mentions before what a tagger guessed."""


def _rank(span: Span) -> tuple[int, float, int, str, int]:
    return _TIERS.get(span.type, 1), -span.score, span.start - span.end, span.type, span.start


def resolve(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return ``spans`` sorted and free of overlaps; see the module text for the rule.

    Cost: n log n for n spans, plus their length.
    """
    if len(spans) < 2:
        return list(spans)
    kept: list[Span] = []
    taken = bytearray(len(text))
    for span in sorted(set(spans), key=_rank):
        start = span.start
        while start < span.end:
            end = taken.find(1, start, span.end)
            end = span.end if end < 0 else end
            if start < end and (end - start == span.end - span.start or any(map(str.isalnum, text[start:end]))):
                kept.append(Span(span.type, start, end, span.score))
                taken[start:end] = b"\x01" * (end - start)
            start = taken.find(0, end, span.end)
            if start < 0:
                break
    return sorted(kept, key=lambda span: span.start)


def masked(text: str, spans: Sequence[Span]) -> str:
    """Return ``text`` with each span (sorted, no overlaps) replaced by ``<TYPE>`` and nothing else changed."""
    parts, at = [], 0
    for span in spans:
        if not at <= span.start < span.end <= len(text):
            raise ValueError(f"span {span.start}-{span.end} does not fit a text of {len(text)} characters")
        parts.append(text[at : span.start])
        parts.append(f"<{span.type}>")
        at = span.end
    parts.append(text[at:])
    return "".join(parts)
