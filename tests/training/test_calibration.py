"""Calibration in numpy equals what scikit-learn and scipy fit."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from training import calibration

DRAW = np.random.default_rng(5)


@pytest.mark.parametrize(("slope", "offset"), [(2.0, -1.0), (0.3, 4.0), (8.0, -12.0), (-1.0, 0.0)])
def test_platt_is_logistic_regression(slope: float, offset: float) -> None:
    scores = DRAW.normal(size=800)
    truth = DRAW.random(800) < 1 / (1 + np.exp(-(slope * scores + offset)))
    weights = DRAW.choice([0.15, 1.0, 10.0], 800)
    fit = LogisticRegression(C=1e3, tol=1e-10, max_iter=1000).fit(scores[:, None], truth, sample_weight=weights)
    found = calibration.platt(scores, truth, weights)
    assert found == pytest.approx((fit.coef_[0, 0], fit.intercept_[0]), rel=1e-3, abs=1e-3)


def test_platt_stays_finite_where_scores_separate_the_classes() -> None:
    scores = np.linspace(-1, 1, 50)
    slope, offset = calibration.platt(scores, scores > 0)
    assert 0 < slope < 1e4
    assert abs(offset) < 1e3


@pytest.mark.parametrize("truth", [np.ones(5, bool), np.zeros(5, bool)])
def test_one_class_fits_nothing(truth: np.ndarray) -> None:
    assert calibration.platt(np.arange(5.0), truth) == (1.0, 0.0)


@pytest.mark.parametrize("sharper", [0.4, 1.0, 3.0])
def test_temperature_is_the_likeliest(sharper: float) -> None:
    logits = DRAW.normal(size=(2000, 3)) * 2
    raised = np.exp(logits)
    truth = np.array([DRAW.choice(3, p=row) for row in raised / raised.sum(axis=1, keepdims=True)])
    scores = logits * sharper

    def loss(slope: float) -> float:
        scaled = slope * scores
        return float(np.mean(np.logaddexp.reduce(scaled, axis=1) - scaled[np.arange(2000), truth]))

    assert calibration.temperature(scores, truth) == pytest.approx(
        minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x, rel=1e-3
    )
