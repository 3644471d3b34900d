"""A standalone Flink 2.2 cluster out of the PyPI wheel: one JobManager, one or more TaskManagers, on loopback.

FLINK_HOME is ``site-packages/pyflink`` and stays untouched; configuration, state and scratch files live under
``HOME/flink``, logs under ``HOME/logs``. The JVMs are started directly, not through Flink's shell scripts: those
only compute the memory flags (one more JVM each time) and write pid files, which the registry does better.

Checkpoints survive a cancelled job and savepoints are kept until someone removes them. A job that fails restarts for
ever, with a delay that grows to 20 s: a store that is down for an hour costs an hour, not the job.
REST has no authentication, hence 127.0.0.1. What this cannot do: while a job with Python functions runs, Beam's worker
services in the TaskManager listen on random ports of every interface (gRPC's wildcard address, no setting for it).
``YUQING_FLINK_PROMETHEUS`` switches on Flink's own Prometheus page, which does so too.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from pipelines.services import flink_rest
from pipelines.services.flink_configuration import (
    Size,
    client_configuration,
    flink_home,
    mib,
    read_configuration,
    reporter,
    write_configuration,
)
from pipelines.services.java import find_java
from pipelines.services.process import HOME_MARK, kill_all, marked, rotate, spawn, stop, wait_until_answers
from pipelines.services.registry import HOST, Registry, Service
from schemas.errors import ServiceError

JOBMANAGER, TASKMANAGER = "flink-jobmanager", "flink-taskmanager"
DEFAULT_PORTS = {"rest": 8081, "rpc": 6123}
START_TIMEOUT = 120.0  # 4-8 s on an idle machine; several times that on a busy one

_JOBMANAGER_CLASS = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASKMANAGER_CLASS = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


def start(registry: Registry, *, size: Size | None = None, state: str = "hashmap") -> Service:
    """Start the JobManager and one TaskManager unless they run; return the JobManager once the slots are there.

    ``state`` is ``hashmap`` (state in the heap) or ``rocksdb`` (on disk). The two JVMs come up side by side, the
    TaskManager asks until it is let in. Call with the registry locked.
    """
    jobmanager = registry.running(JOBMANAGER)
    taskmanager = registry.running(TASKMANAGER)
    if jobmanager is None:
        folder = registry.home / "flink"
        if taskmanager is None:
            _clear_scratch(folder)
        with registry.ports(JOBMANAGER, DEFAULT_PORTS) as ports:
            write_configuration(folder, ports, size or Size(), state)
            jobmanager = _spawn_jobmanager(registry, ports)
            pending = None if taskmanager else _spawn_taskmanager(registry, TASKMANAGER, jobmanager)
            _await(jobmanager, lambda: flink_rest.answers(jobmanager.url))
        if pending is not None:
            _await_taskmanager(*pending)
        return jobmanager
    # it runs, but the caller before may have gone before it answered
    _await(jobmanager, lambda: flink_rest.answers(jobmanager.url))
    if taskmanager is None:
        start_taskmanager(registry, TASKMANAGER)
    else:
        _await(taskmanager, lambda: _listed(jobmanager.url))
    return jobmanager


def stop_cluster(registry: Registry, *, grace: float = 20) -> None:
    """Stop every TaskManager, then the JobManager, then whatever Python workers were left behind."""
    names = [name for name in registry.services() if name.startswith(TASKMANAGER)]
    for name in [*names, JOBMANAGER]:
        service = registry.entry(name)
        if service is not None:
            stop(service.process, grace=grace)
            registry.drop(name)
    reap_orphans(registry.home)


def start_taskmanager(registry: Registry, name: str | None = None) -> Service:
    """Start one more TaskManager of the running JobManager; return it once its slots are registered.

    ``name`` defaults to the first of flink-taskmanager, flink-taskmanager-2, ... that does not run. Workers that a
    killed TaskManager left behind are reaped first, so a restart does not meet them.
    """
    jobmanager = registry.running(JOBMANAGER)
    if jobmanager is None:
        raise ServiceError(f"no Flink JobManager runs in {registry.home}: `yuqing up --flink` starts one")
    if name is None:
        names = (TASKMANAGER, *(f"{TASKMANAGER}-{number}" for number in range(2, 100)))
        name = next(free for free in names if registry.running(free) is None)
    service, resource = _spawn_taskmanager(registry, name, jobmanager)
    return _await_taskmanager(service, resource)


def _spawn_taskmanager(registry: Registry, name: str, jobmanager: Service) -> tuple[Service, str]:
    """Start the JVM; return its entry and the resource id under which the JobManager will list it.

    A killed TaskManager stays listed until its heartbeat is missed, so each start has an id of its own.
    """
    reap_orphans(registry.home)
    settings = read_configuration(registry.home / "flink")
    heap = mib(settings, "taskmanager.memory.framework.heap.size", "taskmanager.memory.task.heap.size")
    direct = mib(
        settings,
        "taskmanager.memory.framework.off-heap.size",
        "taskmanager.memory.task.off-heap.size",
        "taskmanager.memory.network.max",
    )
    metaspace = mib(settings, "taskmanager.memory.jvm-metaspace.size")
    flags = [f"-Xmx{heap}m", f"-XX:MaxDirectMemorySize={direct}m", f"-XX:MaxMetaspaceSize={metaspace}m"]
    resource = f"{name}-{secrets.token_hex(4)}"
    arguments = [*flags, _TASKMANAGER_CLASS, "-D", f"taskmanager.resource-id={resource}"]
    return _spawn_jvm(registry, name, arguments, url=jobmanager.url, ports={}), resource


def _spawn_jobmanager(registry: Registry, ports: Mapping[str, int]) -> Service:
    settings = read_configuration(registry.home / "flink")
    flags = [
        f"-Xmx{mib(settings, 'jobmanager.memory.heap.size')}m",
        f"-XX:MaxMetaspaceSize={mib(settings, 'jobmanager.memory.jvm-metaspace.size')}m",
        # It schedules and serves pages: quick to start and small matters more than peak speed.
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    ]
    url = f"http://{HOST}:{ports['rest']}"
    return _spawn_jvm(registry, JOBMANAGER, [*flags, _JOBMANAGER_CLASS], url=url, ports=ports)


def _spawn_jvm(
    registry: Registry, name: str, arguments: Sequence[str], *, url: str, ports: Mapping[str, int]
) -> Service:
    """Start ``java`` with ``arguments`` (flags, main class, its arguments) on this home's configuration."""
    conf = registry.home / "flink" / "conf"
    log = registry.logs / f"{name}.log"
    registry.logs.mkdir(parents=True, exist_ok=True)
    rotate(log)
    command: list[str | Path] = [
        find_java() / "bin" / "java",
        *str(read_configuration(conf.parent)["env.java.opts.all"]).split(),
        f"-Dlog.file={log}",
        f"-Dlog4j.configurationFile={conf / 'log4j.properties'}",
        "-classpath",
        _class_path(),
        *arguments,
        *reporter(os.environ),
        "--configDir",
        conf,
    ]
    output = log.with_suffix(".out")
    process = spawn(name, command, home=registry.home, log=output, environ=environment(registry.home))
    service = Service.of(name, process, ports=ports, url=url, log=log)
    registry.put(service)
    return service


def _await_taskmanager(service: Service, resource: str) -> Service:
    return _await(service, lambda: _listed(service.url, resource))


def _listed(rest: str, resource: str = "") -> bool:
    """Whether that TaskManager (any, without a name) is known. An answer that is lost on a busy machine is no reason to
    give up: whoever waits watches the process and the clock."""
    try:
        known = flink_rest.taskmanagers(rest)
    except ServiceError:
        return False
    return resource in known if resource else bool(known)


def _await(service: Service, answers: Callable[[], bool]) -> Service:
    log = Path(service.log)
    logs = (log.with_suffix(".out"), log)
    wait_until_answers(service.name, answers, service.process, logs=logs, timeout=START_TIMEOUT)
    return service


def _clear_scratch(folder: Path) -> None:
    """Remove what JVMs that were killed left behind. Only while none runs; checkpoints and savepoints stay."""
    for name in ("tmp", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)


def environment(home: Path) -> dict[str, str]:
    """The variables with which Flink's programs (the ``flink`` command too) find this home's cluster.

    A home that has no cluster of its own gets one for clients only: enough to submit to somebody else's.
    """
    flink, conf = flink_home(), home / "flink" / "conf"
    return {
        "JAVA_HOME": str(find_java()),
        "FLINK_HOME": str(flink),
        "FLINK_CONF_DIR": str(conf if conf.is_dir() else client_configuration(home)),
        "FLINK_LOG_DIR": str(home / "logs"),
        "FLINK_LIB_DIR": str(flink / "lib"),
        "FLINK_OPT_DIR": str(flink / "opt"),
        "FLINK_PLUGINS_DIR": str(flink / "plugins"),
        HOME_MARK: str(home),
    }


def local_environment(home: Path) -> dict[str, str]:
    """The variables of a mini cluster inside a command: logs under the home, a bounded heap, workers as processes."""
    flink = flink_home()
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return {
        "JAVA_HOME": str(find_java()),
        "FLINK_HOME": str(flink),
        "FLINK_LOG_DIR": str(logs),
        "JVM_ARGS": "-Xmx768m",
        # PyFlink would run the workers as threads of the command, all under one interpreter lock
        "_python_worker_execution_mode": "process",
        HOME_MARK: str(home),
    }


def reap_orphans(home: Path) -> int:
    """SIGKILL the Python workers of this home whose JVM is gone; return how many processes that were.

    A TaskManager that is killed hard leaves them (~200 MB each) with init as their ancestor. They are known by their
    command line and by the mark of this home, which they inherit; those below a living JVM are left alone. For the
    mini cluster inside a command this holds too if that command has ``YUQING_HOME`` in its environment.
    """
    return kill_all(
        process
        for process, _ in marked(HOME_MARK, str(Path(home).absolute()))
        if _is_worker(process) and not _has_jvm_above(process)
    )


def _is_worker(process: psutil.Process) -> bool:
    return any("pyflink.fn_execution" in part or "pyflink-udf-runner" in part for part in process.cmdline())


def _has_jvm_above(process: psutil.Process) -> bool:
    return any(parent.name() == "java" and parent.status() != psutil.STATUS_ZOMBIE for parent in process.parents())


def _class_path() -> str:
    # flink-dist comes last, as in Flink's own scripts
    jars = sorted((flink_home() / "lib").glob("*.jar"), key=lambda jar: (jar.name.startswith("flink-dist"), jar.name))
    return ":".join(map(str, jars))
