"""From raw logits to probabilities and thresholds, fitted on the `calibrate` parts.

One-of heads get a temperature (Guo et al., 2017), those of several labels Platt's curve (Platt, 1999). What calls for
help look like is better told by the hand-written posts than by the grammar, so their weights differ (WEIGHT).
Hazards, source and state rest on hand-labelled posts alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.records import EMOTIONS, HAZARDS, NEEDS, SENTIMENTS, SOURCE_KINDS, STATES
from training.calibration import best_threshold, from_false_calls, platt, temperature
from training.encoder import data, mix, needs
from udfs.encoder import bundle as bundles
from udfs.encoder.deep import DeepModel
from udfs.encoder.wide import WideModel

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
FALSE_CALLS = 2.0
"""Allowed false calls in 10,000 everyday posts."""
FALSE_OFFERS = 5.0
WEIGHT = {"dev": 10.0, "written": 10.0, "grammar": 0.15}
"""Weight of a row by the start of its source; any other counts 1."""
_EMOTION = len(SENTIMENTS)
_NEEDS = _EMOTION + len(EMOTIONS)
_OFFER = NEEDS.index("offer")
_HAZARDS = _NEEDS + len(NEEDS) + 1
_SOURCE = _HAZARDS + len(HAZARDS)
_STATE = _SOURCE + len(SOURCE_KINDS)
_FEW = 5
"""A hazard with fewer calibration posts keeps the threshold one half."""


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
    def told(self) -> list[needs.NeedRow]:
        """Rows whose hazards, source and state a person labelled."""
        return [row for row in self.needs if row.told is not None]

    @property
    def everyday(self) -> npt.NDArray[np.bool_]:
        return np.array([row.source.startswith("everyday-zh") for row in self.needs])


def held(folder: Path, rows: list[needs.NeedRow]) -> Held:
    """What calibration may see; of the large sets of negatives that set no threshold, a third."""
    sentiment = [row for row in data.sentiments(folder) if row.part == "calibrate" and row.source != "weibo-senti-100k"]
    emotion = [row for row in data.emotions(folder) if row.part == "calibrate"]
    kept = [row for row in rows if row.part == "calibrate"]
    whole = ("everyday-zh", "en_needs", "written")
    everyday = [row for row in kept if row.source.startswith(whole)]
    others = [row for row in kept if not row.source.startswith(whole)][::3]
    return Held(sentiment, emotion, everyday + others + [row for row in needs.developed() if row.part == "calibrate"])


def blank(kind: str, name: str, version: str, dimensions: int = 0) -> dict[str, Any]:
    """A description with neutral calibration, with which a model can be loaded and run. ``dimensions`` of the
    embedding; 0 for a model that has neither embedding nor the optional heads."""
    heads = {}
    for head, labels in (bundles.LABELS | (bundles.OPTIONAL if dimensions else {})).items():
        many = head in bundles.MULTI_LABEL
        each = len(labels) if many else 1
        heads[head] = {
            "labels": labels,
            "slope": [1.0] * each,
            "offset": [0.0] * each,
            "threshold": [0.5] * each if many else [],
            "abstain": [0.0, 0.0],
        }
    meta = {"name": name, "version": version, "kind": kind, "licence": "Apache-2.0", "heads": heads}
    if dimensions:
        meta["embedding"] = {"dimensions": dimensions}
    if kind == "encoder":
        meta["mix"] = [[1.0] * sum(map(len, bundles.LABELS.values()))] * 2
    return meta


class Scores:
    """Logits of every text that calibration needs, computed once: an accurate encoder takes minutes for them."""

    def __init__(self, model: WideModel | DeepModel, held: Held) -> None:
        rows = {(row.text, row.language): None for row in (*held.sentiment, *held.emotion, *held.needs)}
        texts, languages = [text for text, _ in rows], [language for _, language in rows]
        self._at = {key: at for at, key in enumerate(rows)}
        self.mix = np.ones((2, sum(map(len, bundles.LABELS.values()))))
        self._wide = (model if isinstance(model, WideModel) else model.wide).logits(texts, languages)  # type: ignore[union-attr]
        self._deep = model.deep(texts) if isinstance(model, DeepModel) else None

    def both(self, rows: Sequence[data.Row | needs.NeedRow]) -> tuple[Floats, Floats]:
        """Logits of the wide model and of the encoder (all zero without one)."""
        at = [self._at[row.text, row.language] for row in rows]
        wide = self._wide[at]
        return wide, np.zeros_like(wide) if self._deep is None else self._deep[at]

    def of(self, rows: Sequence[data.Row | needs.NeedRow]) -> Floats:
        """Logits as the bundle will give them, under ``mix``."""
        wide, deep = self.both(rows)
        if self._deep is None:
            return wide
        shared = wide.shape[1]
        return np.concatenate([wide * self.mix[0] + deep[:, :shared] * self.mix[1], deep[:, shared:]], axis=1)


def mixture(scores: Scores, held: Held) -> list[list[float]]:
    """Factors of wide and deep for every output of the wide model; ``scores`` uses them from now on."""
    factors: list[tuple[float, float]] = []
    for rows, truth, at, end in (
        (held.sentiment, held.sentiments, 0, _EMOTION),
        (held.emotion, held.emotions, _EMOTION, _NEEDS),
    ):
        wide, deep = scores.both(rows)
        found = mix.one_of(wide[:, at:end], deep[:, at:end], truth)
        factors += [found] * (end - at)
        log.info("outputs %d to %d: %.2f wide + %.2f deep", at, end, *found)
    wide, deep = scores.both(held.needs)
    for k in range(len(NEEDS) + 1):
        factors.append(mix.flag(wide[:, _NEEDS + k], deep[:, _NEEDS + k], held.flags[:, k], held.weights))
    log.info("needs, help: %s", [f"{first:.2f} wide + {second:.2f} deep" for first, second in factors[_NEEDS:]])
    found = mix.table(factors)
    scores.mix = np.array(found)
    return found


def calibrate(scores: Scores, held: Held, meta: dict[str, Any]) -> None:
    """Fill slopes, offsets, thresholds and abstain bands of ``meta``."""
    heads = meta["heads"]
    for head, rows, truth, at, end, unsure in (
        ("sentiment", held.sentiment, held.sentiments, 0, _EMOTION, 0.45),
        ("emotion", held.emotion, held.emotions, _EMOTION, _NEEDS, 0.35),
    ):
        slope = temperature(scores.of(rows)[:, at:end], truth)
        heads[head] |= {"slope": [slope], "abstain": [0.0, unsure]}
        log.info("%s: temperature %.3f on %d rows", head, 1 / slope, len(rows))
    logits, flags, weights = scores.of(held.needs)[:, _NEEDS:_HAZARDS], held.flags, held.weights
    curves = [platt(logits[:, k], flags[:, k], weights) for k in range(len(NEEDS) + 1)]
    slopes, offsets = [slope for slope, _ in curves], [offset for _, offset in curves]
    chance = 1 / (1 + np.exp(-(logits * slopes + offsets)))
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
    if "hazards" in heads:
        _hints(scores, held.told, heads)


def _hints(scores: Scores, rows: list[needs.NeedRow], heads: dict[str, Any]) -> None:
    """Calibrate hazards, source and state on hand-labelled ``rows``."""
    logits = scores.of(rows)
    told = [row.told for row in rows if row.told is not None]
    truth = np.array([[name in hazards for name in HAZARDS] for hazards, _, _ in told])
    part = logits[:, _HAZARDS:_SOURCE]
    slope, offset = platt(part.ravel(), truth.ravel())  # one curve for all: most hazards have a handful of posts
    chance = 1 / (1 + np.exp(-(part * slope + offset)))
    thresholds = [
        best_threshold(chance[:, k], truth[:, k]) if truth[:, k].sum() >= _FEW else 0.5 for k in range(len(HAZARDS))
    ]
    count = len(HAZARDS)
    heads["hazards"] |= {"slope": [slope] * count, "offset": [offset] * count, "threshold": thresholds}
    for head, names, at, which in (("source", SOURCE_KINDS, _SOURCE, 1), ("state", STATES, _STATE, 2)):
        label = np.array([names.index(row[which]) for row in told])  # type: ignore[arg-type]
        heads[head] |= {"slope": [temperature(logits[:, at : at + len(names)], label)]}
    log.info("hazards from %s on %d posts", [round(threshold, 2) for threshold in thresholds], len(rows))
