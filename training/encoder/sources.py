"""What each source of calls for help adds: the n-gram model's help head without it, on the hand-written development
set.

    python -m training.encoder.sources --data DATA

Recall of calls at the threshold that one in 10,000 everyday posts of the `calibrate` part reaches, and specificity
there; the n-gram model stands in for the encoders, which would need the GPU once a source.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from training.calibration import from_false_calls
from training.encoder import needs
from training.encoder.train_wide import STRENGTH, fit, matrix, vocabulary

SOURCES: dict[str, tuple[str, ...]] = {
    "everything": (),
    "without posts written one by one": ("written",),
    "without the grammar's calls": ("grammar-calls",),
    "without the grammar's look-alikes": ("grammar-chatter",),
    "without either grammar": ("grammar",),
    "without English messages and tweets": ("en_", "everyday-en"),
    "without the epidemic stream": ("stream",),
    "without citizens and news": ("citizen", "emergency"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    rows = needs.everything(given.data, given.seed)
    train = [row for row in rows if row.part == "train"]
    everyday = [row for row in rows if row.part == "calibrate" and row.source.startswith("everyday-zh")]
    judged = [row for row in needs.developed() if row.part == "test"]
    words = vocabulary([row.text for row in train])
    parts = (train, everyday, judged)
    x, calm, dev = (matrix(words, [r.text for r in part], [r.language for r in part]) for part in parts)
    asks = np.array([row.asks for row in train]).astype(np.int64)
    weight = np.array([row.weight for row in train])
    truth = np.array([row.asks for row in judged])
    print("| training rows | rows | recall | specificity |\n| --- | --- | --- | --- |")
    for name, gone in SOURCES.items():
        kept = np.array([not (gone and row.source.startswith(gone)) for row in train])
        weights, bias = fit(x[kept], asks[kept], weight[kept], STRENGTH["help"], 0.0)
        least = from_false_calls(1 / (1 + np.exp(-(calm @ weights + bias)[:, 0])), 1.0)
        called = 1 / (1 + np.exp(-(dev @ weights + bias)[:, 0])) >= least
        recall, specificity = called[truth].mean(), (~called[~truth]).mean()
        print(f"| {name} | {kept.sum():,} | {recall:.3f} | {specificity:.3f} |", flush=True)


if __name__ == "__main__":
    main()
