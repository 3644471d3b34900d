"""Confidence: the probability that a value is right, by a small logistic model over what is known of its reading.

The weights stand in ``calibration.json`` and are fitted by ``python -m udfs.extraction.calibrate``. A feature without a
weight counts nothing, so that features and weights may change apart.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import ModelError

WEIGHTS = Path(__file__).with_name("calibration.json")

FEATURES = (
    "ocr", "ocr_doubt", "ocr_length", "label_doubt", "position_below", "position_prose", "uncovered", "checked",
    "faults", "ocr_faults", "repaired", "agrees_form", "differs_form", "ocr_differs_form", "agrees_documents",
    "differs_documents", "ocr_differs_documents", "rivals", "document_doubt", "handwritten_kind", "table",
)  # fmt: skip
"""All of them grow with what they name; most are 0 or 1."""


@functools.cache
def load(path: Path = WEIGHTS) -> tuple[float, dict[str, float], str]:
    """-> (bias, weights, version). Raises ModelError when the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return float(content["bias"]), {k: float(v) for k, v in content["weights"].items()}, str(content["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path.name} is missing or damaged ({type(error).__name__}); reinstall yuqing or fit it again"
        ) from error


def probability(features: Mapping[str, float]) -> float:
    """Of being right, 0..1, rounded to four places."""
    bias, weights, _ = load()
    score = bias + sum(weights.get(name, 0.0) * value for name, value in features.items())
    return round(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, score)))), 4)


def version() -> str:
    """Of the weights, for a decision's ``models``."""
    return load()[2]
