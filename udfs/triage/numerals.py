"""Numbers as people write them: digits, Chinese numerals, and the vague ones ("十几", "200多", "上百").

A vague number is read as its lower bound: "两百多人" is 200, "十几个" 11, "几十" 20, "上千" 1000. Two digits in a row
mean a range, of which the lower end is taken: "五六百" is 500. All on normalised text (udfs.keywords.normalise).
"""

from __future__ import annotations

import re

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "仨": 3,
    "壹": 1,
    "贰": 2,
    "叁": 3,
    "几": 2,
    "数": 2,
}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100, "仟": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100,
    "dozens": 24, "hundreds": 200, "thousands": 2000, "a dozen": 12,
}  # fmt: skip

_HAN = "零〇一二两俩仨三四五六七八九十百千万亿几数壹贰叁拾佰仟"
# all repeats are bounded: a post of 64 KiB of digits must not cost its square
_ARABIC = r"(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9}(?:\.\d{1,4})?)"
NUMBER = rf"{_ARABIC}(?: ?[-~—到至] ?{_ARABIC})? ?(?:[十百千万亿]{{1,2}})?|[上近]?[{_HAN}]{{1,12}}|半"
"""Source of a regular expression for a number; `parse_number` reads what it matches."""
ENGLISH_NUMBER = (
    rf"\d{{1,3}}(?:,\d{{3}}){{1,3}}|\d{{1,9}}(?:\.\d{{1,4}})?|\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b"
)

_LEADING = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)")


def parse_number(text: str) -> float | None:
    """Return the value (or lower bound) of a number matched by `NUMBER` or `ENGLISH_NUMBER`, None if it is none."""
    text = text.strip()
    word = _WORDS.get(text.lower())
    if word is not None:
        return float(word)
    if text == "半":
        return 0.5
    digits = _LEADING.match(text)
    if digits is not None:
        value = float(digits.group(1).replace(",", ""))
        for character in text[digits.end() :]:
            value *= _UNITS.get(character, _BIG.get(character, 1))
        return value
    return _han(text.lstrip("上近"))


def _han(text: str) -> float | None:
    """Return the value of a Chinese numeral without decimals."""
    total = section = 0
    digit: int | None = None
    seen = False
    at = 0
    while at < len(text):
        character = text[at]
        if character in _DIGITS:
            value = _DIGITS[character]
            following = text[at + 1] if at + 1 < len(text) else ""
            if digit is None:
                digit = value
            elif digit and (following in _UNITS or following in _BIG or following == ""):
                pass  # "五六百": a range, the lower end is already there
            else:
                digit = digit * 10 + value
            if character == "几" and section >= 10 and digit == 2:
                digit = 1  # "十几" is at least eleven
            seen = True
        elif character in _UNITS:
            section += (1 if digit is None else digit) * _UNITS[character]
            digit = None
            seen = True
        elif character in _BIG:
            total = (total + section + (digit or (0 if section or total else 1))) * _BIG[character]
            section, digit = 0, None
            seen = True
        else:
            return None
        at += 1
    if not seen:
        return None
    return float(total + section + (digit or 0))
