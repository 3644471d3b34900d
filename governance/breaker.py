"""Circuit breaker: when too many records of one step fail, a person must look before the job goes on.

A broken model or a changed feed format would otherwise turn a whole night into dead letters. Per step the breaker
looks at a sliding window: the newest batches that together hold at least ``WINDOW`` records. It opens when the window
has at least ``MINIMUM`` records and more than ``SHARE`` of them failed. So a step that fails altogether stops a
long-running job after about 100 records, a job that is bad from its start after 1,000, and last night's failures are
forgotten once ``WINDOW`` later records went through. Parse failures never open it: what strangers send is not our
fault; they are counted for an alert only.
"""

from __future__ import annotations

from collections import deque

from schemas.errors import CircuitOpen

SHARE = 0.01
MINIMUM = 1_000
WINDOW = 10_000
EXEMPT = frozenset({"parse"})


class CircuitBreaker:
    """Counts records and failures per step; one a job and worker, one thread. No clock: it counts records only."""

    def __init__(
        self,
        share: float = SHARE,
        minimum: int = MINIMUM,
        window: int = WINDOW,
        exempt: frozenset[str] = EXEMPT,
    ) -> None:
        if not 0 <= share < 1 or not 0 < minimum <= window:
            raise ValueError(f"need 0 <= share < 1 and 0 < minimum <= window, not {share}, {minimum}, {window}")
        self.share, self.minimum, self.window, self.exempt = share, minimum, window, exempt
        self._steps: dict[str, _Window] = {}

    def record(self, step: str, total: int, failed: int) -> None:
        """Note a batch of ``total`` records of which ``failed`` failed in ``step``.

        Raises CircuitOpen when the window says so, and on every later call for that step until enough good records
        would have pushed the failures out (which takes a person: an open circuit stops the job). Cost: O(1), <1 us.
        """
        if not 0 <= failed <= total:
            raise ValueError(f"{failed} failures of {total} records")
        if not total:
            return
        window = self._steps.get(step)
        if window is None:
            window = self._steps[step] = _Window(self.window)
        window.add(total, failed)
        if step in self.exempt or window.total < self.minimum or window.failed <= self.share * window.total:
            return
        raise CircuitOpen(
            f"step {step}: {window.failed} of the last {window.total} records failed "
            f"({window.failed / window.total:.1%}, allowed {self.share:.1%}). The job stops. See `yuqing dlq list` "
            "for the reasons, mend the cause, resume the job, then run `yuqing dlq retry`"
        )

    def counts(self) -> dict[str, tuple[int, int]]:
        """Step -> (records, failures) in its window, for metrics and the parse-failure alert."""
        return {step: (window.total, window.failed) for step, window in self._steps.items()}


class _Window:
    """The newest batches that together hold at least ``size`` records; older ones are dropped whole."""

    def __init__(self, size: int) -> None:
        self.size, self.total, self.failed = size, 0, 0
        self._batches: deque[tuple[int, int]] = deque()

    def add(self, total: int, failed: int) -> None:
        self._batches.append((total, failed))
        self.total += total
        self.failed += failed
        while self.total - self._batches[0][0] >= self.size:
            old_total, old_failed = self._batches.popleft()
            self.total -= old_total
            self.failed -= old_failed
