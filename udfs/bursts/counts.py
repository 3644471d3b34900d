"""Tails of the negative binomial distribution: a Poisson count whose rate is itself uncertain (Gamma-Poisson).

``size`` r and ``mean`` m give the variance m + m**2 / r; r without bound is Poisson.
"""

from __future__ import annotations

import math

_NEGLIGIBLE = 1e-4
"""A term that adds less than this to the sum so far is the last one that is added."""
_LONGEST = 5_000


def at_least(count: int, mean: float, size: float) -> float:
    """P(X >= count). Within a thousandth of its value; cost: some microseconds, more for heavy tails."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count <= mean:
        return max(0.0, 1.0 - at_most(count - 1, mean, size))
    share = mean / (mean + size)
    term = total = _probability(count, mean, size)
    for k in range(count, count + _LONGEST):
        term *= (k + size) / (k + 1) * share
        total += term
        if term < _NEGLIGIBLE * (1 - share) * total:
            break
    return min(1.0, total)


def at_most(count: int, mean: float, size: float) -> float:
    """P(X <= count). Cost grows with ``count``."""
    if count < 0:
        return 0.0
    if mean <= 0:
        return 1.0
    share = mean / (mean + size)
    term = total = math.exp(size * math.log1p(-share))
    for k in range(count):
        term *= (k + size) / (k + 1) * share
        total += term
    return min(1.0, total)


def _probability(count: int, mean: float, size: float) -> float:
    log = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    log += size * math.log(size / (size + mean)) + count * math.log(mean / (size + mean))
    return math.exp(log)
