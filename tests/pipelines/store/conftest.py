"""One real embedded ClickHouse a session, migrated; every test file shares it and keeps to ids of its own."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, connect
from pipelines.store.embedded import write_users
from pipelines.store.migrate import migrate
from pipelines.store.roles import USERS
from schemas import records
from udfs.checks import sample_batch

START_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A ClickHouse process of a test."""

    directory: Path
    http_port: int
    tcp_port: int
    passwords: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def settings(self, user: str = "yuqing", database: str = "yuqing") -> StoreSettings:
        return StoreSettings(f"http://127.0.0.1:{self.http_port}", user, self.passwords[user], database)

    def start(self) -> None:
        command = [sys.executable, "-m", "pipelines.store.embedded", str(self.directory)]
        command += ["--http-port", str(self.http_port), "--tcp-port", str(self.tcp_port)]
        with (self.directory / "process.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"http://127.0.0.1:{self.http_port}/ping", timeout=1).text == "Ok.\n":
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        self.kill()
        raise AssertionError((self.directory / "process.log").read_text())

    def kill(self, signum: int = signal.SIGKILL) -> int:
        """Signal the process and wait until it is gone; returns its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            os.kill(self.process.pid, signum)
        return self.process.wait(60)


def new_server(directory: Path) -> Server:
    passwords = {user: secrets.token_urlsafe(16) for user in USERS}
    server = Server(directory, free_port(), free_port(), passwords)
    write_users(directory, passwords)
    return server


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, configured, neither started nor migrated."""
    server = new_server(tmp_path / "clickhouse")
    yield server
    if server.process is not None:
        server.kill()


def add_careless_user(server: Server) -> None:
    """An operator who was granted SELECT ON *.*, as happens for a backup or a monitor."""
    path = server.directory / "users.xml"
    users = path.read_text()
    operator = re.search(r"<operator>(<password_sha256_hex>.*?)</operator>", users, re.DOTALL)
    assert operator
    grants = "<grants><query>GRANT SELECT ON *.*</query></grants>"
    careless = re.sub(r"<grants>.*</grants>", grants, operator.group(1), flags=re.DOTALL)
    path.write_text(users.replace("</users>", f"<careless>{careless}</careless></users>"))
    server.passwords = {**server.passwords, "careless": server.passwords["operator"]}


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = new_server(tmp_path_factory.mktemp("clickhouse"))
    add_careless_user(server)
    server.start()
    try:
        migrate(server.settings())
        yield server
    finally:
        server.kill()  # SIGTERM would take five seconds for data that nobody wants


@pytest.fixture(scope="session")
def clickhouse(clickhouse_server: Server) -> StoreSettings:
    """Settings of the pipeline's own user."""
    return clickhouse_server.settings()


@pytest.fixture(scope="session")
def as_user(clickhouse_server: Server) -> Iterator[Callable[[str], Client]]:
    """One client a user for tests of single statements: a connection costs more than they do."""
    with ExitStack() as clients:

        @cache
        def client(user: str) -> Client:
            return clients.enter_context(connect(clickhouse_server.settings(user)))

        yield client


@pytest.fixture
def rows(clickhouse: StoreSettings) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Run a query as the pipeline's user and return its rows."""
    with connect(clickhouse) as client:
        yield lambda sql: [tuple(row) for row in client.query(sql).result_rows]


MakePosts = Callable[..., pa.RecordBatch]


def build_posts(texts: Sequence[str], **columns: Sequence[object]) -> pa.RecordBatch:
    """A rendered batch: ``build_posts(["text", ...], id=[...], priority=[...])``; other columns are plain."""
    batch = sample_batch(texts, {name: values for name, values in columns.items() if name != "text_l2"})
    sealed = {
        "author_token": columns.get("author_token", ["author"] * len(texts)),
        "phone_tokens": columns.get("phone_tokens", [[]] * len(texts)),
    }
    batch = records.with_columns(batch, records.SEALED, sealed)
    rendered = {"text": list(texts), "text_l2": columns.get("text_l2", texts), "pii": batch.column("pii")}
    return records.with_columns(batch, records.RENDERED, rendered)


@pytest.fixture
def make_posts() -> MakePosts:
    return build_posts
