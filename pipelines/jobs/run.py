"""A run: one submission of a job, with a folder of its own under HOME/runs.

HOME/runs/opinion-20260101T120000-3f2a/
    spec.json       what was submitted; `resume` reads it again
    splits/         manifests of a file source
    checkpoints/, savepoints/
    worker-*.json   what each Python worker has counted so far
    stopped.json    why a worker asked for the job to be stopped
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import UsageError
from schemas.settings import Settings
from schemas.settings import load as load_settings

SPEC = "spec.json"
LOCAL = "local"
FLINK_TARGET = "flink://"


@dataclass(frozen=True)
class Spec:
    """What was submitted; plain values, no secrets (settings are named, not copied)."""

    job: str
    source: str
    """Complete: a generated feed's URI has its start time."""
    home: str
    run: str
    target: str = LOCAL
    engine: str = "flink"
    parallelism: int | None = None
    """None: what the settings say."""
    settings_file: str | None = None
    overrides: tuple[str, ...] = field(default=())
    generation: int = 0
    restore_from: str | None = None

    @property
    def folder(self) -> Path:
        return Path(self.home) / "runs" / self.run

    def settings(self) -> Settings:
        """The site's settings as they are now, under this run's overrides. Raises UsageError naming the key."""
        return load_settings(Path(self.settings_file) if self.settings_file else None, self.overrides)

    @property
    def rest(self) -> str:
        """Address of the cluster's REST endpoint. Raises UsageError for a target that is none."""
        host_port = self.target.removeprefix(FLINK_TARGET)
        host, colon, port = host_port.rpartition(":")
        if not self.target.startswith(FLINK_TARGET) or not colon or not host or not port.isdigit():
            raise UsageError(f"--target {self.target!r}: write local, or flink://host:port of the REST endpoint")
        return f"http://{host_port}"

    def save(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / SPEC
        aside = path.with_suffix(".tmp")
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(self))))
        aside.replace(path)
        return path


def new_run(job: str, now: datetime | None = None) -> str:
    """A name for a run that sorts by time and does not repeat."""
    return f"{job}-{(now or datetime.now(UTC)):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def load(path: Path) -> Spec:
    """Read a spec. Raises UsageError when there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Spec)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path}: not the spec of a run ({type(error).__name__})") from None


METADATA = "_metadata"
HEADER = bytes.fromhex("4960672d")
"""How Flink's metadata of a checkpoint or savepoint begin (`Checkpoints.HEADER_MAGIC_NUMBER`)."""


def of_savepoint(savepoint: str) -> Spec:
    """The spec of the run to which a savepoint or checkpoint belongs, set to restore from it.

    Raises UsageError for what is none, or is damaged so that its beginning shows it. Flink has no checksum: it finds
    what breaks the form of the rest when it restores.
    """
    path = Path(savepoint.removeprefix("file:")).absolute()
    if not path.exists():
        raise UsageError(f"savepoint {savepoint}: there is no such folder; `yuqing jobs` lists savepoints")
    if path.is_dir() and not _begins_well(path / METADATA):
        others = [str(one.parent) for one in sorted(path.parent.glob(f"chk-*/{METADATA}")) if one.parent != path]
        remedy = f"take another of this job: {', '.join(others)}" if others else "take an older one, or submit again"
        raise UsageError(f"savepoint {savepoint} is damaged: its {METADATA} is missing or not Flink's; {remedy}")
    for folder in path.parents:
        if (folder / SPEC).exists():
            return replace(load(folder / SPEC), restore_from=path.as_uri())
    raise UsageError(f"savepoint {savepoint} belongs to no run of yuqing: submit the job again instead")


def _begins_well(metadata: Path) -> bool:
    try:
        with metadata.open("rb") as file:
            return file.read(len(HEADER)) == HEADER
    except OSError:
        return False


def runs(home: Path) -> list[Spec]:
    """All runs of a home, newest first."""
    found = sorted((home / "runs").glob(f"*/{SPEC}"), reverse=True)
    return [load(path) for path in found]


def savepoints(spec: Spec) -> list[str]:
    """Complete savepoints of a run, newest last."""
    found = sorted(spec.folder.glob("savepoints/*/_metadata"), key=lambda path: path.stat().st_mtime)
    return [str(path.parent) for path in found]


def last_checkpoint(spec: Spec) -> str:
    """The newest complete checkpoint of a run; "" where there is none."""
    found = sorted(spec.folder.glob(f"checkpoints/*/chk-*/{METADATA}"), key=lambda path: path.stat().st_mtime)
    return str(found[-1].parent) if found else ""


def counts(folder: Path) -> dict[str, Any]:
    """What the workers of a run have counted: attempts, so a restart counts its posts again."""
    total: dict[str, Any] = {"posts": 0, "stored": 0, "dead_letters": 0, "costs": {}, "counted": {}}
    for path in folder.glob("worker-*.json"):
        worker = msgspec.json.decode(path.read_bytes())
        for name in ("posts", "stored", "dead_letters"):
            total[name] += worker[name]
        for step, (rows, seconds) in worker["costs"].items():
            before = total["costs"].get(step, (0, 0.0))
            total["costs"][step] = (before[0] + rows, before[1] + seconds)
        for step, counted in worker.get("counted", {}).items():
            sums = total["counted"].setdefault(step, {})
            for name, count in counted.items():
                sums[name] = sums.get(name, 0) + count
    return total


def remembered(counted: Mapping[str, Mapping[str, int]]) -> float | None:
    """Share of texts that `classify` answered without its model, as copies in their batch or of a text that
    `model.memo` kept; None when it saw none. A figure measured with it holds for feeds with as many copies."""
    seen = counted.get("classify", {})
    return (seen["remembered"] + seen["folded"]) / seen["texts"] if seen.get("texts") else None


def command_line(spec_path: Path, spec: Spec, python: str, flink: str) -> Sequence[str]:
    """The exact command that starts a run: the program itself, or Flink's own client around it."""
    program = str(Path(__file__).with_name("program.py"))
    if spec.target == LOCAL:
        return (python, "-m", "pipelines.jobs.program", str(spec_path))
    restore = ("-s", spec.restore_from) if spec.restore_from else ()
    address = spec.rest.removeprefix("http://")
    return (
        *(flink, "run", "-d", "-m", address, *restore),
        *("-pyexec", python, "-pyclientexec", python, "-py", program, str(spec_path)),
    )
