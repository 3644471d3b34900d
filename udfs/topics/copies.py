"""Near copies: a post that repeats an earlier one counts as reach, not as a post.

MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4): 4 bands of 2 rows find candidates,
the exact overlap of the words decides. Two texts whose words overlap by J (Jaccard) = .8 are candidates in 98%.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import numpy.typing as npt

BANDS, ROWS = 4, 2
ALIKE = 0.8
"""Jaccard overlap from which a post is a copy."""
FEWEST = 4
"""Posts with fewer words are copies only when their words are equal."""

_MULTIPLIERS = np.array([(0x9E3779B97F4A7C15 * (2 * k + 1)) % 2**64 | 1 for k in range(BANDS * ROWS)], np.uint64)

Bands = list[bytes]
Words = npt.NDArray[np.int64]


class Copies:
    """The last ``remembered`` originals. Memory: about 600 bytes each."""

    def __init__(self, remembered: int = 20_000) -> None:
        self.remembered = remembered
        self._words: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()
        self._where: dict[bytes, str] = {}

    def original(self, key: str, words: Words) -> str | None:
        """Key of the post that ``key`` is a copy of, or None: then it is remembered as an original itself.

        ``words``: sorted distinct word numbers. A post without words is nobody's copy. Cost: about 15 us.
        """
        if not len(words) or key in self._words:
            return None
        signature = bands(words)
        for band in signature:
            other = self._where.get(band)
            if other is not None and _alike(words, np.frombuffer(self._words[other][0], np.int64)):
                self._words.move_to_end(other)
                return other
        self._remember(key, words.tobytes(), signature)
        return None

    def _remember(self, key: str, words: bytes, signature: Bands) -> None:
        self._words[key] = (words, b"".join(signature))
        for band in signature:
            self._where[band] = key
        while len(self._words) > self.remembered:
            old, (_, packed) = self._words.popitem(last=False)
            size = len(packed) // BANDS
            for at in range(BANDS):
                band = packed[at * size : (at + 1) * size]
                if self._where.get(band) == old:
                    del self._where[band]

    def state(self) -> list[tuple[str, bytes]]:
        return [(key, words) for key, (words, _) in self._words.items()]

    def restore(self, state: list[tuple[str, bytes]]) -> None:
        """Of originals, oldest first, as ``state`` gave them."""
        for key, packed in state:
            self._remember(key, packed, bands(np.frombuffer(packed, np.int64)))


def bands(words: Words) -> Bands:
    """The parts of the signature; each begins with its number, so that bands meet their own kind only."""
    hashed = words.astype(np.uint64)[:, None] * _MULTIPLIERS[None, :]
    hashed ^= hashed >> np.uint64(29)
    hashed *= _MULTIPLIERS[None, ::-1]
    lowest = (hashed >> np.uint64(32)).astype(np.uint32).min(axis=0)
    return [bytes([at]) + lowest[at * ROWS : (at + 1) * ROWS].tobytes() for at in range(BANDS)]


def _alike(a: Words, b: Words) -> bool:
    if len(a) < FEWEST or len(b) < FEWEST:
        return bool(np.array_equal(a, b))
    if not ALIKE <= len(a) / len(b) <= 1 / ALIKE:
        return False
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return bool(shared >= ALIKE * (len(a) + len(b) - shared))
