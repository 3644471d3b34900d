"""Open-loop pacing on a clock that only moves when somebody sleeps or works."""

from __future__ import annotations

import pytest

from pipelines.feeds.pace import Pacer


class Hands:
    """A clock moved by hand; sleeping moves it, a little short at times, as a real sleep may."""

    def __init__(self, short: float = 0.0) -> None:
        self.now = 1000.0
        self.sleeps = 0
        self.short = short

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.sleeps += 1
        self.now += seconds if self.sleeps % 2 else max(seconds * (1 - self.short), 1e-6)


@pytest.mark.parametrize("short", [0.0, 0.5], ids=["exact sleep", "short sleep"])
@pytest.mark.parametrize(
    ("rate", "limit", "seconds", "posts"),
    [
        (300, 512, 10, 3000),
        (300, 16, 10, 3000),  # the limit is reached before the interval
        (2, 512, 10, 20),
        (0.5, 512, 10, 5),
        (20_000, 512, 2, 40_000),
    ],
)
def test_the_rate_is_kept(rate: float, limit: int, seconds: float, posts: int, short: float) -> None:
    clock = Hands(short)
    pacer = Pacer(rate, clock=clock, sleep=clock.sleep)
    while clock.now < 1000 + seconds:
        assert 1 <= pacer.take(limit) <= limit
    assert pacer.done == pytest.approx(posts, abs=max(limit if limit < 100 else 1, rate * 0.3))
    assert pacer.lag <= 0.2 + 1e-6


def test_batches_follow_the_rate() -> None:
    clock = Hands()
    pacer = Pacer(300, clock=clock, sleep=clock.sleep)
    sizes = [pacer.take(512) for _ in range(20)]
    assert set(sizes) <= {60, 61, 62}


def test_a_slow_reader_is_offered_what_fell_due_meanwhile() -> None:
    clock = Hands()
    pacer = Pacer(100, clock=clock, sleep=clock.sleep)
    pacer.take(512)
    done = pacer.done
    clock.now += 3  # the reader was busy: 300 more are due, and the schedule does not wait for it
    assert pacer.take(512) == pytest.approx(300, abs=2)
    assert pacer.lag == pytest.approx(3, abs=0.05)
    clock.now += 10
    assert pacer.take(512) == 512, "a batch has its limit"
    sleeps = clock.sleeps
    assert pacer.take(512) == pytest.approx(490, abs=5), "what is overdue comes at once"
    assert clock.sleeps == sleeps
    assert pacer.done - done == pytest.approx(1300, abs=5)


def test_no_rate_no_waiting() -> None:
    clock = Hands()
    pacer = Pacer(None, clock=clock, sleep=clock.sleep)
    assert [pacer.take(512), pacer.take(512), pacer.done, clock.sleeps] == [512, 512, 1024, 0]


def test_a_resumed_feed_is_not_behind() -> None:
    clock = Hands()
    pacer = Pacer(10, done=1_000_000, clock=clock, sleep=clock.sleep)
    assert pacer.take(512) <= 3
    assert pacer.lag <= 0.2 + 1e-6


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_rates_that_cannot_be(rate: float) -> None:
    with pytest.raises(ValueError, match="rate must be"):
        Pacer(rate)
