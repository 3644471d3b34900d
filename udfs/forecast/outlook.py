"""What is said now of each series: the last whole week against its band, the running one, and those to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from udfs.forecast.backtest import HORIZON, Origin, roll
from udfs.forecast.models import WINDOW, Forecaster, forecast, season_of
from udfs.forecast.surges import MINIMUM, is_warning
from udfs.forecast.weeks import DAYS, Panel, Series

FEWEST = WINDOW + 1
"""Whole weeks that an outlook needs: a forecast of the last one, and that one."""


@dataclass(frozen=True)
class Outlook:
    """A forecast of one week of one series, and what has come of it. Numbers are posts a week."""

    week: date
    theme: str
    district: str
    step: int
    """Weeks ahead: 1 was forecast when the week before it was over."""
    model: str
    history: int
    """Whole weeks that were known."""
    expected: float
    lower80: float
    upper80: float
    lower95: float
    upper95: float
    observed: int | None
    """So far; None before the week begins."""
    days: int
    """Days of the week that are over."""
    warning: bool


def outlooks(
    panel: Panel,
    *,
    horizon: int = HORIZON,
    level: int = 95,
    minimum: int = MINIMUM,
    forecaster: Forecaster = forecast,
) -> Iterator[Outlook]:
    """For each series, the largest first: the last whole week (a hole is never a warning), then the next ``horizon``.

    The first of the next ones is the running week where there is one: it is a warning as soon as its posts so far are
    above the bound of the whole week. Gives nothing for fewer than FEWEST weeks. Cost: up to RECORD + 2 fits a series,
    some .8 s.
    """
    if panel.weeks < FEWEST:
        return
    for series in panel.series:
        before, now = roll(
            series.weekly.astype(np.float64),
            panel.holes,
            season_of(panel.weeks),
            first=panel.weeks - 1,
            horizon=horizon,
            forecaster=forecaster,
        )
        last = None if panel.holes[-1] else int(series.weekly[-1])
        yield _outlook(panel, series, before, 0, last, DAYS, level, minimum)
        # a week of which no day is over and nothing came yet has not begun
        begun = panel.running_days > 0 or series.key in panel.running
        for step in range(horizon):
            observed = panel.running.get(series.key, 0) if step == 0 and begun else None
            yield _outlook(panel, series, now, step, observed, panel.running_days if step == 0 else 0, level, minimum)


def _outlook(
    panel: Panel, series: Series, origin: Origin, step: int, observed: int | None, days: int, level: int, minimum: int
) -> Outlook:
    inner, outer = origin.band(80), origin.band(95)
    upper = float(origin.band(level).upper[step])
    return Outlook(
        week=panel.monday(origin.known + step),
        theme=series.theme,
        district=series.district,
        step=step + 1,
        model=origin.model,
        history=origin.known,
        expected=float(origin.expected[step]),
        lower80=float(inner.lower[step]),
        upper80=float(inner.upper[step]),
        lower95=float(outer.lower[step]),
        upper95=float(outer.upper[step]),
        observed=observed,
        days=days,
        warning=observed is not None and is_warning(observed, upper, minimum),
    )
