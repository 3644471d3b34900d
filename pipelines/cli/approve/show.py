"""`approve list`, `approve show ID`: what was decided, and the report of one application."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.approve.desk import Reason, Register, opened
from pipelines.cli.approve.run import approve
from pipelines.cli.asking import TokenFile
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

COLUMNS = ("application_id", "type", "decision", "final", "decided_by", "confidence", "reasons", "seconds")


@approve.command("list")
def list_applications(
    context: typer.Context,
    register: Register = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for an officer.")] = False,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List decisions, for officers; nothing of what documents say, but an id may be the name of a folder."""
    with opened(context, "application.review", "", register, token_file) as desk:
        rows = [row for row in desk.book.rows() if not (waiting and row["final"])]
    listing(rows, how, COLUMNS)


@approve.command()
def show(
    context: typer.Context,
    application_id: Annotated[str, typer.Argument(help="Id of the application.")],
    register: Register = None,
    reason: Reason = "",
    full: Annotated[
        bool, typer.Option("--full", help="Identity numbers in full, in text and pictures; else only in part.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report here; default: stdout.")
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Write the explanation report of an application, after the audit entry. Needs --reason."""
    from schemas.errors import UsageError

    with opened(context, "application.see", application_id, register, token_file) as desk:
        desk.look(application_id, reason)
        case = desk.cases.get(application_id)
        if full:
            from pipelines.jobs.approval.cases import render
            from udfs.reading import Limits, Reader

            with Reader(Limits(**desk.settings.approval.reading.model_dump())) as reader:
                html = render(case, reader, desk.settings.approval.types, show="full").encode("utf-8", "replace")
        else:
            html = desk.cases.report(application_id)
    if output is None:
        sys.stdout.buffer.write(html)
        return
    try:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(html)
    except OSError as error:
        raise UsageError(f"--output {output}: {error.strerror}") from None
    say(f"{output}: the report of application {application_id}")
