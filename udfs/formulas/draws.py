"""Random numbers that belong to records: a hash of (seed, name, id), so that no sharding and no option changes them.

The finaliser of splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"), applied twice:
once over the key of (seed, name), once over key and id.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


def bits(seed: int, name: str, ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits for every id. The same (seed, name, id) gives the same bits for ever."""
    digest = hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()
    key = np.uint64(int.from_bytes(digest[:8], "little"))
    second = np.uint64(int.from_bytes(digest[8:16], "little"))
    # two keys around the hash: with one, names whose keys differ by a small number would be shifts of one another
    return _mix(_mix(ids.astype(np.uint64, copy=False) + key) ^ second)


def uniform(seed: int, name: str, ids: NDArray[np.uint64]) -> NDArray[np.float64]:
    """In [0, 1), 53 bits."""
    found: NDArray[np.float64] = (bits(seed, name, ids) >> np.uint64(11)).astype(np.float64)
    found *= _TO_UNIT
    return found


def normal(seed: int, name: str, ids: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Standard normal, by the quantile function of a uniform in (0, 1)."""
    middle = ((bits(seed, name, ids) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    found: NDArray[np.float64] = ndtri(middle)
    return found


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words + _GOLDEN
    words ^= words >> np.uint64(30)
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words
