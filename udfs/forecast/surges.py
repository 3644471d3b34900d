"""Warnings: a week that leaves its band; and, with hindsight, the surges they should have told of.

A week is compared day by day: once the posts since Monday are more than the upper bound of the whole week, the warning
stands, however many days are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from udfs.forecast.backtest import Origin, filled
from udfs.forecast.models import Values, anscombe, counts_of
from udfs.forecast.weeks import DAYS, Counts

MINIMUM = 10
"""Posts a week below which nothing is a warning."""

LEVEL_WEEKS = 13
"""A surge stands out from the median of so many weeks before and after."""
APART = 2
"""Weeks next to the one in question that its level leaves out: they may be of the same surge."""
STANDS_OUT = 3.0
"""Times the usual spread above the level: the peak of a surge."""
BELONGS = 1.0
"""Times the usual spread above the level: weeks before and after the peak that are the same surge."""
GROWTH = 1.5
"""Times the level, at least, at the peak: in a large series three spreads can be little."""


@dataclass(frozen=True)
class Warned:
    """A week above its band. ``day``: the day of the week (Monday 0) at whose end the bound was passed."""

    week: int
    posts: int
    upper: float
    day: int


@dataclass(frozen=True)
class Surge:
    """Weeks ``first`` to ``last`` about a ``peak``, with the level they stand out from, in posts a week."""

    first: int
    peak: int
    last: int
    level: float


@dataclass(frozen=True)
class Lead:
    """How early a surge was told of; both None: never.

    ``weeks``: from the week of the first warning to the peak's; negative when it came after the peak. ``days``: from
    the end of the day of that warning to the end of the peak's week, when a weekly report would show the peak.
    """

    surge: Surge
    weeks: int | None
    days: int | None


def is_warning(posts: float, upper: float, minimum: int = MINIMUM) -> bool:
    """Whether so many posts in a week, or in its days so far, are a warning."""
    return posts >= minimum and posts > upper


def find_warnings(
    days: Counts, origins: Iterable[Origin], holes: NDArray[np.bool_], level: int = 95, minimum: int = MINIMUM
) -> list[Warned]:
    """The weeks of a back-test that left their one-week band upwards. ``days``: int, shape (weeks, 7)."""
    found = []
    for origin in origins:
        week = origin.known
        if week >= len(days) or holes[week]:
            continue
        upper = float(origin.band(level).upper[0])
        so_far = days[week].cumsum()
        if is_warning(float(so_far[-1]), upper, minimum):
            day = next(day for day in range(DAYS) if is_warning(float(so_far[day]), upper, minimum))
            found.append(Warned(week, int(so_far[-1]), upper, day))
    return found


def find_surges(counts: Values, holes: NDArray[np.bool_], minimum: int = MINIMUM) -> list[Surge]:
    """Surges by hindsight, none overlapping, in order of time; they know nothing of models and bands.

    The spread is that of the whole series about its level (median absolute deviation, on the Anscombe scale), at least
    that of a Poisson count.
    """
    whole = filled(counts, holes)
    weeks = len(whole)
    if weeks < LEVEL_WEEKS:
        return []
    scaled = anscombe(whole)
    level = np.empty(weeks)
    for week in range(weeks):
        near = np.r_[max(0, week - LEVEL_WEEKS) : week - APART, week + APART + 1 : min(weeks, week + LEVEL_WEEKS + 1)]
        level[week] = np.median(scaled[near[(near >= 0) & (near < weeks)]])
    above = scaled - level
    spread = max(1.0, 1.4826 * float(np.median(np.abs(above - np.median(above)))))
    posts_level = counts_of(level)
    peaks = [
        week
        for week in np.argsort(-above, kind="stable")
        if above[week] >= STANDS_OUT * spread
        and whole[week] >= max(minimum, GROWTH * posts_level[week])
        and not holes[week]
    ]
    found: list[Surge] = []
    for peak in map(int, peaks):
        if any(surge.first <= peak <= surge.last for surge in found):
            continue
        first, last = peak, peak
        while first > 0 and above[first - 1] >= BELONGS * spread and not _taken(found, first - 1):
            first -= 1
        while last + 1 < weeks and above[last + 1] >= BELONGS * spread and not _taken(found, last + 1):
            last += 1
        top = first + int(np.argmax(whole[first : last + 1]))
        found.append(Surge(first, top, last, float(posts_level[top])))
    return sorted(found, key=lambda surge: surge.first)


def _taken(found: Sequence[Surge], week: int) -> bool:
    return any(surge.first <= week <= surge.last for surge in found)


def leads(surges: Iterable[Surge], warned: Sequence[Warned]) -> list[Lead]:
    """For each surge, its first warning inside it."""
    found = []
    for surge in surges:
        first = next((one for one in warned if surge.first <= one.week <= surge.last), None)
        if first is None:
            found.append(Lead(surge, None, None))
        else:
            weeks = surge.peak - first.week
            found.append(Lead(surge, weeks, DAYS * weeks + DAYS - 1 - first.day))
    return found


def false_warnings(surges: Sequence[Surge], warned: Iterable[Warned]) -> list[Warned]:
    """Warnings outside every surge."""
    return [one for one in warned if not _taken(surges, one.week)]
