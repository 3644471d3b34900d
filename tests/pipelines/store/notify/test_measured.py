"""`bench alerts` finds the times that were written into the store."""

from __future__ import annotations

import pytest

from pipelines.bench.alerts import measured
from pipelines.store.client import connect
from pipelines.store.sinks import now_ms

pytestmark = pytest.mark.services

POST = """INSERT INTO posts (platform, post_id, version, created_at, ingested_at)
    SELECT 'notify', {id:String}, 1, now64(3), fromUnixTimestamp64Milli({at:Int64})"""
DELIVERY = """INSERT INTO alert_deliveries (alert_id, priority, attempt, status, at)
    SELECT {id:String}, 2, 1, {status:String}, fromUnixTimestamp64Milli({at:Int64})"""


def test_waits_by_lane_and_until_delivery(clickhouse, hit):
    read = now_ms() + 3_600_000  # no other test's posts are as late
    with connect(clickhouse) as client:
        for post, wait in (("m1", 100), ("m2", 900), ("m3", 2_000), ("m4", 4_000)):
            client.command(POST, {"id": post, "at": read})
            lane = "rules" if wait < 1_000 else "needs"
            alert = "measured-twice" if post in ("m1", "m3") else f"measured-{post}"
            hit(alert, post=post, lane=lane, stored_at=read + wait)
        hit("measured-before", post="m5", stored_at=read)  # its post was read before the run: not in posts
        for alert, status, at in (
            ("measured-twice", "intent", 1),
            ("measured-twice", "done", 1_500),
            ("measured-twice", "done", 5_000),
            ("measured-m2", "failed", 2),
            ("measured-m4", "done", 4_500),
        ):
            values = {"id": alert, "status": status, "at": read + at}
            client.command(DELIVERY, values)
        found = measured(client, read)
        assert {lane: (values["hits"], values["p50_s"]) for lane, values in found["rows"].items()} == {
            "all": (4, 1.45),
            "needs": (2, 3.0),
            "rules": (2, 0.5),
        }
        assert found["rows"]["needs"]["p99_s"] == pytest.approx(4, abs=0.1)
        assert (found["delivered"]["alerts"], found["delivered"]["open"], found["delivered"]["p50_s"]) == (3, 1, 3.0)
        nothing = measured(client, read + 1)
        assert (nothing["rows"]["all"], nothing["delivered"]) == ({"hits": 0}, {"alerts": 0, "open": 0})
