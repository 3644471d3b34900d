"""Counts a week for every theme and district, from single records.

    tally = Tally()
    tally.add(date(2026, 3, 2), ["停水停电"], ["河南省郑州市二七区"])
    panel = tally.panel(last_day=date(2026, 9, 6))

Weeks begin on Monday. A record counts once in each series it belongs to: the total, its themes, its districts, and
each theme in each district.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

ALL = ""
"""Stands for every theme, or every district."""
DAYS = 7

EDGE_SHARE = 0.25
"""A first or last week below this share of the median week is the edge of a collection: messages of long ago that were
answered late, an export that ended on a Tuesday."""
HOLE_DAYS = ((20.0, 1), (5.0, 2))
"""(records on the median day, days without any record that make a week a hole). From 20 a day, one empty day is no
chance: the feed stood still. A hole is neither judged nor learned from."""

Counts = NDArray[np.int64]
Key = tuple[str, str]


@dataclass(frozen=True)
class Series:
    """Counts of one theme in one district. ``days``: int64, shape (weeks, 7), Monday first."""

    theme: str
    district: str
    days: Counts = field(repr=False)

    @property
    def weekly(self) -> Counts:
        """Shape (weeks,)."""
        total: Counts = self.days.sum(axis=1)
        return total

    @property
    def key(self) -> Key:
        return self.theme, self.district


@dataclass(frozen=True)
class Panel:
    """Series over the same weeks, and the week that is running, if one is. ``first``: Monday of the first week."""

    first: date
    weeks: int
    series: tuple[Series, ...]
    running: dict[Key, int]
    """Posts so far in the week after the last whole one, today's too, in series that have any."""
    running_days: int
    """Days of that week that are over; 0 when no week is running."""
    holes: NDArray[np.bool_]
    """Shape (weeks,): weeks in which the feed stood still."""

    def monday(self, week: int) -> date:
        """The first day of a week by its number from 0."""
        return self.first + timedelta(days=DAYS * week)


class Tally:
    """Counts as records come, in any order. Memory: one number a day and series that had a record."""

    def __init__(self) -> None:
        self._counts: dict[Key, Counter[int]] = {}

    def add(self, day: date, themes: Iterable[str], districts: Iterable[str], posts: int = 1) -> None:
        """Count a record; a theme or district named twice counts once, one without either in the total only."""
        if posts <= 0:
            return
        for theme in {ALL, *themes}:
            for district in {ALL, *districts}:
                self.put(day, theme, district, posts)

    def put(self, day: date, theme: str, district: str, posts: int) -> None:
        """Add to one series only: for counts that are distinct per series already (the store's)."""
        self._counts.setdefault((theme, district), Counter())[day.toordinal()] += posts

    def panel(self, last_day: date | None = None, minimum: float = 1.0, most: int = 200) -> Panel:
        """The series with at least ``minimum`` posts a whole week on average, the largest ``most`` of them.

        ``last_day``: the last day that is over; without it, that of the last record. The week that is not over then
        is ``running``, with what came after that day too. Whole weeks at both ends are dropped while they hold less
        than EDGE_SHARE of the median week, or are holes. Gives no series when not one whole week is left.
        """
        total = self._counts.get((ALL, ALL))
        if not total:
            return Panel(last_day or date.min, 0, (), {}, 0, np.zeros(0, np.bool_))
        end = last_day or date.fromordinal(max(total))
        first = _monday(date.fromordinal(min(total)))
        weeks = max(0, ((end + timedelta(days=1)) - first).days // DAYS)
        overall = self._days((ALL, ALL), first, weeks)
        holes = _holes(overall)
        low, high = _edges(overall.sum(axis=1), holes)
        start = first + timedelta(days=DAYS * low)
        # an edge that was cut off at the end is no running week
        running_first = first + timedelta(days=DAYS * weeks)
        running_days = (end - running_first).days + 1 if high == weeks else 0
        found, running = [], {}
        for key, counts in self._counts.items():
            series = Series(*key, self._days(key, start, high - low))
            if high <= low or series.days.sum() < minimum * (high - low):
                continue
            found.append(series)
            now = sum(counts[running_first.toordinal() + day] for day in range(DAYS))
            if now and high == weeks:
                running[key] = now
        found.sort(key=lambda series: (-int(series.days.sum()), series.key))
        kept = {series.key for series in found[:most]}
        return Panel(
            start,
            high - low,
            tuple(found[:most]),
            {key: posts for key, posts in running.items() if key in kept},
            running_days,
            holes[low:high],
        )

    def _days(self, key: Key, first: date, weeks: int) -> Counts:
        counts, start = self._counts[key], first.toordinal()
        return np.array([counts[start + day] for day in range(weeks * DAYS)], np.int64).reshape(weeks, DAYS)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _edges(weekly: Counts, holes: NDArray[np.bool_]) -> tuple[int, int]:
    """First week and one past the last that belong to the collection; weeks without a record do not sway the median."""
    filled = weekly[weekly > 0]
    if not filled.size:
        return 0, 0
    inside = np.flatnonzero((weekly >= EDGE_SHARE * np.median(filled)) & ~holes)
    return (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)


def _holes(days: Counts) -> NDArray[np.bool_]:
    """Shape (weeks,). The median day is one of those with a record, so that months before the first do not count."""
    filled = days[days > 0]
    empty = (days == 0).sum(axis=1)
    for busy, least in HOLE_DAYS:
        if filled.size and np.median(filled) >= busy:
            return np.asarray(empty >= least, np.bool_)
    return np.zeros(len(days), np.bool_)
