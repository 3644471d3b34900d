"""More of what Presidio has for English, under its names: US and UK numbers of persons, MAC and wallet addresses.

Those without a check digit need their word. Scope as Presidio 2.2; medical and professional licences are left to a site
(``Mask(recognisers=...)``).
"""

from __future__ import annotations

import hashlib
import re

from udfs.pii.recogniser import FIVE_SIGNS, SEVEN_DIGITS, IdentifierRecogniser

_A = r"(?![0-9A-Za-z])"
_B = r"(?<![0-9A-Za-z])"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class UsItinRecogniser(IdentifierRecogniser):
    """US_ITIN: 9xx-7x to 9x-xxxx (IRS)."""

    ENTITY = "US_ITIN"
    GATES = (SEVEN_DIGITS, r"9\d{2}[- ]?[5-9]\d[- ]?\d{4}")
    AHEAD = "9"
    CONTEXT = ("itin", "taxpayer", "tax id")
    WINDOW = (24, 2)
    PATTERNS = (
        ("grouped", r"(?<![0-9\-])9\d{2}([- ])(?:5\d|6[0-5]|[7-9]\d)\1\d{4}(?![0-9\-])", 0.3),
        ("run together", r"(?<![0-9\-])9\d{2}(?:5\d|6[0-5]|[7-9]\d)\d{4}(?![0-9\-])", 0.1),
    )


class UsDocumentRecogniser(IdentifierRecogniser):
    """US_DRIVER_LICENSE: each state has a form of its own, so the word decides."""

    ENTITY = "US_DRIVER_LICENSE"
    GATES = (r"\d{5}", r"(?i)licen[sc]e|\bdl\b")
    PATTERNS = (
        (
            "announced",
            r"(?:driver'?s?'? licen[sc]e|driving licen[sc]e|\bdl)(?: ?(?:no\b\.?|number|num|#|is|:)){0,3} ?"
            rf"(?P<span>[A-Z]{{0,3}}\d{{6,13}}){_A}",
            0.6,
        ),
    )


class UkNhsRecogniser(IdentifierRecogniser):
    """UK_NHS: ten digits. Its check (MOD 11) is right for one number in eleven, so the word decides."""

    ENTITY = "UK_NHS"
    GATES = (SEVEN_DIGITS, r"(?i)nhs|national health")
    PATTERNS = (
        (
            "announced",
            r"(?:\bnhs|national health service)(?: ?(?:no\b\.?|number|num|is|:)){0,3} ?"
            r"(?P<span>\d{3}([- ]?)\d{3}\2\d{4})(?![0-9\-])",
            0.9,
        ),
    )


class UkNinoRecogniser(IdentifierRecogniser):
    """UK_NINO: two letters, six digits, a letter A to D (HMRC, NIM39110)."""

    ENTITY = "UK_NINO"
    GATES = (FIVE_SIGNS, r"[A-Za-z]{2} ?\d\d ?\d\d ?\d\d ?[A-Da-d]")
    CONTEXT = ("national insurance", "nino", "ni number")
    WINDOW = (28, 2)
    PATTERNS = (
        (
            "NINO",
            rf"{_B}(?!bg|gb|nk|kn|tn|nt|zz)[a-ceghj-prstw-z][a-ceghj-npr-tw-z] ?\d{{2}} ?\d{{2}} ?\d{{2}} ?[a-d]{_A}",
            0.3,
        ),
    )


class MacAddressRecogniser(IdentifierRecogniser):
    """MAC_ADDRESS: six pairs of hexadecimal digits (IEEE 802)."""

    ENTITY = "MAC_ADDRESS"
    GATES = (r"\d", r"[:.\-][0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{2})?[:.\-][0-9A-Fa-f]{2}")
    PATTERNS = (
        ("pairs", rf"(?<![0-9A-Za-z:\-])[0-9A-F]{{2}}([:-])(?:[0-9A-F]{{2}}\1){{4}}[0-9A-F]{{2}}{_A}(?![:-])", 0.6),
        ("fours", rf"(?<![0-9A-Za-z.])[0-9A-F]{{4}}\.[0-9A-F]{{4}}\.[0-9A-F]{{4}}{_A}", 0.3),
    )
    CONTEXT = ("mac", "地址", "网卡")

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for digits alone in twos (dates, scores), and for six equal pairs."""
        plain = re.sub(r"[^0-9A-Fa-f]", "", pattern_text)
        return False if plain.isdigit() or len(set(plain.lower())) < 2 else None


class CryptoRecogniser(IdentifierRecogniser):
    """CRYPTO: Bitcoin addresses (base58check and bech32) and Ethereum's 0x with forty digits."""

    ENTITY = "CRYPTO"
    GATES = (FIVE_SIGNS, r"[13][0-9A-Za-z]{25}|bc1[0-9a-z]{20}|0x[0-9A-Fa-f]{40}")
    PATTERNS = (
        ("base58", rf"{_B}[13][{_BASE58}]{{25,34}}{_A}", 0.5),
        ("bech32", rf"{_B}bc1[02-9ac-hj-np-z]{{11,71}}{_A}", 0.8),
        ("Ethereum", rf"{_B}0x[0-9A-F]{{40}}{_A}", 0.8),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """For base58: True when the last four bytes are the hash of the rest, else False."""
        if pattern_text[0] not in "13":
            return None
        if any(char not in _BASE58 for char in pattern_text):
            return False
        number = 0
        for char in pattern_text:
            number = number * 58 + _BASE58.index(char)
        if number >= 1 << 200:
            return False
        held = number.to_bytes(25, "big")
        return hashlib.sha256(hashlib.sha256(held[:-4]).digest()).digest()[:4] == held[-4:]
