"""Weekly counts and forecasts in a real store: counted once however often, kept when posts are gone, few hidden."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from pipelines.jobs.forecasts import forecast_store
from pipelines.store.client import connect
from pipelines.store.forecasts import RECOUNTED_WEEKS, count_weeks, monday, store_forecasts, weekly_counts
from pipelines.store.sinks import StorePosts
from tests.pipelines.store.conftest import build_posts
from udfs.forecast.models import CANDIDATES

pytestmark = pytest.mark.services

FIRST = date(2079, 1, 2)
"""A Monday; no other test's posts are of these years."""
WEEKS = 12
DAY_MS = 86_400_000
START_MS = (FIRST - date(1970, 1, 1)).days * DAY_MS - 8 * 3_600_000
"""Midnight of that Monday in China."""
WEEK_MS = 7 * DAY_MS
NOW_MS = START_MS + WEEKS * WEEK_MS + 2 * DAY_MS
"""Two days into the week after."""
COUNTY = {
    "name": "某区", "level": "county", "adcode": "410103", "lat": None, "lon": None, "radius_m": None,
    "start": 0, "end": 1,
}  # fmt: skip
WATER = {"rule": "water-cut", "category": "停水停电", "term": "停水", "critical": False}


def flat(counts, horizon, season):
    return {name: np.full(horizon, float(np.mean(counts[-8:]))) for name in CANDIDATES}


def posts(make_posts, times, authors, *, name="w", placed=True):
    count = len(times)
    return make_posts(
        ["a"] * count,
        platform=["weekly"] * count,
        id=[f"{name}-{number}" for number in range(count)],
        created_at=times,
        author_token=[f"author-{number % authors}" for number in range(count)],
        keywords=[[WATER]] * count,
        places=[[COUNTY] if placed else []] * count,
    )


def write(settings, batch, generation=0):
    sink = StorePosts(settings, generation=generation)
    sink.open()
    sink.apply(batch)
    sink.close()


@pytest.fixture(scope="module")
def twelve_weeks(clickhouse):
    """28 posts a week of 25 authors, four each day, and 60 in the two days that run; forecasts made of them."""
    times = [
        START_MS + week * WEEK_MS + day * DAY_MS + n for week in range(WEEKS) for day in range(7) for n in range(4)
    ]
    write(clickhouse, posts(build_posts, times, 25))
    now = [START_MS + WEEKS * WEEK_MS + n * 1_000 for n in range(60)]
    write(clickhouse, posts(build_posts, now, 25, name="now"))
    with connect(clickhouse) as client:
        return forecast_store(client, NOW_MS, forecaster=flat)


CELLS = "FROM weekly_counts FINAL WHERE toYear(week) = 2079"


def test_weeks_are_counted_by_theme_county_and_city(twelve_weeks, rows):
    found = rows(
        f"SELECT theme, district, count(), min(days), max(authors) {CELLS} AND week < '2079-03-27' GROUP BY 1, 2"
    )
    expected = [(theme, district) for theme in ("", "停水停电") for district in ("", "410100", "410103")]
    assert sorted(found) == [(*key, WEEKS, [4] * 7, 21) for key in sorted(expected)]
    assert rows(f"SELECT days {CELLS} AND week = '2079-03-27' AND theme = '' AND district = ''") == [
        ([60, 0, 0, 0, 0, 0, 0],)
    ]


def test_counting_again_changes_nothing_and_reads_the_latest_weeks_only(twelve_weeks, clickhouse, rows):
    sql = f"SELECT theme, district, week, days {CELLS} ORDER BY ALL"
    before = rows(sql)
    with connect(clickhouse) as client:
        counted = count_weeks(client, NOW_MS + 1)
    assert counted == [monday(NOW_MS) - timedelta(weeks=back) for back in range(RECOUNTED_WEEKS, -1, -1)]
    assert rows(sql) == before


def test_the_running_week_warns_and_the_weeks_ahead_have_bands(twelve_weeks, rows):
    sql = """SELECT week, step, observed, days, warning, round(expected), upper95 > 28, authors FROM forecasts FINAL
        WHERE theme = '' AND district = '' AND toYear(week) = 2079 ORDER BY week"""
    last = FIRST + timedelta(weeks=WEEKS - 1)
    assert rows(sql) == [
        (last, 1, 28, 7, False, 28, True, 21),
        (last + timedelta(weeks=1), 1, 60, 2, True, 28, True, 21),
        *((last + timedelta(weeks=step), step, None, 0, False, 28, True, 21) for step in (2, 3, 4)),
    ]
    assert len(twelve_weeks) == 5 * 6


def test_a_later_forecast_of_a_week_replaces_the_earlier(twelve_weeks, clickhouse, rows):
    count = "SELECT count() FROM forecasts FINAL WHERE toYear(week) = 2079"
    before = rows(count)
    with connect(clickhouse) as client:
        forecast_store(client, NOW_MS + DAY_MS, forecaster=flat)
    assert rows(count) == before
    assert rows(
        "SELECT days FROM forecasts FINAL WHERE theme = '' AND district = '' AND week = '2079-03-27' AND step = 1"
    ) == [(3,)]


def test_an_edit_that_moves_a_label_leaves_no_stale_cell(clickhouse, make_posts):
    """Posts of 2078: the county is gone from them after an edit."""
    start = START_MS - 40 * WEEK_MS
    times = [start + n for n in range(10)]
    with connect(clickhouse) as client:
        write(clickhouse, posts(make_posts, times, 10, name="edited"))
        count_weeks(client, start + DAY_MS)
        write(clickhouse, posts(make_posts, times, 10, name="edited", placed=False), generation=1)
        count_weeks(client, start + DAY_MS + 1)
        week = monday(start)
        found = {(theme, district): sum(days) for at, theme, district, days, _ in weekly_counts(client) if at == week}
    assert found == {("", ""): 10, ("停水停电", ""): 10}


def test_analysts_see_no_series_of_few_authors(clickhouse, as_user):
    row = dict.fromkeys(("expected", "lower80", "upper80", "lower95", "upper95"), 1.0) | {
        "week": date(2081, 1, 6), "theme": "停水停电", "step": 1, "model": "naive", "history": 9, "observed": 60,
        "days": 7, "warning": True,
    }  # fmt: skip
    few = [row | {"district": f"few-{authors}", "authors": authors} for authors in (0, 19, 20, 21)]
    with connect(clickhouse) as client:
        assert store_forecasts(client, few, 1) == 4
    sql = "SELECT district FROM v_forecasts WHERE startsWith(district, 'few-') ORDER BY district"
    for user in ("analyst", "viewer"):
        assert as_user(user).query(sql).result_rows == [("few-20",), ("few-21",)]


def test_weeks_are_chinas():
    assert monday(START_MS) == FIRST
    assert monday(START_MS - 1) == FIRST - timedelta(weeks=1)
