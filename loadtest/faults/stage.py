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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loadtest.faults.feed import Offer, to_folder, to_kafka
from loadtest.faults.network import Apart, Wires
from loadtest.faults.posts import Wave
from loadtest.outside import Failed, Outside, wait_for

BUNDLES = Path(__file__).parents[2] / "udfs" / "encoder" / "bundles"
"""Of the checkout: a site copies a bundle from there, too."""
DISKS = {"clickhouse": "768m", "runs": "48m", "audit": "48m"}
"""Folders of the home that get small disks of their own where this machine lets us mount, so that one can be full."""


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
    apart: Apart = field(default_factory=Apart)
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
            self.apart.open([self._store(), self.outside.kafka()])
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
                [*self.apart.inside, *self.outside.command(*words)],
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
            rows = map(json.loads, self.command("jobs", "--format", "json", check=False).stdout.splitlines())
            return any(
                row["id"] == self.job_id and row["state"] in ("RUNNING", "RESTARTING", "CREATED") for row in rows
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
        self.apart.close()
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

    def offered(self, wave: Wave) -> Offer:
        """Offers a wave at the stage's rate, as a context: leaving waits until all of it is offered."""
        to_queue = self.scene in ("cluster", "apart")
        give, finish = to_kafka(self.outside.kafka(), self.topic) if to_queue else to_folder(self.inbox)
        return Offer(wave, give, self.rate, self.patience_s, finish)

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End everything; what was mounted goes even where something else cannot be ended. May be called twice."""
        try:
            self.end()
            self.command("down", check=False)
        finally:
            self._clear()

    def _clear(self) -> None:
        self.apart.close()
        for folder in self._mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607 - mount's counterpart
        self._mounted.clear()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
