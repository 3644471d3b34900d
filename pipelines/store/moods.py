"""Moods of counties, from what analysts may read: no cell of fewer than 20 authors, nothing of a post or an author."""

from __future__ import annotations

from collections.abc import Collection

from pipelines.store.client import StoreSettings, connect, translated
from schemas.policy import Mood

_SQL = """
SELECT adcode, sumIf(posts, sentiment = 'positive'), sumIf(posts, sentiment = 'neutral'),
    sumIf(posts, sentiment = 'negative')
FROM v_sentiment
WHERE adcode IN {adcodes:Array(String)} AND hour >= toStartOfHour(fromUnixTimestamp64Milli({start:Int64}))
    AND hour < fromUnixTimestamp64Milli({end:Int64})
GROUP BY adcode ORDER BY adcode
"""


def county_moods(settings: StoreSettings, adcodes: Collection[str], start_ms: int, end_ms: int) -> dict[str, Mood]:
    """Posts by sentiment of [start, end), whole hours, all platforms; counties without a cell are missing.

    ``settings``: the analyst's. Raises StoreError, StoreUnavailable.
    """
    wanted = {"adcodes": sorted(set(adcodes)), "start": start_ms, "end": end_ms}
    with connect(settings) as client, translated("moods of counties"):
        rows = client.query(_SQL, parameters=wanted).result_rows
    return {str(adcode): Mood(*map(int, posts)) for adcode, *posts in rows}
