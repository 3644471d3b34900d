"""Weights: the shipped ones hold together, and fitting finds those that made the records."""

from __future__ import annotations

import json

import numpy as np
import pytest

from schemas.errors import ModelError
from udfs.extraction import confidence
from udfs.extraction.calibrate import RAISING, fit, main, measured, probabilities
from udfs.extraction.confidence import FEATURES


def test_the_shipped_weights_name_known_features_and_have_their_sign():
    _, weights, version = confidence.load()
    assert version
    assert set(weights) == set(FEATURES)
    assert [name for name, weight in weights.items() if (weight < 0) == (name in RAISING) and weight] == []


@pytest.mark.parametrize("content", ["", "{}", '{"bias": 1, "weights": [], "version": "x"}', '{"bias": "x"}'])
def test_damaged_weights_are_named(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(ModelError, match=r"calibration\.json"):
        confidence.load(path)


def _records(count=6000):
    rng = np.random.default_rng(7)
    features = np.zeros((count, len(FEATURES)))
    at = {name: place for place, name in enumerate(FEATURES)}
    features[:, at["ocr"]] = 1.0
    features[:, at["ocr_doubt"]] = rng.uniform(0, 0.4, count)
    features[:, at["agrees_form"]] = rng.integers(0, 2, count)
    scores = 2.0 - 8.0 * features[:, at["ocr_doubt"]] + 2.0 * features[:, at["agrees_form"]]
    correct = (rng.uniform(size=count) < 1 / (1 + np.exp(-scores))).astype(float)
    return features, correct, at


def test_fitting_finds_the_weights_that_made_the_records():
    features, correct, at = _records()
    bias, weights = fit(features, correct)
    assert bias + weights[at["ocr"]] == pytest.approx(2.0, abs=0.3)
    assert weights[at["ocr_doubt"]] == pytest.approx(-8.0, abs=1.0)
    assert weights[at["agrees_form"]] == pytest.approx(2.0, abs=0.3)
    assert measured(probabilities(bias, weights, features), correct)["calibration_error"] < 0.03


def test_signs_are_held():
    features, correct, at = _records()
    _, weights = fit(features, 1.0 - correct)  # the world upside down
    assert weights[at["agrees_form"]] == 0.0
    assert weights[at["ocr_doubt"]] == 0.0


def test_the_command(tmp_path, capsys):
    features, correct, _ = _records(600)
    path, output = tmp_path / "records.jsonl", tmp_path / "weights.json"
    path.write_text(
        "".join(
            json.dumps({"features": dict(zip(FEATURES, row, strict=True)), "correct": bool(right), "id": str(at)})
            + "\n"
            for at, (row, right) in enumerate(zip(features.tolist(), correct, strict=True))
        )
    )
    assert main([str(path), "--output", str(output)]) == 0
    assert 0 < json.loads(capsys.readouterr().out)["records"] < 600
    assert confidence.load(output)[2].startswith("fitted@600#")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("{}\n", "line 1"), ('{"features": {}, "correct": true}\n' * 300, "right and wrong"), ("x\n", "line 1")],
)
def test_records_that_are_none(tmp_path, capsys, content, complaint):
    path = tmp_path / "records.jsonl"
    path.write_text(content)
    assert main([str(path), "--output", str(tmp_path / "none.json")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()
