"""Sinks on the real server: every value arrives, twice is once, and a store that is down is waited for."""

from __future__ import annotations

import datetime
import hashlib
import pickle
import signal
import threading

import pyarrow as pa
import pytest

from governance.seal import VAULT
from pipelines.store.client import connect
from pipelines.store.migrate import migrate
from pipelines.store.sinks import DeadLetterSink, StorePosts, StoreVault, distinct, now_ms
from schemas import records
from schemas.errors import StoreUnavailable
from schemas.records import DEAD_LETTER
from udfs.checks import AWKWARD_TEXTS

pytestmark = pytest.mark.services

FULL = {
    "platform": ["sinks-full"],
    "id": ["1"],
    "created_at": [1_700_000_000_123],
    "updated_at": [1_700_000_060_000],
    "ingested_at": [1_700_000_001_000],
    "source": ["folder"],
    "partition": ["file.jsonl"],
    "offset": [41],
    "author_token": ["a1"],
    "phone_tokens": [["p1", "p2"]],
    "text_l2": ["<PLACE>被困"],
    "pii": [[{"type": "CN_MOBILE", "start": 3, "end": 14, "score": 1.0}]],
    "places": [
        [
            {
                "name": "河南省",
                "level": "province",
                "adcode": None,
                "lat": None,
                "lon": None,
                "radius_m": None,
                "start": -1,
                "end": -1,
            },
            {
                "name": "河南省某县",
                "level": "county",
                "adcode": "410999",
                "lat": 34.5,
                "lon": 113.5,
                "radius_m": 9000,
                "start": 0,
                "end": 2,
            },
            {
                "name": "河南省某县某村",
                "level": "village",
                "adcode": "410999",
                "lat": 34.6,
                "lon": 113.6,
                "radius_m": 500,
                "start": 2,
                "end": 4,
            },
        ]
    ],
    "keywords": [
        [
            {"rule": "b", "category": "灾情求助", "term": "被困", "critical": True},
            {"rule": "a", "category": "物资短缺", "term": "缺水", "critical": False},
            {"rule": "c", "category": "灾情求助", "term": "求救", "critical": False},
        ]
    ],
    "items": [[{"name": "皮划艇", "quantity": 2.0, "unit": "艘"}, {"name": "水", "quantity": None, "unit": None}]],
    "people": [{"count": None, "vulnerable": ["elderly"]}],
    "needs": [[{"need": "rescue", "score": 0.75}, {"need": "medical", "score": 0.5}]],
    "hazards": [["flood_rising"]],
    "need": ["rescue"],
    "priority": [1],
    "repost_of": [None],
    "likes": [7],
    "embedding": [[127, -127, 0, 1]],
    "hints": [{"hazards": [], "source_kind": "self", "source_score": 0.9, "state": "open", "state_score": 0.9}],
}


def test_every_value_arrives(clickhouse, make_posts, rows):
    sink = StorePosts(clickhouse, generation=3, job="test", clock=lambda: 1_900_000_000_456)
    sink.open()
    batch = make_posts(["某村被困"], **FULL)
    assert sink.apply(batch) is batch
    sink.close()
    with connect(clickhouse) as client:
        answer = client.query("SELECT * FROM posts FINAL WHERE platform = 'sinks-full'")
    assert len(answer.result_rows) == 1
    row = dict(zip(answer.column_names, answer.result_rows[0], strict=True))
    expected = {
        "post_id": "1",
        "version": 1_700_000_060_000 << 16 | 3,
        "generation": 3,
        "created_at": datetime.datetime(2023, 11, 14, 22, 13, 20, 123_000),
        "ingested_at": datetime.datetime(2023, 11, 14, 22, 13, 21),
        "stored_at": datetime.datetime(2030, 3, 17, 17, 46, 40, 456_000),
        "source": "folder",
        "partition": "file.jsonl",
        "offset": 41,
        "job": "test",
        "author_token": "a1",
        "phone_tokens": ["p1", "p2"],
        "text": "某村被困",
        "text_l2": "<PLACE>被困",
        "pii": [{"type": "CN_MOBILE", "start": 3, "end": 14, "score": 1.0}],
        "places": FULL["places"][0],
        "keywords": FULL["keywords"][0],
        "categories": ["灾情求助", "物资短缺"],
        "adcodes": ["410999"],
        "items": FULL["items"][0],
        "people": FULL["people"][0],
        "needs": FULL["needs"][0],
        "hazards": ["flood_rising"],
        "priority": 1,
        "repost_of": "",
        "likes": 7,
        "model": "none@0",
        "embedding": [127, -127, 0, 1],
    }
    assert "hints" not in row
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("by", ["whole", "one by one"])
def test_awkward_texts_come_back_unchanged(clickhouse, make_posts, rows, by):
    platform = f"sinks-awkward-{by}"
    batch = make_posts(AWKWARD_TEXTS, platform=[platform] * len(AWKWARD_TEXTS))
    sink = StorePosts(clickhouse)
    sink.open()
    for part in [batch] if by == "whole" else [batch.slice(i, 1) for i in range(batch.num_rows)]:
        sink.apply(part)
    sink.apply(batch.slice(0, 0))
    sink.close()
    found = dict(rows(f"SELECT post_id, text FROM posts FINAL WHERE platform = '{platform}'"))
    assert found == {f"sample-{i}": text for i, text in enumerate(AWKWARD_TEXTS)}


# (updated_at, generation, text) in the order they are written; which text is left
VERSIONS = [
    ([(100, 0, "a"), (100, 0, "a")], "a"),
    ([(100, 0, "a"), (200, 0, "edited")], "edited"),
    ([(200, 0, "edited"), (100, 0, "late")], "edited"),
    ([(100, 0, "a"), (100, 1, "replayed")], "replayed"),
    ([(100, 1, "replayed"), (100, 0, "again")], "replayed"),
    ([(200, 0, "edited"), (100, 5, "replayed from before the edit")], "edited"),
]


@pytest.mark.parametrize("case", range(len(VERSIONS)))
@pytest.mark.parametrize("merged", [False, True])
def test_the_greatest_version_is_the_row(clickhouse, make_posts, rows, case, merged):
    writes, left = VERSIONS[case]
    platform = f"sinks-versions-{case}-{merged}"
    for updated_at, generation, text in writes:
        sink = StorePosts(clickhouse, generation=generation)
        sink.open()
        sink.apply(make_posts([text], platform=[platform], updated_at=[updated_at]))
        sink.close()
    if merged:
        with connect(clickhouse) as client:
            client.command("OPTIMIZE TABLE posts FINAL")
    assert rows(f"SELECT text FROM posts FINAL WHERE platform = '{platform}'") == [(left,)]


@pytest.mark.parametrize("created_at", [None, -1, -(2**62), 0, 2**62])
def test_times_outside_the_calendar_are_cut(clickhouse, make_posts, rows, created_at):
    platform = f"sinks-times-{created_at}"
    sink = StorePosts(clickhouse)
    sink.open()
    sink.apply(make_posts(["a"], platform=[platform], created_at=[created_at], updated_at=[created_at]))
    sink.close()
    year = 2106 if created_at and created_at > 0 else 1970
    assert rows(f"SELECT toYear(created_at) FROM posts FINAL WHERE platform = '{platform}'") == [(year,)]


def test_distinct_of_a_slice():
    column = pa.array([[{"n": "x"}], [{"n": "b"}, {"n": "a"}, {"n": "b"}], [], [{"n": None}, {"n": ""}, {"n": "c"}]])
    assert distinct(column, "n").to_pylist() == [["x"], ["a", "b"], [], ["c"]]
    assert distinct(column.slice(1, 3), "n").to_pylist() == [["a", "b"], [], ["c"]]


def test_vault_rows(clickhouse, make_posts, rows):
    value = {"type": "CN_MOBILE", "start": 3, "end": 14, "token": "t", "ciphertext": b"\x00\xff", "key_id": "k"}
    author = value | {"type": "AUTHOR", "start": -1, "end": -1, "token": "", "ciphertext": b"\x01"}
    needs = [[], [], [{"need": "rescue", "score": 0.9}], []]
    plain = {"platform": ["sinks-vault"] * 4, "id": list("1234"), "updated_at": [5, 6, 7, 8], "needs": needs}
    batch = make_posts(["a", "b", "c", "d"], **plain)
    batch = records.with_columns(batch, VAULT, {"vault": [[value], [], [author, value], [author]]})
    now = now_ms()
    sink = pickle.loads(pickle.dumps(StoreVault(clickhouse, ttl_days=10)))
    sink.clock = lambda: now
    sink.open()
    for part in (batch, batch, batch.slice(2, 1), batch.slice(1, 1), batch.slice(0, 0)):
        assert sink.apply(part) is part
    sink.close()
    sql = """SELECT post_id, type, start, end, token, hex(ciphertext), key_id, version,
        toUnixTimestamp64Milli(expires_at), toUnixTimestamp64Milli(hold_until) FROM pii_vault FINAL
        WHERE platform = 'sinks-vault' ORDER BY post_id, start"""
    end = now + 10 * 86_400_000
    assert rows(sql) == [  # of post 4 nothing: nobody has to find an author who asks for nothing
        ("1", "CN_MOBILE", 3, 14, "t", "00FF", "k", 5 << 16, end, 0),
        ("3", "AUTHOR", -1, -1, "", "01", "k", 7 << 16, end, 0),
        ("3", "CN_MOBILE", 3, 14, "t", "00FF", "k", 7 << 16, end, 0),
    ]


def seal_backwards(raw: bytes, source: str, partition: str, offset: int) -> bytes:
    return f"{source}/{partition}/{offset}:".encode() + raw[::-1]


def test_dead_letters(clickhouse, rows):
    dead = pa.RecordBatch.from_pylist(
        [
            {"source": "sinks", "partition": "p", "offset": 1, "step": "parse", "reason": "not JSON", "raw": b"\xff{"},
            {"source": "sinks", "partition": "p", "offset": 2, "step": "parse", "reason": "no id", "raw": b""},
        ],
        schema=DEAD_LETTER,
    )
    clock = iter(range(now_ms(), now_ms() + 100))
    sink = DeadLetterSink(clickhouse, seal_backwards, clock=lambda: next(clock))
    sink.open()
    sink.write(dead)
    sink.write(dead)
    sql = "SELECT offset, reason, raw, sha256, state FROM dead_letters FINAL WHERE source = 'sinks' ORDER BY offset"
    digest = [hashlib.sha256(raw).hexdigest() for raw in (b"\xff{", b"")]
    assert rows(sql.replace("raw", "hex(raw)")) == [
        (1, "not JSON", (b"sinks/p/1:{\xff").hex().upper(), digest[0], "open"),
        (2, "no id", b"sinks/p/2:".hex().upper(), digest[1], "open"),
    ]
    sink.mark_retried(dead.slice(0, 1))
    assert [row[-1] for row in rows(sql.replace("raw", "hex(raw)"))] == ["retried", "open"]
    sink.close()


def test_a_store_that_is_down_is_waited_for_and_nothing_is_lost(fresh_server, make_posts):
    fresh_server.start()
    migrate(fresh_server.settings())
    sink = StorePosts(fresh_server.settings(), give_up_after_s=60)
    sink.open()
    sink.apply(make_posts(["a"], id=["before"]))
    fresh_server.kill(signal.SIGKILL)
    impatient = StorePosts(fresh_server.settings(), give_up_after_s=0.3)
    with pytest.raises(StoreUnavailable):
        impatient.open()
    writer = threading.Thread(target=sink.apply, args=(make_posts(["b"], id=["while it is down"]),))
    writer.start()
    fresh_server.start()
    writer.join(60)
    assert not writer.is_alive()
    sink.close()
    with connect(fresh_server.settings()) as client:
        found = client.query("SELECT post_id FROM posts FINAL ORDER BY post_id").result_rows
    assert found == [("before",), ("while it is down",)]
