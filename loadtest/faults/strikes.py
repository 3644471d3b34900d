"""One function a kind of fault: it strikes, yields while the fault lasts, and mends what an operator would mend.

What a strike sees that must not be (a job that goes on with a damaged model, say) it adds to `wrong`.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from loadtest.faults import clock as clocks
from loadtest.faults.stage import BUNDLES, Stage
from loadtest.faults.table import Fault
from loadtest.outside import Failed, wait_for

Strike = Callable[[Stage, Fault, list[str]], AbstractContextManager[None]]


@contextmanager
def nothing(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """What every other row is compared with."""
    yield


@contextmanager
def kill(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """SIGKILL every process of a kind. `up` brings services back; a job whose JobManager or command died is resumed
    from its last checkpoint; Flink starts Python workers again by itself, the command a JVM."""
    victims = _victims(stage, fault.target)
    checkpoint = stage.checkpoints()[-1] if fault.target in ("command", "jobmanager") else None
    for victim in victims:
        victim.kill()
    psutil.wait_procs(victims, timeout=stage.patience_s)
    yield
    _mend(stage, fault.target)
    if checkpoint is not None:
        wait_for(lambda: not stage.pids("python worker"), "the workers of the dead job to go", stage.patience_s)
        stage.submit(str(stage.checkpoints()[-1]))


@contextmanager
def restart(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """SIGTERM, as a rolling restart gives it, and the service again afterwards."""
    victims = _victims(stage, fault.target)
    for victim in victims:
        victim.terminate()
    psutil.wait_procs(victims, timeout=stage.patience_s)
    yield
    _mend(stage, fault.target)


@contextmanager
def pause(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """SIGSTOP, then SIGCONT: a machine that swaps, a hypervisor that moves a guest."""
    victims = _victims(stage, fault.target)
    for victim in victims:
        victim.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for victim in victims:
            with contextlib.suppress(psutil.Error):
                victim.send_signal(signal.SIGCONT)


@contextmanager
def full_disk(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """The disk of a folder of the home has no byte left, whatever is merged or freed meanwhile."""
    folder = stage.disk(fault.target)
    if folder is None:
        raise Failed(f"HOME/{fault.target} has no small disk of its own: it could not be mounted")
    filler = folder / "filler"
    over = threading.Event()
    filling = threading.Thread(target=_fill, args=(filler, over), daemon=True, name="filler")
    filling.start()
    try:
        yield
    finally:
        over.set()
        filling.join()
        filler.unlink(missing_ok=True)


def _fill(filler: Path, over: threading.Event) -> None:
    with filler.open("wb") as file:
        while not over.is_set():
            free = os.statvfs(filler.parent)
            if room := free.f_bavail * free.f_frsize:
                with contextlib.suppress(OSError):  # somebody else was faster
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), room)
            over.wait(0.01)


@contextmanager
def clock(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """The clock of all processes jumps by `target` seconds, and stays there: the next row goes on with it."""
    clocks.move(stage.folder, int(fault.target))
    yield


@contextmanager
def wire(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """What `loadtest.faults.proxy` does to each connection: the order stands in `target`."""
    wires = stage.apart.wires if stage.scene == "apart" else stage.wires
    wires.tell(fault.target)
    try:
        yield
    finally:
        wires.tell("pass")


@contextmanager
def partition(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """The link between the job's namespace and that of the store and Kafka goes down."""
    stage.apart.connected(False)
    try:
        yield
    finally:
        stage.apart.connected(True)


@contextmanager
def table_setting(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """`posts` refuses inserts: read-only (code 774; a replicated table says 242), too many parts (252)."""
    names = [assignment.partition("=")[0].strip() for assignment in fault.target.split(",")]
    with stage.outside.store() as store:
        store.command(f"ALTER TABLE posts MODIFY SETTING {fault.target}")
    try:
        yield
    finally:
        with stage.outside.store() as store:
            store.command(f"ALTER TABLE posts RESET SETTING {', '.join(names)}")


@contextmanager
def descriptors(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """No process of a kind may open one more file."""
    before = []
    for victim in _victims(stage, fault.target):
        before.append((victim, victim.rlimit(resource.RLIMIT_NOFILE)))
        victim.rlimit(resource.RLIMIT_NOFILE, (max(3, victim.num_fds()), before[-1][1][1]))
    try:
        yield
    finally:
        for victim, limits in before:
            with contextlib.suppress(psutil.Error):
                victim.rlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def poisoned_model(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """A file of the bundle changes by one bit and the workers start again: not a post may be labelled by it."""
    file = stage.bundle / fault.target
    whole = file.read_bytes()
    _replace(file, flipped(whole))
    try:
        for victim in _victims(stage, "python worker"):
            victim.kill()
        time.sleep(3)  # what was on its way to the store has come
        before = _stored(stage)
        said = stage.command(
            "--settings", str(stage.settings), "submit", "opinion", "--source", "generate:?posts=1", check=False
        )
        if not said.returncode or fault.target not in said.stderr:
            wrong.append(f"submit takes a damaged bundle: exit {said.returncode}, {said.stderr.strip()[-200:]}")
        yield
        if (after := _stored(stage)) != before:
            wrong.append(f"{after - before} posts were labelled by a damaged model")
    finally:
        _replace(file, whole)


@contextmanager
def corrupt_checkpoint(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """The job is gone and the newest checkpoint damaged: `resume` must refuse it, and take the one before."""
    stage.newer_checkpoints(2)
    if stage.scene == "cluster":
        stage.command("cancel", stage.job_id)
    else:
        for victim in [*stage.pids("jvm"), *stage.pids("command")]:
            victim.kill()
        wait_for(lambda: not stage.pids("python worker"), "the workers of the dead job to go", stage.patience_s)
    yield
    kept = stage.checkpoints()
    if len(kept) < 2:
        raise Failed(f"{len(kept)} checkpoint(s) kept: without a second one a damaged one is the end")
    metadata = kept[-1] / "_metadata"
    metadata.write_bytes(garbled(metadata.read_bytes()))
    before = _stored(stage)
    target = ("--target", "flink://" + stage.rest()) if stage.scene == "cluster" else ()
    try:
        said = stage.command("--settings", str(stage.settings), "resume", *target, str(kept[-1]), check=False)
    except subprocess.TimeoutExpired:
        wrong.append("resume of a damaged checkpoint does not end")
    else:
        if not said.returncode or kept[-1].name not in said.stderr:
            wrong.append(f"resume takes a damaged checkpoint: exit {said.returncode}, {said.stderr.strip()[-300:]}")
    if _stored(stage) != before:
        wrong.append("resume stored posts out of a damaged checkpoint")
    stage.submit(str(kept[-2]))


@contextmanager
def upgrade(stage: Stage, fault: Fault, wrong: list[str]) -> Iterator[None]:
    """Stopped with a savepoint, resumed with another model and with a column more in the store."""
    savepoint = stage.stop()
    with stage.outside.store() as store:
        store.command("ALTER TABLE posts ADD COLUMN IF NOT EXISTS of_a_later_version String DEFAULT 'later'")
    yield
    stage.configure(model={"bundle": str(BUNDLES / fault.target)})
    stage.submit(str(savepoint))


STRIKES: dict[str, Strike] = {
    function.__name__: function
    for function in (
        nothing,
        kill,
        restart,
        pause,
        full_disk,
        clock,
        wire,
        partition,
        table_setting,
        descriptors,
        poisoned_model,
        corrupt_checkpoint,
        upgrade,
    )
}


def flipped(content: bytes) -> bytes:
    """The bytes with the lowest bit of the middle one changed."""
    at = len(content) // 2
    return content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]


def garbled(content: bytes) -> bytes:
    """The bytes with one bit in every sixteenth changed, from the first on. Flink has no checksum over a checkpoint's
    metadata: it sees what breaks their form, not a bit in the middle of a value."""
    return bytes(byte ^ 1 if at % 16 == 0 else byte for at, byte in enumerate(content))


def _replace(file: Path, content: bytes) -> None:
    """A new file in the place of the old: whoever has mapped the old one keeps it."""
    aside = file.with_name(f".{file.name}")
    aside.write_bytes(content)
    aside.replace(file)


def _victims(stage: Stage, kind: str) -> list[psutil.Process]:
    victims = stage.pids(kind)
    if not victims:
        raise Failed(f"no process of kind {kind!r} runs: nothing to strike")
    return victims


def _mend(stage: Stage, kind: str) -> None:
    if kind not in ("python worker", "command", "jvm"):
        stage.up()


def _stored(stage: Stage) -> int:
    return int(stage.outside.ask("SELECT count() FROM posts FINAL")[0][0])
