"""The search against simulated pipelines whose capacity is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from loadtest.load.search import GROWTH_S, LEAST, Kept, Trial, search
from schemas.errors import UsageError

SECONDS = 60.0


def queue(capacity: float, batch_s: float = 0.5) -> Callable[[float], Trial]:
    """A server that takes what is there every `batch_s` and does `capacity` posts/s: the fluid of a real trial."""

    def trial(rate: float) -> Trial:
        due = np.arange(int(rate * SECONDS)) / rate
        begin = np.ceil(due / batch_s) * batch_s
        number = np.arange(len(due)) / capacity
        # done[k] = max(done[k - 1], begin[k]) + 1 / capacity, without the loop
        late = np.maximum.accumulate(begin - number) + number + 1 / capacity - due
        p99 = float(np.quantile(late, 0.99, method="inverted_cdf"))
        # the lag, in seconds of the rate, is what a post waits
        third = len(late) // 3
        growth = float(np.median(late[-third:]) - np.median(late[:third])) if third else 0.0
        holds = p99 < 10 and growth <= GROWTH_S
        return Trial(rate, holds, p99, growth, "")

    return trial


@pytest.mark.parametrize("capacity", [13.0, 50.0, 99.0, 167.0, 433.0])
def test_the_capacity_is_found(capacity: float) -> None:
    found = search(queue(capacity), 50.0, 0.05)
    assert found.highest_that_holds is not None
    assert found.lowest_that_fails is not None
    assert found.lowest_that_fails - found.highest_that_holds < 0.05 * found.highest_that_holds
    # a trial of 60 s sees overload of 2.5% and more, and the bracket is 5% wide
    assert 0.95 * capacity <= found.highest_that_holds <= 1.03 * capacity
    assert len({one.rate for one in found.trials}) == len(found.trials) <= 12


def test_what_holds_nothing_and_what_holds_everything() -> None:
    nothing = search(lambda rate: Trial(rate, False, None, None, ""), 50.0, 0.05)
    assert (nothing.highest_that_holds, nothing.lowest_that_fails) == (None, LEAST)
    everything = search(lambda rate: Trial(rate, True, 1.0, 0.0, ""), 50.0, 0.05, ceiling=300.0)
    assert (everything.highest_that_holds, everything.lowest_that_fails) == (300.0, None)
    assert [one.rate for one in everything.trials] == [50, 100, 200, 300]


def test_a_search_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    whole = search(queue(70.0), 20.0, 0.05)
    tried: list[float] = []

    def until(stop: int) -> Callable[[float], Trial]:
        def trial(rate: float) -> Trial:
            if len(tried) == stop:
                raise KeyboardInterrupt
            tried.append(rate)
            return queue(70.0)(rate)

        return trial

    with pytest.raises(KeyboardInterrupt):
        search(Kept(tmp_path, {"limit_s": 10}).remembered(until(4)), 20.0, 0.05)
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write('{"rate": 7')  # killed in the middle of a line
    again = search(Kept(tmp_path, {"limit_s": 10}).remembered(until(99)), 20.0, 0.05)
    assert again == whole
    assert tried == [one.rate for one in whole.trials]
    assert search(Kept(tmp_path, {"limit_s": 10}).remembered(until(0)), 20.0, 0.05) == whole  # all are remembered
    with pytest.raises(UsageError, match="another limit_s"):
        Kept(tmp_path, {"limit_s": 5})
