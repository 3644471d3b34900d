"""What commands ask the store: SQL of a person, alerts, dead letters, counts. Nothing here writes but ``ack_alert``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, connect, translated
from schemas.errors import UsageError
from schemas.records import with_columns

Format = Literal["table", "json", "csv"]

_FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "table": ("PrettyCompactNoEscapesMonoBlock", {"output_format_pretty_max_rows": 10_000}),
    "json": ("JSONEachRow", {"output_format_json_array_of_rows": 1, "output_format_json_quote_64bit_integers": 0}),
    "csv": ("CSV", {}),
}

_READING = ("SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS")
_FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)

ROLL_UPS = (
    "mood_slices_refresh",
    "mood_hourly_refresh",
    "metrics_minute_refresh",
    "post_totals_refresh",
    "topic_hours_refresh",
)
"""Views that the store refreshes by itself: each minute, the last one every five. Hours are made of slices."""
ALERT_STATES = ("open", "acknowledged", "closed")


def run_sql(settings: StoreSettings, sql: str, output: Format = "table") -> str:
    """Run one read-only statement as ``settings.user`` and return the server's own rendering (csv: no header).

    The limits are those of the user (``roles.LIMITS``); one that has none is held to reading all the same. Raises
    StoreError with ClickHouse's message, StoreUnavailable when it takes too long or too much memory.
    """
    name, rendering = _FORMATS[output]
    statement = sql.strip().rstrip(";").strip()
    first_word = _FIRST_WORD.match(statement)
    if not first_word:
        raise UsageError('the query is empty: write one, like "SELECT count() FROM posts FINAL"')
    if first_word.group(1).upper() not in _READING:
        # KILL QUERY passes for reading with ClickHouse
        word = first_word.group(1)[:20]
        raise UsageError(f"{word} does not begin a statement that reads; these do: {', '.join(_READING)}")
    with connect(settings) as client, translated("query"):
        extra = dict(rendering)
        if client.command("SELECT getSetting('readonly')") == 0:
            extra["readonly"] = 2
        answer = client.raw_query(statement, settings=extra, fmt=name)
    return bytes(answer).decode("utf-8", "replace")


def list_alerts(settings: StoreSettings, state: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Alerts, the most urgent and latest first, as columns of the view ``alerts`` by name."""
    where = "WHERE state = {state:String}" if state else ""
    sql = f"SELECT * FROM alerts {where} ORDER BY priority, last_at DESC, alert_id LIMIT {{limit:UInt32}}"  # noqa: S608
    return _dicts(settings, sql, {"state": state or "", "limit": limit})


def full_alert_id(settings: StoreSettings, start: str) -> str:
    """The id that begins with ``start``. Raises UsageError when there is none, or more than one."""
    sql = "SELECT DISTINCT alert_id FROM alert_hits WHERE startsWith(alert_id, {start:String}) LIMIT 2"
    found = [row["alert_id"] for row in _dicts(settings, sql, {"start": start})] if start else []
    if len(found) != 1:
        why = "more than one begins so" if found else "there is none"
        raise UsageError(f"alert {start!r}: {why}; `yuqing alerts list` shows them")
    return str(found[0])


def ack_alert(settings: StoreSettings, alert_id: str, actor: str, note: str = "", state: str = "acknowledged") -> None:
    """Record that ``actor`` has seen (or closed) an alert. Raises UsageError for an id that no alert has."""
    if state not in ALERT_STATES:
        raise UsageError(f"alert state {state!r} is none of {', '.join(ALERT_STATES)}")
    with connect(settings) as client:
        with translated("alerts"):
            known = client.query("SELECT 1 FROM alert_hits WHERE alert_id = {id:String} LIMIT 1", {"id": alert_id})
        if not known.result_rows:
            raise UsageError(f"there is no alert {alert_id!r}: `yuqing alerts list` shows them")
        with translated("alert_states"):
            client.insert(
                "alert_states",
                [[alert_id, state, actor, note]],
                column_names=["alert_id", "state", "actor", "note"],
            )


def list_dead_letters(settings: StoreSettings, state: str = "open", limit: int = 100) -> list[dict[str, Any]]:
    """Dead letters without their raw bytes, the latest first."""
    sql = """SELECT source, partition, offset, step, reason, sha256, state, stored_at FROM dead_letters FINAL
        WHERE state = {state:String} ORDER BY stored_at DESC, source, partition, offset LIMIT {limit:UInt32}"""
    return _dicts(settings, sql, {"state": state, "limit": limit})


_WORDS = pa.schema([(name, pa.string()) for name in ("source", "partition", "step", "reason")])


def dead_letters_to_retry(
    settings: StoreSettings, step: str | None = None, batch: int = 512
) -> Iterator[pa.RecordBatch]:
    """Open dead letters in order of position: source, partition, offset, step, reason, raw (still encrypted)."""
    where = "AND step = {step:String}" if step else ""
    sql = f"""SELECT source, partition, offset, step, reason, raw, stored_at FROM dead_letters FINAL
        WHERE state = 'open' {where} ORDER BY source, partition, offset"""  # noqa: S608
    for block in _batches(settings, sql, {"step": step or ""}, batch, strings=False):
        yield with_columns(block, _WORDS, {name: block.column(name).cast(pa.string()) for name in _WORDS.names})


def stored_posts(settings: StoreSettings, from_ms: int, to_ms: int, batch: int = 512) -> Iterator[pa.RecordBatch]:
    """Posts created in [from, to), as stored: masked text and what cannot be found in it any more. For `replay`."""
    # p.: without it WHERE would mean the aliases
    sql = """SELECT p.post_id AS id, p.text AS text, p.platform AS platform,
            toUnixTimestamp64Milli(p.created_at) AS created_at, toInt64(bitShiftRight(p.version, 16)) AS updated_at,
            toUnixTimestamp64Milli(p.ingested_at) AS ingested_at, repost_of, likes, reposts, comments,
            source, partition, offset, author_token, phone_tokens, generation, places, pii
        FROM posts AS p FINAL
        WHERE p.created_at >= fromUnixTimestamp64Milli({from_ms:Int64})
            AND p.created_at < fromUnixTimestamp64Milli({to_ms:Int64})
        ORDER BY platform, id"""
    yield from _batches(settings, sql, {"from_ms": from_ms, "to_ms": to_ms}, batch)


def next_generation(settings: StoreSettings) -> int:
    """One more than any row has: what a replay writes with."""
    return int(_dicts(settings, "SELECT max(generation) + 1 AS next FROM posts", {})[0]["next"])


def refresh_roll_ups(settings: StoreSettings) -> None:
    """Bring the refreshed roll-ups up to date now; returns when they are."""
    with connect(settings) as client:
        for view in ROLL_UPS:
            refresh(client, view)


def refresh(client: Client, view: str) -> None:
    """Refresh one of ``ROLL_UPS``; returns when it is done."""
    with translated(view):
        client.command(f"SYSTEM REFRESH VIEW {view}")
        client.command(f"SYSTEM WAIT VIEW {view}")


def counts(settings: StoreSettings) -> dict[str, int]:
    """Distinct posts, open dead letters, alerts and deliveries: for `status`."""
    sql = """SELECT (SELECT count() FROM posts FINAL) AS posts,
        (SELECT count() FROM dead_letters FINAL WHERE state = 'open') AS dead_letters,
        (SELECT uniqExact(alert_id) FROM alert_hits) AS alerts,
        (SELECT uniqExact(alert_id) FROM alert_deliveries WHERE status = 'done') AS delivered"""
    return {name: int(value) for name, value in _dicts(settings, sql, {})[0].items()}


def summary(settings: StoreSettings, stored_from_ms: int = 0) -> dict[str, Any]:
    """What was found in posts stored since ``stored_from_ms``: for the end of `demo`.

    Keys: posts, dead_letters; languages, sentiment, emotion, needs, categories (each name -> posts, most frequent
    first); first_stored_at and last_stored_at in ms; latency_ms with p50, p95, p99 from ingestion to stored row.
    """
    since = {"since": stored_from_ms}
    where = "WHERE stored_at >= fromUnixTimestamp64Milli({since:Int64})"
    totals = _dicts(
        settings,
        f"""SELECT count() AS posts, toUnixTimestamp64Milli(min(stored_at)) AS first_stored_at,
            toUnixTimestamp64Milli(max(stored_at)) AS last_stored_at,
            quantilesTDigest(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', ingested_at, stored_at))) AS latency
        FROM posts FINAL {where}""",  # noqa: S608
        since,
    )[0]
    found: dict[str, Any] = {name: totals[name] for name in ("posts", "first_stored_at", "last_stored_at")}
    found["latency_ms"] = dict(zip(("p50", "p95", "p99"), totals["latency"], strict=True)) if totals["posts"] else {}
    dead = f"SELECT count() AS dead FROM dead_letters FINAL {where}"  # noqa: S608
    found["dead_letters"] = _dicts(settings, dead, since)[0]["dead"]
    for name, column in (
        ("languages", "language"),
        ("sentiment", "sentiment"),
        ("emotion", "emotion"),
        ("needs", "arrayJoin(needs.need)"),
        ("categories", "arrayJoin(categories)"),
    ):
        sql = f"SELECT toString({column}) AS name, count() AS posts FROM posts FINAL {where} GROUP BY name"  # noqa: S608
        rows = _dicts(settings, f"{sql} ORDER BY posts DESC, name LIMIT 20", since)
        found[name] = {row["name"]: row["posts"] for row in rows}
    return found


def top_topics(settings: StoreSettings, limit: int) -> list[dict[str, Any]]:
    """The largest topics: name, posts, reach."""
    sql = "SELECT name, posts, reach FROM v_topics ORDER BY posts DESC, topic_id LIMIT {most:UInt32}"
    return _dicts(settings, sql, {"most": limit})


def open_episodes(settings: StoreSettings, limit: int) -> list[dict[str, Any]]:
    """Episodes that nobody has closed or merged, the most urgent first, with their place."""
    sql = """SELECT priority, needs, hazards, place, callers, relays FROM episodes
        WHERE state != 'closed' AND merged_into = '' ORDER BY priority, rank DESC LIMIT {most:UInt32}"""
    return _dicts(settings, sql, {"most": limit})


def posts_in_episodes(settings: StoreSettings) -> int:
    return int(_dicts(settings, "SELECT count() AS posts FROM episode_posts", {})[0]["posts"])


def measured(settings: StoreSettings, ingested_from_ms: int) -> dict[str, Any]:
    """Figures of the posts that a reader handed on since then: posts, first_ingested_at, last_stored_at, latency_ms."""
    sql = """SELECT count() AS posts, toUnixTimestamp64Milli(min(ingested_at)) AS first_ingested_at,
            toUnixTimestamp64Milli(max(stored_at)) AS last_stored_at,
            quantilesTDigest(0.5, 0.95, 0.99)(greatest(0, dateDiff('millisecond', ingested_at, stored_at))) AS latency
        FROM posts FINAL WHERE ingested_at >= fromUnixTimestamp64Milli({since:Int64})"""
    row = _dicts(settings, sql, {"since": ingested_from_ms})[0]
    latency = dict(zip(("p50", "p95", "p99"), row.pop("latency"), strict=True))
    return row | {"latency_ms": latency if row["posts"] else {}}


def _dicts(settings: StoreSettings, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connect(settings) as client, translated("query"):
        answer = client.query(sql, parameters=dict(parameters))
        return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]


def _batches(
    settings: StoreSettings, sql: str, parameters: Mapping[str, Any], size: int, strings: bool = True
) -> Iterator[pa.RecordBatch]:
    """Stream a result in batches of at most ``size`` rows; the client stays open for as long as the caller reads.

    ``strings=False``: String columns come as binary, for those that hold bytes.
    """
    with connect(settings) as client, translated("query"):
        for block in _arrow_blocks(client, sql, parameters, strings):
            for first in range(0, block.num_rows, size):
                yield block.slice(first, size)


def _arrow_blocks(client: Client, sql: str, parameters: Mapping[str, Any], strings: bool) -> Iterator[pa.RecordBatch]:
    options = {
        "output_format_arrow_low_cardinality_as_dictionary": 0,
        "output_format_arrow_string_as_string": int(strings),
    }
    with client.query_arrow_stream(sql, parameters=dict(parameters), settings=options) as stream:
        for table in stream:
            yield from table.to_batches() if isinstance(table, pa.Table) else [table]
