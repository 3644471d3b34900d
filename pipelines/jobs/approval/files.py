"""Approval without services: folders in, a file of lines and a folder of reports out (`yuqing approve`).

The file is the register: applications that stand in it with the same fingerprint are not decided again, and count as
earlier ones when duplicates are looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from pipelines.jobs.approval.approver import Approver, Decided
from pipelines.jobs.approval.cases import Cases, case_of, render
from pipelines.jobs.approval.folders import Form, applications, duplicate_key, earlier, form_of
from pipelines.jobs.approval.lines import MACHINE, Lines, line_of
from schemas.errors import UsageError


@dataclass
class Summary:
    """What a run did: decisions by name, and how many applications were already decided."""

    decisions: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    stopped: bool = False
    """Whether automatic approval was stopped at the end of the run."""


class Breaker(Protocol):
    """What `Automation` is to a run."""

    def automatic(self) -> bool: ...

    def observe(self, decided: Decided) -> None: ...


def approve(
    root: Path,
    lines: Lines,
    cases: Cases | None,
    approver: Approver,
    automation: Breaker,
    today: date,
    *,
    again: bool = False,
    folders: Sequence[Path] = (),
    done: Callable[[Decided], None] = lambda decided: None,
) -> Summary:
    """Decide on every application under ``root`` that is not decided yet; one line each, in the order of names.

    What an officer decided stays, whatever changed since. Raises UsageError for a root without applications and for two
    folders that give the same id. ``folders``: of further types.
    """
    found = [(folder, form_of(folder)) for folder in applications(root)]
    return approve_all(found, lines, cases, approver, automation, today, again=again, folders=folders, done=done)


def approve_all(
    found: Sequence[tuple[Path, Form]],
    lines: Lines,
    cases: Cases | None,
    approver: Approver,
    automation: Breaker,
    today: date,
    *,
    again: bool = False,
    folders: Sequence[Path] = (),
    only: Set[str] | None = None,
    done: Callable[[Decided], None] = lambda decided: None,
) -> Summary:
    """As `approve`, on folders whose forms were read; ``only``: decide on these ids, the others count as duplicates."""
    distinct(found)
    before = earlier_of(found, folders)
    summary = Summary()
    for folder, form in found:
        if only is not None and form.id not in only:
            continue
        held = lines.held.get(form.id)
        if held and held.decided_by != MACHINE:
            summary.unchanged += 1
            continue
        others = before.get(form.id, [])
        if held and not again and held.fingerprint == approver.fingerprint(folder, form, others):
            summary.unchanged += 1
            continue
        decided = approver.decide(folder, form, earlier=others, automatic=automation.automatic(), today=today)
        name = ""
        if cases is not None:
            case = case_of(decided)
            name = cases.put(case, render(case, approver.pages(), folders))
        lines.append(line_of(decided.decision, decided.seconds, name))
        automation.observe(decided)
        summary.decisions[decided.decision.decision] += 1
        done(decided)
    summary.stopped = not automation.automatic()
    return summary


def earlier_of(found: Sequence[tuple[Path, Form]], folders: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Application -> those of ``found`` that came before it for the same thing."""
    return earlier((form.id, key_of(form, folders), form.submitted_at) for _, form in found)


def key_of(form: Form, folders: Sequence[Path] = ()) -> str:
    """The duplicate key of a form; "" where its type is not known or does not say what makes two the same."""
    from udfs import types

    if form.problem:
        return ""
    try:
        kind = types.load(form.type, folders)
    except UsageError:
        return ""
    return duplicate_key(kind.type, form, kind.duplicates)


def distinct(found: Sequence[tuple[Path, Form]]) -> None:
    """Raises UsageError when two folders give the same id."""
    seen: dict[str, Path] = {}
    for folder, form in found:
        if form.id in seen:
            raise UsageError(
                f"{folder.name} and {seen[form.id].name} give the same id {form.id!r}: an id names one application"
            )
        seen[form.id] = folder
