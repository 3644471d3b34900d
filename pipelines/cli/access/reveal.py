"""`reveal`: what one post holds."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.cli.access.opening import GROUP, PURPOSE, Reason, close_lapsed, opened
from pipelines.cli.asking import Approver, ApproverFile, TokenFile, approver
from pipelines.cli.main import app
from pipelines.cli.services import say


@app.command(rich_help_panel=GROUP)
def reveal(
    context: typer.Context,
    post_id: Annotated[str, typer.Argument(help="Id of the post on its platform.")],
    reason: Reason = "",
    platform: Annotated[str | None, typer.Option(help="Where the id exists on several platforms.")] = None,
    purpose: Annotated[str, typer.Option(help="What the data is used for.")] = PURPOSE,
    approved_by: Approver = None,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Decrypt what one post holds, after the audit entry is written; a JSON line a value, with type and value.
    Needs --reason. A refusal is audited too and ends with exit code 1."""
    with opened(context, token_file, "reveal", f"post {platform or '?'}/{post_id}") as access:
        second = approver(access.site.home, approved_by, approver_token_file)
        revealed = access.vault.reveal(access.person, post_id, reason, purpose, platform, second)
        for value in revealed.values:
            print_row({"type": value.type, "value": value.value})
        say(f"audit entry {revealed.entry.id}: {len(revealed.values)} values of {revealed.post.subject}")
        if revealed.entry.detail.get("review"):
            say("this reveal was let through for a life at risk and will be reviewed by an auditor")
        close_lapsed(access)
        if revealed.failed:
            say(f"{revealed.failed} values do not open (key lost, or altered); the ledger says which")
            raise typer.Exit(1)


def print_row(row: dict[str, str]) -> None:
    """One JSON line, at once: whoever reads may already act on it while the next one opens."""
    print(json.dumps(row, ensure_ascii=False), flush=True)
