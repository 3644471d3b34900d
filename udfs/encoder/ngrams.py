"""Hashed character n-grams of a whole batch in a handful of numpy passes.

Feature hashing (Weinberger et al., 2009) with a multiplicative 64-bit hash: the top bits address a bucket, the next 16
are a fingerprint. A model keeps the fingerprint of the feature that owns each bucket and ignores any other that lands
there, so it has a pruned vocabulary without storing one. Hashes depend on code points only: stable over processes,
machines and versions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

UInts = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

MAX_N = 4
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_WORD = np.uint64(0xD6E8FEB86659FD93)


def _mix(values: UInts) -> UInts:
    """splitmix64's finaliser (Steele et al., 2014): every input bit reaches the top bits."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_A
    values = (values ^ (values >> np.uint64(27))) * _MIX_B
    return values ^ (values >> np.uint64(31))


def hashed(texts: Sequence[str]) -> tuple[Ints, UInts]:
    """Return (row, hash) of every n-gram occurrence: characters 1-4 with text borders, Latin words 1-2.

    Both arrays have one entry an occurrence, in no promised order. Texts are in normal form (`text.normalise`).
    """
    if not texts:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    joined = "".join(f"\x02{text}\x03" for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    lengths = np.fromiter((len(text) + 2 for text in texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    row = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    left = np.repeat(ends, lengths) - np.arange(len(points), dtype=np.int64)  # characters from here to the text's end
    spread = _mix(points + _STEP)
    rows: list[Ints] = []
    hashes: list[UInts] = []
    gram = np.zeros_like(points)
    for n in range(1, MAX_N + 1):
        gram = gram[: len(points) - n + 1] * _STEP + spread[n - 1 :]
        there = left[: len(gram)] >= n
        rows.append(row[: len(gram)][there])
        hashes.append(_mix(gram[there] + np.uint64(n)))
    word_rows, word_hashes = _words(points, row)
    return np.concatenate([*rows, *word_rows]), np.concatenate([*hashes, *word_hashes])


def _words(points: UInts, row: Ints) -> tuple[list[Ints], list[UInts]]:
    """Runs of Latin letters, digits and apostrophes, alone and in pairs of neighbours within a text."""
    inside = (
        ((points >= 97) & (points <= 122))
        | ((points >= 48) & (points <= 57))
        | (points == 39)
        | ((points >= 0xC0) & (points <= 0x24F))
    )
    if not inside.any():
        return [], []
    before = np.concatenate(([False], inside[:-1]))
    starts = np.flatnonzero(inside & ~before)
    offset = np.arange(len(points), dtype=np.int64)
    began = np.repeat(starts, np.diff(np.append(starts, len(points))))
    place = offset[starts[0] :] - began
    powers = _mix(place.astype(np.uint64) + _WORD)
    weighted = np.where(inside[starts[0] :], (points[starts[0] :] + np.uint64(1)) * (powers | np.uint64(1)), 0)
    word = _mix(np.add.reduceat(weighted, starts - starts[0]))
    of = row[starts]
    pair = of[1:] == of[:-1]
    return [of, of[:-1][pair]], [word, _mix(word[:-1] * _STEP + word[1:])[pair]]


def split(hashes: UInts, bits: int) -> tuple[Ints, npt.NDArray[np.uint16]]:
    """Bucket (``bits`` wide) and 16-bit fingerprint (never 0, which marks an empty bucket) of each hash."""
    bucket = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    fingerprint = ((hashes >> np.uint64(64 - bits - 16)) & np.uint64(0xFFFF)).astype(np.uint16)
    return bucket, np.maximum(fingerprint, np.uint16(1))
