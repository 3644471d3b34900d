"""Proportional fitting against closed forms; whole numbers that keep totals and are unbiased."""

import numpy as np
import pytest

from udfs.population.integerise import integerise
from udfs.population.ipf import Margin, fit

# a table of 2 x 2 as four records: (0, 0), (0, 1), (1, 0), (1, 1)
ROWS, COLUMNS = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])


def margins(rows: tuple[float, ...], columns: tuple[float, ...]) -> list[Margin]:
    return [
        Margin("rows", ("r0", "r1"), ROWS, np.array(rows, dtype=float)),
        Margin("columns", ("c0", "c1"), COLUMNS, np.array(columns, dtype=float)),
    ]


def test_without_association_the_answer_is_the_product_of_the_margins() -> None:
    found = fit(np.ones(4), margins((30, 70), (40, 60)))
    assert found.reached
    assert found.weights == pytest.approx([12, 18, 28, 42])


@pytest.mark.parametrize(("ratio", "rows", "columns"), [(4.0, (50, 50), (50, 50)), (0.2, (30, 70), (55, 45))])
def test_the_odds_ratio_of_the_sample_stays_and_the_margins_are_met(
    ratio: float, rows: tuple[float, float], columns: tuple[float, float]
) -> None:
    a, b, c, d = fit(np.array([ratio, 1.0, 1.0, 1.0]), margins(rows, columns)).weights
    assert a * d / (b * c) == pytest.approx(ratio)
    assert [a + b, c + d, a + c, b + d] == pytest.approx([*rows, *columns], abs=1e-6)


def test_two_by_two_in_closed_form() -> None:
    # margins of one half each: the diagonal is sqrt(ratio) / (1 + sqrt(ratio)) / 2 (Yule)
    found = fit(np.array([9.0, 1.0, 1.0, 1.0]), margins((0.5, 0.5), (0.5, 0.5)))
    assert found.weights == pytest.approx([0.375, 0.125, 0.125, 0.375])


@pytest.mark.parametrize(
    ("sample", "rows", "columns", "said"),
    [
        ((1, 1, 1, 1), (30, 70), (50, 60), r"columns sums to 110, rows to 100"),
        ((0, 0, 1, 1), (30, 70), (50, 50), r"rows, r0: no record of the sample"),
        # only the diagonal exists, so r0 is c0, and both cannot be
        ((1, 0, 0, 1), (30, 70), (60, 40), r"contradict each other.*wanted 30.0000%"),
    ],
)
def test_contradicting_margins_are_said(
    sample: tuple[float, ...], rows: tuple[float, ...], columns: tuple[float, ...], said: str
) -> None:
    found = fit(np.array(sample, dtype=float), margins(rows, columns), rounds=50)
    assert not found.reached
    assert np.isfinite(found.weights).all()
    with pytest.raises(AssertionError, match=said):
        raise AssertionError("; ".join(found.contradictions))


@pytest.mark.parametrize("sample", [(-1, 1, 1, 1), (np.nan, 1, 1, 1), (0, 0, 0, 0)])
def test_a_sample_with_wrong_weights_is_refused(sample: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights must be finite"):
        fit(np.array(sample, dtype=float), margins((1, 1), (1, 1)))


@pytest.mark.parametrize("total", [1, 7, 400, 12_345])
@pytest.mark.parametrize("start", [0.0, 0.37, 0.999])
def test_whole_numbers_keep_the_total_and_are_next_to_the_weights(total: int, start: float) -> None:
    shares = np.random.default_rng(total).dirichlet(np.full(300, 0.3))
    counts = integerise(shares * total, start)
    assert counts.sum() == total
    assert (counts >= np.floor(shares * total)).all()
    assert (counts <= np.floor(shares * total) + 1).all()


def test_whole_numbers_are_unbiased_over_starts() -> None:
    weights = np.array([0.1, 2.35, 0.55, 1.0, 0.7, 0.3])
    starts = (np.arange(2000) + 0.5) / 2000
    mean = np.mean([integerise(weights, start) for start in starts], axis=0)
    assert mean == pytest.approx(weights, abs=0.001)


@pytest.mark.parametrize(("weights", "start"), [([1.0, -0.5], 0.1), ([np.nan], 0.1), ([1.0], 1.0)])
def test_weights_and_starts_that_are_none(weights: list[float], start: float) -> None:
    with pytest.raises(ValueError, match=r"must be finite|outside"):
        integerise(np.array(weights), start)
