"""What the watch sees: kinds of processes, CPU over births and deaths, and that nothing that fails stops it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest.load import watch
from loadtest.outside import Outside, kind

FLINK = "java -cp /e/pyflink/lib/flink-dist.jar org.apache.flink.runtime"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{FLINK}.entrypoint.StandaloneSessionClusterEntrypoint -D x", "jobmanager"),
        (f"{FLINK}.taskexecutor.TaskManagerRunner -D x", "taskmanager"),
        ("java -cp /e/pyflink/lib/a.jar org.apache.flink.client.python.PythonGatewayServer", "flink client"),
        ("python -m pyflink.fn_execution.beam.beam_boot --id=1", "python worker"),
        ("/bin/bash /e/pyflink/bin/pyflink-udf-runner.sh --id=1", "flink client"),
        ("java -Xmx320m kafka.Kafka /h/kafka/server.properties", "kafka"),
        ("python -m pipelines.store.embedded /h/clickhouse/config.xml", "clickhouse"),
        ("python -m pipelines.store.notify --home /h", "notifier"),
        ("python -m pipelines.jobs.watch --home /h", "watch"),
        ("python /e/bin/yuqing --home /h sql", "command"),
    ],
)
def test_kinds(line: str, expected: str) -> None:
    assert kind(line.split()) == expected


class Site(Outside):
    """A home whose processes the test names."""

    def processes(self) -> dict[int, str]:
        return dict(LIVING)


LIVING: dict[int, str] = {}
SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ntime.sleep(60)"


def test_cpu_of_processes_that_end_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SLOW_S", 0.0)
    processes = watch.Processes(Site(tmp_path))
    assert processes.sample() == {}
    spent = []
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None
            child.stdout.readline()
            LIVING[child.pid] = "worker"
            found = processes.sample()["worker"]
            assert (found["count"], found["threads"]) == (1, 1)
            assert 0 < found["pss"] <= found["rss"]
            spent.append(found["cpu_s"])
        finally:
            LIVING.clear()
            child.kill()
            child.wait()
        gone = processes.sample()["worker"]
        assert (gone["count"], gone["cpu_s"]) == (0, spent[-1])
    assert spent[0] >= 0.27  # the kernel counts in steps of 10 ms
    assert spent[1] >= spent[0] + 0.27


def test_a_service_that_is_down_is_told_and_the_watch_goes_on(tmp_path: Path) -> None:
    class Down:
        def sample(self, ask: Any = None) -> dict[str, Any]:
            raise OSError("no route")

    path = tmp_path / "samples.jsonl"
    down: Any = Down()
    with watch.Watch(Site(tmp_path), path, position=down, flink=down, every_s=0.02) as watching:
        until = time.monotonic() + 20
        while not path.exists() or path.read_text().count("\n") < 3:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert watching.latest["missing"][:2] == ["position: OSError", "flink: OSError"]
    with path.open("a") as file:
        file.write('{"at": 1, "mis')  # killed in the middle of a line
    assert len(watch.read(path)) >= 3
