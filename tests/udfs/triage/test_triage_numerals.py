"""Numbers as people write them."""

from __future__ import annotations

import re

import pytest

from udfs.triage.numerals import NUMBER, parse_number

NUMBERS = (
    ("5", 5),
    ("500", 500),
    ("2,000", 2000),
    ("1.5万", 15000),
    ("3千", 3000),
    ("3-5", 3),
    ("十", 10),
    ("十二", 12),
    ("二十", 20),
    ("二十三", 23),
    ("两百", 200),
    ("三百六十", 360),
    ("两千五百", 2500),
    ("一万二千", 12000),
    ("一千零五", 1005),
    ("五六百", 500),
    ("二三十", 20),
    ("十几", 11),
    ("几十", 20),
    ("几百", 200),
    ("上百", 100),
    ("上千", 1000),
    ("近百", 100),
    ("数百", 200),
    ("半", 0.5),
    ("five", 5),
    ("hundreds", 200),
    ("俩", 2),
)


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_value(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "人", "abc"])
def test_no_number(text: str) -> None:
    assert parse_number(text) is None


@pytest.mark.parametrize(("text", "value"), [item for item in NUMBERS if not item[0].isascii() or item[0][0].isdigit()])
def test_the_expression_finds_the_whole_number(text: str, value: float) -> None:
    match = re.search(NUMBER, f"大概{text}人")
    assert match is not None
    assert parse_number(match.group()) == value
