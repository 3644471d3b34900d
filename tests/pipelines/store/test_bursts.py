"""The follower `bursts` on a real store: which rows of alert_hits it writes, and that writing again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from pipelines.jobs.bursts import Bursts
from pipelines.store.client import StoreSettings, connect
from pipelines.store.sinks import StorePosts
from pipelines.store.tail import Position, PostTail
from udfs.bursts.detector import Found
from udfs.bursts.keys import POSTS, Series
from udfs.places.gazetteer import Gazetteer

MINUTE = 60_000
NOW = 1_900_000_000_000 // 3_600_000 * 3_600_000 + 20 * MINUTE
"""A time that no other test uses: the tail reads on from here."""
COUNTY = "410103"
PLACE = {
    "name": "河南省郑州市二七区",
    "level": "county",
    "adcode": COUNTY,
    "lat": 34.7,
    "lon": 113.6,
    "radius_m": 9_000,
}
WORDS = "屋顶 地库 河边 桥头 学校 车站 医院".split()
_KEYWORD = pa.struct(
    [("rule", pa.string()), ("category", pa.string()), ("term", pa.string()), ("critical", pa.bool_())]
)
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("platform", "post_id", "state", "author_token", "text")),
        *(pa.field(name, pa.int64()) for name in ("generation", "created_at", "stored_at", "priority")),
        pa.field("keywords", pa.list_(_KEYWORD)),
        pa.field("needs", pa.list_(pa.struct([("need", pa.string()), ("score", pa.float32())]))),
        *(pa.field(name, pa.list_(pa.string())) for name in ("hazards", "adcodes", "phone_tokens")),
    ]
)


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def client(clickhouse: StoreSettings) -> Iterator[Client]:
    with connect(clickhouse) as client:
        yield client


def history(minutes: int) -> Iterator[pa.RecordBatch]:
    """Five posts about nothing a minute, as the tail gives them, up to NOW."""
    for minute in range(minutes, 0, -1):
        at = NOW - minute * MINUTE
        rows = [
            {"platform": "b", "post_id": f"b{minute}-{n}", "generation": 0, "created_at": at, "stored_at": at}
            for n in range(5)
        ]
        yield pa.RecordBatch.from_pylist(
            [row | {name: [] for name in ("keywords", "needs", "hazards", "adcodes", "phone_tokens")} for row in rows],
            schema=SCHEMA,
        )


def store_calls(settings: StoreSettings, make_posts: Callable[..., pa.RecordBatch], name: str, at: int, **more: object):
    """Seven calls from one county, a minute apart; the sixth is of the fifth's caller."""
    texts = [f"我们被困在{word}，水一直在涨，请来救{n}号" for n, word in enumerate(WORDS)]
    count = len(texts)
    posts = make_posts(
        texts,
        id=[f"{name}-{n}" for n in range(count)],
        platform=["bursts"] * count,
        created_at=[at + n * MINUTE for n in range(count)],
        updated_at=[at + n * MINUTE for n in range(count)],
        phone_tokens=[[f"{name}{4 if n == 5 else n}"] for n in range(count)],
        places=[[PLACE | {"start": 0, "end": 1}]] * count,
        needs=[[{"need": "rescue", "score": 0.9}]] * count,
        keywords=[[]] * count,
        hazards=[[]] * count,
        state=["open"] * count,
        priority=[1] * count,
    )
    sink = StorePosts(settings, clock=lambda: at + 8 * MINUTE, **more)
    sink.open()
    sink.apply(posts)
    sink.close()


HITS = """
SELECT alert_id, post_id, rule, priority, place, adcode, needs, caller_token, reasons, notify FROM alert_hits FINAL
WHERE lane = 'burst' AND platform = 'bursts' AND startsWith(post_id, {name:String}) ORDER BY post_id
"""


def told(client: Client, name: str) -> list[dict[str, object]]:
    return list(client.query(HITS, {"name": name}).named_results())


def started(client: Client, clock: Clock, state: bytes | None = None) -> Bursts:
    follower = Bursts(clock=clock)
    follower.open(client, state)
    return follower


def tail(client: Client, since: int = NOW - 1) -> PostTail:
    return PostTail(client, Bursts.reads, Position(since))


@pytest.fixture(scope="module")
def quiet(client: Client) -> bytes:
    """The snapshot of a follower that has seen three hours of a quiet feed."""
    follower = started(client, Clock())
    for batch in history(180):
        follower.take(batch)
    return follower.state()


def test_a_burst_is_an_alert_with_its_posts(client, clickhouse, make_posts, quiet) -> None:
    clock = Clock()
    follower = started(client, clock, quiet)
    store_calls(clickhouse, make_posts, "one", NOW)
    clock.now = NOW + 9 * MINUTE
    before = follower.state()
    for batch in tail(client).read():
        follower.take(batch)
    hits = told(client, "one")
    assert [hit["post_id"] for hit in hits] == [f"one-{n}" for n in (0, 1, 2, 3, 4, 6)]
    assert {hit["alert_id"] for hit in hits} == {hits[0]["alert_id"]}
    first = hits[0]
    assert (first["rule"], first["priority"], first["notify"]) == ("burst:calls", 2, 1)
    assert (first["place"], first["adcode"]) == (Gazetteer.load().by_adcode(COUNTY).path, COUNTY)
    assert (first["needs"], first["caller_token"]) == (["rescue"], "one0")
    assert first["reasons"] == ["calls", "observed 6 in 7 min", "expected 0.0", "copies 1"]

    # killed after that: posts since the snapshot come again, to a process with another memory
    again = started(client, clock, before)
    for batch in tail(client).read():
        again.take(batch.slice(0, 5))
        again.take(batch.slice(5))
    assert [hit["alert_id"] for hit in told(client, "one")] == [first["alert_id"]] * 6

    # without any snapshot too
    fresh = started(client, clock)
    for batch in history(180):
        fresh.take(batch)
    for batch in tail(client).read():
        fresh.take(batch)
    assert [hit["alert_id"] for hit in told(client, "one")] == [first["alert_id"]] * 6
    counted = client.query("SELECT callers, posts FROM alerts WHERE alert_id = {id:String}", {"id": first["alert_id"]})
    assert counted.first_row == (6, 6)


@pytest.mark.parametrize(
    ("name", "at", "generation", "read_at", "notify"),
    [
        pytest.param("late", NOW + 200 * MINUTE, 0, 280, [0] * 6, id="read when it is old: counted, never sent"),
        pytest.param("replay", NOW + 400 * MINUTE, 1, 409, [], id="a replay is not looked at"),
    ],
)
def test_what_is_never_sent(client, clickhouse, make_posts, quiet, name, at, generation, read_at, notify) -> None:
    clock = Clock()
    follower = started(client, clock, quiet)
    store_calls(clickhouse, make_posts, name, at, generation=generation)
    clock.now = NOW + read_at * MINUTE
    for batch in tail(client, at).read():
        follower.take(batch)
    follower.tick(clock.now)
    assert [hit["notify"] for hit in told(client, name)] == notify


def test_a_silence_is_one_row_without_a_post(client, quiet) -> None:
    clock = Clock()
    follower = started(client, clock, quiet)
    start = NOW // MINUTE - 34
    found = Found("silence", Series(POSTS, "", "410105"), start, start + 33, 0, 25.2, 1e-5, 0, (), 2)
    follower._write([found])
    follower._write([found])
    rows = client.query(
        "SELECT post_id, rule, priority, adcode, reasons, notify FROM alert_hits FINAL WHERE adcode = '410105' "
        "AND lane = 'burst'"
    ).result_rows
    reasons = ["0 posts in 34 min", "expected 25.2", "emergency in the city"]
    assert rows == [("", "silence", 2, "410105", reasons, 1)]


def test_a_snapshot_that_is_none_is_refused(client) -> None:
    with pytest.raises(ValueError, match="MessagePack"):
        started(client, Clock(), b"\xc1")
