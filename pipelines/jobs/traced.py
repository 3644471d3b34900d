"""What the audit ledger says of jobs: what they run with, that they started, by whom, and how they ended.

Entries of a job come from the writer ``jobs``; changes of rules, settings and code from the writer ``changes``
(``governance.audit.changes``); decisions from the workers (``governance.audit.decisions``).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from governance.audit import Ledger, note_change, now_ms
from governance.audit.changes import DEPLOY, RULES, SETTINGS
from governance.keys import load_keys
from governance.purpose import require_purpose
from pipelines.engines.job import Job
from pipelines.jobs.run import Spec
from schemas.errors import JobError, YuqingError
from schemas.settings import Settings
from udfs.encoder.bundle import load_bundle
from udfs.keywords.ruleset import RuleSet

WRITER = "jobs"
START, END = "job.start", "job.end"
_ROOMS = ("schemas", "udfs", "governance", "pipelines")
_PROGRAM = "yuqing"
_SECRET = ("password", "webhook", "master", "token", "disk", "configuration")
"""Last parts of settings whose values may hold a secret: in the ledger they are keyed hashes."""


@dataclass(frozen=True)
class NoteRules:
    """Called with rules before they come into force; pickles. Raises JobError when the ledger cannot be written."""

    home: Path

    def __call__(self, rules: RuleSet) -> None:
        state = {file.name: file.sha256[:16] for file in rules.files}
        try:
            note_change(self.home, _PROGRAM, RULES, "keyword rules", state | {"version": rules.version[:16]})
        except OSError as error:
            raise JobError(f"the audit ledger cannot be written: {error.strerror}") from None


def note_state(home: Path, settings: Settings, actor: str) -> None:
    """Record settings, code and model when they are not those that were recorded last."""
    key = load_keys(home, settings.keys.master, settings.keys.token).token.secret
    note_change(home, actor, SETTINGS, "settings", settings_state(settings, key))
    note_change(home, actor, DEPLOY, "program and model", deployed(settings))


def settings_state(settings: Settings, key: bytes) -> dict[str, str]:
    """Every setting by its dotted name; those that may hold a secret as the start of an HMAC under ``key``."""
    state = {}
    for name, value in _flat(settings.model_dump()):
        shown = str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)
        if name.rpartition(".")[2] in _SECRET and shown not in ("", "file", "{}"):
            shown = "hmac:" + hmac.digest(key, b"setting\0" + shown.encode(), "sha256").hex()[:16]
        elif len(shown) > _SHOWN:
            shown = "sha256:" + hashlib.sha256(shown.encode()).hexdigest()[:16]
        state[name] = shown
    return state


_SHOWN = 120


def deployed(settings: Settings) -> dict[str, str]:
    """What decides: version and digest of the code, the model's name, version and digest."""
    bundle = load_bundle(settings.model.bundle)
    return {
        "yuqing": metadata.version("yuqing"),
        "code": _code_digest(),
        "model": f"{bundle.name}@{bundle.version}",
        "model.sha256": hashlib.sha256((bundle.path / "bundle.json").read_bytes()).hexdigest()[:16],
    }


@contextmanager
def recorded(spec: Spec, job: Job, settings: Settings, actor: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write the entry of a job's start before, and that of its end after what stands under this ``with``.

    Yields a function that takes what the end should say (counts, a savepoint, the id on a cluster). Raises UsageError
    for a job without purpose or lawful basis: it does not start.
    """
    declared = require_purpose(job)
    home = Path(spec.home)
    note_state(home, settings, actor)
    detail = {
        "job": spec.job,
        "source": spec.source[:500],
        "target": spec.target,
        "engine": spec.engine,
        "generation": spec.generation,
        "restored": spec.restore_from is not None,
        "purpose": declared.text,
        "lawful_basis": declared.lawful_basis,
    }
    with spanned(home, actor, f"run {spec.run}", detail) as ended:
        yield ended


@contextmanager
def spanned(
    home: Path, actor: str, subject: str, detail: Mapping[str, Any]
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """An entry that something began before, and one how it ended after what stands under this ``with``.

    Yields a function that takes what the end should say.
    """
    outcome: dict[str, Any] = {}
    with Ledger(home, WRITER, now_ms) as ledger:
        entry = ledger.append(actor, START, subject, detail)
        try:
            yield outcome.update
        except BaseException as error:
            why = str(error) if isinstance(error, YuqingError) else type(error).__name__
            ledger.append(actor, END, subject, {"start": entry.id, "state": "failed", "why": why[:500]})
            raise
        ended = {name: value for name, value in outcome.items() if value not in (None, "")}
        ledger.append(actor, END, subject, {"start": entry.id, "state": "ended", **ended})


def note(home: Path, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
    """An entry of an operator's act on jobs: a cancel, a savepoint, a retry of dead letters, a replay."""
    with Ledger(home, WRITER, now_ms) as ledger:
        ledger.append(actor, action, subject, detail)


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """SHA-256 over the names and contents of the program's source files; 10 ms, once a process."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[2]
    for path in sorted(path for room in _ROOMS for path in (root / room).rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _flat(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and not path:
            yield from _flat(value, f"{name}.")
        else:
            yield path + name, value
