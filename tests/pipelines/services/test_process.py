"""Detached processes: what they hold, how they end, what is said when they do not start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pipelines.services.process import (
    HOME_MARK,
    TOKEN_MARK,
    Spawned,
    is_alive,
    kill,
    marked,
    rotate,
    spawn,
    stop,
    tail,
    wait_until_answers,
)
from schemas.errors import ServiceError

OBEDIENT = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('ready', flush=True); time.sleep(60)"
)


class Home:
    def __init__(self, path: Path) -> None:
        self.path, self.log = path, path / "logs" / "it.log"
        self.started: list[Spawned] = []

    def spawn(self, program: str) -> Spawned:
        process = spawn("it", [sys.executable, "-c", program], home=self.path, log=self.log)
        self.started.append(process)
        return process

    def ready(self, process: Spawned) -> Spawned:
        wait_until_answers("it", lambda: "ready" in self.log.read_text(), process, logs=[self.log], timeout=60)
        return process


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    for process in home.started:
        kill(process)


@pytest.mark.parametrize(("program", "graceful"), [(OBEDIENT, True), (STUBBORN, False), (PARENT, True)])
def test_stop_ends_the_process_and_its_children(home: Home, program: str, graceful: bool) -> None:
    process = home.ready(home.spawn(program))
    assert is_alive(process)
    assert stop(process, grace=1 if program is STUBBORN else 20) is graceful
    assert not is_alive(process)
    assert list(marked(TOKEN_MARK, process.token)) == []
    assert stop(process) is True, "stopping twice is fine"


def test_a_pid_alone_does_not_make_it_ours(home: Home) -> None:
    process = home.ready(home.spawn(OBEDIENT))
    recycled = replace(process, token="0" * 32)
    assert not is_alive(recycled)
    stop(recycled)
    assert is_alive(process), "another process with a pid we once had is left alone"


def test_a_zombie_is_not_alive(home: Home) -> None:
    process = home.ready(home.spawn(OBEDIENT))
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_alive(process):
        assert time.monotonic() < deadline
    assert not psutil.pid_exists(process.pid), "reaped, since we are its parent"


@pytest.mark.parametrize(
    ("program", "timeout", "what"),
    [
        ("print('port 8123 is taken'); raise SystemExit(3)", 30, "ended after"),
        ("import time; print('port 8123 is taken', flush=True); time.sleep(60)", 2, "did not answer within 2 s"),
    ],
)
def test_who_does_not_answer_is_stopped_and_quoted(home: Home, program: str, timeout: float, what: str) -> None:
    process = home.spawn(program)
    with pytest.raises(ServiceError) as raised:
        wait_until_answers("it", lambda: False, process, logs=[home.log], timeout=timeout)
    assert what in str(raised.value)
    assert "port 8123 is taken" in str(raised.value)
    assert str(home.log) in str(raised.value)
    assert not is_alive(process)


def test_a_program_that_is_not_there_is_named(home: Home) -> None:
    with pytest.raises(ServiceError, match="it cannot be started: /no/such/program: No such file"):
        spawn("it", ["/no/such/program"], home=home.path, log=home.log)


def test_it_holds_nothing_of_its_caller(home: Home) -> None:
    """`up | cat` returns: the pipe, an inherited descriptor and the session are all left behind."""
    caller = textwrap.dedent(
        f"""
        import os, sys
        from pathlib import Path
        from pipelines.services.process import spawn
        os.set_inheritable(int(sys.argv[1]), True)
        started = spawn("it", [sys.executable, "-c", {OBEDIENT!r}], home=Path({str(home.path)!r}),
                        log=Path({str(home.log)!r}))
        print(started.pid, started.started, started.token)
        """
    )
    reader, writer = os.pipe()
    run = subprocess.run(
        [sys.executable, "-c", caller, str(writer)],
        capture_output=True,  # waits for the end of the pipe, so for everyone who holds it
        text=True,
        timeout=60,
        pass_fds=[writer],
        check=True,
    )
    os.close(writer)
    pid, started, token = run.stdout.split()
    process = Spawned(int(pid), float(started), token)
    home.started.append(process)
    assert is_alive(process)
    assert os.read(reader, 1) == b"", "end of the pipe: nobody holds its other end"
    os.close(reader)
    assert os.getsid(process.pid) == process.pid
    assert psutil.Process(process.pid).cwd() == str(home.path)
    assert {environ[HOME_MARK] for _, environ in marked(TOKEN_MARK, token)} == {str(home.path)}


def test_each_start_has_a_log_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    for number in range(6):
        rotate(log)
        log.write_text(f"start {number}\n")
    found = {path.name: path.read_text().strip() for path in tmp_path.iterdir()}
    assert found == {"it.log": "start 5", "it.log.1": "start 4", "it.log.2": "start 3", "it.log.3": "start 2"}


def test_tail_is_the_end(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log, 2) == "    line 9998\n    line 9999"
    assert "empty" in tail(tmp_path / "none.log")
