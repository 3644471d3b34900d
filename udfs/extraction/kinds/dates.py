"""Dates: 2026年3月5日, 2026-03-05, 2026.3.5, 2026/3/5, 20260305, 二〇二六年三月五日; 长期 is the end of time.

A date that no calendar has (2026年2月30日) is given as written, with the fault ``date``.
"""

from __future__ import annotations

import datetime
import re

from udfs.extraction.kinds.numerals import DIGITS, LOOK_ALIKES, digits_for, whole
from udfs.extraction.kinds.value import Hints, Value

FOREVER = "9999-12-31"
_HAN = "[" + "".join(DIGITS) + "十]"
_DAY = "[日号曰]"
_FORMS = (
    re.compile(rf"(?<!\d)((?:19|20|21)\d\d)年(\d{{1,2}})月(\d{{1,2}})(?:{_DAY}|(?!\d))"),
    re.compile(r"(?<!\d)((?:19|20|21)\d\d)([\-./])(\d{1,2})\2(\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)((?:19|20)\d\d)([01]\d)([0-3]\d)(?!\d)"),
    re.compile(rf"([一二]{_HAN}{{3}})年({_HAN}{{1,2}})月({_HAN}{{1,3}}){_DAY}"),
)
_FOREVER = re.compile(r"长期|永久")
_OCR_FORM = re.compile(
    rf"(?<![0-9A-Za-z])([2Z12][0-9{LOOK_ALIKES}]{{3}})[年牛午]([0-9{LOOK_ALIKES}]{{1,2}})[月用]([0-9{LOOK_ALIKES}]{{1,2}})(?:{_DAY}|目|口|$|(?!\w))"
)


def read(text: str, hints: Hints) -> Value | None:
    """The first date, or the last of a period where ``hints.last``."""
    found = dates(text, hints.ocr)
    if not found:
        forever = _FOREVER.search(text)
        return Value(FOREVER, *forever.span()) if forever else None
    if hints.last:
        forever = _FOREVER.search(text, found[-1].end)
        return Value(FOREVER, *forever.span()) if forever else found[-1]
    return found[0]


def dates(text: str, ocr: bool = False) -> list[Value]:
    """Every date of a text, in its order."""
    found: list[Value] = []
    for form in _FORMS:
        for match in form.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            parts = [part for part in match.groups() if part and part not in "-./"]
            found.append(_date(match, [int(part) if part.isascii() else whole(part) or 0 for part in parts], 0))
    if ocr and not found:
        for match in _OCR_FORM.finditer(text):
            mended = [digits_for(part) for part in match.groups()]
            signs = sum(sign not in match.group() for sign in "年月") + (match.group()[-1] in "曰目口")
            found.append(_date(match, [int(part) for part, _ in mended], sum(count for _, count in mended) + signs))
    return sorted(found, key=lambda value: value.start)


def _date(match: re.Match[str], parts: list[int], repaired: int) -> Value:
    year, month, day = parts
    try:
        return Value(datetime.date(year, month, day).isoformat(), *match.span(), repaired=repaired)
    except ValueError:
        return Value(f"{year:04}-{month:02}-{day:02}", *match.span(), faults=("date",), repaired=repaired)
