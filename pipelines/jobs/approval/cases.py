"""Case files: a decision with its report, kept so that an officer can look at it, correct it and be asked about it.

Beside the output of `approve` they are plain files for their owner's eyes; of the job they lie sealed under
``HOME/approval/cases`` and open for an officer only (`approve show`). The originals stay where they are: a case holds
where its folder is, not what the files hold.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from pipelines.jobs.approval.approver import Decided
from schemas.applications import Decision, Reading, Review
from schemas.errors import JobError, UsageError

if TYPE_CHECKING:
    from udfs.reading import Reader


class Case(msgspec.Struct, frozen=True):
    """A decision, what its report was drawn from, and what officers made of it."""

    decision: Decision
    folder: str
    reading: Reading
    """Without lines: which files there were, how each page was turned and cut."""
    seconds: float
    reviews: tuple[Review, ...] = ()
    """Oldest first; the last counts."""


class Seal(Protocol):
    """Encrypts what a case holds, bound to the application's id."""

    def seal(self, identity: str, content: bytes) -> bytes: ...

    def open(self, identity: str, sealed: bytes) -> bytes: ...


class Cases:
    """A folder of cases: ``ID.html`` and ``ID.json``, both sealed where there is a ``seal``."""

    def __init__(self, folder: Path, seal: Seal | None = None) -> None:
        self.folder, self._seal = folder, seal
        self._suffix = ".sealed" if seal else ""

    def put(self, case: Case, html: str) -> str:
        """Write a case and its report; return the report's path. Raises JobError."""
        identity = case.decision.application_id
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(identity, ".json", msgspec.json.encode(case))
            return str(self._write(identity, ".html", html.encode("utf-8", "replace")))
        except OSError as error:
            raise JobError(f"{self.folder} cannot be written: {error.strerror}") from None

    def get(self, identity: str) -> Case:
        """The case of an application. Raises UsageError when there is none."""
        content = self._read(identity, ".json")
        try:
            return msgspec.json.decode(content, type=Case)
        except msgspec.DecodeError:
            raise UsageError(f"the case file of {identity} is damaged: decide again with --again") from None

    def report(self, identity: str) -> bytes:
        """The report of an application. Raises UsageError when there is none."""
        return self._read(identity, ".html")

    def _write(self, identity: str, kind: str, content: bytes) -> Path:
        if self._seal is not None:
            content = self._seal.seal(identity + kind, content)
        path = self.folder / f"{identity}{kind}{self._suffix}"
        handle, aside = tempfile.mkstemp(dir=self.folder, prefix=".case-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(aside).replace(path)
        return path

    def _read(self, identity: str, kind: str) -> bytes:
        path = self.folder / f"{identity}{kind}{self._suffix}"
        try:
            if path.parent != self.folder:
                raise FileNotFoundError
            content = path.read_bytes()
        except OSError:
            raise UsageError(f"there is no case of an application {identity!r} in {self.folder}") from None
        return self._seal.open(identity + kind, content) if self._seal is not None else content


def case_of(decided: Decided, reviews: Sequence[Review] = ()) -> Case:
    """The case of a decision that was just made."""
    files = tuple(
        msgspec.structs.replace(
            file, pages=tuple(msgspec.structs.replace(page, lines=(), rules=()) for page in file.pages)
        )
        for file in decided.reading.files
    )
    reading = msgspec.structs.replace(decided.reading, files=files)
    folder = str(decided.folder.absolute())
    return Case(decided.decision, folder, reading, round(decided.seconds, 3), tuple(reviews))


def render(case: Case, reader: Reader, folders: Sequence[Path] = (), show: Literal["masked", "full"] = "masked") -> str:
    """The report of a case, with what officers said last.

    ``reader`` draws the pages; a file that is no longer there gives no picture. ``folders``: of further types.
    """
    from udfs import types
    from udfs.explanations import pictures_of
    from udfs.explanations import render as draw

    decision, folder = case.decision, Path(case.folder)
    return draw(
        decision,
        types.load(decision.type, folders) if decision.rules else None,
        folder,
        pictures_of(case.reading, lambda page: reader.page_picture(folder, page)),
        case.reviews[-1] if case.reviews else None,
        reading=case.reading,
        seconds=case.seconds,
        show=show,
    )
