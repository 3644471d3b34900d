"""A home under fire: its services, the job of a scene, and how posts are offered to it.

Nothing here knows what will be struck. A stage starts what a scene needs when it is first asked for, keeps one job
running from row to row while it can, and clears everything away at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from confluent_kafka import Producer

from loadtest.faults.posts import Wave
from loadtest.faults.table import LIBFAKETIME
from loadtest.outside import Failed, Outside, wait_for

BUNDLES = Path(__file__).parents[2] / "udfs" / "encoder" / "bundles"
"""Of the checkout: a site copies a bundle from there, too."""
DISKS = {"clickhouse": "768m", "runs": "48m", "audit": "48m"}
"""Folders of the home that get small disks of their own where this machine lets us mount, so that one can be full."""
TOPIC = "posts"
HOST_SIDE, FAR_SIDE = "10.213.77.1", "10.213.77.2"


class Wires:
    """The proxies of a scene: all are told the same."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def add(self, listen: str, to: str, before: tuple[str, ...] = ()) -> str:
        """Start a proxy (inside of `before`, a namespace say); return where it listens."""
        command = [*before, sys.executable, "-m", "loadtest.faults.proxy", "--listen", listen, "--to", to]
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        self._running.append(running)
        assert running.stdout is not None  # noqa: S101 - it is a pipe
        said = running.stdout.readline().decode()
        if not said.startswith("listens on "):
            raise Failed(f"no proxy on {listen}: {said}")
        return said.split()[-1]

    def tell(self, order: str) -> None:
        for running in self._running:
            assert running.stdin is not None  # noqa: S101 - it is a pipe
            running.stdin.write(order.encode() + b"\n")
            running.stdin.flush()

    def close(self) -> None:
        """End everything; what was mounted goes even where something else cannot be ended. May be called twice."""
        try:
            self.end()
            self.command("down", check=False)
        finally:
            self._clear()

    def _clear(self) -> None:
        if self._apart:
            for words in (("link", "del", self.link), ("netns", "del", self._namespace)):
                with contextlib.suppress(Failed):
                    _ip(*words)
            self._apart = False
        for folder in self._mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607 - mount's counterpart
        self._mounted.clear()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - iproute2
    if done.returncode:
        raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")


def faked_clock(folder: Path) -> dict[str, str]:
    """What a process must have in its environment to see a clock that `set_clock(folder, ...)` moves."""
    return {
        "LD_PRELOAD": str(LIBFAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(folder: Path, offset_s: int) -> None:
    """Move the clock of the home's processes by so much from the true one, at once and for all of them."""
    aside = folder / "clock.new"
    aside.write_text(f"{offset_s:+d}\n")
    aside.replace(folder / "clock")
