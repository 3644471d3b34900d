"""The embedded ClickHouse server as a service: start, stop, where and as whom to connect.

Data lie under ``HOME/clickhouse``; passwords are made at random on the first start and kept in
``HOME/keys/clickhouse.json`` (mode 0600). A home made before the store had one of its users gets that one's password
at its next start.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from governance.keys import create_once, read_private, write_private
from pipelines.services.process import spawn, stop, wait_until_answers
from pipelines.services.registry import HOST, Registry, Service
from pipelines.store.client import StoreSettings
from pipelines.store.disk import environment
from pipelines.store.roles import USERS
from schemas.errors import ServiceError

NAME = "clickhouse"
DEFAULT_PORTS = {"http": 8123, "tcp": 9000}
START_TIMEOUT = 90.0  # under 1 s on an idle machine; recovery after a crash with much data takes longer
_PASSWORDS = "clickhouse.json"


def passwords(home: Path) -> dict[str, str]:
    """User -> password, made on the first call for a home."""
    create_once(home, _PASSWORDS, lambda: _dump({}))
    return dict(json.loads(read_private(home, _PASSWORDS)))


def _complete_passwords(home: Path) -> dict[str, str]:
    """``passwords`` with one for each user there is by now; those of before stay. Call with the registry locked."""
    known = passwords(home)
    if all(user in known for user in USERS):
        return known
    folder = home / "keys"
    write_private(folder, _dump(known)).replace(folder / _PASSWORDS)
    return passwords(home)


def _dump(known: dict[str, str]) -> bytes:
    return json.dumps({user: secrets.token_urlsafe(24) for user in USERS} | known).encode()


def start(registry: Registry, disk_keys: Sequence[bytes]) -> Service:
    """Start the server unless it runs; return once it answers. Call with the registry locked.

    ``disk_keys``: of its encrypted disk, newest first (``governance.keys.ensure_disk_keys``).
    """
    running = registry.running(NAME)
    if running is not None:  # the caller before may have gone before it answered
        return _await(running)
    from pipelines.store.embedded import write_users

    directory = registry.home / NAME
    log = registry.logs / f"{NAME}.log"
    with registry.ports(NAME, DEFAULT_PORTS) as ports:
        write_users(directory, _complete_passwords(registry.home))
        command: list[str | Path] = [sys.executable, "-m", "pipelines.store.embedded", directory]
        command += ["--http-port", str(ports["http"]), "--tcp-port", str(ports["tcp"])]
        with _piped(json.dumps(environment(disk_keys)).encode()) as keys:
            command += ["--disk-keys", str(keys)]
            process = spawn(NAME, command, home=registry.home, log=log, pass_fds=(keys,))
        service = Service.of(NAME, process, ports=ports, url=f"http://{HOST}:{ports['http']}", log=log)
        registry.put(service)
        return _await(service)


@contextlib.contextmanager
def _piped(content: bytes) -> Iterator[int]:
    """The reading end of a pipe that holds ``content`` (at most 64 KiB, what a pipe takes without a reader)."""
    reader, writer = os.pipe()
    try:
        with open(writer, "wb") as pipe:
            pipe.write(content)
        yield reader
    finally:
        os.close(reader)


def _await(service: Service) -> Service:
    logs = (Path(service.log),)
    wait_until_answers(NAME, lambda: answers(service.url), service.process, logs=logs, timeout=START_TIMEOUT)
    return service


def stop_server(registry: Registry, *, grace: float = 40) -> None:
    """Stop the server; running inserts end first. ``grace`` is more than its own limit for that (30 s)."""
    service = registry.entry(NAME)
    if service is not None:
        stop(service.process, grace=grace)
        registry.drop(NAME)


def answers(url: str) -> bool:
    """True if a ClickHouse says that it is well (``/ping``)."""
    import httpx

    try:
        return httpx.get(f"{url}/ping", timeout=5, trust_env=False).text.strip() == "Ok."
    except httpx.HTTPError:
        return False


def connection(registry: Registry, user: str = "yuqing") -> StoreSettings:
    """How to reach this home's server as ``user``.

    Raises ServiceError with the remedy when the server is not up, or was started before there was such a user.
    """
    service = registry.running(NAME)
    if service is None:
        raise ServiceError(f"ClickHouse is not up in {registry.home}: `yuqing up` starts it")
    password = passwords(registry.home).get(user)
    if password is None:
        raise ServiceError(f"this store was started before it had a user {user}: `yuqing down`, then `yuqing up`")
    return StoreSettings(url=service.url, user=user, password=password)
