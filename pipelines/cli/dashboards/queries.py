"""The queries of the committed dashboards as the store gets them, for the bench."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

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
    """Each panel's and variable's query, over the board's own range up to now: with every choice open, and narrowed."""
    from dashboards.build import BOARDS, GENERATED
    from dashboards.macros import Window, expand
    from pipelines.bench.dashboards import Query

    now_ms = time.time_ns() // 1_000_000
    for path in sorted((GENERATED / BOARDS).glob("*.json")):
        board = json.loads(path.read_text("utf-8"))
        number, unit = re.fullmatch(r"now-(\d+)([mhd])", board["time"]["from"]).groups()  # type: ignore[union-attr]
        span_ms = int(number) * _UNITS[unit]
        window = Window(now_ms - span_ms, now_ms, max(60_000, span_ms // POINTS))
        asked = [
            (panel["title"], target["datasource"]["uid"], target["rawSql"])
            for panel in board["panels"]
            for target in panel.get("targets", ())
        ]
        for title, source, sql in asked:
            account = source.removeprefix("yuqing-")
            for said, variables in CHOICES if "${" in sql else CHOICES[:1]:
                yield Query(board["title"], title + said, account, expand(sql, window, {**variables, "topic": topic}))
        for variable in board["templating"]["list"]:
            sql = expand(variable["query"], window, {})
            yield Query(
                board["title"], f"变量 {variable['label']}", variable["datasource"]["uid"].removeprefix("yuqing-"), sql
            )
