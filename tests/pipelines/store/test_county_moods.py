"""Moods of counties as the analyst sees them, on the real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.jobs.policy import stored
from pipelines.store.moods import county_moods
from pipelines.store.query import refresh_roll_ups
from pipelines.store.sinks import StorePosts
from schemas.policy import Mood, Reading

pytestmark = pytest.mark.services

HOUR = 3_600_000
START = 1_650_000_000_000 // HOUR * HOUR
"""April 2022: no other test stores then."""
COUNTY = {"level": "county", "lat": None, "lon": None, "radius_m": None, "start": 0, "end": 1, "name": "某县"}

# county, hour after START, platform, sentiment, posts, distinct authors
CELLS = [
    ("419901", 0, "moods-a", "positive", 30, 30),
    ("419901", 1, "moods-a", "negative", 40, 20),
    ("419901", 1, "moods-b", "negative", 20, 20),
    ("419901", 1, "moods-b", "neutral", 60, 60),
    ("419901", 1, "moods-b", "positive", 300, 19),
    ("419901", 5, "moods-a", "negative", 25, 25),
    ("419902", 1, "moods-a", "negative", 500, 19),
    ("419903", 1, "moods-a", "positive", 20, 20),
]


@pytest.fixture(scope="module")
def posts(clickhouse_server):
    from tests.pipelines.store.conftest import build_posts

    sink = StorePosts(clickhouse_server.settings())
    sink.open()
    for number, (adcode, hour, platform, mood, count, authors) in enumerate(CELLS):
        sink.apply(
            build_posts(
                ["a"] * count,
                platform=[platform] * count,
                id=[f"moods-{number}-{n}" for n in range(count)],
                created_at=[START + hour * HOUR + n for n in range(count)],
                author_token=[f"moods-{n % authors}" for n in range(count)],
                sentiment=[mood] * count,
                places=[[COUNTY | {"adcode": adcode}]] * count,
            )
        )
    sink.close()
    refresh_roll_ups(clickhouse_server.settings())


@pytest.mark.parametrize(
    ("adcodes", "hours", "wanted"),
    [
        (["419901"], (0, 5), {"419901": Mood(30, 60, 60)}),
        (["419901", "419901"], (0, 6), {"419901": Mood(30, 60, 85)}),
        (["419901"], (1, 5), {"419901": Mood(0, 60, 60)}),
        (["419902"], (0, 6), {}),
        (["419902", "419903"], (0, 6), {"419903": Mood(20, 0, 0)}),
        (["419901"], (2, 5), {}),
        ([], (0, 6), {}),
    ],
)
def test_cells_of_twenty_authors_within_the_days(clickhouse_server, posts, adcodes, hours, wanted) -> None:
    start, end = (START + hour * HOUR for hour in hours)
    assert county_moods(clickhouse_server.settings("analyst"), adcodes, start, end) == wanted


class Site:
    """Stands for a site: the store's settings by account."""

    def __init__(self, server) -> None:
        self.server, self.asked = server, []

    def store_as(self, role: str):
        self.asked.append(role)
        return self.server.settings(role)


class Plan:
    def __init__(self, sentiment) -> None:
        self.sentiment = sentiment


def test_a_plan_asks_as_analyst_for_its_days(clickhouse_server, posts) -> None:
    from schemas.policy import Sentiment

    site = Site(clickhouse_server)
    now = datetime.fromtimestamp((START + 5 * HOUR) / 1000, UTC) + timedelta(days=6)
    asked = Sentiment(0.5, 7, {"a": "419901", "b": "419902"})
    assert stored.moods(site, Plan(asked), now) == Reading({"419901": Mood(30, 60, 85)}, "2022-04-14", "2022-04-21")
    assert site.asked == ["analyst"]
    later = stored.moods(site, Plan(asked), now + timedelta(days=7))
    assert later is not None
    assert later.moods == {}
    assert stored.moods(site, Plan(None), now) is None
