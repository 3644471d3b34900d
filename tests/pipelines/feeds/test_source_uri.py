"""What an operator may write after --source, and what he is told when it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.feeds.uri import FileSource, FolderSource, GenerateSource, KafkaSource, parse
from schemas.errors import UsageError

NOW = 1_626_782_400_000  # 2021-07-20T20:00:00+08:00
HOUR = 3_600_000
HERE = Path.cwd()


def clock() -> int:
    return NOW


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("kafka://localhost:9092/posts", KafkaSource("localhost:9092", "posts")),
        ("KAFKA://localhost:9092/posts", KafkaSource("localhost:9092", "posts")),
        ("kafka://a:9092,b:9093/wei_bo.v-1", KafkaSource("a:9092,b:9093", "wei_bo.v-1")),
        ("kafka://[::1]:9092/posts?group=night", KafkaSource("[::1]:9092", "posts", "night")),
        ("kafka://k:1/t?start=earliest&end=latest", KafkaSource("k:1", "t", start="earliest", end="latest")),
        (
            "kafka://k:1/t?start=2021-07-20T20:00:00+08:00&end=1626782400001",
            KafkaSource("k:1", "t", start=NOW, end=NOW + 1),
        ),
        ("dir:///data/feed", FolderSource(Path("/data/feed"))),
        ("dir:///data/feed/", FolderSource(Path("/data/feed"))),
        ("dir:feed?name=weibo", FolderSource(HERE / "feed", "weibo")),
        ("file:///data/posts.jsonl", FileSource(Path("/data/posts.jsonl"))),
        ("file://localhost/data/posts.jsonl.gz", FileSource(Path("/data/posts.jsonl.gz"))),
        ("file:/data/posts.jsonl", FileSource(Path("/data/posts.jsonl"))),
        ("file:data/posts.jsonl", FileSource(HERE / "data/posts.jsonl")),
        ("file://./posts.jsonl", FileSource(HERE / "posts.jsonl")),
        ("file://../posts.jsonl", FileSource(HERE.parent / "posts.jsonl")),
        ("file:~/posts.jsonl", FileSource(Path.home() / "posts.jsonl")),
        ("file:///数据/微博 第1批.jsonl", FileSource(Path("/数据/微博 第1批.jsonl"))),
        ("file:///%E6%95%B0%E6%8D%AE/a%20b.jsonl", FileSource(Path("/数据/a b.jsonl"))),
        ("file:///a%3Fb%25%23c#d+e.jsonl", FileSource(Path("/a?b%#c#d+e.jsonl"))),
        ("file:///a%ff.jsonl", FileSource(Path(os.fsdecode(b"/a\xff.jsonl")))),
    ],
)
def test_reads(uri: str, source: object) -> None:
    found = parse(uri, clock)
    assert found == source
    assert parse(found.uri, clock) == source, found.uri


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        # neither rate nor minutes: an hour of event time that ends now, as fast as it is read
        ("generate:?posts=3600", {"posts": 3600, "rate": None, "event_rate": 1.0, "start": NOW - HOUR, "seed": 1}),
        ("generate:?posts=20&rate=300&seed=7", {"posts": 20, "rate": 300, "event_rate": 300, "start": NOW, "seed": 7}),
        ("generate:?rate=2&minutes=1", {"posts": 120, "rate": 2, "event_rate": 2, "start": NOW}),
        ("generate:?posts=7200&hours=2", {"posts": 7200, "rate": None, "event_rate": 1.0, "start": NOW - 2 * HOUR}),
        ("generate:?posts=600&rate=300&minutes=10", {"posts": 600, "rate": 300, "event_rate": 1.0}),
        ("generate:", {"posts": None, "rate": None, "start": NOW, "emergency": "flood", "city": "410100"}),
        ("generate:?rate=5", {"posts": None, "rate": 5, "event_rate": 5}),
        ("generate:?start=2021-07-20T20:00:00%2B08:00", {"start": NOW}),
        ("generate:?start=2021-07-20T12:00:00Z", {"start": NOW}),
        ("generate:?start=0&seed=-3&emergency=none", {"start": 0, "seed": -3, "emergency": "none"}),
        ("generate:?city=长沙&onset=.5&share=1&bad=0.01", {"city": "430100", "onset": 0.5, "share": 1, "bad": 0.01}),
        ("generate:?city=430100", {"city": "430100"}),
    ],
)
def test_generate(uri: str, expected: dict[str, object]) -> None:
    found = parse(uri, clock)
    assert isinstance(found, GenerateSource)
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.bounded == (found.posts is not None)
    # a job that is resumed a day later goes on with the very same feed
    assert parse(found.uri, lambda: NOW + 24 * HOUR) == found, found.uri


@pytest.mark.parametrize(
    ("uri", "remedy"),
    [
        ("", "it is empty"),
        ("posts.jsonl", f"file://{HERE}/posts.jsonl"),
        ("/data/posts.jsonl", "file:///data/posts.jsonl"),
        ("C:\\posts.jsonl", "a path must be written as a URI"),
        ("http://host/posts", "unknown scheme 'http'"),
        ("kafka:host:9092/t", "two slashes are missing"),
        ("kafka://host/t", "is not host:port"),
        ("kafka://user:hunter2@host:9092/t", "no user or password in a URI"),
        ("kafka://host:99999/t", "from 1 to 65535"),
        ("kafka://host:９０９２/t", "from 1 to 65535"),
        ("kafka://a:1,/t", "is not host:port"),
        ("kafka://host:9092", "is not a topic name"),
        ("kafka://host:9092/", "is not a topic name"),
        ("kafka://host:9092/..", "is not a topic name"),
        ("kafka://host:9092/微博", "is not a topic name"),
        ("kafka://host:9092/t?group=", "leave it out"),
        ("kafka://host:9092/t?start=never", "committed, earliest, latest, or a time"),
        ("kafka://host:9092/t?start=5&end=5", "end must be later"),
        ("kafka://host:9092/t?offset=5", "known are group, start, end"),
        ("file:", "the path is missing"),
        ("file://", "the path is missing"),
        ("dir://", "the path is missing"),
        ("file://data/posts.jsonl", "file:data/posts.jsonl (relative) or file:///data/posts.jsonl (absolute)"),
        ("file:///100%.jsonl", "write '%' as %25"),
        ("file:///a%00b", "cannot hold NUL"),
        ("file:///a?b.jsonl", "'b.jsonl' has no value"),
        ("file:///a?x=1", "known are name"),
        ("generate:posts=5", "write generate:?posts=N"),
        ("generate:?posts=0", "whole number from 1"),
        ("generate:?posts=many", "posts='many' must be a whole number"),
        ("generate:?posts=1_0", "whole number"),
        ("generate:?posts=5&posts=6", "twice"),
        ("generate:?rate=0", "must be a number"),
        ("generate:?rate=nan", "must be a number"),
        ("generate:?rate=inf", "must be a number"),
        ("generate:?minutes=5", "needs posts or rate"),
        ("generate:?posts=5&minutes=5&hours=1", "give one of them"),
        ("generate:?start=2021-07-20T20:00:00", "+08:00"),
        ("generate:?start=yesterday", "+08:00"),
        ("generate:?emergency=war", "one of flood, fire, power"),
        ("generate:?city=北京", "郑州 (410100)"),
        ("generate:?bad=2", "from 0 to 1"),
        ("generate:?sed=2", "unknown option 'sed'"),
    ],
)
def test_refuses_and_says_what_to_write(uri: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(uri, clock)
    assert remedy in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 2
