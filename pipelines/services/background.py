"""The services that only have metrics to show: they read the store and write to it, each a process of its own.

* ``notifier`` (``pipelines.store.notify``) delivers alerts, so that no job ever waits for a receiver and a restarted
  job sends nothing twice;
* ``watch`` (``pipelines.jobs.watch``) folds calls for help into episodes and looks for bursts and silence.

That they run and talk to the store is all there is to ask.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipelines.metrics.endpoint import listen
from pipelines.services.process import spawn, stop, wait_until_answers
from pipelines.services.registry import Registry, Service

START_TIMEOUT = 60.0  # 1 s on an idle machine, nearly all of it imports


@dataclass(frozen=True)
class Background:
    """A service that is a module; ``python -m module --home HOME [--metrics FD] [--settings FILE]``."""

    name: str
    module: str
    metrics: int
    """Its metrics are at /metrics of this port, or of the next free one."""

    def spawn(self, registry: Registry, settings: Path | None = None) -> Service:
        """Start it unless it runs, and do not wait. Call with the registry locked, after the store's migrations.

        ``settings`` is the site's settings file: where alerts are sent stands there.
        """
        running = registry.running(self.name)
        if running is not None:
            return running
        log = registry.logs / f"{self.name}.log"
        command: list[str | Path] = [sys.executable, "-m", self.module, "--home", registry.home]
        if settings is not None:
            command += ["--settings", Path(settings).absolute()]
        with ExitStack() as opened:
            ports = opened.enter_context(registry.ports(self.name, {"metrics": self.metrics}))
            # opened here and inherited: nobody can take the port before the service has come up
            listener = opened.enter_context(listen(ports["metrics"]))
            command += ["--metrics", str(listener.fileno())]
            # it reads the site's settings itself: a store of one's own may have its password in the environment
            keeps = ("YUQING_STORE__PASSWORD",)
            process = spawn(self.name, command, home=registry.home, log=log, pass_fds=(listener.fileno(),), keeps=keeps)
            service = Service.of(self.name, process, ports=ports, url="", log=log)
            registry.put(service)
        return service

    def start(self, registry: Registry, settings: Path | None = None) -> Service:
        """Start it unless it runs, and wait until it works (the caller before may have gone before it did): ready means
        that it talks to the store, so that a wrong setting is said here, not found in a log when something is missed.
        """
        service = self.spawn(registry, settings)
        log = Path(service.log)
        wait_until_answers(
            self.name, lambda: _works(service.pid, log), service.process, logs=(log,), timeout=START_TIMEOUT
        )
        return service

    def stop(self, registry: Registry, *, grace: float = 15) -> None:
        """Stop it; what is under way ends first or is done again after the next start."""
        service = registry.entry(self.name)
        if service is not None:
            stop(service.process, grace=grace)
            registry.drop(self.name)


NOTIFIER = Background("notifier", "pipelines.store.notify", 9310)
WATCH = Background("watch", "pipelines.jobs.watch", 9311)
ALL = (NOTIFIER, WATCH)


def _works(pid: int, log: Path) -> bool:
    """True once it talks to the store, or says that it waits for it: by then its settings were read."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_ESTABLISHED for one in connections) or "store is away" in log.read_text(
        "utf-8"
    )
