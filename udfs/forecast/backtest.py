"""A rolling origin over the past of a series: at each week forecast the next ones, from what was known then only.

The same roll chooses the model (by its one-week errors before the origin), draws the bands (from the errors that the
chosen model made before the origin) and judges both (by what came after).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from udfs.forecast.models import CANDIDATES, NAIVE, SEASONAL, WINDOW, Forecaster, Values, anscombe, counts_of, forecast

HORIZON = 4
LEVELS = (80, 95)
RECORD = 26
"""Origins whose errors are remembered: half a year says what a model is worth now."""
LEAST_RECORD = 8
"""Origins before a model other than naive is trusted."""
LEAST_VARIANCE = 1.125
"""Of an error on the Anscombe scale, whatever errors were seen: 1 of a Poisson count itself, the rest of not knowing
its level (1/8 after a window of 8 weeks)."""


@dataclass(frozen=True)
class Band:
    """Bounds of the next weeks in counts, shape (horizon,) each; ``level``: percent of weeks that should lie inside."""

    level: int
    lower: Values
    upper: Values


@dataclass(frozen=True)
class Origin:
    """What was said when ``known`` weeks were known. Step 0 of every array is week ``known`` (numbers from 0)."""

    known: int
    model: str
    expected: Values
    """Of the chosen model, shape (horizon,)."""
    candidates: Mapping[str, Values]
    bands: tuple[Band, ...]

    def band(self, level: int) -> Band:
        return next(band for band in self.bands if band.level == level)


@dataclass(frozen=True)
class Judged:
    """One series' back-test over ``weeks`` one-week forecasts. Errors are mean absolute ones in posts."""

    weeks: int
    error: float
    naive_error: float
    seasonal_error: float
    scale: float
    """Mean absolute step of the weeks before the first one judged: the unit of MASE (Hyndman and Koehler 2006)."""
    coverage: Mapping[int, float]
    """Level -> share of weeks inside its band."""
    models: Mapping[str, int]
    """Candidate -> weeks for which it was chosen."""

    @property
    def mase(self) -> float:
        return self.error / self.scale

    @property
    def beats_naive(self) -> bool:
        return self.error < self.naive_error


def filled(counts: Values, holes: NDArray[np.bool_]) -> Values:
    """Counts with each hole as the median of the four weeks before it: past only, so every origin may use it."""
    whole = np.asarray(counts, np.float64).copy()
    for week in np.flatnonzero(holes):
        before = whole[max(0, week - 4) : week]
        if before.size:
            whole[week] = np.median(before)
    return whole


def roll(
    counts: Values,
    holes: NDArray[np.bool_],
    season: int,
    *,
    first: int | None = None,
    horizon: int = HORIZON,
    forecaster: Forecaster = forecast,
) -> list[Origin]:
    """Origins ``first`` to the present one, whose ``known`` is ``len(counts)``: the forecast of weeks to come.

    ``first``: weeks known at the first origin to give; without it only the present one is given. RECORD origins before
    it are rolled too, as far as there are WINDOW weeks. Gives nothing for fewer weeks than that.
    """
    past = filled(counts, holes)
    start = len(past) if first is None else max(first, WINDOW)
    errors: dict[tuple[str, int], list[tuple[int, float]]] = {}
    """(candidate, step) -> (week, error on the Anscombe scale), in order of the week."""
    losses: dict[str, list[tuple[int, float]]] = {name: [] for name in CANDIDATES}
    """candidate -> (week, absolute one-week error in posts)."""
    said: dict[int, Mapping[str, Values]] = {}
    origins = []
    for known in range(max(WINDOW, start - RECORD), len(past) + 1):
        if known > WINDOW and not holes[known - 1]:
            # the week that has just become known judges every forecast of it
            _learn(known - 1, past, said, errors, losses, horizon)
        candidates = forecaster(past[:known], horizon, season)
        said[known] = candidates
        said.pop(known - horizon, None)
        if known >= start:
            model = _choose(losses, candidates)
            bands = _bands(candidates[model], [_latest(errors.get((model, step), ())) for step in range(horizon)])
            origins.append(Origin(known, model, candidates[model], candidates, bands))
    return origins


def judge(counts: Values, holes: NDArray[np.bool_], origins: Sequence[Origin]) -> Judged | None:
    """How one-week forecasts and their bands did; None without a week to judge, or when nothing moved before them."""
    judged = [origin for origin in origins if origin.known < len(counts) and not holes[origin.known]]
    if not judged:
        return None
    scale = float(np.abs(np.diff(filled(counts, holes)[: judged[0].known])).mean())
    if scale == 0:
        return None
    real = np.array([counts[origin.known] for origin in judged], np.float64)

    def error(name: str | None) -> float:
        said = [origin.candidates[name][0] if name else origin.expected[0] for origin in judged]
        return float(np.abs(np.array(said) - real).mean())

    models: dict[str, int] = {}
    for origin in judged:
        models[origin.model] = models.get(origin.model, 0) + 1
    inside = {
        level: float(np.mean([_inside(origin.band(level), week) for origin, week in zip(judged, real, strict=True)]))
        for level in LEVELS
    }
    return Judged(len(judged), error(None), error(NAIVE), error(SEASONAL), scale, inside, models)


def _inside(band: Band, real: float) -> bool:
    return bool(band.lower[0] <= real <= band.upper[0])


def _learn(
    week: int,
    past: Values,
    said: Mapping[int, Mapping[str, Values]],
    errors: dict[tuple[str, int], list[tuple[int, float]]],
    losses: dict[str, list[tuple[int, float]]],
    horizon: int,
) -> None:
    for step in range(horizon):
        for name, expected in said.get(week - step, {}).items():
            if not np.isfinite(expected[step]):
                continue
            miss = anscombe(past[week : week + 1]) - anscombe(expected[step : step + 1])
            errors.setdefault((name, step), []).append((week, float(miss[0])))
            if step == 0:
                losses[name].append((week, abs(float(past[week] - expected[0]))))


def _latest(errors: Sequence[tuple[int, float]]) -> Values:
    return np.array([error for _, error in errors[-RECORD:]], np.float64)


def _choose(losses: Mapping[str, list[tuple[int, float]]], candidates: Mapping[str, Values]) -> str:
    """The candidate with the least mean error over the record; naive while there is no record, or none is better."""
    naive = losses[NAIVE][-RECORD:]
    if len(naive) < LEAST_RECORD:
        return NAIVE
    since = naive[0][0]
    best, least = NAIVE, float(np.mean([loss for _, loss in naive]))
    for name in CANDIDATES:
        own = [loss for week, loss in losses[name] if week >= since]
        # one that could not be fitted every week, now among them, is not compared
        fitted = len(own) == len(naive) and bool(np.isfinite(candidates[name]).all())
        if fitted and float(np.mean(own)) < least:
            best, least = name, float(np.mean(own))
    return best


def _bands(expected: Values, errors: Sequence[Values]) -> tuple[Band, ...]:
    """Student's t about the forecast on the Anscombe scale, as wide as the errors seen, never less than Poisson's."""
    middle = anscombe(expected)
    # before there is a record, the spread of a Poisson count and the caution of few weeks
    variance = [float(np.square(own).mean()) if own.size >= LEAST_RECORD else 0.0 for own in errors]
    spread = np.sqrt(np.maximum(LEAST_VARIANCE, variance))
    freedom = np.array([max(own.size, LEAST_RECORD) - 1.0 for own in errors])
    bands = []
    for level in LEVELS:
        reach = _student(level, freedom) * spread
        bands.append(Band(level, counts_of(middle - reach), counts_of(middle + reach)))
    return tuple(bands)


def _student(level: int, freedom: Values) -> Values:
    """Half the width of Student's t that holds ``level`` percent: Abramowitz and Stegun 26.7.5, right to .001 from
    seven degrees of freedom. scipy has it exactly, at the price of importing scipy."""
    z = NormalDist().inv_cdf(0.5 + level / 200)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    reach: Values = z + first / freedom + second / freedom**2 + third / freedom**3
    return reach
