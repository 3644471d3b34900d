"""Rolling origin: nothing of the future is used, the better model is chosen, naive where none is, bands hold."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.forecast.backtest import LEAST_RECORD, LEAST_VARIANCE, _student, filled, judge, roll
from udfs.forecast.models import CANDIDATES, NAIVE, WINDOW, anscombe, counts_of

NO_HOLES = np.zeros(60, np.bool_)


def simple(counts, horizon, season):
    """Naive, and the mean of the last eight weeks under each other name."""
    found = {name: np.full(horizon, float(np.mean(counts[-WINDOW:]))) for name in CANDIDATES}
    return found | {NAIVE: np.full(horizon, float(counts[-1]))}


def rolled(counts, first=20, holes=None, forecaster=simple):
    counts = np.asarray(counts, np.float64)
    return roll(counts, NO_HOLES[: len(counts)] if holes is None else holes, 4, first=first, forecaster=forecaster)


def noise(weeks=60, level=40.0, seed=3):
    return np.random.default_rng(seed).poisson(level, weeks).astype(np.float64)


def test_the_future_changes_nothing_that_was_said_before():
    counts = noise()
    changed = counts.copy()
    changed[40:] += 500
    for before, after in zip(rolled(counts), rolled(changed), strict=True):
        if before.known > 40:
            break
        assert (before.known, before.model) == (after.known, after.model)
        assert np.array_equal(before.expected, after.expected)
        assert all(np.array_equal(a.upper, b.upper) for a, b in zip(before.bands, after.bands, strict=True))
    assert after.known == 41


def test_the_model_with_the_smaller_past_errors_is_chosen():
    swinging = noise() + np.tile([30.0, 0.0], 30)
    judged = judge(swinging, NO_HOLES, rolled(swinging))
    assert judged is not None
    assert judged.beats_naive
    assert NAIVE not in judged.models


def test_naive_is_used_where_nothing_beats_it():
    """A random walk of great steps: the last week is the best that can be said."""
    walk = np.cumsum(np.random.default_rng(5).choice([-40, 40], 60)) + 4_000.0
    judged = judge(walk, NO_HOLES, rolled(walk))
    assert judged is not None
    assert judged.models == {NAIVE: 40}
    assert judged.error == judged.naive_error
    assert not judged.beats_naive


def test_naive_is_used_before_there_is_a_record():
    origins = rolled(noise(), first=WINDOW)
    assert [origin.model for origin in origins[:LEAST_RECORD]] == [NAIVE] * LEAST_RECORD
    assert origins[LEAST_RECORD].known == WINDOW + LEAST_RECORD


def test_a_model_that_could_not_be_fitted_is_not_chosen():
    def failing(counts, horizon, season):
        return simple(counts, horizon, season) | {CANDIDATES[2]: np.full(horizon, np.nan)}

    assert CANDIDATES[2] not in {origin.model for origin in rolled(noise(), forecaster=failing)}


def test_a_model_that_fails_this_week_is_not_chosen_however_good_it_was():
    def failing_now(counts, horizon, season):
        found = simple(counts, horizon, season)
        return (
            found | dict.fromkeys(set(CANDIDATES) - {NAIVE}, np.full(horizon, np.nan)) if len(counts) == 60 else found
        )

    swinging = noise() + np.tile([30.0, 0.0], 30)
    last = rolled(swinging, first=59, forecaster=failing_now)
    assert last[0].model != NAIVE
    assert (last[1].model, last[1].expected.tolist()) == (NAIVE, [swinging[-1]] * 4)


def test_bands_hold_what_they_say():
    inside = {80: [], 95: []}
    for seed in range(12):
        counts = noise(seed=seed, level=5 + 8.0 * seed)
        judged = judge(counts, NO_HOLES, rolled(counts))
        for level in inside:
            inside[level].append(judged.coverage[level])
    assert 0.76 <= np.mean(inside[80]) <= 0.9
    assert 0.92 <= np.mean(inside[95]) <= 0.99


def test_wild_series_get_wider_bands_than_a_poisson_count():
    # errors of a series that jumps between 20 and 60 without a pattern
    wild = np.random.default_rng(2).choice([20.0, 60.0], 60)
    last = rolled(wild, first=60)[0]
    calm = rolled(np.full(60, 40.0) + noise() - 40, first=60)[0]
    width = [origin.band(95).upper[0] - origin.band(95).lower[0] for origin in (last, calm)]
    assert width[0] > 1.8 * width[1]


def test_a_series_that_never_moved_still_gets_the_spread_of_a_count():
    band = rolled(np.full(40, 9.0), first=40)[0].band(95)
    assert band.lower[0] < counts_of(anscombe(np.array([9.0])) - 1.9 * LEAST_VARIANCE**0.5)[0]
    assert band.upper[0] > counts_of(anscombe(np.array([9.0])) + 1.9 * LEAST_VARIANCE**0.5)[0]


def test_holes_are_neither_learned_from_nor_judged():
    counts, holes = noise(), NO_HOLES.copy()
    counts[30], holes[30] = 0, True
    with_hole = judge(counts, holes, rolled(counts, holes=holes))
    assert with_hole is not None
    assert with_hole.weeks == 39
    assert filled(counts, holes)[30] == np.median(counts[26:30])
    # the week after is forecast from what the hole was filled with, not from 0
    after = next(origin for origin in rolled(counts, holes=holes) if origin.known == 31)
    assert after.candidates[NAIVE][0] == np.median(counts[26:30])


def test_errors_by_hand():
    counts = np.array([10.0, 12.0] * 10)  # naive is wrong by 2 each week, the mean (11) by 1
    origins = rolled(counts, first=16)
    judged = judge(counts, NO_HOLES[:20], origins)
    assert judged is not None
    assert (judged.weeks, judged.scale) == (4, 2.0)
    assert judged.naive_error == 2.0
    assert judged.error == pytest.approx(1.0)
    assert judged.mase == pytest.approx(0.5)


def test_too_few_weeks_give_nothing():
    assert rolled(noise(WINDOW - 1)) == []
    assert judge(noise(10), NO_HOLES[:10], rolled(noise(10), first=10)) is None


@pytest.mark.parametrize(
    ("level", "freedom", "reach"), [(95, 7, 2.3646), (95, 25, 2.0595), (80, 7, 1.4149), (80, 25, 1.3163)]
)
def test_students_t_is_that_of_the_tables(level, freedom, reach):
    assert _student(level, np.array([float(freedom)]))[0] == pytest.approx(reach, abs=1e-3)
