"""Fixed lines of mainland China: area code (3 or 4 digits) and a local number of 7 or 8 digits, with an extension."""

from __future__ import annotations

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser
from udfs.pii.recognisers.mobile import ORDER_CONTEXT

_AREA = r"0(?:10|2[0-57-9]|[3-9]\d{2})"
_WORD = r"(?:电话|座机|固话|热线|传真|tel)"
_COUNTRY = r"(?:(?:\+|(?<!\d)00)86[- ]{0,3}|(?<![\d.\-])86-|[(（]\+?86[)）] ?)"
_FOREIGN = r"[2-9]\d{2}-[2-9]\d{2}-\d{4}(?!\d)"
_COLON = r"[号码为是:：)） ]{1,4}"
_LOCAL = r"[2-9]\d{6,7}"
_START = r"(?<!\d)(?<!\d[.])"
_BETWEEN = r"[ \-/.·~_*|:\ufffc]{0,3}"
_EXT = r"(?: ?(?:转(?:分机)?|-|分机|ext\.?) ?\d{1,5}(?!\d))?"


class LandlineRecogniser(IdentifierRecogniser):
    """CN_LANDLINE. 400 and 800 numbers belong to enterprises, not persons, and stay."""

    ENTITY = "CN_LANDLINE"
    AHEAD = r"[+0-9(（]"
    GATES = (SEVEN_DIGITS,)
    NUMERALS = True
    CONTEXT = ("电话", "座机", "固话", "联系", "致电", "拨打", "来电", "号码", "热线", "传真", "tel", "phone", "fax")
    AGAINST = ORDER_CONTEXT
    WINDOW = (22, 2)
    PATTERNS = (
        ("with area code", rf"{_START}(?:(?:\+|00)86[- ]?)?[(（]?{_AREA}[)）]?{_BETWEEN}{_LOCAL}{_EXT}(?!\d)", 0.75),
        (
            "country code",
            rf"(?=[+0-9(（]){_COUNTRY}[(（]?(?:10|2[0-57-9]|[3-9]\d{{2}})[)）]?[- ]?{_LOCAL}{_EXT}"
            r"(?!\d)",
            0.7,
        ),
        ("grouped", rf"(?<!\d)(?:[(（]?{_AREA}[)）]?{_BETWEEN})[2-9]\d{{2,3}}[- ]\d{{4}}{_EXT}(?!\d)", 0.7),
        ("run into a date", rf"(?<!\d)[(（]?{_AREA}[)）]?-?[2-9]\d{{7}}(?=\d{{1,2}}(?:[日号点时月]|[:：]))", 0.6),
        ("run into a mobile", rf"(?<!\d)[(（]?{_AREA}[)）]?-?{_LOCAL}(?=1[3-9]\d{{9}}(?!\d))", 0.6),
        ("with area code, too long", rf"{_START}{_AREA}-+[2-9]\d{{8,12}}(?!\d)", 0.3),
        ("local number", rf"(?<!\d)(?<!\d[-.:/]){_LOCAL}{_EXT}(?!\d)(?![-./:]\d)(?![元块万亿人次个])", 0.1),
        ("announced", rf"{_WORD}{_COLON}(?P<span>(?!1[3-9])(?!{_FOREIGN})\d(?:-?\d){{6,14}})(?![\d元人次个月日])", 0.5),
        ("grouped local number", r"(?<!\d)(?<!\d[-.:/ ])[2-9]\d{2,3}-\d{4}(?!\d)(?![-./:]\d)", 0.1),
    )  # fmt: skip

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a local number that is a date or one repeated digit."""
        if pattern_text.isdigit() and len(pattern_text) == 8:
            month, day = int(pattern_text[4:6]), int(pattern_text[6:])
            if pattern_text[:2] in ("20", "19") and 1 <= month <= 12 and 1 <= day <= 31:
                return False
        return None
