"""Roll-ups under replay: the same batches again, cut at other borders, change no count; edits move labels."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.store.client import connect
from pipelines.store.query import refresh_roll_ups
from pipelines.store.sinks import DeadLetterSink, StorePosts
from schemas.records import DEAD_LETTER

pytestmark = pytest.mark.services

HOUR = 3_600_000
BASE = 1_600_000_000_000 // HOUR * HOUR
COUNTY = {"level": "county", "lat": None, "lon": None, "radius_m": None, "start": 0, "end": 1}


def posts(make_posts, platform, count, sentiment, authors, **columns):
    keyword = {"rule": "flood-help", "category": "灾情求助", "term": "被困", "critical": True}
    return make_posts(
        ["a"] * count,
        platform=[platform] * count,
        id=[str(n) for n in range(count)],
        created_at=[BASE + n * 30_000 for n in range(count)],
        author_token=[f"author-{n % authors}" for n in range(count)],
        sentiment=[sentiment] * count,
        keywords=[[keyword, keyword | {"term": "求救"}] if n % 2 else [] for n in range(count)],
        places=[
            [COUNTY | {"name": "某县", "adcode": "410999"}, COUNTY | {"name": "某县某村", "adcode": "410999"}]
            if n % 4 == 0
            else []
            for n in range(count)
        ],
        **columns,
    )


def write(settings, batch, *, size=None, generation=0):
    sink = StorePosts(settings, generation=generation)
    sink.open()
    for first in range(0, batch.num_rows, size or batch.num_rows):
        sink.apply(batch.slice(first, size or batch.num_rows))
    sink.close()


def counts(rows, platform, view="v_post_counts"):
    sql = f"SELECT dimension, key, sum(posts) FROM {view} WHERE platform = '{platform}' GROUP BY dimension, key"
    return {(dimension, key): posts for dimension, key, posts in rows(sql)}


def counted(settings):
    """Make the numbers of what grew, as the store does each minute."""
    with connect(settings) as client:
        client.command("SYSTEM REFRESH VIEW post_totals_refresh")
        client.command("SYSTEM WAIT VIEW post_totals_refresh")


def test_counts_by_id_are_right_after_a_replay_with_other_borders(clickhouse, make_posts, rows):
    platform = "roll-up-ids"
    batch = posts(
        make_posts,
        platform,
        100,
        "neutral",
        100,
        needs=[[{"need": "rescue", "score": 0.9}] if n % 10 == 0 else [] for n in range(100)],
        hazards=[["collapse"] if n % 5 == 0 else [] for n in range(100)],
    )
    expected = {
        ("all", ""): 100,
        ("rule", "flood-help"): 50,
        ("category", "灾情求助"): 50,
        ("adcode", "410999"): 25,
        ("model", "none@0"): 100,
        ("need", "rescue"): 10,
        ("hazard", "collapse"): 20,
    }
    for size, generation in ((None, 0), (7, 0), (64, 0), (33, 1)):
        write(clickhouse, batch, size=size, generation=generation)
        counted(clickhouse)
        assert counts(rows, platform) == expected
    with connect(clickhouse) as client:
        client.command("OPTIMIZE TABLE post_counts FINAL")
    assert counts(rows, platform) == expected
    keywords = {key: value for key, value in expected.items() if key[0] in ("rule", "category")}
    assert counts(rows, platform, "v_keywords") == keywords
    minutes = rows(f"SELECT count(), sum(posts) FROM v_post_counts WHERE platform = '{platform}' AND dimension = 'all'")
    assert minutes == [(50, 100)]


MOODS = "SELECT kind, adcode, label, sum(posts) FROM mood_hourly FINAL WHERE platform = '{}' GROUP BY ALL ORDER BY ALL"


def test_labels_follow_edits(clickhouse, make_posts, rows):
    platform = "roll-up-labels"
    fear = {"emotion": ["fear"] * 100}
    write(clickhouse, posts(make_posts, platform, 100, "negative", 100, **fear))
    write(clickhouse, posts(make_posts, platform, 100, "negative", 100, **fear), size=9)
    refresh_roll_ups(clickhouse)
    before = [("negative", "fear", n) for n in (100, 25)]
    assert rows(MOODS.format(platform)) == [
        *(("emotion", adcode, fear, n) for adcode, (_, fear, n) in zip(["", "410999"], before, strict=True)),
        *(("sentiment", adcode, mood, n) for adcode, (mood, _, n) in zip(["", "410999"], before, strict=True)),
    ]
    write(clickhouse, posts(make_posts, platform, 60, "positive", 60, emotion=["happy"] * 60), generation=1)
    refresh_roll_ups(clickhouse)
    # of the county there are 10 negative and 15 positive posts now: too few people to be told
    assert rows(MOODS.format(platform)) == [
        ("emotion", "", "fear", 40),
        ("emotion", "", "happy", 60),
        ("sentiment", "", "negative", 40),
        ("sentiment", "", "positive", 60),
    ]


# (posts, distinct authors, author tokens empty) -> what is told of the cell: posts to the nearest five, or nothing
CELLS = [
    (40, 40, False, 40),
    (20, 20, False, 20),
    (22, 20, False, 20),
    (23, 23, False, 25),
    (19, 19, False, None),
    (400, 19, False, None),
    (40, 40, True, None),
]


def test_no_cell_of_fewer_than_twenty_authors(clickhouse_server, make_posts):
    clickhouse = clickhouse_server.settings()
    for count, authors, anonymous, _ in CELLS:
        batch = make_posts(
            ["a"] * count,
            platform=[f"cells-{count}-{authors}-{anonymous}"] * count,
            id=[str(n) for n in range(count)],
            author_token=["" if anonymous else str(n % authors) for n in range(count)],
        )
        write(clickhouse, batch)
    refresh_roll_ups(clickhouse)
    for view in ("v_sentiment", "v_emotion"):
        with connect(clickhouse_server.settings("analyst")) as client:
            sql = f"SELECT platform, posts FROM {view} WHERE startsWith(platform, 'cells-')"
            found = dict(client.query(sql).result_rows)
        assert found == {f"cells-{n}-{authors}-{blank}": told for n, authors, blank, told in CELLS if told}
    with connect(clickhouse_server.settings("operator")) as client:  # the table below the views has none either
        cells = client.query("SELECT countIf(authors < 20), count() > 0 FROM mood_hourly FINAL")
        assert cells.result_rows == [(0, True)]


def test_metrics_by_minute(clickhouse, make_posts, rows):
    minute = 3_900_000_000_000 // 60_000 * 60_000  # 2093: no other test stores then
    batch = make_posts(
        ["a"] * 10,
        platform=["roll-up-metrics"] * 10,
        id=[str(n) for n in range(10)],
        ingested_at=[minute + n * 100 for n in range(10)],
    )
    for _ in range(2):
        sink = StorePosts(clickhouse, clock=lambda: minute + 1_000)
        sink.open()
        sink.apply(batch)
        sink.close()
    letter = {"source": "metrics", "partition": "p", "step": "parse", "reason": "r", "raw": b""}
    letters = [letter | {"offset": n} for n in range(3)]
    dead = DeadLetterSink(clickhouse, lambda raw, *_: raw, clock=lambda: minute + 60_000)
    dead.open()
    for _ in range(2):
        dead.write(pa.RecordBatch.from_pylist(letters, schema=DEAD_LETTER))
    dead.close()
    refresh_roll_ups(clickhouse)
    sql = f"""SELECT toUnixTimestamp(minute) * 1000, posts, dead_letters, latency_p50_ms, latency_p99_ms FROM {{}}
        WHERE toUnixTimestamp(minute) >= {minute // 1000} ORDER BY minute"""
    for table in ("metrics_minute FINAL", "v_metrics"):
        found = rows(sql.format(table))
        assert [row[:3] for row in found] == [(minute, 10, 0), (minute + 60_000, 0, 3)]
        assert 450 <= found[0][3] <= 650  # of 100, 200, ... 1000
        assert 950 <= found[0][4] <= 1000
        assert found[1][3:] == (0, 0)
    with connect(clickhouse) as client:
        client.command("DELETE FROM posts WHERE platform = 'roll-up-metrics'")
        client.command("DELETE FROM dead_letters WHERE source = 'metrics'")


def test_phrases_are_found_by_the_index(clickhouse, make_posts, rows):
    texts = [f"某处平安无事{n}" for n in range(2_000)] + ["桥下有人被困请来救援"]
    count = len(texts)
    write(clickhouse, make_posts(texts, platform=["phrases"] * count, id=[str(n) for n in range(count)]))
    condition = "FROM posts FINAL WHERE platform = 'phrases' AND text_l2 LIKE '%有人被困%'"
    assert rows(f"SELECT post_id {condition}") == [("2000",)]
    with connect(clickhouse) as client:  # the index is built when parts merge
        client.command("OPTIMIZE TABLE posts FINAL")
    assert rows(f"SELECT post_id {condition}") == [("2000",)]
    plan = "\n".join(line for (line,) in rows(f"EXPLAIN indexes = 1 SELECT count() {condition}"))
    assert "Name: phrase" in plan


def test_a_call_that_was_taken_back_is_no_call_any_more_when_asked_for_by_its_id(clickhouse, make_posts, rows):
    """v_calls moves conditions before FINAL: were one on the needs among them, the older version would be found."""
    for needs, version in (([{"need": "rescue", "score": 0.9}], 0), ([], 1)):
        batch = posts(make_posts, "taken-back", 1, "neutral", 1, needs=[needs], updated_at=[BASE + version * 1000])
        write(clickhouse, batch)
        found = rows("SELECT count() FROM v_calls WHERE (platform, post_id) IN ('taken-back', '0')")
        assert found == [(1 - version,)]
