"""The process that decodes files from outside: `python -m udfs.reading.child DESCRIPTOR`.

It limits itself before it touches a file, gets each file as an open descriptor, and answers with structs of
``messages``. What the kernel does when a limit is passed (no memory, SIGXCPU) may end it: the reader starts another.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import resource
import signal
import socket
import sys

from udfs.reading import messages
from udfs.reading.failures import Refused
from udfs.reading.limits import Limits
from udfs.reading.messages import Answer, Ask

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def limit_itself(limits: Limits) -> None:
    """Address space, no core dumps, no file may be written; and no network, where the kernel lets a process say so."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        # namespaces may be forbidden (containers often do): nothing here opens a connection anyway
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def allow_seconds(limits: Limits) -> None:
    """CPU time for one more task: SIGXCPU ends the process when it is used up."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + max(1.0, limits.page_seconds / 2)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def serve(at: socket.socket) -> None:
    """Answers one task after another until the reader closes its end."""
    from udfs.reading.decoding import Decoder

    limits = messages.receive_hello(at).limits
    limit_itself(limits)
    decoder = Decoder(limits)
    while True:
        try:
            ask, descriptor = messages.receive_ask(at)
        except (EOFError, OSError):
            return
        allow_seconds(limits)
        with open(descriptor, "rb", buffering=0) as file:
            answer = _answered(decoder, ask, file)
        messages.send(at, answer)
        if answer.problem == "memory":
            return  # what a failed allocation left behind is unknown: the next task gets a fresh process


def _answered(decoder: object, ask: Ask, file: io.FileIO) -> Answer:
    try:
        return decoder.answer(ask, file)  # type: ignore[attr-defined,no-any-return]
    except Refused as refused:
        return Answer(problem=refused.problem, detail=refused.detail)
    except MemoryError:
        return Answer(problem="memory", detail="an allocation was refused")
    except Exception as error:
        # decoders raise anything; their messages may hold text of the file: only the class is told
        if "bad_alloc" in str(error) or "Insufficient memory" in str(error) or "Failed to allocate" in str(error):
            return Answer(problem="memory", detail=f"{type(error).__name__} for want of memory")
        return Answer(problem="broken", detail=type(error).__name__)


def run() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the reader decides when it ends
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    run()
