"""What is said now: the last whole week against its band, the running week as soon as it has passed it, weeks ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from udfs.forecast.models import CANDIDATES, WINDOW
from udfs.forecast.outlook import outlooks
from udfs.forecast.weeks import ALL, Panel, Series

MONDAY = date(2026, 1, 5)


def flat(counts, horizon, season):
    return {name: np.full(horizon, float(np.mean(counts[-WINDOW:]))) for name in CANDIDATES}


def panel_of(weekly, running=None, running_days=0):
    days = np.repeat(np.asarray(weekly, np.int64)[:, None], 7, axis=1)
    series = Series(ALL, ALL, days)
    holes = np.zeros(len(weekly), np.bool_)
    return Panel(MONDAY, len(weekly), (series,), {(ALL, ALL): running} if running else {}, running_days, holes)


def said(panel, **options):
    return list(outlooks(panel, forecaster=flat, **options))


def test_the_last_week_is_judged_and_four_are_said():
    found = said(panel_of([10] * 20))
    assert [one.week for one in found] == [MONDAY + timedelta(weeks=19 + ahead) for ahead in range(5)]
    assert [one.observed for one in found] == [70, None, None, None, None]
    assert [one.step for one in found] == [1, 1, 2, 3, 4]
    assert [one.history for one in found] == [19, 20, 20, 20, 20]
    assert not any(one.warning for one in found)
    for one in found:
        assert one.lower95 < one.lower80 < one.expected < one.upper80 < one.upper95


def test_a_last_week_above_its_band_is_a_warning():
    last = said(panel_of([10] * 19 + [20]))[0]
    assert (last.observed, last.days, last.warning) == (140, 7, True)
    assert last.upper95 < 140


@pytest.mark.parametrize(
    ("so_far", "days", "observed", "warning"),
    [(None, 0, None, False), (120, 2, 120, True), (60, 2, 60, False), (None, 3, 0, False), (4, 0, 4, False)],
)
def test_the_running_week_warns_before_it_is_over(so_far, days, observed, warning):
    running = said(panel_of([10] * 20, so_far, days))[1]
    assert (running.observed, running.days, running.warning) == (observed, days, warning)


def test_few_posts_are_no_warning():
    quiet = panel_of([0] * 19 + [1])  # seven posts after nothing
    assert not said(quiet)[0].warning
    assert said(quiet, minimum=5)[0].warning


def test_a_narrower_band_warns_earlier():
    panel = panel_of([10] * 20, 86, 6)
    assert [said(panel, level=level)[1].warning for level in (80, 95)] == [True, False]


def test_a_last_week_in_which_the_feed_stood_still_is_not_judged():
    panel = panel_of([10] * 19 + [20])
    holes = panel.holes.copy()
    holes[-1] = True
    last = said(replace(panel, holes=holes))[0]
    assert (last.observed, last.warning) == (None, False)


def test_too_few_weeks_say_nothing():
    assert said(panel_of([10] * WINDOW)) == []
    assert said(panel_of([10] * (WINDOW + 1)))
