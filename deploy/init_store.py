"""The store's users, rights and tables on a ClickHouse of one's own, and the keys of the home. Safe to run again.

Runs in the container `store-init`, with the administrator's password and those of all users as files in one folder. A
changed password takes effect at the next run. Statements hold salted hashes, never a password: a server may log them.
Address, authority and certificate are those of the settings: YUQING_STORE__URL, _CA, _CERTIFICATE, _KEY.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipelines.store.client import connect, external, translated
from pipelines.store.migrate import migrate
from pipelines.store.roles import DATABASE, USERS, statements
from schemas.errors import YuqingError
from schemas.settings import load

ADMIN = "admin"


def password(folder: Path, name: str) -> str:
    held = (folder / name).read_text(encoding="utf-8").strip()
    if len(held) < 16:
        raise SystemExit(f"{folder / name}: a password of at least 16 characters, please (make-secrets.sh makes them)")
    return held


def administration(passwords: dict[str, str]) -> Iterator[str]:
    """What the administrator runs, in order, before the migrations."""
    yield f"CREATE DATABASE IF NOT EXISTS {DATABASE}"
    for user in USERS:
        salt = secrets.token_hex(32)
        digest = hashlib.sha256((passwords[user] + salt).encode()).hexdigest()
        known = f"IDENTIFIED WITH sha256_hash BY '{digest}' SALT '{salt}'"
        yield f"CREATE USER IF NOT EXISTS {user} {known}"
        yield f"ALTER USER {user} {known}"
    yield from statements()


def main() -> int:
    from governance.keys import ensure_keys

    folder = Path(os.environ.get("SECRETS", "/run/secrets"))
    home = Path(os.environ.get("YUQING_HOME", "/var/lib/yuqing"))
    passwords = {user: password(folder, user) for user in USERS}
    try:
        named = [] if os.environ.get("YUQING_STORE__URL") else ["store.url=http://clickhouse:8123"]
        store = external(load(None, named).store)
        if ensure_keys(home).created:
            print(f"keys were made in {home / 'keys'}: back them up, the vault cannot be read without them")
        admin = replace(store, user=ADMIN, password=password(folder, "clickhouse_admin"), database="")
        # without the server's words: they may quote the statement, and its hash with it
        with connect(admin) as client, translated("users and rights", detail=False):
            for statement in administration(passwords):
                client.command(statement)
        migrate(replace(store, user="yuqing", password=passwords["yuqing"]))
    except YuqingError as error:
        print(f"store-init: {error}", file=sys.stderr)
        return error.exit_code
    print(f"store-init: users, rights and tables of {DATABASE} at {store.url} are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
