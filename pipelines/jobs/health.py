"""How the home's jobs are, looked at from outside every ten seconds and written to ``job_health``.

A run is known by its folder, its end by the audit ledger (``pipelines.jobs.traced``) and by Flink's REST endpoint: the
cluster's that it was sent to, or that of the mini cluster inside the command, which is looked for among the ports of
this home's JVMs. Whatever does not answer is a state, ``unknown``, and no error. A run gets rows while it lives and a
last one for its end. What runs on Beam has no endpoint: it gets the last one only.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import structlog
from clickhouse_connect.driver.client import Client

from governance.audit import newest_first
from pipelines.feeds.uri import parse
from pipelines.jobs.flink_health import FlinkReader, Gone, NoAnswer
from pipelines.jobs.run import LOCAL, SPEC, Spec, load
from pipelines.metrics import declared
from pipelines.services.process import HOME_MARK, marked
from pipelines.store.client import StoreSettings, connect
from pipelines.store.health import Look, left_open, write
from pipelines.store.sinks import now_ms
from schemas.errors import YuqingError

EVERY_S = 10.0
UNKNOWN_MS = 3_600_000
"""A run whose cluster says nothing of it for so long has failed."""
LOCAL_UNKNOWN_MS = 120_000
"""The same of a mini cluster: it ends with its command, and a command that was killed writes no end."""
LOCAL_ENDING_MS = 15_000
"""A mini cluster goes a moment before its command has written how the run ended: no row for that moment."""
REMEMBERED_MS = 3_600_000
"""So long Flink remembers a job that ended (``jobstore.expiration-time``): one that is forgotten sooner was lost."""
MOST_RUNS = 20
"""Looked at each time, the newest: a home has a few live runs, and each costs a handful of requests."""
MOST_ENTRIES = 2_000
"""Of the ledger that are read back at a time, for how runs ended."""
LOCAL_PORTS = (8081, 8181)
"""Of mini clusters (``pipelines.jobs.program.REST_PORTS``; a test holds them equal)."""
JOB_ID, STOPPED = "job_id", "stopped.json"
"""In a run's folder (``pipelines.engines.flink_udfs``, which is not imported: it would load all of Flink's Python)."""

log = structlog.get_logger("health")


@dataclass
class _Run:
    spec: Spec
    stamp: float
    """Of the files that a submission writes: a run that is resumed is another one under its name."""
    seen_ms: int
    """When it was last found alive, or first looked for."""
    expected: bool
    """It was seen alive, or is newer than this process: its end is news."""
    rest: str = ""

    @property
    def local(self) -> bool:
        return self.spec.target == LOCAL


class Health:
    """The runs of a home. Call ``look`` from one thread."""

    def __init__(
        self,
        home: Path,
        clock: Callable[[], int] = now_ms,
        flink: FlinkReader | None = None,
        open_before: Mapping[str, int] | None = None,
    ) -> None:
        """``open_before``: runs that an earlier process saw alive -> when. Older ones that have ended get no row."""
        self._home, self._clock = home, clock
        self._flink = flink or FlinkReader()
        self._open_before = dict(open_before or {})
        self._began_ms = clock()
        self._live: dict[str, _Run] = {}
        self._ended: dict[str, float] = {}

    def close(self) -> None:
        self._flink.close()

    def look(self) -> list[Look]:
        """One row for each run that lives or has ended since the last look. Tell ``written`` once they are stored.

        Takes ``FlinkReader.ROUND_S`` and one request at most: what did not answer by then is ``unknown``.
        """
        self._find()
        ends = self._ends() if self._live else {}
        with self._flink.round():
            looks = [self._one(run, ends.get(run.spec.run)) for run in list(self._live.values())]
        return [look for look in looks if look is not None]

    def written(self, looks: list[Look]) -> None:
        """Runs whose last row is stored are looked at no more."""
        for look in looks:
            if look.ended and look.run in self._live:
                self._forget(self._live[look.run])

    def _find(self) -> None:
        """Take up runs that are new or were resumed, the newest first."""
        stamps = {path: _stamp(path) for path in (self._home / "runs").glob(f"*/{SPEC}")}
        for path, stamp in sorted(stamps.items(), key=lambda one: one[1], reverse=True):
            name = path.parent.name
            known = self._live.get(name)
            if self._ended.get(name) == stamp or (known is not None and known.stamp == stamp):
                continue
            if known is None and len(self._live) >= MOST_RUNS:
                continue
            expected = known is not None or name in self._open_before or stamp * 1_000 >= self._began_ms
            with contextlib.suppress(YuqingError):  # half written, or of another version
                self._live[name] = _Run(load(path), stamp, self._open_before.get(name, self._clock()), expected)

    def _ends(self) -> dict[str, Mapping[str, Any]]:
        """Run -> detail of the ledger's last entry on it, if that is an end."""
        last: dict[str, Mapping[str, Any] | None] = {}
        wanted = {f"run {name}" for name in self._live}
        with contextlib.suppress(OSError, YuqingError):
            for entry in islice(newest_first(self._home, "jobs"), MOST_ENTRIES):
                if entry.subject in wanted and entry.action in ("job.start", "job.end"):
                    wanted.discard(entry.subject)
                    last[entry.subject.removeprefix("run ")] = entry.detail if entry.action == "job.end" else None
                if not wanted:
                    break
        return {run: detail for run, detail in last.items() if detail is not None}

    def _one(self, run: _Run, end: Mapping[str, Any] | None) -> Look | None:
        job_id = _job_id(run.spec.folder)
        if end is not None and (run.local or not job_id):  # a cluster's job outlives the command that waits for it
            return self._last(run, _how(run.spec, end))
        if not job_id:  # not submitted yet, or on Beam, or killed before it was
            return self._forget(run) if self._clock() - run.seen_ms > UNKNOWN_MS else None
        try:
            rest = self._rest(run, job_id)
            if not rest:
                raise NoAnswer
            look = self._flink.look(rest, job_id, self._blank(run, "unknown"))
        except Gone:
            if not run.local:
                return self._lost(run)
            run.rest = ""  # another one has its port
            return self._silent(run)
        except NoAnswer:
            return self._silent(run)
        if look.ended:
            return self._last(run, _stopped(run.spec, look.state), look)
        run.seen_ms, run.expected = look.at, True
        return replace(look, breaker=(run.spec.folder / STOPPED).exists())

    def _silent(self, run: _Run) -> Look | None:
        """Nobody answers for it."""
        silent_ms = self._clock() - run.seen_ms
        if silent_ms > (LOCAL_UNKNOWN_MS if run.local else UNKNOWN_MS):
            return self._last(run, "failed")
        if not run.expected or (run.local and silent_ms < LOCAL_ENDING_MS):
            return None
        return self._blank(run, "unknown")

    def _lost(self, run: _Run) -> Look | None:
        """Its cluster has forgotten it: a JobManager that died takes its jobs along."""
        if self._clock() - run.seen_ms < REMEMBERED_MS:
            return self._last(run, "failed")
        look = self._last(run, "unknown")  # it ended while nobody looked
        self._forget(run)
        return look

    def _last(self, run: _Run, state: str, look: Look | None = None) -> Look | None:
        """The row of the end; none for a run that ended before anybody looked."""
        if not run.expected:
            return self._forget(run)
        broken = (run.spec.folder / STOPPED).exists()
        return replace(look or self._blank(run, state), state="stopped" if broken else state, breaker=broken)

    def _forget(self, run: _Run) -> None:
        self._ended[run.spec.run] = run.stamp
        self._live.pop(run.spec.run, None)

    def _blank(self, run: _Run, state: str) -> Look:
        return Look(self._clock(), run.spec.run, run.spec.job, state)

    def _rest(self, run: _Run, job_id: str) -> str:
        """Where the run's Flink answers; "" for a mini cluster that is not there (yet)."""
        if not run.local:
            return run.spec.rest
        if not run.rest:
            run.rest = next((rest for rest in local_clusters(self._home) if self._flink.knows(rest, job_id)), "")
        return run.rest


def local_clusters(home: Path) -> Iterator[str]:
    """REST addresses on which a JVM of this home may answer. Cost: a few milliseconds."""
    for process, _ in marked(HOME_MARK, str(home)):
        with contextlib.suppress(psutil.Error):
            if process.name() != "java":
                continue
            for connection in process.net_connections("tcp"):
                port = connection.laddr.port
                if connection.status == psutil.CONN_LISTEN and LOCAL_PORTS[0] <= port <= LOCAL_PORTS[1]:
                    yield f"http://127.0.0.1:{port}"


def _how(spec: Spec, end: Mapping[str, Any]) -> str:
    """The state that the ledger's entry of an end means."""
    if end.get("state") == "failed":
        return "failed"
    return "stopped" if end.get("savepoint") else _stopped(spec, "finished")


def _stopped(spec: Spec, state: str) -> str:
    """Flink says FINISHED of a job that was stopped with a savepoint, too; a source without an end cannot finish."""
    try:
        return "stopped" if state == "finished" and not parse(spec.source).bounded else state
    except YuqingError:
        return state


def _stamp(spec: Path) -> float:
    return max(_modified(spec), _modified(spec.with_name(JOB_ID)))


def _job_id(folder: Path) -> str:
    """What Flink named the job; "" before it was submitted: a file from before a resumption is that of another job."""
    if _modified(folder / JOB_ID) < _modified(folder / SPEC):
        return ""
    try:
        return (folder / JOB_ID).read_text("utf-8").strip()
    except OSError:
        return ""


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


class Sampler:
    """Looks every ``every_s`` seconds in a thread of its own, until ``stop`` is set or the block is left.

    Holds nobody up: the thread is a daemon, requests have time-outs, and a look that fails is logged and the next one
    comes. While the store is away what is seen is not kept; ends of runs are written once it is back.
    """

    def __init__(
        self,
        home: Path,
        settings: Callable[[], StoreSettings],
        stop: threading.Event,
        every_s: float = EVERY_S,
    ) -> None:
        self._home, self._settings, self._stop, self._every = home, settings, stop, every_s
        self._thread = threading.Thread(target=self._work, name="health", daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(FlinkReader.ROUND_S)

    def _work(self) -> None:
        health: Health | None = None
        client: Client | None = None
        while not self._stop.is_set():
            try:
                if client is None:
                    client = connect(self._settings())
                if health is None:
                    health = Health(self._home, open_before=left_open(client))
                looks = health.look()
                write(client, looks)
                health.written(looks)
                note(looks)
            except Exception as error:  # the thread must live: a job that fails unseen is what it is for
                declared.JOB_LOOKS_FAILED.add()
                reason = str(error) if isinstance(error, YuqingError) else type(error).__name__
                log.warning("jobs were not looked at", reason=reason)
                if client is not None:
                    with contextlib.suppress(Exception):
                        client.close()
                client = None
            self._stop.wait(self._every)
        if health is not None:
            health.close()
        if client is not None:
            client.close()


def note(looks: list[Look]) -> None:
    """The same as metrics, the worst of all runs of a job."""
    runs: dict[tuple[str, str], int] = {}
    for look in looks:
        runs[look.job, look.state] = runs.get((look.job, look.state), 0) + 1
        if look.breaker and look.ended:
            declared.JOB_BREAKER_STOPS.add(job=look.job)
    for job in declared.JOBS:
        live = [look for look in looks if look.job == job and not look.ended]
        for state in declared.STATES:
            declared.JOB_RUNS.set(runs.get((job, state), 0), job=job, state=state)
        declared.JOB_RESTARTS.set(max((look.restarts for look in live), default=0), job=job)
        declared.JOB_BACK_PRESSURE.set(max((look.back_pressure for look in live), default=0), job=job)
        declared.JOB_BUSY.set(max((look.busy for look in live), default=0), job=job)
        declared.JOB_CHECKPOINT_AGE.set(max((look.checkpoint_age_s for look in live), default=0), job=job)
