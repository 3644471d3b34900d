"""Wires between a job and what it talks to: proxies that do as they are told, and a network namespace."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence

from loadtest.outside import Failed

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
        for running in self._running:
            running.kill()
            running.wait()
            for pipe in (running.stdin, running.stdout):
                if pipe is not None:
                    pipe.close()
        self._running.clear()


class Apart:
    """A network namespace whose loopback has addresses of ours, through proxies and one pair of veth."""

    def __init__(self) -> None:
        self.wires = Wires()
        self.name = f"yuqing-{os.getpid()}"
        self.link = f"yq{os.getpid() % 10**9}"
        """The end of the wire on our side."""
        self._open = False

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that is to run there."""
        return ("ip", "netns", "exec", self.name)

    def open(self, addresses: Sequence[str]) -> None:
        """Make it. Each of our `addresses` (127.0.0.1:port) is at the same place on the other side."""
        _ip("netns", "add", self.name)
        self._open = True
        _ip("link", "add", self.link, "type", "veth", "peer", "name", "far", "netns", self.name)
        _ip("addr", "add", f"{HOST_SIDE}/30", "dev", self.link)
        _ip("link", "set", self.link, "up")
        for words in (
            ("addr", "add", f"{FAR_SIDE}/30", "dev", "far"),
            ("link", "set", "far", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self.name, *words)
        for address in addresses:
            port = address.rpartition(":")[2]
            self.wires.add(f"{HOST_SIDE}:{port}", address)
            self.wires.add(address, f"{HOST_SIDE}:{port}", before=self.inside)

    def connected(self, yes: bool) -> None:
        """Lift or lay the wire between the namespaces."""
        _ip("link", "set", self.link, "up" if yes else "down")

    def close(self) -> None:
        """Undo it; it can be opened again. May be called twice."""
        self.wires.close()
        if self._open:
            for words in (("link", "del", self.link), ("netns", "del", self.name)):
                with contextlib.suppress(Failed):
                    _ip(*words)
            self._open = False


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - iproute2
    if done.returncode:
        raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")
