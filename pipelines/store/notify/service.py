"""The notifier as a process: looks what is due, and gives it to a thread a channel. It also copies the audit ledger's
new entries into the store every ten seconds, since it is the one process that always runs.

One look serves all channels. Only channels whose thread is idle are looked for, and *before* the look: so none is given
an alert twice, and one that hangs in a request keeps nobody waiting. To look at every alert costs more with each alert
there is, so twice a second only those are looked at that have new posts; everything is looked at every ``ALL_S``, and
every ``BEHIND_S`` for a channel that could not tell all it was given (down, quiet hours, its limit).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import os
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from clickhouse_connect.driver.client import Client

from governance.keys import read_private
from pipelines.metrics import declared, endpoint
from pipelines.store.audit import LedgerCopy
from pipelines.store.client import StoreSettings, connect, external
from pipelines.store.notify.channels import Route, escalations_of, routes_of
from pipelines.store.notify.notifier import Notifier, kind_of
from pipelines.store.notify.outbox import Due, Escalation, Outbox
from pipelines.store.sinks import now_ms
from schemas.errors import ServiceError, StoreError, StoreUnavailable, UsageError, YuqingError
from schemas.settings import Settings, load

POLL_S = 0.5
COPY_LEDGER_S = 10.0
BUSY_WARNING_S = 60.0
ALL_S = 30.0
BEHIND_S = 2.0
ESCALATE_S = 5.0
OVERLAP_MS = 60_000
"""A row may reach the store later than its ``stored_at`` says, by another machine's clock. More than that waits for the
next look at everything."""
GRACE_S = 12.0
"""At the end a request under way is waited for so long; its alert is due again after the next start."""

log = structlog.get_logger("notify")

Connection = Callable[[], Client]


class Lane:
    """A channel's thread with a client of its own: takes a list of alerts, delivers it, is idle again."""

    def __init__(self, connection: Connection, route: Route) -> None:
        self.route = route
        self._connection = connection
        self._inbox: queue.SimpleQueue[Sequence[Due] | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._since = 0.0
        self.behind = True
        """Not all that was given was told, or nothing was given yet."""
        self.waiting = 0
        """Of what was due at the last look and is not told."""
        self.looked_at_ms = 0
        self.all_at = self.escalated_at = -math.inf
        self._thread = threading.Thread(target=self._work, name=route.channel.name, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        return self._idle.is_set()

    def give(self, due: Sequence[Due]) -> None:
        """Hand over work; only when idle."""
        self._idle.clear()
        self._since = time.monotonic()
        self._inbox.put(due)

    def complain(self) -> None:
        """Say once that a request takes very long: what it holds up is only this channel."""
        if not self.idle and self._since and time.monotonic() - self._since > BUSY_WARNING_S:
            self._since = 0.0
            log.warning("a channel does not answer", channel=self.route.channel.name, seconds=BUSY_WARNING_S)

    def close(self, within_s: float) -> None:
        self._inbox.put(None)
        self._thread.join(max(0.0, within_s))

    def _work(self) -> None:
        notifier: Notifier | None = None
        connected = False
        while (due := self._inbox.get()) is not None:
            self.behind = True  # unless what follows comes to its end
            try:
                if notifier is None:
                    notifier = Notifier(self._connection(), self.route)
                elif not connected:
                    notifier.client = self._connection()
                connected = True
                accepted = notifier.deliver(due)
                self.waiting = max(0, len(due) - accepted)
                self.behind = accepted < len(due)
                if accepted:  # it gets on: what is left need not wait
                    self.all_at = -math.inf
            except Exception as error:  # the thread must live: without it the channel would be silent
                known = isinstance(error, YuqingError)
                log.warning(
                    "a channel was held up",
                    channel=self.route.channel.name,
                    reason=str(error) if known else type(error).__name__,
                )
                if notifier is not None and connected:
                    with suppress(Exception):
                        notifier.client.close()
                connected = False
                time.sleep(1.0)
            finally:
                self._idle.set()


class Dispatcher:
    """All channels. Outlives connections to the store."""

    def __init__(self, connection: Connection, routes: Sequence[Route], escalations: Sequence[Escalation]) -> None:
        self._lanes = [Lane(connection, route) for route in routes]
        self._escalations = escalations
        self._joined: dict[str, int] | None = None

    def round(self, client: Client) -> None:
        """Look once and give every idle channel what is due for it."""
        outbox = Outbox(client)
        if self._joined is None:
            outbox.join([lane.route.receiver for lane in self._lanes], now_ms())
            self._joined = outbox.joined
        outbox.joined = self._joined
        now, now_wall = time.monotonic(), now_ms()
        idle = [lane for lane in self._lanes if lane.idle]
        whole = [lane for lane in idle if now - lane.all_at >= (BEHIND_S if lane.behind else ALL_S)]
        fresh = [lane for lane in idle if lane not in whole and not lane.behind]
        due = outbox.due([lane.route.wanted for lane in whole])
        if fresh:
            from_ms = min(lane.looked_at_ms for lane in fresh) - OVERLAP_MS
            due |= outbox.due([lane.route.wanted for lane in fresh], from_ms)
        asked = [lane for lane in (*whole, *fresh) if now - lane.escalated_at >= ESCALATE_S]
        receivers = {lane.route.receiver for lane in asked}
        risen = outbox.escalated([one for one in self._escalations if one.receiver in receivers], now_wall)
        for lane in whole:
            lane.all_at, lane.behind = now, False
        for lane in asked:
            lane.escalated_at = now
        for lane in (*whole, *fresh):
            lane.looked_at_ms = now_wall
            work = [*risen.get(lane.route.receiver, ()), *due[lane.route.receiver]]
            lane.waiting = len(work)
            if work:
                lane.give(work)
        waiting: Counter[str] = Counter()
        for lane in self._lanes:
            waiting[kind_of(lane.route.channel)] += lane.waiting
            lane.complain()
        for kind, alerts in waiting.items():
            declared.ALERTS_WAITING.set(alerts, channel=kind)

    def close(self) -> None:
        """Wait for requests under way, together no longer than ``GRACE_S``."""
        until = time.monotonic() + GRACE_S
        for lane in self._lanes:
            lane.close(until - time.monotonic())


def run(
    connection: Connection,
    routes: Sequence[Route],
    stop: threading.Event,
    poll_s: float = POLL_S,
    home: Path | None = None,
    escalations: Sequence[Escalation] = (),
) -> None:
    """Deliver until ``stop`` is set, and copy the ledger of ``home``. While the store is away it waits, up to 10 s at a
    time, and connects anew.

    A store that refuses (not migrated yet, a password that was changed) is waited for too: somebody puts that right,
    and a notifier that has ended by then would stay silent.
    """
    dispatcher = Dispatcher(connection, routes, escalations)
    away_s = poll_s
    while not stop.is_set():
        try:
            client = connection()
            try:
                copy = LedgerCopy(client, home) if home else None
                copied_at = -math.inf
                while not stop.is_set():
                    dispatcher.round(client)
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
            declared.STORE_AWAY.add()
            log.warning("store is away", reason=str(error), wait_s=away_s)
            stop.wait(away_s)
            away_s = min(10.0, away_s * 2)
    dispatcher.close()


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


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.store.notify", description="deliver alerts")
    parser.add_argument("--home", type=Path, default=Path(".yuqing"))
    parser.add_argument("--settings", type=Path, default=None, help="YAML; the section alerts is what counts here")
    parser.add_argument("--webhook", default="", help="where to POST, before the settings")
    parser.add_argument("--metrics", type=int, metavar="FD", help="a listening socket to serve metrics on")
    parser.add_argument("--poll", type=float, default=POLL_S, metavar="SECONDS")
    options = parser.parse_args(arguments)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    stop = threading.Event()
    home = options.home.absolute()
    try:
        settings = load(options.settings, [f"alerts.webhook={options.webhook}"] if options.webhook else [])
        lock = _only_one(home)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: stop.set())
        routes, escalations = routes_of(home, settings), escalations_of(settings)
        # read anew at each connection: a restarted server may have moved to another port
        with endpoint.serve(declared.NOTIFIER, options.metrics):
            run(lambda: connect(store_settings(home, settings)), routes, stop, options.poll, home, escalations)
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
