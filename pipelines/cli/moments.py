"""Times that people type."""

from __future__ import annotations

from datetime import datetime

from schemas.errors import UsageError


def milliseconds(option: str, value: str) -> int:
    """Epoch milliseconds of RFC 3339 with an offset, or of epoch milliseconds. Raises UsageError naming ``option``."""
    if value.lstrip("-").isdigit():
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{option} {value!r}: write RFC 3339, like 2026-07-20T18:00:00+08:00, or epoch ms") from None
    if moment.tzinfo is None:
        raise UsageError(f"{option} {value!r}: the offset is missing, for example {value}+08:00")
    return round(moment.timestamp() * 1000)
