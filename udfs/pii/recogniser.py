"""The base of the recognisers of identifiers: a Presidio PatternRecognizer that can also run in the combined pass.

A recogniser is declared constants: patterns, context words, one ``validate_result``. Three things differ from stock
Presidio, because of Chinese:

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
from typing import Any, ClassVar, NamedTuple

from presidio_analyzer import Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from udfs.pii.shadow import numeral_shadow, shadow_of
from udfs.pii.spans import Span

SEVEN_DIGITS = r"\d(?:\D{0,4}\d){6}"
"""The gate that recognisers of long numbers share."""

CONTEXT_BOOST = 0.35
"""Presidio's own ``context_similarity_factor``."""


class Found(NamedTuple):
    """A match in a shadow: offsets there, score before and after context, and the pattern it came from."""

    start: int
    end: int
    base: float
    score: float
    pattern: int


class IdentifierRecogniser(PatternRecognizer):
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
    recognisers first (it is evaluated once for all); none: always run."""
    HAN_ONLY: ClassVar[bool] = False
    """True when a match may hold no ASCII letter, digit or @ at all; its first gate then opens the combined pass."""
    NUMERALS: ClassVar[bool] = False
    """True when the identifier is also written with Chinese numerals."""
    LANGUAGES: ClassVar[tuple[str, ...]] = ("zh", "en", "und")

    def __init__(self, supported_language: str = "zh", **options: Any) -> None:
        super().__init__(
            supported_entity=self.ENTITY,
            supported_language=supported_language,
            patterns=[Pattern(name, regex, score) for name, regex, score in self.PATTERNS],
            context=list(self.CONTEXT),
            global_regex_flags=re.IGNORECASE,
            **options,
        )
        self._compiled = [
            (re.compile(regex, re.IGNORECASE), score, "(?P<span>" in regex) for _, regex, score in self.PATTERNS
        ]
        self._context = _any_of(self.CONTEXT)
        self._against = _any_of(self.AGAINST)
        self.gates = tuple(re.compile(gate, re.IGNORECASE) for gate in self.GATES)

    def find(self, shadow: str) -> Iterator[Found]:
        """Yield every match of every pattern in a shadow text; they may overlap. The one place patterns run."""
        for number, (pattern, base, grouped) in enumerate(self._compiled):
            for match in pattern.finditer(shadow):
                start, end = match.span("span") if grouped else match.span()
                verdict = self.validate_result(shadow[start:end])
                if start == end or verdict is False or self.invalidate_result(shadow[start:end]):
                    continue
                score = 1.0 if verdict else base
                yield Found(start, end, score, self._in_context(shadow, start, end, score), number)

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
        """Yield spans in offsets of ``text`` with their matches: what ``analyze`` reports, without its objects."""
        shadow = shadow_of(text)
        shadows = [shadow]
        if self.NUMERALS and (folded := numeral_shadow(shadow)):
            shadows.append(folded)
        for each in shadows:
            for found in self.find(each.text):
                yield Span(self.ENTITY, *each.span(found.start, found.end), found.score), found

    # -- Presidio's interface ----------------------------------------------------------------------------------
    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,
        regex_flags: int | None = None,
    ) -> list[RecognizerResult]:
        """Return what was found in ``text``; ``regex_flags`` are fixed by the declaration and ignored.

        Scores are those before context: Presidio calls ``enhance_using_context`` afterwards.
        """
        results = []
        flags = int(self.global_regex_flags or 0)
        for span, found in self.spans(text):
            name, regex, score = self.PATTERNS[found.pattern]
            explanation = self.build_regex_explanation(
                type(self).__name__, name, regex, score, found.base >= 1.0, flags
            )
            explanation.set_improved_score(found.score)
            result = RecognizerResult(self.ENTITY, span.start, span.end, found.base, explanation)
            result.recognition_metadata = {
                RecognizerResult.RECOGNIZER_NAME_KEY: type(self).__name__,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                "score_in_context": found.score,
            }
            results.append(result)
        return results

    def enhance_using_context(
        self,
        text: str,
        raw_recognizer_results: list[RecognizerResult],
        other_raw_recognizer_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """Set the score in context, and keep Presidio's lemma-based enhancer (which needs spaCy) from adding to it."""
        for result in raw_recognizer_results:
            result.score = result.recognition_metadata["score_in_context"]
            result.recognition_metadata[RecognizerResult.IS_SCORE_ENHANCED_BY_CONTEXT_KEY] = True
        return raw_recognizer_results


def _any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE) if words else None
