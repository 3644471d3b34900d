"""Does a series grow? Three answers: steady, grows, cannot tell.

What a process holds goes up and down with its garbage collector; what it cannot give back is what is left after a
collection. So the series is cut into equal stretches and the least value of each is looked at. Their slope is the
Theil-Sen estimate (the median of the slopes of all pairs) with the confidence interval of Sen (1968, JASA 63, section
3), which normal noise and single outliers move little. A series that was interrupted (a worker was started again) has
several segments: only pairs of the same segment count, as in the seasonal Kendall test (Hirsch and Slack 1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

STRETCHES = (30, 18, 12)
"""Of a series that was never interrupted; each segment gets its share. Where the first says nothing the next is tried:
wider stretches outlast a slower collector."""
FEWEST = 8
"""Stretches below which nothing is said."""
CONFIDENCE = 0.99
"""Of the interval: a report judges some twenty series, and a false alarm in each would teach people to look away."""


@dataclass(frozen=True)
class Trend:
    """What a series does: `per_hour` and its interval are shares of the level (.02: two per cent an hour)."""

    answer: str
    """steady, grows, cannot tell."""
    level: float
    """Median of the stretches."""
    per_hour: float
    low: float
    high: float
    stretches: int
    hours: float
    """From the first to the last sample that counted, pauses left out."""


Segment = Sequence[tuple[float, float]]
"""(seconds, value), in order."""


def judge(segments: Sequence[Segment], limit: float, warm_up_s: float = 0.0) -> Trend:
    """Whether the series grows by more than `limit` of its level an hour. Of each segment `warm_up_s` are left out.

    "grows" when the whole interval lies above the limit, "steady" when it lies at or below, else "cannot tell": the
    series is too short or too noisy for that limit.
    """
    kept = [
        [(at, value) for at, value in segment if at - segment[0][0] >= warm_up_s] for segment in segments if segment
    ]
    kept = [segment for segment in kept if len(segment) >= 2]
    seconds = [segment[-1][0] - segment[0][0] for segment in kept]
    whole = sum(seconds)
    if not whole:
        return Trend("cannot tell", 0.0, 0.0, float("-inf"), float("inf"), 0, 0.0)
    for stretches in STRETCHES:
        floors = [floor(one, max(2, round(stretches * span / whole))) for one, span in zip(kept, seconds, strict=True)]
        found = _judged(floors, limit, whole / 3600)
        if found.answer != "cannot tell":
            break
    return found


def _judged(floors: Sequence[Segment], limit: float, hours: float) -> Trend:
    count = sum(len(one) for one in floors)
    level = float(np.median([value for one in floors for _, value in one]))
    slope, low, high = theil_sen(floors)
    scale = 3600 / level if level else float("inf")
    per_hour, least, most = (0.0 if value == 0 else value * scale for value in (slope, low, high))
    if count < FEWEST:
        answer = "cannot tell"
    elif most <= limit:
        answer = "steady"
    else:
        answer = "grows" if least > limit else "cannot tell"
    return Trend(answer, level, per_hour, least, most, count, hours)


def floor(segment: Segment, stretches: int) -> list[tuple[float, float]]:
    """(middle of the stretch, least value in it) for so many equal stretches of time; empty ones are left out."""
    first, last = segment[0][0], segment[-1][0]
    width = (last - first) / stretches
    least: dict[int, float] = {}
    for at, value in segment:
        index = min(stretches - 1, int((at - first) / width)) if width else 0
        least[index] = min(least.get(index, value), value)
    return [(first + (index + 0.5) * width, value) for index, value in sorted(least.items())]


def theil_sen(segments: Sequence[Segment]) -> tuple[float, float, float]:
    """(slope, low, high) a second. The interval is infinite where pairs are too few for CONFIDENCE."""
    slopes: list[float] = []
    variance = 0.0
    for segment in segments:
        at, value = (np.array(column, dtype=float) for column in zip(*segment, strict=True))
        i, j = np.triu_indices(len(at), 1)
        slopes += list((value[j] - value[i]) / (at[j] - at[i]))
        n = len(at)
        _, ties = np.unique(value, return_counts=True)
        variance += (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    if not slopes:
        return 0.0, float("-inf"), float("inf")
    ordered = np.sort(slopes)
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * variance**0.5 / 2
    # Sen's ranks (N - C)/2 and (N + C)/2 + 1, counted from 0
    lower, upper = round(len(ordered) / 2 - half) - 1, round(len(ordered) / 2 + half)
    low = float(ordered[lower]) if lower >= 0 else float("-inf")
    high = float(ordered[upper]) if upper < len(ordered) else float("inf")
    return float(np.median(ordered)), low, high
