"""The embedded server: shut to strangers, one process a directory, and what was acknowledged survives a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from governance.keys import create_once
from pipelines.services import clickhouse
from pipelines.store.client import connect
from pipelines.store.embedded import write_users
from pipelines.store.migrate import migrate
from pipelines.store.roles import USERS
from schemas.errors import StoreError, UsageError

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    "login", ["", "&user=default", "&user=default&max_sessions_for_user=0", "&user=default&session_id=a"]
)
def test_default_user_is_shut(clickhouse_server, login):
    answer = httpx.post(f"http://127.0.0.1:{clickhouse_server.http_port}/?query=SELECT+1{login}")
    assert answer.status_code >= 400
    assert "USER_SESSION_LIMIT_EXCEEDED" in answer.text


@pytest.mark.parametrize("user", USERS)
def test_other_users_have_as_many_sessions_as_they_need(clickhouse_server, user):
    """The limit that shuts `default` out must not hold for those who inherit its settings."""

    def ask(_: int) -> int:
        with connect(clickhouse_server.settings(user, database="")) as client:
            return int(client.command("SELECT sleep(0.3) + 1"))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [1] * 4


def test_wrong_password_is_refused_without_retrying(clickhouse_server):
    settings = clickhouse_server.settings()
    with pytest.raises(StoreError, match="AUTHENTICATION_FAILED"):
        connect(type(settings)(settings.url, "yuqing", "wrong"))


def test_listens_on_loopback_only(clickhouse_server):
    import psutil

    listening = [
        c.laddr for c in psutil.Process(clickhouse_server.process.pid).net_connections() if c.status == "LISTEN"
    ]
    assert {address.port for address in listening} == {clickhouse_server.http_port, clickhouse_server.tcp_port}
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_files_hold_no_password_and_are_private(clickhouse_server):
    for name in ("config.xml", "users.xml"):
        path = clickhouse_server.directory / name
        assert path.stat().st_mode & 0o077 == 0
        assert not any(password in path.read_text() for password in clickhouse_server.passwords.values())


def test_a_second_process_is_told_who_has_the_directory(clickhouse_server):
    command = [sys.executable, "-m", "pipelines.store.embedded", str(clickhouse_server.directory)]
    second = subprocess.run(
        [*command, "--http-port", "1", "--tcp-port", "2"], capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 2
    assert f"in use by another ClickHouse (pid {clickhouse_server.process.pid})" in second.stderr


def test_a_taken_port_is_an_error(fresh_server, clickhouse_server):
    command = [sys.executable, "-m", "pipelines.store.embedded", str(fresh_server.directory)]
    ports = ["--http-port", str(clickhouse_server.http_port), "--tcp-port", str(fresh_server.tcp_port)]
    failed = subprocess.run([*command, *ports], capture_output=True, text=True, timeout=60)
    assert failed.returncode == 1
    assert f"port {clickhouse_server.http_port} of 127.0.0.1 cannot be taken" in failed.stderr


def test_configuration_is_asked_for(tmp_path: Path):
    command = [sys.executable, "-m", "pipelines.store.embedded", str(tmp_path), "--http-port", "1", "--tcp-port", "2"]
    missing = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert missing.returncode == 2
    assert "write_users" in missing.stderr
    with pytest.raises(UsageError, match="analyst, viewer, centre, auditor, notifier"):
        write_users(tmp_path, {"yuqing": "a", "operator": "b"})


def test_a_home_of_before_gets_the_passwords_of_users_that_are_new(tmp_path: Path):
    """Its own passwords stay, so that whoever was given one is not shut out."""
    old = {"yuqing": "a", "operator": "b", "analyst": "c", "notifier": "d"}
    create_once(tmp_path, "clickhouse.json", json.dumps(old).encode)
    assert clickhouse.passwords(tmp_path) == old
    complete = clickhouse._complete_passwords(tmp_path)
    assert set(complete) == set(USERS)
    assert complete | old == complete
    assert len(set(complete.values())) == len(USERS)
    assert clickhouse.passwords(tmp_path) == complete == clickhouse._complete_passwords(tmp_path)
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["clickhouse.json"]
    assert (tmp_path / "keys" / "clickhouse.json").stat().st_mode & 0o077 == 0


def test_acknowledged_rows_survive(fresh_server):
    """A kill first, then a stop, of one server: starting one is most of what this costs."""
    fresh_server.start()
    migrate(fresh_server.settings())
    names = ["source", "partition", "offset", "step", "reason", "raw", "sha256"]
    for round_, (signum, status) in enumerate([(signal.SIGKILL, -9), (signal.SIGTERM, 0)], start=1):
        with connect(fresh_server.settings()) as client:
            for number in range(20):
                row = [["folder", "file", 20 * round_ + number, "parse", "not JSON", b"sealed", "ab"]]
                client.insert("dead_letters", row, column_names=names)
        assert fresh_server.kill(signum) == status
        fresh_server.start()
        with connect(fresh_server.settings()) as client:
            assert client.query("SELECT count() FROM dead_letters FINAL").result_rows == [(20 * round_,)]


def test_what_people_asked_is_logged_before_and_after_a_kill(fresh_server):
    fresh_server.start()
    migrate(fresh_server.settings())
    for asked in (1, 2):
        with connect(fresh_server.settings("analyst")) as client:
            client.query(f"SELECT count() FROM v_posts WHERE {asked} = {asked}")
        with connect(fresh_server.settings()) as client:
            client.command("SYSTEM FLUSH LOGS")
            log = "SELECT countIf(user = 'analyst' AND type = 2 AND query LIKE '%v_posts WHERE%') FROM system.query_log"
            assert client.query(log).result_rows == [(asked,)]
        if asked == 1:
            fresh_server.kill(signal.SIGKILL)
            fresh_server.start()


def test_inserted_data_is_in_no_log(clickhouse_server, clickhouse):
    marker = "皮划艇两艘-marker"
    with connect(clickhouse) as client:
        client.insert("audit_log", [["logs-test", 1, marker]], column_names=["writer", "seq", "detail"])
        client.command("SYSTEM FLUSH LOGS")
        logged = client.query("EXISTS system.query_log").result_rows[0][0]
        if logged:  # made with the first flush
            seen = client.query("SELECT user, query FROM system.query_log").result_rows
            assert not [query for user, query in seen if user == "yuqing" or marker in query]
    for log in clickhouse_server.directory.glob("*.log"):
        assert marker not in log.read_text(errors="replace")
