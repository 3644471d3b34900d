"""Telephone numbers of the mainland: mobile, landline with area code, 400 and 800 numbers."""

from __future__ import annotations

import re

from udfs.extraction.kinds.numerals import LOOK_ALIKES, digits_for
from udfs.extraction.kinds.value import Hints, Value

_S = r"[\-.·()/]?"
_NUMBER = re.compile(
    rf"(?<![0-9A-Za-z])(?:\+?86-?)?(?P<mobile>1[3-9]\d{_S}\d{{4}}{_S}\d{{4}})(?!\d)"
    rf"|(?<!\d)\(?(?P<area>0(?:10|2\d|[3-9]\d\d))\)?-?(?P<line>[2-8]\d{{3}}-?\d{{3,4}})(?!\d)"
    r"|(?<!\d)(?P<service>[48]00-?\d{3}-?\d{4})(?!\d)"
    r"|(?<![0-9A-Za-z])(?P<local>[2-8]\d{6,7})(?!\d)"
)
_WRONG = re.compile(r"(?<![0-9A-Za-z])1\d{8,12}(?![0-9A-Za-z])")
_OCR_RUN = re.compile(rf"(?<![0-9A-Za-z])[0-9{LOOK_ALIKES}\-]{{11,13}}(?![0-9A-Za-z])")


def read(text: str, hints: Hints) -> Value | None:
    """Mobile: eleven digits; landline: 0371-66668888. A run of nearly eleven digits has the fault ``length``."""
    match = _NUMBER.search(text)
    if match is not None:
        return Value(_written(match), *match.span())
    wrong = _WRONG.search(text)
    if wrong is not None:
        fault = "length" if len(wrong.group()) != 11 else "number"
        return Value(wrong.group(), *wrong.span(), faults=(fault,))
    if hints.ocr and (run := _OCR_RUN.search(text)) is not None:
        mended, repaired = digits_for(run.group())
        again = _NUMBER.fullmatch(mended)
        if again is not None and repaired <= 3:
            return Value(_written(again), *run.span(), repaired=repaired)
    return None


def _written(match: re.Match[str]) -> str:
    if match["area"]:
        return match["area"] + "-" + match["line"].replace("-", "")
    if match["service"]:
        return match["service"].replace("-", "")
    return re.sub(r"\D", "", match["mobile"] or match["local"])
