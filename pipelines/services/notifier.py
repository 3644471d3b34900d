"""The notifier (``pipelines.store.notify``) as a service: it delivers alerts from the store's table.

A process of its own, so that no job ever waits for a webhook and a restarted job sends nothing twice. It has no port:
that it runs is all there is to ask.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from pipelines.services.process import spawn, stop, wait_until_answers
from pipelines.services.registry import Registry, Service

NAME = "notifier"
START_TIMEOUT = 60.0  # 1 s on an idle machine, nearly all of it imports


def start(registry: Registry, settings: Path | None = None) -> Service:
    """Start the notifier unless it runs. Call with the registry locked, after ClickHouse and the migrations.

    ``settings`` is the site's settings file: where alerts are sent stands there. Ready means that it talks to the
    store, so that a wrong setting is said here, not found in a log when the first alert does not arrive.
    """
    running = registry.running(NAME)
    if running is not None:  # the caller before may have gone before it worked
        return _await(running)
    log = registry.logs / f"{NAME}.log"
    command: list[str | Path] = [sys.executable, "-m", "pipelines.store.notify", "--home", registry.home]
    if settings is not None:
        command += ["--settings", Path(settings).absolute()]
    process = spawn(NAME, command, home=registry.home, log=log)
    service = Service.of(NAME, process, ports={}, url="", log=log)
    registry.put(service)
    return _await(service)


def _await(service: Service) -> Service:
    log = Path(service.log)
    wait_until_answers(NAME, lambda: _works(service.pid, log), service.process, logs=(log,), timeout=START_TIMEOUT)
    return service


def _works(pid: int, log: Path) -> bool:
    """True once it talks to the store, or says that it waits for it: by then its settings were read."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_ESTABLISHED for one in connections) or "store is away" in log.read_text(
        "utf-8"
    )


def stop_notifier(registry: Registry, *, grace: float = 15) -> None:
    """Stop the notifier; a delivery under way ends first or is done again after the next start."""
    service = registry.entry(NAME)
    if service is not None:
        stop(service.process, grace=grace)
        registry.drop(NAME)
