"""Every case of the contract's "A post, in": what is a post, what is a dead letter and why."""

import json

import pyarrow as pa
import pytest

from schemas.records import RAW
from udfs.checks import check_udf, sample_batch
from udfs.parse import MAX_BYTES, Parse

ARRIVAL = 1_700_000_000_000


def batch_of(raws):
    n = len(raws)
    return pa.RecordBatch.from_pydict(
        {
            "source": ["s"] * n,
            "partition": ["p"] * n,
            "offset": list(range(n)),
            "timestamp": [ARRIVAL] * n,
            "ingested_at": [ARRIVAL] * n,
            "raw": raws,
        },
        schema=RAW,
    )


def parsed(raw):
    step = Parse()
    step.open()
    return step.apply(batch_of([raw])).to_pylist()[0]


def line(**fields):
    return json.dumps({"id": "1", "text": "雨很大"} | fields, ensure_ascii=False).encode()


GOOD = [
    (line(), {"id": "1", "text": "雨很大", "platform": "unknown", "created_at": ARRIVAL, "updated_at": ARRIVAL}),
    (line(text=""), {"text": ""}),
    (line(platform=""), {"platform": "unknown"}),
    (line(platform=None, likes=None, author=None), {"platform": "unknown", "likes": None, "author": None}),
    (line(created_at="2021-07-20T20:00:00+08:00"), {"created_at": 1626782400000, "updated_at": 1626782400000}),
    (line(created_at="2021-07-20T12:00:00.123Z"), {"created_at": 1626782400123}),
    (line(created_at="2016-12-31T23:59:60Z"), {"created_at": 1483228800000}),
    (line(created_at="2020-01-25T14:58:60.000+08:00"), {"created_at": 1579935540000}),
    (line(created_at="2021-07-20t12:00:00z"), {"created_at": 1626782400000}),
    (line(created_at=1626782400000, updated_at=1626782400001), {"updated_at": 1626782400001}),
    (line(likes=3, reposts=0, comments=2**62), {"likes": 3, "reposts": 0, "comments": 2**62}),
    (line(mood="好", nested={"a": [1, {"b": None}]}), {"extra": '{"mood":"好","nested":{"a":[1,{"b":null}]}}'}),
    (b'{"id":"1","text":"\\ud83d\\ude00"}', {"text": "😀"}),
    (b'{"id":"1","text":"\\\\ud800"}', {"text": "\\ud800"}),  # an escaped backslash, no surrogate
    (b'{"id":"1","text":"\\\\u0000"}', {"text": "\\u0000"}),
    (line(text="\U0001f600" * 16_000), {"text": "\U0001f600" * 16_000}),
    (b'  {"id":"1","text":"x"}  ', {"text": "x"}),
]

BAD = [
    (b"", "empty message"),
    (b" \t ", "empty message"),
    (None, "empty message"),
    (b"not json", "not JSON: malformed at byte 4"),
    (b'{"id":"1","text":"x"', "not JSON: truncated"),
    (b'{"id":"1","text":"x"} {}', "not JSON: malformed at byte 23"),
    (b'\xef\xbb\xbf{"id":"1","text":"x"}', "not JSON: malformed at byte 0"),
    (b"[1]", "not an object: the line holds a JSON array"),
    (b'"text"', "not an object: the line holds a JSON string"),
    (b"null", "not an object: the line holds a JSON null"),
    (b"3", "not an object: the line holds a JSON number"),
    (b"true", "not an object: the line holds a JSON boolean"),
    (b'{"text":"x"}', "missing id"),
    (line(id=""), "empty id"),
    (line(id=None), "missing id"),
    (line(id=7), "wrong type: id must be a string, not number"),
    (b'{"id":"1"}', "missing text"),
    (line(text=None), "missing text"),
    (line(text=["x"]), "wrong type: text must be a string, not array"),
    (line(author=7), "wrong type: author must be a string, not number"),
    (line(likes="3"), "wrong type: likes must be a whole number, not string"),
    (line(likes=True), "wrong type: likes must be a whole number, not boolean"),
    (line(likes=1.5), "wrong type: likes must be a whole number, not number"),
    (line(likes=2**63), "number out of range: likes"),
    (line(created_at="yesterday"), "wrong type: created_at must be RFC 3339 with an offset, or epoch milliseconds"),
    (
        line(created_at="2021-07-20T12:00:00"),
        "wrong type: created_at must be RFC 3339 with an offset, or epoch milliseconds",
    ),
    (line(created_at="2021-02-30T12:00:00Z"), "wrong type: created_at is no date that exists"),
    (line(created_at=True), "wrong type: created_at must be RFC 3339 or epoch milliseconds, not boolean"),
    (line(created_at=10**17), "number out of range: created_at lies outside 1900-2299"),
    (line(updated_at={}), "wrong type: updated_at must be RFC 3339 or epoch milliseconds, not object"),
    (b'{"id":"1","text":"a\\u0000b"}', "NUL in a string"),
    (b'{"id":"1","text":"x","z":{"k":["\\u0000"]}}', "NUL in a string"),
    (b'{"id":"1","text":"\\ud800"}', "lone surrogate in a string"),
    (b'{"id":"1","text":"\\ud800 then more"}', "lone surrogate in a string"),
    (b'{"id":"1","text":"\\udc00"}', "lone surrogate in a string"),
    (b'{"id":"1","text":"\\ud83d\\ud83d\\ude00"}', "lone surrogate in a string"),
    (b'{"id":"1","text":"\\ud83dx\\ude00"}', "lone surrogate in a string"),
    (b'{"id":"1","text":"\xed\xa0\x80"}', "invalid UTF-8 at byte 18"),
    (b'{"id":"1","text":"\xff"}', "invalid UTF-8 at byte 18"),
    (b'{"id":"1","text":"a\x00b"}', "not JSON: malformed at byte 19"),
    (line(text="a" * MAX_BYTES), f"over-long line: more than {MAX_BYTES} bytes"),
    (b'{"id":"1","text":"x","e":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "not JSON: nested too deeply"),
    (b'{"id":"1","text":"x","e":1e999}', "number out of range"),
    (b'{"id":"1","text":"x","e":NaN}', "not JSON: malformed at byte 25"),
]


@pytest.mark.parametrize(("raw", "expected"), GOOD)
def test_a_post(raw, expected):
    row = parsed(raw)
    assert row["error"] is None
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(("raw", "reason"), BAD)
def test_a_dead_letter(raw, reason):
    assert parsed(raw)["error"] == reason


def test_a_line_of_exactly_the_limit_is_a_post():
    raw = line(text="")
    padded = line(text="a" * (MAX_BYTES - len(raw)))
    assert len(padded) == MAX_BYTES
    assert parsed(padded)["error"] is None


def test_a_bad_line_leaves_its_neighbours_alone():
    step = Parse()
    step.open()
    rows = step.apply(batch_of([line(id="a"), b"{", line(id="b")])).to_pylist()
    assert [row["id"] for row in rows] == ["a", None, "b"]


def test_contract():
    raws = [line(text=f"文{i}") for i in range(9)] + [b"{", b"", line(likes="x")]
    check_udf(Parse(), sample_batch(["t"] * len(raws), {"raw": raws}))
