"""Unified social credit codes of organisations: GB 32100-2015; the registration numbers before them when announced."""

from __future__ import annotations

import re

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_C = "[0-9A-HJ-NPQRTUWXY]"
_HEAD = r"(?=[0-9A-Z]{8}\d{0,9}[A-Z]|[A-Z])[1-9AGYN][1-9A-HJ-NY][1-8]\d{5}"
_WORD = r"(?:信用代码|统一代码|税号|识别号|注册号|营业执照(?:号码?)?|uscc)"


class UsccRecogniser(IdentifierRecogniser):
    """CN_USCC. MOD 31 check character; a wrong one lowers the score."""

    ENTITY = "CN_USCC"
    AHEAD = r"[0-9A-Z]"
    GATES = (SEVEN_DIGITS, rf"(?i)\d{{6}}{_C}{{10}}|{_C}{{18}}|代码|税号|识别号|注册号|营业执照|uscc")
    CONTEXT = ("信用代码", "统一社会", "税号", "纳税人识别号", "营业执照", "统一代码", "uscc")
    WINDOW = (16, 4)
    PATTERNS = (
        ("with letters", rf"(?<![0-9A-Za-z]){_HEAD}{_C}{{10}}(?![0-9A-Za-z])", 0.6),
        ("digits only", r"(?<![0-9A-Za-z])(?:9[1-3]|1[1-39]|5[1-39])[1-8]\d{15}(?![0-9A-Za-z])", 0.15),
        (
            "announced",
            rf"{_WORD}[^0-9A-Za-z\n]{{0,5}}(?P<span>{_C}(?:[ \-.\ufffc\r\n]{{0,2}}{_C}){{17}})(?![0-9A-Za-z])",
            0.6,
        ),
        ("old form, announced", rf"{_WORD}[^0-9A-Za-z\n]{{0,5}}(?P<span>\d{{15}})(?![0-9A-Za-z])", 0.85),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """True when the check character is right."""
        code = re.sub(r"[^0-9A-Z]", "", pattern_text.upper())
        if len(code) != 18 or any(char not in _ALPHABET for char in code) or len(set(code)) < 4:
            return None
        total = sum(_ALPHABET.index(char) * weight for char, weight in zip(code[:17], _WEIGHTS, strict=True))
        return True if _ALPHABET[(31 - total % 31) % 31] == code[17] else None
