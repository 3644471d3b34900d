"""`bench alerts`: how long after a post is read its alert stands in the store, and how long until it is delivered.

A generated feed with an emergency in it is offered at a steady rate to the opinion job on Flink, with the notifier
beside it. A job that falls behind reads later, and what waits to be read is not in these times: `read_per_s` tells if
it kept up. For every hit of the run:

* alert row: from the reader handing the post on (`ingested_at`) to the hit's `stored_at`, by lane: `rules` before the
  model, `needs` after it;
* delivered: from the first post of an alert being read to its first `done` row. Alerts that were known before the run
  are left out.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from pipelines.bench.machine import description
from pipelines.feeds.uri import parse
from pipelines.jobs.run import Spec, new_run
from pipelines.jobs.site import Site
from pipelines.store.client import connect, translated
from schemas import settings as site_settings

DELIVERY_WAIT_S = 30.0

_HITS = """
SELECT lane, count() AS hits,
    quantilesExactInclusive(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', p.ingested_at, h.stored_at))) AS waited
FROM (SELECT * FROM alert_hits FINAL) AS h
INNER JOIN (SELECT platform, post_id, ingested_at FROM posts FINAL) AS p
    ON p.platform = h.platform AND p.post_id = h.post_id
WHERE p.ingested_at >= fromUnixTimestamp64Milli({since:Int64}) AND h.stored_at >= p.ingested_at
GROUP BY GROUPING SETS ((lane), ())
"""

_READ = """
SELECT count(), dateDiff('millisecond', min(ingested_at), max(ingested_at)) FROM posts FINAL
WHERE ingested_at >= fromUnixTimestamp64Milli({since:Int64})
"""

_DELIVERED = """
SELECT count() AS alerts, countIf(times > 0) AS delivered,
    quantilesExactInclusiveIf(0.5, 0.95, 0.99)(
        greatest(0, dateDiff('millisecond', ingested, told)), times > 0
    ) AS waited
FROM
(
    SELECT h.alert_id AS alert_id, min(p.ingested_at) AS ingested
    FROM (SELECT * FROM alert_hits FINAL WHERE notify = 1) AS h
    INNER JOIN (SELECT platform, post_id, ingested_at FROM posts FINAL) AS p
        ON p.platform = h.platform AND p.post_id = h.post_id
    GROUP BY alert_id
    HAVING ingested >= fromUnixTimestamp64Milli({since:Int64})
) AS hits
LEFT JOIN
(
    SELECT alert_id, min(at) AS told, count() AS times FROM alert_deliveries
    WHERE status = 'done' AND receiver = '' GROUP BY alert_id
) AS deliveries USING (alert_id)
"""


def run(home: Path, rate: float, seconds: int, parallelism: int, start: Any, say: Any) -> dict[str, Any]:
    """Measure and return the report. `start(spec)` runs a spec; the services of `home` are up."""
    # another seed each time: posts of the run before would be the same alerts, which are told already
    feed = parse(f"generate:?posts={round(rate * seconds)}&rate={rate:g}&seed={int(time.time()) % 1_000_000}")
    store = Site(home, site_settings.load()).store
    report: dict[str, Any] = {"machine": description(), "rate": rate, "seconds": seconds, "parallelism": parallelism}
    report["load_before"] = os.getloadavg()[0]
    say(f"steady: {rate:.0f} posts/s for {seconds} s")
    began_ms = time.time_ns() // 1_000_000
    spec = Spec(job="opinion", source=feed.uri, home=str(home), run=new_run("bench"), parallelism=parallelism)
    start(spec)
    report["load_after"] = os.getloadavg()[0]
    with connect(store) as client:
        deadline = time.monotonic() + DELIVERY_WAIT_S
        report |= measured(client, began_ms)
        while report["delivered"]["open"] and time.monotonic() < deadline:
            time.sleep(1.0)
            report |= measured(client, began_ms)
    return report


def measured(client: Client, since_ms: int) -> dict[str, Any]:
    """Of posts that were read since then: `posts`, `read_per_s`; `rows` (by lane and all) and `delivered`, each with
    counts and p50, p95, p99 in seconds. Without a hit the percentiles are left out."""
    with translated("alerts of the run"):
        lanes = client.query(_HITS, {"since": since_ms}).result_rows
        posts, read_ms = client.query(_READ, {"since": since_ms}).result_rows[0]
        alerts, delivered, waited = client.query(_DELIVERED, {"since": since_ms}).result_rows[0]
    rows = {lane or "all": {"hits": hits} | _seconds(hits, values) for lane, hits, values in sorted(lanes)}
    read = {"posts": posts, "read_per_s": posts / max(0.001, read_ms / 1000)}
    return read | {
        "rows": rows,
        "delivered": {"alerts": alerts, "open": alerts - delivered} | _seconds(delivered, waited),
    }


def _seconds(count: int, waited: Any) -> dict[str, float]:
    return {name: ms / 1000 for name, ms in zip(("p50_s", "p95_s", "p99_s"), waited, strict=True)} if count else {}
