"""Our recognisers as Presidio's: for a site that runs an AnalyzerEngine of its own, and for plug-ins.

Importing this module imports Presidio (with spaCy: seconds of CPU), so the mask step does so only when a site names
plug-ins.
"""

from __future__ import annotations

import re

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from udfs.pii.recogniser import IdentifierRecogniser
from udfs.pii.registry import BatchedRecogniser
from udfs.pii.spans import Span

_NO_ARTIFACTS = NlpArtifacts([], [], [], [], None, "zh")  # type: ignore[arg-type] # plug-ins get no spaCy


class PresidioIdentifier(PatternRecognizer):
    """An IdentifierRecogniser as a PatternRecognizer: its patterns, context and validation, over the shadow copy."""

    def __init__(self, declared: IdentifierRecogniser, supported_language: str = "zh") -> None:
        self._declared = declared
        super().__init__(
            supported_entity=declared.ENTITY,
            name=type(declared).__name__,
            supported_language=supported_language,
            patterns=[Pattern(name, regex, score) for name, regex, score in declared.PATTERNS],
            context=list(declared.CONTEXT),
            global_regex_flags=re.IGNORECASE,
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """As declared."""
        return self._declared.validate_result(pattern_text)

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
        kind = type(self._declared).__name__
        for span, (_, _, base, raised, number) in self._declared.spans(text):
            name, regex, score = self._declared.PATTERNS[number]
            explanation = self.build_regex_explanation(kind, name, regex, score, base >= 1.0, flags)
            explanation.set_improved_score(raised)
            result = RecognizerResult(span.type, span.start, span.end, base, explanation)
            result.recognition_metadata = {
                RecognizerResult.RECOGNIZER_NAME_KEY: kind,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                "score_in_context": raised,
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


class PresidioNames(EntityRecognizer):
    """The tagger of names and places as a recogniser of one text at a time: twenty times as dear as in a batch."""

    def __init__(self, tagger: BatchedRecogniser, supported_language: str = "zh") -> None:
        self._tagger = tagger
        super().__init__(["PERSON", "PLACE"], supported_language=supported_language)

    def load(self) -> None:
        """Nothing to do: the tagger is loaded."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Return the names and shared places of ``text``."""
        spans = self._tagger.analyze_batch([text])[0]
        return [RecognizerResult(span.type, span.start, span.end, span.score) for span in spans]


class PlugIn:
    """A site's own Presidio recogniser in the combined pass: one text at a time, through its own ``analyze``."""

    def __init__(self, recogniser: EntityRecognizer) -> None:
        self._recogniser = recogniser

    def find(self, text: str) -> list[Span]:
        """Return its spans in ``text``."""
        results = self._recogniser.analyze(text, self._recogniser.get_supported_entities(), _NO_ARTIFACTS) or ()
        return [Span(result.entity_type, result.start, result.end, result.score) for result in results]


def registry_of(recognisers: list[IdentifierRecogniser], language: str) -> RecognizerRegistry:
    """Return a Presidio registry of ``recognisers``."""
    registry = RecognizerRegistry(supported_languages=[language])
    for recogniser in recognisers:
        registry.add_recognizer(PresidioIdentifier(recogniser, language))
    return registry
