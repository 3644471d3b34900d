"""The program that an engine runs for a submission: `python -m pipelines.jobs.program SPEC`, or under `flink run -py`.

It builds the job from its spec and hands it to the engine. With target local it stays until the job ends, stops an
unbounded job with a savepoint on SIGTERM or SIGINT, says why when a worker asked for a stop, and goes on from the last
checkpoint in a new mini cluster when what it ran in is gone.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psutil
import structlog

from pipelines.engines.flink_udfs import JOB_ID, STOPPED
from pipelines.feeds.uri import KafkaSource, parse
from pipelines.jobs import registry, run
from pipelines.jobs.run import LOCAL, Spec
from pipelines.services import flink_rest
from schemas.errors import CircuitOpen, ServiceError

Watch = Callable[[dict[str, Any]], None]
log = structlog.get_logger()


def submit(spec: Spec, watch: Watch = lambda counts: None) -> str | None:
    """Start the job of a spec. Local: stay until it ends; return the savepoint's path if it was stopped with one.

    `watch` gets the workers' counts about twice a second. Raises CircuitOpen when a worker asked for a stop and
    ServiceError when Flink gave up. On a cluster it returns once the job is submitted.
    """
    before: str | None = None
    while True:
        try:
            return _submit_once(spec, watch)
        except _Lost as lost:
            from pipelines.engines import gateway

            gateway.end()
            checkpoint = run.last_checkpoint(spec)
            if checkpoint == before:
                raise ServiceError(f"job {spec.job}: {lost} twice, without a checkpoint in between") from None
            before = checkpoint
            log.warning(f"{lost}: a new one goes on", checkpoint=checkpoint or "none: from the start")
            spec = replace(spec, restore_from=Path(checkpoint).as_uri() if checkpoint else spec.restore_from)


def _submit_once(spec: Spec, watch: Watch) -> str | None:
    from pipelines.engines import flink

    job, settings = registry.of_spec(spec)
    source = parse(spec.source)
    jars: tuple[Path, ...] = ()
    access: dict[str, str] = {}
    if isinstance(source, KafkaSource):
        from pipelines.services import kafka_access
        from pipelines.services.jars import kafka_jar

        jars, access = (kafka_jar(),), kafka_access.flink(settings.kafka, Path(spec.home))
    local = spec.target == LOCAL
    options = flink.Options(
        run_folder=spec.folder,
        parallelism=spec.parallelism or settings.flink.parallelism,
        batch=settings.flink.batch,
        bundle_ms=settings.flink.bundle_ms,
        checkpoint_s=settings.flink.checkpoint_s,
        restore_from=spec.restore_from if local else None,  # `flink run -s` says it on a cluster
        rest=None if local else spec.rest,
        jars=jars,
        configuration=(_local_configuration() if local else {}) | settings.flink.configuration,
        kafka=access,
    )
    try:
        result = flink.execute(job, source, options)
    except Exception as error:  # PyFlink wraps what Java throws in types of several modules
        raise ServiceError(f"Flink refused job {spec.job}: {_cause(error)}") from None
    client = result.get_job_client()
    log.info("submitted", job=spec.job, run=spec.run, job_id=str(client.get_job_id()))
    if not local:
        return None
    (spec.folder / JOB_ID).write_text(str(client.get_job_id()))
    return _attend(spec, result, client, watch, _Watched(str(client.get_job_id())))


SAVEPOINT_PATIENCE_S = 120.0
"""How long a job that was asked to stop may take to get into a state in which it can take a savepoint."""
REST_PORTS = (8081, 8181)
"""Flink takes the first free one of these at the moment it binds it: a port chosen before may be gone by then."""


def _local_configuration() -> dict[str, str]:
    """A mini cluster that nobody outside this machine can reach."""
    return {
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.bind-port": "{}-{}".format(*REST_PORTS),
        "jobmanager.bind-host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.memory.managed.size": "256m",
        "taskmanager.memory.network.max": "64m",
        # a task that never ends takes its TaskManager with it: see `_Lost`
        "task.cancellation.timeout": "30s",
    }


def _own_rest() -> str:
    """Where the mini cluster's REST endpoint listens: the port in range that our own JVM holds."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            for connection in child.net_connections("tcp"):
                port = connection.laddr.port
                if connection.status == psutil.CONN_LISTEN and REST_PORTS[0] <= port <= REST_PORTS[1]:
                    return f"http://127.0.0.1:{port}"
    return ""


class _Lost(Exception):
    """What the job ran in is gone, and not because of the job: says what.

    A JVM goes when it is killed, by a machine short of memory for one. A mini cluster loses its TaskManager, and Flink
    starts no other, when a Python worker is killed while Beam waits for its stream to take more: the thread that sends
    waits for ever with a lock that the task needs to end, and Flink ends a TaskManager whose task does not.
    """


class _Watched:
    """A mini cluster from outside. Tells of each failure that Flink restarts the job for; without it a job that cannot
    start fails in silence."""

    def __init__(self, job_id: str, every_s: float = 3.0) -> None:
        self._job_id, self._every = job_id, every_s
        self.rest = _own_rest()
        self._told: set[str] = set()
        self._next = time.monotonic() + every_s
        self._had_one = False

    def look(self) -> None:
        """Raises _Lost."""
        if not self.rest or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        with contextlib.suppress(ServiceError):  # the cluster starts or ends
            there = flink_rest.overview(self.rest)
            if self._had_one and not there["taskmanagers"] and there["jobs-running"]:
                raise _Lost("the TaskManager is gone")
            self._had_one = self._had_one or there["taskmanagers"] > 0
            for cause in flink_rest.exceptions(self.rest, self._job_id):
                if cause not in self._told:
                    self._told.add(cause)
                    log.warning("job failed and restarts", cause=cause[:300])


def _attend(spec: Spec, result: Any, client: Any, watch: Watch, cluster: _Watched) -> str | None:
    ended = threading.Event()
    failure: list[BaseException] = []

    def wait() -> None:
        try:
            result.wait()
        except BaseException as error:  # reported by the main thread
            failure.append(error)
        ended.set()

    signals: list[int] = []
    before = {n: signal.signal(n, lambda number, _: signals.append(number)) for n in (signal.SIGTERM, signal.SIGINT)}
    threading.Thread(target=wait, daemon=True, name="flink-job").start()
    savepoint: str | None = None
    try:
        while not ended.wait(0.5):
            watch(run.counts(spec.folder))
            cluster.look()
            if (spec.folder / STOPPED).exists():
                why = msgspec.json.decode((spec.folder / STOPPED).read_bytes())["why"]
                client.cancel().result()
                raise CircuitOpen(f"job {spec.job} was stopped: {why}")
            if signals and savepoint is None:
                savepoint = _stop(spec, client, cluster.rest, ended, signals)
        watch(run.counts(spec.folder))
        if failure and not signals:
            from pipelines.engines import gateway

            if not gateway.lives():
                raise _Lost("the JVM is gone")
            raise ServiceError(f"job {spec.job} failed: {_cause(failure[0])}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return savepoint


def _stop(spec: Spec, client: Any, rest: str, ended: threading.Event, signals: list[int]) -> str:
    """Stop with a savepoint and return its path.

    A job whose tasks start, or restart because the store is away, cannot take one: try until it can, for
    SAVEPOINT_PATIENCE_S or until a second signal; then cancel, and return the last checkpoint, which resumes as well
    ("" when there is none).
    """
    folder = (spec.folder / "savepoints").as_uri()
    known = set(run.savepoints(spec))
    deadline = time.monotonic() + SAVEPOINT_PATIENCE_S
    while not ended.is_set() and time.monotonic() < deadline and len(signals) < 2:
        try:
            # over REST: PyFlink 2.2 calls a method of the Java client that is gone
            path = flink_rest.stop_with_savepoint(rest, str(client.get_job_id()), folder, timeout=10)
        except ServiceError as error:
            log.warning("no savepoint yet", cause=str(error))
            time.sleep(1)
        else:
            return path.removeprefix("file:")
    if ended.wait(1):
        # the mini cluster may have gone with its job before it told us where the savepoint is
        made = [path for path in run.savepoints(spec) if path not in known]
        return made[-1] if made else ""
    client.cancel().result()
    checkpoint = run.last_checkpoint(spec)
    log.warning("stopped without a savepoint", last_checkpoint=bool(checkpoint))
    return checkpoint


def _cause(error: BaseException) -> str:
    """The last cause that a Java stack trace names, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes[-1].removeprefix("Caused by: ") if causes else lines[0] if lines else type(error).__name__)[:300]


def main() -> None:
    spec = run.load(Path(sys.argv[1]))
    try:
        submit(spec)
    except CircuitOpen as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
