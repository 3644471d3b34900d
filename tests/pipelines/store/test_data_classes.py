"""Every column has a data class, and each user sees what its class allows: asked of the real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.store.client import connect, translated
from pipelines.store.roles import ALERTS, TEXT_COLUMNS, USERS, VAULT, grants, grants_sql
from schemas.errors import StoreError, StoreUnavailable
from schemas.tables import DATA_CLASSES, data_classes

CONTRACT = {
    "posts": "platform post_id author_token created_at ingested_at stored_at version generation language text text_l2 "
    "places items people sentiment sentiment_score emotion emotion_score need need_score help_score needs hazards "
    "source_kind state priority keywords categories adcodes reposts model",
    "dead_letters": "source partition offset step reason raw sha256 stored_at",
    "alerts": "alert_id rule priority place needs first_at last_at posts callers state reasons",
}
OURS = [table for table in data_classes() if table.startswith("v_")]


@pytest.mark.parametrize("table", CONTRACT)
def test_the_contracts_columns_are_there(table):
    assert set(CONTRACT[table].split()) <= set(data_classes()[table])


def test_the_alerts_view_has_exactly_the_contracts_columns():
    assert list(data_classes()["alerts"]) == CONTRACT["alerts"].split()


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


def test_views_of_analysts_show_no_sensitive_class():
    for view in OURS:
        assert set(data_classes()[view].values()) <= {"L1", "L2"}, view
        assert not {"author_token", "caller_token", "phone_tokens"} & set(data_classes()[view]), view


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
    *((user, f"SELECT * FROM {view} LIMIT 1") for user in ("analyst", "operator") for view in OURS),
    ("notifier", "SELECT count() FROM alert_hits FINAL"),
]
REFUSED = [
    *(
        ("operator", f"SELECT {column} FROM {table}")
        for table, columns in data_classes().items()
        for column, level in columns.items()
        if table != ALERTS
        and (level in ("L3", "L4") or table == VAULT or (table == "posts" and column in TEXT_COLUMNS))
    ),
    ("operator", "SELECT count() FROM pii_vault"),
    ("operator", "SELECT count() FROM posts WHERE text LIKE '%a%'"),
    ("operator", "SELECT count() FROM posts PREWHERE text_l2 = 'a'"),
    ("operator", "SELECT * FROM posts"),
    ("operator", "SELECT COLUMNS('text') FROM posts"),
    ("operator", "SELECT * FROM merge('yuqing', 'posts|pii_vault')"),
    *(("analyst", f"SELECT count() FROM {table}") for table in data_classes() if not table.startswith("v_")),
    *(("notifier", f"SELECT count() FROM {table}") for table in ("posts", "pii_vault", "dead_letters")),
    ("notifier", "SELECT actor, detail FROM audit_log"),
    *((user, "SELECT * FROM system.users") for user in ("operator", "analyst", "notifier")),
    *((user, "SELECT query FROM system.processes") for user in ("operator", "analyst", "notifier")),
    *((user, "SELECT * FROM file('/etc/passwd', LineAsString)") for user in ("operator", "analyst", "yuqing")),
    *((user, "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)") for user in ("operator", "analyst", "yuqing")),
    ("operator", "INSERT INTO posts (platform, post_id) VALUES ('a', 'b')"),
    ("analyst", "INSERT INTO posts (platform, post_id) VALUES ('a', 'b')"),
    ("analyst", "DROP VIEW v_posts"),
    ("analyst", "CREATE TABLE mine (a UInt8) ENGINE = Memory"),
    ("yuqing", "CREATE DATABASE other"),
    *((user, "SELECT 1 SETTINGS readonly = 0") for user in ("operator", "analyst")),
    *((user, "SELECT 1 SETTINGS max_execution_time = 0") for user in ("operator", "analyst")),
    *((user, "SELECT 1 SETTINGS max_memory_usage = 0") for user in ("operator", "analyst")),
    *((user, "SELECT 1 SETTINGS max_result_rows = 0") for user in ("operator", "analyst")),
    *((user, "SELECT 1 SETTINGS log_queries = 0") for user in ("operator", "analyst")),
    ("operator", "SELECT number FROM numbers(100001)"),
]


@pytest.mark.services
@pytest.mark.parametrize(("user", "sql"), READABLE)
def test_readable(clickhouse_server, user, sql):
    with connect(clickhouse_server.settings(user)) as client:
        client.command(sql)


@pytest.mark.services
@pytest.mark.parametrize(("user", "sql"), REFUSED)
def test_refused(clickhouse_server, user, sql):
    with connect(clickhouse_server.settings(user)) as client, pytest.raises(StoreError) as caught, translated("q"):
        client.command(sql)
    expected = "ACCESS_DENIED|SETTING_CONSTRAINT_VIOLATION|READONLY|TOO_MANY_ROWS"
    assert re.search(expected, str(caught.value)), caught.value


@pytest.mark.services
def test_a_greedy_query_is_stopped(clickhouse_server):
    with connect(clickhouse_server.settings("analyst")) as client, pytest.raises(StoreUnavailable), translated("q"):
        client.command("SELECT groupArray(toString(number)) FROM numbers(100000000) GROUP BY number % 3")


@pytest.mark.parametrize("user", USERS)
def test_grants_can_be_printed_for_a_server_of_ones_own(user):
    assert all(f"GRANT {grant} TO {user};" in grants_sql() for grant in grants(user))
