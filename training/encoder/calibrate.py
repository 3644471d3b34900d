"""From raw logits to probabilities and thresholds, fitted on the `calibrate` parts.

One-of heads get a temperature (Guo et al., 2017), needs and help Platt's curve (Platt, 1999). What calls for help look
like is better told by the hand-written posts than by the grammar, so their weights differ (WEIGHT).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.records import EMOTIONS, NEEDS, SENTIMENTS
from training.calibration import best_threshold, from_false_calls, platt, temperature
from training.encoder import data, mix, needs
from udfs.encoder import bundle as bundles
from udfs.encoder.deep import DeepModel
from udfs.encoder.model import Model

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
FALSE_CALLS = 2.0
"""Allowed false calls in 10,000 everyday posts."""
FALSE_OFFERS = 5.0
WEIGHT = {"dev": 10.0, "grammar": 0.15}
"""Weight of a row by the start of its source; any other counts 1."""
_EMOTION = len(SENTIMENTS)
_NEEDS = _EMOTION + len(EMOTIONS)
_OFFER = NEEDS.index("offer")


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of the `calibrate` parts, by head."""

    sentiment: list[data.Row]
    emotion: list[data.Row]
    needs: list[needs.NeedRow]

    @property
    def sentiments(self) -> npt.NDArray[np.int64]:
        return np.array([SENTIMENTS.index(row.label) for row in self.sentiment])

    @property
    def emotions(self) -> npt.NDArray[np.int64]:
        return np.array([EMOTIONS.index(row.label) for row in self.emotion])

    @property
    def flags(self) -> npt.NDArray[np.bool_]:
        return np.array([[need in row.needs for need in NEEDS] + [row.asks] for row in self.needs])

    @property
    def weights(self) -> Floats:
        return np.array([WEIGHT.get(row.source.split("-")[0], 1.0) for row in self.needs])

    @property
    def everyday(self) -> npt.NDArray[np.bool_]:
        return np.array([row.source.startswith("everyday-zh") for row in self.needs])


def held(folder: Path, rows: list[needs.NeedRow]) -> Held:
    """What calibration may see; of the large sets of negatives that set no threshold, a third."""
    sentiment = [row for row in data.sentiments(folder) if row.part == "calibrate" and row.source != "weibo-senti-100k"]
    emotion = [row for row in data.emotions(folder) if row.part == "calibrate"]
    kept = [row for row in rows if row.part == "calibrate"]
    everyday = [row for row in kept if row.source.startswith(("everyday-zh", "en_needs"))]
    others = [row for row in kept if not row.source.startswith(("everyday-zh", "en_needs"))][::3]
    return Held(sentiment, emotion, everyday + others + [row for row in needs.developed() if row.part == "calibrate"])


def blank(kind: str, name: str, version: str) -> dict[str, Any]:
    """A description with neutral calibration, with which a model can be loaded and run."""
    heads = {}
    for head, labels in bundles.LABELS.items():
        many = head in ("needs", "help")
        each = len(labels) if many else 1
        heads[head] = {
            "labels": labels,
            "slope": [1.0] * each,
            "offset": [0.0] * each,
            "threshold": [0.5] * each if many else [],
            "abstain": [0.0, 0.0],
        }
    meta = {"name": name, "version": version, "kind": kind, "licence": "Apache-2.0", "heads": heads}
    if kind == "encoder":
        meta["mix"] = [[1.0] * sum(map(len, bundles.LABELS.values()))] * 2
    return meta


def _both(model: DeepModel, rows: list[Any]) -> tuple[Floats, Floats]:
    texts = [row.text for row in rows]
    return model.wide.logits(texts, [row.language for row in rows]), model.deep(texts)


def mixture(model: DeepModel, held: Held) -> list[list[float]]:
    """Factors of wide and deep for every output."""
    factors: list[tuple[float, float]] = []
    for rows, truth, at, end in (
        (held.sentiment, held.sentiments, 0, _EMOTION),
        (held.emotion, held.emotions, _EMOTION, _NEEDS),
    ):
        wide, deep = _both(model, rows)
        found = mix.one_of(wide[:, at:end], deep[:, at:end], truth)
        factors += [found] * (end - at)
        log.info("outputs %d to %d: %.2f wide + %.2f deep", at, end, *found)
    wide, deep = _both(model, held.needs)
    for k in range(len(NEEDS) + 1):
        factors.append(mix.flag(wide[:, _NEEDS + k], deep[:, _NEEDS + k], held.flags[:, k], held.weights))
    log.info("needs, help: %s", [f"{first:.2f} wide + {second:.2f} deep" for first, second in factors[_NEEDS:]])
    return mix.table(factors)


def calibrate(model: Model, held: Held, meta: dict[str, Any]) -> None:
    """Fill slopes, offsets, thresholds and abstain bands of ``meta``."""
    heads = meta["heads"]
    for head, rows, truth, at, end, unsure in (
        ("sentiment", held.sentiment, held.sentiments, 0, _EMOTION, 0.45),
        ("emotion", held.emotion, held.emotions, _EMOTION, _NEEDS, 0.35),
    ):
        slope = temperature(_logits(model, rows)[:, at:end], truth)
        heads[head] |= {"slope": [slope], "abstain": [0.0, unsure]}
        log.info("%s: temperature %.3f on %d rows", head, 1 / slope, len(rows))
    scores, flags, weights = _logits(model, held.needs)[:, _NEEDS:], held.flags, held.weights
    curves = [platt(scores[:, k], flags[:, k], weights) for k in range(len(NEEDS) + 1)]
    slopes, offsets = [slope for slope, _ in curves], [offset for _, offset in curves]
    chance = 1 / (1 + np.exp(-(scores * slopes + offsets)))
    asks_from = from_false_calls(chance[held.everyday, -1], FALSE_CALLS)
    called = chance[:, -1] >= asks_from
    thresholds = [best_threshold(chance[called, k], flags[called, k], weights[called]) for k in range(len(NEEDS))]
    thresholds[_OFFER] = max(
        from_false_calls(chance[held.everyday, _OFFER], FALSE_OFFERS),
        best_threshold(chance[:, _OFFER], flags[:, _OFFER], weights),
    )
    heads["needs"] |= {"slope": slopes[:-1], "offset": offsets[:-1], "threshold": thresholds}
    low = asks_from / 4
    heads["help"] |= {
        "slope": slopes[-1:],
        "offset": offsets[-1:],
        "threshold": [asks_from],
        "abstain": [low, asks_from],
    }
    log.info("help from %.4f; needs from %s", asks_from, [round(threshold, 3) for threshold in thresholds])


def _logits(model: Model, rows: list[Any]) -> Floats:
    return model.encode([row.text for row in rows], [row.language for row in rows]).logits
