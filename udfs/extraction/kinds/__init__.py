"""One module a kind of value: a folded text and hints in, a Value or None out. Each has a table of cases in its test.

read("id_number", "公民身份号码110101199003074610", Hints())
normalise("amount", "50万元")              # 500000: as a declared or true value is put beside a found one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from udfs.extraction.folding import folded, written
from udfs.extraction.kinds import address, amount, choice, credit_code, dates, identity, names, phone, quantity
from udfs.extraction.kinds.value import Hints, Value

__all__ = ["KINDS", "LONG", "Hints", "Value", "choices_of", "normalise", "read"]

_LONGEST_TEXT = 500


def _read_text(text: str, hints: Hints) -> Value | None:
    start = len(text) - len(text.lstrip(":,;、.-/"))
    # running text ends its clause with a full stop, a cell does not: it is no part of the value
    body = text[start:][:_LONGEST_TEXT].rstrip(":,;、/。")
    return Value(written(body), start, start + len(body)) if body else None


KINDS: dict[str, Callable[[str, Hints], Value | None]] = {
    "text": _read_text,
    "person": names.read_person,
    "organisation": names.read_organisation,
    "id_number": identity.read,
    "uscc": credit_code.read,
    "phone": phone.read,
    "date": dates.read,
    "amount": amount.read,
    "number": quantity.read_number,
    "area": quantity.read_area,
    "percent": quantity.read_percent,
    "address": address.read,
    "choice": choice.read,
    "signature": names.read_signature,
}
LONG = frozenset(("text", "address", "organisation", "choice", "amount"))
"""Kinds whose values may run over several lines of a cell."""


def read(kind: str, text: str, hints: Hints) -> Value | None:
    """The value of ``kind`` in a folded text, None when there is none. Raises KeyError for a kind nobody knows."""
    return KINDS[kind](text, hints) if text else None


def choices_of(choices: Mapping[Any, Any] | None) -> dict[Any, tuple[str, ...]]:
    """A field's choices with their words folded."""
    return {value: tuple(folded(str(word)) for word in words) for value, words in (choices or {}).items()}


def normalise(kind: str, value: Any, choices: Mapping[Any, Any] | None = None, unit: str = "") -> Any:
    """A declared value in the form in which a found one of that kind is; what cannot be read stays as it is.

    Numbers are taken as they are (yuan, square metres, percent) unless they are written with a unit.
    """
    if value is None or isinstance(value, bool) or kind == "table":
        return value
    if kind == "choice":
        for key in choices or {}:
            if value == key or str(value) == str(key):
                return key
    if isinstance(value, int | float):
        if kind in ("amount", "number", "area", "percent"):
            return int(value) if float(value).is_integer() else float(round(value, 4))
        value = str(value)
    if not isinstance(value, str):
        return value
    text = folded(value)
    found = read(kind, text, Hints(choices=choices_of(choices), unit=unit))
    if found is None or (
        kind in ("organisation", "address", "person", "signature") and found.end - found.start < len(text)
    ):
        return written(text)
    return found.value
