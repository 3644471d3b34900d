"""Fit the weights of confidence from what was found on applications whose truth is known.

    python -m udfs.extraction.calibrate RECORDS.jsonl [--output calibration.json] [--version NAME]

A line of RECORDS: ``{"features": {name: value}, "correct": true}``, one a value found (``extract_with_records`` gives
the features), with ``id`` or ``application`` where that is known. Logistic regression with an L2
penalty towards the weights set by hand (``prior`` in calibration.json): good scans show hardly a mistake, and what they
are silent about must not become harmless by that. Signs are held: doubt may not raise confidence, nor agreement lower
it, whatever a small sample says. Every fifth application
is kept out of the fit and what is printed is measured on those; the weights written are fitted on all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.errors import UsageError
from udfs.extraction.confidence import FEATURES, WEIGHTS

Array = npt.NDArray[np.float64]
RAISING = frozenset(("checked", "agrees_form", "agrees_documents"))
"""Features whose weight is not below zero; that of all others is not above."""
_KEPT_OUT = 5
_FEWEST = 200


Prior = tuple[float, Array]


def fit(features: Array, correct: Array, penalty: float = 1.0, prior: Prior | None = None) -> tuple[float, Array]:
    """-> (bias, weights). ``features``: records x FEATURES; ``correct``: 0 or 1 a record.

    ``prior``: bias and weights from which the penalty counts; zero weights and a free bias without.
    """
    from scipy.optimize import minimize

    bias0, weights0 = prior if prior is not None else (None, np.zeros(len(FEATURES)))
    signs = np.array([1.0 if name in RAISING else -1.0 for name in FEATURES])

    def loss(parameters: Array) -> tuple[float, Array]:
        bias, weights = parameters[0], parameters[1:]
        scores = bias + features @ weights
        value = np.logaddexp(0.0, scores) - correct * scores
        error = 1.0 / (1.0 + np.exp(-scores)) - correct
        off = weights - weights0
        bias_off = 0.0 if bias0 is None else bias - bias0
        gradient = np.concatenate([[error.sum() + penalty * bias_off], features.T @ error + penalty * off])
        return float(value.sum() + 0.5 * penalty * (off @ off + bias_off**2)), gradient

    bounds = [(-12.0, 12.0)] + [(0.0, 20.0) if sign > 0 else (-20.0, 0.0) for sign in signs]
    start = np.concatenate([[3.0], 0.1 * signs])
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return float(found.x[0]), np.asarray(found.x[1:], dtype=np.float64)


def read_records(path: Path) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """-> (features, correct, kept out). Raises UsageError with the line that is none."""
    rows: list[list[float]] = []
    correct: list[float] = []
    kept: list[bool] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            record: dict[str, Any] = json.loads(line)
            rows.append([float(record["features"].get(name, 0.0)) for name in FEATURES])
            correct.append(float(bool(record["correct"])))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{path.name}, line {number}: no record ({type(error).__name__}); a record has features and correct"
            ) from error
        application = str(record.get("application") or record.get("id") or number)
        kept.append(hashlib.sha256(application.encode()).digest()[0] % _KEPT_OUT == 0)
    if len(rows) < _FEWEST or not 0 < sum(correct) < len(correct):
        raise UsageError(f"{path.name}: {len(rows)} records; give at least {_FEWEST}, right and wrong ones")
    return np.array(rows), np.array(correct), np.array(kept, dtype=np.bool_)


def measured(probability: Array, correct: Array) -> dict[str, float]:
    """Brier score, log loss, expected calibration error over ten equally filled bins."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    order = np.argsort(probability)
    bins = [part for part in np.array_split(order, 10) if len(part)]
    gaps = [len(part) * abs(float(probability[part].mean() - correct[part].mean())) for part in bins]
    return {
        "records": float(len(correct)),
        "accuracy": float(correct.mean()),
        "brier": float(((probability - correct) ** 2).mean()),
        "log_loss": float(-(correct * np.log(clipped) + (1 - correct) * np.log(1 - clipped)).mean()),
        "calibration_error": float(sum(gaps) / len(correct)),
    }


def probabilities(bias: float, weights: Array, features: Array) -> Array:
    """Of each record being right."""
    return np.asarray(1.0 / (1.0 + np.exp(-(bias + features @ weights))), dtype=np.float64)


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Prints figures on the records kept out, then writes the weights fitted on all."""
    parser = argparse.ArgumentParser(prog="python -m udfs.extraction.calibrate", description=__doc__.split("\n", 1)[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    parser.add_argument("--version", default="", help="default: fitted, with a digest of the records")
    parser.add_argument("--penalty", type=float, default=1.0)
    given = parser.parse_args(argv)
    try:
        features, correct, kept = read_records(given.records)
        shipped = json.loads(WEIGHTS.read_text(encoding="utf-8"))["prior"]
        prior = (float(shipped["bias"]), np.array([float(shipped["weights"].get(name, 0.0)) for name in FEATURES]))
        if kept.any() and 0 < correct[~kept].sum() < (~kept).sum():
            bias, weights = fit(features[~kept], correct[~kept], given.penalty, prior)
            print(json.dumps(measured(probabilities(bias, weights, features[kept]), correct[kept])))
    except (OSError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    bias, weights = fit(features, correct, given.penalty, prior)
    digest = hashlib.sha256(given.records.read_bytes()).hexdigest()[:8]
    content = {
        "version": given.version or f"fitted@{len(correct)}#{digest}",
        "bias": round(bias, 4),
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
        "prior": shipped,
    }
    given.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
