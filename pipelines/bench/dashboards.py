"""`bench dashboards`: every query of every panel over a store of millions of made-up posts.

The rows are written by SQL into the tables that the pipeline writes, so that every incremental view and every refreshed
roll-up is filled as it would be; what the posts say is made of syllables, since panels read no text but that of calls.
Shares are those of a bad night: 2% of the posts ask for help, 1% belong to an alert, 0.1% is a dead letter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

STATEMENTS = Path(__file__).with_suffix(".sql")
A_CHUNK = 3
"""The first statements of the file are run once a chunk of posts."""
CHUNK = 200_000
HOUR_S = 3_600

Say = Callable[[str], None]


@dataclass(frozen=True)
class Query:
    """One query of a panel, with macros and variables expanded."""

    board: str
    panel: str
    account: str
    sql: str


def fill(client: Client, posts: int, hours: float, say: Say) -> None:
    """Write ``posts`` posts of the last ``hours`` and what belongs to them, then make the roll-ups anew.

    Only into a store without posts: raises UsageError otherwise. About 60 us of server CPU a post.
    """
    from pipelines.store.migrate import split
    from schemas.errors import UsageError

    there = client.query("SELECT count() FROM posts").first_row[0]
    if there:
        raise UsageError(f"the store holds {there:,} posts: give this bench a home of its own, --home DIR")
    end_ms = int(time.time() * 1000)
    values = {"begin": end_ms - int(hours * HOUR_S * 1000), "step": hours * HOUR_S * 1000 / posts, "posts": posts}
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


def measure(queries: Sequence[Query], connected: Callable[[str], Client], times: int = 5) -> Iterator[dict[str, Any]]:
    """Run each query ``times`` times as its account, one at a time; yields milliseconds (best, median, worst) and rows.

    The first run of each is counted too: what a wall asks every ten seconds is warm, what a person opens is not.
    """
    clients: dict[str, Client] = {}
    for query in queries:
        client = clients.setdefault(query.account, connected(query.account))
        took, rows = [], 0
        for _ in range(times):
            began = time.perf_counter()
            rows = client.query(query.sql).row_count
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        yield {
            "board": query.board,
            "panel": query.panel,
            "account": query.account,
            "rows": rows,
            "best_ms": round(took[0], 1),
            "median_ms": round(took[len(took) // 2], 1),
            "worst_ms": round(took[-1], 1),
        }
