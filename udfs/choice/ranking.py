"""Who is better: Pareto set, scores, ranks. Arrays of options (rows) by measures (columns); no names, no states.

``better`` turns every measure so that more is better, so the rest knows no aims.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.policy import Measure

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

_DIGITS = 12
"""Scores that agree to so many digits are tied: the rest is the order of additions."""


def better(values: Floats, measures: Sequence[Measure]) -> Floats:
    """(..., measures), signed: more is better."""
    return np.asarray(values * np.array([1.0 if measure.aim == "more" else -1.0 for measure in measures]))


def pareto(values: Floats) -> Booleans:
    """Which rows no other row dominates: at least as good everywhere and better somewhere. Rows with NaN are not
    comparable: they are not in the set and push nobody out. Cost: options squared by measures."""
    comparable = ~np.isnan(values).any(axis=1)
    at_least = (values[:, None, :] >= values[None, :, :]).all(axis=2)
    above = (values[:, None, :] > values[None, :, :]).any(axis=2)
    return np.asarray(comparable & ~(at_least & above).any(axis=0))


def scaled(values: Floats, scale: Floats | None = None) -> Floats:
    """(..., options, measures) -> 0..1 from the worst to the best of the options, or of those of ``scale``; 1 for all
    where these are equal."""
    scale = values if scale is None else scale
    there = ~np.isnan(scale)
    low = np.min(scale, axis=-2, keepdims=True, where=there, initial=np.inf)
    spread = np.max(scale, axis=-2, keepdims=True, where=there, initial=-np.inf) - low
    level = spread <= 1e-12 * np.maximum(np.abs(low), 1e-300)
    return np.asarray(np.where(level, 1.0, (values - low) / np.where(level, 1.0, spread)) + 0 * values)


def scores(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of the scaled measures, 0..1. ``values`` (..., options, measures), ``weights`` (..., measures) that
    add up to 1. NaN for an option without a value; it does not move the others."""
    return np.asarray((scaled(values) * weights[..., None, :]).sum(axis=-1))


def ranks(found: Floats) -> NDArray[np.int64]:
    """(..., options) of scores -> ranks from 1; equal scores have the same, the next ones are skipped. NaN is last."""
    rounded = np.round(np.where(np.isnan(found), -1.0, found), _DIGITS)
    order = np.sort(rounded, axis=-1)
    flat, sorted_flat = rounded.reshape(-1, rounded.shape[-1]), order.reshape(-1, rounded.shape[-1])
    above = np.empty(flat.shape, dtype=np.int64)
    for row, (values, ascending) in enumerate(zip(flat, sorted_flat, strict=True)):
        above[row] = len(values) - np.searchsorted(ascending, values, side="right")
    return (above + 1).reshape(found.shape)
