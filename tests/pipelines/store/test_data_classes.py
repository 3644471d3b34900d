"""Every column has a data class, and each user sees what its class allows: asked of the real server."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.store.client import connect, translated
from pipelines.store.roles import (
    ALERTS,
    ALERTS_DAYS,
    AUDIT,
    CALLS_VIEW,
    EPISODES,
    FIXED,
    LIMITS,
    PLACED,
    POSTS_VIEW,
    TEXT_COLUMNS,
    USERS,
    VAULT,
    WHOLE_ANSWERS,
    grants,
    grants_sql,
    readable,
    statements,
)
from schemas.errors import StoreError, StoreUnavailable
from schemas.tables import DATA_CLASSES, data_classes

CONTRACT = {
    "posts": "platform post_id author_token created_at ingested_at stored_at version generation language text text_l2 "
    "places items people sentiment sentiment_score emotion emotion_score need need_score help_score needs hazards "
    "source_kind state priority keywords categories adcodes reposts model",
    "dead_letters": "source partition offset step reason raw sha256 stored_at",
    "post_topics": "platform post_id topic_id",
    "topics": "topic_id name",
    "episodes": "episode_id place needs priority callers first_at last_at state reasons",
    "alerts": "alert_id rule priority place needs first_at last_at posts callers state reasons",
}
ANSWERING = {(ALERTS, "place"), *((EPISODES, column) for column in ("place", "lat", "lon", "radius_m", "verified_by"))}
"""L3 for those who answer calls: where it is, and which colleague has verified it."""
OURS = [table for table in data_classes() if table.startswith("v_")]


@pytest.mark.parametrize("table", CONTRACT)
def test_the_contracts_columns_are_there(table):
    assert set(CONTRACT[table].split()) <= set(data_classes()[table])


def test_the_alerts_view_has_the_contracts_columns_and_the_county():
    assert list(data_classes()["alerts"]) == [*CONTRACT["alerts"].split(), "adcode"]


@pytest.mark.services
def test_every_column_of_the_store_has_its_class(rows):
    found: dict[str, dict[str, str]] = {}
    sql = """SELECT table, name, comment FROM system.columns WHERE database = 'yuqing'
        AND NOT startsWith(table, '.') ORDER BY table, position"""
    for table, name, comment in rows(sql):
        assert re.match(r"^L[1-4] \S", comment), f"{table}.{name} has no data class in its comment"
        found.setdefault(table, {})[name] = comment[:2]
    ledger = found.pop("schema_migrations")
    assert set(ledger.values()) == {"L1"}
    assert found == {table: dict(columns) for table, columns in data_classes().items()}


PERSONS = {"author", "author_token", "caller_token", "phone_tokens", "repost_of", "url", "actor", "source", "partition"}
"""Columns that stand for a person, or may: a chain of an author's own posts, a file or feed of one author."""


def test_views_of_analysts_show_no_sensitive_class():
    for view in OURS:
        assert set(data_classes()[view].values()) <= {"L1", "L2"}, view
        assert not PERSONS & set(data_classes()[view]), view


@pytest.mark.parametrize("user", LIMITS)
def test_nobody_reads_what_stands_above_them(user):
    """The highest class and whether there is stored text, for what a user reads whole."""
    columns = [(table, *column) for table in readable(user) for column in data_classes()[table].items()]
    above = {(table, name) for table, name, level in columns if level in ("L3", "L4")}
    assert above == {
        "operator": ANSWERING,
        "centre": ANSWERING,
        "auditor": {(AUDIT, "actor"), (AUDIT, "subject"), (AUDIT, "detail")},
    }.get(user, set())
    with_text = {table for table, name, _ in columns if name in TEXT_COLUMNS}
    expected = {"analyst": {POSTS_VIEW, CALLS_VIEW}, "operator": {CALLS_VIEW}, "centre": {CALLS_VIEW}}
    assert with_text == expected.get(user, set())


def test_the_document_lists_every_column():
    text = (Path(__file__).parents[3] / "docs" / "data-classes.md").read_text(encoding="utf-8")
    documented: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if match := re.match(r"^\| `(\w+)` \| (L[1-4]) \| (.+) \|$", line):
            for column in match.group(3).split(", "):
                documented.setdefault(match.group(1), {})[column.strip("`")] = match.group(2)
    assert documented == {table: dict(columns) for table, columns in data_classes().items()}
    assert all(data_class in text for data_class in DATA_CLASSES)


READABLE = [
    ("operator", "SELECT count() FROM posts FINAL"),
    ("operator", "SELECT platform, post_id, source, partition, offset, sentiment FROM posts FINAL LIMIT 1"),
    ("operator", "SELECT source, partition, offset, step, reason, sha256 FROM dead_letters FINAL"),
    ("operator", "SELECT * FROM alerts"),
    ("operator", "SELECT * FROM metrics_minute"),
    ("operator", "DESCRIBE posts"),
    *((user, f"SELECT * FROM {table} LIMIT 1") for user in LIMITS for table in readable(user)),
    ("auditor", "SELECT actor, action, subject, detail FROM audit_log"),
    ("notifier", "SELECT count() FROM alert_hits FINAL"),
]
REFUSED = [
    *(
        ("operator", f"SELECT {column} FROM {table}")
        for table, columns in data_classes().items()
        for column, level in columns.items()
        if table not in PLACED
        and (level in ("L3", "L4") or table == VAULT or (table == "posts" and column in TEXT_COLUMNS))
    ),
    ("operator", "SELECT count() FROM pii_vault"),
    ("operator", "SELECT count() FROM posts WHERE text LIKE '%a%'"),
    ("operator", "SELECT count() FROM posts PREWHERE text_l2 = 'a'"),
    ("operator", "SELECT * FROM posts"),
    ("operator", "SELECT COLUMNS('text') FROM posts"),
    ("operator", "SELECT * FROM merge('yuqing', 'posts|pii_vault')"),
    *(
        (user, f"SELECT count() FROM {table}")
        for user in ("analyst", "viewer", "centre", "auditor")
        for table in data_classes()
        if table not in readable(user)
    ),
    ("operator", "SELECT count() FROM v_posts"),
    ("operator", "SELECT text_l2 FROM v_posts JOIN posts USING (platform, post_id) WHERE posts.sentiment = 'negative'"),
    ("operator", "SELECT text.size FROM posts"),
    ("operator", "SELECT phone_tokens.size0 FROM posts"),
    ("operator", "SELECT post_id FROM posts LIMIT 1 BY author_token"),
    ("operator", "SELECT * FROM mergeTreeTextIndex('yuqing', 'posts', 'phrase')"),
    ("operator", "SELECT * FROM mergeTreeIndex('yuqing', 'pii_vault')"),
    ("analyst", "SELECT * FROM mergeTreeIndex('yuqing', 'posts')"),
    ("analyst", "SELECT * FROM loop('yuqing', 'posts')"),
    ("analyst", "SELECT * FROM remote('127.0.0.1', 'yuqing', 'posts')"),
    *((user, "SHOW CREATE TABLE posts") for user in ("analyst", "viewer", "centre", "auditor")),
    *(("notifier", f"SELECT count() FROM {table}") for table in ("posts", "pii_vault", "dead_letters")),
    ("notifier", "SELECT actor, detail FROM audit_log"),
    *(
        (user, f"SELECT * FROM system.{table}")
        for user in LIMITS
        for table in ("users", "processes", "errors", "parts")
    ),
    ("notifier", "SELECT * FROM system.users"),
    ("notifier", "SELECT query FROM system.processes"),
    *((user, "SELECT * FROM file('/etc/passwd', LineAsString)") for user in ("operator", "analyst", "yuqing")),
    *((user, "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)") for user in ("operator", "analyst", "yuqing")),
    ("operator", "INSERT INTO posts (platform, post_id) VALUES ('a', 'b')"),
    ("analyst", "INSERT INTO posts (platform, post_id) VALUES ('a', 'b')"),
    ("analyst", "DROP VIEW v_posts"),
    ("analyst", "CREATE TABLE mine (a UInt8) ENGINE = Memory"),
    ("yuqing", "CREATE DATABASE other"),
    *(
        (user, f"SELECT 1 SETTINGS {name} = 0")
        for user in LIMITS
        for name in ("readonly", "max_execution_time", "max_memory_usage", "max_result_rows")
    ),
    *(
        (
            user,
            f"SELECT 1 SETTINGS {name} = {0 if value else 1}"
            if isinstance(value, int)
            else f"SELECT 1 SETTINGS {name} = 'EXCEPTION_WHILE_PROCESSING'",
        )
        for user in LIMITS
        for name, value in FIXED.items()
    ),
    ("operator", "SELECT number FROM numbers(100001)"),
]


@pytest.mark.services
@pytest.mark.parametrize(("user", "sql"), READABLE)
def test_readable(as_user, user, sql):
    as_user(user).command(sql)


@pytest.mark.services
@pytest.mark.parametrize(("user", "sql"), REFUSED)
def test_refused(as_user, user, sql):
    with pytest.raises(StoreError) as caught, translated("q"):
        as_user(user).command(sql)
    expected = "ACCESS_DENIED|SETTING_CONSTRAINT_VIOLATION|READONLY|TOO_MANY_ROWS"
    assert re.search(expected, str(caught.value)), caught.value


@pytest.mark.services
def test_a_greedy_query_is_stopped(clickhouse_server):
    with connect(clickhouse_server.settings("analyst")) as client, pytest.raises(StoreUnavailable), translated("q"):
        client.command("SELECT groupArray(toString(number)) FROM numbers(100000000) GROUP BY number % 3")


@pytest.mark.services
def test_a_grant_too_many_does_not_open_the_vault(clickhouse_server, clickhouse):
    """`careless` is an operator to whom somebody granted SELECT ON *.*: rows stay shut where columns no longer do."""
    value = ["row-policy", "1", 0, 11, "CN_MOBILE", "token", "sealed", "key", 1, "2099-01-01 00:00:00"]
    names = ["platform", "post_id", "start", "end", "type", "token", "ciphertext", "key_id", "version", "expires_at"]
    with connect(clickhouse) as client:
        client.command(f"INSERT INTO pii_vault ({', '.join(names)}) SELECT {', '.join(map(repr, value))}")
        assert client.query("SELECT count() > 0 FROM pii_vault").result_rows == [(True,)]
    with connect(clickhouse_server.settings("careless")) as client:
        assert client.query("SELECT count() >= 0, count(author_token) >= 0 FROM posts").result_rows == [(True, True)]
        assert client.query("SELECT count() FROM pii_vault").result_rows == [(0,)]


@pytest.mark.services
def test_the_centre_sees_places_of_the_last_week_only(clickhouse_server, clickhouse):
    hits = [
        [f"week-{days}", "week", "1", 1, "某县某村", datetime.now(UTC) - timedelta(days=days)]
        for days in (0, ALERTS_DAYS - 1, ALERTS_DAYS + 1)
    ]
    with connect(clickhouse) as client:
        client.insert("alert_hits", hits, column_names=["alert_id", "platform", "post_id", "version", "place", "at"])
    found = {}
    for user in ("operator", "centre"):
        with connect(clickhouse_server.settings(user)) as client:
            sql = "SELECT alert_id, place FROM alerts WHERE startsWith(alert_id, 'week-') ORDER BY first_at DESC"
            found[user] = client.query(sql).result_rows
    assert found["operator"] == [(hit[0], "某县某村") for hit in hits]
    assert found["centre"] == found["operator"][:2]


@pytest.mark.parametrize("user", USERS)
def test_grants_can_be_printed_for_a_server_of_ones_own(user):
    assert all(f"GRANT {grant} TO {user};" in grants_sql() for grant in grants(user))


@pytest.mark.services
def test_every_statement_for_a_server_of_ones_own_is_sql_that_the_server_reads(clickhouse):
    """The embedded server has no place to create users, profiles or policies in; it parses them and knows each setting.

    Grants and conditions of row policies are the same text in users.xml, where other tests run them.
    """
    with connect(clickhouse) as client:
        for statement in statements():
            parsed = client.query("SELECT formatQuerySingleLine({q:String})", {"q": statement}).result_rows[0][0]
            assert parsed.replace("`", "").split()[:2] == statement.replace("`", "").split()[:2]
        settings = {*FIXED, *WHOLE_ANSWERS, "readonly", *(name for limits in LIMITS.values() for name in limits)}
        known = client.query(
            "SELECT name FROM system.settings WHERE name IN {n:Array(String)}", {"n": sorted(settings)}
        )
        assert {name for (name,) in known.result_rows} == settings
        with pytest.raises(StoreError), translated("q"):
            client.command("SELECT formatQuery('CREATE ROW POLICY OR REPLACE a ON b USING')")
