"""How much of the wide and of the deep model goes into each output: fitted where neither was trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def one_of(wide: Floats, deep: Floats, truth: Ints) -> tuple[float, float]:
    """Factors (of wide, of deep) whose sum of logits gives ``truth`` the highest likelihood, log-linear pooling."""

    def loss(factors: Floats) -> float:
        scores = factors[0] * wide + factors[1] * deep
        scores = scores - scores.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(truth)), truth]))

    found = minimize(loss, x0=np.array([0.5, 0.5]), method="Nelder-Mead")
    return float(found.x[0]), float(found.x[1])


def flag(wide: Floats, deep: Floats, truth: Ints, weights: Floats) -> tuple[float, float]:
    """Factors of one output of a multi-label head, by logistic regression; none below zero."""
    fit = LogisticRegression(C=1e3).fit(np.stack([wide, deep], axis=1), truth, sample_weight=weights)
    first, second = fit.coef_[0]
    return max(0.0, float(first)), max(0.0, float(second))


def table(factors: Sequence[tuple[float, float]]) -> list[list[float]]:
    """[wide factors, deep factors], one a column of the model's outputs, as bundle.json holds it."""
    return [[round(first, 5) for first, _ in factors], [round(second, 5) for _, second in factors]]
