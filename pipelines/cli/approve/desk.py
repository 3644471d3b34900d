"""Where an officer finds applications: beside an output of `approve` (--register F), or what the job stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from pipelines.cli.approve.run import cases_beside
from pipelines.cli.asking import WRITER, allowed
from pipelines.cli.main import Context

if TYPE_CHECKING:
    from governance.roles import Person
    from pipelines.jobs.approval.cases import Case, Cases
    from schemas.applications import Review
    from schemas.settings import Settings

PURPOSE = "decide on the application"
Register = Annotated[
    Path | None,
    typer.Option(help="An output of `approve` (its case files lie beside it); without it what the job stored."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why you look; stands in the audit ledger.")]


class Book(Protocol):
    """Where decisions are written: lines of a file, or the store."""

    def write(self, case: Case, review: Review, report: str) -> None:
        """Keep what an officer decided; returns after it is safe."""

    def rows(self) -> list[dict[str, Any]]:
        """One a decided application, without what documents say: id, type, decision, final, decided_by, ..."""

    def agreed(self) -> list[tuple[str, bool | None]]:
        """(type, whether the officer agreed) of every application that was reviewed."""


@dataclass(frozen=True)
class Desk:
    """An officer at work: whose, and on which cases."""

    person: Person
    cases: Cases
    book: Book
    home: Path
    settings: Settings

    def look(self, identity: str, reason: str) -> None:
        """Write down who looks at an application and why, before it is opened. Raises AccessRefused."""
        from governance.applications import may_see
        from governance.audit import Ledger, now_ms

        with Ledger(self.home, WRITER, now_ms) as ledger:
            may_see(ledger, self.person, identity, reason, PURPOSE, now_ms())


@contextmanager
def opened(
    context: typer.Context, action: str, identity: str, register: Path | None, token_file: Path | None
) -> Iterator[Desk]:
    """Settle that whoever asks may do ``action`` on application ``identity``, then open the book."""
    given: Context = context.obj
    settings = given.settings()
    subject = f"application {identity}" if identity else "applications"
    person = allowed(context, action, subject, token_file, settings=settings)
    if register is None:
        from pipelines.jobs.approval.stored import StoreBook, sealed_cases
        from pipelines.jobs.site import Site

        site = Site(given.home, settings)
        yield Desk(person, sealed_cases(site), StoreBook(site), given.home, settings)
        return
    from pipelines.jobs.approval.cases import Cases
    from pipelines.jobs.approval.lines import Lines
    from schemas.errors import UsageError

    if not register.is_file():
        raise UsageError(f"--register {register}: there is no such file; name an output of `yuqing approve`")
    with Lines(register) as lines:
        yield Desk(person, Cases(cases_beside(register)), _FileBook(lines), given.home, settings)


class _FileBook:
    def __init__(self, lines: Any) -> None:
        self._lines = lines

    def write(self, case: Case, review: Review, report: str) -> None:
        from pipelines.jobs.approval.lines import line_of
        from pipelines.jobs.approval.reviews import agreed, reviewed_line

        identity = case.decision.application_id
        rows = (row for row in self._lines.rows() if row["application_id"] == identity)
        row = next(rows, None) or line_of(case.decision, case.seconds, report)
        self._lines.append(reviewed_line(row, review, agreed(case.decision, review), report))

    def rows(self) -> list[dict[str, Any]]:
        names = ("application_id", "type", "decision", "final", "decided_by", "confidence", "reasons", "seconds")
        return [{name: row.get(name) for name in names} for row in self._lines.rows()]

    def agreed(self) -> list[tuple[str, bool | None]]:
        return [(row["type"], row["review"]["agreed"]) for row in self._lines.rows() if row.get("review")]
