"""Random numbers by hash: what is drawn for a record depends on (seed, name of the draw, id of the record) and on
nothing else, so it is the same in whatever shard, order or process the record is looked at."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_UNIT = 2.0**-53


def key(seed: int, name: str) -> np.uint64:
    """Of a draw: 64 bits of BLAKE2b over seed and name."""
    return np.uint64(int.from_bytes(hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest(), "little"))


def mix(ids: Ids, at: np.uint64) -> Ids:
    """splitmix64 (Steele, Lea & Flood 2014) of each id, with ``at`` from `key`."""
    mixed = np.asarray(ids, dtype=np.uint64) * _GOLDEN
    mixed += at
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return mixed


def uniform(seed: int, name: str, ids: Ids) -> Floats:
    """In (0, 1), never 0 or 1, so that `ndtri` of it is finite."""
    mixed = mix(ids, key(seed, name))
    mixed >>= np.uint64(12)
    drawn: Floats = mixed.astype(np.float64)
    drawn += 0.5
    drawn *= 2 * _UNIT
    return drawn


def normal(seed: int, name: str, ids: Ids) -> Floats:
    """Standard normal, by the quantile function."""
    # only those who synthesise need it, and it is half of what a worker would import
    from scipy.special import ndtri

    drawn: Floats = ndtri(uniform(seed, name, ids))
    return drawn
