"""What we ask a Flink cluster over its REST API; ``rest`` is its address, such as ``http://127.0.0.1:8081``.

Every function raises ServiceError with Flink's own first line when the cluster refuses or does not answer. Works for
any Flink 2.2 cluster, not only the embedded one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import ServiceError

ENDED = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})
_PATIENCE = 20.0  # seconds for one answer; a busy JobManager may collect garbage for a while
_POLL = 0.3


@dataclass(frozen=True)
class Job:
    """A job as Flink lists it. Times in milliseconds; ``ended`` is None while it runs."""

    id: str
    name: str
    state: str
    started: int
    ended: int | None


def _ask(rest: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    import httpx  # here, since --help must not pay for it

    try:
        # trust_env off: a proxy has no business between us and the cluster
        with httpx.Client(base_url=rest.rstrip("/"), timeout=_PATIENCE, trust_env=False) as client:
            answer = client.request(method, path, json=dict(body) if body is not None else None)
    except httpx.HTTPError as error:
        raise ServiceError(f"Flink at {rest} does not answer ({type(error).__name__}): `yuqing status`") from error
    if answer.is_error:
        raise ServiceError(f"Flink at {rest} refused {method} {path}: {_first_line(answer.text)}")
    return answer.json() if answer.content else {}


def _first_line(text: str) -> str:
    for line in text.replace("\\n", "\n").splitlines():
        if line.strip(' {}"[]'):
            return line.strip()[:300]
    return "no reason given"


def answers(rest: str) -> bool:
    """True if a JobManager answers there."""
    try:
        _ask(rest, "GET", "/overview")
    except ServiceError:
        return False
    return True


def overview(rest: str) -> dict[str, Any]:
    """Slots, TaskManagers and counts of jobs: ``taskmanagers``, ``slots-total``, ``slots-available``, ..."""
    return dict(_ask(rest, "GET", "/overview"))


def taskmanagers(rest: str) -> dict[str, dict[str, Any]]:
    """The registered TaskManagers by resource id. A killed one is listed until its heartbeat is missed."""
    return {one["id"]: one for one in _ask(rest, "GET", "/taskmanagers")["taskmanagers"]}


def list_jobs(rest: str) -> list[Job]:
    """Every job the cluster remembers, newest first."""
    jobs = [
        Job(one["jid"], one["name"], one["state"], one["start-time"], one["end-time"] if one["end-time"] > 0 else None)
        for one in _ask(rest, "GET", "/jobs/overview")["jobs"]
    ]
    return sorted(jobs, key=lambda job: job.started, reverse=True)


def job(rest: str, job_id: str) -> dict[str, Any]:
    """State, vertices with their record counts, and the plan of one job, as Flink says it."""
    return dict(_ask(rest, "GET", f"/jobs/{job_id}"))


def state(rest: str, job_id: str) -> str:
    return str(job(rest, job_id)["state"])


def wait_for(rest: str, job_id: str, states: frozenset[str] = ENDED, *, timeout: float) -> str:
    """Return the state of the job once it is one of ``states``; ServiceError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while (now := state(rest, job_id)) not in states:
        if time.monotonic() > deadline:
            raise ServiceError(f"job {job_id} is {now} after {timeout:.0f} s, not {' or '.join(sorted(states))}")
        time.sleep(_POLL)
    return now


def records(rest: str, job_id: str) -> dict[str, tuple[int, int]]:
    """Records in and out of each vertex, by its name, since its last restart."""
    return {
        vertex["name"]: (vertex["metrics"]["read-records"], vertex["metrics"]["write-records"])
        for vertex in job(rest, job_id)["vertices"]
    }


def vertex_metrics(rest: str, job_id: str, vertex_id: str, names: tuple[str, ...]) -> dict[str, float]:
    """The sum over subtasks of each named metric that is there (``numRecordsInPerSecond``, ``busyTimeMsPerSecond``)."""
    path = f"/jobs/{job_id}/vertices/{vertex_id}/subtasks/metrics?get={','.join(names)}&agg=sum"
    found = {one["id"]: float(one["sum"]) for one in _ask(rest, "GET", path)}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def checkpoints(rest: str, job_id: str) -> dict[str, Any]:
    """Counts and the latest of each kind: ``counts``, ``latest.completed.external_path``, ``latest.restored``, ..."""
    return dict(_ask(rest, "GET", f"/jobs/{job_id}/checkpoints"))


def latest_checkpoint(rest: str, job_id: str) -> str | None:
    """Where the last completed checkpoint lies; None before the first. A job resumes from it as from a savepoint."""
    completed = (checkpoints(rest, job_id).get("latest") or {}).get("completed")
    return str(completed["external_path"]) if completed else None


def exceptions(rest: str, job_id: str, limit: int = 10) -> list[str]:
    """The latest failures, newest first: each is the innermost cause that Flink's stack trace names."""
    found = _ask(rest, "GET", f"/jobs/{job_id}/exceptions?maxExceptions={limit}")
    return [_root_cause(entry.get("stacktrace", "")) for entry in found["exceptionHistory"]["entries"]]


def _root_cause(trace: str) -> str:
    """The innermost cause of a Java stack trace; for a Python worker's, the last line of its own traceback."""
    lines = [line for line in trace.splitlines() if line.strip()]
    at = max((number for number, line in enumerate(lines) if line.startswith("Caused by: ")), default=0)
    if not lines:
        return ""
    cause = lines[at].removeprefix("Caused by: ")
    if "Traceback (most recent call last)" in "".join(lines[at : at + 2]):
        python = [line for line in lines[at + 1 :] if not line.startswith((" ", "\t", "Traceback", "Caused by"))]
        if python:
            return python[-1].strip()
    return cause.strip()


def wait_until_running(rest: str, job_id: str, *, timeout: float) -> None:
    """Return once every task runs: a job is RUNNING for Flink while its Python workers still load.

    ServiceError if the job ends meanwhile or ``timeout`` seconds pass.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = job(rest, job_id)
        tasks = {vertex["status"] for vertex in found["vertices"]}
        if found["state"] == "RUNNING" and tasks <= {"RUNNING", "FINISHED"}:
            return
        if found["state"] in ENDED:
            raise ServiceError(f"job {job_id} is {found['state']}")
        if time.monotonic() > deadline:
            causes = exceptions(rest, job_id, 1) or ["no failure so far"]
            raise ServiceError(
                f"job {job_id}: tasks are {', '.join(sorted(tasks))} after {timeout:.0f} s ({causes[0]})"
            )
        time.sleep(_POLL)


def savepoint(rest: str, job_id: str, folder: str | None = None, *, timeout: float = 300) -> str:
    """Take a savepoint of a job, once all its tasks run, and return its path (None: the cluster's folder)."""
    wait_until_running(rest, job_id, timeout=timeout)
    body = {"target-directory": folder, "cancel-job": False, "formatType": "CANONICAL"}
    return _await_savepoint(rest, job_id, _ask(rest, "POST", f"/jobs/{job_id}/savepoints", body), timeout)


def stop_with_savepoint(
    rest: str, job_id: str, folder: str | None = None, *, drain: bool = False, timeout: float = 300
) -> str:
    """Stop the job at a savepoint and return its path: nothing after it has been read, nothing before it is open.

    Waits until all tasks run; returns once the job has ended. ``drain`` ends it for good: windows fire, state goes.
    """
    wait_until_running(rest, job_id, timeout=timeout)
    body = {"targetDirectory": folder, "drain": drain, "formatType": "CANONICAL"}
    path = _await_savepoint(rest, job_id, _ask(rest, "POST", f"/jobs/{job_id}/stop", body), timeout)
    wait_for(rest, job_id, timeout=timeout)
    return path


def _await_savepoint(rest: str, job_id: str, trigger: Mapping[str, Any], timeout: float) -> str:
    request = trigger["request-id"]
    deadline = time.monotonic() + timeout
    while True:
        answer = _ask(rest, "GET", f"/jobs/{job_id}/savepoints/{request}")
        operation = answer.get("operation") or {}
        if "failure-cause" in operation:
            cause = _root_cause(operation["failure-cause"].get("stack-trace", ""))
            raise ServiceError(f"job {job_id} made no savepoint: {cause}")
        if answer["status"]["id"] == "COMPLETED":
            return str(operation["location"])
        if time.monotonic() > deadline:
            raise ServiceError(f"job {job_id} made no savepoint within {timeout:.0f} s; it may still do so")
        time.sleep(_POLL)


def cancel(rest: str, job_id: str, *, timeout: float = 60) -> str:
    """Cancel the job and return the state it ended in. Its last checkpoint stays where it is."""
    if (now := state(rest, job_id)) in ENDED:
        return now
    request_cancel(rest, job_id)
    return wait_for(rest, job_id, timeout=timeout)


def request_cancel(rest: str, job_id: str) -> None:
    """Ask for the job to be cancelled and return at once: what a worker of that very job may call."""
    _ask(rest, "PATCH", f"/jobs/{job_id}?mode=cancel")
