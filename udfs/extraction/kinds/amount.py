"""Amounts of money in yuan: 伍拾万元整, 500,000.00元, 50万元, ¥500000; in digits and capitals they must agree."""

from __future__ import annotations

import re
from decimal import Decimal

from udfs.extraction.kinds.numerals import NUMERAL, mended, whole
from udfs.extraction.kinds.value import Hints, Value

_SCALE = {"": 1, "十": 10, "百": 100, "千": 1000, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_DIGITS = re.compile(
    r"(?<![\d.])(?:人民币|RMB|CNY|¥)?(?P<number>\d{1,3}(?:[,，]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<scale>百万|千万|万|亿|千(?=元))?(?P<yuan>元|圆)?(?:整|正)?(?![\d%])"
)
_CAPITALS = re.compile(
    rf"(?:人民币)?(?<![\d.])(?P<whole>(?![万萬亿億百佰千仟]){NUMERAL}{{1,20}})[元圆](?:(?P<tenths>{NUMERAL})角)?"
    rf"(?:零?(?P<cents>{NUMERAL})分)?(?:整|正)?"
)
_BARE_CAPITALS = re.compile(r"[壹贰叁肆伍陆柒捌玖][壹贰叁肆伍陆柒捌玖拾佰仟万亿零]*[拾佰仟万亿](?:[整正])?")
_C = "[壹贰叁肆伍陆柒捌玖]"
_CENTS = re.compile(rf"(?P<tenths>{_C})角(?:(?P<cents>{_C})分|整)?|(?P<only>{_C})分")


def read(text: str, hints: Hints) -> Value | None:
    """The amount. Both ways of writing and different: the digits' value with the fault ``capitals_differ``."""
    text, repaired = mended(text) if hints.ocr else (text, 0)
    capitals, digits = _capitals(text), _digits(text, hints)
    if digits is not None and repaired:
        digits = Value(digits.value, digits.start, digits.end, repaired=repaired)
    if capitals is None or digits is None:
        return capitals or digits
    start, end = min(capitals.start, digits.start), max(capitals.end, digits.end)
    if end - start > len(text[capitals.start : capitals.end]) + len(text[digits.start : digits.end]) + 12:
        return min(capitals, digits, key=lambda value: value.start)  # two amounts, not one written twice
    same = capitals.value == digits.value
    faults = () if same else ("capitals_differ",)
    return Value(digits.value, start, end, faults=faults, checked=same, repaired=digits.repaired)


def _capitals(text: str) -> Value | None:
    for match in _CAPITALS.finditer(text):
        number = whole(match["whole"])
        if number is None:
            continue
        total = Decimal(number)
        for group, share in (("tenths", Decimal("0.1")), ("cents", Decimal("0.01"))):
            if match[group]:
                total += (whole(match[group]) or 0) * share
        return Value(plain(total), *match.span())
    cents = _CENTS.search(text)
    if cents is not None:
        tenth, hundredth = whole(cents["tenths"] or "零") or 0, whole(cents["cents"] or cents["only"] or "零") or 0
        return Value(plain(Decimal(10 * tenth + hundredth) / 100), *cents.span())
    bare = _BARE_CAPITALS.search(text)
    number = whole(bare.group().rstrip("整正")) if bare else None
    return Value(number, *bare.span()) if bare and number is not None else None


def _digits(text: str, hints: Hints) -> Value | None:
    best: Value | None = None
    for match in _DIGITS.finditer(text):
        number = Decimal(match["number"].replace(",", "").replace("，", ""))
        scale = match["scale"] or ("万" if "万" in hints.unit and not match["yuan"] else "")
        value = Value(plain(number * _SCALE[scale]), *match.span())
        if match["yuan"] or match["scale"] or match.group()[0] in "¥人R":
            return value  # with its unit: it is one
        best = best or value
    return best


def plain(number: Decimal) -> int | float:
    """An int where it is whole, else a float of cents."""
    return int(number) if number == number.to_integral_value() else float(round(number, 2))
