"""Trains the wide model and writes its bundle.

    python -m training.encoder.train_wide --data DATA --output udfs/encoder/bundles/wide

TF-IDF over hashed n-grams and one logistic regression a head (scikit-learn, L-BFGS), then int8. Repeats exactly on the
same machine and libraries; about ten minutes of one core.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from schemas.records import EMOTIONS, NEEDS, SENTIMENTS
from training.encoder import data, needs
from udfs.encoder import ngrams
from udfs.encoder.wide import LANGUAGES, TFIDF_SCALE, WideModel

log = logging.getLogger(__name__)
BITS = 19
SOURCE_WEIGHT = {"covid19-weibo7": 0.5, "weibo2018": 1.5, "weibo-senti-100k": 0.3, "semeval2017-4a-neutral": 0.3}
UNSEEN = ("stream-quiet", "citizen", "emergency-news", "en_crisis")
"""Long, plentiful negatives: they would take the buckets from the n-grams that feeling is told by."""
STRENGTH = {"sentiment": 4.0, "emotion": 2.5, "needs": 12.0, "help": 12.0}
"""C of the logistic regressions (inverse of the L2 penalty)."""


@dataclass(frozen=True, slots=True)
class Task:
    """Rows of one head. ``labels``: class numbers [rows], or flags [rows, labels] of a multi-label head."""

    texts: list[str]
    languages: list[str]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    parts: npt.NDArray[np.str_]
    sources: npt.NDArray[np.str_]


def one_of(rows: list[data.Row], names: tuple[str, ...]) -> Task:
    labels = np.array([names.index(row.label) for row in rows])
    weights = np.array([SOURCE_WEIGHT.get(row.source, 1.0) for row in rows])
    return Task(
        [row.text for row in rows],
        [row.language for row in rows],
        labels,
        weights,
        np.array([row.part for row in rows]),
        np.array([row.source for row in rows]),
    )


def tasks(folder: Path, seed: int, written: int) -> dict[str, Task]:
    """Rows of sentiment, emotion and needs (flags: the eight needs, then help)."""
    sentiment = data.sentiments(folder)
    emotion = data.emotions(folder)
    calm = [row for row in sentiment if row.language == "en" and row.label == "neutral"][:5000]
    emotion += [data.Row(row.text, "en", "semeval2017-4a-neutral", "neutral", row.part) for row in calm]
    help_rows = needs.everything(folder, seed, written)
    flags = np.array([[need in row.needs for need in NEEDS] + [row.asks] for row in help_rows], dtype=np.int64)
    return {
        "sentiment": one_of(sentiment, SENTIMENTS),
        "emotion": one_of(emotion, EMOTIONS),
        "needs": Task(
            [row.text for row in help_rows],
            [row.language for row in help_rows],
            flags,
            np.array([row.weight for row in help_rows]),
            np.array([row.part for row in help_rows]),
            np.array([row.source for row in help_rows]),
        ),
    }


def vocabulary(texts: list[str], bits: int = BITS, least: int = 3) -> WideModel:
    """A model without weights whose buckets belong to the most frequent n-gram that falls into each."""
    keys = []
    for at in range(0, len(texts), 4000):
        row, hashes = ngrams.hashed(texts[at : at + 4000])
        bucket, fingerprint = ngrams.split(hashes, bits)
        pairs = np.unique((row << np.int64(bits + 16)) | (bucket << np.int64(16)) | fingerprint.astype(np.int64))
        keys.append(pairs & ((1 << (bits + 16)) - 1))
    feature, frequency = np.unique(np.concatenate(keys), return_counts=True)
    feature, frequency = feature[frequency >= least], frequency[frequency >= least]
    order = np.lexsort((-frequency, feature >> 16))
    feature, frequency = feature[order], frequency[order]
    owns = np.concatenate(([True], (feature[1:] >> 16) != (feature[:-1] >> 16)))
    log.info("%d n-grams, %d buckets owned", len(feature), owns.sum())
    feature, frequency = feature[owns], frequency[owns]
    fingerprints = np.zeros(1 << bits, np.uint16)
    idf = np.zeros(1 << bits, np.uint8)
    fingerprints[feature >> 16] = feature & 0xFFFF
    idf[feature >> 16] = np.clip(np.rint(20 * (1 + np.log(len(texts) / frequency))), 1, 255)
    empty = np.zeros((1 << bits, 0), np.int8)
    return WideModel(
        {"weights": empty, "scale": np.zeros(0), "bias": np.zeros((2, 0)), "idf": idf, "fingerprint": fingerprints}
    )


def matrix(words: WideModel, texts: list[str], languages: list[str]) -> sp.csr_matrix:
    """Unit rows of TF-IDF, and one column a language at the end."""
    parts = []
    for at in range(0, len(texts), 4000):
        some = texts[at : at + 4000]
        row, bucket, value = words.values(some)
        part = sp.csr_matrix((value / TFIDF_SCALE, (row, bucket)), shape=(len(some), 1 << words.bits))
        norm = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
        parts.append(sp.diags(1 / np.maximum(norm, 1e-9)) @ part)
    english = np.array([language == "en" for language in languages], dtype=np.float64)[:, None]
    return sp.hstack([sp.vstack(parts), sp.csr_matrix(english)]).tocsr()


def fit(
    x: sp.csr_matrix,
    y: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    strength: float,
    balance: float,
    tolerance: float = 1e-3,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weights [features, classes] and bias [classes]; ``balance`` 0 leaves class frequencies, 1 evens them out."""
    count = np.bincount(y, weights=weights)
    weights = weights * ((weights.sum() / len(count) / count) ** balance)[y]
    used = np.flatnonzero(np.diff(x.tocsc().indptr))  # L-BFGS pays for every column, seen or not
    model = LogisticRegression(C=strength, max_iter=80, tol=tolerance).fit(x[:, used], y, sample_weight=weights)
    log.info("%s rows, %d columns, %d iterations", x.shape[0], len(used), model.n_iter_.max())
    whole = np.zeros((x.shape[1], model.coef_.shape[0]))
    whole[used] = model.coef_.T
    return whole, model.intercept_


def quantised(
    words: WideModel, columns: list[npt.NDArray[np.float64]], biases: list[npt.NDArray[np.float64]]
) -> dict[str, npt.NDArray[np.generic]]:
    """Arrays of the finished model: int8 with one scale an output, the rare outliers clipped."""
    whole = np.concatenate(columns, axis=1)
    bias = np.concatenate(biases)
    weights, english = whole[:-1], whole[-1]
    scale = np.array([np.quantile(np.abs(column[column != 0]), 0.9998) for column in weights.T]) / 127
    return {
        "weights": np.clip(np.rint(weights / scale), -127, 127).astype(np.int8),
        "scale": scale.astype(np.float32),
        "bias": np.stack([bias, bias + english])[: len(LANGUAGES)].astype(np.float32),
        "idf": np.rint(words.idf * 20).astype(np.uint8),
        "fingerprint": words.fingerprint,
    }


def train(folder: Path, output: Path, seed: int, written: int = 30_000) -> dict[str, Task]:
    """Fit all heads and write ``output``/wide.npz; returns the tasks, whose other parts calibrate and test."""
    sets = tasks(folder, seed, written)
    kept = {name: np.flatnonzero(task.parts == "train") for name, task in sets.items()}
    texts = {task.texts[i] for name, task in sets.items() for i in kept[name] if not task.sources[i].startswith(UNSEEN)}
    words = vocabulary(sorted(texts))
    columns, biases = [], []
    for name, task in sets.items():
        rows = kept[name]
        x = matrix(words, [task.texts[i] for i in rows], [task.languages[i] for i in rows])
        log.info("head %s: %d rows", name, len(rows))
        if name == "needs":
            fits = [
                fit(x, task.labels[rows, k], task.weights[rows], STRENGTH["needs"], 0.0, 1e-6)
                for k in range(task.labels.shape[1])
            ]
            columns += [weights for weights, _ in fits]
            biases += [bias for _, bias in fits]
        else:
            weights, bias = fit(x, task.labels[rows], task.weights[rows], STRENGTH[name], 0.5)
            columns.append(weights)
            biases.append(bias)
    output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(output / "wide.npz", **quantised(words, columns, biases))  # type: ignore[arg-type]
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--output", type=Path, required=True, help="bundle folder to write")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--calls", type=int, default=30_000, help="posts that the grammar writes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(arguments.data, arguments.output, arguments.seed, arguments.calls)


if __name__ == "__main__":
    main()
