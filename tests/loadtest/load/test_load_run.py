"""A short run on real services: nothing is lost, and a pipeline that stands still shows in the latency."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import Home

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]
SECONDS, STOP_S = 14, 5.0
PATIENCE_S = 600.0
"""Some 40 s pass before the first row on a quiet machine, ten times that on a busy one."""


def test_a_stopped_job_shows_in_the_latency(tmp_path: Path) -> None:
    """SIGSTOP of the Python worker for 5 s in the middle: offered = rows + dead letters all the same, and the posts
    that were due while it stood still have waited for it, as the intended times say."""
    home = Home(tmp_path / "home")
    output = tmp_path / "out"
    command = [sys.executable, "-m", "loadtest.load", "--home", str(home.path), "--output", str(output)]
    command += ["--rate", "20", "--seconds", str(SECONDS), "--way", "dir", "--parallelism", "1", "--up"]
    command += ["--source", "generate:?bad=.1"]
    with (tmp_path / "said").open("wb") as said:
        run = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        _wait_until(lambda: _stored(output) > 0, run)
        workers = home.workers()
        assert workers
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        time.sleep(STOP_S)
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
        assert run.wait(PATIENCE_S) == 0, (tmp_path / "said").read_text()
        report = json.loads((output / "report.json").read_text())
    finally:
        for worker in home.workers():
            worker.send_signal(signal.SIGCONT)
        if run.poll() is None:
            run.terminate()
            run.wait(120)
        home.run("down", code=None)
    assert report["offered"] == 20 * SECONDS == report["rows"] + report["dead_letters"]
    assert report["dead_letters"] > 0
    assert (report["missing"], report["doubled"]) == (0, 0)
    assert report["sender"]["kept"]
    # the posts due at the begin of the stop waited for all of it: a tenth of all posts at the least
    latency = report["latency"]["intended_to_stored"]
    assert latency["p90"] > STOP_S / 2
    assert latency["max"] > STOP_S - 1
    assert sum(one["stored"] for one in report["by_second"]) == report["rows"]
    assert report["cpu"]["python worker"]["seconds"] > 0
    assert {"taskmanager", "jobmanager"} <= report["gc"].keys()
    assert report["flink"]["checkpoints"] > 0
    assert not (output / "spool").exists()
    assert (output / "load.png").stat().st_size > 10_000
    assert not any(_mentions(process, output) for process in psutil.process_iter())  # no sender is left


def _stored(output: Path) -> int:
    samples = output / "samples.jsonl"
    lines = samples.read_text().splitlines() if samples.exists() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return max((one["position"]["rows"] for one in found if "position" in one), default=0)


def _mentions(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.pid != os.getpid() and any(str(folder) in part for part in process.cmdline())
    except psutil.Error:
        return False


def _wait_until(condition: object, run: subprocess.Popen[bytes]) -> None:
    assert callable(condition)
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert run.poll() is None, "the run ended before anything was stored"
        assert time.monotonic() < until, "nothing was stored"
        time.sleep(0.2)
