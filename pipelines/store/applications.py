"""Decisions on applications, officers' reviews and the breaker's history in the store.

Rows come sealed from ``governance.applications``: nothing here sees a value of L3 or L4 in clear. Every value goes to
the server as a bound parameter or in the body of an insert; errors name ClickHouse's code only.
"""

# ruff: noqa: S608 - statements are put together from names of our own tables and columns; values are bound

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from governance.applications import ApplicationRow, ReviewRow, Sealed, SealedReview
from governance.automation import CLOSED, OPEN, Outcome, State
from governance.vault.rows import PII_VAULT, VaultRow
from pipelines.store.client import StoreSettings, connect, translated, with_retries
from pipelines.store.sinks import GIVE_UP_AFTER_S, TIMESTAMP, times
from schemas.applications import APPROVE, REFER, REJECT

IDS_A_REQUEST = 500
"""Ids travel in the URL, of which ClickHouse takes 1 MiB: 500 of 100 characters are 150 KB when each is three bytes."""

_TEXTS = pa.list_(pa.string())
_APPLICATION = pa.schema(
    [
        ("application_id", pa.string()),
        ("version", pa.uint64()),
        ("type", pa.string()),
        ("submitted_at", TIMESTAMP),
        ("decided_at", TIMESTAMP),
        ("decided_on", pa.date32()),
        ("decision", pa.string()),
        ("alone", pa.string()),
        ("final", pa.bool_()),
        ("decided_by", pa.string()),
        ("confidence", pa.float32()),
        ("ocr_confidence", pa.float32()),
        ("seconds", pa.float32()),
        ("reasons", _TEXTS),
        ("supplement", _TEXTS),
        ("check_rules", _TEXTS),
        ("check_results", _TEXTS),
        ("check_outcomes", _TEXTS),
        ("check_versions", _TEXTS),
        ("field_names", _TEXTS),
        ("field_classes", _TEXTS),
        ("field_kinds", _TEXTS),
        ("field_values", _TEXTS),
        ("field_tokens", _TEXTS),
        ("field_confidences", pa.list_(pa.float32())),
        ("field_files", _TEXTS),
        ("field_pages", pa.list_(pa.uint32())),
        ("field_boxes", pa.list_(pa.list_(pa.float32()))),
        ("automatic", pa.bool_()),
        ("epoch", pa.uint32()),
        ("audit_sample", pa.bool_()),
        ("duplicate_key", pa.string()),
        ("fingerprint", pa.string()),
        ("rules", pa.string()),
        ("models", pa.string()),
        ("report", pa.string()),
    ]
)
"""Columns of ``applications`` but ``stored_at``: the fields of ``ApplicationRow``."""
_REVIEW = pa.schema(
    [
        ("application_id", pa.string()),
        ("at", TIMESTAMP),
        ("type", pa.string()),
        ("fingerprint", pa.string()),
        ("officer", pa.string()),
        ("decision", pa.string()),
        ("proposed", pa.string()),
        ("agreed", pa.bool_()),
        ("signed", pa.bool_()),
        ("changed", _TEXTS),
        ("overruled", _TEXTS),
    ]
)
"""Columns of ``application_reviews`` but ``stored_at``: the fields of ``ReviewRow``."""
_TIMES = ("submitted_at", "decided_at", "at")

_LATEST_REVIEW = """SELECT application_id, argMax(tuple(agreed), at).1 AS said
    FROM application_reviews FINAL GROUP BY application_id"""


class ApplicationStore:
    """Applications over ClickHouse; connects with the first request. A context manager; one per thread.

    Writes are synchronous and may be repeated: the same row again changes nothing. Raises StoreUnavailable, after
    ``give_up_after_s`` of retries, and StoreError.
    """

    def __init__(self, settings: StoreSettings, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        self._settings, self._give_up_after_s = settings, give_up_after_s
        self._client: Client | None = None

    def __enter__(self) -> ApplicationStore:
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

    def decided(self, ids: Iterable[str]) -> dict[str, str]:
        """Application -> fingerprint of its latest decision; what is not in the store is not in the answer."""
        sql = "SELECT application_id, fingerprint FROM applications FINAL WHERE application_id IN {ids:Array(String)}"
        return dict(row for some in _cut(ids) for row in self._rows(sql, {"ids": some}))

    def settled(self, ids: Iterable[str]) -> dict[str, str]:
        """Application -> approve or reject, where that is what an officer decided last: a new run must leave it alone.

        What an applicant is to mend is not settled: with other documents it is decided anew.
        """
        sql = """SELECT application_id, argMax(decision, at) AS last FROM application_reviews FINAL
            WHERE application_id IN {ids:Array(String)} GROUP BY application_id HAVING last != 'supplement'"""
        return dict(row for some in _cut(ids) for row in self._rows(sql, {"ids": some}))

    def earlier(self, keys: Iterable[str]) -> dict[str, list[tuple[str, datetime | None]]]:
        """Duplicate key -> (application, when it was submitted) of all that have it, in the order of ids.

        Reaches 180 days back: then keys are emptied. "" is nobody's key.
        """
        sql = """SELECT duplicate_key, application_id, submitted_at FROM applications FINAL
            WHERE duplicate_key IN {ids:Array(String)} AND notEmpty(duplicate_key)
            ORDER BY application_id"""
        found: dict[str, list[tuple[str, datetime | None]]] = defaultdict(list)
        for some in _cut(keys):
            for key, identity, submitted in self._rows(sql, {"ids": some}):
                found[key].append((identity, None if submitted is None else _utc(submitted)))
        return dict(found)

    def write(self, sealed: Sequence[Sealed]) -> None:
        """Store decisions; returns when all of them are acknowledged.

        Sealed values first: an application whose row is there has its values too, and one that was stopped between the
        two is simply decided again.
        """
        self._put_vault([row for one in sealed for row in one.vault])
        self._put("applications", _APPLICATION, [one.row for one in sealed])

    def write_review(self, sealed: SealedReview) -> None:
        """Store what an officer decided; returns when it is acknowledged."""
        self._put_vault(sealed.vault)
        self._put("application_reviews", _REVIEW, [sealed.row])

    def row(self, application_id: str) -> ApplicationRow | None:
        """The latest decision on an application; None when there is none."""
        names = ", ".join(_selected(name) for name in _APPLICATION.names)
        sql = f"SELECT {names} FROM applications FINAL WHERE application_id = {{id:String}}"
        found = self._rows(sql, {"id": application_id})
        return _application(found[0]) if found else None

    def reviews(self, application_id: str) -> list[ReviewRow]:
        """What officers decided on an application, oldest first."""
        names = ", ".join(_selected(name) for name in _REVIEW.names)
        sql = f"""SELECT {names} FROM application_reviews FINAL WHERE application_id = {{id:String}}
            ORDER BY application_reviews.at"""
        found = self._rows(sql, {"id": application_id})
        return [ReviewRow(**_frozen(dict(zip(_REVIEW.names, row, strict=True)))) for row in found]

    def listed(self, limit: int) -> list[dict[str, Any]]:
        """The latest decisions, newest first, each as it stands: an officer's, where one looked at this decision.

        Keys: application_id, type, decision, final, decided_by, confidence, reasons, seconds; nothing of a document.
        """
        sql = """SELECT a.application_id, a.type, a.decision, a.final, a.decided_by, a.confidence, a.reasons, a.seconds,
                r.last AS verdict, r.who
            FROM applications AS a FINAL LEFT JOIN
            (
                SELECT application_id, fingerprint, argMax(decision, at) AS last, argMax(officer, at) AS who
                FROM application_reviews FINAL GROUP BY application_id, fingerprint
            ) AS r ON r.application_id = a.application_id AND r.fingerprint = a.fingerprint
            ORDER BY a.decided_at DESC, a.application_id LIMIT {n:UInt32}"""
        names = ("application_id", "type", "decision", "final", "decided_by", "confidence", "reasons", "seconds")
        found = []
        for *values, verdict, who in self._rows(sql, {"n": limit}):
            row = dict(zip(names, values, strict=True))
            if verdict:
                decision = verdict if verdict in (APPROVE, REJECT) else REFER
                row |= {"decision": decision, "final": decision != REFER, "decided_by": who}
            found.append(row)
        return found

    def answers(self) -> list[tuple[str, bool | None]]:
        """(type, whether the officer agreed) of the latest review of each application."""
        sql = """SELECT argMax(type, at), argMax(tuple(agreed), at).1 FROM application_reviews FINAL
            GROUP BY application_id ORDER BY application_id"""
        return [(kind, None if same is None else bool(same)) for kind, same in self._rows(sql, {})]

    def history(self, epoch: int, applications: int, reviews: int) -> list[Outcome]:
        """What the breaker looks at, oldest first: of ``epoch`` the latest so many applications, and the latest so many
        that an officer said something about. Cost: reads a few columns whole."""
        sql = f"""SELECT a.alone, a.seconds, a.ocr_confidence, r.said, a.epoch,
                toUnixTimestamp64Milli(a.decided_at) AS ms
            FROM (SELECT application_id, alone, seconds, ocr_confidence, epoch, decided_at FROM applications FINAL
                WHERE epoch = {{epoch:UInt32}}) AS a
            LEFT JOIN ({_LATEST_REVIEW}) AS r ON r.application_id = a.application_id
            ORDER BY a.decided_at DESC, a.application_id DESC"""
        latest = self._rows(f"{sql} LIMIT {{n:UInt32}}", {"epoch": epoch, "n": applications})
        oldest = latest[-1][-1] if len(latest) == applications else 0
        said = self._rows(
            f"SELECT * FROM ({sql}) WHERE said IS NOT NULL LIMIT {{n:UInt32}}",
            {"epoch": epoch, "n": reviews},
        )
        older = [row for row in said if row[-1] < oldest]
        return [
            Outcome(decision, seconds, ocr, None if same is None else bool(same), of, at)
            for decision, seconds, ocr, same, of, at in reversed([*latest, *older])
        ]

    def state(self) -> State:
        """The breaker's latest state; closed when nothing ever happened. Ordered by epoch, not by the clock."""
        sql = f"""SELECT state, epoch, toUnixTimestamp64Milli(at) AS ms, why, actor FROM automation_state FINAL
            ORDER BY epoch DESC, state = '{OPEN}' DESC LIMIT 1"""
        found = self._rows(sql, {})
        if not found:
            return State()
        state, epoch, at, why, actor = found[0]
        return State(state, epoch, at, tuple(why), actor)

    def set_state(self, state: State) -> None:
        """Add an opening or a closing. An opening of an epoch that has passed changes nothing."""
        if state.state not in (OPEN, CLOSED):
            raise ValueError(f"no state of the breaker: {state.state}")
        kinds = pa.schema(
            [("epoch", pa.uint32()), ("state", pa.string()), ("at", TIMESTAMP), ("why", _TEXTS), ("actor", pa.string())]
        )
        row = {"epoch": state.epoch, "state": state.state, "at": state.at, "why": list(state.why), "actor": state.by}
        self._insert("automation_state", _table(kinds, [row]))

    def _put(self, table: str, schema: pa.Schema, rows: Sequence[ApplicationRow | ReviewRow]) -> None:
        if rows:
            self._insert(table, _table(schema, [asdict(row) for row in rows]))

    def _put_vault(self, rows: Sequence[VaultRow]) -> None:
        """Insert without ``ClickHouseVault.put``'s search for older rows: a later decision always ends later."""
        if not rows:
            return
        columns = {
            field.name: pa.array([getattr(row, field.name) for row in rows], field.type) for field in PII_VAULT
        }  # fmt: skip
        columns["version"] = columns["version"].cast(pa.uint64())
        for name in ("expires_at", "hold_until"):
            columns[name] = columns[name].cast(TIMESTAMP)
        self._insert("pii_vault", pa.table(columns))

    def _insert(self, name: str, table: pa.Table) -> None:
        def attempt() -> None:
            with translated(f"insert into {name}", detail=False):
                self._connected().insert_arrow(name, table)

        with_retries(attempt, self._give_up_after_s)

    def _rows(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        def attempt() -> list[tuple[Any, ...]]:
            with translated("applications", detail=False):
                return [tuple(row) for row in self._connected().query(sql, parameters=parameters).result_rows]

        return with_retries(attempt, self._give_up_after_s)

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client


def _cut(ids: Iterable[str]) -> Iterator[list[str]]:
    distinct = sorted(set(ids) - {""})
    for first in range(0, len(distinct), IDS_A_REQUEST):
        yield distinct[first : first + IDS_A_REQUEST]


def _table(schema: pa.Schema, rows: Sequence[dict[str, Any]]) -> pa.Table:
    columns = {}
    for field in schema:
        values = [row[field.name] for row in rows]
        columns[field.name] = _times(values) if field.name in _TIMES else pa.array(values, field.type)
    return pa.table(columns)


def _times(values: Sequence[int | None]) -> pa.Array:
    """Times, cut to what ClickHouse can hold: that of submission is an applicant's word."""
    given = pa.array(values, pa.int64())
    return pc.if_else(pc.is_valid(given), times(given), None)


def _selected(name: str) -> str:
    return f"toUnixTimestamp64Milli({name}) AS {name}_ms" if name in _TIMES else name


def _application(row: Sequence[Any]) -> ApplicationRow:
    values = _frozen(dict(zip(_APPLICATION.names, row, strict=True)))
    return ApplicationRow(**values)


def _frozen(values: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, as a frozen row has them."""

    def tuples(value: Any) -> Any:
        return tuple(tuples(one) for one in value) if isinstance(value, list | tuple) else value

    return {name: tuples(value) for name, value in values.items()}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
