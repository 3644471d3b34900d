"""``up``, ``down``, ``status``: what the command line calls.

All three may be called at any time and twice: ``up`` starts what does not run (after a crash on the ports that jobs
know already), ``down`` stops what is there, whatever state it is in. One caller at a time changes a home.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from pipelines.services import background, clickhouse, flink_rest, page
from pipelines.services import flink as flink_cluster
from pipelines.services import kafka as kafka_broker
from pipelines.services import look as page_server
from pipelines.services.process import HOME_MARK, SERVICE_MARK, TOKEN_MARK, is_alive, kill_all, kill_leader, marked
from pipelines.services.registry import Registry, Service
from pipelines.store.client import StoreSettings
from schemas.errors import ServiceError

Say = Callable[[str], None]
COLUMNS = ("service", "state", "url", "ports", "pid", "memory_mb", "seconds", "log")


def up(
    home: Path,
    flink: bool = False,
    kafka: bool = False,
    look: bool = False,
    say: Say = lambda _: None,
    settings: Path | None = None,
) -> dict[str, Service]:
    """Start what is asked for and does not run; return the services once all answer and the store has its tables.

    ``say`` gets a line for the user at each step; ``settings`` is the site's settings file. Raises ServiceError with
    the end of the log of what did not start; what had started stays, and another ``up`` goes on from there.
    """
    from governance.keys import LOSS_WARNING, ensure_disk_keys, ensure_keys
    from pipelines.store.migrate import migrate
    from schemas.settings import load

    registry = Registry(home)
    sources = load(settings).keys
    if look:
        page.build(say)  # before anything starts: this is what may be missing a tool
    with registry.locked():
        if ensure_keys(registry.home, sources.master, sources.token).created:
            say(LOSS_WARNING.format(folder=registry.home / "keys"))
        disk_keys = ensure_disk_keys(registry.home, sources.disk)
        _start(registry, clickhouse.NAME, lambda home: clickhouse.start(home, disk_keys), say)
        migrate(clickhouse.connection(registry))
        ran = {service.name for service in background.ALL if registry.running(service.name)}
        for service in background.ALL:
            service.spawn(registry, settings)  # side by side: nearly all of a start is imports
        for service in background.ALL:
            _start(registry, service.name, partial(service.start, settings=settings), say, service.name in ran)
        if kafka:
            _start(registry, kafka_broker.NAME, kafka_broker.start, say)
        if flink:
            _start(registry, flink_cluster.JOBMANAGER, flink_cluster.start, say)
        if look:
            _start(registry, page_server.NAME, partial(page_server.start, settings=settings), say)
        return registry.services()


def _start(
    registry: Registry, name: str, start: Callable[[Registry], Service], say: Say, ran: bool | None = None
) -> None:
    if ran is None:
        ran = registry.running(name) is not None
    began = time.monotonic()
    service = start(registry)
    where = f" at {service.url}" if service.url else ""
    say(f"{name} {'is up' if ran else f'started in {time.monotonic() - began:.1f} s'}{where}")


def down(home: Path, *, say: Say = lambda _: None) -> None:
    """Stop every service of the home, the readers of the store first; nothing of it is left running afterwards."""
    registry = Registry(home)
    if not registry.home.is_dir():
        return
    with registry.locked():
        for stop in (
            flink_cluster.stop_cluster,
            kafka_broker.stop_broker,
            page_server.stop_server,
            *(service.stop for service in background.ALL),
            clickhouse.stop_server,
        ):
            before = set(registry.services())
            stop(registry)
            for name in sorted(before - set(registry.services())):
                say(f"{name} stopped")
        # what was started here but is in no registry (a lost services.json, a caller killed while starting)
        strays = kill_all(
            process for process, environ in marked(HOME_MARK, str(registry.home)) if SERVICE_MARK in environ
        )
        if strays:
            say(f"{strays} stray process(es) ended")


def status(home: Path) -> list[dict[str, Any]]:
    """One row for each service that was started and not stopped, with the keys of ``COLUMNS``.

    ``state``: ``up``; ``no answer`` (its process lives); ``died`` (its process is gone; ``up`` starts it again).
    ``memory_mb`` is the resident memory of the process and all it started. Cost: under 0.1 s when all is well.
    """
    registry = Registry(home)
    memory = _memory(registry.home)
    return [_row(service, memory.get(service.token, 0.0)) for service in registry.services().values()]


def _row(service: Service, memory: float) -> dict[str, Any]:
    alive = is_alive(service.process)
    state = "died" if not alive else "up" if _answers(service) else "no answer"
    living = (service.pid, round(memory), round(time.time() - service.started)) if alive else (None, None, None)
    return dict(
        zip(COLUMNS, (service.name, state, service.url, dict(service.ports), *living, service.log), strict=True)
    )


def _answers(service: Service) -> bool:
    if service.name == clickhouse.NAME:
        return clickhouse.answers(service.url)
    if service.name == kafka_broker.NAME:
        return kafka_broker.answers(kafka_broker.bootstrap(service))
    if service.name == flink_cluster.JOBMANAGER:
        return flink_rest.answers(service.url)
    if service.name == page_server.NAME:
        return page_server.answers(service.url)
    return True  # TaskManagers and the services in the background have no port of their own


def _memory(home: Path) -> dict[str, float]:
    """MiB of resident memory by token: a service and its children."""
    found: dict[str, float] = {}
    for process, environ in marked(HOME_MARK, str(home)):
        with contextlib.suppress(psutil.Error):
            token = environ.get(TOKEN_MARK, "")
            found[token] = found.get(token, 0.0) + process.memory_info().rss / 2**20
    return found


def connection(home: Path, user: str = "yuqing") -> StoreSettings:
    """How to reach the home's ClickHouse as ``user``; ServiceError when it is not up."""
    return clickhouse.connection(Registry(home), user)


def look_link(home: Path) -> str:
    """The address of the home's page, with the secret that opens it; empty while it does not run."""
    return page_server.link(Registry(home))


def kill(home: Path, name: str) -> int:
    """SIGKILL the process of a service, not its children, and return its pid once it is gone: a fault for tests."""
    service = Registry(home).running(name)
    if service is None:
        raise ServiceError(f"{name} does not run in {home}")
    kill_leader(service.process)
    return service.pid
