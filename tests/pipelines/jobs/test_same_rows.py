"""One feed through every engine gives the same rows: posts, alerts, vault and dead letters."""

import pytest

from pipelines.engines import inline
from pipelines.engines.splits import SplitReader, splits_of
from pipelines.feeds.uri import parse
from pipelines.jobs import registry
from pipelines.jobs.site import Site

FEED = "generate:?posts=1200&seed=11&bad=0.02&start=1795300000000&minutes=30"
MARGIN = 0.002
"""Labels may differ where two classes are nearer than this (DESIGN)."""

pytestmark = pytest.mark.services

TABLES = {
    "posts": "SELECT * EXCEPT (ingested_at, stored_at) FROM posts FINAL ORDER BY platform, post_id",
    "dead_letters": "SELECT source, partition, offset, step, reason, sha256 FROM dead_letters FINAL ORDER BY ALL",
    "alert_hits": "SELECT * EXCEPT stored_at FROM alert_hits FINAL ORDER BY alert_id, platform, post_id",
    "pii_vault": "SELECT platform, post_id, start, end, type, token FROM pii_vault FINAL ORDER BY ALL",
}


def run_inline(home):
    reader = SplitReader()
    job = registry.build("opinion", Site(home.path))
    for _ in inline.run(job, (reader.read(split) for split in splits_of(parse(FEED)))):
        pass


def run_flink(home):
    home.run("submit", "opinion", "--source", FEED, "--parallelism", "2")


def run_beam(home):
    home.run("submit", "opinion", "--source", FEED, "--engine", "beam")


@pytest.fixture(scope="module")
def expected(home):
    home.empty()
    run_inline(home)
    return {name: home.rows(sql) for name, sql in TABLES.items()}


def test_the_feed_has_something_of_everything(expected):
    assert len(expected["posts"]) + len(expected["dead_letters"]) == 1200
    for name, rows in expected.items():
        assert rows, f"the feed gives no row in {name}"


@pytest.mark.parametrize("engine", [run_flink, run_beam], ids=["flink", "beam"])
def test_same_rows(home, expected, engine):
    home.empty()
    engine(home)
    for name, sql in TABLES.items():
        differing = [
            (one, other) for one, other in zip(expected[name], home.rows(sql), strict=True) if not same(one, other)
        ]
        assert not differing, f"{name}: {len(differing)} rows differ, the first: {differing[0]}"


def same(one, other):
    """Equal, but for float32 noise below the margin."""
    if isinstance(one, float):
        return abs(one - other) < MARGIN
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other
