"""Resident identity numbers: GB 11643-1999 (18 places) and the older 15-place form of GB 11643-1989."""

from __future__ import annotations

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_BORN18 = rf"{_PROVINCE}\d{{4}}(?:18|19|20)\d{{2}}{_MONTH_DAY}"
_E18 = rf"{_BORN18}\d{{3}}[0-9Xx×*]"
_S = r"[ \-.\ufffc]"
_SPLIT = rf"{_PROVINCE}\d{{4}}{_S}{{0,2}}(?:18|19|20)\d\d{_S}{{0,2}}{_MONTH_DAY}"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class ResidentIdRecogniser(IdentifierRecogniser):
    """CN_ID. Its check digit is ISO 7064 MOD 11-2; real posts get it wrong more often than right."""

    ENTITY = "CN_ID"
    GATES = (SEVEN_DIGITS, r"\d(?:\D{0,2}\d){13}")
    NUMERALS = True
    CONTEXT = ("身份证", "身份號", "身分证", "证件号", "证件", "身份号", "id card", "idcard", "证号", "sfz", "公民身份")
    AGAINST = ("订单", "单号", "运单", "流水", "order")
    WINDOW = (14, 3)
    PATTERNS = (
        ("18 places", rf"(?<!\d)(?<!\d[.]){_E18}(?![0-9A-WYZa-wyz])", 0.7),
        ("18 places before letters", rf"(?<!\d){_BORN18}\d{{4}}(?=[A-Za-z])", 0.6),
        ("18 places run into a phone number", rf"(?<!\d){_E18}(?=1[3-9]\d{{9}}(?!\d))", 0.6),
        ("two run together", rf"(?<!\d){_E18}(?={_E18}(?!\d))", 0.6),
        ("second of two", rf"(?<=(?<!\d)[1-6]\d{{16}}[0-9Xx]){_E18}(?!\d)", 0.6),
        ("18 places, split", rf"(?<!\d)(?<!\d{_S}){_SPLIT}{_S}{{0,2}}\d{{3}}{_S}?[0-9Xx](?!\d)", 0.6),
        ("18 places in threes", rf"(?<!\d){_PROVINCE}\d(?:{_S}\d{{3}}){{4}}{_S}\d\d[0-9Xx](?!\d)", 0.45),
        ("18 places in fours", rf"(?<!\d){_PROVINCE}\d\d(?:{_S}\d{{4}}){{3}}{_S}\d[0-9Xx](?!\d)", 0.45),
        ("15 places", rf"(?<!\d)(?<!\d[.]){_PROVINCE}\d{{4}}\d{{2}}{_MONTH_DAY}\d{{3}}(?!\d)", 0.45),
        ("malformed", r"(?<!\d)[1-9]\d{14,16}(?:\d{2}|\d?[Xx])(?![0-9A-Za-z])", 0.1),
    )  # fmt: skip

    def validate_result(self, pattern_text: str) -> bool | None:
        """True when the check digit is right; None otherwise (wrong, old form, or not readable)."""
        number = [char for char in pattern_text.upper() if char in "0123456789X"]
        if len(number) != 18 or "X" in number[:17]:
            return None
        total = sum(int(char) * weight for char, weight in zip(number[:17], _WEIGHTS, strict=True))
        month, day = int("".join(number[10:12])), int("".join(number[12:14]))
        right = number[17] == "10X98765432"[total % 11] and 1 <= month <= 12 and 1 <= day <= 31
        return True if right else None
