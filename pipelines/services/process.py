"""Start, watch and stop a detached process.

A process started here outlives its caller and holds nothing of it: own session, no stdin, no working directory, no
file descriptor but a socket that was opened for it. It carries three marks in its environment, which all its children
inherit: ``YUQING_HOME``,
``YUQING_SERVICE`` and a random ``YUQING_TOKEN``. The token, not the pid, says that a process is still the one we
started: a recycled pid has another token, and a stepped clock does not change it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from schemas.errors import ServiceError

HOME_MARK, SERVICE_MARK, TOKEN_MARK = "YUQING_HOME", "YUQING_SERVICE", "YUQING_TOKEN"
KEPT_LOGS = 3
SECRET_VARIABLES = ("YUQING_STORE__PASSWORD", "YUQING_KAFKA__SASL_PASSWORD", "YUQING_APPROVER_TOKEN")
"""What a caller may have in its environment, and no service that runs for months should have in its own."""
_START_TIME_TOLERANCE = 2.0  # seconds; only counts where a process's environment cannot be read

# Popen objects of our own children, so that a dead child is reaped while its caller (a test, `demo`) lives on.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Spawned:
    """What identifies a process we started: pid, start time (seconds since the epoch) and its token."""

    pid: int
    started: float
    token: str


def rotate(log: Path, keep: int = KEPT_LOGS) -> None:
    """Move ``log`` to ``log.1``, ``log.1`` to ``log.2`` and so on; the oldest goes. So a log begins with its start."""
    for number in range(keep - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of ``log``, indented; the last 8 KiB at most."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            last = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        last = []
    return "\n".join(f"    {line}" for line in last) or "    (the log is empty)"


def spawn(
    name: str,
    arguments: Sequence[str | Path],
    *,
    home: Path,
    log: Path,
    environ: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    keeps: Sequence[str] = (),
) -> Spawned:
    """Start ``arguments`` as a leader of its own session, with stdout and stderr in ``log``.

    ``environ`` is added to the caller's environment, without ``SECRET_VARIABLES`` but those in ``keeps``; of the
    caller's descriptors it gets ``pass_fds`` and no other.
    Files it makes are readable by the owner only.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    token = secrets.token_hex(16)
    marks = {HOME_MARK: str(home), SERVICE_MARK: name, TOKEN_MARK: token}
    dropped = set(SECRET_VARIABLES) - set(keeps)
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 - the command line is ours
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                close_fds=True,
                pass_fds=pass_fds,
                cwd=home,
                env={**inherited, **(environ or {}), **marks},
                start_new_session=True,
                umask=0o077,
            )
    except OSError as error:
        raise ServiceError(f"{name} cannot be started: {arguments[0]}: {error.strerror}") from error
    _children[child.pid] = child
    try:
        started = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        started = time.time()
    return Spawned(child.pid, started, token)


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def is_alive(process: Spawned) -> bool:
    """True while the very process that was started runs (not another one with its pid, not a zombie)."""
    try:
        found = psutil.Process(process.pid)
        if found.status() == psutil.STATUS_ZOMBIE:
            _reap(process.pid)
            return found.num_threads() > 1  # a killed JVM holds its ports until its last thread is gone
        try:
            environ = found.environ()
        except psutil.Error:
            environ = {}
        if environ:
            return environ.get(TOKEN_MARK) == process.token
        # not ours to read, or in the instant between fork and exec, or ending but not ended yet
        return abs(found.create_time() - process.started) < _START_TIME_TOLERANCE
    except psutil.NoSuchProcess:
        _reap(process.pid)
        return False


def marked(mark: str, value: str) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Every process whose environment has ``mark`` = ``value``, with that environment. Cost: ~30 us a process."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            if environ.get(mark) == value and process.status() != psutil.STATUS_ZOMBIE:
                yield process, environ


def wait_until_answers(
    name: str, answers: Callable[[], bool], process: Spawned, *, logs: Sequence[Path], timeout: float
) -> float:
    """Return the seconds until ``answers()`` was true. If the process dies or ``timeout`` passes, stop it and raise.

    The ServiceError ends with the tails of the logs. Pass only logs that begin with this start: they hold no post.
    """
    began = time.monotonic()
    pause = 0.05
    while True:
        if answers():
            return time.monotonic() - began
        waited = time.monotonic() - began
        alive = is_alive(process)
        if not alive or waited > timeout:
            what = f"did not answer within {timeout:.0f} s" if alive else f"ended after {waited:.1f} s"
            stop(process, grace=5)
            raise ServiceError("\n".join([f"{name} {what}", *(f"  the end of {log}:\n{tail(log)}" for log in logs)]))
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def stop(process: Spawned, *, grace: float = 20) -> bool:
    """End the process and all that it started; return whether it went by itself.

    SIGTERM to the process, ``grace`` seconds for it, then SIGKILL to it and to whatever carries its token still
    (a Flink TaskManager's Python workers, say). Safe to call for a process that is long gone.
    """
    graceful = not is_alive(process)
    if not graceful:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        graceful = _wait_until_gone(process, grace)
    kill(process)
    return graceful


def kill_leader(process: Spawned) -> bool:
    """SIGKILL the process alone and wait until it is gone; return whether it was there. For faults in tests, too."""
    if not is_alive(process):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    _wait_until_gone(process, 20)
    return True


def kill(process: Spawned) -> int:
    """SIGKILL the process, then whatever carries its token; return how many there were."""
    return kill_leader(process) + kill_all(child for child, _ in marked(TOKEN_MARK, process.token))


def kill_all(processes: Iterator[psutil.Process]) -> int:
    """SIGKILL each and wait until they are gone; return how many there were."""
    found = list(processes)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(found, timeout=10)
    return len(found)


def _wait_until_gone(process: Spawned, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
