"""A sample in a file gives the associations that margins leave open."""

import re
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import UsageError
from udfs.population import spec as specs

SAMPLE = """
sample:
  file: survey.csv
  id: hid
  weight: w
  columns:
    tenure: {from: ten, values: {1: owner_occupied, 2: rented, 3: public_rental}}
    income_band: {from: income, cuts: [10, 20, 30, 40]}
"""
# tenure, income, weight; the second person of a household does not count
SURVEY = [(1, 5, 2), (1, 45, 6), (2, 5, 8), (2, 45, 3), (3, 5, 1), (3, 45, 1)] + [
    (tenure, income, 1) for tenure in (1, 2, 3) for income in (15, 25, 35)
]


def specification(folder: Path, sample: str = SAMPLE, odd: str = "") -> Path:
    text = specs.find("demonstration_city").read_text(encoding="utf-8")
    text = re.sub(r"affinities:\n.*?\nmargins:", "affinities: []\nmargins:", text, flags=re.DOTALL)
    path = folder / "city.yaml"
    path.write_text(text + sample, encoding="utf-8")
    rows = [f"{k},{t},{i},{w}\n{k},{t},{i},{w}" for k, (t, i, w) in enumerate(SURVEY)]
    (folder / "survey.csv").write_text("hid,ten,income,w\n" + "\n".join(rows) + f"\n{odd}")
    return path


def test_odds_ratios_are_the_samples(tmp_path: Path) -> None:
    spec = specs.load(specification(tmp_path))
    tenure, band = spec.records["tenure"], spec.records["income_band"]
    same = np.ones(len(tenure), dtype=bool)
    for name in ("district", "neighbourhood_kind", "household_type", "household_size"):
        same &= spec.records[name] == spec.records[name][0]

    def weight(tenure_code: int, band_code: int) -> float:
        return float(spec.fit.weights[same & (tenure == tenure_code) & (band == band_code)].sum())

    odds = weight(0, 0) * weight(1, 4) / (weight(0, 4) * weight(1, 0))
    assert odds == pytest.approx(2 * 3 / (6 * 8))


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("cuts: [10, 20, 30, 40]", "cuts: [10, 20]", r"city.yaml:\d+: .*4 rising numbers are wanted"),
        ("from: ten,", "from: nine,", r"city.yaml:\d+: .*survey.csv has no column 'nine'"),
        ("file: survey.csv", "file: none.csv", r"none.csv: there is no such file"),
        ("3: public_rental", "4: public_rental", r"survey.csv, column ten, line 10: '3' is none of 1, 2, 4"),
        ("tenure: {", "shoes: {", r"city.yaml:\d+: .*there is no 'shoes' here"),
    ],
)
def test_wrong_samples_are_named(tmp_path: Path, was: str, becomes: str, said: str) -> None:
    assert SAMPLE.count(was) == 1
    with pytest.raises(UsageError, match=said):
        specs.load(specification(tmp_path, SAMPLE.replace(was, becomes)))


def test_fifths_of_a_number_and_a_weight_that_is_none(tmp_path: Path) -> None:
    fifths = SAMPLE.replace("cuts: [10, 20, 30, 40]", "quantiles: true")
    assert specs.load(specification(tmp_path, fifths)).fit.reached
    with pytest.raises(UsageError, match=r"survey.csv, column w, line 32: the weight -1 is negative"):
        specs.load(specification(tmp_path, odd="99,1,5,-1\n"))
