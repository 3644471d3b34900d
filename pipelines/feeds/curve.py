"""When the posts of a generated feed happen: evenly, or by the hours of a city's day.

The time of post i is the inverse of an integral: `day` has a density for each hour of Beijing time (mean 1), so the
number of posts until a moment is piecewise linear in time, and so is its inverse. Post i's time needs no other post.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipelines.feeds.uri import GenerateSource

_SHAPE = (5, 3, 2, 1.5, 1.5, 2, 4, 7, 9, 9.5, 10, 10.5, 12, 11, 9.5, 9, 9, 10, 11, 12, 14, 15, 13, 9)
"""Posts in each hour of a day, against each other: a trough before dawn, a rise at noon, the peak before bed. Assumed
by hand after what is commonly said of Chinese platforms, not measured."""
DENSITY = np.array(_SHAPE) / np.mean(_SHAPE)
_HOUR = 3600.0
_DAY = 24 * _HOUR
_EDGES = np.arange(25) * _HOUR
_POSTS = np.concatenate([[0.0], np.cumsum(DENSITY * _HOUR)])
"""Until each full hour, for a feed of one post a second on average; the last is a day's 86,400."""
_BEIJING = 8 * _HOUR


class Times:
    """Event times of a feed; `curve` is "flat" or "day"."""

    def __init__(self, start: int, event_rate: float, curve: str) -> None:
        self._start = start
        self._rate = event_rate
        self._day = curve == "day"
        clock = start / 1000 + _BEIJING
        self._midnight = clock // _DAY * _DAY
        self._done = float(np.interp(clock - self._midnight, _EDGES, _POSTS))

    def at(self, first: int, count: int = 1) -> npt.NDArray[np.int64]:
        """Epoch ms of `count` posts from `first` on; never falling."""
        indices = np.arange(first, first + count, dtype=np.int64)
        if not self._day:
            even: npt.NDArray[np.int64] = np.rint(indices * 1000 / self._rate).astype(np.int64)
            return even + self._start
        days, posts = np.divmod(self._done + indices / self._rate, _DAY)
        seconds = self._midnight - _BEIJING + days * _DAY + np.interp(posts, _POSTS, _EDGES)
        found: npt.NDArray[np.int64] = np.rint(seconds * 1000).astype(np.int64)
        return np.maximum(found, self._start)

    def index(self, seconds: float) -> int:
        """The first post that is `seconds` after the beginning or later."""
        if not self._day:
            return round(seconds * self._rate)
        clock = self._start / 1000 + _BEIJING - self._midnight + seconds
        days, rest = divmod(clock, _DAY)
        return round((days * _DAY + float(np.interp(rest, _EDGES, _POSTS)) - self._done) * self._rate)

    def hour(self, milliseconds: int) -> int:
        """The hour of the day in Beijing, 0 to 23."""
        return int((milliseconds // 1000 + 28_800) // 3600 % 24)


@lru_cache(maxsize=64)
def times(source: GenerateSource) -> Times:
    return Times(source.start, source.event_rate, source.curve)
