"""Counting by week: which series a record counts in, where a history begins and ends, and when the feed stood still."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from udfs.forecast.weeks import ALL, Tally

MONDAY = date(2026, 3, 2)


def steady(weeks: int, a_day: int = 30, first: date = MONDAY) -> Tally:
    tally = Tally()
    for day in range(7 * weeks):
        tally.add(first + timedelta(days=day), ["水"], ["某区"], posts=a_day)
    return tally


def test_a_record_counts_once_in_each_series_that_it_belongs_to():
    tally = Tally()
    for day in range(7):
        tally.add(MONDAY + timedelta(days=day), ["水", "水", "电"], ["某区"])
    panel = tally.panel(minimum=1)
    found = {series.key: int(series.weekly[0]) for series in panel.series}
    assert found == dict.fromkeys(
        [(ALL, ALL), ("水", ALL), ("电", ALL), (ALL, "某区"), ("水", "某区"), ("电", "某区")], 7
    )


def test_days_stand_from_monday():
    tally = steady(1, 1)
    tally.add(MONDAY + timedelta(days=6), [], [], posts=5)
    total = tally.panel().series[0]
    assert total.key == (ALL, ALL)
    assert total.days.tolist() == [[1, 1, 1, 1, 1, 1, 6]]
    assert tally.panel().first == MONDAY


def test_the_week_that_is_not_over_runs_and_is_no_history():
    tally = steady(5)
    tally.add(MONDAY + timedelta(days=35), ["水"], [], posts=9)  # a Monday that is over
    tally.add(MONDAY + timedelta(days=36), ["水"], [], posts=2)  # today
    panel = tally.panel(last_day=MONDAY + timedelta(days=35))
    assert (panel.weeks, panel.running_days) == (5, 1)
    assert panel.running == {(ALL, ALL): 11, ("水", ALL): 11}


@pytest.mark.parametrize("a_day", [30, 2])  # of 2 a day an empty week is no hole: the share alone decides
@pytest.mark.parametrize(
    "stray",
    [
        MONDAY - timedelta(weeks=80),  # a message of long ago, answered late
        MONDAY + timedelta(weeks=7),  # one after the collection ended
        MONDAY + timedelta(days=3),
    ],
)
def test_stray_records_do_not_stretch_a_history(stray, a_day):
    tally = steady(5, a_day)
    tally.add(stray, [], [])
    panel = tally.panel()
    assert (panel.first, panel.weeks, panel.running) == (MONDAY, 5, {})


# (posts a day, empty days of the third week) -> a hole?
HOLES = [(30, [2], True), (30, [], False), (10, [2], False), (10, [2, 3], True), (1, [0, 1, 2], False)]


@pytest.mark.parametrize(("a_day", "empty", "hole"), HOLES)
def test_a_feed_that_stood_still_is_a_hole(a_day, empty, hole):
    tally = Tally()
    for day in range(35):
        if day - 14 not in empty:
            tally.add(MONDAY + timedelta(days=day), [], [], posts=a_day)
    assert tally.panel().holes.tolist() == [False, False, hole, False, False]


def test_small_series_are_left_out_and_the_largest_come_first():
    tally = steady(4)
    tally.add(MONDAY, ["稀"], [])
    panel = tally.panel(minimum=1, most=3)
    assert len(panel.series) == 3
    assert panel.series[0].key == (ALL, ALL)
    assert "稀" not in {series.theme for series in tally.panel().series}


def test_nothing_gives_no_series():
    panel = Tally().panel()
    assert (panel.weeks, panel.series, panel.holes.dtype) == (0, (), np.bool_)
    one_day = Tally()
    one_day.add(MONDAY, [], [])
    assert one_day.panel().weeks == 0
