"""Latency arithmetic and the report's figures, on rows made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loadtest.load import measure, pictures
from loadtest.load.measure import Losses, Rows
from loadtest.load.position import Position
from loadtest.load.report import compose, growth, lag
from loadtest.load.search import judge


def rows(*times: tuple[int, int, int]) -> Rows:
    created, ingested, stored = (np.asarray(column, dtype=np.int64) for column in zip(*times, strict=True))
    return Rows(created, ingested, stored, np.zeros(len(times), dtype=bool))


@pytest.mark.parametrize(
    ("milliseconds", "missing", "expected"),
    [
        (range(1, 101), 0, {"posts": 100, "p50": 0.05, "p90": 0.09, "p95": 0.095, "p99": 0.099, "max": 0.1}),
        ([7], 0, {"posts": 1, "p50": 0.007, "p90": 0.007, "p95": 0.007, "p99": 0.007, "max": 0.007}),
        ([3000, 1000], 0, {"posts": 2, "p50": 1.0, "p90": 3.0, "p95": 3.0, "p99": 3.0, "max": 3.0}),
        # 98 stored and 2 missing: p99 is the first of the missing; 99 and 1: it is the last of the stored
        (range(1, 99), 2, {"posts": 100, "p50": 0.05, "p90": 0.09, "p95": 0.095, "p99": None, "max": None}),
        (range(1, 100), 1, {"posts": 100, "p50": 0.05, "p90": 0.09, "p95": 0.095, "p99": 0.099, "max": None}),
        ([], 0, {"posts": 0}),
        ([], 1, {"posts": 1, "p50": None, "p90": None, "p95": None, "p99": None, "max": None}),
    ],
)
def test_percentiles(milliseconds: Any, missing: int, expected: dict[str, Any]) -> None:
    assert measure.percentiles(np.asarray(list(milliseconds), dtype=np.int64), missing) == expected


def test_latency_has_parts_and_leaves_the_warm_up_out() -> None:
    found = measure.latency(rows((0, 60_000, 90_000), (1000, 1200, 1500), (2000, 2100, 5000)), from_ms=1000)
    whole, before, after = found.values()
    assert (whole["posts"], whole["p50"], whole["max"]) == (2, 0.5, 3.0)
    assert (before["p50"], before["max"]) == (0.1, 0.2)
    assert (after["p50"], after["max"]) == (0.3, 2.9)


def test_a_post_counts_where_it_was_due() -> None:
    """A stop of 5 s shows in the seconds in which posts were due, not in the one in which they came."""
    found = measure.by_second(
        rows(*((second * 1000, 6000, max(6000, second * 1000 + 10)) for second in range(8))),
        0,
        dict.fromkeys(range(8), 1),
    )
    assert [one["p50"] for one in found] == [6, 5, 4, 3, 2, 1, 0.01, 0.01]
    assert [one["stored"] for one in found] == [0] * 6 + [7, 1]
    assert [one["offered"] for one in found] == [1] * 8


RUN = {
    "name": "load-x",
    "start_ms": 1_700_000_000_000,
    "machine": {"processor": "made by hand", "cores": 2},
    "segments": [[10.0, 10.0, 10.0]],
    "source": "load-x",
    "plan": {
        "posts": 100,
        "seconds": 10.0,
        "warm_up_s": 2.0,
        "late_s": 1.0,
        "source": "generate:?",
        "way": "kafka",
        "parallelism": 1,
    },
}


def sample(second: float, lag: float, cpu: float, gc: float) -> dict[str, Any]:
    one = {"count": 1, "rss": 5, "pss": 2**20 * (1 + second), "files": 7, "threads": 3}
    return {
        "at": RUN["start_ms"] / 1000 + second,  # type: ignore[operator]  # a number
        "missing": ["flink: URLError"] if second == 3 else [],
        "processes": {"clickhouse": one | {"cpu_s": cpu}, "sender": one | {"cpu_s": 3 * cpu}},
        "gc": {"kafka": {"seconds": gc, "count": int(gc * 100), "used": 10}},
        "position": {"rows": 0, "dead": 0, "lag": lag},
        "store": {"parts": 5, "parts_posts": int(second), "merges": 1, "memory": 9, "disk_bytes": 4},
    }


def made(stored: int = 100, dead: int = 0, doubled: int = 0, late: float = 0.01, delay: int = 400) -> dict[str, Any]:
    begin: int = RUN["start_ms"]  # type: ignore[assignment]  # a number
    posts = rows(*((begin + k * 100, begin + k * 100 + 100, begin + k * 100 + delay) for k in range(stored)))
    sender: list[dict[str, Any]] = [
        {"at": 0, "sent": 50},
        {"at": 0, "sent": 100, "ended": True, "late_s": {"p50": 0, "p99": late, "max": 2}},
    ]
    samples = [sample(second, 4 + second, 0.5 + second / 10, second / 100) for second in range(10)]
    return compose(RUN, samples, sender, Losses(stored + doubled, dead, doubled), posts, {})


def test_the_reports_figures() -> None:
    found = made()
    assert (found["offered"], found["rows"], found["missing"], found["doubled"]) == (100, 100, 0, 0)
    assert found["latency"]["intended_to_stored"] == {"posts": 80} | dict.fromkeys(
        ("p50", "p90", "p95", "p99", "max"), 0.4
    )
    assert found["latency"]["ingested_to_stored"]["p99"] == 0.3
    assert found["throughput"]["offered_per_s"] == pytest.approx(10, rel=0.02)
    assert found["cpu"]["clickhouse"] == {"seconds": 0.9, "us_per_post": 9000.0}
    assert found["cpu"]["product"] == {"seconds": 0.9, "us_per_post": 9000.0, "cores": 0.1}  # without the sender
    assert found["memory"]["clickhouse"]["pss_max"] == 10 * 2**20
    assert found["gc"]["kafka"] == {"seconds": 0.09, "count": 9, "share": 0.01}
    assert found["lag"]["max"] == 13
    assert found["lag"]["growth"] == pytest.approx(5, abs=0.6)  # medians of 2..4.6 and 7.3..10 s
    assert found["store"]["parts_posts_max"] == 9
    assert found["unseen"] == {"flink: URLError": 1}
    assert found["sender"]["kept"]


@pytest.mark.parametrize(
    ("changes", "missing", "kept"),
    [
        ({"stored": 99}, 1, True),
        ({"stored": 90, "dead": 10}, 0, True),
        ({"dead": 1}, -1, True),  # more than was offered is no less a fault
        ({"doubled": 3}, 0, True),  # told by itself
        ({"late": 1.5}, 0, False),
    ],
)
def test_losses_are_exact_and_a_late_sender_is_told(changes: dict[str, Any], missing: int, kept: bool) -> None:
    found = made(**changes)
    assert (found["missing"], found["sender"]["kept"]) == (missing, kept)
    assert found["doubled"] == changes.get("doubled", 0)


@pytest.mark.parametrize(
    ("changes", "limit", "why"),
    [
        ({}, 10, "holds"),
        ({"delay": 11_000}, 10, "p99 is 11 s"),
        ({"stored": 95}, 10, "p99 is among posts not stored"),
        ({"late": 1.5}, 10, "the sender did not keep its schedule"),
    ],
)
def test_a_trial_is_judged(changes: dict[str, Any], limit: float, why: str) -> None:
    outcome = judge(made(**changes), 10.0, limit)
    assert outcome.why == why
    assert outcome.holds == (why == "holds")
    assert judge(made(**changes), 1.0, limit).why.endswith("the lag grew by 5.5 s")


def test_growth_does_not_see_a_saw_tooth() -> None:
    tooth = [(float(second), float(second % 5)) for second in range(60)]
    assert growth(tooth, 0, 60) == 0
    assert growth([(at, value + at) for at, value in tooth], 0, 60) == pytest.approx(40, abs=1)
    assert growth(tooth[:3], 0, 3) is None


def test_the_lag_of_a_folder_is_what_was_due() -> None:
    samples = [{"at": 10.0 + second, "position": {"rows": 5 * second, "dead": 0}} for second in range(4)]
    assert lag(samples, 10_000, {0: 10, 1: 10, 2: 10}) == [(1, 5), (2, 10), (3, 15)]


@pytest.mark.parametrize(
    ("position", "condition"),
    [
        (Position("t", "b:1", {0: 0, 1: 0}), "source = 't'"),
        (
            Position("t", "b:1", {0: 5, 1: 0, 2: 7}),
            "source = 't' AND NOT (partition = '0' AND offset < 5 OR partition = '2' AND offset < 7)",
        ),
        (Position("/a'b", files="load-x"), "source = '/a\\'b' AND startsWith(partition, 'load-x')"),
    ],
)
def test_which_rows_are_the_runs(position: Position, condition: str) -> None:
    assert position.where == condition


def test_a_picture_is_drawn(tmp_path: Any) -> None:
    samples = [sample(second, 4, second / 10, 0.1) for second in range(10)]
    pictures.draw(made(), samples, tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes()[:4] == b"\x89PNG"
