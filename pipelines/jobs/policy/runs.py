"""Where runs lie: a folder that `simulate` was given, or HOME/policy/RUN of a submitted one."""

from __future__ import annotations

from pathlib import Path

from pipelines.jobs.policy.outputs import REPORT
from schemas.errors import UsageError


def kept(home: Path, run: str) -> Path:
    """Folder of a submitted run."""
    return home / "policy" / run


def find(home: Path, where: str) -> Path:
    """The folder of a run, by its path or by the name of a submitted one. Raises UsageError with those there are."""
    for folder in (Path(where), kept(home, where)):
        if (folder / REPORT).is_file():
            return folder
    known = sorted(path.parent.name for path in (home / "policy").glob(f"*/{REPORT}"))
    submitted = ", ".join(known[-5:]) or "(none submitted)"
    raise UsageError(f"no run {where!r}: give the folder that `simulate` wrote, or one of {submitted}")
