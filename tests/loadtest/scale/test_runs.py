"""A run that is stopped goes on where it was and adds up; a run that was kept is not run again.

The command here is a small program that behaves as `submit` and `resume` do; test_scale_services has the real ones.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtest.outside import Failed, Outside
from loadtest.scale import kept, runs
from schemas.errors import UsageError

COMMAND = """
import json, os, pathlib, signal, subprocess, sys, time
home, what, rest = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
with (home / "asked.txt").open("a") as asked: asked.write(what + "\\n")
run = home / "runs" / "opinion-1"
(run / "savepoints" / "s1").mkdir(parents=True, exist_ok=True)
(run / "spec.json").write_text("{}")
def count(posts):
    seen = {"texts": posts, "remembered": posts // 2, "folded": 0}
    said = {"posts": posts, "stored": posts, "dead_letters": 1, "costs": {"mask": [posts, posts / 1000]}}
    (run / f"worker-{os.getpid()}.json").write_text(json.dumps(said | {"counted": {"classify": seen}}))
def stop(*_):
    count(40); print(run / "savepoints" / "s1"); sys.stdout.flush(); os._exit(0)
signal.signal(signal.SIGTERM, stop)
if what == "resume":
    for path in run.glob("worker-*"): path.unlink()
    count(60); sys.exit(0)
if "broken" in str(rest): sys.exit("no such thing")
if "long" in str(rest):
    (home / "ready").touch(); time.sleep(60)
# a grandchild that outlives its parent: its CPU belongs to the run all the same
subprocess.Popen([sys.executable, "-c", "import time\\nwhile time.process_time() < .6: pass"])
count(100)
"""


@dataclass(frozen=True)
class Pretended(Outside):
    """A home whose command is the program above, and whose store holds 100 posts."""

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", COMMAND, str(self.home), *arguments]

    def processes(self) -> dict[int, str]:
        return {}

    @contextlib.contextmanager
    def store(self, user: str = "yuqing") -> Iterator[Any]:
        yield SimpleNamespace(query=lambda sql, parameters: SimpleNamespace(result_rows=[(100, 0, 2000, [1, 2, 3])]))

    def asked(self) -> list[str]:
        return (self.home / "asked.txt").read_text().split()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    (tmp_path / "home" / "runs").mkdir(parents=True)
    monkeypatch.setattr(runs, "QUIET_FOR_S", 0.0)
    monkeypatch.setattr(runs, "SAMPLE_S", 0.1)
    return Pretended(tmp_path / "home")


def test_a_run_is_measured_once_with_what_its_orphans_spent(home: Pretended, tmp_path: Path) -> None:
    path, stop = tmp_path / "out" / "a.json", threading.Event()
    request = runs.Request("generate:?posts=100", 1)
    found = runs.measured(home, path, request, stop)
    assert found["cpu_s"]["command"] >= 0.6
    assert (found["posts"], found["posts_per_s"], found["remembered"], found["segments"]) == (100, 50.0, 0.5, 1)
    assert found["step_us"] == {"mask": 1000.0}
    assert runs.measured(home, path, request, stop) == found
    assert home.asked() == ["submit"]
    with pytest.raises(UsageError, match="another parallelism"):
        runs.measured(home, path, runs.Request("generate:?posts=100", 2), stop)


def test_a_stopped_run_goes_on_from_its_savepoint_and_adds_up(home: Pretended, tmp_path: Path) -> None:
    path, stop = tmp_path / "out" / "a.json", threading.Event()
    request = runs.Request("generate:?long=1", 1)

    def soon() -> None:
        while not (home.home / "ready").exists():
            stop.wait(0.05)
        stop.set()

    threading.Thread(target=soon, daemon=True).start()
    with pytest.raises(kept.Stopped, match="goes on there"):
        runs.measured(home, path, request, stop)
    assert not path.exists()
    assert json.loads(path.with_suffix(".part.json").read_text())["savepoint"].endswith("s1")
    found = runs.measured(home, path, request, threading.Event())
    assert home.asked() == ["submit", "resume"]
    assert found["counted"]["classify"]["texts"] == 100  # 40 before the savepoint, 60 after
    assert (found["dead_letters"], found["segments"], found["posts_per_s"]) == (2, 2, None)
    assert not path.with_suffix(".part.json").exists()


def test_a_run_whose_end_nobody_saw_begins_anew(home: Pretended, tmp_path: Path) -> None:
    path, request = tmp_path / "out" / "a.json", runs.Request("generate:?posts=100", 1)
    kept.write(
        path.with_suffix(".part.json"), {"request": request.plain(), "segments": [], "savepoint": None, "alive": []}
    )
    assert runs.measured(home, path, request, threading.Event())["segments"] == 1
    assert home.asked() == ["submit"]


def test_a_command_that_fails_is_told_and_nothing_is_kept(home: Pretended, tmp_path: Path) -> None:
    path = tmp_path / "out" / "a.json"
    with pytest.raises(Failed, match="no such thing"):
        runs.measured(home, path, runs.Request("generate:?broken=1", 1), threading.Event())
    assert not path.exists()
    path.write_text("not JSON")
    with pytest.raises(UsageError, match="remove it"):
        runs.measured(home, path, runs.Request("generate:?posts=1", 1), threading.Event())
