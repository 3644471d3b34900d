"""From logits to the columns of CLASSIFIED: calibration, thresholds and the rules that keep the columns consistent.

* `needs` holds what is at or over its threshold, strongest first; needs other than `offer` only when `help_score`
  reaches the help threshold, and then at least the strongest one. So `needs` asks for help exactly when the help
  head says so.
* `need` is the first of `needs`, or `none`; the score of `none` is the chance that neither help nor an offer is there.
* `hints` are what the heads hazards, source and state say, for triage to weigh: hazards at or over their thresholds,
  strongest first, and the likeliest source and state with their probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import ModelError
from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES
from udfs.encoder.bundle import MULTI_LABEL, Bundle, Head

Floats = npt.NDArray[np.float64]
_OFFER = NEEDS.index("offer")
_LIMIT = 30.0
"""A probability nearer to 0 or 1 than this logit means nothing."""
INT8_SCALE = 127
Hints = tuple[tuple[tuple[str, float], ...], str, float, str, float]
"""One value of the column `hints` as tuples in the order of its fields: small enough to keep in a cache."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Calibrated probabilities, one row a text; columns in the contract's order."""

    sentiment: Floats
    emotion: Floats
    needs: Floats
    help: Floats  # one column
    hazards: Floats | None = None  # this and the next two: None when the bundle has no such heads
    source: Floats | None = None
    state: Floats | None = None

    def row(self, number: int) -> Probabilities:
        at = slice(number, number + 1)
        values: dict[str, Any] = {}
        for field in fields(self):
            whole = getattr(self, field.name)
            values[field.name] = None if whole is None else whole[at]
        return Probabilities(**values)


def probabilities(bundle: Bundle, logits: Floats) -> Probabilities:
    """Calibrate ``logits`` [texts, outputs]. Raises ModelError when they are not as many as the bundle has labels."""
    if logits.shape[1] != bundle.size:
        raise ModelError(f"{bundle.path}: the model gives {logits.shape[1]} outputs, its labels are {bundle.size}")
    parts = {}
    at = 0
    for name, head in bundle.heads.items():
        part = logits[:, at : at + len(head.labels)]
        at += len(head.labels)
        parts[name] = _logistic(part, head) if name in MULTI_LABEL else _softmax(part, head)
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
    """One tuple a text: the columns of CLASSIFIED from `sentiment` to `needs`."""
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


def hints(bundle: Bundle, found: Probabilities) -> list[Hints | None]:
    """One value a text; None for every text when the bundle has no heads for them."""
    if found.hazards is None or found.source is None or found.state is None:
        return [None] * len(found.help)
    thresholds = bundle.heads["hazards"].threshold
    source, state = found.source.argmax(axis=1).tolist(), found.state.argmax(axis=1).tolist()
    result: list[Hints | None] = []
    for i, scores in enumerate(found.hazards.tolist()):
        over = sorted((k for k, score in enumerate(scores) if score >= thresholds[k]), key=lambda k: (-scores[k], k))
        result.append(
            (
                tuple((HAZARDS[k], round(scores[k], 4)) for k in over),
                SOURCE_KINDS[source[i]],
                round(float(found.source[i, source[i]]), 4),
                STATES[state[i]],
                round(float(found.state[i, state[i]]), 4),
            )
        )
    return result


def embeddings(bundle: Bundle, found: Floats | None, texts: int) -> list[bytes]:
    """One embedding a text as the bytes of its int8 values (`records.CLASSIFIED` says how); b"" when there is none.

    Raises ModelError when the model does not give what the bundle announces.
    """
    shape = (0, 0) if found is None else found.shape
    if shape != ((texts, bundle.dimensions) if bundle.dimensions else (0, 0)):
        raise ModelError(
            f"{bundle.path}: the model gives embeddings of {shape[1]} dimensions, bundle.json says {bundle.dimensions}"
        )
    if found is None:
        return [b""] * texts
    return [row.tobytes() for row in np.clip(np.rint(found * INT8_SCALE), -INT8_SCALE, INT8_SCALE).astype(np.int8)]
