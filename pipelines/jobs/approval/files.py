"""Approval without services: folders in, a file of lines and a folder of reports out (`yuqing approve`).

The file is the register: applications that stand in it with the same fingerprint are not decided again, and count as
earlier ones when duplicates are looked for.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipelines.jobs.approval.approver import Approver, Decided
from pipelines.jobs.approval.automation import Automation
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


def approve(
    root: Path,
    lines: Lines,
    reports: Path | None,
    approver: Approver,
    automation: Automation,
    today: date,
    *,
    again: bool = False,
    done: Callable[[Decided], None] = lambda decided: None,
) -> Summary:
    """Decide on every application under ``root`` that is not decided yet; one line each, in the order of names.

    What an officer decided stays, whatever changed since. Raises UsageError for a root without applications and for two
    folders that give the same id.
    """
    found = [(folder, form_of(folder)) for folder in applications(root)]
    _distinct(found)
    before = earlier_of(found)
    summary = Summary()
    if reports is not None:
        reports.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder, form in found:
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
        if reports is not None:
            name = write_report(reports, form.id, approver.report(decided))
        lines.append(line_of(decided.decision, decided.seconds, name))
        automation.observe(decided)
        summary.decisions[decided.decision.decision] += 1
        done(decided)
    summary.stopped = not automation.automatic()
    return summary


def earlier_of(found: list[tuple[Path, Form]]) -> dict[str, list[str]]:
    """Application -> those of ``found`` that came before it for the same thing."""
    return earlier((form.id, key_of(form), form.submitted_at) for _, form in found)


def key_of(form: Form) -> str:
    """The duplicate key of a form; "" where its type is not known or does not say what makes two the same."""
    from udfs import types

    if form.problem:
        return ""
    try:
        kind = types.load(form.type)
    except UsageError:
        return ""
    return duplicate_key(kind.type, form, kind.duplicates)


def write_report(folder: Path, identity: str, html: str) -> str:
    """Write a report whole, for its owner's eyes; return its path, "" for an empty one."""
    if not html:
        return ""
    path = folder / f"{identity}.html"
    handle, aside = tempfile.mkstemp(dir=folder, prefix=".report-")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(html)
    Path(aside).replace(path)
    return str(path)


def _distinct(found: list[tuple[Path, Form]]) -> None:
    seen: dict[str, Path] = {}
    for folder, form in found:
        if form.id in seen:
            raise UsageError(
                f"{folder.name} and {seen[form.id].name} give the same id {form.id!r}: an id names one application"
            )
        seen[form.id] = folder
