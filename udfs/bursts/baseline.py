"""What a series usually has at this hour of day: an exponentially forgotten Gamma-Poisson rate for each hour.

Counts are set against *exposure*: a minute in which the feed has as many posts as this hour usually has is one minute;
a minute without any feed is none. So a feed that stops teaches no zeros, and one that doubles doubles what is expected.

Shrinkage, from the narrow to the wide: a series' rate at an hour leans on its mean over the day times the season of all
series of its kind, with the weight of SHRINK minutes; the mean leans on PRIOR_COUNT calls in PRIOR_MINUTES. A series
that was never seen needs no memory: its counts are zero against the whole exposure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from udfs.bursts.keys import Series

DAY, HOUR = 1_440, 60
CHINA = 8 * HOUR
HALF_LIFE_DAYS = 7.0
RECENT_HALF_LIFE_HOURS = 6.0
PRIOR_COUNT = 0.5
PRIOR_MINUTES = 360.0
"""The prior is half a call in six hours. Until as much has been seen, a new series needs more calls to stand out."""
SHRINK = 180.0
"""Minutes: an hour of day is its own after about three days."""
PHI, PHI_WEIGHT, LEAST_PHI = 0.25, 4.0, 0.02
"""Variance beyond Poisson / mean squared: where each series starts, with what weight, and its floor."""
BLOCK = 15
"""Minutes over which dispersion is learned."""
MOST_FEED = 4.0
"""A minute with more feed than this times the usual counts as this much."""
MOST_SERIES = 50_000
FORGOTTEN = 0.05
"""A series whose decayed counts are below this is as good as never seen."""

_RECENT = 24
FloatArray = npt.NDArray[np.float64]


def hour_of(minute: int) -> int:
    """Hour of day in China, 0 to 23, of a minute since the epoch."""
    return (minute + CHINA) // HOUR % 24


class Baseline:
    """Rates per minute of exposure. Bounded: at most ``MOST_SERIES`` series, 28 numbers each."""

    def __init__(self) -> None:
        self.rows: dict[Series, int] = {}
        self._counts = np.zeros((256, 25))
        """By row: calls by hour of day, and recent ones."""
        self._spread = np.zeros((256, 2))
        """By row: sums of (x - mean)**2 - mean and of mean**2 over blocks."""
        self._block = np.zeros(256)
        self._expected_block = 0.0
        self._exposure = np.zeros(25)
        self._feed = np.zeros((2, 24))
        self._usual: list[float] | None = None
        self._seasons: dict[tuple[str, int], tuple[float, float]] = {}
        """Posts, and minutes that had any, by hour of day."""
        self._kinds: dict[str, FloatArray] = {}
        self._minute = 0

    # -- the feed as a whole --------------------------------------------------------------------------------------
    def feed(self, minute: int) -> float:
        """Posts that a minute of this hour usually has; 0 before anything was learned."""
        if self._usual is None:
            posts, minutes = self._feed
            mean = float(posts.sum()) / max(1e-9, float(minutes.sum()))
            self._usual = ((posts + HOUR * mean) / (minutes + HOUR)).tolist()
        return self._usual[hour_of(minute)]

    def feed_share(self, posts: float, minute: int) -> float:
        """Posts of a minute / posts that it usually has, at most ``MOST_FEED``; 1 before anything was learned."""
        usual = self.feed(minute)
        return min(MOST_FEED, posts / usual) if usual else float(posts > 0)

    # -- learning -------------------------------------------------------------------------------------------------
    def learn(self, minute: int, posts: float, counts: Mapping[Series, tuple[float, float]]) -> None:
        """A minute that is over: posts of the feed, and of the series that had any (calls, calls that this hour is
        to learn). Minutes come in order."""
        self._forget(minute)
        if posts <= 0:
            return
        share, usual, hour = self.feed_share(posts, minute), self.feed(minute), hour_of(minute)
        self._feed[0, hour] += min(max(posts, usual / MOST_FEED), usual * MOST_FEED) if usual else posts
        self._feed[1, hour] += 1
        self._usual = None
        self._seasons.clear()
        self._expected_block += share
        for series, (count, ordinary) in counts.items():
            row = self._row(series)
            self._counts[row, hour] += ordinary
            self._counts[row, _RECENT] += count
            self._block[row] += count
            self._kind(series.kind)[hour] += ordinary
        self._exposure[hour] += share
        self._exposure[_RECENT] += share
        if minute % BLOCK == BLOCK - 1:
            self._learn_spread(hour)

    def _learn_spread(self, hour: int) -> None:
        means = np.zeros(len(self._block))
        for kind, rows in self._by_kind().items():
            means[rows] = self._rates(rows, kind, hour)[0] * self._expected_block
        counts = np.minimum(self._block, 3 * means + 3)  # a burst is no sign of a restless series
        self._spread[:, 0] += (counts - means) ** 2 - means
        self._spread[:, 1] += means**2
        self._block[:] = 0
        self._expected_block = 0.0

    def _by_kind(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for series, row in self.rows.items():
            rows.setdefault(series.kind, []).append(row)
        return rows

    def _forget(self, minute: int) -> None:
        if self._minute:
            hours = minute // HOUR - self._minute // HOUR
            if hours > 0:
                kept = 0.5 ** (hours / RECENT_HALF_LIFE_HOURS)
                self._counts[:, _RECENT] *= kept
                self._exposure[_RECENT] *= kept
            days = (minute + CHINA) // DAY - (self._minute + CHINA) // DAY
            if days > 0:
                kept = 0.5 ** (days / HALF_LIFE_DAYS)
                self._counts[:, :_RECENT] *= kept
                self._exposure[:_RECENT] *= kept
                self._feed *= kept
                self._usual = None
                self._seasons.clear()
                self._spread *= kept
                for counts in self._kinds.values():
                    counts *= kept
                self._evict(FORGOTTEN)
        self._minute = max(minute, self._minute)

    def _row(self, series: Series) -> int:
        row = self.rows.get(series)
        if row is None:
            if len(self.rows) >= MOST_SERIES:
                totals = self._counts[list(self.rows.values())].sum(1)
                self._evict(float(np.quantile(totals, 0.1)) + 1e-9)
            row = len(self.rows)
            if row == len(self._block):
                self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
                self._spread = np.concatenate([self._spread, np.zeros_like(self._spread)])
                self._block = np.concatenate([self._block, np.zeros_like(self._block)])
            self.rows[series] = row
        return row

    def _evict(self, least: float) -> None:
        totals = self._counts.sum(1)
        stay = [(series, row) for series, row in self.rows.items() if totals[row] >= least]
        if len(stay) == len(self.rows):
            return
        at = [row for _, row in stay]
        size = max(256, 1 << len(at).bit_length())
        for name in ("_counts", "_spread", "_block"):
            old = getattr(self, name)
            new = np.zeros((size, *old.shape[1:]))
            new[: len(at)] = old[at]
            setattr(self, name, new)
        self.rows = {series: n for n, (series, _) in enumerate(stay)}

    def _kind(self, kind: str) -> FloatArray:
        return self._kinds.setdefault(kind, np.zeros(24))

    # -- asking ---------------------------------------------------------------------------------------------------
    def rate(self, series: Series, minute: int) -> tuple[float, float]:
        """(calls per minute of exposure at this hour of day, how many calls that rests on)."""
        rates, weights = self._rates([self.rows.get(series, -1)], series.kind, hour_of(minute))
        return float(rates[0]), float(weights[0])

    def recent(self, series: Series) -> tuple[float, float]:
        """(calls, minutes of exposure) of the last hours before those that the detector still holds."""
        row = self.rows.get(series, -1)
        return (float(self._counts[row, _RECENT]) if row >= 0 else 0.0), float(self._exposure[_RECENT])

    def phi(self, series: Series) -> float:
        """Variance beyond Poisson / mean**2."""
        row = self.rows.get(series, -1)
        above, squares = self._spread[row].tolist() if row >= 0 else (0.0, 0.0)
        return max(LEAST_PHI, float((PHI * PHI_WEIGHT + above) / (PHI_WEIGHT + squares)))

    def _rates(self, rows: list[int], kind: str, hour: int) -> tuple[FloatArray, FloatArray]:
        counts = self._counts[rows, :_RECENT]
        counts[np.array(rows) < 0] = 0  # row -1: never seen
        season, exposure = self._season(kind, hour)
        totals = counts.sum(1)
        usual = season * (totals + PRIOR_COUNT) / (exposure + PRIOR_MINUTES)
        weight = PRIOR_COUNT + counts[:, hour] + np.minimum(totals, SHRINK * usual)
        return (counts[:, hour] + SHRINK * usual) / (self._exposure[hour] + SHRINK), weight

    def _season(self, kind: str, hour: int) -> tuple[float, float]:
        """(rate of all series of the kind at this hour / their rate over the day, exposure of the day)."""
        known = self._seasons.get((kind, hour))
        if known is None:
            pooled, exposure = self._kind(kind), self._exposure[:_RECENT]
            mean = float(pooled.sum() + 1) / float(exposure.sum() + PRIOR_MINUTES)
            season = float(pooled[hour] + HOUR * mean) / float(exposure[hour] + HOUR) / mean
            known = self._seasons[kind, hour] = (season, float(exposure.sum()))
        return known

    # -- snapshot -------------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        used = len(self.rows)
        arrays = {"counts": self._counts[:used], "spread": self._spread[:used], "block": self._block[:used]}
        arrays |= {"exposure": self._exposure, "feed": self._feed}
        return {
            "rows": [list(series) for series in self.rows],
            "arrays": {name: array.astype(np.float32).tobytes() for name, array in arrays.items()},
            "kinds": {kind: counts.tolist() for kind, counts in self._kinds.items()},
            "expected_block": self._expected_block,
            "minute": self._minute,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``state`` gave."""
        self.rows = {Series(*series): row for row, series in enumerate(state["rows"])}
        size = max(256, 1 << len(self.rows).bit_length())
        for name, width in (("counts", 25), ("spread", 2), ("block", 0)):
            array = np.zeros((size, width) if width else size)
            held = np.frombuffer(state["arrays"][name], np.float32).astype(np.float64)
            array[: len(self.rows)] = held.reshape(len(self.rows), *array.shape[1:])
            setattr(self, "_" + name, array)
        self._exposure = np.frombuffer(state["arrays"]["exposure"], np.float32).astype(np.float64)
        self._feed = np.frombuffer(state["arrays"]["feed"], np.float32).astype(np.float64).reshape(2, 24)
        self._usual = None
        self._seasons.clear()
        self._kinds = {kind: np.array(counts) for kind, counts in state["kinds"].items()}
        self._expected_block, self._minute = float(state["expected_block"]), int(state["minute"])
