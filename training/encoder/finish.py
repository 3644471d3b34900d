"""Calibrates a trained model, measures it on what was held out, writes bundle.json and CARD.md.

    python -m training.encoder.finish --data DATA --bundle udfs/encoder/bundles/wide --name wide --version 1.0.0

Temperatures and Platt curves are fitted on the `calibrate` part and, for help, the calibrate half of the development
set; every figure in the card comes from `test` parts.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from schemas.records import EMOTIONS, NEEDS, SENTIMENTS
from training.encoder import card, data, needs
from udfs.encoder import bundle as bundles
from udfs.encoder.evaluate import evaluate
from udfs.encoder.step import Classify, Model, load_model

log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
FALSE_CALLS = 1.5
"""Allowed false calls in 10,000 everyday posts on the calibrate part."""
DEV_WEIGHT = 10.0
"""Weight of a development post in Platt's fit: it is hand-written, the grammar is not language of the street."""
_HELP = 17
"""Column of the help logit: 3 sentiments, 6 emotions, 8 needs before it."""


def blank(kind: str, name: str, version: str) -> dict[str, Any]:
    """A description with neutral calibration, with which a model can be loaded and run."""
    heads = {}
    for head, labels in bundles.LABELS.items():
        each = len(labels) if head in ("needs", "help") else 1
        threshold = [0.5] * each if head in ("needs", "help") else []
        heads[head] = {
            "labels": labels,
            "slope": [1.0] * each,
            "offset": [0.0] * each,
            "threshold": threshold,
            "abstain": [0.0, 0.0],
        }
    return {"name": name, "version": version, "kind": kind, "licence": "Apache-2.0", "heads": heads}


def logits(model: Model, rows: list[Any]) -> Floats:
    return model.logits([row.text for row in rows], [row.language for row in rows])


def temperature(scores: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Slope that maximises the likelihood of ``truth`` (Guo et al., 2017)."""

    def loss(slope: float) -> float:
        scaled = scores * slope
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(truth)), truth]))

    return float(minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x)


def platt(scores: Floats, truth: npt.NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """Slope and offset of the logistic curve from ``scores`` to the probability of ``truth``."""
    fit = LogisticRegression(C=1e3).fit(scores[:, None], truth, sample_weight=weights)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def calibrate(model: Model, folder: Path, rows: list[needs.NeedRow], meta: dict[str, Any]) -> None:
    """Fill slopes, offsets, thresholds and abstain bands of ``meta``."""
    at = 0
    for head, labels, source in (("sentiment", SENTIMENTS, data.sentiments), ("emotion", EMOTIONS, data.emotions)):
        held = [row for row in source(folder) if row.part == "calibrate" and row.source != "weibo-senti-100k"]
        scores = logits(model, held)[:, at : at + len(labels)]
        at += len(labels)
        truth = np.array([labels.index(row.label) for row in held])
        slope = temperature(scores, truth)
        meta["heads"][head] |= {"slope": [slope], "abstain": [0.0, 0.45 if head == "sentiment" else 0.35]}
        log.info("%s: temperature %.3f on %d", head, 1 / slope, len(held))
    dev = [row for row in needs.developed() if row.part == "calibrate"]
    held = [row for row in rows if row.part == "calibrate"]
    scores = logits(model, held + dev)
    weights = np.array([1.0] * len(held) + [DEV_WEIGHT] * len(dev))
    flags = np.array([[need in row.needs for need in NEEDS] + [row.asks] for row in held + dev])
    curves = [platt(scores[:, at + k], flags[:, k], weights) for k in range(len(NEEDS) + 1)]
    chance = 1 / (1 + np.exp(-(scores[:, at:] * [a for a, _ in curves] + [b for _, b in curves])))
    everyday = np.array([row.source.startswith("everyday-zh") for row in held + dev])
    asks_from = from_false_calls(chance[everyday, -1], FALSE_CALLS)
    called = chance[:, -1] >= asks_from
    thresholds = [best_threshold(chance[called, k], flags[called, k], weights[called]) for k in range(len(NEEDS) - 1)]
    offers_from = max(
        from_false_calls(chance[everyday, -2], FALSE_CALLS), best_threshold(chance[:, -2], flags[:, -2], weights)
    )
    meta["heads"]["needs"] |= {
        "slope": [a for a, _ in curves[:-1]],
        "offset": [b for _, b in curves[:-1]],
        "threshold": [*thresholds, offers_from],
    }
    low = max(0.02, asks_from / 4)
    meta["heads"]["help"] |= {
        "slope": [curves[-1][0]],
        "offset": [curves[-1][1]],
        "threshold": [asks_from],
        "abstain": [low, max(asks_from, low)],
    }
    log.info("help from %.4f; needs from %s", asks_from, [round(t, 3) for t in thresholds])


def from_false_calls(chance: Floats, allowed: float) -> float:
    """Lowest threshold that at most ``allowed`` in 10,000 of ``chance`` reach, rounded up to four digits."""
    count = int(len(chance) * allowed / 1e4)
    return min(0.9999, math.floor(float(np.sort(chance)[-count - 1]) * 1e4 + 1) / 1e4)


def best_threshold(chance: Floats, truth: npt.NDArray[np.bool_], weights: Floats) -> float:
    """Threshold with the highest F1, within reason (.15 to .8)."""

    def f1(threshold: float) -> float:
        said = chance >= threshold
        return float(2 * weights[said & truth].sum() / max(1e-9, weights[said].sum() + weights[truth].sum()))

    return float(max(np.arange(0.15, 0.81, 0.05), key=f1))


def test_sets(folder: Path, rows: list[needs.NeedRow]) -> dict[str, list[dict[str, Any]]]:
    """Rows for `evaluate`, by name; all from `test` parts."""
    sets: dict[str, list[dict[str, Any]]] = {}
    names = {
        "smp2020-usual": "emotion, everyday Weibo",
        "smp2020-virus": "emotion, epidemic Weibo",
        "covid19-weibo7": "emotion, COVID Weibo",
        "tweeteval": "emotion, English tweets",
    }
    for row in data.emotions(folder):
        if row.part == "test":
            name = names[row.source.removesuffix("-dev")]
            sets.setdefault(name, []).append({"text": row.text, "language": row.language, "emotion": row.label})
    for row in data.sentiments(folder):
        if row.part == "test":
            name = {"weibo2018": "sentiment, two-way Weibo", "semeval2017-4a": "sentiment, English tweets"}.get(
                row.source
            )
            name = name or ("sentiment, three-way Weibo" if row.source.startswith("smp") else None)
            if name:
                sets.setdefault(name, []).append({"text": row.text, "language": row.language, "sentiment": row.label})
    groups = {
        "everyday-zh": "help, everyday Weibo",
        "everyday-en": "help, everyday tweets",
        "stream-quiet": "help, epidemic chatter",
        "en_needs": "help, English disaster messages",
        "grammar": "help, grammar",
    }
    for need_row in rows:
        if need_row.part == "test":
            for prefix, name in groups.items():
                if need_row.source.startswith(prefix):
                    sets.setdefault(name, []).append(_needed(need_row))
    sets["help, hand-written"] = [_needed(row) for row in needs.developed() if row.part == "test"]
    return sets


def _needed(row: needs.NeedRow) -> dict[str, Any]:
    return {"text": row.text, "language": row.language, "needs": sorted(row.needs), "source": row.source}


def training_sets(folder: Path, rows: list[needs.NeedRow]) -> list[dict[str, Any]]:
    """Set and number of training rows, by head."""
    counted: Counter[tuple[str, str]] = Counter()
    for head, source in (("sentiment", data.sentiments), ("emotion", data.emotions)):
        counted.update((head, row.source) for row in source(folder) if row.part == "train")
    counted.update(("needs, help", row.source) for row in rows if row.part == "train")
    return [{"head": head, "set": name, "rows": count} for (head, name), count in sorted(counted.items())]


def finish(folder: Path, path: Path, kind: str, name: str, version: str, seed: int) -> bundles.Bundle:
    """Calibrate and measure the model files in ``path``; write CARD.md and bundle.json."""
    rows = needs.everything(folder, seed)
    meta = blank(kind, name, version)
    (path / "CARD.md").write_text("being measured\n", encoding="utf-8")
    model = load_model(bundles.write_bundle(path, meta))
    calibrate(model, folder, rows, meta)
    bundles.write_bundle(path, meta)
    step = Classify(str(path), cache_size=0)
    step.open()
    reports = {name: evaluate(cases, step, resamples=300) for name, cases in test_sets(folder, rows).items()}
    kinds = {}
    for row in needs.developed():
        if row.part == "test":
            kinds.setdefault(row.source.removeprefix("dev-"), []).append(_needed(row))
    by_kind = {name: evaluate(cases, step, resamples=0)["heads"]["help"] for name, cases in kinds.items()}
    meta |= {"training": training_sets(folder, rows), "measured": card.figures(reports)}
    (path / "CARD.md").write_text(card.text(meta, reports, by_kind, card.speed(step)), encoding="utf-8")
    return bundles.write_bundle(path, meta)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--bundle", type=Path, required=True, help="folder with the model files")
    parser.add_argument("--kind", choices=sorted(bundles.KINDS), default="wide")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    finish(arguments.data, arguments.bundle, arguments.kind, arguments.name, arguments.version, arguments.seed)


if __name__ == "__main__":
    main()
