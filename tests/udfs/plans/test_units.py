"""Shown units against computed ones."""

import re
from pathlib import Path

import pytest

from udfs.plans import units

DOCS = Path(__file__).parents[3] / "docs" / "plans.md"


@pytest.mark.parametrize(
    ("shown", "computed", "scale"),
    [
        ("元", "CNY", 1.0),
        ("亿元", "CNY", 1e-8),
        ("亿元/年", "CNY/year", 1e-8),
        ("元/月", "CNY/year", 1 / 12),
        ("元/年", "CNY/month", 12.0),
        ("元/平方米", "CNY/m2", 1.0),
        ("元/平方米/月", "CNY/m2/month", 1.0),
        ("CNY/m^2", "CNY/m2", 1.0),
        ("元/人", "CNY", 1.0),
        ("元/人", "CNY/person", 1.0),
        ("%", "1", 100.0),
        ("万人", "1", 1e-4),
        ("月", "year", 12.0),
        ("亩", "m2", 0.0015),
        ("公里", "m", 0.001),
        ("平方米", "km2", 1e6),
        ("kWh/年", "kWh/year", 1.0),
        ("元·年", "CNY*year", 1.0),
        ("1", "CNY/CNY", 1.0),
        ("亿元", "CNY/year", None),
        ("%", "CNY", None),
        ("平方米", "m", None),
        ("元/平方米", "CNY/m2/year", None),
    ],
)
def test_scale(shown: str, computed: str, scale: float | None) -> None:
    assert units.scale(shown, computed) == scale


@pytest.mark.parametrize(
    ("over", "under", "ratio"),
    [
        ("CNY", "1", "CNY"),
        ("CNY/year", "m2", "CNY/year/m2"),
        ("CNY/year", "CNY/year", "1"),
        ("CNY", "CNY/year", "year"),
        ("1", "year", "1/year"),
    ],
)
def test_ratio(over: str, under: str, ratio: str) -> None:
    assert units.divide(over, under) == ratio


@pytest.mark.parametrize(
    ("computed", "said"),
    [
        ("1", "1"),
        ("CNY/year", "元/年"),
        ("CNY/m2/month", "元/平方米/月"),
        ("CNY/person/year", "元/年"),
        ("1/year", "1/年"),
    ],
)
def test_chinese(computed: str, said: str) -> None:
    assert units.chinese(computed) == said
    assert units.scale(said, computed) == 1.0


@pytest.mark.parametrize("text", ["亿圆", "", "CNY//year", "元/", "5 CNY"])
def test_no_unit(text: str) -> None:
    with pytest.raises(units.UnknownUnitError):
        units.parse(text)


def test_the_words_that_are_known_are_those_that_are_documented() -> None:
    listed = re.search(r"Known: `([^`]*)`", DOCS.read_text(encoding="utf-8"))
    assert listed is not None
    assert set(listed[1].split()) == set(units._WORDS)
