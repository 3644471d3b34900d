"""Sums that do not depend on the order in which shards are added.

A sum over a shard is kept as a whole part and a fraction that is a multiple of 2^-40. Wholes below 2^53 and fractions
of up to 8,192 shards add without rounding, so a merge gives the same bits however the shards were spread over
processes, and so does a product with whole numbers (the bootstrap's multiplicities), whatever order a BLAS adds in.
What it costs: each shard's sum is rounded to 2^-40 (9e-13), and each sum takes two doubles.

The idea is that of reproducible summation on a fixed grid (Demmel & Nguyen 2013, "Fast reproducible floating-point
summation"), with two bins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_GRID = 2.0**40


@dataclass(frozen=True)
class Exact:
    """``whole + fraction``, with ``0 <= fraction < 1``: one value has one representation."""

    whole: Floats
    fraction: Floats

    @classmethod
    def of(cls, values: Floats) -> Exact:
        whole = np.floor(values)
        fraction = np.rint((values - whole) * _GRID) / _GRID
        return cls(whole, fraction)._carried()

    @property
    def value(self) -> Floats:
        return self.whole + self.fraction

    def _carried(self) -> Exact:
        up = np.floor(self.fraction)
        return Exact(self.whole + up, self.fraction - up)

    def part(self, last: int) -> Exact:
        """One position of the last axis."""
        return Exact(self.whole[..., last], self.fraction[..., last])

    def times(self, multiplicity: Floats) -> Floats:
        """``multiplicity @ sums`` over the first axis; exact while multiplicities are whole and small.

        multiplicity: [replicates, n], of whole numbers; self: [n, ...]; the answer: [replicates, ...].
        """
        shape = (len(multiplicity), *self.whole.shape[1:])
        whole = multiplicity @ self.whole.reshape(len(self.whole), -1)
        return (whole + multiplicity @ self.fraction.reshape(len(self.whole), -1)).reshape(shape)


def add(parts: Iterable[Exact]) -> Exact:
    """The sum; at least one part, at most 8,192 shards in all."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    whole, fraction = parts[0].whole.copy(), parts[0].fraction.copy()
    for part in parts[1:]:
        whole += part.whole
        fraction += part.fraction
    return Exact(whole, fraction)._carried()
