"""Tails of the negative binomial, against sums of its probabilities written out."""

from __future__ import annotations

from math import comb, exp, isclose

import pytest

from udfs.bursts.counts import at_least, at_most

# count, mean, size; whole sizes, so that the probability is a binomial coefficient
CASES = [(0, 1.0, 2), (1, 0.5, 1), (4, 0.02, 1), (5, 5.0, 3), (9, 30.0, 4), (60, 20.0, 4), (150, 20.0, 2)]


def probability(k: int, mean: float, size: int) -> float:
    share = mean / (mean + size)
    return comb(k + size - 1, k) * (1 - share) ** size * share**k


@pytest.mark.parametrize(("count", "mean", "size"), CASES)
def test_tails_are_sums_of_probabilities(count: int, mean: float, size: int) -> None:
    below = [probability(k, mean, size) for k in range(count)]
    above = [probability(k, mean, size) for k in range(count, count + 3_000)]
    assert isclose(at_least(count, mean, size), sum(above), rel_tol=2e-3)
    assert isclose(at_most(count, mean, size), sum(below) + above[0], rel_tol=1e-9)


def test_a_large_size_is_poisson() -> None:
    assert isclose(at_most(0, 3.0, 1e9), exp(-3.0), rel_tol=1e-6)


@pytest.mark.parametrize(("found", "expected"), [(at_least(3, 0.0, 1), 0.0), (at_most(3, 0.0, 1), 1.0)])
def test_nothing_is_expected(found: float, expected: float) -> None:
    assert found == expected
