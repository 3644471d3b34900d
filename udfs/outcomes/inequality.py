"""Poverty and inequality of weighted incomes, exactly: for whoever has all values in one place.

Definitions of Eurostat as the R package laeken writes them down (Alfons & Templ 2013, "Estimation of social exclusion
indicators from complex surveys: the R package laeken", J. Stat. Softw. 54(15), sections 3 and 4): its weightedQuantile,
incMedian, arpr, qsr and gini. Values and weights are one-dimensional, of equal length, weights not negative, some
positive; NaN where nothing can be said (no weight, total of nought). Cost: one sort.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Weighted quantiles: the least value with more than ``share`` of the weight up to it; where the share is met
    exactly, the middle between it and the next."""
    keep = weights > 0
    values, weights = values[keep], weights[keep]
    if not len(values):
        return tuple(np.nan for _ in shares)
    order = np.argsort(values, kind="stable")
    values, upto = values[order], np.cumsum(weights[order])
    found = []
    for share in shares:
        wanted = share * upto[-1]
        # sums of weights such as 0.1 meet a share only to rounding
        slack = 1e-12 * upto[-1]
        at = min(int(np.searchsorted(upto, wanted - slack)), len(values) - 1)
        met = abs(upto[at] - wanted) <= slack and at + 1 < len(values)
        found.append(float((values[at] + values[at + 1]) / 2 if met else values[at]))
    return tuple(found)


def median(values: Floats, weights: Floats) -> float:
    return quantiles(values, weights, (0.5,))[0]


def poverty(values: Floats, weights: Floats, line: float, alpha: float = 0.0) -> float:
    """Foster, Greer & Thorbecke (1984): mean of ((line - value) / line)^alpha over the poor, 0 for the others; alpha 0
    is the rate, 1 the gap. Poor is who has less than the line."""
    total = float(weights.sum())
    poor = values < line
    short = weights[poor] * ((line - values[poor]) / line) ** alpha if alpha else weights[poor]
    return float(short.sum()) / total if total else np.nan


def at_risk_of_poverty(values: Floats, weights: Floats, share: float = 0.6) -> float:
    """Share of those below ``share`` of the median."""
    return poverty(values, weights, share * median(values, weights))


def s80s20(values: Floats, weights: Floats) -> float:
    """Mean of those above the 80 % quantile, by the mean of those up to the 20 % quantile.

    Means, not sums, as laeken has it: the two fifths are of equal weight only where no record lies across their edge.
    """
    low, high = quantiles(values, weights, (0.2, 0.8))
    lower, upper = values <= low, values > high
    if not weights[lower].sum() or not weights[upper].sum():
        return np.nan
    less = float(np.average(values[lower], weights=weights[lower]))
    return float(np.average(values[upper], weights=weights[upper])) / less if less else np.nan


def gini(values: Floats, weights: Floats) -> float:
    """2 sum_i w_i x_i W_i - sum_i w_i^2 x_i, by (sum w)(sum w x), less 1, where W_i is the weight up to i in order of
    x. Half the mean difference by the mean: two people with 0 and 1 give 1/2."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    upto, money = np.cumsum(weights), float((weights * values).sum())
    if not len(values) or not upto[-1] or not money:
        return np.nan
    twice = 2 * float((weights * values * upto).sum()) - float((weights**2 * values).sum())
    return twice / (float(upto[-1]) * money) - 1
