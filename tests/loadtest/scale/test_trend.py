"""Verdicts on made-up series: what stands still, grows, breathes with a collector, is noisy or too short."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from loadtest.scale.growth import report
from loadtest.scale.trend import CONFIDENCE, floor, judge, theil_sen

HOUR = 3600.0
Series = list[tuple[float, float]]


def series(
    value: Callable[[float], float], seconds: float = HOUR, every: float = 5.0, noise: float = 0.0, first: float = 0.0
) -> Series:
    dice = np.random.default_rng(7)
    return [(first + at, value(at) + noise * dice.standard_normal()) for at in np.arange(0, seconds, every)]


def sawtooth(low: float, high: float, period: float) -> Callable[[float], float]:
    return lambda at: low + (high - low) * (at % period) / period


MB = 1e6
CASES: list[tuple[str, list[Series], float, str]] = [
    ("flat", [series(lambda at: 300 * MB)], 0.05, "steady"),
    ("noisy and flat", [series(lambda at: 300 * MB, noise=3 * MB)], 0.05, "steady"),
    ("outliers", [series(lambda at: 300 * MB if int(at) % 600 else 900 * MB)], 0.05, "steady"),
    ("20% an hour", [series(lambda at: 300 * MB + 60 * MB * at / HOUR, noise=3 * MB)], 0.05, "grows"),
    ("3% an hour are allowed", [series(lambda at: 300 * MB + 9 * MB * at / HOUR, noise=MB)], 0.05, "steady"),
    ("falls", [series(lambda at: 300 * MB - 60 * MB * at / HOUR, noise=3 * MB)], 0.05, "steady"),
    ("a collector's sawtooth", [series(sawtooth(200 * MB, 300 * MB, 97))], 0.05, "steady"),
    ("a wild one, and a narrow limit", [series(sawtooth(200 * MB, 600 * MB, 97))], 0.05, "cannot tell"),
    ("a wild one, and a wide limit", [series(sawtooth(200 * MB, 600 * MB, 97))], 0.10, "steady"),
    (
        "a sawtooth on a leak",
        [series(lambda at: sawtooth(200 * MB, 600 * MB, 97)(at) + 60 * MB * at / HOUR)],
        0.05,
        "grows",
    ),
    ("a file an eight minutes", [series(lambda at: 120 + at // 480)], 0.02, "grows"),
    ("zero stays zero", [series(lambda at: 0.0)], 0.02, "steady"),
    ("from zero", [series(lambda at: at // 900)], 0.02, "grows"),
    ("warm-up only", [series(lambda at: 300 * MB + 200 * MB * min(at, 600) / 600, 2400)], 0.05, "steady"),
    (
        "peaks grow, what is held does not",
        [series(lambda at: 200 * MB + (100 + 300 * at / HOUR) * MB * (at % 60) / 60)],
        0.05,
        "steady",
    ),
    ("three noisy minutes", [series(lambda at: 300 * MB, 180, noise=9 * MB)], 0.05, "cannot tell"),
    ("one sample", [[(0.0, 5.0)]], 0.05, "cannot tell"),
    ("nothing", [], 0.05, "cannot tell"),
    (
        "started again, lower each time",
        [series(lambda at: 300 * MB, noise=MB), series(lambda at: 500 * MB, noise=MB, first=2 * HOUR)],
        0.05,
        "steady",
    ),
    (
        "started again, leaking both times",
        [series(lambda at: (300 + 60 * at / HOUR) * MB, noise=MB, first=first) for first in (0, 2 * HOUR)],
        0.05,
        "grows",
    ),
]


@pytest.mark.parametrize(("name", "segments", "limit", "answer"), CASES, ids=[case[0] for case in CASES])
def test_verdict(name: str, segments: list[Series], limit: float, answer: str) -> None:
    warm_up = min(900.0, sum(len(one) for one in segments) * 5 / 4)
    assert judge(segments, limit, warm_up).answer == answer


def test_the_estimate_is_scipys() -> None:
    points = series(lambda at: 5 + 0.3 * at, 300, 10, noise=20)
    at, value = zip(*points, strict=True)
    expected = stats.theilslopes(value, at, alpha=CONFIDENCE)
    assert theil_sen([points]) == pytest.approx((expected.slope, expected.low_slope, expected.high_slope))


def test_few_pairs_have_no_interval() -> None:
    slope, low, high = theil_sen([[(0.0, 1.0), (1.0, 2.0), (2.0, 4.0)]])
    assert slope == 1.5
    assert (low, high) == (-math.inf, math.inf)


def test_floor_is_the_least_of_each_stretch() -> None:
    points = [(0.0, 5.0), (1.0, 3.0), (2.0, 9.0), (9.0, 8.0), (10.0, 7.0)]
    assert floor(points, 5) == [(1.0, 3.0), (3.0, 9.0), (9.0, 7.0)]
    assert floor([(4.0, 1.0)], 3) == [(4.0, 1.0)]


def sample(at: float, segment: int = 1, memory: float = 300 * MB, files: int = 90) -> dict[str, object]:
    worker = {"count": 1, "pss": memory, "files": files, "threads": 12, "cpu_s": at / 10}
    processes = {"python worker": worker, "clickhouse": worker | {"pss": 400 * MB}, "gone": {"count": 0, "cpu_s": 3}}
    if at < 60:
        processes["command"] = worker
    store = {"memory": 250 * MB, "parts": 30 + int(at) % 10, "disk_bytes": 1000 * at}
    flink = {"last_bytes": 4000, "last_ms": 40 + int(at) % 7}
    sample = {"at": at, "segment": segment, "processes": processes, "store": store, "flink": flink, "missing": []}
    return sample | {"rows": int(100 * at), "disk": {"clickhouse": int(40_000 * at), "logs": 5}}


def test_a_report_judges_every_series_and_names_what_grows() -> None:
    steady = report([sample(at) for at in range(0, 3600, 10)], 600)
    assert steady["verdict"] == "nothing grows"
    assert {"python worker: memory (PSS)", "clickhouse: parts", "checkpoint: bytes"} <= set(steady["series"])
    assert not [name for name in steady["series"] if name.startswith(("gone", "command"))]  # neither lived through it
    assert steady["rows"]["a_second"] == pytest.approx(100)
    assert steady["disk"]["clickhouse"]["a_row"] == 400
    leaking = report([sample(at, memory=(300 + at / 60) * MB, files=90 + at // 300) for at in range(0, 3600, 10)], 600)
    assert leaking["verdict"] == "grows: python worker: memory (PSS), python worker: open files, clickhouse: open files"
    assert report([sample(at) for at in range(0, 60, 10)], 15)["verdict"].startswith("cannot tell of ")
    assert report([], 15)["verdict"] == "cannot tell of anything: there are no samples"


def test_pauses_are_no_hours() -> None:
    samples = [sample(at) for at in range(0, 1800, 10)] + [sample(at, 2) for at in range(9000, 10800, 10)]
    found = report(samples, 300)
    assert found["segments"] == 2
    assert found["hours"] == pytest.approx(1.0, abs=0.01)
    assert found["verdict"] == "nothing grows"
