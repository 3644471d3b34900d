"""`review`: what was let through for a life at risk is looked at afterwards, by somebody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.cli.access.opening import GROUP, opened
from pipelines.cli.asking import TokenFile
from pipelines.cli.main import app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

review = typer.Typer(help="Reviews of reveals that were let through for a life at risk.", no_args_is_help=True)
app.add_typer(review, name="review", rich_help_panel=GROUP)


@review.command("list")
def review_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List the reveals of the last 90 days that wait for a review; the newest first."""
    with opened(context, token_file, "reveal.review", "pending reviews") as access:
        rows = [
            {
                "entry": one.id,
                "at": datetime.fromtimestamp(one.at // 1000, UTC),
                "by": one.actor,
                "post": one.subject,
                "priority": one.detail["priority"],
                "reason": one.detail["reason"],
                "passed": one.detail["passed"],
            }
            for one in access.vault.reviews(access.person)
        ]
        listing(rows, how, ("entry", "at", "by", "post", "priority", "reason", "passed"))


@review.command("done")
def review_done(
    context: typer.Context,
    entry_id: Annotated[str, typer.Argument(metavar="ENTRY_ID", help="Id of the reveal's entry, like vault/12.")],
    note: Annotated[str, typer.Option(help="What was found; stands in the ledger, so name no number or person.")],
    unjustified: Annotated[bool, typer.Option("--unjustified", help="The reveal should not have been.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Record a review; audited. Nobody reviews what they revealed themselves."""
    with opened(context, token_file, "reveal.review", entry_id) as access:
        entry = access.vault.review(access.person, entry_id, not unjustified, note)
        say(f"audit entry {entry.id}: {entry_id} is reviewed, {'not justified' if unjustified else 'justified'}")
