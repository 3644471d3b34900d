"""The vault's rows in ClickHouse: what ``governance.vault`` asks of a store (its Protocol ``VaultStore``).

Reads go by FINAL, so a row is what its greatest version says, merged or not. A decision of a person (hold, nearer end,
correction, deletion) is a newer version; what it replaces stays on the disk until ClickHouse merges, or ``purge``.

Every value goes to the server as a bound parameter; statements are put together from this module's own constants.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from governance.classes import DAY_MS, ttl_days
from governance.vault.rows import GOVERNED, PII_VAULT, PostFacts, VaultRow
from pipelines.store.client import StoreSettings, connect, translated
from pipelines.store.sinks import TIMESTAMP, now_ms

KEYS_A_REQUEST = 200
"""Keys of rows travel in the URL, which ClickHouse takes up to 1 MiB and a header value of it up to 128 KiB."""

ERASED_DAYS = ttl_days("L3") or 180
"""As long as the post itself may be stored; feeds forget what is older."""

_KEY = "platform, post_id, start, type"
_ROW = """platform, post_id, start, end, type, token, ciphertext, key_id, version,
    toUnixTimestamp64Milli(expires_at) AS ends, toUnixTimestamp64Milli(hold_until) AS held"""
_FACTS = "platform, post_id, priority, state, adcodes"
_IN_REGION = "arrayExists(code -> startsWith(code, {region:String}), adcodes)"


class ClickHouseVault:
    """A ``VaultStore`` over ClickHouse; connects with the first request. A context manager; one per thread.

    Raises StoreUnavailable and StoreError; no message carries what was sent. Not retried: whoever waits for a reveal
    is told at once that the store is down. Cost: one or two requests a call, some 5 ms each; ``with_token`` finds
    tokens by a bloom filter, ``purge`` rewrites the parts that hold the rows.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._client: Client | None = None

    def __enter__(self) -> ClickHouseVault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection; may be called twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def facts(self, post_id: str, platform: str | None = None) -> Sequence[PostFacts]:
        """The post; several when the id exists on several platforms and none is given; empty when unknown."""
        where = "" if platform is None else "AND platform = {platform:String}"
        given = {"post_id": post_id, "platform": platform or ""}
        sql = f"SELECT {_FACTS} FROM posts FINAL WHERE post_id = {{post_id:String}} {where} ORDER BY platform"  # noqa: S608
        # under a hold values outlive their post: of such a post nothing is known any more but its id
        left = f"""SELECT platform, post_id, 4, 'unclear', [] FROM pii_vault FINAL
            WHERE post_id = {{post_id:String}} {where} AND hold_until > now64(3) AND notEmpty(ciphertext)
            GROUP BY platform, post_id ORDER BY platform"""  # noqa: S608
        return self._facts(sql, given) or self._facts(left, given)

    def open_posts(self, region: str, limit: int) -> Sequence[PostFacts]:
        """Open calls for help with an adcode in ``region``, the most urgent and latest first, one a caller.

        A caller is a set of phone numbers: copies of a call count once. Calls of which the vault holds nothing are
        left out, so that they use up no batch.
        """
        sql = f"""SELECT {_FACTS} FROM posts FINAL
            WHERE state IN ('open', 'partial') AND notEmpty(needs) AND {_IN_REGION}
                AND (platform, post_id) IN (SELECT platform, post_id FROM pii_vault
                    WHERE notEmpty(ciphertext) AND greatest(expires_at, hold_until) > now64(3))
            ORDER BY priority, created_at DESC, platform, post_id
            LIMIT 1 BY if(empty(phone_tokens), [platform, post_id], arraySort(phone_tokens))
            LIMIT {{limit:UInt32}}"""  # noqa: S608
        return self._facts(sql, {"region": region, "limit": limit})

    def held(self, now: int) -> Sequence[VaultRow]:
        """The newest versions of all values under a hold that lasts beyond ``now``. Cost: reads one column whole."""
        # a version that was held, by any hold: whether the newest still is, the outer condition says
        lasting = "hold_until > fromUnixTimestamp64Milli({now:Int64}) AND notEmpty(ciphertext)"
        return self._rows(f"({_KEY}) IN (SELECT {_KEY} FROM pii_vault WHERE {lasting}) AND {lasting}", {"now": now})  # noqa: S608

    def rows(self, platform: str, post_id: str) -> Sequence[VaultRow]:
        """The newest version of each sealed value of a post."""
        where = "platform = {platform:String} AND post_id = {post_id:String}"
        return self._rows(where, {"platform": platform, "post_id": post_id})

    def with_token(self, tokens: Iterable[str]) -> Sequence[VaultRow]:
        """The newest versions of all values that have one of the tokens."""
        # the inner query finds any version by the index; whether the newest still has the token, the outer one says
        found = "token IN {tokens:Array(String)} AND notEmpty(token)"
        where = f"({_KEY}) IN (SELECT {_KEY} FROM pii_vault WHERE {found}) AND {found}"  # noqa: S608
        return self._rows(where, {"tokens": sorted(set(tokens))})

    def rows_in_region(self, region: str, since: int, until: int) -> Sequence[VaultRow]:
        """Values of posts with an adcode in ``region`` of which a version was stored in [since, until]."""
        where = f"""({_KEY}) IN (SELECT {_KEY} FROM pii_vault
                WHERE stored_at BETWEEN fromUnixTimestamp64Milli({{since:Int64}})
                    AND fromUnixTimestamp64Milli({{until:Int64}}))
            AND (platform, post_id) IN (SELECT platform, post_id FROM posts FINAL WHERE {_IN_REGION})"""  # noqa: S608
        return self._rows(where, {"region": region, "since": since, "until": until})

    def put(self, rows: Sequence[VaultRow]) -> None:
        """Write new versions; returns after they are acknowledged.

        Older versions that would outlive a new one are removed as well: TTL takes each row by itself, so once the new
        one is gone, an older one with a later end would come to light again. For the same reason an erased row, which
        holds no value, stays ``ERASED_DAYS``: a replay within that time brings nothing back.
        """
        if not rows:
            return
        stays = now_ms() + ERASED_DAYS * DAY_MS
        rows = [row if row.ciphertext else replace(row, expires_at=max(row.expires_at, stays)) for row in rows]
        columns: dict[str, pa.Array] = {
            field.name: pa.array([getattr(row, field.name) for row in rows], field.type) for field in PII_VAULT
        }
        columns["version"] = columns["version"].cast(pa.uint64())
        for name in ("expires_at", "hold_until"):
            columns[name] = columns[name].cast(TIMESTAMP)
        client = self._connected()
        with translated("insert into pii_vault", detail=False):
            client.insert_arrow("pii_vault", pa.table(columns))
        by_end: dict[int, list[VaultRow]] = defaultdict(list)
        for row in rows:
            by_end[max(row.expires_at, row.hold_until)].append(row)
        for ends, alike in by_end.items():
            later = "greatest(expires_at, hold_until) > fromUnixTimestamp64Milli({ends:Int64})"
            self._delete_below(alike, f"AND {later}", {"ends": ends})

    def purge(self, rows: Sequence[VaultRow]) -> None:
        """Rewrite the parts that hold versions of these values below ``row.version`` without them; waits until done.

        ClickHouse unlinks the files of the old parts ``old_parts_lifetime`` later, 8 minutes by default.
        """
        self._delete_below(rows, "", {})

    def retoken(self, changes: Mapping[str, str], but: Iterable[tuple[str, str]] = ()) -> None:
        """Replace phone tokens in ``posts.phone_tokens`` ("": take them out), so that counts follow; waits until done.

        Posts (platform, id) of ``but`` keep theirs. Cost: rewrites one column of the parts that hold such posts.
        """
        before = sorted(set(changes) - {""})
        if not before:
            return
        moved = "arrayMap(one -> transform(one, {before:Array(String)}, {after:Array(String)}, one), phone_tokens)"
        sql = f"""ALTER TABLE posts UPDATE phone_tokens = arrayDistinct(arrayFilter(one -> notEmpty(one), {moved}))
            WHERE hasAny(phone_tokens, {{before:Array(String)}})
                AND NOT has(arrayZip({{a:Array(String)}}, {{b:Array(String)}}), (toString(platform), post_id))"""
        kept = sorted(set(but))
        given = {"before": before, "after": [changes[one] for one in before]}
        self._mutate(sql, given | {"a": [one for one, _ in kept], "b": [one for _, one in kept]})

    def forget_phones(self, platform: str, post_id: str) -> None:
        """Take every phone token out of a post; waits until done."""
        where = "platform = {platform:String} AND post_id = {post_id:String}"
        given = {"platform": platform, "post_id": post_id}
        self._mutate(f"ALTER TABLE posts UPDATE phone_tokens = [] WHERE {where}", given)

    def key_counts(self) -> dict[str, tuple[int, int]]:
        """Master key id -> (vault values, dead letters) that only this key opens. Cost: reads two columns whole."""
        vault = "SELECT key_id, count() FROM pii_vault FINAL WHERE notEmpty(ciphertext) GROUP BY key_id"
        # a dead letter has its key in the sealed value itself (governance.crypto): "YQ", version, then 8 bytes
        letters = """SELECT lower(hex(substring(raw, 4, 8))) AS key, count() FROM dead_letters FINAL
            WHERE startsWith(raw, 'YQ') GROUP BY key"""
        values, dead = dict(self._answer(vault, {})), dict(self._answer(letters, {}))
        return {key: (values.get(key, 0), dead.get(key, 0)) for key in sorted({*values, *dead})}

    def decided(self, posts: Sequence[tuple[str, str]]) -> dict[tuple[str, str, int, str], str]:
        """(platform, post id, start, type) -> token now ("": erased), of values that a person's decision changed."""
        found: dict[tuple[str, str, int, str], str] = {}
        for first in range(0, len(posts), KEYS_A_REQUEST):
            part = posts[first : first + KEYS_A_REQUEST]
            keys = "arrayZip({a:Array(String)}, {b:Array(String)})"
            sql = f"""SELECT {_KEY}, token FROM pii_vault FINAL WHERE post_id IN {{b:Array(String)}}
                AND has({keys}, (toString(platform), post_id)) AND version > {{governed:UInt64}}"""  # noqa: S608
            given = {"a": [one for one, _ in part], "b": [one for _, one in part], "governed": GOVERNED}
            rows = self._answer(sql, given, {"use_skip_indexes_if_final": 0})
            found |= {(platform, post_id, start, kind): token for platform, post_id, start, kind, token in rows}
        return found

    def _delete_below(self, rows: Sequence[VaultRow], and_: str, more: Mapping[str, Any]) -> None:
        by_version: dict[int, list[VaultRow]] = defaultdict(list)
        for row in rows:
            by_version[row.version].append(row)
        for version, alike in by_version.items():
            for first in range(0, len(alike), KEYS_A_REQUEST):
                part = alike[first : first + KEYS_A_REQUEST]
                given = {"version": version, **more} | _keys(part)
                keys = "arrayZip({a:Array(String)}, {b:Array(String)}, {c:Array(Int32)}, {d:Array(String)})"
                where = f"has({keys}, (toString(platform), post_id, start, toString(type)))"
                where = f"post_id IN {{b:Array(String)}} AND {where} AND version < {{version:UInt64}} {and_}"
                there = f"SELECT 1 FROM pii_vault WHERE {where} LIMIT 1"  # noqa: S608
                if self._answer(there, given):  # else no part need be rewritten
                    self._mutate(f"ALTER TABLE pii_vault DELETE WHERE {where}", given)

    def _mutate(self, sql: str, parameters: Mapping[str, Any]) -> None:
        client = self._connected()
        with translated("pii_vault", detail=False):
            # 2: on every replica
            client.command(sql, parameters=dict(parameters), settings={"mutations_sync": 2})

    def _facts(self, sql: str, parameters: Mapping[str, Any]) -> list[PostFacts]:
        return [
            PostFacts(platform, post_id, priority, state, tuple(adcodes))
            for platform, post_id, priority, state, adcodes in self._answer(sql, parameters)
        ]

    def _rows(self, where: str, parameters: Mapping[str, Any]) -> list[VaultRow]:
        # an index that skips the newest version would let an older one through: none under FINAL
        sql = f"SELECT {_ROW} FROM pii_vault FINAL WHERE {where} ORDER BY {_KEY}"  # noqa: S608
        settings = {"use_skip_indexes_if_final": 0}
        return [VaultRow(*row) for row in self._answer(sql, parameters, settings)]

    def _answer(
        self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        client = self._connected()
        with translated("pii_vault", detail=False):
            answer = client.query(
                sql, parameters=dict(parameters), settings=dict(settings or {}), column_formats={"ciphertext": "bytes"}
            )
            return [tuple(row) for row in answer.result_rows]

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client


def _keys(rows: Sequence[VaultRow]) -> dict[str, list[Any]]:
    return {
        "a": [row.platform for row in rows],
        "b": [row.post_id for row in rows],
        "c": [row.start for row in rows],
        "d": [row.type for row in rows],
    }
