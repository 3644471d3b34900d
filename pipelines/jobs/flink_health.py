"""What Flink's REST endpoint says of a job, as one row of ``job_health``. ``read`` is pure; ``FlinkReader`` asks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from pipelines.store.health import Look

STATES = {
    "FINISHED": "finished",
    "FAILED": "failed",
    "CANCELED": "cancelled",
    "SUSPENDED": "failed",  # its JobManager gave it up
    "RESTARTING": "restarting",
    "FAILING": "restarting",  # on its way to RESTARTING, or to FAILED by the next look
}
"""Flink's states that are not ``running``; CREATED, INITIALIZING and CANCELLING pass within moments."""
MOST_VERTICES = 16

Ask = Callable[[str], Any]
"""GET of a path below the job's -> JSON."""


class NoAnswer(Exception):
    """Nobody answers there, or not in time, or nothing that Flink would say."""


class Gone(Exception):
    """A cluster answers and has no such job."""


def read(job: Any, restarts: Any, checkpoints: Any, pressures: Sequence[Any], blank: Look) -> Look:
    """``blank`` filled from the answers to /jobs/ID, its metric numRestarts, its checkpoints, and each vertex's
    /backpressure. Only the first must be there: the others are empty while a job starts or ends.

    The age is counted from the job's start until its first checkpoint, so that one that never comes shows.
    """
    subtasks = [subtask for one in pressures for subtask in (one or {}).get("subtasks") or ()]
    return replace(
        blank,
        state=STATES.get(str(job["state"]), "running"),
        restarts=int(max((_number(one.get("value")) for one in restarts or ()), default=0)),
        back_pressure=_share(subtasks, "ratio"),
        busy=_share(subtasks, "busyRatio"),
        checkpoint_age_s=_age_s(job, checkpoints or {}, blank.at),
    )


def _age_s(job: Any, checkpoints: Any, now: int) -> float:
    completed = (checkpoints.get("latest") or {}).get("completed")
    if completed:
        return max(0, now - int(completed["latest_ack_timestamp"])) / 1000
    if not (checkpoints.get("counts") or {}).get("total"):
        return 0.0  # without checkpoints, or before the first was asked for
    return max(0, now - int(job["start-time"])) / 1000


def _share(subtasks: Sequence[Any], name: str) -> float:
    """The largest, 0 to 1; NaN (a source that does not measure itself) is none."""
    return min(1.0, max((_number(one.get(name)) for one in subtasks), default=0.0))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


class FlinkReader:
    """Asks with one connection pool. A cluster that does not answer once is not asked again in the same round."""

    ASK_S = 2.0
    ROUND_S = 8.0

    def __init__(self, transport: Any = None) -> None:
        import httpx

        # trust_env off: a proxy has no business between us and the cluster
        self._http = httpx.Client(timeout=self.ASK_S, trust_env=False, verify=False, transport=transport)  # noqa: S501 - loopback and http
        self._silent: set[str] = set()
        self._until = math.inf

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def round(self) -> Iterator[None]:
        """Within it all looks together take no longer than ``ROUND_S`` and one request."""
        self._silent.clear()
        self._until = time.monotonic() + self.ROUND_S
        try:
            yield
        finally:
            self._until = math.inf

    def knows(self, rest: str, job_id: str) -> bool:
        try:
            self._get(rest, f"/jobs/{job_id}")
        except (Gone, NoAnswer):
            return False
        return True

    def look(self, rest: str, job_id: str, blank: Look) -> Look:
        """Raises NoAnswer or Gone."""
        path = f"/jobs/{job_id}"
        job = self._get(rest, path)
        if STATES.get(job.get("state")) in ("finished", "failed", "cancelled"):
            return read(job, self._some(rest, f"{path}/metrics?get=numRestarts"), None, (), blank)
        vertices = [one["id"] for one in job["vertices"][:MOST_VERTICES]]
        return read(
            job,
            self._some(rest, f"{path}/metrics?get=numRestarts"),
            self._some(rest, f"{path}/checkpoints"),
            [self._some(rest, f"{path}/vertices/{vertex}/backpressure") for vertex in vertices],
            blank,
        )

    def _some(self, rest: str, path: str) -> Any:
        """What is not there (a job without checkpoints, a vertex that ends) is None."""
        try:
            return self._get(rest, path)
        except Gone:
            return None

    def _get(self, rest: str, path: str) -> Any:
        import httpx

        if rest in self._silent or time.monotonic() > self._until:
            raise NoAnswer
        try:
            answer = self._http.get(rest.rstrip("/") + path)
            if answer.status_code == 404:
                raise Gone
            if answer.is_error:
                raise NoAnswer
            return answer.json()
        except (httpx.HTTPError, ValueError, NoAnswer):
            self._silent.add(rest)
            raise NoAnswer from None
