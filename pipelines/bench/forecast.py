"""Early warning on histories with a known end: errors, bands, warnings and lead, against naive and seasonal naive.

Two ways to ask for lead: surges that the histories hold, found with hindsight (``udfs.forecast.surges.find_surges``),
and surges of known size laid over them, each alone, in series of at least ten posts a week.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.bench.machine import description
from pipelines.jobs.forecasts import FileHistory, from_file
from udfs.forecast.backtest import HORIZON, Judged, Origin, judge, roll
from udfs.forecast.models import CANDIDATES, NAIVE, SEASONAL, Forecaster, Values, forecast, season_of
from udfs.forecast.surges import (
    MINIMUM,
    Lead,
    Surge,
    Warned,
    false_warnings,
    find_surges,
    find_warnings,
    leads,
)
from udfs.forecast.weeks import DAYS, Counts, Panel, Series

FIRST_JUDGED = 20
"""Weeks known at the first forecast that is judged."""
MOST_JUDGED = 104
YEAR = 52
SIZES = (1.5, 2.0, 3.0)
"""Posts in the peak's week, times the level before."""
RISES = (1, 4)
"""Weeks from the first that is higher to the peak."""
EVERY = 5
"""Weeks between two peaks laid over a series, each in a copy of its own."""

MESSAGES = ("[A-Z][0-9]+[市区县]", "[A-Z]市")
"""Districts in the citizen messages, whose places are letters and numbers."""

Report = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """A series and its back-test."""

    series: Series
    origins: list[Origin]
    judged: Judged
    warned: list[Warned]
    surges: list[Surge]


def histories(data: Path) -> dict[str, FileHistory]:
    """The histories of ``shared/data``: one year of messages, eight thin years of them, a year of hot search."""
    messages = data / "citizen_messages"
    return {
        "messages of 2019": FileHistory(messages / "hot_issue.jsonl.gz", district_patterns=MESSAGES),
        "answered messages 2012-2019": FileHistory(messages / "reply.jsonl.gz", district_patterns=MESSAGES),
        "hot search of 2025": FileHistory(
            data / "feed" / "weibo_hot_search", theme_field="category", districts=False, distinct_field="title"
        ),
    }


def measure(data: Path, most: int = 60, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> Report:
    """Back-test the histories under ``data``. Cost: some ten minutes on one core for 60 series each."""
    report: Report = {"machine": description(), "histories": {}}
    for name, history in histories(data).items():
        panel, _ = from_file(history, most=most)
        say(f"{name}: {panel.weeks} weeks, {len(panel.series)} series")
        report["histories"][name] = measured(panel, seed)
    return report


def measured(panel: Panel, seed: int = 1, forecaster: Forecaster = forecast) -> Report:
    """The figures of one history."""
    remembered = _remembering(forecaster)
    tried = list(_tried(panel, remembered))
    return {
        "first": panel.first.isoformat(),
        "weeks": panel.weeks,
        "holes": [panel.monday(int(week)).isoformat() for week in np.flatnonzero(panel.holes)],
        "season": season_of(panel.weeks),
        "groups": {name: _errors(group) for name, group in _groups(tried).items() if group},
        "candidates": {name: _mase_of(tried, panel.holes, name) for name in CANDIDATES},
        "no_better_than_naive": [
            {"theme": one.series.theme, "district": one.series.district, "mase": one.judged.mase,
             "naive": one.judged.naive_error / one.judged.scale}
            for one in tried if not one.judged.beats_naive
        ],
        "warnings": _warnings(tried),
        "laid_over": _laid_over(panel, tried, seed, remembered),
    }  # fmt: skip


def _tried(panel: Panel, forecaster: Forecaster) -> Iterable[Tried]:
    first = max(FIRST_JUDGED, panel.weeks - MOST_JUDGED)
    for series in panel.series:
        counts = series.weekly.astype(np.float64)
        origins = roll(counts, panel.holes, season_of(panel.weeks), first=first, forecaster=forecaster)
        judged = judge(counts, panel.holes, origins)
        if judged is None:
            continue
        warned = find_warnings(series.days, origins, panel.holes)
        surges = [surge for surge in find_surges(counts, panel.holes) if surge.peak >= first]
        yield Tried(series, origins, judged, warned, surges)


def _groups(tried: Sequence[Tried]) -> dict[str, list[Tried]]:
    groups: dict[str, list[Tried]] = {
        "total": [], "theme": [], "district": [], "theme in district": [], "all series": list(tried),
    }  # fmt: skip
    for one in tried:
        theme, district = one.series.key
        name = "theme in district" if theme and district else "theme" if theme else "district" if district else "total"
        groups[name].append(one)
    return groups


def _errors(group: Sequence[Tried]) -> Report:
    """Means over series, each of the same weight."""
    judged = [one.judged for one in group]
    return {
        "series": len(judged),
        "weeks": sum(one.weeks for one in judged),
        "mase": float(np.mean([one.mase for one in judged])),
        "mase_naive": float(np.mean([one.naive_error / one.scale for one in judged])),
        "mase_seasonal": float(np.mean([one.seasonal_error / one.scale for one in judged])),
        "beats_naive": sum(one.beats_naive for one in judged),
        "beats_seasonal": sum(one.error < one.seasonal_error for one in judged),
        "coverage80": float(np.average([one.coverage[80] for one in judged], weights=[one.weeks for one in judged])),
        "coverage95": float(np.average([one.coverage[95] for one in judged], weights=[one.weeks for one in judged])),
    }


def _mase_of(tried: Sequence[Tried], holes: NDArray[np.bool_], name: str) -> float:
    """What one model for all series would have had."""
    found = []
    for one in tried:
        counts = one.series.weekly
        errors = [
            abs(float(origin.candidates[name][0]) - counts[origin.known])
            for origin in one.origins
            if origin.known < len(counts) and not holes[origin.known]
        ]
        found.append(float(np.nanmean(errors)) / one.judged.scale)
    return float(np.mean(found)) if found else float("nan")


def _warnings(tried: Sequence[Tried]) -> Report:
    found = [lead for one in tried for lead in leads(one.surges, one.warned)]
    false = sum(len(false_warnings(one.surges, one.warned)) for one in tried)
    years = sum(one.judged.weeks for one in tried) / YEAR
    # series that are judged side by side for a year
    together = years / len(tried) if tried else float("nan")
    return {
        "series_years": years,
        "warnings": sum(len(one.warned) for one in tried),
        "false": false,
        "false_a_series_and_year": false / years if years else float("nan"),
        "false_a_year_all_series": false / together if years else float("nan"),
        "surges": _told(found),
    }


def _told(found: Sequence[Lead]) -> Report:
    days = [lead.days for lead in found if lead.days is not None and lead.weeks is not None and lead.weeks >= 0]
    return {
        "surges": len(found),
        "told_by_the_peaks_week": len(days),
        "told_in_a_week_before": sum(lead.weeks is not None and lead.weeks > 0 for lead in found),
        "median_days_before_the_peaks_week_ends": float(np.median(days)) if days else None,
        "weeks_before": sorted((lead.weeks for lead in found if lead.weeks is not None), reverse=True),
    }


def _laid_over(panel: Panel, tried: Sequence[Tried], seed: int, forecaster: Forecaster) -> list[Report]:
    """Surges of each size and rise, and windows of the same length without one."""
    rows = []
    busy = [one for one in tried if one.series.weekly.mean() >= MINIMUM]
    for rise in RISES:
        for size in (1.0, *SIZES):
            found = [
                _one_over(panel, one, peak, size, rise, np.random.default_rng([seed, number, peak]), forecaster)
                for number, one in enumerate(busy)
                for peak in range(one.origins[0].known + max(RISES), panel.weeks, EVERY)
                if not panel.holes[peak - rise + 1 : peak + 1].any()
            ]
            told = _told(found)
            told.pop("weeks_before")
            rows.append({"rise_weeks": rise, "size": size, **told})
    return rows


def _one_over(
    panel: Panel, one: Tried, peak: int, size: float, rise: int, random: np.random.Generator, forecaster: Forecaster
) -> Lead:
    days, surge = laid_over(one.series.days, peak, size, rise, random)
    if size == 1.0:
        warned = one.warned
    else:
        origins = roll(
            days[: peak + 1].sum(axis=1).astype(np.float64),
            panel.holes[: peak + 1],
            season_of(panel.weeks),
            first=surge.first,
            horizon=HORIZON,
            forecaster=forecaster,
        )
        warned = find_warnings(days[: peak + 1], origins, panel.holes)
    return leads([surge], warned)[0]


def laid_over(days: Counts, peak: int, size: float, rise: int, random: np.random.Generator) -> tuple[Counts, Surge]:
    """A copy of ``days`` with a surge that rises evenly over ``rise`` weeks to ``size`` times the level of the eight
    weeks before it; the posts of a day are Poisson."""
    copy, first = days.copy(), peak - rise + 1
    level = float(days[max(0, first - 8) : first].sum(axis=1).mean())
    for week in range(first, peak + 1):
        more = (size - 1) * level * (week - first + 1) / rise
        copy[week] += random.poisson(more / DAYS, DAYS)
    return copy, Surge(first, peak, peak, level)


def _remembering(forecaster: Forecaster) -> Forecaster:
    """The same forecaster, asked once for each past."""
    known: dict[tuple[bytes, int, int], Any] = {}

    def remembered(counts: Values, horizon: int, season: int) -> Any:
        key = (np.ascontiguousarray(counts).tobytes(), horizon, season)
        if key not in known:
            known[key] = forecaster(counts, horizon, season)
        return known[key]

    return remembered


def show(report: Report) -> None:
    """The tables of docs/early-warning.md, in Markdown."""
    out = sys.stdout
    machine = report["machine"]
    out.write(f"{machine['cpu']}, {machine['cores']} cores, {machine['date']}\n")
    for name, found in report["histories"].items():
        holes = f", holes {', '.join(found['holes'])}" if found["holes"] else ""
        weeks = f"{found['weeks']} weeks from {found['first']}{holes}, season {found['season']} weeks"
        out.write(f"\n### {name}: {weeks}\n\n")
        rows = [
            (
                group,
                errors["series"],
                f"{errors['mase']:.3f}",
                f"{errors['mase_naive']:.3f}",
                f"{errors['mase_seasonal']:.3f}",
                f"{errors['beats_naive']} of {errors['series']}",
                f"{errors['coverage80']:.3f}",
                f"{errors['coverage95']:.3f}",
            )
            for group, errors in found["groups"].items()
        ]
        _table(("series", "number", "MASE", NAIVE, SEASONAL, "better than naive", "in 80% band", "in 95% band"), rows)
        models = ", ".join(f"{model} {mase:.3f}" for model, mase in found["candidates"].items())
        out.write(f"\nOne model for all series, MASE: {models}.\n\n")
        worse = [
            f"{one['theme'] or 'all'}/{one['district'] or 'all'} {one['mase']:.2f} ({one['naive']:.2f})"
            for one in found["no_better_than_naive"]
        ]
        out.write(f"No better than naive, MASE (naive's): {'; '.join(worse) or 'none'}.\n\n")
        _show_warnings(found["warnings"])
        rows = [
            (
                f"{row['size']:g}" if row["size"] > 1 else "none",
                row["rise_weeks"],
                row["surges"],
                f"{_share(row['told_by_the_peaks_week'], row['surges'])}",
                f"{_share(row['told_in_a_week_before'], row['surges'])}",
                _number(row["median_days_before_the_peaks_week_ends"]),
            )
            for row in found["laid_over"]
            if row["surges"]
        ]
        names = ("laid over: peak, times the level", "rise, weeks", "number", "told", "told in a week before", "days")
        _table(names, rows)


def _show_warnings(found: Report) -> None:
    surges = found["surges"]
    sys.stdout.write(
        f"{found['warnings']} warnings in {found['series_years']:.1f} series-years, {found['false']} outside every "
        f"surge: {found['false_a_series_and_year']:.2f} a series and year, {found['false_a_year_all_series']:.0f} a "
        f"year over all series. {surges['surges']} surges by hindsight: {surges['told_by_the_peaks_week']} told by the "
        f"peak's week, {surges['told_in_a_week_before']} in a week before, "
        f"median {_number(surges['median_days_before_the_peaks_week_ends'])} days before that week ended.\n\n"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    lines = [names, ["---"] * len(names), *rows]
    sys.stdout.write("".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines))
