"""Weekly counts of posts by theme and district, and the forecasts made of them, in the store.

``weekly_counts`` outlives the posts: ``count_weeks`` counts whole weeks from ``posts`` while they are there, and again
the latest ones, since posts come late and edits move labels. Weeks and days are China's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated

CHINA = timezone(timedelta(hours=8))
RECOUNTED_WEEKS = 2
"""Whole weeks that are counted again each time."""
REACHABLE_WEEKS = 24
"""Whole weeks back that posts still stand for: they go after 180 days."""

_DAYS = ", ".join(f"countIf(day = {day})" for day in range(1, 8))
# theme x district: the total, each category, each county and each county's city
_COUNT = f"""INSERT INTO weekly_counts (week, theme, district, days, authors, version)
SELECT {{week:Date}}, cell.1, cell.2, [{_DAYS}],
    least(21, uniqUpToIf(20)(author_token, author_token != '')), {{version:UInt64}}
FROM (
    SELECT author_token, toDayOfWeek(toTimeZone(created_at, 'Asia/Shanghai')) AS day,
        arrayDistinct(arrayConcat([''], arrayMap(x -> toString(x), categories))) AS themes,
        arrayDistinct(arrayConcat([''], arrayMap(x -> toString(x), adcodes),
            arrayMap(x -> concat(substring(toString(x), 1, 4), '00'), adcodes))) AS districts
    FROM posts FINAL
    WHERE created_at >= fromUnixTimestamp64Milli({{from_ms:Int64}})
        AND created_at < fromUnixTimestamp64Milli({{to_ms:Int64}})
)
ARRAY JOIN arrayFlatten(arrayMap(t -> arrayMap(d -> (t, d), districts), themes)) AS cell
GROUP BY cell
SETTINGS max_threads = 1"""  # noqa: S608 - made of numbers

FORECASTS = (
    "week", "theme", "district", "step", "model", "history", "expected", "lower80", "upper80", "lower95", "upper95",
    "observed", "days", "warning", "authors", "version",
)  # fmt: skip


def count_weeks(client: Client, now_ms: int) -> list[date]:
    """Bring ``weekly_counts`` up to the week that is running; returns the Mondays counted. Doing it twice is harmless.

    Cost: reads the posts of a week, once for each week that is new or may have changed.
    """
    running = monday(now_ms)
    with translated("weekly_counts"):
        known = {week for (week,) in client.query("SELECT DISTINCT week FROM weekly_counts").result_rows}
        earliest = client.query(
            "SELECT toUnixTimestamp64Milli(min(created_at)), count() FROM posts WHERE created_at >= "
            "fromUnixTimestamp64Milli({from_ms:Int64})",
            {"from_ms": _ms(running - timedelta(weeks=REACHABLE_WEEKS))},
        ).result_rows[0]
    if not earliest[1]:
        return []
    counted = []
    for back in range(REACHABLE_WEEKS, -1, -1):
        week = running - timedelta(weeks=back)
        if week < monday(earliest[0]) or (week in known and back > RECOUNTED_WEEKS):
            continue
        span = {"week": week, "from_ms": _ms(week), "to_ms": _ms(week + timedelta(weeks=1)), "version": now_ms}
        with translated("weekly_counts"):
            client.command(_COUNT, parameters=span)
        counted.append(week)
    return counted


def weekly_counts(client: Client) -> Iterable[tuple[date, str, str, Sequence[int], int]]:
    """(Monday, theme, district, posts of its seven days, authors) of the latest count of each week, in no order."""
    # a cell that an edit emptied is in an older count only
    sql = """SELECT week, toString(theme), toString(district), days, authors FROM weekly_counts FINAL
        WHERE (week, version) IN (SELECT week, max(version) FROM weekly_counts GROUP BY week)"""
    with translated("weekly_counts"):
        yield from client.query(sql).result_rows


def store_forecasts(client: Client, rows: Iterable[Mapping[str, Any]], now_ms: int) -> int:
    """Write forecasts (keys: FORECASTS but version); a later one of the same week, series and step replaces it."""
    values = [[*(row[name] for name in FORECASTS[:-1]), now_ms] for row in rows]
    if values:
        with translated("forecasts"):
            client.insert("forecasts", values, column_names=list(FORECASTS))
    return len(values)


def monday(now_ms: int) -> date:
    """The Monday, in China, of the week of a moment."""
    day = datetime.fromtimestamp(now_ms / 1000, CHINA).date()
    return day - timedelta(days=day.weekday())


def _ms(day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=CHINA)
    return round(midnight.astimezone(UTC).timestamp() * 1000)
