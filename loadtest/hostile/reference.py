"""What a line must become by "A post, in" of the contract: a second reading, by the standard library's json.

Where the contract leaves a choice (how deep is too deep) both outcomes are allowed; where a line has several faults,
the reason may name any of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

LONGEST = 65_536
SURELY_READ = 64
"""Levels of nesting that must be read; from there on a line may be refused as nested too deeply."""
_STRINGS = ("id", "text", "platform", "author", "url", "region", "repost_of")
_COUNTS = ("likes", "reposts", "comments")
_TIMES = ("created_at", "updated_at")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Expected:
    """``reasons``: beginnings of the reasons that a dead letter may give. ``row``: whether a row is right."""

    row: bool
    reasons: tuple[str, ...] = ()
    id: str = ""
    text: str = ""
    blank: bool = False


def expected(line: bytes) -> Expected:
    """What ``line`` (without its end) must become."""
    if not line.strip(b" \t\r\v\f"):
        return Expected(row=False, blank=True)
    if len(line) > LONGEST:
        return Expected(row=False, reasons=("over-long line",))
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Expected(row=False, reasons=("invalid UTF-8",))
    deep = ("not JSON: nested too deeply",) if _depth(text) > SURELY_READ else ()
    found: list[str] = []
    overridden: list[Any] = []

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The last of equal names; the others' strings are looked at as well."""
        named = dict(pairs)
        if len(named) < len(pairs):
            overridden.extend(value for _, value in pairs)
        return named

    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=kept, strict=True)
    except RecursionError:
        return Expected(row=False, reasons=deep)
    except _OutOfRange:
        return Expected(row=False, reasons=("number out of range", "not JSON", *deep, *_escapes(text)))
    except ValueError:
        return Expected(row=False, reasons=("not JSON", "empty message", *deep, *_escapes(text)))
    found += _bad_strings([value, overridden])
    if not isinstance(value, dict):
        return Expected(row=False, reasons=("not an object", *deep, *found))
    found += _fields(value)
    if found:
        return Expected(row=False, reasons=(*found, *deep))
    return Expected(row=True, reasons=deep, id=value["id"], text=value["text"])


class _OutOfRange(ValueError):
    pass


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _OutOfRange
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _escapes(text: str) -> tuple[str, ...]:
    """A line that is no JSON may be refused for its escapes as well."""
    return ("NUL in a string", "lone surrogate in a string") if "\\u" in text else ()


def _bad_strings(value: Any) -> list[str]:
    """NUL and lone surrogates in any string of the value, names too. Without recursion: values may be deep."""
    found, left = set(), [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            if "\0" in one:
                found.add("NUL in a string")
            if any(0xD800 <= ord(char) < 0xE000 for char in one):
                found.add("lone surrogate in a string")
        elif isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one
            left += one.values()
    return sorted(found)


def _fields(value: dict[str, Any]) -> list[str]:
    found = []
    for name in _STRINGS:
        if value.get(name) is not None and not isinstance(value[name], str):
            found.append(f"wrong type: {name}")
    if value.get("id") is None:
        found.append("missing id")
    elif value["id"] == "":
        found.append("empty id")
    if value.get("text") is None:
        found.append("missing text")
    for name in _COUNTS:
        held = value.get(name)
        if held is not None and type(held) is not int:
            found += [f"wrong type: {name}", "number out of range"]
        elif held is not None and not -(2**63) <= held < 2**63:
            found += [f"number out of range: {name}", f"wrong type: {name}"]
    for name in _TIMES:
        if value.get(name) is not None and not _is_time(value[name]):
            found += [f"wrong type: {name}", f"number out of range: {name}"]
    return found


def _is_time(held: Any) -> bool:
    """Whether it is RFC 3339 or epoch milliseconds, from 1900 to 2299."""
    if type(held) is int:
        return -2_208_988_800_000 <= held <= 10_413_791_999_999
    if not isinstance(held, str) or not _TIME.fullmatch(held):
        return False
    leap = held[17:19] == "60"
    try:
        moment = datetime.fromisoformat((held[:17] + "59" + held[19:] if leap else held).upper())
        seconds = moment.timestamp() + leap
    except (ValueError, OverflowError):
        return False
    return -2_208_988_800 <= seconds < 10_413_792_000
