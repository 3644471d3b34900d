"""A receiver that answers as told, a mail server, and alerts to deliver."""

from __future__ import annotations

import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest

from pipelines.store.client import connect
from pipelines.store.sinks import StoreSink

NOW = 1_700_000_000_000


@dataclass
class Receiver:
    """An HTTP server that answers from a list of statuses (the last one for good) and keeps what it was sent."""

    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    answer: bytes = b""

    def keys(self, alert: str) -> list[str]:
        return [key for key, body in self.received if body["alert_id"] == alert]


@pytest.fixture
def receiver():
    state = Receiver()
    state.release.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.arrived.set()
            state.release.wait(30)
            state.received.append((self.headers["Idempotency-Key"], body))
            status = state.statuses.pop(0) if len(state.statuses) > 1 else state.statuses[0]
            try:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(state.answer)
            except OSError:  # the caller was killed while it waited
                pass

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    state.release.set()
    server.shutdown()
    server.server_close()


class Hits(StoreSink):
    table = "alert_hits"


@pytest.fixture
def hit(clickhouse):
    """Write a row of ``alert_hits`` for each alert: ``hit("one", "two", priority=2)``."""
    sink = Hits(clickhouse)
    sink.open()
    with connect(clickhouse) as client:  # what other tests left to deliver
        client.command("TRUNCATE TABLE alert_hits")

    def write(*alerts, post="1", notify=1, priority=2, **columns):
        values = {
            "platform": "notify", "post_id": post, "version": notify << 63 | 1, "lane": "rules",
            "rule": "flood-help", "priority": priority, "fold": "place", "place": "某县某村", "adcode": "410999",
            "needs": ["rescue"], "caller_token": "caller", "reasons": ["被困 (灾情求助)"], "notify": notify,
        } | columns  # fmt: skip
        times = {"at": NOW} | ({"stored_at": values.pop("stored_at")} if "stored_at" in values else {})
        count = len(alerts)
        sink.insert(
            {"alert_id": list(alerts), "version": pa.array([values.pop("version")] * count, pa.uint64())}
            | {name: [value] * count for name, value in values.items()}
            | {name: pa.array([time] * count, pa.timestamp("ms", "UTC")) for name, time in times.items()}
        )

    yield write
    sink.close()


@pytest.fixture
def notifier_user(clickhouse_server):
    return clickhouse_server.settings("notifier")


@pytest.fixture
def client(notifier_user):
    with connect(notifier_user) as opened:
        yield opened


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server that takes every mail and keeps it: (from, to, data)."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, bytes]] = []
        super().__init__(("127.0.0.1", 0), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        sender = receiver = ""
        self.say("220 test")
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(" ")
            if verb.upper() == "MAIL":
                sender = rest
            elif verb.upper() == "RCPT":
                receiver = rest
            elif verb.upper() == "DATA":
                self.say("354 go on")
                data = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    data += part
                self.server.mails.append((sender, receiver, data))
            elif verb.upper() == "QUIT":
                self.say("221 bye")
                return
            self.say("250 OK")


@pytest.fixture
def mailbox():
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
