"""How firm the ranking is: over draws of the assumptions, and over weights near the stated ones.

Weights are drawn from a Dirichlet distribution around the stated ones (mean: the stated weights). With concentration 50
a weight of 0.25 has a standard deviation of 0.06: people who agree on a weighting in principle may differ by that.
Who is open, infeasible or intercepted is decided by the estimates and stays so in every draw.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.choice.ranking import Floats, ranks, scores

CONCENTRATION = 50.0
WEIGHTINGS = 1000
"""Rankings in all, at least: each draw meets as many weightings as make this number. A share of 50 % of them has a
standard error of 1.6 points."""
_PURPOSE = 3


class Stability(NamedTuple):
    first_share: Floats
    """(options,) share of rankings in which it is first; those that tie share the place."""
    low: NDArray[np.int64]
    """(options,) 10 % quantile of its ranks."""
    high: NDArray[np.int64]
    """90 %."""


def stability(values: Floats, weights: Floats, seed: int) -> Stability:
    """``values``: (draws, options, measures), more is better, NaN where a draw has none (it is last there).

    ``weights``: (measures,), above 0, that add up to 1. The same seed gives the same to the bit.
    """
    draws, options, _ = values.shape
    each = -(-WEIGHTINGS // draws)
    rng = np.random.default_rng([_PURPOSE, seed])
    weightings = rng.dirichlet(CONCENTRATION * weights, size=(draws, each))
    found = scores(values[:, None, :, :], weightings).reshape(draws * each, options)
    placed = ranks(found)
    first = placed == 1
    share = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    low, high = np.quantile(placed, (0.1, 0.9), axis=0, method="inverted_cdf").astype(np.int64)
    return Stability(share, low, high)
