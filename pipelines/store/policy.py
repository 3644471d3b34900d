"""Policy simulations in the store: what each option does to each group, how options stand, who released which.

A run is written whole or not at all for readers: its row in ``policy_simulations`` comes last, and views show what has
that row's version only. The version is made of the simulation itself (when it was made, how many releases it weighed),
so the same simulation again changes nothing, and an older one that arrives late changes nothing either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any

import msgspec
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store.client import StoreSettings, connect, translated, with_retries
from pipelines.store.sinks import GIVE_UP_AFTER_S, TIMESTAMP, times
from schemas.errors import UsageError
from schemas.policy import ALL, Finding, Plan, Release, Result, Simulation, Standing

MOST_RELEASES = 1000
"""That a version can count; a run has tens of options."""
LARGEST = 16 << 20
"""Characters of a run's document; one of 200 columns, 21 options and 40 findings has 100 KB."""
NUMBERS = ("value", "low", "high", "change", "change_low", "change_high", "weight", "sampling", "assumptions")

_TEXTS = pa.list_(pa.string())
_RUNS = pa.schema(
    [
        *((name, pa.string()) for name in ("run", "option", "measure", "grouping", "group")),
        ("version", pa.uint64()),
        ("number", pa.uint32()),
        *((name, pa.string()) for name in ("measure_title", "grouping_title", "aim", "unit")),
        *((name, pa.float64()) for name in NUMBERS),
        ("sample", pa.uint64()),
        ("hits", pa.int64()),
    ]
)
_OPTIONS = pa.schema(
    [
        ("run", pa.string()),
        ("option", pa.string()),
        ("version", pa.uint64()),
        ("number", pa.uint32()),
        ("title", pa.string()),
        ("levers", pa.string()),
        ("state", pa.string()),
        ("score", pa.float64()),
        ("rank", pa.uint32()),
        ("rank_low", pa.uint32()),
        ("rank_high", pa.uint32()),
        ("pareto", pa.bool_()),
        ("first_share", pa.float64()),
        ("finding_codes", _TEXTS),
        ("finding_outcomes", _TEXTS),
        ("finding_reasons", _TEXTS),
    ]
)
_RELEASES = pa.schema(
    [
        *((name, pa.string()) for name in ("run", "option")),
        ("at", TIMESTAMP),
        *((name, pa.string()) for name in ("person", "reason", "entry")),
    ]
)
_SIMULATIONS = pa.schema(
    [
        ("run", pa.string()),
        ("version", pa.uint64()),
        ("made_at", TIMESTAMP),
        *((name, pa.string()) for name in ("title", "question", "plan_file", "plan_digest")),
        ("rules_on", pa.date32()),
        ("years", pa.list_(pa.uint16())),
        ("seed", pa.int64()),
        ("draws", pa.uint32()),
        *((name, pa.string()) for name in ("rules", "rules_title", "rules_version", "rules_digest")),
        *((name, pa.string()) for name in ("population", "population_title", "population_digest")),
        ("synthetic", pa.bool_()),
        ("demonstration", pa.string()),
        ("people", pa.float64()),
        ("records", pa.uint64()),
        ("options", pa.uint32()),
        ("seconds", pa.float32()),
        *((name, pa.string()) for name in ("sentiment", "document", "person")),
    ]
)


class PolicyStore:
    """Policy simulations over ClickHouse; connects with the first request. A context manager; one per thread.

    Writes are synchronous and may be repeated. Raises StoreUnavailable, after ``give_up_after_s`` of retries, and
    StoreError.
    """

    def __init__(self, settings: StoreSettings, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        self._settings, self._give_up_after_s = settings, give_up_after_s
        self._client: Client | None = None

    def __enter__(self) -> PolicyStore:
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

    def write(self, simulation: Simulation, person: str) -> None:
        """Store a run, asked for by ``person``; returns when all of it is acknowledged.

        Raises UsageError for one whose time is no time or that is too large.
        """
        version = _version(simulation)
        row = _simulation_row(simulation, person, version)
        self._insert("policy_runs", _RUNS, _result_rows(simulation, version))
        self._insert("policy_options", _OPTIONS, _option_rows(simulation, version))
        self._put_releases(simulation.run, simulation.releases)
        self._insert("policy_simulations", _SIMULATIONS, [row])

    def release(self, simulation: Simulation, release: Release) -> None:
        """Store that a person released an option, and the run as it stands with it: weighed anew, under the name of
        whoever asked for it. The audit entry comes first (``governance.releases``)."""
        self._put_releases(simulation.run, (release,))
        self.write(simulation, self.person(simulation.run))

    def runs(self, limit: int = 100) -> list[dict[str, Any]]:
        """The latest runs, newest first. Keys: run, made_at, title, rules, rules_version, population, options,
        intercepted (and not released), seconds."""
        sql = """SELECT s.run, s.made_at, s.title, s.rules, s.rules_version, s.population, s.options,
                countIf(o.state = 'intercepted') AS intercepted, s.seconds
            FROM v_policy_simulations AS s LEFT JOIN v_policy_options AS o ON o.run = s.run
            GROUP BY s.run, s.made_at, s.title, s.rules, s.rules_version, s.population, s.options, s.seconds
            ORDER BY s.made_at DESC, s.run LIMIT {n:UInt32}"""
        names = ("run", "made_at", "title", "rules", "rules_version", "population", "options", "intercepted", "seconds")
        found = [dict(zip(names, row, strict=True)) for row in self._rows(sql, {"n": limit})]
        return [row | {"made_at": _utc(row["made_at"]).isoformat(timespec="seconds")} for row in found]

    def person(self, run: str) -> str:
        """Who asked for the run; "" when it is not known, or after 180 days."""
        found = self._rows("SELECT person FROM policy_simulations FINAL WHERE run = {run:String}", {"run": run})
        return str(found[0][0]) if found else ""

    def simulation(self, run: str) -> Simulation | None:
        """The run as it was written, with later releases; None when there is none of that name.

        Of a release of more than 180 days ago person and reason are empty.
        """
        sql = "SELECT version, document FROM policy_simulations FINAL WHERE run = {run:String}"
        found = self._rows(sql, {"run": run})
        if not found:
            return None
        version, document = found[0]
        simulation = msgspec.convert(json.loads(document), Simulation)
        columns = [f"`{name}`" for name in _FIELDS]
        rows = self._rows(
            f"SELECT {', '.join(columns)} FROM policy_runs FINAL"  # noqa: S608 - names of our own columns
            " WHERE run = {run:String} AND version = {version:UInt64} ORDER BY number",
            {"run": run, "version": version},
        )
        results = tuple(Result(**dict(zip(_FIELDS, row, strict=True))) for row in rows)
        releases = self._releases(run)
        released = {one.option for one in releases}
        standings = tuple(_released(one) if one.option in released else one for one in simulation.standings)
        return msgspec.structs.replace(simulation, results=results, releases=releases, standings=standings)

    def _put_releases(self, run: str, releases: Sequence[Release]) -> None:
        rows = [msgspec.structs.asdict(one) | {"run": run, "at": _ms(one.at)} for one in releases]
        self._insert("policy_releases", _RELEASES, rows)

    def _releases(self, run: str) -> tuple[Release, ...]:
        sql = """SELECT option, person, reason, toUnixTimestamp64Milli(at) AS ms, entry FROM policy_releases FINAL
            WHERE run = {run:String} ORDER BY policy_releases.at, option"""
        return tuple(
            Release(option, person, reason, _said(at), entry)
            for option, person, reason, at, entry in self._rows(sql, {"run": run})
        )

    def _insert(self, name: str, schema: pa.Schema, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        table = pa.table({field.name: _column(field, [row[field.name] for row in rows]) for field in schema})

        def attempt() -> None:
            with translated(f"insert into {name}", detail=False):
                self._connected().insert_arrow(name, table)

        with_retries(attempt, self._give_up_after_s)

    def _rows(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        def attempt() -> list[tuple[Any, ...]]:
            with translated("policy simulations", detail=False):
                return [tuple(row) for row in self._connected().query(sql, parameters=parameters).result_rows]

        return with_retries(attempt, self._give_up_after_s)

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client


_FIELDS = tuple(field.name for field in msgspec.structs.fields(Result))


def titles(plan: Plan) -> dict[str, tuple[str, str]]:
    """Measure, as it stands in results -> its Chinese title and its aim."""
    found = {measure.name: (measure.title, measure.aim) for measure in plan.measures}
    found["cost"] = ("总支出", "")
    return found | {f"cost:{payer.name}": (payer.title, "") for payer in plan.payers}


def _result_rows(simulation: Simulation, version: int) -> list[dict[str, Any]]:
    measures = titles(simulation.plan)
    groupings = {one.name: one.title for one in simulation.plan.groupings} | {ALL: "全部", "year": "年度"}
    rows = []
    for number, result in enumerate(simulation.results):
        title, aim = measures.get(result.measure, (result.measure, ""))
        of = {"run": simulation.run, "version": version, "number": number, "measure_title": title, "aim": aim}
        of["grouping_title"] = groupings.get(result.grouping, result.grouping)
        rows.append(of | msgspec.structs.asdict(result))
    return rows


def _option_rows(simulation: Simulation, version: int) -> list[dict[str, Any]]:
    standings = {one.option: one for one in simulation.standings}
    rows = []
    for number, option in enumerate(simulation.plan.options):
        standing = standings.get(option.name, Standing(option.name, "open"))
        found: list[Finding] = [one for one in simulation.findings if one.option == option.name]
        rows.append(
            {
                "run": simulation.run, "option": option.name, "version": version, "number": number,
                "title": option.title, "levers": msgspec.json.encode(option.levers, order="sorted").decode(),
                "state": standing.state, "score": standing.score, "rank": standing.rank, "pareto": standing.pareto,
                "rank_low": standing.ranks[0], "rank_high": standing.ranks[1], "first_share": standing.first_share,
                "finding_codes": [one.code for one in found], "finding_outcomes": [one.outcome for one in found],
                "finding_reasons": [one.reason for one in found],
            }
        )  # fmt: skip
    return rows


def _simulation_row(simulation: Simulation, person: str, version: int) -> dict[str, Any]:
    plan, population = simulation.plan, simulation.population
    bare = msgspec.to_builtins(msgspec.structs.replace(simulation, results=(), releases=()))
    document = json.dumps(bare, ensure_ascii=False)  # msgspec would write NaN as null, which is no float again
    if len(document) > LARGEST:
        raise UsageError(f"run {simulation.run}: {len(document)} characters without results; the store takes {LARGEST}")
    return {
        "run": simulation.run, "version": version, "made_at": _ms(simulation.made_at),
        "title": plan.title, "question": plan.question, "plan_file": plan.file, "plan_digest": plan.digest,
        "rules_on": date.fromisoformat(plan.on), "years": list(plan.years), "seed": plan.seed, "draws": plan.draws,
        "rules": plan.rules, "rules_title": simulation.rules_title, "rules_version": simulation.rules_version,
        "rules_digest": simulation.rules_digest, "population": population.name, "population_title": population.title,
        "population_digest": population.digest, "synthetic": population.synthetic,
        "demonstration": population.demonstration, "people": population.weight,
        "records": population.counts.get("person", 0), "options": len(plan.options), "seconds": simulation.seconds,
        "sentiment": simulation.sentiment, "document": document, "person": person,
    }  # fmt: skip


def _released(standing: Standing) -> Standing:
    return msgspec.structs.replace(standing, state="released") if standing.state == "intercepted" else standing


def _column(field: pa.Field, values: Sequence[Any]) -> pa.Array:
    return times(pa.array(values, pa.int64())) if field.type == TIMESTAMP else pa.array(values, field.type)


def _version(simulation: Simulation) -> int:
    return _ms(simulation.made_at) * MOST_RELEASES + min(len(simulation.releases), MOST_RELEASES - 1)


def _ms(moment: str) -> int:
    """RFC 3339 -> ms. Raises UsageError."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        raise UsageError(f"{moment!r} is no time: write 2026-01-31T12:00:00Z") from None
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)


def _said(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
