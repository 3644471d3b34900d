"""The file that the networks learn from: `texts.xz` (a line a text) and `labels.npz`, written by `collect`.

One row a text: labels of every head (-1: not labelled) and the part the text is in. Needs numpy alone, so that it can
be read on a machine that has a GPU and little else.
"""

from __future__ import annotations

import lzma
import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int8]
_CLAUSE = re.compile(r"[^，。！？!?,；;~…\s]+[，。！？!?,；;~…\s]*")


@dataclass
class Corpus:
    """Arrays have one row a text; -1 means that the text is not labelled for the head."""

    texts: list[str]
    english: npt.NDArray[np.bool_]
    sentiment: Ints
    two_way: npt.NDArray[np.bool_]
    """Sentiment is labelled without neutral in this row's set."""
    emotion: Ints
    flags: Ints
    """[texts, 9]: the needs, then help."""
    hazards: Ints
    source: Ints
    state: Ints
    by_hand: npt.NDArray[np.bool_]
    """Hazards, source and state were labelled by a person."""
    part: Ints
    """0 train, 1 calibrate, 2 test: of the labels of sentiment and emotion; -1 for texts without any."""
    need_part: Ints
    origin: npt.NDArray[np.str_]

    def part_of(self, rows: npt.NDArray[np.int64]) -> Corpus:
        """Only ``rows``, in their order."""
        arrays = {name: value[rows] for name, value in vars(self).items() if name != "texts"}
        return Corpus([self.texts[row] for row in rows], **arrays)

    def share(self, by_start: dict[str, float]) -> npt.NDArray[np.float64]:
        """A number a text: that of the first start of ``by_start`` that its origin has, else 1."""
        names, which = np.unique(self.origin, return_inverse=True)
        found = [
            next((value for start, value in by_start.items() if str(name).startswith(start)), 1.0) for name in names
        ]
        return np.array(found)[which]

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with lzma.open(folder / "texts.xz", "wt", encoding="utf-8", preset=6) as file:
            file.writelines(text + "\n" for text in self.texts)
        arrays = {name: value for name, value in vars(self).items() if name != "texts"}
        np.savez_compressed(folder / "labels.npz", **arrays)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        with lzma.open(folder / "texts.xz", "rt", encoding="utf-8", newline="\n") as file:
            texts = [line.rstrip("\n") for line in file]
        with np.load(folder / "labels.npz") as arrays:
            return cls(texts, **dict(arrays))


def spliced(corpus: Corpus, count: int, seed: int) -> list[str]:
    """About ``count`` texts put together from clauses of two training posts with emotions, for teachers to label (data
    augmentation of Jiao et al., 2020, at the level of clauses)."""
    draw = random.Random(seed)  # noqa: S311
    rows = np.flatnonzero((corpus.emotion >= 0) & (corpus.part == 0) & ~corpus.english)
    clauses = [_CLAUSE.findall(corpus.texts[row]) for row in rows]
    found = []
    for _ in range(count):
        first, second = draw.choice(clauses), draw.choice(clauses)
        if not first or not second:
            continue
        a, b = draw.randrange(len(first)), draw.randrange(len(second))
        pieces = first[a : a + draw.randint(1, 3)] + second[b : b + draw.randint(0, 3)]
        text = "".join(pieces).strip()[:140]
        if len(text) > 5:
            found.append(text)
    return found
