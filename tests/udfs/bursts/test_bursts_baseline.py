"""What a series is said to have usually, after a made-up history."""

from __future__ import annotations

import pytest

from udfs.bursts.baseline import DAY, Baseline, hour_of
from udfs.bursts.keys import RULE, Series

START = 26_300_000 // DAY * DAY
RAIN, SNOW, NEVER = (Series(RULE, name, "") for name in ("rain", "snow", "never"))


def noon(minute: int) -> bool:
    return hour_of(minute) == 12


def midnight(minute: int) -> bool:
    return hour_of(minute) == 0


def test_each_series_has_hours_of_its_own() -> None:
    baseline = Baseline()
    for minute in range(START, START + 3 * DAY):
        counts = {series: (2.0, 2.0) for series, on in ((RAIN, noon), (SNOW, midnight)) if on(minute)}
        baseline.learn(minute, 40, counts)
    at_noon, at_midnight = START + 4 * 60, START + 16 * 60
    assert (hour_of(at_noon), hour_of(at_midnight)) == (12, 0)
    for series, busy, quiet in ((RAIN, at_noon, at_midnight), (SNOW, at_midnight, at_noon)):
        assert baseline.rate(series, busy)[0] > 3 * baseline.rate(series, quiet)[0]
    assert baseline.rate(NEVER, at_noon)[0] < 0.001


@pytest.mark.parametrize("times", [0.02, 0.1, 0.5])
def test_a_thin_feed_is_less_exposure_not_a_lower_rate(times: float) -> None:
    baseline = Baseline()
    for minute in range(START, START + DAY):
        baseline.learn(minute, 40, {RAIN: (1.0, 1.0)})
    before = baseline.rate(RAIN, START)[0]
    for minute in range(START + DAY, START + DAY + 60):
        baseline.learn(minute, 40 * times, {RAIN: (times, times)})
    assert baseline.rate(RAIN, START)[0] == pytest.approx(before, rel=0.1)
    calls, minutes = baseline.recent(RAIN)
    assert calls / minutes == pytest.approx(1.0, rel=0.05)


def test_a_silent_minute_teaches_nothing() -> None:
    baseline = Baseline()
    for minute in range(START, START + 600):
        baseline.learn(minute, 40, {RAIN: (1.0, 1.0)})
    before = (baseline.rate(RAIN, START), baseline.feed(START))
    for minute in range(START + 600, START + 660):
        baseline.learn(minute, 0, {})
    assert (baseline.rate(RAIN, START), baseline.feed(START)) == before


def test_it_forgets_by_half_in_a_week() -> None:
    baseline = Baseline()
    for minute in range(START, START + 60):
        baseline.learn(minute, 40, {RAIN: (1.0, 1.0)})
    weight = baseline.rate(RAIN, START)[1]
    baseline.learn(START + 7 * DAY, 40, {})
    assert baseline.rate(RAIN, START)[1] == pytest.approx(weight / 2, rel=0.05)
