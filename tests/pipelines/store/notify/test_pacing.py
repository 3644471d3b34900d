"""Quiet hours and allowances: clocks are arguments."""

from __future__ import annotations

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.store.notify.pacing import MINUTE_MS, Allowance, QuietHours

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(hour, minute=0, day=20, zone=SHANGHAI):
    return int(datetime(2026, 11, day, hour, minute, tzinfo=zone).timestamp() * 1000)


# hours, priority, when, told when
QUIET = [
    ("22:00-07:00", 3, at(21, 59), at(21, 59)),
    ("22:00-07:00", 3, at(22, 0), at(7, 0, day=21)),
    ("22:00-07:00", 4, at(23, 30), at(7, 0, day=21)),
    ("22:00-07:00", 3, at(3, 0), at(7, 0)),
    ("22:00-07:00", 3, at(7, 0), at(7, 0)),
    ("22:00-07:00", 2, at(3, 0), at(3, 0)),
    ("22:00-07:00", 1, at(3, 0), at(3, 0)),
    ("12:30-14:00", 3, at(12, 29), at(12, 29)),
    ("12:30-14:00", 3, at(12, 30), at(14, 0)),
    ("12:30-14:00", 3, at(20, 0), at(20, 0)),
]


@pytest.mark.parametrize(("hours", "priority", "when", "told"), QUIET)
def test_quiet_hours(hours, priority, when, told):
    assert QuietHours(hours, below=3).until(priority, when) == told


def test_quiet_hours_are_those_of_the_time_zone():
    quiet = QuietHours("22:00-07:00", 3, "Europe/Berlin")
    assert quiet.until(3, at(12, zone=SHANGHAI)) == at(12, zone=SHANGHAI) + 2 * 3_600_000  # 5 o'clock in Berlin
    assert quiet.until(3, at(23, zone=SHANGHAI)) == at(23, zone=SHANGHAI)


@pytest.mark.parametrize("per_minute", [2, 3, 20, 100])
def test_no_minute_has_more_messages(per_minute):
    draw = random.Random(per_minute)
    now = 0
    allowance = Allowance(per_minute, now)
    sent: list[int] = []
    for _ in range(20_000):
        now += draw.choice([1, 50, 400, 3_000]) if draw.random() < 0.999 else 10 * MINUTE_MS
        if allowance.left(now):
            allowance.take()
            sent.append(now)
    assert len(sent) > per_minute
    assert all(later - first >= MINUTE_MS for first, later in zip(sent, sent[per_minute:], strict=False))


@pytest.mark.parametrize(("per_minute", "wait_ms"), [(2, 60_000), (3, 30_000), (20, 6_000), (100, 1_200)])
def test_after_a_burst_the_next_goes_soon(per_minute, wait_ms):
    allowance = Allowance(per_minute, 0)
    while allowance.left(0):
        allowance.take()
    assert (allowance.left(wait_ms - 1), allowance.left(wait_ms)) == (0, 1)


def test_after_a_restart_what_was_sent_in_the_last_minute_counts():
    assert Allowance(20, 0, sent_in_last_minute=4).left(0) == 6
    assert Allowance(20, 0, sent_in_last_minute=40).left(0) == 0
    assert Allowance(20, 0, sent_in_last_minute=40).left(6_000) == 1
