"""Point forecasts of a weekly series by several models; statsforecast (Apache-2.0) fits them.

Counts have more spread where they are higher, so ETS, Theta and the averages work on ``2 sqrt(y + 3/8)`` (Anscombe
1948), where a Poisson count has a spread of about 1 at any level.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

NAIVE, SEASONAL = "naive", "seasonal naive"
CANDIDATES = (NAIVE, SEASONAL, "window", "ets", "theta", "croston", "mean")
"""naive: the last week again. seasonal naive: the week a season ago. window: the last 8 weeks. ets, theta: AutoETS,
AutoTheta. croston: CrostonOptimized, for counts that are often 0. mean: of window, ets and theta."""
WINDOW = 8
YEAR, MONTH = 52, 4
LONGEST = 156
"""Weeks that a model learns from, the latest."""


def season_of(weeks: int) -> int:
    """Weeks of a season: a year once two are known, else four weeks (wages, bills and meter readings are monthly)."""
    return YEAR if weeks > 2 * YEAR else MONTH


def anscombe(counts: Values) -> Values:
    """Counts on the scale of even spread."""
    scaled: Values = 2 * np.sqrt(np.maximum(counts, 0) + 0.375)
    return scaled


def counts_of(scaled: Values) -> Values:
    """The inverse of ``anscombe``; nothing below 0."""
    counts: Values = np.maximum((np.maximum(scaled, 0) / 2) ** 2 - 0.375, 0.0)
    return counts


def forecast(counts: Values, horizon: int, season: int) -> Mapping[str, Values]:
    """Candidate -> expected counts of the next ``horizon`` weeks, shape (horizon,); NaN where a model cannot be fitted.

    ``counts``: the past, without NaN, at least WINDOW weeks. Past that is shorter than a season makes the seasonal
    naive the naive one. Cost: about 20 ms a call once statsforecast is loaded, which takes 4 to 10 s, once.
    """
    past = np.asarray(counts, np.float64)[-LONGEST:]
    if past.size < WINDOW:
        raise ValueError(f"{past.size} weeks are too few: at least {WINDOW}")
    last = np.full(horizon, past[-1])
    if np.all(past == past[0]):
        return dict.fromkeys(CANDIDATES, last)
    from statsforecast.models import AutoETS, AutoTheta, CrostonOptimized, SeasonalNaive, WindowAverage

    scaled = anscombe(past)
    found = {
        NAIVE: last,
        SEASONAL: _fitted(SeasonalNaive(season_length=season), past, horizon) if past.size >= season else last,
        "window": counts_of(_fitted(WindowAverage(window_size=WINDOW), scaled, horizon)),
        "ets": counts_of(_fitted(AutoETS(season_length=1), scaled, horizon)),
        "theta": counts_of(_fitted(AutoTheta(season_length=1), scaled, horizon)),
        "croston": np.maximum(_fitted(CrostonOptimized(), past, horizon), 0.0),
    }
    found["mean"] = counts_of((anscombe(found["window"]) + anscombe(found["ets"]) + anscombe(found["theta"])) / 3)
    return {name: found[name] for name in CANDIDATES}


Forecaster = Callable[[Values, int, int], Mapping[str, Values]]


def _fitted(model: Any, past: Values, horizon: int) -> Values:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a series that hardly moves is no news here
        try:
            mean = np.asarray(model.forecast(y=past, h=horizon)["mean"], np.float64)
        except Exception:  # statsforecast raises plain Exception where no model fits; the others still forecast
            return np.full(horizon, np.nan)
    return np.where(np.isfinite(mean), mean, np.nan)
