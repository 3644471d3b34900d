"""Latency and losses of a run, from what the store holds. Latency counts from the intended time of sending.

Each stored row has three times: `created_at` (into which the sender wrote when the post was due), `ingested_at` (when a
worker of the job took the record) and `stored_at` (when the sink wrote it). Percentiles are nearest-rank: always the
latency of a post that was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loadtest.load.position import Position, quoted
from loadtest.outside import Outside

Times = npt.NDArray[np.int64]
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True)
class Rows:
    """Arrays of the same length, one element a stored post; epoch ms."""

    created: Times
    ingested: Times
    stored: Times
    shed: npt.NDArray[np.bool_]
    """Labelled by the light model because the job was behind (docs/operating.md, Overload)."""


@dataclass(frozen=True)
class Losses:
    """What became of the posts that were offered."""

    rows: int
    dead_letters: int
    doubled: int
    """Rows beyond one a post under FINAL."""

    def missing(self, offered: int) -> int:
        """Negative: there is more than was offered."""
        return offered - (self.rows - self.doubled) - self.dead_letters


def losses(home: Outside, position: Position) -> Losses:
    ((rows, posts),) = home.ask(
        f"SELECT count(), uniqExact(platform, post_id) FROM posts FINAL WHERE {position.where}"  # noqa: S608 - quoted
    )
    ((dead,),) = home.ask(f"SELECT count() FROM dead_letters FINAL WHERE {position.where}")  # noqa: S608 - quoted
    return Losses(rows, dead, rows - posts)


def rows(home: Outside, position: Position) -> Rows:
    """Every post of the run, as it was stored first: a redelivery is a second row until it is merged. 32 bytes a post
    here; the store groups by post."""
    sql = (
        "SELECT toUnixTimestamp64Milli(any(created_at)), toUnixTimestamp64Milli(argMin(ingested_at, stored_at)),"  # noqa: S608 - quoted
        " toUnixTimestamp64Milli(min(stored_at)), toInt64(max(endsWith(model, '+shed')))"
        f" FROM posts WHERE {position.where} GROUP BY platform, post_id"
    )
    with home.store() as client:
        columns = client.query(sql, column_oriented=True).result_columns or [[]] * 4
    created, ingested, stored, shed = (np.asarray(column, dtype=np.int64) for column in columns)
    return Rows(created, ingested, stored, shed.astype(bool))


def alerts(home: Outside, run: str, from_ms: int = 0) -> dict[str, Any]:
    """lane -> latency of its hits, from the intended time of a post to the row of the alert it raised or joined."""
    found = home.ask(
        "SELECT lane, toUnixTimestamp64Milli(any(at)), toUnixTimestamp64Milli(min(stored_at)) FROM alert_hits"  # noqa: S608 - quoted
        f" WHERE startsWith(post_id, {quoted(run + '-')}) GROUP BY lane, alert_id, platform, post_id"
    )
    lanes: dict[str, list[int]] = {}
    for lane, at, stored in found:
        if at >= from_ms:
            lanes.setdefault(lane, []).append(stored - at)
    return {lane: percentiles(np.asarray(values, dtype=np.int64)) for lane, values in sorted(lanes.items())}


def percentiles(milliseconds: Times, missing: int = 0) -> dict[str, float | None]:
    """`posts` and seconds at each of SHARES, by nearest rank. `missing` posts count as late without end: where a share
    falls among them it is None. No posts at all: only `posts`."""
    total = len(milliseconds) + max(missing, 0)
    found: dict[str, float | None] = {"posts": total}
    ordered = np.sort(milliseconds)
    for name, share in SHARES.items() if total else ():
        rank = max(int(np.ceil(share * total - 1e-9)), 1)
        found[name] = round(float(ordered[rank - 1]) / 1000, 3) if rank <= len(ordered) else None
    return found


def latency(found: Rows, from_ms: int) -> dict[str, dict[str, float | None]]:
    """Of posts that were due from `from_ms` on: the whole way and its two parts, in seconds."""
    due = found.created >= from_ms
    created, ingested, stored = found.created[due], found.ingested[due], found.stored[due]
    return {
        "intended_to_stored": percentiles(stored - created),
        "intended_to_ingested": percentiles(ingested - created),
        "ingested_to_stored": percentiles(stored - ingested),
    }


def by_second(found: Rows, start_ms: int, offered: Mapping[int, int]) -> list[dict[str, Any]]:
    """For each second since the start: posts offered (due) and stored in it, and the latency of the posts that were
    *due* in it (a post that comes late is counted where it was due, so that a stop shows where it was)."""
    due = (found.created - start_ms) // 1000
    done = (found.stored - start_ms) // 1000
    delay = found.stored - found.created
    last = int(max([-1, *offered, *(int(times.max()) for times in (due, done) if len(times))]))
    order = np.argsort(due, kind="stable")
    due, delay = due[order], delay[order]
    stored = np.bincount(done[(done >= 0)], minlength=last + 1)
    edges = np.searchsorted(due, np.arange(last + 2))
    seconds = []
    for second in range(last + 1):
        one = percentiles(delay[edges[second] : edges[second + 1]])
        del one["posts"]
        seconds.append({"second": second, "offered": offered.get(second, 0), "stored": int(stored[second])} | one)
    return seconds
