"""services.json: what is in it, when an entry counts, which ports are given out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.services.process import Spawned, kill, spawn
from pipelines.services.registry import HOST, Registry, Service, free_port
from schemas.errors import ServiceError

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "home")


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Spawned]:
    process = spawn("store", SLEEP, home=tmp_path, log=tmp_path / "store.log")
    yield process
    kill(process)


@pytest.fixture
def listener() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def service(process: Spawned, name: str = "store", **ports: int) -> Service:
    return Service.of(name, process, ports=ports, url="http://127.0.0.1:1", log=Path("store.log"))


def test_what_is_put_is_read_by_anyone(registry: Registry, living: Spawned) -> None:
    registry.put(service(living, http=8123))
    written = json.loads((registry.home / "services.json").read_text())
    assert written["services"]["store"]["ports"] == {"http": 8123}
    assert written["services"]["store"]["pid"] == living.pid
    again = Registry(registry.home)
    assert again.running("store") == service(living, http=8123)
    again.drop("store")
    again.drop("store")
    assert registry.services() == {}


def test_the_order_is_that_of_the_starts(registry: Registry, living: Spawned) -> None:
    for name in ("a", "b", "a"):
        registry.put(service(living, name))
    assert list(registry.services()) == ["b", "a"]


def test_a_stale_entry_does_not_run_but_keeps_its_ports(registry: Registry, living: Spawned) -> None:
    registry.put(service(living, http=18123))
    kill(living)
    assert registry.running("store") is None
    assert registry.entry("store") is not None
    with registry.ports("store", {"http": 8123, "tcp": 9000}) as ports:
        assert ports["http"] == 18123, "jobs know this one"


def test_a_recycled_pid_does_not_run(registry: Registry, living: Spawned) -> None:
    registry.put(replace(service(living), token="another start"))
    assert registry.running("store") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"services": {"store": {"pid": 1}}}', '{"services": 3}'])
def test_a_damaged_file_is_named(registry: Registry, content: str) -> None:
    registry.home.mkdir()
    registry.path.write_text(content)
    with pytest.raises(ServiceError, match="is damaged"):
        registry.services()


def test_no_file_is_no_service(registry: Registry) -> None:
    assert registry.services() == {}
    assert not registry.home.exists(), "reading makes nothing"


def test_a_taken_port_is_passed_over(listener: int) -> None:
    assert free_port(listener) != listener
    following = free_port(listener)
    assert free_port(listener, taken={following}) > following


def test_two_homes_get_different_ports(tmp_path: Path, listener: int) -> None:
    """The second home chooses only after the first one's service listens."""
    first, second = Registry(tmp_path / "a"), Registry(tmp_path / "b")
    with first.ports("store", {"http": listener}) as ports, socket.socket() as server:
        mine = ports["http"]
        server.bind((HOST, mine))
        server.listen()
        choose = (
            "import sys; from pathlib import Path; from pipelines.services.registry import Registry\n"
            f"with Registry(Path({str(second.home)!r})).ports('store', {{'http': {listener}}}) as p: print(p['http'])"
        )
        other = subprocess.Popen([sys.executable, "-c", choose], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=1.5)
        # still held here, so the other waits; only now may it look
        os.set_inheritable(server.fileno(), False)
        keep = server.dup()
    try:
        said, _ = other.communicate(timeout=60)
        assert int(said) not in (listener, mine)
    finally:
        keep.close()


def test_no_two_roles_share_a_port(registry: Registry, listener: int) -> None:
    with registry.ports("store", {"http": listener, "tcp": listener}) as ports:
        assert len({listener, *ports.values()}) == 3


def test_one_caller_at_a_time_changes_a_home(registry: Registry) -> None:
    wait = (
        "from pathlib import Path; from pipelines.services.registry import Registry\n"
        f"with Registry(Path({str(registry.home)!r})).locked(): print('in')"
    )
    with registry.locked():
        other = subprocess.Popen([sys.executable, "-c", wait], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=1.5)
    said, _ = other.communicate(timeout=60)
    assert said.strip() == "in"
