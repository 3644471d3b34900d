"""Which words carried a decision: occlusion (Zeiler & Fergus, 2014), for `yuqing score --explain`.

Every pair of neighbouring units (a Han character, a word, a mask token) is taken out in turn; a unit's weight is the
mean loss of log-odds of the decided label over the pairs it stood in. Positive: it spoke for the label. The model alone
is explained; rules are explained where they fire. Cost: one forward pass a unit, at most MAX_UNITS of them, so it
belongs to single posts, not to a stream.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError
from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS
from udfs.encoder.decide import Probabilities
from udfs.encoder.step import Classify

Floats = npt.NDArray[np.float64]
MAX_UNITS = 256
"""Units beyond these are taken as one and not told apart."""
_UNIT = re.compile(r"<[A-Z_]+>|[A-Za-z0-9\u00c0-\u024f']+|\[[^\[\]\s]{1,6}\]|\S")
_SHARE = 0.3
"""A unit belongs to a span when it weighs this share of the heaviest."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text (offsets in code points) and the log-odds it gave to the label."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why ``label`` of ``head`` (sentiment, emotion, need, help or hazard) came out at ``score``.

    The need `none` stands for neither help nor an offer. ``threshold`` is the score from which the label is given; None
    where the likeliest label is taken, for `none` and for `no call`. The strongest need of a call is given under its
    threshold too.
    """

    head: str
    label: str
    score: float
    threshold: float | None
    spans: tuple[Span, ...]
    model: str
    method: str = "occlusion"

    def to_dict(self) -> dict[str, Any]:
        spans = [{"start": span.start, "end": span.end, "weight": round(span.weight, 3)} for span in self.spans]
        return {
            "head": self.head,
            "label": self.label,
            "score": round(self.score, 4),
            "threshold": None if self.threshold is None else round(self.threshold, 4),
            "spans": spans,
            "model": self.model,
            "method": self.method,
        }


def explain(step: Classify, text: str, language: str = "zh", top: int = 5) -> list[Explanation]:
    """Explain sentiment, emotion, each need that ``step`` (opened) reports for ``text``, or `none`, whether help is
    asked for, and each hazard that the model names in `hints`.

    Spans are sorted by weight, heaviest first, at most ``top``; an empty text has none.
    """
    units = [match.span() for match in _UNIT.finditer(text)][:MAX_UNITS]
    windows = [units[max(0, i - 1) : i + 1] for i in range(len(units) + (len(units) > 1))]
    variants = [text, *(text[: window[0][0]] + " " + text[window[-1][1] :] for window in windows)]
    found = step.probabilities(variants, [language] * len(variants))
    result = []
    for head, label, threshold, column in _decisions(step, found):
        odds = np.log(np.clip(column, 1e-6, 1 - 1e-6) / np.clip(1 - column, 1e-6, 1))
        drops = odds[0] - odds[1:]
        weights = [
            float(np.mean([drop for window, drop in zip(windows, drops, strict=True) if unit in window]))
            for unit in units
        ]
        result.append(
            Explanation(head, label, float(column[0]), threshold, _spans(text, units, weights, top), step.model)
        )
    return result


def _decisions(step: Classify, found: Probabilities) -> list[tuple[str, str, float | None, Floats]]:
    """(head, label, its threshold, its probability in every variant) of what was decided for the first variant."""
    limits = thresholds(step)
    sentiment, emotion = int(found.sentiment[0].argmax()), int(found.emotion[0].argmax())
    decided: list[tuple[str, str, float | None, Floats]] = [
        ("sentiment", SENTIMENTS[sentiment], None, found.sentiment[:, sentiment]),
        ("emotion", EMOTIONS[emotion], None, found.emotion[:, emotion]),
    ]
    needs = [NEEDS.index(need["need"]) for need in step.decide(found, 0)[-1]]
    if needs:
        decided += [("need", NEEDS[k], limits["needs"][NEEDS[k]], found.needs[:, k]) for k in needs]
    else:
        asked: Floats = np.maximum(found.help[:, 0], found.needs[:, NEEDS.index("offer")])
        decided.append(("need", "none", None, 1 - asked))
    asks, asks_from = found.help[:, 0], limits["help"]["help"]
    decided.append(("help", "call", asks_from, asks) if asks[0] >= asks_from else ("help", "no call", None, 1 - asks))
    if found.hazards is not None:
        for k, hazard in enumerate(HAZARDS):
            limit = limits["hazards"][hazard]
            if found.hazards[0, k] >= limit:
                decided.append(("hazard", hazard, limit, found.hazards[:, k]))
    return decided


def thresholds(step: Classify) -> dict[str, dict[str, float]]:
    """head -> label -> the probability from which ``step`` (opened) gives it: needs, help, and hazards where it has
    that head. Sentiment, emotion, source and state have none: the likeliest label is taken."""
    if step.loaded is None:
        raise ModelError("explain: the step classify is not open; call open() first")
    heads = step.loaded.heads.items()
    return {name: dict(zip(head.labels, head.threshold, strict=True)) for name, head in heads if head.threshold}


def _spans(text: str, units: Sequence[tuple[int, int]], weights: Sequence[float], top: int) -> tuple[Span, ...]:
    """Neighbouring heavy units as one span."""
    heaviest = max(weights, default=0.0)
    spans: list[Span] = []
    for (start, end), weight in zip(units, weights, strict=True):
        if weight <= 0 or weight < _SHARE * heaviest:
            continue
        if spans and not text[spans[-1].end : start].strip():
            spans[-1] = Span(spans[-1].start, end, spans[-1].weight + weight)
        else:
            spans.append(Span(start, end, weight))
    return tuple(sorted(spans, key=lambda span: (-span.weight, span.start))[:top])
