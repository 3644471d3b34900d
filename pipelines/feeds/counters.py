"""Random words by counter: word `at` of post `index` is a function of the seed, so any of them can be had alone, and
those of a thousand posts at once.

The function is the output step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014) on a counter, of which the upper 30 bits are kept: small whole numbers are quick in Python. Good enough for
a feed, no use for secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import shake_128

import numpy as np

from pipelines.feeds.grammar import Dice

BITS = 30
ROW = 32
"""Words of a post that are made at once; a post that draws more gets the rest one by one."""
_PER_POST = 64  # counters between two posts; those from ROW on are not used
_GOLDEN = 0x9E3779B97F4A7C15
_A, _B = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = 0xFFFFFFFFFFFFFFFF


def base(*key: object) -> int:
    """Where the counters of a purpose begin."""
    return int.from_bytes(shake_128(repr(key).encode()).digest(8), "little")


def word(start: int, index: int, at: int = 0) -> int:
    """Word `at` of post `index`, 0 to 2**30 - 1; the same as in `rows`."""
    return _mixed(start + (index * _PER_POST + at) * _GOLDEN)


def rows(start: int, first: int, count: int) -> list[list[int]]:
    """`ROW` words of each of `count` posts from `first` on."""
    counters = np.arange(first, first + count, dtype=np.uint64)[:, None] * np.uint64(_PER_POST)
    z = (counters + np.arange(ROW, dtype=np.uint64)) * np.uint64(_GOLDEN) + np.uint64(start)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_A)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_B)
    found: list[list[int]] = ((z ^ (z >> np.uint64(31))) >> np.uint64(64 - BITS)).tolist()
    return found


def dice(start: int, index: int, row: list[int] | None = None, skip: int = 0) -> Dice:
    """Draws of post `index`: its row from word `skip` on (made here where it is not given), and then without end."""
    return Dice.of((rows(start, index, 1)[0] if row is None else row)[skip:], _more(start, index))


def _more(start: int, index: int) -> Iterator[int]:
    state = (start ^ _B) + index * _A  # another way through the counters than that of `rows`
    while True:
        state = (state + _GOLDEN) & _MASK
        yield _mixed(state)


def _mixed(z: int) -> int:
    z &= _MASK
    z = ((z ^ (z >> 30)) * _A) & _MASK
    z = ((z ^ (z >> 27)) * _B) & _MASK
    return (z ^ (z >> 31)) >> (64 - BITS)
