"""Units: what is read, what comes of multiplying, dividing and powers."""

from __future__ import annotations

from fractions import Fraction

import pytest

from udfs.formulas import units

READ = [
    ("1", "1"),
    ("CNY", "CNY"),
    ("CNY/m2", "CNY/m2"),
    ("CNY / m2", "CNY/m2"),
    ("CNY*m2/year", "CNY*m2/year"),
    ("CNY/m2/month", "CNY/m2/month"),
    ("m^2", "m2"),
    ("m*m", "m2"),
    ("1/year", "1/year"),
    ("m2/m2", "1"),
    ("m2/m", "m"),
    ("元/平方米", "元/平方米"),
    ("m0", "1"),
    ("CNY/person/year", "CNY/person/year"),
]


@pytest.mark.parametrize(("text", "shown"), READ)
def test_units_are_products_of_powers(text: str, shown: str) -> None:
    assert str(units.parse(text)) == shown
    assert units.parse(shown) == units.parse(text)


@pytest.mark.parametrize("text", ["", "CNY per m2", "CNY//m2", "CNY/", "*m", "2", "m-2", "m2.5", "(m)", "m^", "m 2"])
def test_what_is_no_unit(text: str) -> None:
    with pytest.raises(ValueError, match="is no unit"):
        units.parse(text)


def test_algebra() -> None:
    money, area = units.parse("CNY/year"), units.parse("m2")
    assert str(money * area) == "CNY*m2/year"
    assert money * area / area == money
    assert str(area ** Fraction(1, 2)) == "m"
    assert str(units.parse("m") ** Fraction(1, 2)) == "m^(1/2)"
    assert area ** Fraction(0) == units.ONE
    assert money != units.parse("CNY")
