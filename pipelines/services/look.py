"""The service ``look``: the dashboards as a local page. ``pipelines.cli.look`` is what runs."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from governance.keys import create_once, read_private
from pipelines.services.process import spawn, stop, wait_until_answers
from pipelines.services.registry import HOST, Registry, Service

NAME = "look"
DEFAULT_PORTS = {"http": 8600}
START_TIMEOUT = 60.0  # 1 s on an idle machine, nearly all of it imports
_TOKEN = "look"  # noqa: S105 - the name of its file


def token_of(home: Path) -> str:
    """The secret in this home's link, made on the first call; HOME/keys/look, mode 0600. Without that file, another."""
    create_once(home, _TOKEN, lambda: secrets.token_urlsafe(24).encode())
    return read_private(home, _TOKEN).decode()


def link(registry: Registry) -> str:
    """The address that opens the page, with the secret in it; empty while it does not run."""
    service = registry.running(NAME)
    return f"{service.url}/?token={token_of(registry.home)}" if service is not None else ""


def start(registry: Registry, settings: Path | None = None) -> Service:
    """Start it unless it runs; return once it answers. The page must have been built (``pipelines.services.page``).

    Call with the registry locked.
    """
    running = registry.running(NAME)
    if running is not None:
        return _await(running)
    log = registry.logs / f"{NAME}.log"
    with registry.ports(NAME, DEFAULT_PORTS) as ports:
        command: list[str | Path] = [sys.executable, "-m", "pipelines.cli.look", "--home", registry.home]
        command += ["--port", str(ports["http"])]
        if settings is not None:
            command += ["--settings", Path(settings).absolute()]
        process = spawn(NAME, command, home=registry.home, log=log)
        service = Service.of(NAME, process, ports=ports, url=f"http://{HOST}:{ports['http']}", log=log)
        registry.put(service)
        return _await(service)


def _await(service: Service) -> Service:
    logs = (Path(service.log),)
    wait_until_answers(NAME, lambda: answers(service.url), service.process, logs=logs, timeout=START_TIMEOUT)
    return service


def stop_server(registry: Registry, *, grace: float = 10) -> None:
    service = registry.entry(NAME)
    if service is not None:
        stop(service.process, grace=grace)
        registry.drop(NAME)


def answers(url: str) -> bool:
    """True if the page's server says that it is well (``/ping``, the one path that needs no link)."""
    import httpx

    try:
        return httpx.get(f"{url}/ping", timeout=5, trust_env=False).text == "Ok."
    except httpx.HTTPError:
        return False
