"""Passports of the People's Republic, and permits for travel between the mainland, Hong Kong, Macao and Taiwan.

Forms: National Immigration Administration. Passport E or G + 8 digits, E + letter + 7 (since 2017), old 14/15 + 7,
D/S/P service passports, K/H (Hong Kong) and MA (Macao); home-return permit H/M + 8 (+2); exit-entry permit C/W/T/L + 8
(or C + letter + 7); Taiwan residents' permit 8 digits (+2, or a letter in brackets): these only in context. Identity
cards of the three regions go with them: they are shown where the permits are.
"""

from __future__ import annotations

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

_B = r"(?<![0-9A-Za-z])"
_A = r"(?![0-9A-Za-z])"
_TELLS = r"(?:证件)?(?:编?号码?|no\b\.?|numbers?|num|id|字号)?[^0-9A-Za-z\n]{0,6}"


class PassportRecogniser(IdentifierRecogniser):
    """CN_PASSPORT. No check digit in the visible number, so weak forms need the word."""

    ENTITY = "CN_PASSPORT"
    GATES = (SEVEN_DIGITS, r"\d{4}[ \-]?\d{3}")
    CONTEXT = ("护照", "passport", "证件", "出入境")
    AGAINST = ("订单", "单号", "运单", "型号", "编号", "航班", "车次", "快递")
    WINDOW = (20, 4)
    PATTERNS = (
        ("ordinary", rf"{_B}[EeGg] ?\d{{8}}{_A}", 0.5),
        ("ordinary since 2017", rf"{_B}[Ee][A-HJ-NP-Za-hj-np-z] ?\d{{7}}{_A}", 0.45),
        ("diplomatic and service", rf"{_B}(?:[DSPdsp][Ee]?\d{{7,8}}){_A}", 0.15),
        ("Hong Kong and Macao", rf"{_B}(?:[KHkh]\d{{8}}|[Mm][Aa]\d{{7}}){_A}", 0.1),
        ("old", rf"{_B}1[45]\d{{7}}{_A}", 0.1),
        (
            "announced",
            rf"(?:护照|passport ?){_TELLS}(?P<span>[A-Za-z]{{1,2}}[ \-]?\d(?:[ \-]?\d){{6,7}}|\d{{9}}){_A}",
            0.6,
        ),
    )


class PermitRecogniser(IdentifierRecogniser):
    """CN_PERMIT."""

    ENTITY = "CN_PERMIT"
    GATES = (r"\d{5}", r"\d{6}")
    CONTEXT = (
        "通行证", "回乡证", "台胞证", "港澳", "往来", "入台证", "赴台证", "居住证", "permit", "港澳证", "身份证明",
    )  # fmt: skip
    AGAINST = ("订单", "单号", "运单", "型号", "编号", "车次", "快递")
    WINDOW = (18, 6)
    PATTERNS = (
        ("home return", rf"{_B}[HMhm] ?\d{{8}}(?:\d{{2}})?{_A}", 0.3),
        ("exit and entry", rf"{_B}[CWTLcwtl] ?\d{{8}}{_A}", 0.25),
        ("exit and entry since 2019", rf"{_B}[Cc][A-HJ-NP-Za-hj-np-z]\d{{7}}{_A}", 0.3),
        ("Taiwan residents", rf"{_B}\d{{8}}(?:\d{{2}}|[(（][A-Za-z][)）])?{_A}", 0.1),
        ("Hong Kong identity card", rf"{_B}[A-Za-z]{{1,2}}\d{{6}} ?[(（][0-9Aa][)）]", 0.5),
        ("Taiwan identity card", rf"{_B}[A-Za-z][1289]\d{{8}}{_A}", 0.1),
        (
            "announced",
            rf"(?:通行证|台胞证|回乡证|[入赴]台证|台胞来往大陆证){_TELLS}"
            rf"(?P<span>[A-Za-z]{{0,2}} ?\d{{7,10}}(?:[(（][0-9A-Za-z]{{1,2}}[)）])?)"
            rf"{_A}",
            0.7,
        ),
        (
            "regional identity card, announced",
            rf"(?:(?:香港|澳门|台湾)(?:永久性?)?(?:居民|公民)?身[份分]证|hkid){_TELLS}"
            rf"(?P<span>[A-Za-z]{{0,2}}\d{{6,9}}(?: ?[(（][0-9Aa][)）])?){_A}",
            0.7,
        ),
    )
