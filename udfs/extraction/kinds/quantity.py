"""Numbers, areas in square metres, shares in percent."""

from __future__ import annotations

import re
from decimal import Decimal

from udfs.extraction.kinds.numerals import NUMERAL, mended, whole
from udfs.extraction.kinds.value import Hints, Value

SQUARE_METRES_OF_MU = Decimal(2000) / 3
_NUMBER = re.compile(r"(?<![\d.])-?(?:\d{1,3}(?:[,，]\d{3})+|\d+)(?:\.\d+)?(?!\d)")
_HAN = re.compile(rf"{NUMERAL}+(?:点{NUMERAL}+)?")
_AREA_UNIT = re.compile(r"(万?平方米|万?平米|万?㎡|万?m[2²z]?|M2|亩|公顷)")
_MU, _HECTARE = "亩", "公顷"
_HUNDREDTHS = re.compile(rf"百分之({NUMERAL}+(?:点{NUMERAL}+)?)")


def read_number(text: str, hints: Hints) -> Value | None:
    """The first number; 三 and 二十三 count; whole numbers are ints."""
    text, repaired = mended(text) if hints.ocr else (text, 0)
    match = _NUMBER.search(text)
    if match is not None:
        number = Decimal(match.group().replace(",", "").replace("，", ""))
        return Value(_plain(number), *match.span(), repaired=repaired)
    match = _HAN.search(text)
    han = _han(match.group()) if match else None
    return Value(_plain(han), *match.span()) if match and han is not None else None


def read_area(text: str, hints: Hints) -> Value | None:
    """In square metres; without a unit the label's or the type's holds, else square metres."""
    text, repaired = mended(text) if hints.ocr else (text, 0)
    units = list(_AREA_UNIT.finditer(text))
    for unit in units:  # the number before a unit, not a house number in front of it
        before = list(_NUMBER.finditer(text, 0, unit.start()))
        if before and before[-1].end() == unit.start():
            number = Decimal(before[-1].group().replace(",", "").replace("，", ""))
            return Value(_plain(number * _scale(unit.group())), before[-1].start(), unit.end(), repaired=repaired)
    value = read_number(text, hints)
    if value is None:
        return None
    after = _AREA_UNIT.match(text, value.end)
    scale = _scale(after.group() if after else hints.unit)
    end = after.end() if after else value.end
    return Value(_plain(Decimal(str(value.value)) * scale), value.start, end, repaired=repaired or value.repaired)


def read_percent(text: str, hints: Hints) -> Value | None:
    """In percent: 66.7% and 百分之六十六点七 are 66.7; a bare number is taken as percent."""
    han = _HUNDREDTHS.search(text)
    if han is not None:
        number = _han(han[1])
        return Value(_plain(number), *han.span()) if number is not None else None
    signed = re.search(r"(?<![\d.])(\d+(?:\.\d+)?)[%％]", text)
    if signed is not None:
        value = Value(_plain(Decimal(signed[1])), *signed.span())
    else:
        bare = read_number(text, hints)
        if bare is None:
            return None
        value = bare
    if not 0 <= value.value <= 100:
        return Value(value.value, value.start, value.end, faults=("range",), repaired=value.repaired)
    return value


def _scale(unit: str) -> Decimal:
    scale = Decimal(10_000) if unit.startswith("万") else Decimal(1)
    if unit.endswith(_MU):
        return scale * SQUARE_METRES_OF_MU
    return scale * (10_000 if unit.endswith(_HECTARE) else 1)


def _han(text: str) -> Decimal | None:
    before, _, after = text.partition("点")
    number = whole(before)
    if number is None:
        return None
    if not after:
        return Decimal(number)
    tail = whole(after)
    return None if tail is None else Decimal(f"{number}.{str(tail).zfill(len(after))}")


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(round(number, 4))
