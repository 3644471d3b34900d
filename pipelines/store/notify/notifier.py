"""One channel's notifier: which of the alerts that are due are sent now, alone or in a digest, and what becomes of it.

For each message, or for a few together: *intent* rows, the requests, *done* rows. Killed before the request: it is due
again, nothing was lost.
Killed after it: sent again under the same ``Idempotency-Key`` (alert id and priority), by which a receiver drops the
second. An alert that failed is tried again after 1, 2, 4, ... 60 s, for as long as it is in the table; a channel that
fails three times in a row rests as long, so that a thousand alerts do not each wait for its time-out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from clickhouse_connect.driver.client import Client

from pipelines.metrics import declared
from pipelines.store.notify.channels import AlertFile, AppriseChannel, Channel, DeliveryFailed, Route, Webhook, reduced
from pipelines.store.notify.messages import TOP, Digest, Message, digest
from pipelines.store.notify.outbox import Due, Escalation, Outbox
from pipelines.store.notify.pacing import Allowance
from pipelines.store.sinks import now_ms

FIRST_WAIT_MS = 1_000
LONGEST_WAIT_MS = 60_000
RESTS_AFTER = 3
AT_ONCE = 100
TOGETHER = 20
"""Alerts whose intents, and then whose ends, are one insert on a channel without a limit: an insert takes longer than
most requests. A notifier killed among them sends up to so many again."""
ROUND_MS = 2_000
"""So long a channel sends what it was given; then it is given anew, with whatever became more urgent first."""

log = structlog.get_logger("notify")

Key = tuple[str, int, str]


@dataclass
class Notifier:
    """Delivers what is due for one route. What it keeps itself only saves work; the store has all that counts."""

    client: Client
    route: Route
    clock: Callable[[], int] = now_ms
    waits: dict[Key, tuple[int, int]] = field(default_factory=dict)
    """Alert -> (failures so far, time of the next try)."""
    failures: int = 0
    """Of the channel, in a row."""
    rests_until: int = 0
    unrecorded: dict[Due, tuple[str, str]] = field(default_factory=dict)
    """Accepted while the store was away: (idempotency key, answer), still to be written."""
    _allowance: Allowance | None = None
    _joined: dict[str, int] | None = None

    def round(self, escalations: Sequence[Escalation] = ()) -> int:
        """Look what is due and deliver it, in one thread; returns how many alerts were accepted.

        Raises StoreUnavailable when the store does not answer: nothing is lost, call again.
        """
        outbox = Outbox(self.client)
        if self._joined is None:
            outbox.join([self.route.receiver], self.clock())
            self._joined = outbox.joined
        outbox.joined = self._joined
        due = outbox.due([self.route.wanted])[self.route.receiver]
        mine = [one for one in escalations if one.receiver == self.route.receiver]
        return self.deliver([*outbox.escalated(mine, self.clock()).get(self.route.receiver, ()), *due])

    def deliver(self, due: Sequence[Due]) -> int:
        """Send each of ``due`` that may go now, the most urgent first; returns how many alerts were accepted."""
        outbox = Outbox(self.client)
        told = self._write_unrecorded(outbox)
        now = self.clock()
        if now < self.rests_until:
            return 0
        ready = sorted((one for one in due if one.key not in told and self._may_go(one, now)), key=lambda d: d.priority)
        alone, folded = self._split(outbox, ready, now)
        accepted = 0
        messages = outbox.messages(alone)
        at_once = 1 if self.route.per_minute else TOGETHER
        for first in range(0, len(messages), at_once):
            group = messages[first : first + at_once]
            self._intend(outbox, {one: message.idempotency_key for one, message, _ in group})
            for one, message, adcode in group:
                if self._send(outbox, reduced(message, adcode, self.route.channel), {one: message.idempotency_key}):
                    accepted += 1
                later = self.clock()
                if later < self.rests_until or later - now >= ROUND_MS:
                    self._write_unrecorded(outbox)
                    return accepted
            self._write_unrecorded(outbox)
        if folded:
            accepted += self._send_digest(outbox, folded)
        return accepted

    def _may_go(self, one: Due, now: int) -> bool:
        if self.waits.get(one.key, (0, 0))[1] > now:
            return False
        return self.route.quiet is None or self.route.quiet.until(one.priority, now) <= now

    def _split(self, outbox: Outbox, ready: Sequence[Due], now: int) -> tuple[Sequence[Due], Sequence[Due]]:
        """What goes alone and what goes into a digest; what is in neither waits."""
        if not self.route.per_minute or not ready:
            return ready[:AT_ONCE], ()
        if self._allowance is None:
            sent = outbox.sent_in_last_minute(self.route.receiver)
            self._allowance = Allowance(self.route.per_minute, now, sent)
        left = self._allowance.left(now)
        if len(ready) <= left:
            return ready, ()
        return (ready[: left - 1], ready[left - 1 :]) if left else ((), ())

    def _send_digest(self, outbox: Outbox, folded: Sequence[Due]) -> int:
        top = [reduced(message, adcode, self.route.channel) for _, message, adcode in outbox.messages(folded[:TOP])]
        key = f"digest-{self.clock()}-{folded[0].idempotency_key}"
        whole = digest(key, [one.priority for one in folded], top)
        self._intend(outbox, dict.fromkeys(folded, key))
        accepted = self._send(outbox, whole, dict.fromkeys(folded, key))
        self._write_unrecorded(outbox)
        return len(folded) if accepted else 0

    def _intend(self, outbox: Outbox, dues: Mapping[Due, str]) -> None:
        outbox.record(self.route.receiver, self.route.channel.name, "intent", dues, "")

    def _send(self, outbox: Outbox, message: Message | Digest, dues: Mapping[Due, str]) -> bool:
        channel, receiver = self.route.channel, self.route.receiver
        if self._allowance:
            self._allowance.take()  # refused or not, the other side has counted it
        try:
            answer = channel.send(message)
        except DeliveryFailed as error:
            self._failed(dues)
            declared.DELIVERIES_FAILED.add(len(dues), channel=kind_of(channel))
            outbox.record(receiver, channel.name, "failed", dues, str(error))
            log.warning("alert not delivered", channel=channel.name, reason=str(error), **_shown(dues))
            return False
        self.failures = 0
        now = self.clock()
        declared.ALERTS_DELIVERED.add(len(dues), channel=kind_of(channel))
        for one, key in dues.items():
            self.waits.pop(one.key, None)
            self.unrecorded[one] = key, answer
            declared.DELIVERY_SECONDS.observe(max(0, now - one.since) / 1000, channel=kind_of(channel))
        log.info("alert delivered", channel=channel.name, **_shown(dues))
        return True

    def _failed(self, dues: Mapping[Due, str]) -> None:
        now = self.clock()
        self.failures += 1
        if self.failures >= RESTS_AFTER:
            self.rests_until = now + _wait(self.failures - RESTS_AFTER)
        if len(dues) == 1:  # of a digest, one that is refused must not hold up the rest
            one = next(iter(dues))
            failures = self.waits.get(one.key, (0, 0))[0]
            self.waits[one.key] = failures + 1, now + _wait(failures)
        else:
            self.rests_until = max(self.rests_until, now + _wait(self.failures - 1))

    def _write_unrecorded(self, outbox: Outbox) -> set[Key]:
        """Write what was accepted; returns the alerts, which are due no more. What cannot be written is kept."""
        told = {one.key for one in self.unrecorded}
        for answer in {answer for _, answer in self.unrecorded.values()}:
            dues = {one: key for one, (key, said) in self.unrecorded.items() if said == answer}
            outbox.record(self.route.receiver, self.route.channel.name, "done", dues, answer)
            for one in dues:
                del self.unrecorded[one]
        return told


_KINDS: Mapping[type, str] = {Webhook: "webhook", AlertFile: "file", AppriseChannel: "apprise"}


def kind_of(channel: Channel) -> str:
    """What metrics call it; never its name, which is the site's."""
    return _KINDS.get(type(channel), declared.OTHER)


def send_test(channel: Channel, clock: Callable[[], int] = now_ms) -> str:
    """Send a message that is marked as a test and is recorded nowhere. Raises DeliveryFailed."""
    now = clock()
    key = f"test-{now}"
    return channel.send(
        Message("test", key, "test", "test", 4, "", [], now, now, 0, 0, "open", ["yuqing alerts test"], [])
    )


def _wait(failures: int) -> int:
    return min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(failures, 10))


def _shown(dues: Mapping[Due, str]) -> dict[str, object]:
    first = next(iter(dues))
    return {"alert": first.alert_id, "priority": first.priority, "attempt": first.attempts + 1, "alerts": len(dues)}
