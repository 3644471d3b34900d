"""Curves from logits to probabilities and the thresholds over them, in numpy alone: what ships with the product has no
scikit-learn.

One-of heads get a temperature (Guo et al., 2017), heads of several labels Platt's curve (Platt, 1999).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
_STRENGTH = 1e3
"""Inverse of the penalty on a curve's slope, which keeps it finite where scores separate the classes."""


def temperature(scores: Floats, truth: npt.NDArray[np.int64]) -> float:
    """Slope in [.1, 10] that maximises the likelihood of ``truth`` (class numbers) under softmax(slope * scores).

    The loss is convex in the slope, so its derivative is bisected.
    """
    chosen = scores[np.arange(len(truth)), truth]
    low, high = 0.1, 10.0
    for _ in range(50):
        slope = (low + high) / 2
        raised = np.exp(slope * (scores - scores.max(axis=1, keepdims=True)))
        expected = (scores * raised).sum(axis=1) / raised.sum(axis=1)
        low, high = (slope, high) if float((expected - chosen).mean()) < 0 else (low, slope)
    return (low + high) / 2


def platt(scores: Floats, truth: Bools, weights: Floats | None = None) -> tuple[float, float]:
    """Slope and offset of the logistic curve from ``scores`` to the probability of ``truth``.

    Weighted logistic regression with a weak penalty on the slope, by Newton's method. Where truth knows one class only
    there is nothing to fit: (1, 0).
    """
    if truth.all() or not truth.any():
        return 1.0, 0.0
    wanted = truth.astype(np.float64)
    weights = np.ones(len(scores)) if weights is None else weights
    features = np.stack((scores, np.ones(len(scores))), axis=1)
    penalty = np.array([1 / _STRENGTH, 0.0])

    def loss(curve: Floats) -> float:
        z = features @ curve
        return float((weights * (np.logaddexp(0, z) - wanted * z)).sum() + (penalty * curve * curve).sum() / 2)

    curve = np.zeros(2)
    for _ in range(100):
        chance = 1 / (1 + np.exp(-np.clip(features @ curve, -500, 500)))
        slope = features.T @ (weights * (chance - wanted)) + penalty * curve
        bend = (features * (weights * chance * (1 - chance))[:, None]).T @ features + np.diag(penalty + 1e-12)
        step = np.linalg.solve(bend, slope)
        share = 1.0
        while share > 1e-6 and loss(curve - share * step) > loss(curve):
            share /= 2  # far from the optimum a full step may overshoot
        curve = curve - share * step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(curve[0]), float(curve[1])


def from_false_calls(chance: Floats, allowed: float) -> float:
    """Lowest threshold that at most ``allowed`` in 10,000 of ``chance`` reach, rounded up to four digits."""
    count = int(len(chance) * allowed / 1e4)
    return min(0.9999, math.floor(float(np.sort(chance)[-count - 1]) * 1e4 + 1) / 1e4)


def best_threshold(chance: Floats, truth: Bools, weights: Floats | None = None) -> float:
    """Threshold with the highest F1, within reason (.15 to .8); of equals the one nearest one half."""
    weights = np.ones(len(chance)) if weights is None else weights

    def f1(threshold: float) -> float:
        said = chance >= threshold
        return float(2 * weights[said & truth].sum() / max(1e-9, weights[said].sum() + weights[truth].sum()))

    return float(max(np.arange(0.15, 0.81, 0.05), key=lambda at: (round(f1(at), 9), -abs(at - 0.5))))
