"""Resident identity numbers: GB 11643-1999 (18 places) and the older 15-place form of GB 11643-1989; and the numbers
of the other Chinese documents that stand for a person and have no type of their own."""

from __future__ import annotations

import re

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_BORN18 = rf"{_PROVINCE}\d{{4}}(?:18|19|20)\d{{2}}{_MONTH_DAY}"
_E18 = rf"{_BORN18}\d{{3}}[0-9Xx×*]"
_S = r"[ \-.·_/:,\ufffc]"
_SPLIT = rf"{_PROVINCE}\d{{4}}(?:{_S}|\s){{0,3}}(?:18|19|20)\d\d(?:{_S}|\s){{0,3}}{_MONTH_DAY}"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_WORD = r"(?:身[份分]证(?:件|明)?|公民身[份分]|证件号|sfz|id ?card|(?<![a-z])id(?: ?(?:no|number|num))?)"


def _checked(text: str) -> bool | None:
    number = [char for char in text.upper() if char in "0123456789X"]
    if len(number) != 18 or "X" in number[:17]:
        return None
    total = sum(int(char) * weight for char, weight in zip(number[:17], _WEIGHTS, strict=True))
    month, day = int("".join(number[10:12])), int("".join(number[12:14]))
    right = number[17] == "10X98765432"[total % 11] and 1 <= month <= 12 and 1 <= day <= 31
    return True if right else None


class ResidentIdRecogniser(IdentifierRecogniser):
    """CN_ID. Its check digit is ISO 7064 MOD 11-2; real posts get it wrong more often than right."""

    ENTITY = "CN_ID"
    AHEAD = r"\d"
    GATES = (SEVEN_DIGITS, r"\d(?:\D{0,3}\d){13}")
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
        ("18 places, split", rf"(?<!\d)(?<!\d{_S}){_SPLIT}(?:{_S}|\s){{0,3}}\d{{3}}(?:{_S}|\s)?[0-9Xx](?!\d)", 0.6),
        ("18 places in threes", rf"(?<!\d){_PROVINCE}\d(?:{_S}\d{{3}}){{4}}{_S}\d\d[0-9Xx](?!\d)", 0.45),
        ("18 places in fours", rf"(?<!\d){_PROVINCE}\d\d(?:{_S}\d{{4}}){{3}}{_S}\d[0-9Xx](?!\d)", 0.45),
        ("15 places", rf"(?<!\d)(?<!\d[.]){_PROVINCE}\d{{4}}\d{{2}}{_MONTH_DAY}\d{{3}}(?!\d)", 0.45),
        ("malformed", r"(?<!\d)[1-9]\d{14,16}(?:\d{2}|\d?[Xx])(?![0-9A-Za-z])", 0.1),
        (
            "announced",
            rf"{_WORD}[^0-9A-Za-z\n]{{0,8}}(?P<span>[1-9](?:(?:{_S}|\s){{0,3}}\d){{13,16}}(?:{_S}|\s){{0,3}}[0-9Xx×*])"
            r"(?![0-9A-Za-z])",
            0.6,
        ),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """True when the check digit is right; None otherwise (wrong, old form, or not readable)."""
        return _checked(pattern_text)


class BrokenResidentIdRecogniser(IdentifierRecogniser):
    """CN_ID over the end of a line, wherever it was cut; put together it must be well-formed."""

    ENTITY = "CN_ID"
    AHEAD = r"\d"
    GATES = (SEVEN_DIGITS, r"\d ?\r?\n ?[0-9Xx]")
    PATTERNS = (("over a line break", r"(?<![\d.])[1-9]\d{0,16} ?\r?\n ?\d{0,16}[0-9Xx](?![0-9A-Za-z])", 0.5),)

    def validate_result(self, pattern_text: str) -> bool | None:
        """As of one on a line; False when it is none."""
        number = re.sub(r"\s", "", pattern_text)
        return _checked(number) if re.fullmatch(_E18, number) else False


class OtherDocumentRecogniser(IdentifierRecogniser):
    """CN_ID for documents of a person that are told by their word: officers' cards, driving licences' files, social
    security and medical insurance cards, household registers."""

    ENTITY = "CN_ID"
    GATES = (r"\d{5}", r"[证卡本照字]")
    PATTERNS = (
        (
            "officer",
            r"(?P<span>[军南北沈兰成济广参政后装海空武士文]\w?字第? ?\d{5,8}号?)",
            0.6,
        ),
        (
            "announced",
            r"(?:(?:军官|士兵|警官|退役军人|残疾人?|驾驶|社保|医保|社会保障|户口|学生|工作|居住)"
            r"(?:证件?|卡|本|簿)|驾照|驾驶证?档案|医疗保险卡)"
            r"(?:档案)?(?:编?号码?|卡号|号)?(?:(?!电话|热线|中心)[^0-9A-Za-z\n]){0,4}"
            r"(?P<span>[A-Za-z]{0,3}\d{7,20}[A-Za-z]?)(?![0-9A-Za-z])",
            0.6,
        ),
    )
