"""The figures of `bench forecast` on a history with a known end; models are stood in for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipelines.bench import forecast as bench
from udfs.forecast.models import CANDIDATES, NAIVE
from udfs.forecast.weeks import ALL, Panel, Series

WEEKS = 45


def eight(counts, horizon, season):
    mean = np.full(horizon, float(np.mean(counts[-8:])))
    return dict.fromkeys(CANDIDATES, mean) | {NAIVE: np.full(horizon, float(counts[-1]))}


def history(surge=0):
    days = np.random.default_rng(1).poisson(5, (WEEKS, 7))
    days[30] += surge
    holes = np.zeros(WEEKS, np.bool_)
    series = (Series(ALL, ALL, days), Series("水", ALL, days // 2))
    return Panel(date(2026, 1, 5), WEEKS, series, {}, 0, holes)


@pytest.fixture(scope="module")
def report():
    return bench.measured(history(surge=20), forecaster=eight)


def test_groups_compare_with_naive(report):
    assert set(report["groups"]) == {"total", "theme", "all series"}
    everything = report["groups"]["all series"]
    assert (everything["series"], everything["weeks"]) == (2, 2 * (WEEKS - bench.FIRST_JUDGED))
    assert everything["mase"] < everything["mase_naive"]
    assert report["candidates"][NAIVE] == pytest.approx(everything["mase_naive"])
    assert report["no_better_than_naive"] == []


def test_a_surge_of_the_history_is_told_in_its_week(report):
    surges = report["warnings"]["surges"]
    assert surges["surges"] == surges["told_by_the_peaks_week"] == 2
    assert surges["weeks_before"] == [0, 0]
    assert surges["median_days_before_the_peaks_week_ends"] > 0


def test_larger_surges_laid_over_are_told_more_often_and_none_is_rarely_told(report):
    told = {
        (row["rise_weeks"], row["size"]): row["told_by_the_peaks_week"] / row["surges"] for row in report["laid_over"]
    }
    assert told[1, 3.0] >= 0.9
    assert told[1, 1.0] <= 0.2
    assert told[1, 1.5] < told[1, 2.0] <= told[1, 3.0]
    assert {row["surges"] for row in report["laid_over"]} == {10}


def test_what_is_laid_over_rises_to_its_size():
    days = np.full((WEEKS, 7), 100)
    over, surge = bench.laid_over(days, 30, 3.0, 4, np.random.default_rng(1))
    assert (surge.first, surge.peak, surge.level) == (27, 30, 700.0)
    assert over[27:31].sum(axis=1) == pytest.approx([1050, 1400, 1750, 2100], rel=0.08)
    assert np.array_equal(np.delete(over, range(27, 31), 0), np.delete(days, range(27, 31), 0))


def test_a_series_that_naive_knows_best_is_named():
    days = np.zeros((WEEKS, 7), np.int64)
    days[:, 0] = 4_000 + np.cumsum(np.random.default_rng(5).choice([-40, 40], WEEKS))
    panel = Panel(date(2026, 1, 5), WEEKS, (Series("走", "某区", days),), {}, 0, np.zeros(WEEKS, np.bool_))
    found = bench.measured(panel, forecaster=eight)
    assert [(one["theme"], one["district"]) for one in found["no_better_than_naive"]] == [("走", "某区")]
    assert found["groups"]["theme in district"]["beats_naive"] == 0


def test_tables_are_printed(report, capsys):
    machine = {"cpu": "made up", "cores": 2, "date": "2026-01-01"}
    bench.show({"machine": machine, "histories": {"made up": report}})
    printed = capsys.readouterr().out
    assert "| all series | 2 |" in printed
    assert "No better than naive, MASE (naive's): none." in printed
    assert "| 3 | 4 |" in printed
