"""A service's metrics over HTTP, on a socket that whoever started the service has opened on 127.0.0.1.

The starter opens the socket, so that its port is taken from the moment it stands in HOME/services.json, and hands it
over as ``--metrics FD`` (systemd's socket units do the same). Without a socket a service serves nothing.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipelines.metrics import declared
from schemas.errors import ServiceError, UsageError

HOST = "127.0.0.1"
PATH = "/metrics"
SCRAPE_TIMEOUT_S = 10.0


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0: any. Raises ServiceError when the port is taken."""
    try:
        return socket.create_server((HOST, port), backlog=16)
    except OSError as error:
        raise ServiceError(f"port {port} of {HOST} cannot be taken: {error.strerror}") from None


@contextmanager
def serve(service: str, listener: int | socket.socket | None) -> Iterator[None]:
    """Count and serve the metrics of ``service`` while the block runs; ``listener`` is a socket, or the descriptor of
    one that this process inherited. None: neither. Raises UsageError for a descriptor that is no listening socket.

    Scrapes run in threads of their own, one each; they read, and wait for nothing that the service does.
    """
    if listener is None:
        yield
        return
    server = _server(_inherited(listener) if isinstance(listener, int) else listener)
    with declared.counting(service, server.registry):
        thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: Any


def _server(listener: socket.socket) -> _Server:
    from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics

    disable_created_metrics()  # a second series for each counter, which says when it was made
    server = _Server(listener.getsockname(), _Page, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=server.registry)
    return server


def _inherited(descriptor: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError
    except OSError:
        raise UsageError(f"--metrics {descriptor}: not the descriptor of a listening socket") from None
    listener.set_inheritable(False)
    return listener


class _Page(BaseHTTPRequestHandler):
    """GET /metrics and nothing else."""

    timeout = SCRAPE_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

        if self.path.partition("?")[0] != PATH:
            self.send_error(404)
            return
        page = generate_latest(self.server.registry)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """A scrape every few seconds is no news."""
