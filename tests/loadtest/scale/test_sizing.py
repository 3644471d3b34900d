"""The arithmetic of the sizing against a hand's, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.outside import Failed
from loadtest.scale import cost, figures, kept, sizing
from loadtest.scale.__main__ import main
from schemas.errors import UsageError

FIGURES = figures.Figures(
    step_ms={"parse": 0.1, "mask": 0.5, "classify": 0.6},
    engine_ms=0.2,
    services_ms={"clickhouse": 0.3, "watch": 0.05, "notifier": 0.01},
    disk_bytes=500.0,
    message_bytes=600.0,
    remembered=0.25,
    machine="2 cores",
    command="a command",
)


def test_a_million_an_hour_by_hand() -> None:
    found = sizing.size(3_600_000, FIGURES, sizing.Assumptions())
    # 1,000 a second, 2,000 in the busiest minute; the model .6 / .75 = .8 ms, other steps .6, engine .2
    expected: dict[str, Any] = {
        "posts_a_second": 2000.0,
        "cores": 6,  # 2000 x 1.6 ms = 3.2 cores / .6 = 5.33
        "cores_with_gpu": 3,  # 2000 x .8 ms = 1.6 / .6 = 2.67
        "gpus": {"12 x 384": 1, "24 x 1024": 1},
        "partitions": 6,  # 1.2 MB/s are no reason for more
        "shards": 1,  # .6 cores; 3.6e6 x 24 x 180 x 500 bytes = 7.776 TB
        "machines_of_the_store": 2,
        "disk_tb": pytest.approx(15.552),
        "kafka_tb": pytest.approx(1.08864),  # 3.6e6 x 24 x 7 x 600 x 3
        "network_gbit_s": pytest.approx(0.1024),  # 2000 x (600 x 4 + 2000 x 2) x 8
        "follower_cores": pytest.approx(0.12),
    }
    assert {name: found[name] for name in expected} == expected
    assert all("=" in line or "model" in line for line in found["lines"])
    assert not any("**" in line for line in found["lines"])


# what is assumed, load -> the keys that change
CHANGES: list[tuple[dict[str, Any], int, dict[str, Any]]] = [
    ({"remembered": 0.5}, 3_600_000, {"cores": 4}),  # .8 + .4 ms: 2.4 / .6, to the core
    ({"busy": 1.0, "peak": 1.0}, 3_600_000, {"cores": 2, "cores_with_gpu": 1}),
    ({}, 3_600_000_000, {"gpus": {"12 x 384": 107, "24 x 1024": 268}, "cores": 5334}),
    ({"shard_disk_tb": 2.0}, 3_600_000, {"shards": 4}),
    ({"days": 30}, 360_000_000, {"shards": 17}),  # by disk: 129.6 TB / 8; 60 cores by CPU would be 8
    ({"partition_mb_s": 0.1}, 3_600_000, {"partitions": 12}),
]


@pytest.mark.parametrize(("assumed", "load", "expected"), CHANGES)
def test_assumptions_count(assumed: dict[str, Any], load: int, expected: dict[str, Any]) -> None:
    found = sizing.size(load, FIGURES, sizing.Assumptions(**assumed))
    assert {name: found[name] for name in expected} == expected


def test_what_one_process_cannot_follow_is_said() -> None:
    assert any(
        "**Each is one process" in line for line in sizing.size(100_000_000, FIGURES, sizing.Assumptions())["lines"]
    )


@pytest.mark.parametrize(
    ("text", "expected"), [("1M,10M", [10**6, 10**7]), ("500k", [500_000]), ("1.5G", [1_500_000_000]), ("7", [7])]
)
def test_loads_are_read(text: str, expected: list[int]) -> None:
    assert sizing.rates(text) == expected


@pytest.mark.parametrize("text", ["", "1m", "ten", "0", "1M,,2M", "-1M"])
def test_odd_loads_are_named(text: str) -> None:
    with pytest.raises(UsageError, match="--posts-per-hour"):
        sizing.rates(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"busy": 0.0}, "--busy 0"), ({"remembered": 1.0}, "--remembered 1"), ({"days": 0}, "--days 0")],
)
def test_odd_assumptions_are_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        sizing.report([10**6], FIGURES, replace(sizing.Assumptions(), **change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"remembered": 1.0}, "remembered lies"),
        ({"disk_bytes": -1}, "0 or more"),
        ({"step_ms": {"mask": 1.0}}, "needs classify"),
        ({"more": 1}, "more: wanted are exactly"),
    ],
)
def test_odd_figures_are_named(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    kept.write(tmp_path / "figures.json", asdict(FIGURES) | change)
    with pytest.raises(UsageError, match=words):
        figures.read(tmp_path / "figures.json")


def test_the_command_writes_both_forms_and_says_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures.save(tmp_path / "figures.json", FIGURES)
    assert figures.read(tmp_path / "figures.json") == FIGURES
    given = ["sizing", "--figures", str(tmp_path / "figures.json"), "--output", str(tmp_path / "out")]
    assert main([*given, "--posts-per-hour", "1M,1000M", "--peak", "3"]) == 0
    found = kept.read(tmp_path / "out" / "sizing.json")
    assert found is not None
    assert found["computed"] is True
    assert found["assumptions"]["peak"] == 3
    text = (tmp_path / "out" / "sizing.md").read_text(encoding="utf-8")
    assert text.startswith("**Computed**, not run")
    assert "1,000 million" in text
    assert capsys.readouterr().out.strip() == text.strip()
    assert main([*given, "--posts-per-hour", "x"]) == 2
    assert main([*given[:1], "--figures", str(tmp_path / "no.json"), *given[3:]]) == 2


def point(posts: int, cpu: float, services: float, remembered: float | None = 0.1) -> dict[str, Any]:
    return {
        "posts": posts,
        "dead_letters": 0,
        "command_s": 10.0,
        "posts_per_s": 100.0,
        "remembered": remembered,
        "step_us": {"mask": 600.0, "classify": 400.0},
        "cpu_s": {"command": cpu - services, "services": services, "all": cpu},
        "cpu_by_kind": {"clickhouse": 3 * services, "watch": services, "python worker": 5.0, "flink client": cpu / 5},
        "latency_s": {},
        "segments": 1,
    }


def test_a_start_is_taken_off_and_costs_are_judged() -> None:
    start = point(1000, 31.0, 1.0)
    # 2 ms a post beyond 1,000 posts of the start, and 2.1 of the second size
    points = [point(11_000, 31 + 20, 1 + 5), point(101_000, 31 + 210, 1 + 50)]
    found = cost.report(points, [start, start, point(1000, 99.0, 1.0)], {"cores": 2, "cpu": "x", "date": "d"}, 2, ())
    assert [row["beyond_start_ms"] for row in found["points"]] == pytest.approx([2.0, 2.1])
    assert found["verdict"]["flat"]
    assert [row["start_ms"] for row in found["points"]] == pytest.approx([6.8, 0.68])  # a start took 31 or 99 seconds
    assert "| 11,000 | 2.000 | 6.800 |" in cost.table(found)
    assert "| 10% |" in cost.table(found)
    seen = figures.of_cost(found, 480.0, 600.0, "c")
    # 1.6 ms of the job, .42 of them in the JVM, and the steps say 1.0; half a ms of services, split 3 : 1
    assert seen.step_ms == {"mask": 0.6, "classify": 0.4}
    assert seen.engine_ms == pytest.approx(0.6)
    assert seen.services_ms == {"clickhouse": 0.375, "watch": 0.125}
    found["points"][-1]["step_us"] = {"mask": 1200.0, "classify": 800.0}  # held up by others: the workers took 1.18
    seen = figures.of_cost(found, 480.0, 600.0, "c")
    assert seen.step_ms == {"mask": 0.708, "classify": 0.472}
    assert seen.engine_ms == pytest.approx(0.42)


def test_a_feed_of_copies_has_ids_of_its_own(tmp_path: Path) -> None:
    cost.repeat(
        [
            b'{"id":"a","text":"\\u6c34","likes":1,"created_at":1000}',
            b'{"text":"b","id":"x","repost_of":"a","created_at":"2026-07-20T10:00:00+08:00"}',
            b'{"text":"c","id":"y","created_at":2000}',
        ],
        tmp_path / "f",
        5,
        "c7",
    )
    posts = [json.loads(line) for line in (tmp_path / "f").read_text(encoding="utf-8").splitlines()]
    assert [post["id"] for post in posts] == ["c7-0", "c7-1", "c7-2", "c7-3", "c7-4"]
    assert [post["text"] for post in posts] == ["水", "b", "c", "水", "b"]
    assert [post["created_at"] for post in posts] == [1000, 1200, 1400, 1600, 1800], "in order, whatever the lines say"
    assert (posts[3]["likes"], "repost_of" in posts[4]) == (1, False)
    with pytest.raises(Failed, match="no line"):
        cost.repeat([], tmp_path / "g", 5, "c7")
    with pytest.raises(Failed, match="created_at in epoch ms"):
        cost.repeat([b'{"id":"a","text":"b"}'], tmp_path / "g", 5, "c7")


@pytest.mark.parametrize(
    ("costs", "flat"), [([2.0, 2.1, 2.19], True), ([2.0, 2.25], False), ([2.25, 2.0], False), ([2.0], True)]
)
def test_flat_within_a_tenth(costs: list[float], flat: bool) -> None:
    assert cost.verdict(costs)["flat"] is flat
