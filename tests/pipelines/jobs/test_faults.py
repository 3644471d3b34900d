"""What a job's own parts do about faults. The table of faults is loadtest/faults (tests/loadtest/faults has its short
form); here stands what it cannot see from outside, or strikes in its full form only."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from governance.audit import Follow, verify
from pipelines.services import control, flink_rest
from pipelines.services.flink import JOBMANAGER, reap_orphans, start_taskmanager
from pipelines.services.registry import Registry
from schemas.errors import YuqingError

POSTS, RATE = 4_000, 160
"""25 seconds of posts: long enough to be hit in the middle."""
HIT_AFTER = 400
pytestmark = [pytest.mark.services, pytest.mark.faults, pytest.mark.timeout(900)]


def taskmanager(home):
    names = [name for name in Registry(home.path).services() if "taskmanager" in name]
    return names[0]


def stored(home):
    """Rows so far; 0 while the store is away."""
    try:
        return home.one("SELECT count() FROM posts FINAL")
    except YuqingError:
        return 0


def wait_for(condition, what, seconds=240):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.5)


def test_every_input_is_one_row_after_a_killed_taskmanager(clean):
    home = clean
    source = f"generate:?posts={POSTS}&rate={RATE}&seed=5"
    home.run("up", "--flink")
    target = "flink://" + Registry(home.path).running(JOBMANAGER).url.removeprefix("http://")
    before = set(home.path.glob("runs/*"))
    job = home.start("submit", "opinion", "--source", source, "--parallelism", "2", "--target", target, "--wait")
    try:
        wait_for(lambda: stored(home) >= HIT_AFTER or job.poll() is not None, "rows before the fault")
        assert job.poll() is None, "the job ended before the fault"
        control.kill(home.path, taskmanager(home))
        start_taskmanager(Registry(home.path))
        assert job.wait(timeout=500) == 0, (home.path / "command.log").read_text()[-3000:]
    finally:
        if job.poll() is None:
            job.kill()
    assert home.rows("SELECT count(), uniqExact(post_id) FROM posts FINAL") == [(POSTS, POSTS)]
    assert home.one("SELECT count() FROM dead_letters") == 0
    (run,) = set(home.path.glob("runs/*")) - before
    assert decided(home, run.name) >= POSTS, "a decision took effect that the ledger does not have"
    assert verify(home.path).ok
    reap_orphans(home.path)
    control_url = Registry(home.path).running(JOBMANAGER).url
    assert {found.state for found in flink_rest.list_jobs(control_url)} == {"FINISHED"}
    wait_for(lambda: not [worker for worker in home.workers() if worker.ppid() == 1], "no orphan workers", 60)


def decided(home, run):
    """Posts that workers of a run decided on, by the ledger; what was tried twice counts twice."""
    entries = [row for row in Follow(home.path).rows() if (row["actor"], row["action"]) == (run, "model.batch")]
    return sum(json.loads(row["detail"])["posts"] for row in entries)


def test_a_worker_that_asks_for_a_stop_gets_it(clean):
    """What an open circuit leaves in the run's folder ends the job, with the reason and exit code 1."""
    home = clean
    before = set(home.path.glob("runs/*"))
    job = home.start("submit", "opinion", "--source", "generate:?rate=50", "--parallelism", "1")
    wait_for(lambda: stored(home) > 0 or job.poll() is not None, "first rows")
    (run,) = set(home.path.glob("runs/*")) - before
    (run / "stopped.json").write_text('{"why": "step mask: 40 of the last 1000 records failed", "at": 0}')
    job.communicate(timeout=120)
    assert job.returncode == 1
    assert "step mask: 40 of the last 1000 records failed" in (home.path / "command.log").read_text()


LOSES = """
import sys

import psutil

from pipelines.cli.main import run
from pipelines.jobs import program

attend, begun, what = program._attend, [], sys.argv.pop(1)

def attending(spec, result, client, watch, cluster):
    begun.append(spec.restore_from)

    def lose(counts):
        watch(counts)
        if len(begun) == 1 and counts["stored"] >= 400:
            begun.append("lost")
            if what == "JVM":
                [java.kill() for java in psutil.Process().children(recursive=True) if java.name() == "java"]
                return
            field = client._j_job_client.getClass().getDeclaredField("miniCluster")
            field.setAccessible(True)
            field.get(client._j_job_client).terminateTaskManager(0)

    return attend(spec, result, client, lose, cluster)

program._attend = attending
run()
"""


@pytest.mark.parametrize("what", ["TaskManager", "JVM"])
def test_a_command_goes_on_when_what_its_job_ran_in_is_gone(clean, what):
    """Flink gives a mini cluster no other TaskManager: the job would wait for slots for ever."""
    home = clean
    source = "generate:?posts=2000&rate=200&seed=6"
    words = ["--home", str(home.path), "submit", "opinion", "--source", source, "--set", "flink.checkpoint_s=1"]
    done = subprocess.run(
        [sys.executable, "-c", LOSES, what, *words], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"the {what} is gone: a new one goes on" in done.stderr
    assert "chk-" in done.stderr.partition("a new one goes on")[2], "from a checkpoint, not from the start"
    assert home.rows("SELECT count(), uniqExact(post_id) FROM posts FINAL") == [(2_000, 2_000)]
    assert home.one("SELECT count() FROM dead_letters") == 0
    assert verify(home.path).ok
