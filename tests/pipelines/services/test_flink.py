"""A real cluster out of the wheel: start, a Python job, savepoint, a killed TaskManager, stop."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from pipelines.services import flink, flink_rest
from pipelines.services.flink_configuration import REPORTER_PORTS, Size, configuration, reporter
from pipelines.services.process import HOME_MARK, kill_leader, marked, stop
from pipelines.services.registry import HOST, Registry, free_port
from schemas.errors import ServiceError, UsageError

JOB = Path(__file__).with_name("flink_job.py")


def until(true: Callable[[], bool], timeout: float = 120) -> None:
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def workers(home: Path) -> list[psutil.Process]:
    return [one for one, _ in marked(HOME_MARK, str(home)) if "beam_boot" in " ".join(one.cmdline())]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp("flink") / "home with space")
    try:
        with registry.locked():
            flink.start(registry)
        yield registry
    finally:
        flink.stop_cluster(registry, grace=5)
        assert list(marked(HOME_MARK, str(registry.home))) == [], "nothing is left running"


def run_job(registry: Registry, *arguments: str) -> str:
    """Submit the test's job with Flink's own command and return its id."""
    command = ["bash", str(flink.flink_home() / "bin" / "flink"), "run", "-d", *arguments, "-py", str(JOB)]
    environ = {**os.environ, **flink.environment(registry.home)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240, check=False)
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    return found[1]


@pytest.mark.services
def test_it_listens_on_loopback_only(cluster: Registry) -> None:
    """First of the cluster's tests: once a job with Python functions runs, Beam opens ports of its own."""
    listening = [
        connection.laddr.ip
        for service in cluster.services().values()
        for connection in psutil.Process(service.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4
    assert {address.removeprefix("::ffff:") for address in listening} == {HOST}


@pytest.mark.services
def test_metrics_of_flink_are_there_when_asked_for(cluster: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one more TaskManager: the cluster's own two processes listen on loopback only, and the reporter cannot."""
    taken, port = free_port(29249), free_port(free_port(29249) + 1)
    with socket.create_server((HOST, taken)):
        monkeypatch.setenv(REPORTER_PORTS, f"{taken}-{port}")
        second = flink.start_taskmanager(cluster)
        try:
            page = httpx.get(f"http://{HOST}:{port}/metrics", timeout=20, trust_env=False).text
        finally:
            stop(second.process, grace=5)
            cluster.drop(second.name)
    assert re.search(r"^flink_taskmanager_Status_JVM_CPU_Load\{", page, re.MULTILINE)
    assert second.name.replace("-", "_") in page


@pytest.mark.parametrize("ports", ["9249", "9249-9268"])
def test_the_reporter_is_off_unless_it_is_given_ports(ports: str) -> None:
    assert reporter({}) == reporter({REPORTER_PORTS: ""}) == []
    assert f"metrics.reporter.prom.port={ports}" in reporter({REPORTER_PORTS: ports})


@pytest.mark.parametrize("ports", ["on", "0", "9249-", "9249,9250", "9249 -D x=y"])
def test_ports_that_are_none_are_refused(ports: str) -> None:
    with pytest.raises(UsageError, match="YUQING_FLINK_PROMETHEUS"):
        reporter({REPORTER_PORTS: ports})


@pytest.mark.services
@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_python_job_survives_its_taskmanager(cluster: Registry) -> None:
    rest = cluster.services()[flink.JOBMANAGER].url
    job = run_job(cluster)
    assert [one.id for one in flink_rest.list_jobs(rest)] == [job]
    saved = flink_rest.savepoint(rest, job)
    assert Path(saved.removeprefix("file:")).is_relative_to(cluster.home / "flink" / "savepoints")
    until(lambda: flink_rest.latest_checkpoint(rest, job) is not None)

    # a stopped worker cannot notice that its TaskManager is gone: the hardest orphan
    (worker,) = workers(cluster.home)
    worker.suspend()
    assert kill_leader(cluster.services()[flink.TASKMANAGER].process)
    assert worker.is_running()
    assert flink.reap_orphans(cluster.home) >= 1
    assert not worker.is_running()
    assert flink.reap_orphans(cluster.home) == 0

    flink.start_taskmanager(cluster, flink.TASKMANAGER)
    until(lambda: bool((flink_rest.checkpoints(rest, job)["latest"] or {}).get("restored")))
    flink_rest.wait_until_running(rest, job, timeout=120)
    assert flink.reap_orphans(cluster.home) == 0, "workers below a living TaskManager are left alone"
    assert len(workers(cluster.home)) == 1
    assert "TaskManager" in flink_rest.exceptions(rest, job)[0]

    final = flink_rest.stop_with_savepoint(rest, job)
    assert flink_rest.state(rest, job) == "FINISHED"
    again = run_job(cluster, "-s", final)
    flink_rest.wait_until_running(rest, again, timeout=120)
    assert flink_rest.checkpoints(rest, again)["latest"]["restored"]["external_path"] == final
    until(lambda: flink_rest.latest_checkpoint(rest, again) is not None)
    kept = flink_rest.latest_checkpoint(rest, again)
    assert kept is not None
    assert flink_rest.cancel(rest, again) == "CANCELED"
    assert flink_rest.cancel(rest, again) == "CANCELED", "twice is fine"
    assert (Path(flink_rest.latest_checkpoint(rest, again).removeprefix("file:")) / "_metadata").is_file()


@pytest.mark.services
def test_what_is_refused_is_said(cluster: Registry) -> None:
    rest = cluster.services()[flink.JOBMANAGER].url
    nobody = f"http://{HOST}:{free_port(20000)}"
    for ask in (flink_rest.state, flink_rest.savepoint, flink_rest.stop_with_savepoint, flink_rest.cancel):
        with pytest.raises(ServiceError, match=r"refused .*not found"):
            ask(rest, "0" * 32)
        with pytest.raises(ServiceError, match=r"does not answer"):
            ask(nobody, "0" * 32)
    assert not flink_rest.answers(nobody)


def test_a_lost_answer_does_not_end_the_wait() -> None:
    """A connection that ends without an answer, as on a port that another cluster is just leaving."""
    with socket.create_server((HOST, 0)) as server:
        hanging_up = threading.Thread(target=lambda: server.accept()[0].close(), daemon=True)
        hanging_up.start()
        assert not flink._listed(f"http://{HOST}:{server.getsockname()[1]}", "taskmanager")
        hanging_up.join(10)
        assert not hanging_up.is_alive(), "it was asked"


@pytest.mark.services
def test_starting_twice_starts_once(cluster: Registry) -> None:
    before = cluster.services()
    flink.start(cluster)
    assert cluster.services() == before


@pytest.mark.parametrize("state", ["hashmap", "rocksdb"])
def test_the_configuration_stays_inside_the_home(tmp_path: Path, state: str) -> None:
    settings = configuration(tmp_path, {"rest": 1, "rpc": 2}, Size(), state)
    assert yaml.safe_load(yaml.safe_dump(settings)) == settings
    assert settings["state.backend.type"] == state
    for key, value in settings.items():
        if key.endswith((".dir", ".dirs", "-dir")):
            assert str(tmp_path) in value, key


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        ("", ""),
        (
            "java.lang.RuntimeException: outer\n\tat a.B\nCaused by: java.io.IOException: inner\n\tat c.D",
            "java.io.IOException: inner",
        ),
        (
            "java.lang.RuntimeException: x\nCaused by: java.util.concurrent.ExecutionException: Error received\n"
            'Traceback (most recent call last):\n  File "a.py", line 1\n    f()\n'
            "schemas.errors.StoreUnavailable: gone\n\n\tat a.B",
            "schemas.errors.StoreUnavailable: gone",
        ),
    ],
)
def test_the_cause_of_a_failure_is_the_innermost(trace: str, cause: str) -> None:
    assert flink_rest._root_cause(trace) == cause
