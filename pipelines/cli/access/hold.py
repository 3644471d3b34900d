"""`hold`: recorded holds keep sealed values from expiry and from deletion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from pipelines.cli.access.opening import GROUP, Reason, opened
from pipelines.cli.asking import TokenFile
from pipelines.cli.main import app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

hold = typer.Typer(help="Holds: keep a post's sealed values from expiry and deletion.", no_args_is_help=True)
app.add_typer(hold, name="hold", rich_help_panel=GROUP)

Post = Annotated[str, typer.Argument(metavar="POST_ID", help="Id of the post on its platform.")]
Platform = Annotated[str | None, typer.Option(help="Where the id exists on several platforms.")]


@hold.command("set")
def hold_set(
    context: typer.Context,
    post_id: Post,
    reason: Reason,
    days: Annotated[int, typer.Option(help="The hold ends by itself then; the policy has a maximum.")],
    platform: Platform = None,
    token_file: TokenFile = None,
) -> None:
    """Keep what the vault has of a post until an end; audited. The longer of two holds counts."""
    with opened(context, token_file, "hold.set", f"post {platform or '?'}/{post_id}") as access:
        held = access.vault.holds.hold(access.person, post_id, days, reason, platform)
        say(f"{held.values} values of post {held.platform}/{held.post_id} are held until {_utc(held.until)}")


@hold.command("lift")
def hold_lift(
    context: typer.Context, post_id: Post, reason: Reason, platform: Platform = None, token_file: TokenFile = None
) -> None:
    """End the hold of a post: its values have their own end again, and are gone if that is past; audited."""
    with opened(context, token_file, "hold.lift", f"post {platform or '?'}/{post_id}") as access:
        lifted = access.vault.holds.lift(access.person, post_id, reason, platform)
        say(f"{lifted} values of post {post_id} are held no more")


@hold.command("list")
def hold_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List the holds that last, with who set each and why; the nearest end first."""
    with opened(context, token_file, "hold.list", "holds") as access:
        rows = [
            {
                "platform": one.platform,
                "post_id": one.post_id,
                "until": _utc(one.until),
                "values": one.values,
                "by": one.entry.actor if one.entry else None,
                "reason": one.entry.detail["reason"] if one.entry else None,
                "entry": one.entry.id if one.entry else None,
            }
            for one in access.vault.holds.active(access.person)
        ]
        listing(rows, how, ("platform", "post_id", "until", "values", "by", "reason", "entry"))
        unknown = sum(row["entry"] is None for row in rows)
        if unknown:
            say(f"{unknown} holds are in no entry of the ledger: somebody wrote them into the store by hand")


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)
