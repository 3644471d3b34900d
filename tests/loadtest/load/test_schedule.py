"""When posts are due: exact times and counts, as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loadtest.load.schedule import Burst, Schedule, Segment, read
from schemas.errors import UsageError


def times(schedule: Schedule, size: int = 7) -> list[float]:
    return [float(time) for block in schedule.blocks(size) for time in block]


@pytest.mark.parametrize(
    ("rows", "bursts", "posts", "seconds"),
    [
        ([{"constant": 278, "seconds": 60}], [], 16_680, 60),
        ([{"constant": 0.5, "seconds": 3}], [], 2, 3),  # at 0 and 2 s
        ([{"ramp": [0, 100], "seconds": 10}], [], 500, 10),
        ([{"ramp": [100, 0], "seconds": 10}], [], 500, 10),
        ([{"steps": [10, 20, 40], "seconds": 5}], [], 350, 15),
        ([{"constant": 278, "seconds": 300}], ["10x60@120"], 278 * 240 + 2780 * 60, 300),
        ([{"constant": 10, "seconds": 10}], ["2x4@1", "3x4@3"], 10 * (2 * 2 + 2 * 6 + 2 * 3 + 4 * 1), 10),  # overlap
        ([{"constant": 10, "seconds": 10}], ["0x5@5"], 50, 10),  # a pause
        ([{"constant": 10, "seconds": 5}, {"ramp": [10, 30], "seconds": 5}], ["2x2@4"], 40 + 20 + 24 + 88, 10),
    ],
)
def test_counts(rows: list[dict[str, Any]], bursts: list[str], posts: int, seconds: float) -> None:
    schedule = read(rows, "schedule").with_bursts([Burst.read(one) for one in bursts])
    assert (schedule.posts, schedule.seconds) == (posts, seconds)
    found = times(schedule, 997)
    assert len(found) == posts
    assert found == sorted(found)
    assert found[0] >= 0
    assert found[-1] < seconds
    assert schedule.rates(int(seconds)).sum() == posts


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule((Segment(2, 4, 4),)), [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]),
        # N(t) = t^2 / 2: post k is due at sqrt(2 k)
        (Schedule((Segment(4, 0, 4),)), [float(np.sqrt(2 * k)) for k in range(8)]),
        # N(t) = 4 t - t^2 / 2
        (Schedule((Segment(4, 4, 0),)), [4 - float(np.sqrt(16 - 2 * k)) for k in range(8)]),
        # the post at the border is due in the second segment, and the half post of the first is carried over
        (Schedule((Segment(1.25, 2, 2), Segment(1, 5, 5))), [0, 0.5, 1, 1.35, 1.55, 1.75, 1.95, 2.15]),
        (Schedule((Segment(1, 2, 2),)).with_bursts([Burst(3, 0.5, 0.5)]), [0, 0.5, 2 / 3, 5 / 6]),
        (Schedule((Segment(1, 2, 2),)).after(1), [0, 0.5, 1, 1.5]),
    ],
)
def test_times(schedule: Schedule, expected: list[float]) -> None:
    for size in (1, 3, 1000):  # however the blocks fall
        assert times(schedule, size) == pytest.approx(expected, abs=1e-9)


def test_a_million_posts_do_not_drift() -> None:
    last = Schedule((Segment(3600, 277.7, 277.7),))
    assert last.posts == 999_720
    *_, block = last.blocks()
    assert float(block[-1]) == pytest.approx((last.posts - 1) / 277.7, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([], "must be a list"),
        ([{"constant": 5}], "row 1"),
        ([{"constant": -5, "seconds": 1}], "-5"),
        ([{"constant": 0, "seconds": 1}], "above 0"),
        ([{"constant": "fast", "seconds": 1}], "fast"),
        ([{"constant": 1, "seconds": 1}, {"ramp": [1], "seconds": 1}], "row 2"),
        ([{"ramp": [0, 0], "seconds": 1}], "never leaves 0"),
        ([{"steps": [], "seconds": 1}], "steps"),
        ([{"constant": float("nan"), "seconds": 1}], "nan"),
        ([{"sine": 3, "seconds": 1}], "sine"),
    ],
)
def test_wrong_rows_name_themselves(rows: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        read(rows, "schedule")


@pytest.mark.parametrize("text", ["10x60", "x60@1", "10X60@1", "10x60@-1", "1e3x1@1", "..x1@1"])
def test_wrong_bursts(text: str) -> None:
    with pytest.raises(UsageError, match="burst"):
        Burst.read(text)


def test_a_burst_past_the_end() -> None:
    with pytest.raises(UsageError, match="ends after"):
        Schedule((Segment(10, 1, 1),)).with_bursts([Burst(2, 5, 6)])
