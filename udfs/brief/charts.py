"""Drawings as SVG that a black-and-white printer keeps: panels under each other instead of colours, labels on bars."""

from __future__ import annotations

from collections.abc import Sequence

from udfs.brief.content import Bin, Mood
from udfs.brief.markup import Markup, tag
from udfs.brief.words import Words, number

WIDTH = 680
_LEFT, _RIGHT = 64, 8
_PANEL = 58
_GAP = 20
_AXIS = 36
_HOUR = 3_600_000
_TICKS = (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 28 * 1440)
"""Minutes between two marks of the time axis."""
_SHADES = ("#3a3a3a", "#b9b9b9", "#ffffff")


def timeline(bins: Sequence[Bin], bin_ms: int, words: Words) -> Markup:
    """Posts, calls and alerts a step, under each other over one time axis; every panel has its own scale and says its
    peak. ``bins`` are consecutive and not empty."""
    panels = (
        ("figure.posts", [step.posts for step in bins]),
        ("figure.calls", [step.calls for step in bins]),
        ("figure.alerts", [step.alerts for step in bins]),
    )
    height = len(panels) * (_PANEL + _GAP) + _AXIS
    wide = (WIDTH - _LEFT - _RIGHT) / len(bins)
    drawn: list[Markup] = []
    for n, (name, values) in enumerate(panels):
        top = _GAP + n * (_PANEL + _GAP)
        base = top + _PANEL
        peak = max(values)
        drawn.append(tag("text", words[name], x=0, y=top + 12, class_="label"))
        if peak:
            at = bins[values.index(peak)].at
            said = words.say("timeline.peak", n=number(peak), at=words.time(at, bins[0].at))
            drawn.append(tag("text", said, x=WIDTH - _RIGHT, y=top - 4, class_="small", text_anchor="end"))
        drawn.append(tag("line", x1=_LEFT, y1=base, x2=WIDTH - _RIGHT, y2=base, class_="axis"))
        for at, value in enumerate(values):
            if value:
                tall = max(1.0, _PANEL * value / peak)
                gap = min(1.0, wide * 0.15)
                drawn.append(
                    tag("rect", x=_LEFT + at * wide, y=base - tall, width=wide - gap, height=tall, class_="bar")
                )
        drawn.append(tag("text", number(peak), x=_LEFT - 4, y=top + 8, class_="small", text_anchor="end"))
        drawn.append(tag("text", "0", x=_LEFT - 4, y=base, class_="small", text_anchor="end"))
    drawn += _ticks(bins[0].at, bins[-1].at + bin_ms, height - _AXIS, words)
    return tag("svg", drawn, viewBox=f"0 0 {WIDTH} {height}", width="100%", role="img", aria_label=words["timeline"])


def _ticks(start: int, end: int, base: int, words: Words) -> list[Markup]:
    drawn: list[Markup] = []
    day = ""
    marks = ticks(start, end, words)
    whole_days = len(marks) > 1 and marks[1] - marks[0] >= 24 * _HOUR
    for at in marks:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - start) / (end - start)
        anchor = "middle" if _LEFT + 20 < x < WIDTH - 40 else "end" if x > WIDTH / 2 else "start"
        drawn.append(tag("line", x1=x, y1=base, x2=x, y2=base + 5, class_="axis"))
        said = [] if whole_days else [words.clock(at)]
        if words.day(at) != day:  # a line below, once a day
            day = words.day(at)
            said = [*said, day]
        for line, text in enumerate(said):
            drawn.append(tag("text", text, x=x, y=base + 17 + 13 * line, class_="small", text_anchor=anchor))
    return drawn


def ticks(start: int, end: int, words: Words) -> list[int]:
    """Round local times in [start, end], at most ten."""
    span = max(1, end - start)
    step = next((minutes for minutes in _TICKS if span / (minutes * 60_000) <= 9), _TICKS[-1]) * 60_000
    shift = int(words.zone.utcoffset(None).total_seconds() * 1000)
    first = -(-(start + shift) // step) * step - shift
    return list(range(first, end + 1, step))


def mood_bar(moods: Sequence[Mood], words: Words) -> Markup:
    """One bar of at most three parts; the label stands under its part, so that no shade has to be told from another."""
    total = sum(mood.posts for mood in moods) or 1
    drawn: list[Markup] = []
    x = 0.0
    for mood, shade in zip(moods, _SHADES, strict=False):
        wide = WIDTH * mood.posts / total
        drawn.append(tag("rect", x=x + 0.5, y=0.5, width=max(0.0, wide - 1), height=18, fill=shade, stroke="#222"))
        at, anchor = (x + 2, "start") if x < WIDTH * 0.85 else (WIDTH - 2, "end")
        said = f"{words.code('mood', mood.label)} {mood.posts / total:.0%}"
        drawn.append(tag("text", said, x=at, y=33, class_="small", text_anchor=anchor))
        x += wide
    return tag("svg", drawn, viewBox=f"0 0 {WIDTH} 38", width="100%", role="img", aria_label=words["moods"])


def mark(priority: int, x: float, y: float, size: float, hollow: bool = False) -> Markup:
    """The sign of a priority, told by its shape: 1 square, 2 diamond, 3 triangle, 4 circle; darker is more urgent."""
    fill = "#fff" if hollow else {1: "#b00020", 2: "#e07000", 3: "#c9c9c9"}.get(priority, "#fff")
    style = {"fill": fill, "stroke": "#111", "stroke_width": 1.4}
    if priority == 1:
        return tag("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, **style)
    if priority in (2, 3):
        far = size * 1.25
        corners = [(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
        if priority == 3:
            corners = [(x, y - far), (x + far, y + size * 0.9), (x - far, y + size * 0.9)]
        return tag("polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners), **style)
    return tag("circle", cx=x, cy=y, r=size, **style)


def sign(priority: int) -> Markup:
    """``mark`` as a picture inside a line of text."""
    return tag("svg", mark(priority, 7, 7, 5), viewBox="0 0 14 14", class_="sign", aria_hidden="true")
