"""A home of yuqing as the outside sees it: its command line, its store, its Kafka, its processes.

Everything in `loadtest` goes through here, so that what is proved of the product is proved of what an operator has. No
module of the product is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect
import psutil
from clickhouse_connect.driver.client import Client

YUQING = str(Path(sys.executable).with_name("yuqing"))


class Failed(Exception):
    """A command that should have succeeded did not, or something that was waited for did not come."""


@dataclass(frozen=True)
class Outside:
    """A home, seen from outside. Plain: it holds no connection and may be copied, pickled and made again."""

    home: Path

    def command(self, *arguments: str) -> list[str]:
        return [YUQING, "--home", str(self.home), *arguments]

    def run(self, *arguments: str, timeout_s: float = 300, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises Failed with the end of what it said, where `check` and the exit is not 0."""
        done = subprocess.run(  # noqa: S603 - our own command, arguments as a list
            self.command(*arguments), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if check and done.returncode:
            raise Failed(f"yuqing {' '.join(arguments)}: exit {done.returncode}\n{done.stderr[-2000:]}")
        return done

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command that stays; stdout and stderr are appended to `log`."""
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
                self.command(*arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def services(self) -> dict[str, dict[str, Any]]:
        """`HOME/services.json`: pid, ports, url and log of each service that was started; empty without one."""
        try:
            return dict(json.loads((self.home / "services.json").read_text())["services"])
        except FileNotFoundError:
            return {}

    def kafka(self) -> str:
        """host:port of the embedded broker."""
        return f"127.0.0.1:{self.services()['kafka']['ports']['client']}"

    @contextlib.contextmanager
    def store(self, user: str = "yuqing", timeout_s: float = 300) -> Iterator[Client]:
        """A client of the store; "yuqing" is the pipeline's own account, which sees everything that a check needs.

        `timeout_s` bounds each answer, that to connecting too. Raises Failed where the home has no store that runs.
        """
        if "clickhouse" not in (services := self.services()):
            raise Failed(f"{self.home}: its store does not run: `yuqing --home {self.home} up` starts it")
        password = json.loads((self.home / "keys" / "clickhouse.json").read_text())[user]
        client = clickhouse_connect.get_client(
            host="127.0.0.1",
            port=services["clickhouse"]["ports"]["http"],
            username=user,
            password=password,
            database="yuqing",
            autogenerate_session_id=False,
            connect_timeout=timeout_s,
            send_receive_timeout=timeout_s,
        )
        try:
            yield client
        finally:
            client.close()

    def ask(self, sql: str, timeout_s: float = 300) -> list[tuple[Any, ...]]:
        """Rows of a query, over a connection of its own (about 10 ms)."""
        with self.store(timeout_s=timeout_s) as client:
            return [tuple(row) for row in client.query(sql).result_rows]

    def processes(self) -> dict[int, str]:
        """pid -> kind of every living process of this home (and of commands that were started on it)."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                line = process.cmdline()
                ours = process.environ().get("YUQING_HOME") == str(self.home) or str(self.home) in line
                if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = kind(line)
        return found


_KINDS: Sequence[tuple[str, str]] = (
    ("pyflink.fn_execution", "python worker"),
    # before "pyflink": Flink's jars lie in that package
    ("StandaloneSessionClusterEntrypoint", "jobmanager"),
    ("TaskManagerRunner", "taskmanager"),
    ("pyflink", "flink client"),
    ("pipelines.store.embedded", "clickhouse"),
    ("pipelines.store.notify", "notifier"),
    ("pipelines.jobs.watch", "watch"),
    ("kafka.Kafka", "kafka"),
)


def kind(line: Sequence[str]) -> str:
    """What a command line is: one of the services, a Flink worker, or "command"."""
    text = " ".join(line)
    return next((name for words, name in _KINDS if words in text), "java" if "java" in line[:1] else "command")


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 240, every_s: float = 0.5) -> float:
    """Seconds until `condition()` was true. Raises Failed, naming `what`, after `timeout_s`."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > timeout_s:
            raise Failed(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)
    return time.monotonic() - began
