"""Bursts and silences as rows of ``alert_hits`` (lane ``burst``), so that the notifier delivers them like any alert.

One row a post that is evidence, none of them without a post in the store; a silence has one row, with an empty post id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.metrics import declared
from pipelines.store.alerts import HOUR_MS, NOT_HELP, alert_id
from pipelines.store.client import translated
from pipelines.store.sinks import TIMESTAMP, times

LANE = "burst"
START_WINDOW_MS = HOUR_MS
"""Bursts of one series that begin in the same hour are one alert, and so is one that goes on within an hour of it."""

_EVIDENCE = """
SELECT platform, post_id, version, toUnixTimestamp64Milli(created_at), author_token, phone_tokens, needs.need
FROM posts FINAL WHERE (platform, post_id) IN {ids:Array(Tuple(String, String))}
"""
_SAME = """
SELECT alert_id FROM alert_hits FINAL
WHERE lane = 'burst' AND rule = {rule:String} AND adcode = {adcode:String}
    AND at >= fromUnixTimestamp64Milli({since:Int64}) AND at <= fromUnixTimestamp64Milli({until:Int64})
ORDER BY at DESC, alert_id LIMIT 1
"""


class Alert(NamedTuple):
    """What the rows of one burst have in common."""

    alert_id: str
    rule: str
    priority: int
    place: str
    adcode: str
    reasons: tuple[str, ...]
    notify: bool


class Evidence(NamedTuple):
    """A post as the store has it; ``at`` in epoch ms."""

    platform: str
    post_id: str
    version: int
    at: int
    needs: tuple[str, ...]
    caller_token: str


def same_alert(client: Client, rule: str, adcode: str, start_ms: int, until_ms: int) -> str:
    """The id of the alert that this burst belongs to: one the store has of this series and hour, else a new one, which
    is the same for every process that finds it."""
    span = {"since": start_ms - START_WINDOW_MS, "until": until_ms}
    with translated("alert_hits"):
        found = client.query(_SAME, {"rule": rule, "adcode": adcode, **span}).result_rows
    return found[0][0] if found else alert_id(rule, LANE, adcode, start_ms // START_WINDOW_MS)


def evidence(client: Client, posts: Sequence[tuple[str, str]]) -> list[Evidence]:
    """Those of ``posts`` (platform, post id) that the store still has."""
    if not posts:
        return []
    with translated("posts", detail=False):
        found = client.query(_EVIDENCE, {"ids": [tuple(post) for post in posts]}).result_rows
    return [
        Evidence(
            platform,
            post_id,
            version,
            at,
            tuple(need for need in needs if need not in NOT_HELP),
            phones[0] if phones else author,
        )
        for platform, post_id, version, at, author, phones, needs in found
    ]


def insert(client: Client, rows: Iterable[tuple[Alert, Evidence]], now_ms: int) -> int:
    """Write rows synchronously; returns how many. A row that is there already is written over."""
    pairs = list(rows)
    if not pairs:
        return 0
    with translated("insert into alert_hits", detail=False):
        client.insert_arrow("alert_hits", pa.table(_columns(pairs, now_ms)))
    declared.ALERTS_WRITTEN.add(len(pairs), lane=LANE)
    return len(pairs)


def _columns(rows: Sequence[tuple[Alert, Evidence]], now_ms: int) -> dict[str, pa.Array]:
    def of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(list(values), kind)

    text, texts = pa.string(), pa.list_(pa.string())
    return {
        "alert_id": of((alert.alert_id for alert, _ in rows), text),
        "platform": of((post.platform for _, post in rows), text),
        "post_id": of((post.post_id for _, post in rows), text),
        "version": of((int(alert.notify) << 63 | post.version for alert, post in rows), pa.uint64()),
        "lane": of((LANE for _ in rows), text),
        "rule": of((alert.rule for alert, _ in rows), text),
        "priority": of((alert.priority for alert, _ in rows), pa.uint8()),
        "fold": of(("place" for _ in rows), text),
        "place": of((alert.place for alert, _ in rows), text),
        "adcode": of((alert.adcode for alert, _ in rows), text),
        "needs": of((list(post.needs) for _, post in rows), texts),
        "caller_token": of((post.caller_token for _, post in rows), text),
        "reasons": of((list(alert.reasons) for alert, _ in rows), texts),
        "notify": of((int(alert.notify) for alert, _ in rows), pa.uint8()),
        "at": times(of((post.at for _, post in rows), pa.int64())),
        "stored_at": of((now_ms for _ in rows), pa.int64()).cast(TIMESTAMP),
    }
