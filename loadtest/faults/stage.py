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
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loadtest.faults.posts import Wave
from loadtest.faults.table import LIBFAKETIME
from loadtest.outside import Failed, Outside, wait_for

BUNDLES = Path(__file__).parents[2] / "udfs" / "encoder" / "bundles"
"""Of the checkout: a site copies a bundle from there, too."""
DISKS = {"clickhouse": "768m", "runs": "48m", "audit": "48m"}
"""Folders of the home that get small disks of their own where this machine lets us mount, so that one can be full."""
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


@dataclass
class Stage:
    """One home, its settings and the job that runs on it. `close` leaves nothing running or mounted."""

    home: Path
    folder: Path
    """For logs, inboxes and copies of bundles."""
    parallelism: int = 2
    rate: int = 100
    """Posts offered a second."""
    patience_s: float = 300
    """Most seconds to wait for what needs no fault to come."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What every process of the home gets, besides what the caller has."""
    scene: str = ""
    job: subprocess.Popen[bytes] | None = None
    job_id: str = ""
    run: Path | None = None
    """Folder of the run of the job."""
    wires: Wires = field(default_factory=Wires)
    _mounted: list[Path] = field(default_factory=list)
    _flink: bool = False
    _kafka: bool = False
    _apart: bool = False
    _submitted: int = 0
    """Jobs begun, those that were resumed apart."""

    def __post_init__(self) -> None:
        self.outside = Outside(self.home)
        self.inbox = self.folder / "inbox-0"
        self.topic = "posts-0"
        self.bundle = self.folder / "bundle"
        self.log = self.folder / "job.log"
        self.settings = self.folder / "settings.yaml"
        self._before: dict[str, str | None] = {}

    def open(self) -> None:
        """Start the home. Small disks are mounted where that is allowed."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        if os.geteuid() == 0:
            for name, size in DISKS.items():
                self._mount(self.home / name, size)
        shutil.copytree(BUNDLES / "encoder", self.bundle, dirs_exist_ok=True)
        self.configure()
        self.command("up")

    def _mount(self, folder: Path, size: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
        if not any(folder.iterdir()) and subprocess.run(command, capture_output=True, check=False).returncode == 0:  # noqa: S603
            self._mounted.append(folder)

    def disk(self, name: str) -> Path | None:
        """The small disk of a folder of the home; None where there is none."""
        folder = self.home / name
        return folder if folder in self._mounted else None

    def configure(self, **sections: Mapping[str, Any]) -> None:
        """Write the settings file that jobs run with. Labels must not depend on lag, so nothing is shed."""
        values: dict[str, Any] = {
            "flink": {"checkpoint_s": 1},
            "overload": {"lag_s": 0},
            "model": {"bundle": str(self.bundle)},
        }
        self.settings.write_text(yaml.safe_dump(values | sections), encoding="utf-8")

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the home to its end, with the stage's patience."""
        return self.outside.run(*words, timeout_s=self.patience_s, check=check)

    # -- the job ---------------------------------------------------------------------------------------------------

    def play(self, scene: str) -> None:
        """Have the job of a scene running: the one that runs, if it is of this scene."""
        if self.scene == scene and self.runs():
            return
        self.end()
        self.scene = scene
        if scene == "folder":
            self.submit()
        elif scene == "wire":
            where = self.wires.add("127.0.0.1:0", self._store())
            password = self.folder / "password"
            password.touch(mode=0o600)
            password.write_text(json.loads((self.home / "keys" / "clickhouse.json").read_text())["yuqing"])
            self.configure(store={"url": f"http://{where}", "password_file": str(password)})
            self.submit()
        elif scene == "cluster":
            self.command("up", "--flink", "--kafka")
            self._flink = self._kafka = True
            self.submit()
        else:
            self.command("up", "--kafka")
            self._kafka = True
            self._separate()
            self.submit()

    def _store(self) -> str:
        return f"127.0.0.1:{self.outside.services()['clickhouse']['ports']['http']}"

    def source(self) -> str:
        if self.scene in ("folder", "wire"):
            return f"dir://{self.inbox}"
        return f"kafka://{self.outside.kafka()}/{self.topic}"

    def submit(self, *resume: str) -> None:
        """Start the job, or go on with it from a savepoint or checkpoint (`resume`: its folder)."""
        known = set(self.home.glob("runs/opinion-*"))
        if resume:
            words = ["--settings", str(self.settings), "resume", *resume]
        else:
            self._feed()
            words = ["--settings", str(self.settings), "submit", "opinion", "--source", self.source()]
            words += ["--parallelism", str(self.parallelism)]
        if self.scene == "cluster":
            if not resume:
                words += ["--target", "flink://" + self.rest()]
            else:
                words[3:3] = ["--target", "flink://" + self.rest()]
            done = self.command(*words)
            self.job_id = done.stdout.split()[-1]
        else:
            self.job = self._start(*words)
        if not resume:
            wait_for(lambda: self._new_run(known) or not self.runs(), "a run of the job", self.patience_s)
            self.run = self._new_run(known)
            if self.run is None:
                raise Failed(f"the job ended: {self.said()}")

    def _feed(self) -> None:
        """A folder or topic of the new job's own: it would read all that the job before was given once more."""
        self._submitted += 1
        if self.scene in ("folder", "wire"):
            self.inbox = self.folder / f"inbox-{self._submitted}"
            self.inbox.mkdir(parents=True)
            return
        self.topic = f"posts-{self._submitted}"
        admin = AdminClient({"bootstrap.servers": self.outside.kafka(), "log_level": 0})
        topic = NewTopic(self.topic, num_partitions=self.parallelism, replication_factor=1)
        admin.create_topics([topic])[self.topic].result(timeout=self.patience_s)  # Flink fails while it is not there

    def rest(self) -> str:
        return f"127.0.0.1:{self.outside.services()['flink-jobmanager']['ports']['rest']}"

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        if self.scene != "apart":
            return self.outside.start(*words, log=self.log)
        with self.log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own command in our own namespace
                ["ip", "netns", "exec", self._namespace, *self.outside.command(*words)],  # noqa: S607 - iproute2
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _new_run(self, known: set[Path]) -> Path | None:
        new = sorted(path.parent for path in self.home.glob("runs/opinion-*/spec.json") if path.parent not in known)
        return new[-1] if new else None

    def runs(self) -> bool:
        """Whether the job is there; on a cluster: whether the cluster knows it as one that is not over."""
        if self.scene == "cluster":
            if not self.job_id:
                return False
            states = json.loads(self.command("jobs", "--format", "json", check=False).stdout or "[]")
            return any(
                row["id"] == self.job_id and row["state"] in ("RUNNING", "RESTARTING", "CREATED") for row in states
            )
        return self.job is not None and self.job.poll() is None

    def said(self) -> str:
        """The end of what the job's command said."""
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints of the run, newest last."""
        if self.run is None:
            return []
        found = []
        for path in self.run.glob("checkpoints/*/chk-*/_metadata"):
            with contextlib.suppress(FileNotFoundError):  # Flink removes old ones at any time
                found.append((path.stat().st_mtime, path.parent))
        return [folder for _, folder in sorted(found)]

    def settle(self) -> None:
        """Wait for a checkpoint that began after now: what is stored by now is then never read again."""
        self.newer_checkpoints(2)

    def newer_checkpoints(self, count: int) -> None:
        seen: set[Path] = set()
        before = set(self.checkpoints())

        def made() -> bool:
            if self.job is not None and self.job.poll() is not None:
                raise Failed(f"the job ended: {self.said()}")
            seen.update(set(self.checkpoints()) - before)
            return len(seen) >= count

        wait_for(made, "checkpoints", self.patience_s, every_s=0.1)

    def stop(self) -> Path:
        """Stop the job with a savepoint; return the savepoint."""
        if self.scene == "cluster":
            return Path(self.command("savepoint", self.job_id, "--stop").stdout.split()[-1])
        assert self.job is not None  # noqa: S101 - a scene whose job is a command
        self._commands()[-1].send_signal(signal.SIGTERM)
        self.job.wait(timeout=self.patience_s)
        return Path(self.said().split()[-1])

    def _commands(self) -> list[psutil.Process]:
        """The command of the job; `ip netns exec` becomes it, so it is the process that was started."""
        assert self.job is not None  # noqa: S101 - a scene whose job is a command
        return [psutil.Process(self.job.pid)]

    def end(self) -> None:
        """End the job of now, without ceremony, and what was there for its scene."""
        if self.scene == "cluster" and self.job_id:
            self.command("cancel", self.job_id, check=False)
        if self.job is not None:
            with contextlib.suppress(psutil.Error):
                for process in [*psutil.Process(self.job.pid).children(recursive=True), psutil.Process(self.job.pid)]:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            self.job.wait(timeout=60)
        self.job, self.job_id, self.run, self.scene = None, "", None, ""
        self.wires.close()
        self._join()
        self.configure()

    # -- processes ---------------------------------------------------------------------------------------------------

    def pids(self, kind: str) -> list[psutil.Process]:
        """Living processes of a kind. "command" is the command of the job, "jvm" the Flink inside of it."""
        if kind == "command":
            return self._commands()
        if kind == "jvm":
            return [child for child in self._commands()[0].children(recursive=True) if child.name() == "java"]
        found = []
        for pid, name in self.outside.processes().items():
            with contextlib.suppress(psutil.Error):
                if name == kind:
                    found.append(psutil.Process(pid))
        return found

    def up(self) -> None:
        """Start what does not run, as an operator does."""
        words = (*(("--flink",) if self._flink else ()), *(("--kafka",) if self._kafka else ()))
        self.command("up", *words)

    # -- posts ---------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def offered(self, wave: Wave) -> Iterator[threading.Thread]:
        """Offer a wave at the stage's rate, from a thread of its own; leaving waits until all of it is offered."""
        offer = self._to_kafka if self.scene in ("cluster", "apart") else self._to_folder
        failures: list[BaseException] = []

        def run() -> None:
            try:
                offer(wave)
            except BaseException as error:  # told by the thread that waits
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True, name="feed")
        thread.start()
        yield thread
        thread.join(timeout=self.patience_s)
        if failures or thread.is_alive():
            raise Failed(f"the wave could not be offered: {failures}")

    def _pieces(self, wave: Wave) -> Iterator[tuple[int, list[bytes]]]:
        size = max(1, self.rate // 2)
        began = time.monotonic()
        for first in range(0, wave.count, size):
            yield first, list(wave.lines(first, size))
            time.sleep(max(0.0, began + (first + size) / self.rate - time.monotonic()))

    def _to_folder(self, wave: Wave) -> None:
        for first, lines in self._pieces(wave):
            aside = self.inbox / f".{wave.name}-{first:06d}.jsonl"
            aside.write_bytes(b"".join(line + b"\n" for line in lines))
            aside.rename(self.inbox / aside.name[1:])

    def _to_kafka(self, wave: Wave) -> None:
        producer = Producer({"bootstrap.servers": self.outside.kafka(), "enable.idempotence": True, "log_level": 0})
        for first, lines in self._pieces(wave):
            for index, line in enumerate(lines, first):
                producer.produce(self.topic, line, key=str(index))
            producer.poll(0)
        if left := producer.flush(240):
            raise Failed(f"Kafka did not take {left} posts")

    # -- a namespace of its own ----------------------------------------------------------------------------------------

    @property
    def _namespace(self) -> str:
        return f"yuqing-{os.getpid()}"

    @property
    def link(self) -> str:
        """The end of the wire on our side."""
        return f"yq{os.getpid() % 10**9}"

    def _separate(self) -> None:
        """A network namespace whose loopback has the home's store and Kafka, through proxies and one pair of veth."""
        _ip("netns", "add", self._namespace)
        self._apart = True
        _ip("link", "add", self.link, "type", "veth", "peer", "name", "far", "netns", self._namespace)
        _ip("addr", "add", f"{HOST_SIDE}/30", "dev", self.link)
        _ip("link", "set", self.link, "up")
        for words in (
            ("addr", "add", f"{FAR_SIDE}/30", "dev", "far"),
            ("link", "set", "far", "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self._namespace, *words)
        for address in (self._store(), self.outside.kafka()):
            port = address.rpartition(":")[2]
            self.wires.add(f"{HOST_SIDE}:{port}", address)
            self.wires.add(address, f"{HOST_SIDE}:{port}", before=("ip", "netns", "exec", self._namespace))

    def connected(self, yes: bool) -> None:
        """Lift or lay the wire between the namespaces."""
        _ip("link", "set", self.link, "up" if yes else "down")

    def close(self) -> None:
        """End everything; what was mounted goes even where something else cannot be ended. May be called twice."""
        try:
            self.end()
            self.command("down", check=False)
        finally:
            self._clear()

    def _join(self) -> None:
        """Undo `_separate`: the next job of the scene makes a namespace again."""
        if self._apart:
            for words in (("link", "del", self.link), ("netns", "del", self._namespace)):
                with contextlib.suppress(Failed):
                    _ip(*words)
            self._apart = False

    def _clear(self) -> None:
        self._join()
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


def move_clock(folder: Path, by_s: int) -> None:
    """Move that clock from where it stands."""
    set_clock(folder, int((folder / "clock").read_text()) + by_s)
