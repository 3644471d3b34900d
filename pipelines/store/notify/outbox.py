"""The notifier's memory, in the store: what is due for whom, and what was tried.

An alert is due for a channel when it has a hit with ``notify`` = 1, its priority is one that the channel is told, and
the channel was either never told or told of a less urgent state. Nothing is copied into a queue: the alerts are the
queue, so what a channel could not take stays due, and a channel that is down holds up no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated
from pipelines.store.notify.messages import Message
from pipelines.store.notify.pacing import QuietHours

Kind = Literal["alert", "escalation"]
MOST = 2_000
"""Alerts a channel that one look at the store brings, the most urgent first; the next look brings the rest."""
MOST_TOUCHED = 1_000
"""Alerts that are named in one question; with more of them the store finds them itself."""
POST_IDS = 20
PLAIN = ""
"""Receiver of the plain webhook or file, which is told all there is."""

_DUE = """
SELECT receiver, alert_id, priority, since, attempts
FROM
(
    SELECT receiver, hits.alert_id AS alert_id, hits.priority AS priority, since, latest, joined, priorities
    FROM
    (
        SELECT alert_id, min(priority) AS priority, toUnixTimestamp64Milli(min(stored_at)) AS since,
            toUnixTimestamp64Milli(max(stored_at)) AS latest
        FROM alert_hits FINAL WHERE notify = 1 AND {touched} GROUP BY alert_id
    ) AS hits
    ARRAY JOIN {receivers:Array(String)} AS receiver, {joined:Array(Int64)} AS joined,
        {priorities:Array(Array(UInt8))} AS priorities
) AS wanted
LEFT JOIN
(
    SELECT alert_id, receiver, minIf(priority, status = 'done' AND kind = 'alert') AS told,
        countIf(status = 'done' AND kind = 'alert') AS times_told, max(attempt) AS attempts
    FROM alert_deliveries WHERE has({receivers:Array(String)}, receiver) AND {touched} GROUP BY alert_id, receiver
) AS deliveries USING (alert_id, receiver)
WHERE has(priorities, priority) AND latest >= joined AND (times_told = 0 OR priority < told)
ORDER BY priority, since, alert_id
LIMIT {most:UInt32} BY receiver
"""

_SINCE = "alert_id IN (SELECT alert_id FROM alert_hits WHERE stored_at >= fromUnixTimestamp64Milli({from:Int64}))"
_ALL = _DUE.replace("{touched}", "1")
_RECENT = _DUE.replace("{touched}", _SINCE)
_NAMED = _DUE.replace("{touched}", "alert_id IN {ids:Array(String)}")

# On a bad night nearly every new post belongs to an alert that was told long ago. Only recent posts are read here, and
# deliveries of their alerts; an alert that is due now and was not before has a recent post that makes it so: nobody was
# told of it, or of nothing as urgent. Which of these are due, all of their posts say. Rows that later ones replaced are
# read here, too: what their alert's priority is lies between the most and the least urgent of them.
_TOUCHED = f"""
SELECT DISTINCT alert_id
FROM
(
    SELECT alert_id, priority, receiver, urgent
    FROM
    (
        SELECT alert_id, min(h.priority) AS priority, max(h.priority) AS least FROM alert_hits AS h
        WHERE notify = 1 AND stored_at >= fromUnixTimestamp64Milli({{from:Int64}}) GROUP BY alert_id
    ) AS hits
    ARRAY JOIN {{receivers:Array(String)}} AS receiver, {{urgent:Array(UInt8)}} AS urgent
    WHERE urgent <= least
) AS wanted
LEFT JOIN
(
    SELECT alert_id, receiver, min(priority) AS told, count() AS times_told FROM alert_deliveries
    WHERE status = 'done' AND kind = 'alert' AND has({{receivers:Array(String)}}, receiver) AND {_SINCE}
    GROUP BY alert_id, receiver
) AS deliveries USING (alert_id, receiver)
WHERE times_told = 0 OR priority < told
LIMIT {{most:UInt32}}
"""  # noqa: S608 - no words of a user

# An acknowledgement counts for what was known when it was given: an alert that rises later needs another.
_ESCALATE = """
SELECT alert_id, priority, since, attempts
FROM
(
    SELECT alert_id, min(h.priority) AS priority, toUnixTimestamp64Milli(min(h.stored_at)) AS since
    FROM alert_hits AS h FINAL
    WHERE h.notify = 1 AND h.priority <= {priority:UInt8} AND has({priorities:Array(UInt8)}, h.priority)
    GROUP BY alert_id
) AS hits
LEFT JOIN
(
    SELECT alert_id, toUnixTimestamp64Milli(max(at)) AS answered, argMax(state, at) AS state
    FROM alert_states GROUP BY alert_id
) AS states USING (alert_id)
LEFT JOIN
(
    SELECT alert_id, minIf(priority, status = 'done' AND kind = 'escalation') AS told,
        countIf(status = 'done' AND kind = 'escalation') AS times_told, max(attempt) AS attempts
    FROM alert_deliveries WHERE receiver = {receiver:String} GROUP BY alert_id
) AS deliveries USING (alert_id)
WHERE since >= {joined:Int64} AND since <= {before:Int64} AND (state IN ('', 'open') OR answered < since)
    AND (times_told = 0 OR priority < told)
ORDER BY priority, since, alert_id
LIMIT {most:UInt32}
"""

_ALERTS = """
SELECT alert_id, rule, priority, place, needs, toUnixTimestamp64Milli(first_at), toUnixTimestamp64Milli(last_at),
    posts, callers, state, reasons
FROM alerts WHERE alert_id IN {ids:Array(String)}
"""

_POST_IDS = """
SELECT alert_id, groupArrayIf({most:UInt32})((platform, post_id), post_id != ''), max(adcode)
FROM
(
    SELECT alert_id, platform, post_id, adcode FROM alert_hits FINAL WHERE alert_id IN {ids:Array(String)} ORDER BY at
)
GROUP BY alert_id
"""

_SENT = """
SELECT count()
FROM (SELECT idempotency_key FROM alert_deliveries
    WHERE receiver = {receiver:String} AND status = 'done' AND at >= now64(3) - INTERVAL 1 MINUTE
    GROUP BY idempotency_key)
"""


@dataclass(frozen=True)
class Due:
    """An alert that a receiver is to be told. ``since``: when it came, ms."""

    alert_id: str
    priority: int
    since: int
    attempts: int
    kind: Kind = "alert"

    @property
    def key(self) -> tuple[str, int, str]:
        return self.alert_id, self.priority, self.kind

    @property
    def idempotency_key(self) -> str:
        return f"{self.alert_id}-{self.priority}" + ("-escalation" if self.kind == "escalation" else "")


@dataclass(frozen=True)
class Wanted:
    """What a receiver is told."""

    receiver: str = PLAIN
    priorities: tuple[int, ...] = (1, 2, 3, 4)


EVERYTHING = Wanted()
"""What the plain webhook or file is told."""


@dataclass(frozen=True)
class Escalation:
    """Alerts of ``priority`` and more urgent ones that a channel is told (of ``priorities``; none: any) go to
    ``receiver`` when nobody acknowledges them within ``after_ms``: of their coming, or of the end of the quiet hours in
    which the channel was not told."""

    receiver: str
    priority: int
    after_ms: int
    priorities: tuple[int, ...] = ()
    quiet: QuietHours | None = None


@dataclass
class Outbox:
    """Of one client, so of one thread. Every method raises StoreUnavailable when the store does not answer."""

    client: Client
    joined: dict[str, int] = field(default_factory=dict)
    """Receiver -> since when it is told, ms."""

    def join(self, receivers: Sequence[str], now_ms: int) -> None:
        """Learn since when each receiver is told; one that is new is told from now on."""
        with translated("alert_channels"):
            sql = "SELECT receiver, toUnixTimestamp64Milli(min(since)) FROM alert_channels GROUP BY receiver"
            known = {row[0]: int(row[1]) for row in self.client.query(sql).result_rows}
            for receiver in receivers:
                if receiver != PLAIN and receiver not in known:
                    self.client.command(
                        "INSERT INTO alert_channels SELECT {receiver:String}, fromUnixTimestamp64Milli({now:Int64})",
                        {"receiver": receiver, "now": now_ms},
                    )
                    known[receiver] = now_ms
        self.joined = known

    def due(self, wanted: Sequence[Wanted], from_ms: int | None = None) -> dict[str, list[Due]]:
        """Receiver -> alerts that it was not told yet, the most urgent and oldest first.

        ``from_ms``: only those with a post that was stored since, which were not due before. Cost grows with what is
        looked at: docs/store.md.
        """
        found: dict[str, list[Due]] = {one.receiver: [] for one in wanted}
        if not wanted:
            return found
        parameters: dict[str, Any] = {
            "receivers": [one.receiver for one in wanted],
            "joined": [self.joined.get(one.receiver, 0) for one in wanted],
            "priorities": [list(one.priorities) for one in wanted],
            "most": MOST,
            "from": from_ms or 0,
        }
        with translated("alerts that are due"):
            sql = _ALL
            if from_ms is not None:
                urgent = [min(one.priorities, default=5) for one in wanted]
                asked = parameters | {"urgent": urgent, "most": MOST_TOUCHED + 1}
                touched = self.client.query(_TOUCHED, asked).result_rows
                if not touched:
                    return found
                sql = _NAMED if len(touched) <= MOST_TOUCHED else _RECENT
                parameters["ids"] = [row[0] for row in touched[:MOST_TOUCHED]]
            rows = self.client.query(sql, parameters).result_rows
            for receiver, alert_id, priority, since, attempts in rows:
                found[receiver].append(Due(alert_id, priority, since, attempts))
        return found

    def escalated(self, escalations: Sequence[Escalation], now_ms: int) -> dict[str, list[Due]]:
        """Receiver -> alerts that nobody has acknowledged in time and that it was not told for that reason."""
        found: dict[str, dict[tuple[str, int, str], Due]] = {}
        for one in escalations:
            parameters = {
                "receiver": one.receiver,
                "priority": one.priority,
                "priorities": list(one.priorities or (1, 2, 3, 4)),
                "joined": self.joined.get(one.receiver, 0),
                "before": now_ms - one.after_ms,
                "most": MOST,
            }
            with translated("alerts that nobody acknowledged"):
                rows = self.client.query(_ESCALATE, parameters).result_rows
            for alert_id, priority, since, attempts in rows:
                told = one.quiet.until(priority, since) if one.quiet else since
                if told + one.after_ms <= now_ms:
                    due = Due(alert_id, priority, since, attempts, "escalation")
                    found.setdefault(one.receiver, {}).setdefault(due.key, due)
        return {receiver: list(dues.values()) for receiver, dues in found.items()}

    def messages(self, dues: Sequence[Due]) -> list[tuple[Due, Message, str]]:
        """Each with its message and the adcode of its county; an alert whose last post went by TTL is left out."""
        if not dues:
            return []
        ids = list({due.alert_id for due in dues})
        with translated("alerts"):
            alerts = {row[0]: row for row in self.client.query(_ALERTS, {"ids": ids}).result_rows}
            rows = self.client.query(_POST_IDS, {"ids": ids, "most": POST_IDS}).result_rows
        posts = {row[0]: row[1:] for row in rows}
        found = []
        for due in dues:
            if due.alert_id in alerts and due.alert_id in posts:
                evidence, adcode = posts[due.alert_id]
                found.append((due, _message(due, alerts[due.alert_id], evidence), adcode))
        return found

    def record(self, receiver: str, channel: str, status: str, dues: Mapping[Due, str], detail: str) -> None:
        """Write a row for each of ``dues`` -> idempotency key of the message it went with."""
        names = (
            "alert_id", "priority", "attempt", "status", "idempotency_key", "channel", "detail", "receiver", "kind",
        )  # fmt: skip
        rows = [
            (due.alert_id, due.priority, due.attempts + 1, status, key, channel, detail, receiver, due.kind)
            for due, key in dues.items()
        ]
        with translated("alert_deliveries"):
            self.client.insert("alert_deliveries", rows, column_names=names)

    def sent_in_last_minute(self, receiver: str) -> int:
        with translated("alert_deliveries"):
            return int(self.client.query(_SENT, {"receiver": receiver}).result_rows[0][0])


def _message(due: Due, alert: Sequence[Any], evidence: Sequence[tuple[str, str]]) -> Message:
    _, rule, _, place, needs, first_at, last_at, posts, callers, state, reasons = alert
    return Message(
        event=due.kind,
        idempotency_key=due.idempotency_key,
        alert_id=due.alert_id,
        rule=str(rule),
        priority=due.priority,
        place=str(place),
        needs=list(needs),
        first_at=int(first_at),
        last_at=int(last_at),
        posts=int(posts),
        callers=int(callers),
        state=str(state),
        reasons=list(reasons),
        post_ids=[{"platform": platform, "post_id": post_id} for platform, post_id in evidence],
    )
