"""Blocks of clusters, and how often each is in a replicate of the bootstrap. Everything by hash: no state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCKS = 64
REPLICATES = 400


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014) of each value."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def of(ids: NDArray[np.uint64], blocks: int) -> NDArray[np.int64]:
    """Block of each cluster, from 0; depends on its id alone."""
    # twice: ids may themselves come from one round of splitmix64, and blocks must not follow their order
    return (mixed(mixed(ids) ^ np.uint64(0x5851F42D4C957F2D)) % np.uint64(blocks)).astype(np.int64)


def multiplicities(seed: int, filled: NDArray[np.bool_], replicates: int = REPLICATES) -> NDArray[np.float64]:
    """[replicates, blocks]: how often each block was drawn, as many draws as blocks with somebody in them.

    Empty blocks take no part: a population of ten clusters has ten blocks, not ten and 54 empty ones.
    """
    numbers = np.flatnonzero(filled)
    drawn = np.zeros((replicates, len(filled)))
    if not len(numbers):
        return drawn
    cell = np.arange(replicates * len(numbers), dtype=np.uint64)
    key = mixed(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) ^ np.uint64(0xB00757A9))
    chosen = numbers[(mixed(mixed(cell) ^ key) % np.uint64(len(numbers))).astype(np.int64)]
    np.add.at(drawn, (np.repeat(np.arange(replicates), len(numbers)), chosen), 1.0)
    return drawn


def picks(seed: int, draws: int, replicates: int = REPLICATES) -> NDArray[np.int64]:
    """Which draw of the assumptions goes with each replicate: each draw equally often (to one), in mixed order."""
    cell = np.arange(replicates, dtype=np.uint64)
    key = mixed(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) ^ np.uint64(0xD4A35))
    order = np.argsort(mixed(mixed(cell) ^ key), kind="stable")
    return (order % max(draws, 1)).astype(np.int64)
