"""Roll-ups made of what changed say what a count of all posts would: after late posts, edits that move a post to
another slice or hour, replays, borders of both, and posts whose older row was merged away before anybody counted."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

import pytest

from pipelines.store.client import connect
from pipelines.store.migrate import migrate
from pipelines.store.query import refresh, refresh_roll_ups
from pipelines.store.sinks import StorePosts

pytestmark = pytest.mark.services

PLATFORM = "roll-up-changes"
HOUR, SLICE = 3_600_000, 300_000
BASE = 3_700_000_000_000 // HOUR * HOUR  # 2087: no other test stores then
BORDERS = [-1, 0, SLICE - 1, SLICE, HOUR - 1, HOUR, 5 * HOUR]
COUNTY = {"name": "某县", "level": "county", "adcode": "410999", "lat": None, "lon": None, "radius_m": None}

# what a roll-up says, and a count of all posts
SLICES = (
    """SELECT slice, toString(adcode), toString(kind), toString(label), posts, length(authors) FROM mood_slices FINAL
    WHERE platform = '{platform}' ORDER BY ALL""",
    """SELECT toStartOfFiveMinutes(created_at) AS slice, cell, kind.1, kind.2, count(),
        least(uniqExact(author_token), 21) AS authors
    FROM posts FINAL
    ARRAY JOIN arrayConcat([''], arrayMap(x -> toString(x), adcodes)) AS cell
    ARRAY JOIN [('sentiment', toString(sentiment)), ('emotion', toString(emotion))] AS kind
    WHERE platform = '{platform}' GROUP BY ALL ORDER BY ALL""",
)
MOODS = (
    """SELECT hour, toString(adcode), toString(kind), toString(label), posts, authors FROM mood_hourly FINAL
    WHERE platform = '{platform}' ORDER BY ALL""",
    """SELECT toStartOfHour(created_at) AS hour, cell, kind.1, kind.2, count(),
        least(uniqExact(author_token), 21) AS authors
    FROM posts FINAL
    ARRAY JOIN arrayConcat([''], arrayMap(x -> toString(x), adcodes)) AS cell
    ARRAY JOIN [('sentiment', toString(sentiment)), ('emotion', toString(emotion))] AS kind
    WHERE platform = '{platform}' GROUP BY ALL HAVING authors >= 20 ORDER BY ALL""",
)
MINUTES = (
    "SELECT minute, posts FROM metrics_minute FINAL WHERE posts > 0 AND minute BETWEEN {minutes} ORDER BY ALL",
    """SELECT toStartOfMinute(stored_at) AS minute, count() FROM posts FINAL
    WHERE minute BETWEEN {minutes} GROUP BY minute ORDER BY ALL""",
)
TOPICS = (
    "SELECT hour, topic_id, posts, copies FROM v_topic_hours WHERE startsWith(topic_id, '{topic}') ORDER BY ALL",
    """SELECT toStartOfHour(at) AS hour, if(taken.into = '', p.topic_id, taken.into) AS topic,
        countIf(copy_of = ''), countIf(copy_of != '')
    FROM (SELECT * FROM post_topics FINAL WHERE startsWith(topic_id, '{topic}')) AS p
    LEFT JOIN (SELECT topic_id, merged_into AS into FROM topics FINAL) AS taken ON taken.topic_id = p.topic_id
    GROUP BY hour, topic ORDER BY ALL""",
)
FEEDS = (
    "SELECT last_created_at, last_stored_at FROM v_feeds WHERE platform = '{platform}'",
    "SELECT max(created_at), max(stored_at) FROM posts WHERE platform = '{platform}'",
)


def forget_what_was_new(client):
    """As if some minutes had passed: only what is inserted from now on is new to the next refresh."""
    time.sleep(1.1)  # the store notes whole seconds
    for table, made, minutes in (
        ("mood_slices (slice, kind, removed, made_at)", "0, 'made', 1", 2),
        ("mood_hourly (hour, kind, removed, made_at)", "0, 'made', 1", 10),
        ("metrics_minute (minute, removed, made_at)", "0, 1", 2),
        ("topic_hours (hour, made_at)", "0", 10),
    ):
        client.command(
            f"INSERT INTO {table} SELECT {made}, toDateTime64(now('UTC'), 3, 'UTC') + INTERVAL {minutes} MINUTE"
        )


@pytest.mark.parametrize(
    ("seed", "strangers"),  # other seeds are other histories; how many changed decides how their older rows are found
    [(1, 0), (2, 300_000)],
)
def test_what_changed_is_all_that_has_to_be_counted(clickhouse, make_posts, rows, seed, strangers):
    draw = random.Random(seed)
    platform, base = f"{PLATFORM}-{seed}", BASE + seed * 24 * HOUR
    borders = [base + border for border in BORDERS]
    minutes = f"toDateTime({base // 1000}, 'UTC') AND toDateTime({base // 1000 + 3600}, 'UTC')"
    refresh_roll_ups(clickhouse)
    with connect(clickhouse) as client:
        for phase in range(3):
            forget_what_was_new(client)
            client.command(
                "INSERT INTO counted_posts (platform, post_id, slice, minute, inserted_at) "
                f"SELECT '{platform}-stranger', toString(number), toDateTime({base // 1000}), "
                f"toDateTime({base // 1000 + 7200}), now('UTC') FROM numbers({strangers})"
            )
            # ids of before come again with other labels, in other hours: an edit, or a replay of the same edit
            known = 120 * phase
            ids = [f"{seed}-{n}" for n in range(known, known + 120)] + [
                f"{seed}-{draw.randrange(known)}" for _ in range(80 if known else 0)
            ]
            ids = list(dict.fromkeys(ids))
            count = len(ids)
            batch = make_posts(
                ["a"] * count,
                platform=[platform] * count,
                id=ids,
                created_at=[
                    draw.choice(borders) + phase * 10 * HOUR for _ in ids
                ],  # hours of before are left, not touched
                updated_at=[base + phase * 1_000] * count,
                author_token=[f"author-{draw.randrange(60)}" for _ in ids],
                sentiment=[draw.choice(["negative", "positive"]) for _ in ids],
                emotion=[draw.choice(["fear", "happy"]) for _ in ids],
                places=[[COUNTY | {"start": 0, "end": 1}] if draw.random() < 0.6 else [] for _ in ids],
            )
            sink = StorePosts(clickhouse, generation=phase % 2, clock=lambda phase=phase: base + phase * 90_000)
            sink.open()
            for first in range(0, count, 64):
                sink.apply(batch.slice(first, 64))
            sink.close()
            if phase % 2:
                client.command("OPTIMIZE TABLE posts FINAL")
            refresh_roll_ups(clickhouse)
            for said, counted in (SLICES, MOODS, MINUTES, FEEDS):
                where = {"platform": platform, "minutes": minutes}
                assert rows(said.format(**where)) == rows(counted.format(**where)), (phase, said)
        assert len(rows(MOODS[0].format(platform=platform))) > 10
        assert rows("SELECT countIf(authors < 20) FROM mood_hourly FINAL") == [(0,)]
        client.command(f"DELETE FROM posts WHERE platform = '{platform}'")
        client.command(f"DELETE FROM counted_posts WHERE startsWith(platform, '{platform}')")
        client.command("TRUNCATE TABLE mood_slices")
        client.command("TRUNCATE TABLE mood_hourly")
        client.command("TRUNCATE TABLE metrics_minute")


def test_topics_by_hour_are_those_of_a_count(clickhouse, rows):
    """Posts that join late, rows that are written again, one topic taken over by another."""
    draw, topic = random.Random(1), "roll-up-topic"
    refresh_roll_ups(clickhouse)
    with connect(clickhouse) as client:
        posts = []
        for phase in range(3):
            forget_what_was_new(client)
            again = draw.sample(posts, len(posts) // 4)
            posts += [
                [
                    f"{topic}-{phase}-{n}",
                    f"{topic}-{draw.randrange(4)}",
                    draw.choice(["", "another"]),
                    datetime.fromtimestamp((BASE + draw.choice(BORDERS) + phase * 10 * HOUR) / 1000, UTC),
                ]
                for n in range(100)
            ]
            client.insert(
                "post_topics",
                [["weibo", *post] for post in again + posts[-100:]],
                column_names=["platform", "post_id", "topic_id", "copy_of", "at"],
            )
            if phase:
                client.command(
                    "INSERT INTO topics (topic_id, version, merged_into) VALUES "
                    f"('{topic}-{phase}', {phase}, '{topic}-0')"
                )
            refresh_roll_ups(clickhouse)
            said, counted = (rows(sql.format(topic=topic)) for sql in TOPICS)
            assert said == counted, phase
            assert len(said) > 10
        client.command(f"DELETE FROM post_topics WHERE startsWith(topic_id, '{topic}')")
        client.command(f"DELETE FROM topics WHERE startsWith(topic_id, '{topic}')")
        client.command("TRUNCATE TABLE topic_hours")


def test_roll_ups_that_were_left_behind_catch_up(fresh_server):
    """After a history was loaded, or refreshes stood still for hours, millions of posts changed since the last look."""
    fresh_server.start()
    migrate(fresh_server.settings())
    views = ("mood_slices_refresh", "metrics_minute_refresh")
    with connect(fresh_server.settings()) as client:
        for view in views:  # none of their own accord while posts come
            client.command(f"SYSTEM STOP VIEW {view}")
        forget_what_was_new(client)
        client.command(
            "INSERT INTO counted_posts (platform, post_id, slice, minute, inserted_at) "
            "SELECT 'weibo', hex(sipHash128(number)), toStartOfFiveMinutes(now('UTC')), toStartOfMinute(now('UTC')), "
            "now('UTC') + INTERVAL 1 HOUR FROM numbers(4000000)"
        )
        for view in views:
            client.command(f"SYSTEM START VIEW {view}")
            refresh(client, view)  # raises what the refresh failed with
        assert client.query("SELECT count() FROM mood_slices WHERE kind = 'made' AND removed = 1").first_row[0] >= 2
