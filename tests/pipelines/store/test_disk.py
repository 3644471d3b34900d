"""The encrypted disk of the embedded store: nothing in clear on it, keys rotate, and without them nothing opens."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from governance.keys import ensure_disk_keys
from pipelines.store.client import connect
from pipelines.store.disk import configuration, environment
from schemas.errors import UsageError
from tests.pipelines.store.conftest import Server

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
MARK = "planted-marker-on-the-disk"


def start(server: Server, monkeypatch: pytest.MonkeyPatch, *keys: bytes) -> None:
    with monkeypatch.context() as patched:
        for name, value in environment(keys).items():
            patched.setenv(name, value)
        server.start()


def files_with(folder: Path, mark: str) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and mark.encode() in path.read_bytes()
    ]


def put(server: Server, table: str, settings: str = "") -> None:
    with connect(server.settings(database="")) as client:
        client.command("CREATE DATABASE IF NOT EXISTS yuqing")
        client.command(
            f"CREATE TABLE IF NOT EXISTS yuqing.{table} (a String CODEC(NONE)) ENGINE = MergeTree ORDER BY a"
        )
        client.insert(f"yuqing.{table}", [[MARK]], column_names=["a"])


def held(server: Server) -> list[tuple[str, str]]:
    """Table and disk of every part that reads back what was put."""
    with connect(server.settings()) as client:
        parts = client.query(
            "SELECT table, disk_name FROM system.parts WHERE active AND database = 'yuqing' ORDER BY ALL"
        )
        for table, _ in parts.result_rows:
            assert client.query(f"SELECT any(a) FROM {table}").result_rows == [(MARK,)]
        return [tuple(row) for row in parts.result_rows]


@pytest.mark.services
def test_nothing_stands_on_the_disk_in_clear_and_keys_rotate(
    fresh_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fresh_server
    server.start()  # as before there were keys
    put(server, "plain")
    assert files_with(server.directory, MARK), "this test could not find a clear value"
    server.kill(signal.SIGTERM)
    start(server, monkeypatch, OLD)
    put(server, "first")
    server.kill(signal.SIGTERM)
    start(server, monkeypatch, NEW, OLD)
    put(server, "second")
    assert held(server) == [("first", "sealed"), ("plain", "default"), ("second", "sealed")]
    server.kill(signal.SIGTERM)
    assert all(name.startswith("data/store") for name in files_with(server.directory, MARK)), (
        "only what was there before"
    )
    for key in (OLD, NEW):
        assert files_with(server.directory, key.hex()) == []
    with pytest.raises(AssertionError, match="Not found an encryption key"):
        start(server, monkeypatch, NEW)  # the old key is lost
    with pytest.raises(AssertionError, match="is encrypted, and no key was given"):
        server.start()


def test_a_key_keeps_its_number_when_another_is_put_in_front() -> None:
    one, two = environment([OLD]), environment([NEW, OLD])
    assert set(one.items()) < set(two.items())
    server, tables = configuration(Path("/x"), two | {"HOME": "/y"})
    assert re.findall(r'<key_hex id="(\d)"', server) == ["0", "1"]
    assert "<current_key_id>1<" in server
    assert "sealed" in tables
    assert OLD.hex() not in server
    server, tables = configuration(Path("/x"), {})
    assert "<tmp_path>/x/data/tmp/</tmp_path>" in server
    assert tables == ""


def test_the_key_file_is_made_once_and_is_private(tmp_path: Path) -> None:
    keys = ensure_disk_keys(tmp_path)
    assert keys == ensure_disk_keys(tmp_path)
    assert [len(key) for key in keys] == [32]
    file = tmp_path / "keys" / "disk.key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        ensure_disk_keys(tmp_path)


def test_the_keys_may_come_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64

    monkeypatch.setenv("MY_DISK_KEYS", f"{base64.b64encode(NEW).decode()} {base64.b64encode(OLD).decode()}")
    assert ensure_disk_keys(tmp_path, "env:MY_DISK_KEYS") == (NEW, OLD)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match=r"keys\.disk"):
        ensure_disk_keys(tmp_path, "nowhere")
