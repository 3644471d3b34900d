"""When the circuit opens, and when it must not. Each case is a run of (step, records, failures)."""

from __future__ import annotations

import pytest

from governance.breaker import CircuitBreaker
from schemas.errors import CircuitOpen

GOOD = ("mask", 500, 0)
Batch = tuple[str, int, int]

CASES: dict[str, tuple[list[Batch], int | None]] = {
    "nothing": ([], None),
    "all good": ([GOOD] * 50, None),
    "all fail, but fewer than 1,000": ([("mask", 999, 999)], None),
    "all fail from the start": ([("mask", 500, 500)] * 2, 1),
    "exactly 1%": ([("mask", 1000, 10)] * 20, None),
    "just above 1%": ([("mask", 1000, 11)], 0),
    "1.1% in small batches": ([("mask", 100, 1)] * 9 + [("mask", 100, 2)], 9),
    "breaks after a long good run": ([GOOD] * 1000 + [("mask", 50, 50)] * 3, 1002),
    "a short fit in a long run": ([GOOD] * 100 + [("mask", 500, 90)] + [GOOD] * 100, None),
    "two fits far apart": ([GOOD] * 30 + [("mask", 500, 90)] + [GOOD] * 30 + [("mask", 500, 90)] + [GOOD], None),
    "two fits close together": ([GOOD] * 30 + [("mask", 500, 90)] + [GOOD] + [("mask", 500, 90)], 32),
    "parse never opens it": ([("parse", 1000, 1000)] * 20, None),
    "steps are counted apart": ([("mask", 600, 4), ("match", 600, 4), ("locate", 600, 4)], None),
    "one bad step among good ones": ([("mask", 1000, 0), ("match", 1000, 12)], 1),
    "empty batches count for nothing": ([("mask", 0, 0)] * 5000 + [("mask", 999, 999)], None),
    "one huge batch": ([("mask", 1_000_000, 10_001)], 0),
    "one huge good batch, then failures": ([("mask", 1_000_000, 0), ("mask", 9_999, 100)], None),
}


@pytest.mark.parametrize(("batches", "opens_at"), CASES.values(), ids=CASES)
def test_the_circuit_opens_at(batches: list[Batch], opens_at: int | None) -> None:
    breaker = CircuitBreaker()
    for at, batch in enumerate(batches):
        if at == opens_at:
            with pytest.raises(CircuitOpen, match=f"^step {batch[0]}: .* `yuqing dlq list`"):
                breaker.record(*batch)
            return
        breaker.record(*batch)
    assert opens_at is None


def test_it_stays_open_while_the_failures_are_in_the_window() -> None:
    breaker = CircuitBreaker()
    for _ in range(10):
        with pytest.raises(CircuitOpen):
            breaker.record("mask", 1000, 101)
    with pytest.raises(CircuitOpen):
        breaker.record("mask", 500, 0)
    breaker.record("match", 5000, 0)


def test_the_window_holds_the_newest_records() -> None:
    breaker = CircuitBreaker(share=0.5, minimum=10, window=100)
    for _ in range(50):
        breaker.record("mask", 30, 3)
    assert breaker.counts() == {"mask": (120, 12)}


@pytest.mark.parametrize(
    ("share", "minimum", "window"), [(-0.1, 10, 100), (1, 10, 100), (0.01, 0, 100), (0.01, 101, 100)]
)
def test_wrong_limits_are_refused(share: float, minimum: int, window: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= share"):
        CircuitBreaker(share, minimum, window)


@pytest.mark.parametrize(("total", "failed"), [(1, 2), (5, -1), (-1, -1)])
def test_impossible_counts_are_refused(total: int, failed: int) -> None:
    with pytest.raises(ValueError, match="failures of"):
        CircuitBreaker().record("mask", total, failed)
