"""The follower over the real store: each post once, whatever comes again; what people merge and split stays so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from pipelines.jobs.episodes import Episodes
from pipelines.store.client import StoreSettings, connect
from pipelines.store.sinks import StorePosts, now_ms
from pipelines.store.tail import Position, PostTail
from tests.pipelines.store.conftest import build_posts
from udfs.episodes.fold import split_id

Rows = Callable[[str], list[tuple[Any, ...]]]
HOUR = 3_600_000
T0 = now_ms() - 3 * HOUR  # what is older than half a year the store drops
COUNTY = {"name": "河南省郑州市巩义市", "level": "county", "adcode": "410181"}
WHERE = {"lat": 34.75, "lon": 112.98, "radius_m": 20_000, "start": -1, "end": -1}
TABLES = ("posts", "episode_posts", "episode_facts", "episode_events")


def village(name: str) -> list[dict[str, Any]]:
    return [
        {**COUNTY, **WHERE},
        {**COUNTY, "name": COUNTY["name"] + name, "level": "village", **WHERE},
    ]


class Feed:
    """Stores posts as the stream does, and follows them."""

    def __init__(self, settings: StoreSettings, client: Client) -> None:
        self.settings, self.client = settings, client
        self.now = T0
        self.sink = StorePosts(settings, clock=lambda: self.now)
        self.sink.open()
        self.follower = Episodes(clock=lambda: self.now)
        self.follower.open(client, None)
        self.position = Position(0)

    def post(self, post_id: str, text: str, place: str = "", phone: str = "", **values: Any) -> None:
        """One post a minute after the last."""
        self.now += 60_000
        row = {
            "id": post_id,
            "created_at": self.now,
            "updated_at": self.now,
            "places": village(place) if place else [],
            "phone_tokens": [phone] if phone else [],
            "author_token": f"author of {post_id}",
            "needs": [{"need": "rescue", "score": 0.9}],
            "hazards": [],
            "people": {"count": 3, "vulnerable": []},
            "source_kind": "self",
            "state": "open",
            "priority": 1,
            **values,
        }
        batch = build_posts([text], **{name: [value] for name, value in row.items()})
        self.sink.apply(batch)

    def follow(self) -> None:
        """Take what is new, and tick a second later."""
        tail = PostTail(self.client, self.follower.reads, self.position, clock=lambda: self.now)
        for batch in tail.read():
            self.follower.take(batch)
        self.position = tail.position
        self.now += 1_000
        self.follower.tick(self.now)

    def again(self, state: bytes | None, since: int = 0) -> None:
        """Another process begins at a snapshot, with posts from ``since`` on."""
        self.follower = Episodes(clock=lambda: self.now)
        self.follower.open(self.client, state)
        self.position = Position(since)


@pytest.fixture
def feed(clickhouse: StoreSettings) -> Iterator[Feed]:
    with connect(clickhouse) as client:
        for table in TABLES:
            client.command(f"TRUNCATE TABLE {table}")
        made = Feed(clickhouse, client)
        yield made
        made.sink.close()


FACTS = """SELECT episode_id, kind, place, priority, callers, relays, posts, first_at, last_at, rank, evidence, reasons
FROM episode_facts FINAL ORDER BY episode_id"""
POSTS = "SELECT post_id, episode_id, role FROM episode_posts FINAL ORDER BY post_id"


def two_villages(feed: Feed) -> None:
    feed.post("a1", "水到二楼了，五个人困在房顶出不来，快来船救我们", "河东村", "phone-a")
    feed.post("b1", "后山塌了，两户人家埋在下面，路也断了求救援", "上坡村", "phone-b")
    feed.post("a2", "【转】水到二楼了，五个人困在房顶出不来，快来船救我们", "河东村", "phone-a", source_kind="relay")
    feed.post("e1", "今天的晚霞真好看，和朋友在河边散步", needs=[], priority=4)


def test_posts_become_episodes_with_their_evidence(feed: Feed, rows: Rows) -> None:
    two_villages(feed)
    feed.follow()
    assert [(post, role) for post, _, role in rows(POSTS)] == [("a1", "call"), ("a2", "copy"), ("b1", "call")]
    facts = {row[2]: row for row in rows(FACTS)}
    river = facts["河南省郑州市巩义市河东村"]
    assert river[1] == "help"
    assert river[3:7] == (1, 1, 1, 2)
    assert [dict(e)["post_id"] if isinstance(e, dict) else e[1] for e in river[10]] == ["a1", "a2"]
    assert "priority 1" in river[11]
    view = rows("SELECT place, state, posts FROM episodes ORDER BY rank DESC")
    assert {row[1] for row in view} == {"unverified"}


def test_what_comes_again_changes_nothing(feed: Feed, rows: Rows) -> None:
    two_villages(feed)
    feed.follow()
    snapshot = feed.follower.state()
    feed.post("a3", "我是河东村的，我家也进水了，老人走不动，请派船来", "河东村", "phone-c")
    feed.follow()
    facts, posts = rows(FACTS), rows(POSTS)
    assert len(facts) == 2
    assert len(posts) == 4
    # a crash: the snapshot is older than what was written, and all posts come again
    feed.again(snapshot)
    feed.follow()
    assert (rows(FACTS), rows(POSTS)) == (facts, posts)
    # no snapshot at all
    feed.again(None)
    feed.follow()
    assert (rows(FACTS), rows(POSTS)) == (facts, posts)
    # a replay: the same posts, stored anew
    feed.sink.generation = 1
    feed.now = T0
    two_villages(feed)
    feed.now += HOUR
    feed.follow()
    assert (rows(FACTS), rows(POSTS)) == (facts, posts)


def test_a_crash_before_the_facts_were_written(feed: Feed, rows: Rows) -> None:
    two_villages(feed)
    feed.follow()
    expected = rows(FACTS)
    feed.client.command("TRUNCATE TABLE episode_facts")
    feed.again(None, since=feed.now)
    feed.follower.tick(feed.now)
    assert rows(FACTS) == expected


def test_an_edit_can_propose_that_it_is_over_and_counts_nothing_again(feed: Feed, rows: Rows) -> None:
    two_villages(feed)
    feed.follow()
    feed.post("a1", "更新：人已全部获救，谢谢大家", "河东村", "phone-a", needs=[], state="closed", priority=4)
    feed.follow()
    found = rows("SELECT proposed, proposed_by, posts FROM episode_facts FINAL WHERE place LIKE '%河东村'")
    assert found[0][0] == "closed"
    assert found[0][2] == 2
    assert rows("SELECT proposed, state FROM episodes WHERE place LIKE '%河东村'") == [("closed", "unverified")]


def event(feed: Feed, event_id: str, episode_id: str, action: str, other_id: str = "", posts: Any = ()) -> None:
    feed.client.insert(
        "episode_events",
        [[event_id, episode_id, "officer", action, other_id, [("weibo", post) for post in posts]]],
        column_names=["event_id", "episode_id", "actor", "action", "other_id", "posts"],
    )


def test_a_merge_by_hand_takes_later_posts_too(feed: Feed, rows: Rows) -> None:
    two_villages(feed)
    feed.follow()
    of = {post: episode for post, episode, _ in rows(POSTS)}
    event(feed, "m1", of["b1"], "merge", of["a1"])
    feed.follow()
    feed.post("b2", "上坡村还有一户老人没出来，请救援队快去", "上坡村", "phone-d")
    feed.follow()
    assert {episode for _, episode, _ in rows(POSTS)} == {of["a1"]}
    assert rows(f"SELECT posts, callers FROM episode_facts FINAL WHERE episode_id = '{of['a1']}'") == [(4, 3)]
    feed.again(None)  # and a new process keeps to it
    feed.follow()
    assert {episode for _, episode, _ in rows(POSTS)} == {of["a1"]}


def test_posts_that_were_split_off_never_come_back(feed: Feed, rows: Rows) -> None:
    feed.post("a1", "水到二楼了，五个人困在房顶出不来，快来船救我们", "河东村", "phone-a")
    feed.post("a2", "孕妇羊水破了，救护车进不来，求会接生的医生坐船来", "河东村", "phone-b")
    feed.follow()
    of = {post: episode for post, episode, _ in rows(POSTS)}
    assert of["a1"] == of["a2"]
    snapshot = feed.follower.state()
    event(feed, "s1", of["a1"], "split", posts=["a2"])
    feed.follow()
    for state in (None, snapshot):
        assert {post: episode for post, episode, _ in rows(POSTS)} == {"a1": of["a1"], "a2": split_id("s1")}
        feed.again(state)
        feed.follow()
    # what follows by number goes where the number is now
    feed.post("a3", "河东村的孕妇还在等医生，情况很急", "河东村", "phone-b")
    feed.follow()
    assert {post: episode for post, episode, _ in rows(POSTS)}["a3"] == split_id("s1")
    assert rows("SELECT posts FROM episode_facts FINAL ORDER BY posts") == [(1,), (2,)]


def test_a_post_is_asked_for_in_parts_and_found(feed: Feed) -> None:
    from pipelines.store import episodes as store

    keys = [("weibo", f"{n}" + "x" * 200) for n in range(1_500)]
    assert store.known(feed.client, keys) == {}
    assert len(list(store._parts(keys))) > 5
    assert [key for part in store._parts(keys) for key in part] == keys


def test_many_everyday_posts_ask_the_store_nothing(feed: Feed) -> None:
    batch = build_posts(["今天天气不错"] * 100, needs=[[]] * 100, hazards=[[]] * 100, state=["unclear"] * 100)
    names = {"id": "post_id"}
    posts = batch.rename_columns([names.get(name, name) for name in batch.schema.names])
    posts = posts.append_column("stored_at", pa.array([T0] * 100, pa.int64()))
    feed.follower._client = None  # would raise
    feed.follower.take(posts)
