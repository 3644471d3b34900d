"""When a channel may speak: quiet hours, and no more messages than its receivers bear. Clocks are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.channels import minutes_of

MINUTE_MS = 60_000


@dataclass(frozen=True)
class QuietHours:
    """Alerts of priority ``below`` and less urgent ones wait for their end."""

    hours: str
    below: int
    time_zone: str = "Asia/Shanghai"

    def until(self, priority: int, at_ms: int) -> int:
        """When an alert of this priority may be told at the earliest: ``at_ms`` itself outside the hours."""
        if priority < self.below:
            return at_ms
        start, end = minutes_of(self.hours)
        local = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(self.time_zone))
        minute = local.hour * 60 + local.minute
        quiet = start <= minute < end if start < end else minute >= start or minute < end
        if not quiet:
            return at_ms
        morning = local.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0)
        if morning <= local:
            morning += timedelta(days=1)
        return int(morning.timestamp() * 1000)


class Allowance:
    """At most ``per_minute`` messages in any minute, and soon one more after a burst.

    A bucket (token bucket) of half of them that fills with the other half in a minute: the first come at once, and a
    priority 1 that meets an empty bucket waits 120 s / per_minute, not for the minute to end.
    """

    def __init__(self, per_minute: int, now_ms: int, sent_in_last_minute: int = 0) -> None:
        self._most = max(1, per_minute // 2)
        self._each_ms = MINUTE_MS / max(1, per_minute - self._most)
        self._left = float(max(0, self._most - sent_in_last_minute))
        self._at = now_ms

    def left(self, now_ms: int) -> int:
        """Messages that may be sent now."""
        self._left = min(float(self._most), self._left + max(0, now_ms - self._at) / self._each_ms)
        self._at = now_ms
        return int(self._left)

    def take(self) -> None:
        self._left -= 1.0
