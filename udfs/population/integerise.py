"""From fractional weights to whole records: truncate, replicate, sample.

Lovelace & Ballas (2013), "'Truncate, replicate, sample': a method for creating integer weights for spatial
microsimulation". Where they draw the last records with chances that are proportional to the fractions, this draws them
systematically (Madow 1949): every cell's chance of one more is then its fraction exactly, so counts are unbiased, and
the sum of any run of neighbouring cells is off by less than 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def integerise(weights: Floats, start: float) -> NDArray[np.int64]:
    """Counts with ``floor(w) <= count <= floor(w) + 1`` whose sum is that of ``weights``, rounded.

    ``start`` in [0, 1) is the random start. Raises ValueError: weights negative or not finite, start outside.
    """
    if not 0 <= start < 1:
        raise ValueError(f"start {start} lies outside [0, 1)")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("weights must be finite and at least 0")
    whole = np.floor(weights)
    fractions = weights - whole
    missing = round(float(weights.sum()) - float(whole.sum()))
    line = np.concatenate(([0.0], np.cumsum(fractions)))
    if line[-1] > 0:
        # rounding of sums of floats must not lose or add a record
        line *= missing / line[-1]
    line[-1] = missing
    passed = np.ceil(line - start)
    counts: NDArray[np.int64] = (whole + np.diff(passed)).astype(np.int64)
    return counts
