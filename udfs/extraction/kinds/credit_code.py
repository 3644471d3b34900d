"""Unified social credit codes: GB 32100-2015, 18 places, check character MOD 31; I, O, S, V and Z are never used."""

from __future__ import annotations

import re

from udfs.extraction.kinds.value import Hints, Value

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z](?:[\-.·]?[0-9A-Za-z]){15,19}(?![0-9A-Za-z])")
_NEVER = {"I": "1", "O": "0", "S": "5", "Z": "2", "V": "Y"}
_DIGIT_FOR = {"B": "8", "D": "0", "Q": "0", "G": "6", "L": "1", "T": "7", "A": "4", "E": "6"}
_SWAPS = {
    "8": "B", "B": "8", "0": "DQU", "D": "0", "Q": "0", "U": "0", "6": "G", "G": "6C", "C": "G", "1": "L", "L": "1",
    "7": "T", "T": "7",
}  # fmt: skip


def check_character(first17: str) -> str:
    """The eighteenth character for seventeen of the alphabet."""
    total = sum(ALPHABET.index(c) * w for c, w in zip(first17, _WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


def faults_of(code: str) -> tuple[str, ...]:
    """Everything that is wrong: ``length``, ``characters``, ``district``, ``check_digit``."""
    if len(code) != 18:
        return ("length",)
    if any(char not in ALPHABET for char in code):
        return ("characters",)
    faults = []
    if not code[2:8].isdigit():
        faults.append("district")
    if check_character(code[:17]) != code[17]:
        faults.append("check_digit")
    return tuple(faults)


def read(text: str, hints: Hints) -> Value | None:
    """The first code. With OCR, letters that never occur are repaired, and one look-alike where the check decides."""
    for match in _RUN.finditer(text):
        code = re.sub(r"[\-.·]", "", match.group()).upper()
        if sum(char.isdigit() for char in code) < 8:
            continue
        repaired = 0
        if hints.ocr and len(code) == 18:
            code, repaired = _repair(code)
        faults = faults_of(code)
        return Value(code, *match.span(), faults=faults, checked=not faults, repaired=repaired)
    return None


def _repair(code: str) -> tuple[str, int]:
    chars = [_NEVER.get(char, char) for char in code]
    chars[2:8] = [_DIGIT_FOR.get(char, char) for char in chars[2:8]]  # the place of registration is digits
    mended = "".join(chars)
    repaired = sum(a != b for a, b in zip(code, mended, strict=True))
    if not faults_of(mended):
        return mended, repaired
    swapped = {
        candidate
        for at, char in enumerate(mended)
        for other in _SWAPS.get(char, "")
        if not faults_of(candidate := mended[:at] + other + mended[at + 1 :])
    }
    return (swapped.pop(), repaired + 2) if len(swapped) == 1 else (mended, repaired)
