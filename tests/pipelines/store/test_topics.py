"""The follower `topics` on a real store: nothing that was given out changes, whatever stops or comes again."""

import random
import time
from contextlib import closing

import pyarrow as pa
import pytest

from pipelines.jobs.topics import Topics
from pipelines.store.client import connect
from pipelines.store.sinks import StorePosts
from pipelines.store.tail import Position, PostTail

EVENTS = {
    "bridge": "bridge collapse elmton river truck cable engineer inspection closed detour span concrete".split(),
    "strike": "strike bakers union wage flour picket negotiation bread shortage wilton mayor vote".split(),
    "comet": "comet sky telescope night visible astronomer tail photograph brightest observatory dust orbit".split(),
}
START = 1_790_000_000_000


def feed(prefix, count=120, seed=1, events=EVENTS):
    rng = random.Random(seed)
    names = [rng.choice(list(events)) for _ in range(count)]
    texts = [" ".join(rng.sample(events[name], 6)) for name in names]
    return posts([f"{prefix}{at}" for at in range(count)], texts)


def posts(ids, texts, generation=0):
    count = len(ids)
    return pa.record_batch(
        {
            "platform": ["weibo"] * count,
            "post_id": ids,
            "stored_at": [START + at for at in range(count)],
            "generation": [generation] * count,
            "text_l2": texts,
            "created_at": [START + at * 1_000 for at in range(count)],
            "author_token": [f"author{at % 30}" for at in range(count)],
            "sentiment": [("negative", "neutral")[at % 2] for at in range(count)],
            "reposts": [0] * count,
            "adcodes": pa.array([["410103"] if at % 2 else [] for at in range(count)], pa.list_(pa.string())),
        }
    )


@pytest.fixture
def client(clickhouse):
    with closing(connect(clickhouse)) as client:
        for table in ("post_topics", "topics", "topic_changes"):
            client.command(f"TRUNCATE TABLE {table}")
        yield client


def follower(client, state=None):
    one = Topics()
    one.open(client, state)
    return one


def take(one, batch, size=40):
    for at in range(0, batch.num_rows, size):
        one.take(batch.slice(at, size))
    one.tick(START)


def members(client):
    rows = client.query("SELECT post_id, topic_id, copy_of FROM post_topics FINAL").result_rows
    return {row[0]: tuple(row[1:]) for row in rows}


def topics(client):
    columns = "topic_id, posts, reach, authors, negative, neutral, counties, merged_into"
    return sorted(client.query(f"SELECT {columns} FROM topics FINAL WHERE reach > 2").result_rows)


def test_posts_have_topics_and_topics_a_portrait(client):
    take(follower(client), feed("a"))
    assert len(members(client)) == 120
    rows = client.query(
        "SELECT name, terms, posts, reach, authors, negative + neutral, hour_posts, hour_before, growth, counties, "
        "representatives, merged_into FROM topics FINAL ORDER BY posts DESC LIMIT 3"
    ).result_rows
    for row in rows:
        name, terms, count, reach, authors, moods, hour, before, growth, counties, representatives, merged = row
        assert any(set(terms[:5]) <= set(words) for words in EVENTS.values())
        assert name.split() == terms[:3]
        assert count == moods == hour
        assert count <= reach
        assert (before, growth, merged) == (0, hour + 1, "")
        assert authors == 21
        assert counties[0]["adcode"] == "410103"
        assert 0 < counties[0]["posts"] < count
        assert len(representatives) == 5
    assert sum(row[2] for row in rows) > 100


def test_a_run_that_ends_at_once_has_written_its_topics(client):
    one = follower(client)
    take(one, feed("f").slice(0, 40))
    one.take(feed("f").slice(40))
    one.tick(START + 1)  # too soon after the other
    one.finish()
    assert client.query("SELECT sum(posts) FROM topics FINAL").result_rows[0][0] > 100


def test_a_replay_and_an_edit_change_nothing(client):
    batch = feed("b")
    one = follower(client)
    take(one, batch)
    before = members(client), topics(client)
    take(one, batch)
    edited = posts(batch.column("post_id").to_pylist()[:10], ["comet sky telescope"] * 10, generation=1)
    take(one, edited)
    one._changed = dict.fromkeys(one._portraits)
    one.tick(START + 10_000)
    assert (members(client), topics(client)) == before


@pytest.mark.parametrize("saved", [0, 40, 80])
def test_a_process_that_dies_in_the_middle_leaves_no_trace(client, saved):
    """State at ``saved`` posts, dead at 80, the rest by the next process: as if nothing had happened."""
    batch = feed("c")
    whole = follower(client)
    take(whole, batch)
    expected = members(client), topics(client)
    for table in ("post_topics", "topics", "topic_changes"):
        client.command(f"TRUNCATE TABLE {table}")
    first = follower(client)
    state = None
    for at in (0, 40):
        if at == saved:
            state = first.state()
        first.take(batch.slice(at, 40))
    if saved == 80:
        state = first.state()
    given = members(client)
    second = follower(client, state)
    take(second, batch.slice(saved))
    assert {key: place for key, place in members(client).items() if key in given} == given
    assert (members(client), topics(client)) == expected


def test_a_merge_is_told_and_survives_a_restart(client):
    half = {"a": EVENTS["bridge"][:6], "b": EVENTS["bridge"][6:]}
    one = follower(client)
    take(one, feed("d", 80, events=half))
    state = one.state()
    assert len({topic for topic, _ in members(client).values()}) == 2
    whole = {"whole": EVENTS["bridge"]}
    for at in range(30):
        take(one, feed(f"e{at}-", 20, seed=at, events=whole))
        if one._clusterer._merged:
            break
    one.tick(START + 10_000)
    [(kind, other, into)] = client.query("SELECT kind, other_id, topic_id FROM topic_changes FINAL").result_rows
    assert kind == "merge"
    gone = dict(client.query("SELECT topic_id, merged_into FROM topics FINAL WHERE merged_into != ''").result_rows)
    assert gone == {other: into}
    [(total,)] = client.query(f"SELECT reach FROM topics FINAL WHERE topic_id = '{into}'").result_rows
    assert total >= 100  # both halves, copies too, and at least one later window
    again = follower(client, state)
    assert again._clusterer.standing(other) == into
    assert again._portraits[other].merged_into == into


def test_it_reads_what_the_stream_has_stored(client, clickhouse, make_posts):
    rng = random.Random(7)
    texts = [" ".join(rng.sample(EVENTS["comet"], 6)) for _ in range(20)]
    before = int(time.time() * 1000) - 1
    sink = StorePosts(clickhouse)
    sink.open()
    sink.apply(make_posts(texts, id=[f"stored-{at}" for at in range(20)]))
    sink.close()
    one = follower(client)
    for batch in PostTail(client, list(Topics.reads), Position(before)).read():
        one.take(batch)
    one.tick(START)
    found = {topic for post_id, (topic, _) in members(client).items() if post_id.startswith("stored-")}
    assert len(found) == 1
    assert client.query(f"SELECT posts > 10 FROM topics FINAL WHERE topic_id = '{found.pop()}'").result_rows == [(1,)]


def test_a_snapshot_holds_no_text_and_foreign_bytes_are_refused(client):
    one = follower(client)
    take(one, feed("f", 40))
    assert b"collapse elmton" not in one.state()
    with pytest.raises(ValueError, match="not a snapshot of topics"):
        follower(client, b"\x93\x01\x02\x03")
