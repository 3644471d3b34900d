"""The queries of the committed dashboards and alert rules as the store gets them, for the bench."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemas.errors import UsageError

if TYPE_CHECKING:
    from pipelines.bench.dashboards import Query

POINTS = 600
"""Points on a time axis of a wide panel."""
CHOICES = (
    ("", {"region": "all", "platform": "all"}),
    (" (one county and platform)", {"region": "410105", "platform": "weibo"}),
)
_UNITS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def queries(topic: str) -> Iterator[Query]:
    """Each panel's, variable's and rule's query up to now: over the board's own range or as far as the rule looks back,
    with every choice open, and narrowed."""
    from dashboards.build import BOARDS, GENERATED
    from dashboards.checks import questions
    from dashboards.macros import Window, expand
    from dashboards.provisioning import ACCOUNTS
    from pipelines.bench.dashboards import Query

    now_ms = time.time_ns() // 1_000_000
    boards = [json.loads(path.read_text("utf-8")) for path in sorted((GENERATED / BOARDS).glob("*.json"))]
    spans = {board["uid"]: _span_ms(board["time"]["from"]) for board in boards}
    rules = json.loads((GENERATED / "api" / "rules.json").read_text("utf-8"))
    for asked in questions(boards, rules):
        span_ms = spans.get(asked.board, asked.looks_back_s * 1000)
        window = Window(now_ms - span_ms, now_ms, max(60_000, span_ms // POINTS))
        for said, variables in CHOICES if "${" in asked.sql else CHOICES[:1]:
            sql = expand(asked.sql, window, {**variables, "topic": topic, "run": "latest"})
            yield Query(asked.board, asked.panel + said, ACCOUNTS[asked.source], sql)


def _span_ms(begin: str) -> int:
    matched = re.fullmatch(r"now-(\d+)([mhd])", begin)
    if matched is None:
        raise UsageError(f"a dashboard begins at {begin!r}: write it like now-6h")
    return int(matched[1]) * _UNITS[matched[2]]
