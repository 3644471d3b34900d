"""`approve automation status | stop | close`: whether the machine may approve."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.approve.run import approve
from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.automation import State
    from pipelines.jobs.approval.automation import Automation

automation = typer.Typer(help="Whether the machine may approve: the circuit breaker.", no_args_is_help=True)
approve.add_typer(automation, name="automation")
Why = Annotated[str, typer.Option("--reason", help="Why; stands in the audit ledger.")]


@automation.command()
def status(
    context: typer.Context, how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE
) -> None:
    """Show whether automatic approval goes on or is stopped, since when and why, and how far each band is from it."""
    held = _automation(context)
    state = held.state()
    since = datetime.fromtimestamp(state.at / 1000, UTC).isoformat(timespec="seconds") if state.at else ""
    row = {
        "automatic": "goes on" if state.automatic else "stopped", "since": since, "by": state.by,
        "why": "; ".join(state.why),
    }  # fmt: skip
    if how is Format.JSON:
        listing([row | {"bands": held.figures()}], how)
        return
    listing([row], how)
    listing(held.figures(), how, ("band", "hits", "of", "limit", "probability"))


@automation.command()
def stop(context: typer.Context, reason: Why = "", token_file: TokenFile = None) -> None:
    """Stop automatic approval: from now every application is referred to a person."""
    person = allowed(context, "automation.stop", "automatic approval", token_file)
    _keep(context, _automation(context).stop(person, reason))
    say("automatic approval is stopped: everything is referred from now")


@automation.command()
def close(context: typer.Context, reason: Why = "", token_file: TokenFile = None) -> None:
    """Let the machine approve again, after what stopped it was found and mended; what was before counts no more."""
    person = allowed(context, "automation.close", "automatic approval", token_file)
    _keep(context, _automation(context).close(person, reason))
    say("automatic approval goes on")


def _automation(context: typer.Context) -> Automation:
    from pipelines.jobs.approval.automation import Automation

    given: Context = context.obj
    return Automation(given.home, given.settings().approval, say)


def _keep(context: typer.Context, state: State) -> None:
    """Put the state into the store too, where one is up: dashboards and alerts read it there."""
    from pipelines.jobs.approval.stored import tell_store
    from pipelines.jobs.site import Site

    given: Context = context.obj
    tell_store(Site(given.home, given.settings()), state, say)
