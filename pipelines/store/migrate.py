"""Numbered SQL migrations, forward only.

    python -m pipelines.store.migrate --settings site.yaml
    python -m pipelines.store.migrate --url https://host:8443 --ca ca.pem --password-file FILE [--certificate --key]

The store is that of the settings (file, YUQING_STORE__...), with the options laid over it; the embedded store of a home
needs no call, `up` migrates it.

``schemas/migrations/NNNN_name.sql`` are run in order, once each; ``schema_migrations`` remembers them with their
SHA-256. A file that was applied must not change any more: write a new one. Statements end in ``;`` at the end of a
line. ClickHouse has no transactions over DDL, so a migration that breaks off is run again from its start: write every
statement so that it can be (IF NOT EXISTS, OR REPLACE).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.store import districts
from pipelines.store.client import StoreSettings, connect, external, translated
from schemas.errors import UsageError, YuqingError
from schemas.settings import load as load_settings
from schemas.tables import MIGRATIONS, data_classes

_FILE = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^\s*--.*$", re.MULTILINE)

_LEDGER = """CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(
    number UInt32 COMMENT 'L1 of the file',
    name String COMMENT 'L1 of the file',
    sha256 String COMMENT 'L1 of the file, hex',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'L1 when'
)
ENGINE = ReplacingMergeTree
ORDER BY number
COMMENT 'Migrations that were applied'"""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    sha256: str
    statements: tuple[str, ...]


def load(directory: Path = MIGRATIONS) -> list[Migration]:
    """Read the files in order. Raises UsageError for a file name that does not fit, a doubled or a missing number."""
    migrations: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        matched = _FILE.match(path.name)
        if not matched:
            raise UsageError(f"{path.name}: name migrations like 0007_short_name.sql")
        if int(matched.group(1)) != len(migrations) + 1:
            raise UsageError(f"{path.name}: expected number {len(migrations) + 1:04d} (numbers run on without gaps)")
        text = path.read_text(encoding="utf-8")
        migrations.append(
            Migration(int(matched.group(1)), path.name, hashlib.sha256(text.encode()).hexdigest(), split(text))
        )
    return migrations


def split(text: str) -> tuple[str, ...]:
    """The statements of a file: comment lines dropped, cut where a line ends in a semicolon."""
    parts = _STATEMENT_END.split(_COMMENT_LINE.sub("", text))
    return tuple(part.strip() for part in parts if part.strip())


def migrate(settings: StoreSettings, directory: Path = MIGRATIONS) -> list[str]:
    """Bring the store up to date; returns the names of what was applied now (none: it was up to date). The table of
    districts is filled from the gazetteer.

    Two at a time are harmless: statements can be repeated. Raises UsageError naming a file that was changed after it
    was applied, or one that the store has and this checkout lacks; StoreError when a statement is refused.
    """
    migrations = load(directory)
    database = settings.database
    if not re.fullmatch(r"[A-Za-z_]\w*", database):
        raise UsageError(f"store.database {database!r} is no plain name (letters, digits and _)")
    with connect(replace(settings, database="")) as bare, translated("create database"):
        bare.command(f"CREATE DATABASE IF NOT EXISTS {database}")
        bare.command(_LEDGER.format(database=database))
    with connect(settings) as client:
        with translated("read schema_migrations"):
            rows = client.query("SELECT number, name, sha256 FROM schema_migrations FINAL ORDER BY number").result_rows
        applied = {number: (name, digest) for number, name, digest in rows}
        known = {migration.number for migration in migrations}
        for number in sorted(set(applied) - known):
            raise UsageError(f"the store has migration {applied[number][0]}, this checkout does not: upgrade yuqing")
        done = []
        for migration in migrations:
            if migration.number in applied:
                if applied[migration.number][1] != migration.sha256:
                    raise UsageError(
                        f"{migration.name} was changed after it was applied to {settings.url}: "
                        "restore it and put the change into a new migration"
                    )
                continue
            for statement in migration.statements:
                with translated(f"migration {migration.name}"):
                    client.command(statement)
            with translated(f"record {migration.name}"):
                client.insert(
                    "schema_migrations",
                    [[migration.number, migration.name, migration.sha256]],
                    column_names=["number", "name", "sha256"],
                )
            done.append(migration.name)
        if "districts" in data_classes(directory):
            districts.fill(client)
        return done


_OPTIONS = ("url", "user", "password_file", "ca", "certificate", "key")


def _store(options: argparse.Namespace) -> StoreSettings:
    given = [f"store.{name}={value}" for name in _OPTIONS if (value := getattr(options, name))]
    section = load_settings(options.settings, given).store
    if not section.url:
        raise UsageError("no store is named: give --url, or --settings with store.url")
    found = replace(external(section), database=options.database)
    # the variable from before there were settings
    return found if found.password else replace(found, password=os.environ.get("YUQING_STORE_PASSWORD", ""))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.store.migrate", description="apply SQL migrations")
    parser.add_argument("--settings", type=Path, help="YAML with a section `store`")
    for name in _OPTIONS:
        parser.add_argument(f"--{name.replace('_', '-')}", help=f"setting store.{name}")
    parser.add_argument("--database", default="yuqing")
    options = parser.parse_args(arguments)
    try:
        done = migrate(_store(options))
    except YuqingError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("\n".join(done) if done else "up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
