"""Clocks, and open-loop pacing: a feed of R posts a second offers R posts a second, however slow the reader is.

Open loop means that the schedule is fixed beforehand: post i is due at start + i / rate. A reader that falls behind
finds more posts due the next time; the schedule never waits for it, so what it reports as latency is what a post really
waited (a closed loop would hide it: "coordinated omission").
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the present time in milliseconds since the epoch, UTC."""


def wall_ms() -> int:
    """The machine's own clock."""
    return time.time_ns() // 1_000_000


class Pacer:
    """Tells how many posts are due now, and sleeps until some are.

    `rate` is in posts a second (None: everything is always due), `interval` the least time in seconds between two
    answers, so that the size of a batch follows the rate: 300 a second and 0.2 s give batches of about 60. The clock is
    monotonic seconds; it starts at the first call.
    """

    def __init__(
        self,
        rate: float | None,
        *,
        interval: float = 0.2,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if rate is not None and not (rate > 0 and math.isfinite(rate)):
            raise ValueError(f"rate must be a positive number, not {rate}")
        self.done = done
        """Posts handed out so far; a resumed feed begins with what its checkpoint had, and is not behind for it."""
        self.lag = 0.0
        """Seconds by which the oldest post of the last answer was late."""
        self._first = done
        self._rate = rate
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._start: float | None = None

    def take(self, limit: int) -> int:
        """Sleep until at least one post is due, and return how many are: 1 to `limit`. They count as handed out."""
        if self._rate is None:
            self.done += limit
            return limit
        if self._start is None:
            self._start = self._clock()
        due_at = self._start + (self.done - self._first) / self._rate  # of the next post
        full_at = due_at + (limit - 1) / self._rate
        wake_at = min(due_at + self._interval, full_at)
        # sleep may return early (a signal), and the sum of floats may fall just short: look again
        while (now := self._clock()) < wake_at:
            self._sleep(wake_at - now)
        due = math.floor((now - self._start) * self._rate) + 1 - (self.done - self._first)
        taken = max(1, min(limit, due))
        self.lag = max(0.0, now - due_at)
        self.done += taken
        return taken
