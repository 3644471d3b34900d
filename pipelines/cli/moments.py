"""Times that people type."""

from __future__ import annotations

import re
import time
from datetime import datetime

from schemas.errors import UsageError

_AGO = re.compile(r"-(\d{1,6})([mhd])")
_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def milliseconds(option: str, value: str) -> int:
    """Epoch milliseconds of RFC 3339 with an offset, of epoch milliseconds, of ``now``, or of so long ago: ``-30m``,
    ``-2h``, ``-7d``. Raises UsageError naming ``option``."""
    if value == "now":
        return time.time_ns() // 1_000_000
    if ago := _AGO.fullmatch(value):
        return time.time_ns() // 1_000_000 - int(ago.group(1)) * _MS[ago.group(2)]
    if value.lstrip("-").isdigit():
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(
            f"{option} {value!r}: write RFC 3339, like 2026-07-20T18:00:00+08:00, epoch ms, now, or -2h"
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"{option} {value!r}: the offset is missing, for example {value}+08:00")
    return round(moment.timestamp() * 1000)
