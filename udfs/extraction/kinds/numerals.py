"""Numbers in Chinese numerals and capitals: 伍拾万, 二十三, 二〇二六; and digits as OCR takes them for letters."""

from __future__ import annotations

import re
from decimal import Decimal

DIGITS = {
    "零": 0, "〇": 0, "○": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "两": 2,
    "壹": 1, "贰": 2, "貳": 2, "叁": 3, "叄": 3, "参": 3, "肆": 4, "伍": 5, "陆": 6, "陸": 6, "柒": 7, "捌": 8, "玖": 9,
    "弍": 2, "弌": 1,
}  # fmt: skip
UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
NUMERAL = "[" + "".join([*DIGITS, *UNITS, *_MYRIADS]) + "]"
"""A regular expression for one numeral."""

_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
LOOK_ALIKES = "OoQDIl|!iZzSsBGbqg"
"""Letters and signs that OCR gives for digits."""
_LOOKS = str.maketrans(LOOK_ALIKES, "000011111225586699")


def digits_for(text: str) -> tuple[str, int]:
    """-> the text with look-alikes made digits, and how many there were."""
    mended = text.translate(_LOOKS)
    return mended, sum(a != b for a, b in zip(text, mended, strict=True))


_NUMBER_LIKE = re.compile(rf"(?<![0-9A-Za-z])[0-9{LOOK_ALIKES}][0-9{LOOK_ALIKES},，.]*(?![0-9A-Za-z])")


def mended(text: str) -> tuple[str, int]:
    """-> the text with look-alikes made digits where at least half of a number's signs are digits; same length."""
    count = 0

    def mend(match: re.Match[str]) -> str:
        nonlocal count
        run = match.group()
        digits, total = sum(char.isdigit() for char in run), sum(char.isalnum() or char in LOOK_ALIKES for char in run)
        if digits == total or digits * 2 < total:
            return run
        result, changed = digits_for(run)
        count += changed
        return result

    return _NUMBER_LIKE.sub(mend, text), count


def whole(text: str) -> int | None:
    """伍拾万 -> 500000, 二十三 -> 23, 二〇二六 -> 2026; None when it is no number."""
    if not text:
        return None
    if not any(char in UNITS or char in _MYRIADS for char in text):
        if any(char not in DIGITS for char in text):
            return None
        return int("".join(str(DIGITS[char]) for char in text))
    total = section = 0
    digit: int | None = None
    for char in text:
        if char in DIGITS:
            if digit:  # 五六十 is no number
                return None
            digit = DIGITS[char]
        elif char in UNITS:
            section += (1 if digit is None else digit) * UNITS[char]
            digit = None
        elif char in _MYRIADS:
            section += digit or 0
            digit = None
            if _MYRIADS[char] == 10**8:
                total = (total + section) * 10**8
            else:
                total += section * 10**4
            section = 0
        else:
            return None
    return total + section + (digit or 0)


def capitals(amount: Decimal) -> str:
    """500000 -> 伍拾万元整, 1020.5 -> 壹仟零贰拾元伍角: as banks want it (GB/T 15835 leaves it to them)."""
    cents = int((amount * 100).to_integral_value())
    yuan, cents = divmod(cents, 100)
    text = _whole_in_capitals(yuan) + "元" if yuan else ""
    tenths, hundredths = divmod(cents, 10)
    if not cents:
        return (text or "零元") + "整"
    if tenths:
        text += _CAPITALS[tenths] + "角"
    elif yuan:
        text += "零"
    return text + (_CAPITALS[hundredths] + "分" if hundredths else "")


def _whole_in_capitals(number: int) -> str:
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            gap = True
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _group_in_capitals(group) + ("", "万", "亿", "万亿")[place]
        gap = False
    return text


def _group_in_capitals(group: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit:
            text += ("零" if gap and text else "") + _CAPITALS[digit] + _PLACES[place]
            gap = False
        else:
            gap = True
    return text
