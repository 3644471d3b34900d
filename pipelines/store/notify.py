"""The notifier: delivers alerts from the store's table, so that the stream never waits for a receiver. It also copies
the audit ledger's new entries into the store every ten seconds, since it is the one process that always runs.

    python -m pipelines.store.notify --home .yuqing

An alert is due when it has a hit with ``notify`` = 1 and either was never told or has become more urgent since. For
each: an *intent* row, the request, a *done* row. Killed before the request: it is due again, nothing was lost. Killed
after it: sent again under the same ``Idempotency-Key`` (alert id and priority), by which a receiver drops the second.
A failed delivery is tried again after 1, 2, 4, ... 60 s, for as long as the alert is in the table.

What is sent: the alert's own fields and the ids of its posts. Never text of a post.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog
from clickhouse_connect.driver.client import Client

from governance.keys import read_private
from pipelines.store.audit import LedgerCopy
from pipelines.store.client import StoreSettings, connect, external, translated
from pipelines.store.sinks import now_ms
from schemas.errors import ServiceError, StoreError, StoreUnavailable, UsageError, YuqingError
from schemas.settings import Settings, load

POLL_S = 0.5
FIRST_WAIT_MS = 1_000
LONGEST_WAIT_MS = 60_000
SEND_TIMEOUT_S = 10.0
AT_ONCE = 100
POST_IDS = 20
COPY_LEDGER_S = 10.0

log = structlog.get_logger("notify")

_DUE = """
SELECT hits.alert_id, hits.priority, deliveries.attempts
FROM
(
    SELECT alert_id, min(priority) AS priority, min(stored_at) AS since
    FROM alert_hits FINAL WHERE notify = 1 GROUP BY alert_id
) AS hits
LEFT JOIN
(
    SELECT alert_id, minIf(priority, status = 'done') AS told, countIf(status = 'done') AS times_told,
        max(attempt) AS attempts
    FROM alert_deliveries GROUP BY alert_id
) AS deliveries ON deliveries.alert_id = hits.alert_id
WHERE deliveries.times_told = 0 OR hits.priority < deliveries.told
ORDER BY hits.priority, hits.since
"""

_ALERTS = """
SELECT alert_id, rule, priority, place, needs, toUnixTimestamp64Milli(first_at), toUnixTimestamp64Milli(last_at),
    posts, callers, state, reasons
FROM alerts WHERE alert_id IN {ids:Array(String)}
"""

_POST_IDS = """
SELECT alert_id, groupArray({most:UInt32})((platform, post_id))
FROM (SELECT alert_id, platform, post_id FROM alert_hits FINAL WHERE alert_id IN {ids:Array(String)} ORDER BY at)
GROUP BY alert_id
"""


@dataclass(frozen=True)
class Message:
    """What a receiver gets, as JSON. Times are milliseconds since the epoch."""

    event: str
    idempotency_key: str
    alert_id: str
    rule: str
    priority: int
    place: str
    needs: list[str]
    first_at: int
    last_at: int
    posts: int
    callers: int
    state: str
    reasons: list[str]
    post_ids: list[dict[str, str]]


class DeliveryFailed(Exception):
    """The receiver did not accept. The message says how (status or kind of error), never what was sent."""


class Channel(Protocol):
    """A way to a person. ``send`` returns what the receiver answered, or raises DeliveryFailed."""

    name: str

    def send(self, message: Message) -> str: ...


class Webhook:
    """POSTs JSON; any 2xx is acceptance. Redirects are not followed."""

    name = "webhook"

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"alerts.webhook {url!r} is not an http or https address")
        self.url = url
        self._http = httpx.Client(timeout=SEND_TIMEOUT_S, transport=transport, trust_env=False)

    def send(self, message: Message) -> str:
        try:
            answer = self._http.post(
                self.url, json=asdict(message), headers={"Idempotency-Key": message.idempotency_key}
            )
        except httpx.HTTPError as error:
            raise DeliveryFailed(type(error).__name__) from None
        if not answer.is_success:
            raise DeliveryFailed(f"HTTP {answer.status_code}")
        return f"HTTP {answer.status_code}"


class AlertFile:
    """Appends a line a message: for a site that has no receiver yet."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, message: Message) -> str:
        try:
            line = json.dumps(asdict(message), ensure_ascii=False) + "\n"
            with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DeliveryFailed(error.strerror or type(error).__name__) from None
        return "written"


@dataclass
class Notifier:
    """Delivers what is due. ``waits``: alert id and priority -> (failures so far, time of the next try)."""

    client: Client
    channel: Channel
    clock: Callable[[], int] = now_ms
    waits: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def round(self) -> int:
        """Deliver each alert that is due once; returns how many were accepted.

        Raises StoreUnavailable when the store does not answer: nothing is lost, call again.
        """
        with translated("alerts that are due"):
            due = self.client.query(_DUE).result_rows
        now = self.clock()
        ready = [row for row in due if self.waits.get((row[0], row[1]), (0, 0))[1] <= now][:AT_ONCE]
        accepted = 0
        for message, attempt in self._messages(ready):
            accepted += self._deliver(message, attempt)
        return accepted

    def test(self) -> str:
        """Send a message that is marked as a test and is recorded nowhere. Raises DeliveryFailed."""
        now = self.clock()
        key = f"test-{now}"
        return self.channel.send(
            Message("test", key, "test", "test", 4, "", [], now, now, 0, 0, "open", ["yuqing alerts test"], [])
        )

    def _messages(self, due: Sequence[Sequence[Any]]) -> list[tuple[Message, int]]:
        if not due:
            return []
        ids = [row[0] for row in due]
        with translated("alerts"):
            alerts = {row[0]: row for row in self.client.query(_ALERTS, {"ids": ids}).result_rows}
            rows = self.client.query(_POST_IDS, {"ids": ids, "most": POST_IDS}).result_rows
            posts = {row[0]: row[1] for row in rows}
        messages = []
        for alert_id, priority, attempts in due:
            if alert_id not in alerts:  # its last post went by TTL between the queries
                continue
            _, rule, _, place, needs, first_at, last_at, count, callers, state, reasons = alerts[alert_id]
            message = Message(
                event="alert",
                idempotency_key=f"{alert_id}-{priority}",
                alert_id=alert_id,
                rule=rule,
                priority=priority,
                place=place,
                needs=list(needs),
                first_at=first_at,
                last_at=last_at,
                posts=count,
                callers=callers,
                state=state,
                reasons=list(reasons),
                post_ids=[{"platform": platform, "post_id": post_id} for platform, post_id in posts.get(alert_id, [])],
            )
            messages.append((message, attempts + 1))
        return messages

    def _deliver(self, message: Message, attempt: int) -> bool:
        key = (message.alert_id, message.priority)
        self._record(message, attempt, "intent", "")
        try:
            answer = self.channel.send(message)
        except DeliveryFailed as error:
            failures = self.waits.get(key, (0, 0))[0] + 1
            wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(failures - 1, 10))
            self.waits[key] = (failures, self.clock() + wait)
            self._record(message, attempt, "failed", str(error))
            log.warning("alert not delivered", alert=message.alert_id, attempt=attempt, reason=str(error), wait_ms=wait)
            return False
        self._record(message, attempt, "done", answer)
        self.waits.pop(key, None)
        log.info("alert delivered", alert=message.alert_id, priority=message.priority, attempt=attempt)
        return True

    def _record(self, message: Message, attempt: int, status: str, detail: str) -> None:
        names = ["alert_id", "priority", "attempt", "status", "idempotency_key", "channel", "detail"]
        row = [message.alert_id, message.priority, attempt, status, message.idempotency_key, self.channel.name, detail]
        with translated("alert_deliveries"):
            self.client.insert("alert_deliveries", [row], column_names=names)


def run(
    connection: Callable[[], Client],
    channel: Channel,
    stop: threading.Event,
    poll_s: float = POLL_S,
    home: Path | None = None,
) -> None:
    """Deliver until ``stop`` is set, and copy the ledger of ``home``. While the store is away it waits, up to 10 s at a
    time, and connects anew.

    A store that refuses (not migrated yet, a password that was changed) is waited for too: somebody puts that right,
    and a notifier that has ended by then would stay silent.
    """
    waits: dict[tuple[str, int], tuple[int, int]] = {}
    away_s = poll_s
    while not stop.is_set():
        try:
            client = connection()
            try:
                notifier = Notifier(client, channel, waits=waits)
                copy = LedgerCopy(client, home) if home else None
                copied_at = -math.inf
                while not stop.is_set():
                    notifier.round()
                    if copy and time.monotonic() - copied_at >= COPY_LEDGER_S:
                        copied_at = time.monotonic()
                        try:
                            copy.round()
                        except (StoreUnavailable, StoreError, OSError) as error:  # which holds up no alert
                            log.warning("the audit ledger was not copied to the store", reason=str(error))
                    away_s = poll_s
                    stop.wait(poll_s)
            finally:
                client.close()
        except (StoreUnavailable, StoreError, ServiceError) as error:
            log.warning("store is away", reason=str(error), wait_s=away_s)
            stop.wait(away_s)
            away_s = min(10.0, away_s * 2)


def store_settings(home: Path, settings: Settings, user: str = "notifier") -> StoreSettings:
    """The external store of the settings, else the embedded one of ``home``, as ``user``; a store of one's own whose
    users have no passwords in the settings is asked as the account that they name."""
    section = settings.store
    if section.url:
        return external(section, user if section.passwords else "yuqing")
    try:
        url = json.loads((home / "services.json").read_text("utf-8"))["services"]["clickhouse"]["url"]
        password = json.loads(read_private(home, "clickhouse.json"))[user]
    except (OSError, KeyError, ValueError) as error:
        raise ServiceError(f"no ClickHouse in {home} ({type(error).__name__}): `yuqing up` starts it") from None
    return StoreSettings(url, user, password)


def channel_of(home: Path, settings: Settings) -> Channel:
    """The webhook of the settings, else ``HOME/alerts.jsonl``."""
    return Webhook(settings.alerts.webhook) if settings.alerts.webhook else AlertFile(home / "alerts.jsonl")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.store.notify", description="deliver alerts")
    parser.add_argument("--home", type=Path, default=Path(".yuqing"))
    parser.add_argument("--settings", type=Path, default=None, help="YAML; alerts.webhook is what counts here")
    parser.add_argument("--webhook", default="", help="where to POST, before the settings")
    parser.add_argument("--poll", type=float, default=POLL_S, metavar="SECONDS")
    options = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    home = options.home.absolute()
    try:
        settings = load(options.settings, [f"alerts.webhook={options.webhook}"] if options.webhook else [])
        lock = _only_one(home)
        channel = channel_of(home, settings)
        # read anew at each connection: a restarted server may have moved to another port
        run(lambda: connect(store_settings(home, settings)), channel, stop, options.poll, home)
        os.close(lock)
    except YuqingError as error:
        print(f"notify: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _only_one(home: Path) -> int:
    descriptor = os.open(home / "notify.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UsageError(f"another notifier serves {home}: stop that one") from None
    return descriptor


if __name__ == "__main__":
    sys.exit(main())
