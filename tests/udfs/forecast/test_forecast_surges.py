"""Warnings and surges: what stands out, on which day it is told, how early, and what is false."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.forecast.backtest import Band, Origin
from udfs.forecast.surges import Surge, Warned, false_warnings, find_surges, find_warnings, is_warning, leads

WEEKS = 40
NO_HOLES = np.zeros(WEEKS, np.bool_)


def said(known, upper):
    bound = np.full(4, float(upper))
    bands = tuple(Band(level, bound * 0, bound) for level in (80, 95))
    return Origin(known, "naive", bound, {"naive": bound}, bands)


def days_of(weekly):
    """All of a week's posts spread over its days, the rest on Sunday."""
    weekly = np.asarray(weekly, np.int64)
    days = np.repeat(weekly[:, None] // 7, 7, axis=1)
    days[:, 6] += weekly - days.sum(axis=1)
    return days


@pytest.mark.parametrize(
    ("posts", "upper", "warned"), [(21, 20.5, True), (20, 20.5, False), (9, 3.0, False), (10, 3.0, True)]
)
def test_a_warning_is_above_the_band_and_enough(posts, upper, warned):
    assert is_warning(posts, upper) is warned


def test_a_week_is_told_on_the_day_that_its_bound_is_passed():
    weekly = np.full(WEEKS, 14)
    weekly[30] = 70  # ten a day: above 25 at the end of the third day
    found = find_warnings(days_of(weekly), [said(week, 25) for week in range(20, WEEKS + 1)], NO_HOLES)
    assert [(one.week, one.posts, one.day) for one in found] == [(30, 70, 2)]


def test_a_hole_is_no_warning():
    weekly = np.full(WEEKS, 14)
    weekly[30] = 70
    holes = NO_HOLES.copy()
    holes[30] = True
    assert find_warnings(days_of(weekly), [said(30, 25)], holes) == []


def test_a_surge_is_found_with_its_rise():
    weekly = np.full(WEEKS, 30.0) + np.random.default_rng(1).integers(-3, 4, WEEKS)
    weekly[24:28] = [45, 60, 90, 50]
    assert [(one.first, one.peak, one.last) for one in find_surges(weekly, NO_HOLES)] == [(24, 26, 27)]
    assert find_surges(weekly, NO_HOLES)[0].level == pytest.approx(30, abs=3)


def test_noise_small_numbers_and_a_new_level_are_no_surge():
    random = np.random.default_rng(4)
    assert find_surges(random.poisson(30, WEEKS).astype(float), NO_HOLES) == []
    few = np.zeros(WEEKS)
    few[20] = 9
    assert find_surges(few, NO_HOLES) == []
    assert find_surges(np.r_[np.full(20, 30.0), np.full(20, 60.0)], NO_HOLES) == []


def test_two_surges_are_two():
    weekly = np.full(WEEKS, 30.0)
    weekly[10], weekly[30] = 100, 90
    assert [one.peak for one in find_surges(weekly, NO_HOLES)] == [10, 30]


SURGE = Surge(first=10, peak=12, last=13, level=20.0)
LEADS = [
    ([], None, None),
    ([(10, 6)], 2, 14),  # Sunday two weeks before
    ([(12, 0)], 0, 6),
    ([(12, 6)], 0, 0),
    ([(13, 6)], -1, -7),
    ([(9, 6), (11, 3)], 1, 10),  # that of week 9 is of no surge
]


@pytest.mark.parametrize(("warned", "weeks", "days"), LEADS)
def test_lead(warned, weeks, days):
    found = leads([SURGE], [Warned(week, 50, 30.0, day) for week, day in warned])
    assert [(lead.weeks, lead.days) for lead in found] == [(weeks, days)]


def test_a_warning_outside_every_surge_is_false():
    warned = [Warned(week, 50, 30.0, 6) for week in (9, 10, 13, 14)]
    assert [one.week for one in false_warnings([SURGE], warned)] == [9, 14]
