"""No query gives one person's history: an author is planted among others, and every view is asked by every column.

The author writes thirty posts, all with one phone number, each a repost of the one before. The others write one to four
posts each. What readers may see is drawn from one random source for all, so whatever sets the author apart in an answer
came out of a column that stands for a person.
"""

from __future__ import annotations

import itertools
import random

import pytest

from pipelines.store.alerts import WriteAlerts
from pipelines.store.client import connect
from pipelines.store.query import refresh_roll_ups
from pipelines.store.roles import EVIDENCE, LIMITS, readable
from pipelines.store.sinks import StorePosts
from schemas.tables import data_classes
from tests.pipelines.store.conftest import build_posts

pytestmark = pytest.mark.services

PLATFORM = "history"
BASE = 1_550_000_000_000
DAY = 86_400_000
HISTORY, OTHERS, POSTS = 30, 200, 430
ISOLATED = HISTORY // 5
"""So many posts, all of them the author's, are a history: by chance, at 30 of 430, it does not happen."""
NEEDS = [[], [], [], [{"need": "rescue", "score": 0.9}], [{"need": "offer", "score": 0.8}]]
WORDS = (
    "今天",
    "雨还在下",
    "路上积水",
    "孩子睡了",
    "有人来了",
    "车停在桥上",
    "水退了一些",
    "晚上没电",
    "请帮忙转告",
    "谢谢",
)
MOODS = [("negative", "fear"), ("negative", "angry"), ("neutral", "neutral"), ("positive", "happy")]


def feed():
    """Posts as columns, and the set of ids of the planted author."""
    draw = random.Random(20)
    writers = ["planted"] * HISTORY
    writers += [f"other-{n if n < OTHERS else draw.randrange(OTHERS)}" for n in range(POSTS - HISTORY)]
    draw.shuffle(writers)
    posts, last = [], {}
    for number, writer in enumerate(writers):
        sentiment, emotion = draw.choice(MOODS)
        needs = draw.choice(NEEDS)
        adcode = draw.choice(["410102", "410103", "410104"])
        place = {"name": "某县", "level": "county", "adcode": adcode, "lat": None, "lon": None, "radius_m": None}
        posts.append(
            {
                "text": "".join(draw.sample(WORDS, 4)) + "<CN_MOBILE>",
                "platform": PLATFORM,
                "id": f"{number:06d}",
                "created_at": BASE + draw.randrange(10 * DAY),
                "author_token": writer,
                "phone_tokens": [f"phone-of-{writer}"],
                "repost_of": last.get(writer),
                "offset": number,
                "places": [place | {"start": 0, "end": 1}] if draw.random() < 0.5 else [],
                "sentiment": sentiment,
                "sentiment_score": draw.random(),
                "emotion": emotion,
                "emotion_score": draw.random(),
                "need": needs[0]["need"] if needs else "none",
                "needs": needs,
                "help_score": draw.random(),
                "hazards": ["flood_rising"] if draw.random() < 0.1 else [],
                "priority": draw.choice([1, 2, 3, 4]) if needs else 4,
                "source_kind": draw.choice(["self", "relay"]),
                "likes": draw.randrange(50),
                "reposts": draw.randrange(50),
                "comments": draw.randrange(50),
            }
        )
        last[writer] = f"{number:06d}"
    own = frozenset(post["id"] for post in posts if post["author_token"] == "planted")
    return {name: [post[name] for post in posts] for name in posts[0]}, own


@pytest.fixture(scope="module")
def planted(clickhouse_server):
    """The feed in the store, alerts and roll-ups too; returns the ids of the planted author."""
    settings = clickhouse_server.settings()
    columns, own = feed()
    batch = build_posts(columns.pop("text"), **columns)
    for sink in (StorePosts(settings), WriteAlerts(settings, "needs")):
        sink.open()
        sink.apply(batch)
        sink.close()
    refresh_roll_ups(settings)
    return own


def open_columns(client, table):
    """The columns of a table that this user may read."""
    found = []
    for name, *_ in client.query(f"DESCRIBE {table}").result_rows:
        try:
            client.query(f"SELECT `{name}` FROM {table} LIMIT 0")
        except Exception as error:
            if "ACCESS_DENIED" not in str(error):
                raise
        else:
            found.append(name)
    return found


def groups(client, rows, sets):
    """Group the posts of ``rows`` by each set of expressions; (set, ids) of every group of ISOLATED posts and more."""
    names = sorted({name for one in sets for name in one})
    aliases = {name: f"g{number}" for number, name in enumerate(names)}
    inner = ", ".join(f"{name} AS {alias}" for name, alias in aliases.items())
    asked = ", ".join("(" + ", ".join(aliases[name] for name in one) + ")" for one in sets)
    unused = " || ".join(f"toString(grouping({alias}))" for alias in aliases.values())
    sql = f"""SELECT {unused}, groupUniqArray(id) AS ids FROM (SELECT post_id AS id, {inner} FROM {rows})
        GROUP BY GROUPING SETS ({asked}) HAVING length(ids) >= {ISOLATED}"""
    for flags, ids in client.query(sql).result_rows:
        yield tuple(name for name, flag in zip(names, flags, strict=True) if flag == "0"), frozenset(ids)


def isolating(client, table, columns, own):
    """The groupings, by one or two columns, of which a group is the planted author's own."""
    final = "" if table.startswith("v_") or table == EVIDENCE else "FINAL"
    rows = f"{table} {final} WHERE platform = '{PLATFORM}'"
    single = [f"`{name}`" for name in columns]
    single += [f"toStartOfHour(`{name}`)" for name in columns if name in ("created_at", "at", "first_at")]
    found, coarse = set(), {}
    for names, ids in groups(client, rows, [(name,) for name in single]):
        coarse.setdefault(names[0], []).append(ids)
        if ids <= own:
            found.add(names)
    for name in columns:  # arrayJoin multiplies rows, so each is asked by itself
        if name in ARRAYS:
            found |= {(name,) for _, ids in groups(client, rows, [(f"arrayJoin(`{name}`)",)]) if ids <= own}
    # pairs of what has groups large enough, and more than one
    useful = [name for name, large in coarse.items() if max(map(len, large)) < POSTS]
    pairs = list(itertools.combinations(sorted(useful), 2))
    found |= {names for names, ids in (groups(client, rows, pairs) if pairs else ()) if ids <= own}
    return found


ARRAYS = ("needs", "hazards", "rules", "categories", "adcodes", "phone_tokens", "reasons")


@pytest.mark.parametrize(
    ("user", "table"),
    [
        *(("analyst", "v_posts"), ("analyst", "v_calls"), ("operator", "posts"), ("operator", "alert_hits")),
        ("centre", EVIDENCE),
    ],
)
def test_no_column_and_no_pair_of_columns_singles_out_an_author(clickhouse_server, planted, user, table):
    with connect(clickhouse_server.settings(user)) as client:
        columns = open_columns(client, table)
        assert len(columns) == len(data_classes()[table]) if table == EVIDENCE else len(columns) > 10
        assert isolating(client, table, columns, planted) == set()


def test_those_are_all_the_tables_that_tell_posts_apart():
    for user in LIMITS:
        by_post = {table for table in readable(user) if "post_id" in data_classes()[table]}
        assert by_post <= {"v_posts", "v_calls", EVIDENCE}, user


@pytest.mark.parametrize("leak", ["author_token", "phone_tokens"])
def test_the_search_finds_a_column_that_does(clickhouse, planted, leak):
    """The test above can fail: over the same rows with one column too many, it does."""
    with connect(clickhouse) as client:
        found = isolating(client, "posts", ["sentiment", "adcodes", leak], planted)
    assert (f"`{leak}`",) in found
    assert all(leak in " ".join(names) for names in found)


JOINED = """SELECT alert_id, groupUniqArray(post_id) AS ids
    FROM v_posts AS p JOIN v_alerts AS a ON a.adcode = arrayElement(p.adcodes, 1)
    WHERE p.platform = {platform:String} AND p.created_at BETWEEN a.first_at AND a.last_at AND p.needs = a.needs
    GROUP BY alert_id HAVING length(ids) >= {least:UInt32}"""


def test_alerts_do_not_tell_a_callers_posts_apart(clickhouse_server, planted, rows):
    """The planted author calls from one number all the time: every six hours that is another alert."""
    asked = {"platform": PLATFORM, "least": ISOLATED}
    with connect(clickhouse_server.settings("analyst")) as client:
        assert not [ids for _, ids in client.query(JOINED, asked).result_rows if planted.issuperset(ids)]
    largest = "SELECT max(n) FROM (SELECT count() AS n FROM alert_hits FINAL WHERE platform = '{}' GROUP BY {})"
    assert rows(largest.format(PLATFORM, "caller_token")) > rows(largest.format(PLATFORM, "alert_id"))


EXPLAINS = (
    "EXPLAIN header = 1, actions = 1",
    "EXPLAIN QUERY TREE run_passes = 1, dump_ast = 1",
    "EXPLAIN PIPELINE",
    "EXPLAIN SYNTAX",
)


def test_a_guess_at_a_village_cannot_be_checked(clickhouse_server, planted, rows):
    """Ids of v_alerts are not the hashes of rule, place and hour, and no plan shows what hides those."""
    known = {alert_id for (alert_id,) in rows("SELECT DISTINCT alert_id FROM alert_hits")}
    ((salt,),) = rows("SELECT min(salt) FROM view_salt")
    with connect(clickhouse_server.settings("analyst")) as client:
        shown = {alert_id for (alert_id,) in client.query("SELECT alert_id FROM v_alerts").result_rows}
        again = {alert_id for (alert_id,) in client.query("SELECT alert_id FROM v_alerts").result_rows}
        plans = [repr(client.query(f"{explain} SELECT * FROM v_alerts").result_rows) for explain in EXPLAINS]
    assert shown == again
    assert len(shown) == len(known) > 0
    assert not shown & known
    assert not [plan for plan in plans if str(salt) in plan or salt.hex in plan]


@pytest.mark.parametrize("user", LIMITS)
def test_nobody_gets_a_stream_of_moods_of_those_who_ask_for_nothing(clickhouse_server, planted, user):
    told = "sentiment IS NOT NULL OR sentiment_score IS NOT NULL OR emotion IS NOT NULL OR emotion_score IS NOT NULL"
    asks = "notEmpty(needs) OR notEmpty(hazards)"
    with connect(clickhouse_server.settings(user)) as client:
        if "v_calls" in readable(user):
            where = f"FROM v_calls WHERE platform = '{PLATFORM}'"
            assert client.query(f"SELECT count() > 0, countIf(NOT ({asks})) {where}").result_rows == [(True, 0)]
        if "v_posts" in readable(user):
            where = f"FROM v_posts WHERE platform = '{PLATFORM}'"
            counted = client.query(
                f"SELECT countIf({asks}), countIf({told}), countIf(({told}) AND NOT ({asks})) {where}"
            )
            ((calls, with_mood, streamed),) = counted.result_rows
            assert calls == with_mood > 0
            assert streamed == 0
        else:
            with pytest.raises(Exception, match="ACCESS_DENIED"):
                client.query("SELECT text_l2 FROM v_posts LIMIT 0")


def test_cells_that_overlap_by_all_but_one_post_do_not_tell_its_mood(clickhouse_server):
    """Of 41 posts all but one name the county: the two figures are the same."""
    settings = clickhouse_server.settings()
    place = {"name": "某县", "level": "county", "adcode": "410199", "lat": None, "lon": None, "radius_m": None}
    batch = build_posts(
        ["a"] * 41,
        platform=["history-differencing"] * 41,
        id=[str(n) for n in range(41)],
        author_token=[str(n) for n in range(41)],
        sentiment=["negative"] * 41,
        places=[[] if n == 7 else [place | {"start": 0, "end": 1}] for n in range(41)],
    )
    sink = StorePosts(settings)
    sink.open()
    sink.apply(batch)
    sink.close()
    refresh_roll_ups(settings)
    with connect(clickhouse_server.settings("analyst")) as client:
        sql = "SELECT adcode, posts FROM v_sentiment WHERE platform = 'history-differencing' ORDER BY adcode"
        assert client.query(sql).result_rows == [("", 40), ("410199", 40)]
