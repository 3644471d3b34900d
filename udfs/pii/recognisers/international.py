"""What Presidio has for English and is cheap: foreign phone numbers, IBAN, US social security numbers.

Cards of any network are BANK_CARD in every language: one kind of thing has one name here. The stock recognisers stay
available to a site (``Mask(recognisers=...)``); these say the same within the cost of the combined pass.
"""

from __future__ import annotations

import re

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

_START = r"(?<![0-9A-Za-z\-./$])"
_NPA = r"(?!400)[2-9]\d{2}"
_BBAN = r"(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"


class ForeignPhoneRecogniser(IdentifierRecogniser):
    """PHONE_NUMBER: E.164 with its plus, and North American numbers as they are written."""

    ENTITY = "PHONE_NUMBER"
    AHEAD = r"[+0-9(]"
    GATES = (SEVEN_DIGITS,)
    CONTEXT = ("phone", "call", "tel", "mobile", "cell", "text", "whatsapp", "contact", "number")
    PATTERNS = (
        ("E.164", r"(?<![0-9A-Za-z])(?:\+|00)(?!86)[1-9]\d{0,2}(?:[-. ()]{0,2}\d){7,12}(?!\d)", 0.6),
        ("North America", rf"{_START}(?:1[-. ])?(?:\({_NPA}\) ?|{_NPA}[-. ])[2-9]\d{{2}}[-. ]\d{{4}}(?![\d\-])", 0.5),
        ("North America, run together", rf"{_START}{_NPA}[2-9]\d{{6}}(?!\d)", 0.1),
        ("Hong Kong and Macao", r"(?<!\d)\(?85[23]\)?[- ]?[2-9]\d{3}[- ]?\d{4}(?!\d)", 0.5),
    )  # fmt: skip


class IbanRecogniser(IdentifierRecogniser):
    """IBAN_CODE: ISO 13616, MOD 97. Without a right check it is no IBAN: too many things have this shape."""

    ENTITY = "IBAN_CODE"
    GATES = (SEVEN_DIGITS, r"[A-Za-z]{2}\d{2} ?[A-Za-z0-9]{4}")
    PATTERNS = (
        ("IBAN", r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])", 0.5),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """True when the remainder is 1, else False."""
        code = re.sub(r" ", "", pattern_text)
        if not 15 <= len(code) <= 34:
            return False
        return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


class UsSsnRecogniser(IdentifierRecogniser):
    """US_SSN as 3-2-4; areas 000, 666 and 9xx are never issued."""

    ENTITY = "US_SSN"
    AHEAD = r"\d"
    GATES = (SEVEN_DIGITS, r"\d{3}[- ]\d{2}[- ]\d{4}")
    CONTEXT = ("ssn", "social security")
    PATTERNS = (("SSN", r"(?<![0-9\-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![0-9\-])", 0.45),)
