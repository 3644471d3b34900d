"""From logits to the columns of CLASSIFIED: calibration, thresholds and the rules that keep the columns consistent.

* `needs` holds what is at or over its threshold, strongest first; needs other than `offer` only when `help_score`
  reaches the help threshold, and then at least the strongest one. So `needs` asks for help exactly when the help
  head says so.
* `need` is the first of `needs`, or `none`; the score of `none` is the chance that neither help nor an offer is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.records import EMOTIONS, NEEDS, SENTIMENTS
from udfs.encoder.bundle import Bundle, Head

Floats = npt.NDArray[np.float64]
_OFFER = NEEDS.index("offer")
_LIMIT = 30.0
"""A probability nearer to 0 or 1 than this logit means nothing."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Calibrated probabilities, one row a text; columns in the contract's order."""

    sentiment: Floats
    emotion: Floats
    needs: Floats
    help: Floats  # one column

    def row(self, number: int) -> Probabilities:
        at = slice(number, number + 1)
        return Probabilities(self.sentiment[at], self.emotion[at], self.needs[at], self.help[at])


def probabilities(bundle: Bundle, logits: Floats) -> Probabilities:
    parts = {}
    at = 0
    for name, head in bundle.heads.items():
        part = logits[:, at : at + len(head.labels)]
        at += len(head.labels)
        parts[name] = _softmax(part, head) if len(head.slope) < len(head.labels) else _logistic(part, head)
    return Probabilities(**parts)


def _softmax(logits: Floats, head: Head) -> Floats:
    scaled = logits * head.slope[0]
    scaled -= scaled.max(axis=1, keepdims=True)
    raised = np.exp(scaled)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _logistic(logits: Floats, head: Head) -> Floats:
    return np.asarray(
        1 / (1 + np.exp(-np.clip(logits * np.array(head.slope) + np.array(head.offset), -_LIMIT, _LIMIT)))
    )


def rows(bundle: Bundle, found: Probabilities) -> list[tuple[Any, ...]]:
    """One tuple a text in the order of CLASSIFIED, less `model`."""
    thresholds = bundle.heads["needs"].threshold
    asks_from = bundle.heads["help"].threshold[0]
    sentiment, emotion = found.sentiment.argmax(axis=1), found.emotion.argmax(axis=1)
    result: list[tuple[Any, ...]] = []
    for i, (help_score, scores) in enumerate(zip(found.help[:, 0].tolist(), found.needs.tolist(), strict=True)):
        over = {k for k, score in enumerate(scores) if score >= thresholds[k]}
        asked = over - {_OFFER}
        if help_score < asks_from:
            over -= asked
        elif not asked:
            over.add(max(range(_OFFER), key=scores.__getitem__))
        needs = [{"need": NEEDS[k], "score": round(scores[k], 4)} for k in sorted(over, key=lambda k: (-scores[k], k))]
        strongest = needs[0] if needs else {"need": "none", "score": 1 - max(help_score, scores[_OFFER])}
        result.append(
            (
                SENTIMENTS[sentiment[i]],
                round(float(found.sentiment[i, sentiment[i]]), 4),
                EMOTIONS[emotion[i]],
                round(float(found.emotion[i, emotion[i]]), 4),
                strongest["need"],
                round(float(strongest["score"]), 4),
                round(help_score, 4),
                needs,
            )
        )
    return result
