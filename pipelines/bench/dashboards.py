"""`bench dashboards`: every query of every panel over a store of millions of made-up posts.

The rows are written by SQL into the tables that the pipeline writes, so that every incremental view and every refreshed
roll-up is filled as it would be. What the posts say is made of syllables: panels read no text but that of calls. Of the
posts 2% ask for help, 1% belong to an alert, 0.1% is a dead letter, as on a bad night.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from pipelines.bench.machine import description
from pipelines.store.client import StoreSettings, connect, translated
from pipelines.store.migrate import split
from pipelines.store.query import ROLL_UPS, refresh
from schemas.errors import StoreError, UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

STATEMENTS = Path(__file__).with_suffix(".sql")
A_CHUNK = 3
"""The first statements of the file are run once a chunk of posts."""
CHUNK = 200_000
SPAN_MS = 36_000_000
"""Span of the posts, ten hours: ten million of them are a million an hour."""
REFRESHED_BY_S = 25
"""Scheduled refreshes begin with a minute, and are over by this second of it."""
OVERLAP_S = 125
"""The roll-ups look at what came up to two minutes before they last looked."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Query:
    """One query of a panel, with macros and variables expanded."""

    board: str
    panel: str
    account: str
    sql: str


def fill(client: Client, posts: int, say: Say) -> None:
    """Write ``posts`` posts of the last ten hours and what belongs to them; about 40 us of server CPU each.

    A store that was filled so before is left as it is. Raises UsageError for one that holds other posts.
    """
    ours, there = client.query("SELECT countIf(source = 'bench'), countIf(source != 'minute') FROM posts").first_row
    if there:
        if ours != posts or there != posts:
            raise UsageError(f"the store holds {there:,} posts: give this bench a home of its own, --home DIR")
        say("the store has these posts already")
        return
    values = {"begin": int(time.time() * 1000) - SPAN_MS, "step": SPAN_MS / posts, "posts": posts, "source": "bench"}
    statements = split(STATEMENTS.read_text("utf-8"))
    for first in range(0, posts, CHUNK):
        part = values | {"first": first, "count": min(CHUNK, posts - first)}
        for statement in statements[:A_CHUNK]:
            client.command(statement, parameters=part)
        if first % (CHUNK * 5) == 0:
            say(f"   {first + part['count']:,} of {posts:,} posts")
    for statement in statements[A_CHUNK:]:
        # without a placeholder the client would take the statement's own % for one
        client.command(statement, parameters=values if "{" in statement else None)


def roll_ups(client: Client, server: int, posts: int, say: Say) -> dict[str, Any]:
    """What it costs to make each refreshed roll-up when a minute's posts came: CPU ms of the store (pid ``server``).

    ``posts``: what `fill` wrote. The store must do nothing else. Two minutes pass first, so that the roll-ups find no
    more than the minute's posts changed.
    """
    say("   waiting until the roll-ups have forgotten the filling")
    time.sleep(OVERLAP_S)
    time.sleep((REFRESHED_BY_S - time.time()) % 60)
    count, step = posts * 60_000 // SPAN_MS, SPAN_MS / posts
    first = int(client.query("SELECT max(offset) + 1 FROM posts").first_row[0])
    begin = int(time.time() * 1000 - (first + count) * step)
    values = {"begin": begin, "step": step, "first": first, "count": count, "source": "minute"}
    for statement in split(STATEMENTS.read_text("utf-8"))[:A_CHUNK]:
        client.command(statement, parameters=values)
    costs: dict[str, Any] = {"posts": count}
    for view in ROLL_UPS:
        before = psutil.Process(server).cpu_times()
        refresh(client, view)
        after = psutil.Process(server).cpu_times()
        costs[f"{view}_cpu_ms"] = round((after.user + after.system - before.user - before.system) * 1000)
    return costs


def largest_topic(client: Client) -> str:
    """Id of the topic that most posts have."""
    return str(client.query("SELECT topic_id FROM v_topics ORDER BY posts DESC LIMIT 1").first_row[0])


def measure(queries: Sequence[Query], settings: Callable[[str], StoreSettings], times: int) -> dict[str, Any]:
    """Ask each query ``times`` times as its account, one at a time: rows, and ms from asking to the whole answer.

    The first time counts too: what a wall asks every ten seconds is warm, what a person opens is not.
    """
    found: dict[str, Any] = {}
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        clients: dict[str, Client] = {}
        for query in queries:
            if query.account not in clients:
                clients[query.account] = stack.enter_context(connect(settings(query.account)))
            took, rows = [], 0
            for _ in range(times):
                began = time.perf_counter()
                try:
                    with translated(query.panel, detail=False):
                        rows = clients[query.account].query(query.sql).row_count
                except StoreError as error:
                    failed[f"{query.board}: {query.panel}"] = str(error)
                took.append((time.perf_counter() - began) * 1000)
            first, (best, median, worst) = took[0], (min(took), sorted(took)[len(took) // 2], max(took))
            found.setdefault(query.board, {})[query.panel] = {
                "rows": rows, "first_ms": first, "best_ms": best, "median_ms": median, "worst_ms": worst,
            }  # fmt: skip
    medians = {
        f"{board}: {panel}": one["median_ms"] for board, panels in found.items() for panel, one in panels.items()
    }
    slowest = max(medians, key=medians.__getitem__)
    return {
        "machine": description(),
        "queries": len(medians),
        "slowest": slowest,
        "slowest_median_ms": medians[slowest],
        "failed": failed,
        "above_200_ms": {name: ms for name, ms in medians.items() if ms > 200},
        "boards": found,
    }
