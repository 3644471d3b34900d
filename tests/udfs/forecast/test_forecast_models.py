"""The models of statsforecast, asked as the back-test asks them."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.forecast.models import CANDIDATES, MONTH, NAIVE, SEASONAL, YEAR, anscombe, counts_of, forecast, season_of


def test_every_model_answers_on_counts():
    counts = np.random.default_rng(1).poisson(12, 40).astype(np.float64)
    found = forecast(counts, 4, 4)
    assert tuple(found) == CANDIDATES
    for name, expected in found.items():
        assert expected.shape == (4,), name
        assert np.all((expected >= 0) & (expected < 40)), name
    assert found[NAIVE].tolist() == [counts[-1]] * 4
    assert found[SEASONAL].tolist() == counts[-4:].tolist()
    assert found["mean"][0] == pytest.approx(12, abs=4)


def test_a_rise_is_carried_on_by_ets():
    found = forecast(20.0 + 10 * np.arange(30), 2, 4)
    assert found["ets"][0] > 312
    assert found["window"][0] < 300


@pytest.mark.parametrize("counts", [np.zeros(20), np.full(20, 3.0), np.r_[np.zeros(19), 7.0], np.r_[7.0, np.zeros(19)]])
def test_series_that_hardly_move_do_not_fail(counts):
    found = forecast(counts, 4, 4)
    assert found[NAIVE].tolist() == [counts[-1]] * 4
    assert all(np.all(expected[np.isfinite(expected)] >= 0) for expected in found.values())


def test_a_past_shorter_than_a_season_has_the_naive_season():
    counts = np.arange(1.0, 13)
    assert forecast(counts, 2, 52)[SEASONAL].tolist() == [12.0, 12.0]


def test_too_short_a_past_is_refused():
    with pytest.raises(ValueError, match="7 weeks are too few"):
        forecast(np.arange(7.0), 1, 4)


def test_a_year_is_a_season_once_two_are_known():
    assert [season_of(weeks) for weeks in (20, 104, 105)] == [MONTH, MONTH, YEAR]


def test_the_scale_of_even_spread_goes_back():
    counts = np.array([0.0, 1, 10, 1_000])
    assert counts_of(anscombe(counts)) == pytest.approx(counts)
    assert counts_of(np.array([-3.0])) == [0.0]
