"""What runs under a HOME: ``HOME/services.json``, which every command reads.

    {"services": {"clickhouse": {"pid": 4711, "started": 1790000000.0, "token": "...",
                                 "ports": {"http": 8123, "tcp": 9000}, "url": "http://127.0.0.1:8123",
                                 "log": ".../logs/clickhouse.log"}}}

The file is replaced whole, so a reader never sees half of it. An entry may be stale (the machine went down, someone
killed the process): ``running`` returns an entry only while its process lives; ``entry`` returns it even so, since a
service that is started again should come back on the ports that jobs already know.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.services.process import Spawned, is_alive
from schemas.errors import ServiceError

HOST = "127.0.0.1"
_TRIED_PORTS = 500


@dataclass(frozen=True)
class Service:
    """One line of the registry. ``ports`` by role, ``url`` is where a client goes, ``log`` where to look first."""

    name: str
    pid: int
    started: float
    token: str
    ports: Mapping[str, int]
    url: str
    log: str

    @property
    def process(self) -> Spawned:
        return Spawned(self.pid, self.started, self.token)

    @classmethod
    def of(cls, name: str, process: Spawned, *, ports: Mapping[str, int], url: str, log: Path) -> Service:
        return cls(name, process.pid, process.started, process.token, dict(ports), url, str(log))


class Registry:
    """The services of one home. Reading needs no lock; hold ``locked()`` while starting or stopping."""

    def __init__(self, home: Path) -> None:
        self.home = Path(home).absolute()
        self.path = self.home / "services.json"
        self.logs = self.home / "logs"

    def services(self) -> dict[str, Service]:
        """Every entry, stale ones too, in the order they were started."""
        try:
            found = json.loads(self.path.read_text("utf-8"))["services"]
            return {name: Service(name=name, **fields) for name, fields in found.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ServiceError(
                f"{self.path} is damaged ({type(error).__name__}): stop its services, remove it"
            ) from None

    def entry(self, name: str) -> Service | None:
        return self.services().get(name)

    def running(self, name: str) -> Service | None:
        """The entry of ``name`` if its process lives."""
        service = self.entry(name)
        return service if service is not None and is_alive(service.process) else None

    def put(self, service: Service) -> None:
        services = self.services()
        services.pop(service.name, None)  # to the end: the order is that of the starts
        self._write({**services, service.name: service})

    def drop(self, name: str) -> None:
        services = self.services()
        if services.pop(name, None) is not None:
            self._write(services)

    def _write(self, services: Mapping[str, Service]) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = {
            name: {key: value for key, value in asdict(service).items() if key != "name"}
            for name, service in services.items()
        }
        new = self.path.with_name(f".services.json.{os.getpid()}")
        with new.open("w", encoding="utf-8") as file:
            json.dump({"services": found}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this home for one caller: a second ``up`` or ``down`` waits for the first."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _exclusive(self.home / ".services.lock"):
            yield

    @contextlib.contextmanager
    def ports(self, name: str, defaults: Mapping[str, int]) -> Iterator[dict[str, int]]:
        """Free ports for ``name``: those it had last (a restart after a crash), else the defaults, else the next free.

        The choice is this user's alone until the block ends, so two homes that come up at once do not meet: leave
        the block once the service listens. Registered ports of this home's other services are passed over even
        while those are down.
        """
        others = {port for other in self.services().values() if other.name != name for port in other.ports.values()}
        last = self.entry(name)
        wanted = {role: (last.ports.get(role, port) if last else port) for role, port in defaults.items()}
        with _exclusive(Path(tempfile.gettempdir()) / f"yuqing-ports-{os.getuid()}.lock"):
            chosen: dict[str, int] = {}
            for role, port in wanted.items():
                chosen[role] = free_port(port, taken=others | set(chosen.values()))
            yield chosen


def free_port(wanted: int, *, taken: set[int] | None = None) -> int:
    """Return ``wanted`` if nobody listens there, else the next port on which nobody does."""
    for port in range(wanted, min(wanted + _TRIED_PORTS, 65536)):
        if port not in (taken or ()) and is_free(port):
            return port
    raise ServiceError(f"no free port from {wanted} to {wanted + _TRIED_PORTS} on {HOST}")


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections may linger on the port
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock between processes. The file stays: removing it would let two holders in."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
