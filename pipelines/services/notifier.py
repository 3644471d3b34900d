"""The notifier (``pipelines.store.notify``) as a service: it delivers alerts from the store's table.

A process of its own, so that no job ever waits for a webhook and a restarted job sends nothing twice. It has no port:
that it runs is all there is to ask.
"""

from __future__ import annotations

import sys

from pipelines.services.process import spawn, stop, wait_until_answers
from pipelines.services.registry import Registry, Service

NAME = "notifier"


def start(registry: Registry) -> Service:
    """Start the notifier unless it runs. Call with the registry locked, after ClickHouse and the migrations."""
    running = registry.running(NAME)
    if running is not None:
        return running
    log = registry.logs / f"{NAME}.log"
    command = [sys.executable, "-m", "pipelines.store.notify", "--home", str(registry.home)]
    process = spawn(NAME, command, home=registry.home, log=log)
    service = Service.of(NAME, process, ports={}, url="", log=log)
    registry.put(service)
    wait_until_answers(NAME, lambda: True, process, logs=(log,), timeout=1)
    return service


def stop_notifier(registry: Registry, *, grace: float = 15) -> None:
    """Stop the notifier; a delivery under way ends first or is done again after the next start."""
    service = registry.entry(NAME)
    if service is not None:
        stop(service.process, grace=grace)
        registry.drop(NAME)
