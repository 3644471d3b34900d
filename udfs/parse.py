"""The `parse` step: one JSON object a line becomes a post, or a dead letter with a reason a person can act on.

The form is "A post, in" of the contract. Checks are by value, so that a reason can name the field and what it held
(its type, never its content).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from schemas.errors import RecordError
from schemas.records import POST, values_of, with_columns
from schemas.step import ERROR, Step

MAX_BYTES = 65_536
"""Longest line the contract takes, in bytes of UTF-8."""

_STRINGS = ("id", "text", "platform", "author", "url", "region", "repost_of")
_COUNTS = ("likes", "reposts", "comments")
_TIMES = ("created_at", "updated_at")
_KNOWN = frozenset(_STRINGS + _COUNTS + _TIMES)
_INT64 = 2**63
_EARLIEST, _LATEST = -2_208_988_800_000, 10_413_791_999_999
"""1900-01-01 and 2299-12-31 in epoch milliseconds: what a ClickHouse DateTime64(3) can hold."""
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")
_JSON_TYPES = {dict: "object", list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


class Parse(Step):
    """Decode and validate. Cost: about 10 microseconds a post."""

    name = "parse"
    reads = ("raw", "timestamp")
    writes = pa.schema([*POST, pa.field(ERROR, pa.string())])

    def open(self) -> None:
        self._decode = msgspec.json.Decoder().decode
        self._encode = msgspec.json.Encoder().encode

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        raws = values_of(batch.column("raw"))
        arrivals = values_of(batch.column("timestamp"))
        columns: dict[str, list[Any]] = {field.name: [] for field in self.writes}
        for raw, arrival in zip(raws, arrivals, strict=True):
            try:
                post = self._post(raw, arrival)
                reason = None
            except RecordError as error:
                post, reason = {}, str(error)
            for name in columns:
                columns[name].append(post.get(name))
            columns[ERROR][-1] = reason
        return with_columns(batch, self.writes, columns)

    def _post(self, raw: bytes | None, arrival: int) -> dict[str, Any]:
        value = self._json(raw)
        if type(value) is not dict:
            raise RecordError(f"not an object: the line holds a JSON {_type_of(value)}")
        post: dict[str, Any] = {name: _string(value, name) for name in _STRINGS}
        if not post["id"]:
            raise RecordError("empty id" if post["id"] == "" else "missing id")
        if post["text"] is None:
            raise RecordError("missing text")
        for name in _COUNTS:
            post[name] = _count(value, name)
        created = _time(value, "created_at")
        post["created_at"] = arrival if created is None else created
        updated = _time(value, "updated_at")
        post["updated_at"] = post["created_at"] if updated is None else updated
        post["platform"] = post["platform"] or "unknown"
        extra = {name: held for name, held in value.items() if name not in _KNOWN}
        post["extra"] = self._encode(extra).decode() if extra else "{}"
        return post

    def _json(self, raw: bytes | None) -> Any:
        if raw is None or not raw.strip():
            raise RecordError("empty message")
        if len(raw) > MAX_BYTES:
            raise RecordError(f"over-long line: more than {MAX_BYTES} bytes")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RecordError(f"invalid UTF-8 at byte {error.start}") from None
        if "\\u" in text:
            _refuse_escapes(text)
        try:
            return self._decode(raw)
        except RecursionError:
            raise RecordError("not JSON: nested too deeply") from None
        except msgspec.ValidationError:
            raise RecordError("number out of range") from None
        except msgspec.DecodeError as error:
            at = re.search(r"\(byte (\d+)\)", str(error))
            raise RecordError(f"not JSON: malformed at byte {at.group(1)}" if at else "not JSON: truncated") from None


_ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


def _refuse_escapes(text: str) -> None:
    r"""Raise for an escaped NUL or a lone surrogate (``\ud83d`` must be followed by ``\ude00``-like)."""
    high_at = -1
    for match in _ESCAPES.finditer(text):
        code = int(match.group(1), 16) if match.group(1) else -1
        low = 0xDC00 <= code <= 0xDFFF
        if low != (match.start() == high_at) or (high_at >= 0 and match.start() != high_at):
            raise RecordError("lone surrogate in a string")
        high_at = match.end() if 0xD800 <= code <= 0xDBFF else -1
        if code == 0:
            raise RecordError("NUL in a string")
    if high_at >= 0:
        raise RecordError("lone surrogate in a string")


def _type_of(value: Any) -> str:
    return "null" if value is None else _JSON_TYPES[type(value)]


def _string(value: dict[str, Any], name: str) -> str | None:
    held = value.get(name)
    if held is None or type(held) is str:
        return held
    raise RecordError(f"wrong type: {name} must be a string, not {_type_of(held)}")


def _count(value: dict[str, Any], name: str) -> int | None:
    held = value.get(name)
    if held is None:
        return None
    if type(held) is not int:
        raise RecordError(f"wrong type: {name} must be a whole number, not {_type_of(held)}")
    if not -_INT64 <= held < _INT64:
        raise RecordError(f"number out of range: {name}")
    return held


def _time(value: dict[str, Any], name: str) -> int | None:
    held = value.get(name)
    if held is None:
        return None
    if type(held) is int:
        millis = held
    elif type(held) is str:
        if not _RFC3339.match(held):
            raise RecordError(f"wrong type: {name} must be RFC 3339 with an offset, or epoch milliseconds")
        # RFC 3339 knows a 60th second: it is the first of the next minute here, as in POSIX time
        leap = held[17:19] == "60"
        try:
            moment = datetime.fromisoformat((held[:17] + "59" + held[19:] if leap else held).upper())
        except ValueError:
            raise RecordError(f"wrong type: {name} is no date that exists") from None
        millis = round(moment.timestamp() * 1000) + 1000 * leap
    else:
        raise RecordError(f"wrong type: {name} must be RFC 3339 or epoch milliseconds, not {_type_of(held)}")
    if not _EARLIEST <= millis <= _LATEST:
        raise RecordError(f"number out of range: {name} lies outside 1900-2299")
    return millis
