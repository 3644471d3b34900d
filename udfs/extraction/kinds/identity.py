"""Resident identity numbers: GB 11643-1999, 18 places, check character by ISO 7064 MOD 11-2."""

from __future__ import annotations

import datetime
import re

from udfs.extraction.kinds.numerals import LOOK_ALIKES, digits_for
from udfs.extraction.kinds.value import Hints, Value

_PROVINCES = frozenset(
    (
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91"
    ).split()
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RUN = re.compile(r"(?<![0-9A-Za-z])\d(?:[ \-.·]?\d){13,18}[\-.]?[Xx×]?(?![0-9A-Za-z])")
_OCR_RUN = re.compile(rf"(?<![0-9A-Za-z])[0-9{LOOK_ALIKES}](?:[\-.·]?[0-9{LOOK_ALIKES}]){{13,18}}[Xx×]?(?![0-9A-Za-z])")


def check_character(first17: str) -> str:
    """The eighteenth character for seventeen digits."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(first17, _WEIGHTS, strict=True)) % 11]


def faults_of(number: str) -> tuple[str, ...]:
    """Everything that is wrong: ``length``, ``district`` (no such province), ``date``, ``check_digit``."""
    if len(number) != 18 or not number[:17].isdigit():
        return ("length",)
    faults = []
    if number[:2] not in _PROVINCES:
        faults.append("district")
    try:
        born = datetime.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        if not 1850 <= born.year <= 2100:
            faults.append("date")
    except ValueError:
        faults.append("date")
    if check_character(number[:17]) != number[17]:
        faults.append("check_digit")
    return tuple(faults)


def read(text: str, hints: Hints) -> Value | None:
    """The first number. Letters that look like digits are repaired (OCR only); a wrong digit never is."""
    match = _RUN.search(text)
    repaired = 0
    if match is None and hints.ocr:
        match = _OCR_RUN.search(text)
        if match and sum(char.isdigit() for char in match.group()) < 10:
            match = None
    if match is None:
        return None
    number = re.sub(r"[ \-.·]", "", match.group()).replace("x", "X").replace("×", "X")
    if hints.ocr:
        body, repaired = digits_for(number[:-1])
        last = number[-1]
        if last not in "0123456789X":
            last, more = digits_for(last)
            repaired += more
        number = body + last
    faults = faults_of(number)
    return Value(number, *match.span(), faults=faults, checked=not faults, repaired=repaired)
