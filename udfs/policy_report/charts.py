"""The report's figures as shapes. What tells options apart is a number or a shape, never a colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas.policy import BASELINE, Index, Result
from udfs.policy_report.drawing import WIDTH, Drawing, Label, Mark, Rect, Shape, Stroke, fitted, steps, tick, wide

_PALE, _GRID, _SOFT, _DARK = 205, 228, 120, 45
CROWDED = 40
"""Points above which only the marked ones get a number and an interval: the others would hide them."""
SHADES = (70, 215, 140, 245, 105, 180)
"""Of payers, one after another: neighbours differ most."""


@dataclass(frozen=True)
class Point:
    """An option in the plane of cost and outcome."""

    digits: str
    label: str
    x: Result
    y: Result
    kind: str
    """Of the mark."""
    named: bool = True


@dataclass(frozen=True)
class Row:
    """A line of a chart: a value with its interval, or nothing when the value may not be shown."""

    label: str
    digits: str
    value: float | None = None
    low: float = math.nan
    high: float = math.nan
    heading: bool = False
    said: str = ""
    """Stands where the value would."""


class _Axis:
    """Values to places."""

    def __init__(self, values: Sequence[float], start: float, end: float, zero: bool = False, most: int = 6) -> None:
        finite = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
        low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
        if low == high:
            low, high = low - (abs(low) * 0.1 or 1.0), high + (abs(high) * 0.1 or 1.0)
        self.marks = steps(low, high, most)
        self._low, self._high, self._start, self._end = self.marks[0], self.marks[-1], start, end

    def __call__(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._start + (self._end - self._start) * min(1.02, max(-0.02, share))


def plane(points: Sequence[Point], x_title: str, y_title: str, frontier: Sequence[tuple[float, float]]) -> Drawing:
    """Cost against the main outcome: a mark with its interval in both directions, the frontier as a line."""
    left, right, top, base = 64.0, WIDTH - 14.0, 26.0, 280.0
    held = [point for point in points if point.named] if len(points) > CROWDED else list(points)
    x = _Axis([v for p in points for v in (p.x.value, *_ends(p.x, p in held))], left, right)
    y = _Axis([v for p in points for v in (p.y.value, *_ends(p.y, p in held))], base, top)
    drawn: list[Shape] = [Label(left, 12, y_title, strong=True, digits="")]
    for value in y.marks:
        drawn += [
            Stroke(left, y(value), right, y(value), _GRID),
            Label(left - 6, y(value) + 4, tick(value, y.marks), "end"),
        ]
    for value in x.marks:
        drawn += [
            Stroke(x(value), base, x(value), base + 5, _DARK),
            Label(x(value), base + 18, tick(value, x.marks), "middle"),
        ]
    drawn += [Stroke(left, base, right, base, _DARK), Label(right, base + 34, x_title, "end", strong=True, digits="")]
    for (x1, y1), (x2, y2) in pairwise(frontier):
        drawn.append(Stroke(x(x1), y(y1), x(x2), y(y2), 150, 1.6))
    for point in held:
        for low, high, across in ((point.x.low, point.x.high, True), (point.y.low, point.y.high, False)):
            if math.isfinite(low) and math.isfinite(high) and high > low:
                at_x, at_y = x(point.x.value), y(point.y.value)
                drawn.append(
                    Stroke(x(low), at_y, x(high), at_y, 175, 1.2)
                    if across
                    else Stroke(at_x, y(low), at_x, y(high), 175, 1.2)
                )
    for point in points:
        drawn.append(Mark(point.kind, x(point.x.value), y(point.y.value), 4.5 if point.named else 3.6, _DARK))
    drawn += _names(held, x, y, (left, top - 8, right, base))
    return Drawing(f"{x_title}与{y_title}", base + 40, tuple(drawn))


def _ends(result: Result, held: bool) -> list[float]:
    return [end for end in (result.low, result.high) if held and math.isfinite(end)]


def _names(points: Sequence[Point], x: _Axis, y: _Axis, room: tuple[float, float, float, float]) -> list[Shape]:
    """A number beside each mark, where it hides no other mark or number; when all places are taken, the one that
    hides least."""
    taken = [(x(p.x.value) - 6, y(p.y.value) - 6, x(p.x.value) + 6, y(p.y.value) + 6) for p in points]
    drawn: list[Shape] = []
    for point in sorted(points, key=lambda one: not one.named):
        at_x, at_y = x(point.x.value), y(point.y.value)
        long = max(wide(point.label), 9.0 * len(point.digits))
        best, least = None, math.inf
        for reach in (1.0, 1.8, 2.8):
            for dx, dy in ((8, -5), (8, 14), (-8 - long, -5), (-8 - long, 14), (-long / 2, -9), (-long / 2, 19)):
                left, foot = at_x + dx * (1 if dx > 0 else reach if dx == -long / 2 else 1), at_y + dy * reach
                box = (left, foot - 10, left + long, foot + 1)
                if box[0] < room[0] or box[1] < room[1] - 10 or box[2] > room[2] or box[3] > room[3]:
                    continue
                hidden = sum(_overlap(box, other) for other in taken)
                if hidden < least:
                    best, least = box, hidden
            if least == 0:
                break
        if best is not None:
            taken.append(best)
            drawn.append(Label(best[0], best[3] - 1, point.label, strong=point.named, digits=point.digits, clear=True))
    return drawn


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0


def stacked(
    options: Sequence[tuple[str, str]],
    years: Sequence[str],
    payers: Sequence[str],
    amounts: dict[tuple[str, str, str], float],
    unit: str,
) -> Drawing:
    """Bars of each year, options beside each other, payers on each other from the first at the foot.

    ``options``: (label, digits); ``amounts``: (label, year, payer) -> amount. A payer's number stands in its part
    where there is room. What somebody receives (below zero) hangs below the axis.
    """
    left, right, top, base = 56.0, WIDTH - 8.0, 26.0, 300.0
    ends = [0.0]
    for option, _ in options:
        for year in years:
            parts = [amounts.get((option, year, payer), 0.0) for payer in payers]
            ends += [sum(part for part in parts if part > 0), sum(part for part in parts if part < 0)]
    y = _Axis(ends, base, top, zero=True)
    drawn: list[Shape] = [Label(left - 48, 12, unit, strong=True, digits="")]
    for value in y.marks:
        drawn += [
            Stroke(left, y(value), right, y(value), _GRID),
            Label(left - 6, y(value) + 4, tick(value, y.marks), "end"),
        ]
    room = (right - left) / max(1, len(options))
    wide_bar = min(46.0, room * 0.86 / max(1, len(years)))
    every = max(1, math.ceil(40 / wide_bar))
    for n, (option, digits) in enumerate(options):
        start = left + n * room + (room - wide_bar * len(years)) / 2
        for k, year in enumerate(years):
            at = start + k * wide_bar
            drawn += _bar(at, wide_bar * 0.84, [amounts.get((option, year, payer), 0.0) for payer in payers], y)
            if k % every == 0:
                drawn.append(Label(at + wide_bar * 0.42, base + 15, year, "middle"))
        drawn.append(Label(left + (n + 0.5) * room, base + 33, fitted(option, room - 6), "middle", True, digits))
    drawn.append(Stroke(left, y(0), right, y(0), _DARK))
    return Drawing("各年费用", base + 42, tuple(drawn))


def _bar(at: float, width: float, parts: Sequence[float], y: _Axis) -> list[Shape]:
    drawn: list[Shape] = []
    ends = {True: 0.0, False: 0.0}
    for n, part in enumerate(parts):
        up = part >= 0
        foot, head = ends[up], ends[up] + part
        ends[up] = head
        top, bottom = sorted((y(foot), y(head)))
        if bottom - top < 0.3:
            continue
        shade = SHADES[n % len(SHADES)]
        drawn.append(Rect(at, top, width, bottom - top, shade, framed=True))
        if bottom - top >= 13 and width >= 14:
            ink = 255 if shade < 130 else 30
            drawn.append(Label(at + width / 2, (top + bottom) / 2 + 4, str(n + 1), "middle", shade=ink))
    return drawn


def panels(rows: Sequence[Row], columns: Sequence[tuple[str, str, Sequence[Row]]], axis: str) -> Drawing:
    """Rows of groups, a panel for each option (label, digits, its rows), all on one scale with zero marked."""
    label, gap, top, high = 178.0, 18.0, 40.0, 17.0
    base = top + high * len(rows)
    each = (WIDTH - label - gap * len(columns)) / max(1, len(columns))
    values = [
        v for _, _, own in columns for row in own if row.value is not None for v in (row.value, row.low, row.high)
    ]
    drawn: list[Shape] = [Label(0, 12, axis, strong=True, digits="")]
    for n, row in enumerate(rows):
        foot = top + n * high + 12
        drawn.append(
            Label(0 if row.heading else 12, foot, fitted(row.label, label - 18), strong=row.heading, digits=row.digits)
        )
        if row.heading:
            drawn.append(Stroke(0, foot - 12.5, WIDTH, foot - 12.5, _GRID))
    for n, (name, digits, own) in enumerate(columns):
        start = label + n * (each + gap)
        x = _Axis(values, start, start + each, zero=True, most=4)
        drawn.append(Label(start, 30, fitted(name, each), strong=True, digits=digits))
        drawn += [Stroke(start, base + 2, start + each, base + 2, _DARK), Stroke(x(0), top, x(0), base + 2, _SOFT)]
        drawn += _marks(x, base + 2)
        for k, row in enumerate(own):
            drawn += _interval(row, x, top + k * high + 8.5)
    return Drawing(axis, base + 26, tuple(drawn))


def _marks(x: _Axis, base: float) -> list[Shape]:
    """Of an axis in a narrow panel: both ends inside it, and zero where it stands clear of them."""
    drawn: list[Shape] = [Stroke(x(value), base, x(value), base + 4, _DARK) for value in x.marks]
    ends = {x.marks[0]: "start", x.marks[-1]: "end"}
    for value, anchor in ends.items():
        drawn.append(Label(x(value), base + 17, tick(value, x.marks), anchor))
    if 0.0 not in ends and min(abs(x(0) - x(end)) for end in ends) > 45:
        drawn.append(Label(x(0), base + 17, "0", "middle"))
    return drawn


def _interval(row: Row, x: _Axis, at: float) -> list[Shape]:
    if row.value is None:
        return [Label(x(0) + 4, at + 4, row.said, digits="", shade=110)] if row.said else []
    drawn: list[Shape] = []
    if math.isfinite(row.low) and math.isfinite(row.high) and row.high > row.low:
        drawn.append(Stroke(x(row.low), at, x(row.high), at, 130, 2.4))
    return [*drawn, Mark("disc", x(row.value), at, 3.6, _DARK)]


def lines(rows: Sequence[Row], axis: str, ranks: int = 0) -> Drawing:
    """One row each: a dot on its interval. With ``ranks`` the scale is 1..ranks."""
    label, top, high = 290.0, 26.0, 19.0
    base = top + high * len(rows)
    values = [v for row in rows if row.value is not None for v in (row.value, row.low, row.high)]
    x = _Axis([0.0, float(max(2, ranks))] if ranks else values, label + 8, WIDTH - 24, most=10)
    drawn: list[Shape] = [Label(label + 8, 12, axis, strong=True, digits="")]
    # a rank is counted from 1: there is no zeroth
    marks = [1.0, *(mark for mark in x.marks if 1 < mark <= ranks and mark == int(mark))] if ranks else x.marks
    for value in marks:
        drawn.append(Stroke(x(value), top, x(value), base, _GRID))
        drawn.append(Label(x(value), base + 16, f"{value:.0f}" if ranks else tick(value, x.marks), "middle"))
    for n, row in enumerate(rows):
        at = top + n * high + 9
        drawn.append(Label(0, at + 4, fitted(row.label, label - 10), digits=row.digits))
        drawn += _interval(row, x, at)
    return Drawing(axis, base + 24, tuple(drawn))


def shares(rows: Sequence[tuple[str, str, Index]], axis: str) -> Drawing:
    """Sobol' indices: a pale bar for the total effect with its interval, a dark one in it for the first-order."""
    label, top, high = 290.0, 26.0, 22.0
    base = top + high * len(rows)
    values = [v for _, _, one in rows for v in (one.total, one.total_high, one.first) if math.isfinite(v)]
    x = _Axis([0.0, max([1.0, *values])], label + 8, WIDTH - 24, zero=True)
    drawn: list[Shape] = [Label(label + 8, 12, axis, strong=True, digits="")]
    for value in x.marks:
        drawn += [
            Stroke(x(value), top, x(value), base, _GRID),
            Label(x(value), base + 16, tick(value, x.marks), "middle"),
        ]
    for n, (name, digits, one) in enumerate(rows):
        at = top + n * high
        drawn.append(Label(0, at + 15, fitted(name, label - 10), digits=digits))
        if math.isfinite(one.total) and one.total > 0:
            drawn.append(Rect(x(0), at + 3, x(one.total) - x(0), 15, _PALE, framed=True))
        if math.isfinite(one.first) and one.first > 0:
            drawn.append(Rect(x(0), at + 7, x(one.first) - x(0), 7, _DARK))
        if math.isfinite(one.total_low) and math.isfinite(one.total_high) and one.total_high > one.total_low:
            drawn.append(Stroke(x(max(0.0, one.total_low)), at + 10.5, x(one.total_high), at + 10.5, 100, 1.4))
    drawn.append(Stroke(x(0), top, x(0), base, _DARK))
    return Drawing(axis, base + 24, tuple(drawn))


def mark_of(option: str, state: str, pareto: bool) -> str:
    """The sign of an option: filled is Pareto, hollow is not, a frame is intercepted, a cross cannot be; 现状 is a
    diamond."""
    if option == BASELINE:
        return "diamond"
    if state == "infeasible":
        return "cross"
    if state == "intercepted":
        return "frame"
    return "disc" if pareto else "ring"


SIGNS = (
    "● 可选，不被其他方案全面超过（Pareto）；○ 可选，但有方案在各项指标上都不比它差且至少一项更好；"
    "□ 已拦截；× 不可行；◆ 现状"
)
