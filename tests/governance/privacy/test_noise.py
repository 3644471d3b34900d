"""Whether the noise is what epsilon says, estimated from some thousand draws. Chance fails one in millions of runs."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from governance.privacy.noise import LARGEST_COUNT, accuracy, noisy, scale_of
from schemas.errors import UsageError
from schemas.settings import PrivacySection

DRAWS = 8_000
SIGMAS = 5.5


def probability(scale: float, k: int) -> float:
    t = math.exp(-1 / scale)
    return (1 - t) / (1 + t) * t ** abs(k)


def variance(scale: float) -> float:
    t = math.exp(-1 / scale)
    return 2 * t / (1 - t) ** 2


CASES = [(1.0, 1), (0.5, 1), (1.0, 4), (2.0, 6)]


@pytest.mark.parametrize(("epsilon", "changed"), CASES)
def test_a_household_changes_no_odds_by_more_than_epsilon(epsilon: float, changed: int) -> None:
    """Neighbours: with and without a household that has ``changed`` members in the cell. Largest log ratio of the
    frequencies of any answer, where both are frequent enough to tell."""
    scale = scale_of(epsilon, changed)
    without, having = Counter(noisy([50] * DRAWS, scale)), Counter(noisy([50 + changed] * DRAWS, scale))
    told = [k for k in without if without[k] >= 100 and having[k] >= 100]
    assert len(told) >= 3
    largest = 0.0
    for k in told:
        ratio = abs(math.log(without[k] / having[k]))
        spread = math.sqrt(1 / without[k] + 1 / having[k])
        assert ratio <= epsilon + SIGMAS * spread, k
        largest = max(largest, ratio)
    assert largest > epsilon / 2, "and the epsilon is used: else the answer would be needlessly bad"


@pytest.mark.parametrize(("epsilon", "changed"), CASES)
def test_frequencies_and_variance_are_those_of_the_closed_form(epsilon: float, changed: int) -> None:
    scale = scale_of(epsilon, changed)
    noise = [answer - 7 for answer in noisy([7] * DRAWS, scale)]
    assert abs(sum(noise) / DRAWS) <= SIGMAS * math.sqrt(variance(scale) / DRAWS)
    # the fourth moment of the Laplace distribution is 6 times its squared variance, a bit less where it is discrete
    found = sum(k * k for k in noise) / DRAWS
    assert abs(found / variance(scale) - 1) <= SIGMAS * math.sqrt(8 / DRAWS)
    frequencies = Counter(noise)
    for k in range(-3, 4):
        p = probability(scale, k)
        assert abs(frequencies[k] / DRAWS - p) <= SIGMAS * math.sqrt(p * (1 - p) / DRAWS), k


@pytest.mark.parametrize("scale", [0.4, 1.0, 10.0, 333.3])
@pytest.mark.parametrize("terms", [1, 2])
def test_accuracy_is_the_least_reach_of_95_of_100(scale: float, terms: int) -> None:
    far = int(30 * scale) + 5
    each = np.array([probability(scale, k) for k in range(-far, far + 1)])
    if terms == 2:
        each, far = np.convolve(each, each), 2 * far
    reach = accuracy(scale, terms=terms)
    within = [each[far - most : far + most + 1].sum() for most in (reach, reach - 1)]
    assert within[0] >= 0.95 > within[1]


def test_the_documents_accuracies_are_those_of_the_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "privacy-budget.md").read_text(encoding="utf-8")
    for epsilon, changed in ((1, 1), (1, 8), (0.5, 8), (0.1, 8)):
        scale = changed / epsilon
        row = f"| {epsilon:g} | {changed} | {scale:g} | {accuracy(scale)} | {accuracy(scale, terms=2)} |"
        assert row in text
    for name, field in PrivacySection.model_fields.items():
        assert f"| `privacy.{name}` | {field.default} |" in text


def test_each_cell_and_each_call_has_noise_of_its_own() -> None:
    scale = scale_of(0.5, 1)
    first, again = noisy([100] * 2_000, scale), noisy([100] * 2_000, scale)
    assert first != again
    pairs = zip(first[::2], first[1::2], strict=True)
    together = sum((one - 100) * (other - 100) for one, other in pairs) / 1_000
    assert abs(together) <= SIGMAS * variance(scale) / math.sqrt(1_000)
    assert noisy([], scale) == []


@pytest.mark.parametrize(("epsilon", "changed", "scale"), [(0.5, 5, 10.0), (0.3, 7, 7 / 0.3), (10.0, 1, 0.1)])
def test_the_scale_is_sensitivity_by_epsilon(epsilon: float, changed: int, scale: float) -> None:
    assert scale_of(epsilon, changed) == pytest.approx(scale, rel=1e-12)
    assert scale_of(epsilon, changed) >= scale


@pytest.mark.parametrize("epsilon", [0.0, -1.0, 0.001, 11.0, math.inf, math.nan])
def test_an_epsilon_beyond_sense_is_refused(epsilon: float) -> None:
    with pytest.raises(UsageError, match="epsilon"):
        scale_of(epsilon, 1)


def test_what_is_no_count_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 record"):
        scale_of(1.0, 0)
    for count in (-1, LARGEST_COUNT + 1):
        with pytest.raises(UsageError, match="a count is negative or larger"):
            noisy([count], 1.0)
