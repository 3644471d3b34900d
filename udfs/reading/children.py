"""A few decoding processes and the tasks they are given: whoever hangs, dies or eats memory is replaced."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from udfs.reading import messages
from udfs.reading.limits import Limits
from udfs.reading.messages import Answer, Ask, Hello

START_SECONDS = 30.0
"""A fresh process imports libraries before its first answer: its first task may take that much longer."""


class Task:
    """An ask with the descriptor of its file."""

    __slots__ = ("ask", "descriptor", "tries")

    def __init__(self, ask: Ask, descriptor: int) -> None:
        self.ask = ask
        self.descriptor = descriptor
        self.tries = 0


class Children:
    """At most ``count`` processes, started when needed and kept. Not for several threads at once."""

    def __init__(self, limits: Limits, count: int) -> None:
        self._limits = limits
        self._count = max(1, count)
        self._idle: list[_Child] = []

    def run(
        self, tasks: Iterable[Task], done: Callable[[Task, Answer], Iterable[Task]], until: float | None = None
    ) -> None:
        """Gives out the tasks; ``done`` is called with each answer, in any order, and may return further tasks.

        Every task is answered: a process that runs longer than ``page_seconds`` is killed (``timeout``); one that dies
        (or reports that it has no memory left) is replaced, and the task tried once more in a fresh process, so that an
        answer does not depend on what the process did before. ``until``: time.monotonic() after which whatever is not
        answered has timed out."""
        waiting: deque[Task] = deque(tasks)
        busy: dict[_Child, Task] = {}
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or busy:
                    late = until is not None and time.monotonic() > until
                    while waiting and (late or len(busy) < self._count):
                        task = waiting.popleft()
                        if late:
                            waiting.extend(done(task, Answer(problem="timeout", detail="no time left for it")))
                            continue
                        child = self._idle.pop() if self._idle and not task.tries else _Child(self._limits)
                        child.give(task)
                        busy[child] = task
                        selector.register(child.socket, selectors.EVENT_READ, child)
                    ready = [key.data for key, _ in selector.select(timeout=0.2 if busy else 0)]
                    for child in list(busy):
                        answer: Answer | None = None
                        if child in ready:
                            answer = child.answer()
                        elif time.monotonic() > min(child.deadline, until or child.deadline):
                            child.kill()
                            answer = Answer(problem="timeout", detail=f"{time.monotonic() - child.since:.0f} s")
                        if answer is None:
                            continue
                        task = busy.pop(child)
                        selector.unregister(child.socket)
                        if child.alive and answer.problem != "memory":
                            self._idle.append(child)
                        else:
                            child.kill()
                        if answer.problem in ("memory", "died") and not task.tries:
                            task.tries = 1
                            waiting.appendleft(task)
                        else:
                            if answer.problem == "died":
                                answer.problem = "broken"
                            waiting.extend(done(task, answer))
            finally:
                for child in busy:  # an exception of ``done``, or KeyboardInterrupt
                    child.kill()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().kill()


class _Child:
    """One process and our end of its socket."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.socket, theirs = socket.socketpair()
        environment = {
            key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if key in os.environ
        }
        environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
        environment["OMP_NUM_THREADS"] = environment["OPENBLAS_NUM_THREADS"] = "1"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  this interpreter with one number as argument
                [sys.executable, "-m", "udfs.reading.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        self.since = self.deadline = time.monotonic()
        self._fresh = True
        self.alive = True
        messages.send(self.socket, Hello(limits))

    def give(self, task: Task) -> None:
        self.since = time.monotonic()
        self.deadline = self.since + self._limits.page_seconds + (START_SECONDS if self._fresh else 0.0)
        self._fresh = False
        try:
            self.socket.settimeout(self._limits.page_seconds)
            messages.send(self.socket, task.ask, task.descriptor)
        except OSError:
            pass  # it is dead: the socket reads as closed, and answer() tells

    def answer(self) -> Answer:
        try:
            return messages.receive_answer(self.socket)
        except (EOFError, OSError, ValueError, msgspec.MsgspecError):
            self.kill()
            code = self._process.returncode
            if code == -24:  # SIGXCPU
                return Answer(problem="timeout", detail=f"{self._limits.page_seconds / 2:.0f} CPU seconds")
            if code in (-9, -6, -5, -4):  # killed for memory by the kernel; abort or trap of a failed allocation
                return Answer(problem="memory", detail=f"the decoding process ended with signal {-code}")
            return Answer(problem="died", detail=f"the decoding process ended with code {code}")

    def kill(self) -> None:
        """Ends the process if it still runs, and reaps it."""
        self.alive = False
        if not self.socket._closed:  # type: ignore[attr-defined]
            self.socket.close()
        if self._process.poll() is None:
            try:
                self._process.wait(0.2)  # it may be about to end by itself: its exit code says why
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
