"""When each post is due: a schedule of rates as data, and the exact intended time of every post in it.

A schedule is a row of segments in each of which the rate is constant or changes in a straight line, so the number of
posts due until t is a piecewise parabola N(t), and post k is due where N(t) = k: no clock is read and no random number
drawn, hence the intended times stand before the run begins. Latency is counted from them (Gil Tene's "coordinated
omission": a sender that waits for a slow system must not thereby hide its slowness).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError

Times = npt.NDArray[np.float64]
_EPSILON = 1e-6  # posts: N(t) is a sum of floats, and 16679.9999999 posts are 16680
BLOCK = 65_536


@dataclass(frozen=True)
class Segment:
    """The rate goes from `first` to `last` posts/s in a straight line over `seconds`."""

    seconds: float
    first: float
    last: float

    @property
    def posts(self) -> float:
        return self.seconds * (self.first + self.last) / 2

    def cut(self, at: float) -> tuple[Segment, Segment]:
        middle = self.first + (self.last - self.first) * at / self.seconds
        return Segment(at, self.first, middle), Segment(self.seconds - at, middle, self.last)

    def scaled(self, factor: float) -> Segment:
        return Segment(self.seconds, self.first * factor, self.last * factor)

    def times(self, counts: Times) -> Times:
        """Seconds after the segment's begin at which `counts` posts (0 to `posts`) were due."""
        slope = (self.last - self.first) / self.seconds
        if abs(slope) < 1e-12:
            return np.asarray(counts / self.first)
        # first t + slope t^2 / 2 = n, in the form that does not cancel when the slope is small
        root = np.sqrt(np.maximum(self.first**2 + 2 * slope * counts, 0.0))
        below = self.first + root  # 0 at the begin of a ramp from 0, where the time is 0
        return np.divide(2 * counts, below, out=np.zeros_like(root), where=below > 0)


@dataclass(frozen=True)
class Burst:
    """From `at` seconds on, for `seconds`, the rate is `times` what the schedule says."""

    times: float
    seconds: float
    at: float

    _FORM = re.compile(r"([0-9.]+)x([0-9.]+)@([0-9.]+)")

    @classmethod
    def read(cls, text: str) -> Burst:
        """Reads `10x60@120`: ten times the rate, for 60 s, from second 120 on."""
        found = cls._FORM.fullmatch(text)
        if found is None:
            raise UsageError(f"--burst {text!r}: write TIMESxSECONDS@AT, for example 10x60@120")
        return cls(*(_positive(f"--burst {text!r}", part, zero=True) for part in found.groups()))


@dataclass(frozen=True)
class Schedule:
    """Segments one after the other."""

    segments: tuple[Segment, ...]

    @property
    def seconds(self) -> float:
        return sum(segment.seconds for segment in self.segments)

    @property
    def posts(self) -> int:
        """How many posts are due: 0, 1, ... while N(t) is below the whole."""
        return math.ceil(sum(segment.posts for segment in self.segments) - _EPSILON)

    @property
    def highest(self) -> float:
        """The highest rate that is ever asked for, posts/s."""
        return max(max(segment.first, segment.last) for segment in self.segments)

    def with_bursts(self, bursts: Sequence[Burst]) -> Schedule:
        """The rate in each burst multiplied; where two overlap, by both. A burst past the end is a UsageError."""
        found = self
        for burst in bursts:
            if burst.at + burst.seconds > self.seconds + 1e-9:
                raise UsageError(
                    f"burst {burst.times:g}x{burst.seconds:g}@{burst.at:g}: ends after the schedule, which has "
                    f"{self.seconds:g} s; begin earlier or make the schedule longer"
                )
            found = found._one_burst(burst)
        return found

    def _one_burst(self, burst: Burst) -> Schedule:
        parts: list[Segment] = []
        at = 0.0
        for segment in self.segments:
            rest, begin = segment, at
            for edge in (burst.at, burst.at + burst.seconds):
                if begin < edge < begin + rest.seconds:
                    head, rest = rest.cut(edge - begin)
                    parts.append(_in_burst(head, begin, burst))
                    begin = edge
            parts.append(_in_burst(rest, begin, burst))
            at += segment.seconds
        return Schedule(tuple(parts))

    def after(self, seconds: float) -> Schedule:
        """The same after a warm-up of `seconds` at the rate with which it begins."""
        if not seconds:
            return self
        rate = self.segments[0].first or self.highest / 10
        return Schedule((Segment(seconds, rate, rate), *self.segments))

    def blocks(self, size: int = BLOCK) -> Iterator[Times]:
        """Intended times of all posts in order, seconds after the begin, in blocks of at most `size`."""
        due, begin, number = 0.0, 0.0, 0
        for place, segment in enumerate(self.segments):
            end = due + segment.posts
            last = place == len(self.segments) - 1
            # the post that is due exactly at the border belongs to the segment that begins there
            stop = self.posts if last else math.ceil(end - _EPSILON)
            while number < stop:
                upto = min(stop, number + size)
                counts = np.arange(number, upto, dtype=np.float64) - due
                yield begin + segment.times(np.clip(counts, 0.0, segment.posts))
                number = upto
            due, begin = end, begin + segment.seconds

    def rates(self, seconds: int) -> Times:
        """Posts due in each whole second from 0 to `seconds`."""
        counts = np.zeros(seconds, dtype=np.float64)
        for block in self.blocks():
            found = np.bincount(block.astype(np.int64), minlength=seconds)
            counts += found[:seconds]
        return counts


def _in_burst(segment: Segment, begin: float, burst: Burst) -> Segment:
    middle = begin + segment.seconds / 2
    return segment.scaled(burst.times) if burst.at <= middle < burst.at + burst.seconds else segment


def read(rows: Any, where: str) -> Schedule:
    """Reads the rows of a plan: `{constant: R}`, `{ramp: [R1, R2]}` or `{steps: [R1, R2, ...]}`, each with `seconds`
    (of a step, each of them). Everything else is a UsageError that names the row."""
    if not isinstance(rows, list) or not rows:
        raise UsageError(f"{where}: must be a list of rows like {{constant: 100, seconds: 60}}")
    segments: list[Segment] = []
    for number, row in enumerate(rows, 1):
        name = f"{where}, row {number}"
        if not isinstance(row, dict) or "seconds" not in row or len(row) != 2:
            raise UsageError(f"{name}: {row!r} must have `seconds` and one of constant, ramp, steps")
        seconds = _positive(f"{name}: seconds", row["seconds"])
        (shape, value), *_ = ((key, value) for key, value in row.items() if key != "seconds")
        if shape == "constant":
            rate = _positive(f"{name}: constant", value)
            segments.append(Segment(seconds, rate, rate))
        elif shape == "ramp" and isinstance(value, list) and len(value) == 2:
            first, last = (_positive(f"{name}: ramp", rate, zero=True) for rate in value)
            if not first + last:
                raise UsageError(f"{name}: ramp {value!r} never leaves 0; give a rate above 0")
            segments.append(Segment(seconds, first, last))
        elif shape == "steps" and isinstance(value, list) and value:
            rates = [_positive(f"{name}: steps", rate) for rate in value]
            segments.extend(Segment(seconds, rate, rate) for rate in rates)
        else:
            raise UsageError(f"{name}: {shape}: {value!r} is none of constant: R, ramp: [R1, R2], steps: [R1, R2, ...]")
    return Schedule(tuple(segments))


def _positive(name: str, value: Any, *, zero: bool = False) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (0 <= number < 1e9) or (not zero and number == 0):
        raise UsageError(f"{name}: {value!r} must be a number {'of at least' if zero else 'above'} 0")
    return number
