"""Calibrates a trained model, measures it on what was held out, writes bundle.json and CARD.md.

    python -m training.encoder.finish --data DATA --bundle udfs/encoder/bundles/wide --name wide --version 1.0.0

Temperatures and Platt curves are fitted on the `calibrate` part and, for help, the calibrate half of the development
set; every figure in the card comes from `test` parts.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from training.encoder import calibrate, card, data, needs
from training.encoder.fairness import shifts
from udfs.encoder import bundle as bundles
from udfs.encoder.deep import DeepModel
from udfs.encoder.evaluate import evaluate
from udfs.encoder.load import load_model
from udfs.encoder.onnx_model import OnnxModel
from udfs.encoder.step import Classify
from udfs.encoder.wide import WideModel


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
    sets["help, written for training"] = [
        _needed(row) for row in rows if row.part == "test" and row.source.startswith("written")
    ]
    sets["help, hand-written"] = [_needed(row) for row in needs.developed() if row.part == "test"]
    return sets


def _needed(row: needs.NeedRow) -> dict[str, Any]:
    found = {"text": row.text, "language": row.language, "needs": sorted(row.needs)}
    if row.told is not None:
        hazards, source, state = row.told
        found |= {"hazards": sorted(hazards), "source_kind": source, "state": state}
    return found


def training_sets(folder: Path, rows: list[needs.NeedRow]) -> list[dict[str, Any]]:
    """Set and number of training rows, by head."""
    counted: Counter[tuple[str, str]] = Counter()
    for head, source in (("sentiment", data.sentiments), ("emotion", data.emotions)):
        counted.update((head, row.source) for row in source(folder) if row.part == "train")
    counted.update(("needs, help", row.source) for row in rows if row.part == "train")
    return [{"head": head, "set": name, "rows": count} for (head, name), count in sorted(counted.items())]


def finish(
    folder: Path,
    path: Path,
    kind: str,
    name: str,
    version: str,
    seed: int,
    written: int = 30_000,
    resamples: int = 300,
    about: str = "",
) -> bundles.Bundle:
    """Calibrate and measure the model files in ``path``; write CARD.md and bundle.json."""
    rows = needs.everything(folder, seed, written)
    held = calibrate.held(folder, rows)
    dimensions = OnnxModel(path).dimensions if kind == "encoder" else 0
    meta = calibrate.blank(kind, name, version, dimensions)
    (path / "CARD.md").write_text("being measured\n", encoding="utf-8")
    model = load_model(bundles.write_bundle(path, meta))
    if not isinstance(model, WideModel | DeepModel):
        raise TypeError(f"kind {kind} is finished by yuqing train")
    scores = calibrate.Scores(model, held)
    if isinstance(model, DeepModel):
        meta["mix"] = calibrate.mixture(scores, held)
    calibrate.calibrate(scores, held, meta)
    bundles.write_bundle(path, meta)
    step = Classify(str(path), cache_size=200_000)  # the same post stands in several sets
    step.open()
    reports = {name: evaluate(cases, step, resamples=resamples) for name, cases in test_sets(folder, rows).items()}
    kinds = {}
    for row in needs.developed():
        if row.part == "test":
            kinds.setdefault(row.source.removeprefix("dev-"), []).append(_needed(row))
    by_kind = {name: evaluate(cases, step, resamples=0)["heads"]["help"] for name, cases in kinds.items()}
    meta |= {
        "about": about or card.ABOUT[kind],
        "training": training_sets(folder, rows),
        "measured": card.figures(reports),
    }
    uncached = Classify(str(path), cache_size=0)
    uncached.open()
    meta["speed"] = card.speed(uncached)
    (path / "CARD.md").write_text(card.text(meta, reports, by_kind, shifts(step)), encoding="utf-8")
    return bundles.write_bundle(path, meta)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--bundle", type=Path, required=True, help="folder with the model files")
    parser.add_argument("--kind", choices=sorted(bundles.KINDS), default="wide")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--about", default="", help="what the model is, for the card")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--calls", type=int, default=30_000, help="posts that the grammar writes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    finish(
        arguments.data,
        arguments.bundle,
        arguments.kind,
        arguments.name,
        arguments.version,
        arguments.seed,
        arguments.calls,
        about=arguments.about,
    )


if __name__ == "__main__":
    main()
