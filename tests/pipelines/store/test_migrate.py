"""Migrations: in order, once, and a file that was changed afterwards is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.store.client import connect
from pipelines.store.migrate import load, migrate, split
from schemas.errors import StoreError, UsageError
from schemas.tables import MIGRATIONS


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", ()),
        ("-- only a comment\n", ()),
        ("SELECT 1", ("SELECT 1",)),
        ("SELECT 1;\nSELECT 2;\n", ("SELECT 1", "SELECT 2")),
        ("-- first; second\nSELECT 1 ;  \n\n-- last", ("SELECT 1",)),
        ("SELECT 'a;b';\nSELECT ';'", ("SELECT 'a;b'", "SELECT ';'")),
    ],
)
def test_split(text, statements):
    assert split(text) == statements


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["0001_a.sql", "0003_c.sql"], "0003_c.sql: expected number 0002"),
        (["0001_a.sql", "0001_b.sql"], "0001_b.sql: expected number 0002"),
        (["1_a.sql"], "1_a.sql"),
        (["0001_Bad Name.sql"], "0001_Bad Name.sql"),
    ],
)
def test_file_names(tmp_path, names, named):
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert named in str(caught.value)


@pytest.mark.services
def test_applied_once_in_order_and_guarded(clickhouse, tmp_path, request):
    settings = replace(clickhouse, database="yuqing")
    names = [migration.name for migration in load()]
    with connect(settings) as client:
        rows = client.query("SELECT name FROM schema_migrations FINAL ORDER BY number").result_rows
    assert [name for (name,) in rows] == names
    assert migrate(settings) == []

    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    next_file = tmp_path / f"{len(names) + 1:04d}_next.sql"
    next_file.write_text("CREATE TABLE IF NOT EXISTS next_one (a UInt8) ENGINE = Memory;\nSELEC broken;\n")

    def forget():
        with connect(settings) as client:
            client.command("DROP TABLE IF EXISTS next_one")
            client.command(f"DELETE FROM schema_migrations WHERE number > {len(names)}")

    request.addfinalizer(forget)
    with pytest.raises(StoreError, match=next_file.name):
        migrate(settings, tmp_path)
    next_file.write_text(
        "CREATE TABLE IF NOT EXISTS next_one (a UInt8) ENGINE = Memory;\nINSERT INTO next_one VALUES (7);\n"
    )
    assert migrate(settings, tmp_path) == [next_file.name]
    assert migrate(settings, tmp_path) == []
    with connect(settings) as client:
        assert client.query("SELECT a FROM next_one").result_rows == [(7,)]

    next_file.write_text(next_file.read_text() + "-- a harmless remark\n")
    with pytest.raises(UsageError, match=f"{next_file.name} was changed after it was applied"):
        migrate(settings, tmp_path)
    with pytest.raises(UsageError, match=f"{next_file.name}, this checkout does not"):
        migrate(settings)


@pytest.mark.parametrize("database", ["", "a b", "a;DROP DATABASE yuqing", "1a"])
def test_database_names(clickhouse, database):
    with pytest.raises(UsageError, match=r"store\.database"):
        migrate(replace(clickhouse, database=database))
