"""Inequality from histograms that know, for each bin, how many there are and how much they have.

What is lost is only the inequality inside a bin. Edges are the baseline's quantiles (at most 1/1024 of the weight in a
bin, mass points aside) with evenly and geometrically spaced ones between and beyond, for options that move people.
Errors: ``gini_bound``; of rates at most the weight of the bin that the line is in. Measured: docs/outcomes.md.

Everything here takes stacks: ``bins`` [replicates, bins, 2] of (sum of w, sum of w x), ``edges`` [bins - 1] inner ones;
bin k holds edges[k-1] <= x < edges[k]. The answer has one value a replicate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_QUANTILES = 1024
_EVEN = 192
_BEYOND = 48


def edges(values: Floats, weights: Floats) -> Floats:
    """Inner edges for values like these, ascending, each once; at least one."""
    keep = weights > 0
    values, weights = values[keep], weights[keep]
    if not len(values):
        return np.zeros(1)
    order = np.argsort(values, kind="stable")
    values, upto = values[order], np.cumsum(weights[order])
    wanted = np.arange(1, _QUANTILES) / _QUANTILES * upto[-1]
    cuts = values[np.minimum(np.searchsorted(upto, wanted), len(values) - 1)]
    low, high = float(values[0]), float(values[-1])
    reach = max(high - low, abs(high), abs(low), 1.0)
    even = np.linspace(low, float(cuts[-8]), _EVEN)
    above = high + reach * np.geomspace(1e-3, 4.0, _BEYOND)
    below = low - reach * np.geomspace(1e-3, 4.0, _BEYOND)
    # a mass point gets a bin of its own: its edge, and the next number above it
    points = cuts[1:][cuts[1:] == cuts[:-1]]
    both = [cuts, even, above, below, np.array([low, high, 0.0]), points, np.nextafter(points, np.inf)]
    found: Floats = np.unique(np.concatenate(both))
    return found


def gini(bins: Floats) -> Floats:
    """Of everybody at the mean of their bin: a lower bound, at most ``gini_bound`` below."""
    weight, money = bins[..., 0], bins[..., 1]
    upto = np.cumsum(weight, axis=-1)
    twice = 2 * (money * upto).sum(axis=-1) - (money * weight).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(twice / (upto[..., -1] * money.sum(axis=-1)) - 1)


def gini_bound(bins: Floats, edges: Floats) -> Floats:
    """The most that ``gini`` can be too low. A bin of share p, between a and b, with mean m adds p^2 (m-a)(b-m) /
    ((b-a) mean) when its members sit at its two ends (the largest mean difference for that mean)."""
    weight, money = bins[..., 0], bins[..., 1]
    total = weight.sum(axis=-1, keepdims=True)
    low, high = np.append(-np.inf, edges), np.append(edges, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = money / weight
        inside = (mean - low) * (high - mean) / (high - low)
        inside[..., 0] = high[0] - mean[..., 0]
        inside[..., -1] = mean[..., -1] - low[-1]
        share = weight / total
        added = np.where(weight > 0, share**2 * np.maximum(inside, 0.0), 0.0).sum(axis=-1)
        return np.asarray(added / np.abs(money.sum(axis=-1) / total[..., 0]))


def below(bins: Floats, edges: Floats, line: Floats) -> tuple[Floats, Floats]:
    """(sum of w, sum of w x) of those below each replicate's ``line``; inside a bin people are taken as evenly spread
    around their mean."""
    weight, money = bins[..., 0], bins[..., 1]
    at = np.searchsorted(edges, line, side="right")
    rows = np.arange(len(bins))
    before = np.cumsum(bins, axis=1) - bins
    low, high = np.append(edges[0], edges)[at], np.append(edges, edges[-1])[at]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(high > low, (line - low) / (high - low), 0.0)
        part = np.clip(np.nan_to_num(part), 0.0, 1.0)
        mean = np.where(weight[rows, at] > 0, money[rows, at] / weight[rows, at], 0.0)
    inside = weight[rows, at] * part
    # mean of the lower part: half way between the bin's floor and the line, moved as the bin's mean is from its middle
    lower = np.where(part > 0, np.minimum(mean, (low + line) / 2 + (mean - (low + high) / 2) * part), 0.0)
    return before[rows, at, 0] + inside, before[rows, at, 1] + inside * lower


def quantile(bins: Floats, edges: Floats, share: float) -> Floats:
    """Value below which ``share`` of the weight lies, evenly spread inside its bin."""
    upto = np.cumsum(bins[..., 0], axis=1)
    wanted = share * upto[:, -1]
    at = np.minimum((upto < wanted[:, None]).sum(axis=1), bins.shape[1] - 1)
    rows = np.arange(len(bins))
    inside = bins[rows, at, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(inside > 0, (wanted - (upto[rows, at] - inside)) / inside, 0.0)
        mean = bins[rows, at, 1] / inside
    low, high = np.append(-np.inf, edges)[at], np.append(edges, np.inf)[at]
    open_ended = ~np.isfinite(low) | ~np.isfinite(high)
    with np.errstate(invalid="ignore"):
        found = np.where(open_ended, mean, low + part * (high - low))
    return np.where(upto[:, -1] > 0, found, np.nan)


def s80s20(bins: Floats) -> Floats:
    """Upper fifth's by lowest fifth's; a bin across the edge is shared out at its mean."""
    weight, money = bins[..., 0], bins[..., 1]
    upto = np.cumsum(weight, axis=1)
    total = upto[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(weight > 0, money / weight, 0.0)
        before = upto - weight
        lower = (np.clip(0.2 * total - before, 0.0, weight) * mean).sum(axis=1)
        upper = (np.clip(upto - 0.8 * total, 0.0, weight) * mean).sum(axis=1)
        return np.asarray(np.where(lower != 0, upper / lower, np.nan))


def poverty(bins: Floats, edges: Floats, share: float, gap: bool) -> Floats:
    """Rate (or gap) below ``share`` of the replicate's own median."""
    line = share * quantile(bins, edges, 0.5)
    number, money = below(bins, edges, line)
    total = bins[..., 0].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((line * number - money) / (line * total) if gap else number / total)
