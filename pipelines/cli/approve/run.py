"""`approve --input DIR --output F`: decide on a folder of applications, without services; `approve types`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

approve = typer.Typer(invoke_without_command=True)
app.add_typer(approve, name="approve", rich_help_panel="Approval")


@approve.callback()
def decide(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="A folder of applications: a folder each, with application.json."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON lines, one a decision; what stands there is kept.")
    ] = None,
    reports: Annotated[
        Path | None, typer.Option(help="Folder of the explanation reports; default: beside the output.")
    ] = None,
    with_reports: Annotated[bool, typer.Option("--with-reports/--no-reports", help="Write reports at all.")] = True,
    again: Annotated[bool, typer.Option("--again", help="Decide also what is decided with the same inputs.")] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that read pages; default: what settings say.")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Propose a decision on each application: approve, refer to a person, or propose to reject; no service is needed.

    Only an officer rejects. Output and reports hold what the documents say: they are made for your eyes only."""
    if context.invoked_subcommand is not None:
        return
    from datetime import datetime

    from governance.keys import ensure_keys
    from pipelines.jobs.approval import LAWFUL_BASIS, NAME, PURPOSE
    from pipelines.jobs.approval.approver import Approver, Decided
    from pipelines.jobs.approval.automation import Automation
    from pipelines.jobs.approval.cases import Cases
    from pipelines.jobs.approval.files import approve as run
    from pipelines.jobs.approval.folders import CHINA
    from pipelines.jobs.approval.lines import Lines
    from pipelines.jobs.approval.stored import tell_store
    from pipelines.jobs.site import Site
    from pipelines.jobs.traced import spanned
    from schemas.errors import UsageError

    if source is None or target is None:
        raise UsageError("approve needs --input DIR and --output F; `yuqing approve --help` lists its other commands")
    given: Context = context.obj
    settings = given.settings(overrides)
    cases = Cases(reports or cases_beside(target)) if with_reports else None
    person = allowed(context, "job.operate", "approve", token_file, settings=settings)
    keys = ensure_keys(given.home, settings.keys.master, settings.keys.token)
    site = Site(given.home, settings)
    automation = Automation(given.home, settings.approval, say, lambda state: tell_store(site, state, say))

    detail = {"job": NAME, "source": str(source)[:500], "purpose": PURPOSE, "lawful_basis": LAWFUL_BASIS}

    def told(decided: Decided) -> None:
        say(f"{decided.form.id}: {decided.decision.decision} ({decided.seconds:.1f} s)")

    with (
        spanned(given.home, person.name, "approve", detail) as ended,
        Lines(target) as lines,
        Approver(settings, keys.token.secret, processes) as approver,
    ):
        today = datetime.now(CHINA).date()
        summary = run(
            source, lines, cases, approver, automation, today, again=again, folders=settings.approval.types, done=told
        )
        ended({**summary.decisions, "unchanged": summary.unchanged})
    n = summary.decisions
    say(
        f"{sum(n.values())} applications: {n['approve']} approved, {n['refer']} referred to a person, "
        f"{n['propose_reject']} proposed to be rejected; {summary.unchanged} decided before"
    )
    if summary.stopped:
        say("automatic approval is stopped, so everything is referred: `yuqing approve automation status`")


def cases_beside(target: Path) -> Path:
    """Where the case files of an output lie."""
    return target.with_name(f"{target.name}.reports")


@approve.command("types")
def types_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
) -> None:
    """List the types of applications, with the versions of their rules."""
    from udfs import types

    given: Context = context.obj
    folders = given.settings().approval.types
    rows = []
    for name in types.names(folders):
        kind = types.load(name, folders=folders)
        rows.append(
            {
                "type": kind.type, "title": kind.title, "version": kind.version, "documents": len(kind.documents),
                "fields": len(kind.fields), "rules": len(kind.rules), "digest": kind.digest[:16],
            }
        )  # fmt: skip
    listing(rows, how)
