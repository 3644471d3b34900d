"""Homes with real services for the tests that drive the project from its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog

from pipelines.cli.main import register
from pipelines.services import control
from pipelines.services.process import HOME_MARK, marked
from pipelines.store.client import connect

register()  # commands stand in --help in the order of their imports, whatever a test imports first
YUQING = str(Path(sys.executable).with_name("yuqing"))
PATIENCE = 240
"""Seconds for one command: engines start slowly on a busy machine."""


@dataclass
class Home:
    """A home and its command line, as an operator uses them."""

    path: Path

    def command(self, *arguments: str) -> list[str]:
        return [YUQING, "--home", str(self.path), *arguments]

    def run(
        self, *arguments: str, stdin: bytes | None = None, code: int | None = 0, timeout: float = PATIENCE
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command; a code other than `code` (None: any) fails the test with what it said."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=timeout, check=False)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{arguments}: exit {done.returncode}, not {code}\n{done.stderr.decode()[-3000:]}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command that stays; its stderr is in HOME/command.log."""
        with (self.path / "command.log").open("ab") as log:
            return subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=log)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the store as the pipeline's own user."""
        with connect(control.connection(self.path)) as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def empty(self) -> None:
        """Forget what jobs have stored, and what was sent of it."""
        (self.path / "alerts.jsonl").unlink(missing_ok=True)
        with connect(control.connection(self.path)) as client:
            for table in ("posts", "dead_letters", "pii_vault", "alert_hits", "alert_states", "alert_deliveries"):
                client.command(f"TRUNCATE TABLE {table}")

    def workers(self) -> list[psutil.Process]:
        """Flink's Python workers of this home."""
        found = []
        for process, _ in marked(HOME_MARK, str(self.path)):
            try:
                if "pyflink.fn_execution" in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """What one test makes of the log holds for no other: structlog has one configuration for the whole process."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """ClickHouse and the notifier, up for the whole session."""
    site = Home(tmp_path_factory.mktemp("home"))
    # a wide memory limit is no use here: every test shares two cores
    site.run("up")
    yield site
    control.down(site.path)


@pytest.fixture
def clean(home: Home) -> Home:
    """The session's home with empty tables."""
    home.empty()
    return home


@pytest.fixture(scope="session")
def covid_feed() -> Path:
    """A real feed beside the checkout; tests that read it are skipped, saying so, where it is not."""
    path = Path(__file__).parents[2] / "shared" / "data" / "feed" / "covid_weibo_2020.jsonl.gz"
    if not path.exists():
        pytest.skip("shared/data is not beside this checkout")
    return path


def lines(*posts: dict[str, Any]) -> bytes:
    """Posts as JSON lines."""
    return b"".join(json.dumps(post, ensure_ascii=False).encode() + b"\n" for post in posts)


os.environ.setdefault("OMP_NUM_THREADS", "1")
