"""The JVM that PyFlink starts beside a command: its mini cluster lives there."""

from __future__ import annotations

import contextlib

import psutil


def lives() -> bool:
    """Whether the JVM is there."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if child.name() == "java" and child.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def end() -> None:
    """Kill the JVM and the workers below it, without ceremony; PyFlink starts another when it next needs one."""
    from pyflink import java_gateway

    below = psutil.Process().children(recursive=True)
    for child in below:
        with contextlib.suppress(psutil.Error):
            if "pyflink" in " ".join(child.cmdline()):  # the JVM has its jars from there
                child.kill()
    psutil.wait_procs(below, timeout=10)
    gone, java_gateway._gateway = java_gateway._gateway, None
    if gone is not None:
        with contextlib.suppress(Exception):  # py4j finds nobody at the other end
            gone.shutdown_callback_server()
