"""What commands ask the store."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from pipelines.store import query
from pipelines.store.client import connect
from pipelines.store.sinks import DeadLetterSink, StorePosts, now_ms
from schemas.errors import StoreError, UsageError
from schemas.records import DEAD_LETTER

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    ("sql", "output", "expected"),
    [
        ("SELECT 1 AS a, 'x,y' AS b", "csv", '1,"x,y"\n'),
        ("SELECT 1 AS a, 'x' AS b;", "csv", '1,"x"\n'),
        ("  -- what is this\n SELECT 2 ; ", "csv", "2\n"),
        ("WITH 3 AS three SELECT three", "csv", "3\n"),
        ("SELECT toUInt64(4) AS a, ['b'] AS c", "json", [{"a": 4, "c": ["b"]}]),
        ("SELECT number FROM numbers(0)", "json", []),
        ("EXISTS yuqing.posts", "csv", "1\n"),
    ],
)
@pytest.mark.parametrize("user", ["operator", "analyst", "yuqing"])
def test_run_sql(clickhouse_server, sql, output, expected, user):
    if sql.startswith("EXISTS") and user == "analyst":
        pytest.skip("analysts are not told which base tables there are")
    answer = query.run_sql(clickhouse_server.settings(user), sql, output)
    assert (json.loads(answer) if output == "json" else answer) == expected


def test_a_table_for_the_eye(clickhouse_server):
    answer = query.run_sql(clickhouse_server.settings("operator"), "SELECT 1 AS number, '灾情' AS category", "table")
    assert "number" in answer
    assert "灾情" in answer
    assert "\x1b" not in answer


@pytest.mark.parametrize("user", ["operator", "yuqing"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "INSERT INTO alert_states (alert_id) VALUES ('x')",
        "TRUNCATE TABLE posts",
        "DROP TABLE posts",
        "SYSTEM REFRESH VIEW metrics_minute_refresh",
        "SET readonly = 0",
        "KILL QUERY WHERE 1",
        "/* SELECT */ -- SELECT\n (KILL QUERY WHERE 1)",
        "SELECT 1 INTO OUTFILE 'x'",
    ],
)
def test_only_one_statement_that_reads(clickhouse_server, user, sql):
    with pytest.raises((StoreError, UsageError)):
        query.run_sql(clickhouse_server.settings(user), sql)


def test_an_empty_query(clickhouse):
    with pytest.raises(UsageError, match="empty"):
        query.run_sql(clickhouse, " ; ")


def test_replay_reads_posts_by_time(clickhouse, make_posts):
    base = 1_500_000_000_000  # 2017: no other test writes there
    batch = make_posts(
        ["a", "b", "c"],
        platform=["query-replay"] * 3,
        id=["1", "2", "3"],
        created_at=[base, base + 10, base + 20],
        updated_at=[base + 1, base + 11, base + 21],
        phone_tokens=[["p"], [], []],
    )
    sink = StorePosts(clickhouse)
    sink.open()
    sink.apply(batch)
    sink.close()
    found = list(query.stored_posts(clickhouse, base, base + 20, batch=1))
    assert [part.num_rows for part in found] == [1, 1]
    first = found[0].to_pylist()[0]
    assert {name: first[name] for name in ("id", "text", "created_at", "updated_at", "phone_tokens")} == {
        "id": "1",
        "text": "a",
        "created_at": base,
        "updated_at": base + 1,
        "phone_tokens": ["p"],
    }
    assert found[0].schema.field("platform").type == pa.string()
    generation = query.next_generation(clickhouse)
    again = StorePosts(clickhouse, generation=generation)
    again.open()
    again.apply(batch)
    again.close()
    assert query.next_generation(clickhouse) == generation + 1


def test_dead_letters_are_listed_without_and_fetched_with_their_bytes(clickhouse):
    rows = [
        {"source": "query", "partition": "p", "offset": n, "step": step, "reason": "why", "raw": b"raw"}
        for n, step in enumerate(["parse", "mask", "parse"])
    ]
    dead = pa.RecordBatch.from_pylist(rows, schema=DEAD_LETTER)
    sink = DeadLetterSink(clickhouse, lambda raw, *_: b"sealed-" + raw, clock=lambda: now_ms() - 1)
    sink.open()
    sink.write(dead)
    listed = [row for row in query.list_dead_letters(clickhouse, limit=1000) if row["source"] == "query"]
    assert len(listed) == 3
    assert all("raw" not in row for row in listed)
    fetched = [row for part in query.dead_letters_to_retry(clickhouse, "parse", batch=1) for row in part.to_pylist()]
    fetched = [row for row in fetched if row["source"] == "query"]
    assert [(row["offset"], row["raw"]) for row in fetched] == [(0, b"sealed-raw"), (2, b"sealed-raw")]
    sink.clock = now_ms
    sink.mark_retried(dead)
    sink.close()
    assert not [row for row in query.list_dead_letters(clickhouse, limit=1000) if row["source"] == "query"]


def test_acknowledging_needs_an_alert(clickhouse):
    with pytest.raises(UsageError, match="no alert 'nothing'"):
        query.ack_alert(clickhouse, "nothing", "someone")
    with pytest.raises(UsageError, match="asleep"):
        query.ack_alert(clickhouse, "nothing", "someone", state="asleep")


def test_summary_counts_what_was_stored_since(clickhouse, make_posts):
    since = 4_000_000_000_000  # 2096: no other test stores then
    batch = make_posts(
        ["a", "b", "c"],
        platform=["query-summary"] * 3,
        id=["1", "2", "3"],
        ingested_at=[since + 500, since + 600, since + 700],
        sentiment=["negative", "negative", "positive"],
        needs=[[{"need": "rescue", "score": 1.0}, {"need": "medical", "score": 0.5}], [], []],
    )
    sink = StorePosts(clickhouse, clock=lambda: since + 1_000)
    sink.open()
    sink.apply(batch)
    sink.apply(batch)
    sink.close()
    found = query.summary(clickhouse, since)
    assert found["posts"] == 3
    assert found["sentiment"] == {"negative": 2, "positive": 1}
    assert found["needs"] == {"medical": 1, "rescue": 1}
    assert found["first_stored_at"] == found["last_stored_at"] == since + 1_000
    assert found["latency_ms"] == {"p50": 400, "p95": 500, "p99": 500}
    assert found["dead_letters"] == 0
    assert query.summary(clickhouse, since + 1_000_000) | {"languages": {}} == {
        "posts": 0, "first_stored_at": 0, "last_stored_at": 0, "latency_ms": {}, "dead_letters": 0,
        "languages": {}, "sentiment": {}, "emotion": {}, "needs": {}, "categories": {},
    }  # fmt: skip
    assert query.counts(clickhouse)["posts"] >= 3
    with connect(clickhouse) as client:
        client.command("DELETE FROM posts WHERE platform = 'query-summary'")
