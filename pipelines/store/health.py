"""The health of jobs in the store: rows of ``job_health``, written by the watch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated

LIVE = ("running", "restarting", "unknown")
"""States after which another row is to come; after any other the run has ended."""
_REMEMBERED_DAYS = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LAST = f"""
SELECT run, toUnixTimestamp64Milli(maxIf(at, state != 'unknown')), argMax(state, at) AS last
FROM job_health WHERE at >= now() - INTERVAL {_REMEMBERED_DAYS} DAY GROUP BY run HAVING last IN {LIVE}
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Look:
    """One row: a run at a moment. The fields are the columns, in their order."""

    at: int
    """ms since the epoch"""
    run: str
    job: str
    state: str
    restarts: int = 0
    back_pressure: float = 0.0
    busy: float = 0.0
    checkpoint_age_s: float = 0.0
    breaker: bool = False

    @property
    def ended(self) -> bool:
        return self.state not in LIVE


def write(client: Client, looks: Sequence[Look]) -> None:
    """Insert rows; returns after the acknowledgement. Raises StoreUnavailable or StoreError."""
    if looks:
        rows = [(_EPOCH + timedelta(milliseconds=one.at), *astuple(one)[1:]) for one in looks]
        with translated("insert into job_health"):
            client.insert("job_health", rows, column_names=[field.name for field in fields(Look)])


def left_open(client: Client) -> dict[str, int]:
    """Runs of the last two days whose last row does not say that they ended -> when they were last
    seen alive, ms."""
    with translated("job_health"):
        return {run: at for run, at, _ in client.query(_LAST).result_rows}
