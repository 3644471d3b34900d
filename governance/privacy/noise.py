"""Whole-number noise: the discrete Laplace mechanism of OpenDP, its scale, and how far it carries.

A count gets noise k with probability proportional to ``exp(-|k| / scale)`` (Ghosh, Roughgarden, Sundararajan 2012),
drawn exactly (Canonne, Kamath, Steinke 2020) by OpenDP from the operating system's randomness. It is never seeded: who
knows the seed takes the noise off again. Floating-point noise would leak through its low bits (Mironov 2012).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from schemas.errors import UsageError

LEAST_EPSILON, MOST_EPSILON = 0.01, 10.0
LARGEST_COUNT = 1 << 48
"""Far above any population, far below where OpenDP's 64-bit sums would saturate."""


def scale_of(epsilon: float, changed: int) -> float:
    """The least scale at which counts that one household can change by ``changed`` in all cost at most ``epsilon``.

    OpenDP judges, rounding against us, so the scale may be a last bit above ``changed / epsilon``. Raises UsageError
    for an epsilon outside 0.01 to 10 and a ``changed`` below 1.
    """
    if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
        raise UsageError(f"epsilon {epsilon:g} lies outside {LEAST_EPSILON:g} to {MOST_EPSILON:g} for a table")
    if changed < 1:
        raise UsageError(f"a household changes at least 1 record, not {changed}")
    scale = changed / epsilon
    while _mechanism(scale).map(changed) > epsilon:
        scale = math.nextafter(scale, math.inf)
    return scale


def noisy(counts: Sequence[int], scale: float) -> list[int]:
    """The counts, each with noise of its own; another answer each time."""
    if any(not 0 <= count <= LARGEST_COUNT for count in counts):
        raise UsageError("a count is negative or larger than any population")
    return [int(count) for count in _mechanism(scale)(list(counts))] if counts else []


def accuracy(scale: float, share: float = 0.95, terms: int = 1) -> int:
    """How far the noise of a count (``terms`` 1), or of the sum of two (2), goes at most in ``share`` of cases.

    Closed form: with t = exp(-1 / scale), P(|X| > a) = 2 t^(a+1) / (1 + t), and for two
    P(X + Y = k) = ((1 - t) / (1 + t))^2 t^|k| (|k| + 1 + 2 t^2 / (1 - t^2)).
    """
    t = math.exp(-1 / scale)

    def beyond(reach: int) -> float:
        n = reach + 1
        if terms == 1:
            return 2 * t**n / (1 + t)
        tail = t**n / (1 - t)
        weighted = t**n * (n * (1 - t) + t) / (1 - t) ** 2
        return 2 * ((1 - t) / (1 + t)) ** 2 * (weighted + (1 + 2 * t * t / (1 - t * t)) * tail)

    low, high = -1, 1
    while beyond(high) > 1 - share:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if beyond(middle) > 1 - share else (low, middle)
    return high


def _mechanism(scale: float):  # type: ignore[no-untyped-def]  # OpenDP's own type
    # its prelude imports scikit-learn, which takes seconds
    from opendp import domains, measurements, metrics, mod

    mod.enable_features("contrib")
    space = domains.vector_domain(domains.atom_domain(T="i64"))
    return measurements.make_laplace(space, metrics.l1_distance(T="i64"), scale=scale)
