"""`up`, `status`, `down` of a home: twice, side by side, after crashes, and with a pipe behind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.services import background, clickhouse, control
from pipelines.services.process import HOME_MARK, marked
from pipelines.services.registry import Registry
from pipelines.store.client import connect
from schemas.errors import ServiceError

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]
BASIC = [clickhouse.NAME, *(service.name for service in background.ALL)]


def states(home: Path) -> dict[str, str]:
    return {row["service"]: row["state"] for row in control.status(home)}


def ask(home: Path, query: str) -> Any:
    client = connect(control.connection(home))
    try:
        return client.query(query).result_rows
    finally:
        client.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "a home"
    yield home
    control.down(home)
    assert list(marked(HOME_MARK, str(home))) == [], "nothing is left running"


def test_a_home_that_never_was_up(home: Path) -> None:
    assert control.status(home) == []
    control.down(home)
    assert not home.exists(), "asking and stopping make nothing"
    with pytest.raises(ServiceError, match=r"yuqing up"):
        control.connection(home)


def test_up_twice_and_down_twice(home: Path) -> None:
    said: list[str] = []
    first = control.up(home, say=said.append)
    assert states(home) == dict.fromkeys(BASIC, "up")
    assert sum("lost" in line for line in said) == 1, "the first start warns about the keys"
    assert ask(home, "SELECT count() FROM posts") == [(0,)]
    said.clear()
    assert control.up(home, say=said.append) == first
    assert not any("lost" in line for line in said)
    for name in ("keyring.json", "clickhouse.json"):
        assert (home / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o077 == 0, "nobody else may look in"
    control.down(home)
    assert states(home) == {}
    control.down(home)


@pytest.mark.faults
def test_what_was_killed_comes_back_where_it_was(home: Path) -> None:
    before = control.up(home)
    ask(home, "CREATE TABLE kept (n Int64) ENGINE = MergeTree ORDER BY n")
    ask(home, "INSERT INTO kept SELECT number FROM numbers(1000)")
    for name in BASIC:
        control.kill(home, name)
    assert states(home) == dict.fromkeys(BASIC, "died")
    with pytest.raises(ServiceError, match=r"not up"):
        control.connection(home)
    after = control.up(home)
    for name in BASIC:
        assert (after[name].url, after[name].ports) == (before[name].url, before[name].ports)
        assert after[name].pid != before[name].pid
    assert ask(home, "SELECT count(), sum(n) FROM kept") == [(1000, 499500)]


@pytest.mark.faults
def test_down_finds_what_no_registry_knows(home: Path) -> None:
    control.up(home)
    Registry(home).path.unlink()
    said: list[str] = []
    control.down(home, say=said.append)
    assert said == [f"{len(BASIC)} stray process(es) ended"]


def test_two_homes_side_by_side(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    try:
        mine, theirs = control.up(home), control.up(other)
        assert not set(mine[clickhouse.NAME].ports.values()) & set(theirs[clickhouse.NAME].ports.values())
        ask(home, "CREATE TABLE mine (n Int64) ENGINE = MergeTree ORDER BY n")
        assert ask(other, "EXISTS TABLE mine") == [(0,)]
        assert control.connection(home).password != control.connection(other).password
        control.down(other)
        assert states(home) == dict.fromkeys(BASIC, "up")
    finally:
        control.down(other)


def test_the_caller_of_up_can_leave(home: Path) -> None:
    """`up | cat` ends when `up` does: the services hold neither its pipe nor its terminal."""
    program = f"""if True:
        import json
        from pathlib import Path
        from pipelines.services import control
        control.up(Path({str(home)!r}))
        print(json.dumps([row["state"] for row in control.status(Path({str(home)!r}))]))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=180, check=True)
    assert json.loads(done.stdout) == ["up"] * len(BASIC)
    assert states(home) == dict.fromkeys(BASIC, "up"), "they live on"


@pytest.mark.faults
def test_up_goes_on_where_a_killed_up_stopped(home: Path) -> None:
    program = f"from pathlib import Path; from pipelines.services import control; control.up(Path({str(home)!r}))"
    killed = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 120
    while clickhouse.NAME not in Registry(home).services():  # it starts, and does not answer yet
        assert time.monotonic() < deadline
        assert killed.poll() is None
    killed.kill()
    killed.wait()
    left = Registry(home).services()[clickhouse.NAME]
    assert control.up(home)[clickhouse.NAME].pid == left.pid
    assert states(home) == dict.fromkeys(BASIC, "up")
    assert ask(home, "SELECT count() FROM posts") == [(0,)]


def test_a_setting_that_is_wrong_is_said_by_up(home: Path, tmp_path: Path) -> None:
    settings = tmp_path / "site.yaml"
    settings.write_text("alerts: {webhook: 'nowhere'}")
    with pytest.raises(ServiceError, match=r"alerts.webhook 'nowhere' is not an http"):
        control.up(home, settings=settings)
    settings.write_text("alerts: {webhook: 'http://127.0.0.1:9/'}")
    control.up(home, settings=settings)
    assert states(home) == dict.fromkeys(BASIC, "up"), "another up goes on from there"
