"""What each account of the store might try, on the real store: other people's data, other machines, the log, the disk.

Grants and what views may show are tested in tests/pipelines/store/test_data_classes.py; here stands what a person with
a password and bad intentions adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from clickhouse_connect.driver.client import Client

from pipelines.services import control
from pipelines.store import query, roles
from pipelines.store.client import StoreSettings, connect, translated
from schemas.errors import StoreError, StoreUnavailable, YuqingError
from tests.conftest import Home

pytestmark = pytest.mark.services

READERS = tuple(roles.LIMITS)
ACCOUNTS = (*READERS, "notifier")

ATTACKS = {
    # reading and writing files of the server's account
    "a file": "SELECT * FROM file('../users.xml', LineAsString)",
    "a file by its function": "SELECT file('../users.xml')",
    "writing a file": "INSERT INTO FUNCTION file('x.csv', 'CSV', 'a UInt8') SELECT 1",
    "writing on the server": "SELECT 1 INTO OUTFILE 'yuqing-outfile'",
    "sqlite": "SELECT * FROM sqlite('/etc/passwd', 't')",
    "a program": "SELECT * FROM executable('id', 'LineAsString', 'a String')",
    "a backup": "BACKUP TABLE yuqing.posts TO File('yuqing-backup')",
    # other machines: data leave, or somebody else's service is asked
    "http": "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
    "s3": "SELECT * FROM s3('http://127.0.0.1:1/b/x.csv', 'CSV', 'a String')",
    "writing to s3": "INSERT INTO FUNCTION s3('http://127.0.0.1:1/b/x.csv', 'CSV', 'a UInt8') SELECT 1",
    "azure": "SELECT * FROM azureBlobStorage('http://127.0.0.1:1/a', 'c', 'x.csv', 'n', 'a2V5', 'CSV')",
    "mysql": "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "postgresql": "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "mongodb": "SELECT * FROM mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'a String')",
    "redis": "SELECT * FROM redis('127.0.0.1:1', 'k', 'k String')",
    "remote, as nobody": "SELECT * FROM remote('127.0.0.1', 'system', 'users', 'default', '')",
    "cluster": "SELECT * FROM cluster('default', 'system', 'users')",
    # becoming somebody else, or more
    "as the pipeline": "EXECUTE AS yuqing SELECT 1",
    "a user": "CREATE USER mallory IDENTIFIED BY 'x'",
    "a grant": "GRANT ALL ON *.* TO CURRENT_USER",
    "a role": "CREATE ROLE r",
    "a policy": "DROP ROW POLICY p ON yuqing.pii_vault",
    "a dictionary": "CREATE DICTIONARY yuqing.d (a UInt64) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE 'pii_vault')) "
    "LAYOUT(FLAT()) LIFETIME(0)",
    "a function": "CREATE FUNCTION f AS (x) -> x",
    "a named collection": "CREATE NAMED COLLECTION c AS a = 1",
    "a view as its definer": "CREATE VIEW yuqing.mine DEFINER = yuqing SQL SECURITY DEFINER AS SELECT * FROM pii_vault",
    "writing": "INSERT INTO yuqing.posts (platform, post_id) VALUES ('a', 'b')",
    "deleting": "ALTER TABLE yuqing.posts DELETE WHERE 1",
    "emptying": "TRUNCATE TABLE yuqing.audit_log",
    "stopping": "SYSTEM SHUTDOWN",
    "reloading": "SYSTEM RELOAD CONFIG",
    "more ports": "SYSTEM START LISTEN MYSQL",
    "killing": "KILL QUERY WHERE user = 'yuqing'",
    # what others do and how the server is set up
    **{
        f"system.{table}": f"SELECT * FROM system.{table}"
        for table in (
            "users", "processes", "query_log", "session_log", "text_log", "row_policies", "quotas", "user_directories",
            "named_collections", "parts", "disks", "server_settings", "backups", "mutations", "merges",
            "asynchronous_inserts", "query_cache",
        )
    },
    "hashes of passwords": "SHOW CREATE USER yuqing",
    "grants of others": "SHOW GRANTS FOR yuqing",
    "who is there": "SHOW USERS",
    "addresses in memory": "SELECT addressToSymbol(1) SETTINGS allow_introspection_functions = 1",
}  # fmt: skip

EXHAUSTING = {
    "memory": ("SELECT groupArray(number) FROM numbers(1000000000)", {}),
    "a string": ("SELECT repeat('x', 4000000000)", {}),
    "rows": ("SELECT number FROM numbers(5000000)", {}),
    "bytes": ("SELECT repeat('x', 1000000) FROM numbers(1000)", {}),
    "a cross join": ("SELECT count() FROM numbers(1000000) a, numbers(1000000) b WHERE a.number != b.number + 1",
        {"max_execution_time": 1}),
    "sleep": ("SELECT sleepEachRow(1) FROM numbers(3)", {"max_execution_time": 1, "max_block_size": 1}),
    "endless recursion": ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count() FROM t",
        {"max_recursive_cte_evaluation_depth": 1_000_000_000, "max_execution_time": 2}),
    "depth": (f"SELECT {'(' * 60_000}1{')' * 60_000}", {"max_parser_depth": 10**9, "max_query_size": 10**9}),
}  # fmt: skip
"""Statement and what the session asks for on top; where that lowers a limit it only makes the test short."""

LIFTED = {
    **dict.fromkeys(("readonly", "max_execution_time", "max_memory_usage", "max_result_rows", "log_queries"), 0),
    "max_threads": 64,
    "max_result_bytes": 10**12,
    "max_concurrent_queries_for_user": 1000,
    # each of these would keep a question out of the log of what people asked
    "log_queries_probability": 0,
    "log_queries_min_query_duration_ms": 10**9,
    "log_queries_min_type": "EXCEPTION_WHILE_PROCESSING",
    "log_queries_cut_to_length": 1,
    # a large sort goes to disk where memory is short: without a bound it would fill the disk
    "max_temporary_data_on_disk_size_for_query": 0,
    "max_temporary_data_on_disk_size_for_user": 0,
}
"""Limits that a session may not lift."""


@pytest.fixture(scope="module")
def as_user(home: Home) -> Iterator[Callable[[str], Client]]:
    with ExitStack() as clients:
        yield cache(lambda user: clients.enter_context(connect(control.connection(home.path, user))))


@pytest.mark.parametrize("user", ACCOUNTS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_refused(as_user: Callable[[str], Client], user: str, attack: str) -> None:
    with pytest.raises(StoreError), translated("attack"):
        as_user(user).command(ATTACKS[attack])


@pytest.mark.parametrize("user", READERS)
@pytest.mark.parametrize("name", LIFTED)
def test_a_limit_is_not_lifted(as_user: Callable[[str], Client], user: str, name: str) -> None:
    with (
        pytest.raises(StoreError, match=r"error (452|164)"),
        translated("attack"),
    ):  # SETTING_CONSTRAINT_VIOLATION, READONLY
        as_user(user).command(f"SELECT 1 SETTINGS {name} = {LIFTED[name]!r}")


@pytest.mark.parametrize("user", ["analyst"])  # the limits of others differ in numbers only
@pytest.mark.parametrize("attack", EXHAUSTING)
def test_what_would_take_too_much_ends(home: Home, as_user: Callable[[str], Client], user: str, attack: str) -> None:
    sql, settings = EXHAUSTING[attack]
    with pytest.raises((StoreError, StoreUnavailable)), translated("attack"):
        as_user(user).command(sql, settings=dict(settings))
    assert home.one("SELECT 1") == 1, "the store is there for others"


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; DROP TABLE posts", "/* SELECT */ DROP TABLE posts", "EXECUTE AS yuqing SELECT 1", "SET readonly = 0",
     "WITH 1 AS x INSERT INTO posts (platform, post_id) VALUES ('a', 'b')", "EXPLAIN AST DROP TABLE posts; SELECT 1"],
)  # fmt: skip
@pytest.mark.parametrize("user", ["analyst", "operator", "yuqing"])
def test_sql_of_a_person_only_reads(home: Home, user: str, sql: str) -> None:
    with pytest.raises(YuqingError):
        query.run_sql(control.connection(home.path, user), sql)
    assert home.one("EXISTS TABLE posts") == 1


@pytest.mark.parametrize("user", ["default", "admin", ""])
def test_nobody_comes_in_without_a_password(home: Home, user: str) -> None:
    url = control.connection(home.path).url
    with pytest.raises((StoreError, StoreUnavailable)):
        connect(StoreSettings(url, user, "")).close()


def test_what_is_refused_is_logged_and_whose_it_was(home: Home, as_user: Callable[[str], Client]) -> None:
    as_user("viewer").command("SELECT 'marked as a question'")
    home.rows("SELECT 1")
    with connect(control.connection(home.path)) as client:
        client.command("SYSTEM FLUSH LOGS query_log")
        asked = "SELECT DISTINCT user FROM system.query_log WHERE query LIKE '%marked as a question%'"
        assert [row[0] for row in client.query(asked).result_rows] == ["viewer"]
