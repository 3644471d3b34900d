"""`emergency`: sessions of batch reveals for a region and some hours."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.access.opening import GROUP, PURPOSE, Reason, close_lapsed, opened
from pipelines.cli.access.reveal import print_row
from pipelines.cli.asking import APPROVER_TOKEN, Approver, ApproverFile, TokenFile, approver, now_ms, refuse
from pipelines.cli.main import app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

emergency = typer.Typer(help="Emergency sessions: a region and hours of batch reveals.", no_args_is_help=True)
app.add_typer(emergency, name="emergency", rich_help_panel=GROUP)


@emergency.command("start")
def emergency_start(
    context: typer.Context,
    region: Annotated[str, typer.Option(help="Adcode of a province, city or county: 410000, 410100, 410105.")],
    hours: Annotated[int, typer.Option(help="It ends by itself then; the policy has a maximum.")],
    approved_by: Annotated[str, typer.Option("--approved-by", help="Who approves: another person.")],
    reason: Reason,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Open batch reveals of a region's open calls, each audited; prints the id of the session."""
    with opened(context, token_file, "emergency", f"region {region}") as access:
        close_lapsed(access)
        second = approver(access.site.home, approved_by, approver_token_file)
        if second is None:
            why = f"the approval of {approved_by} needs their own token (--approver-token-file or {APPROVER_TOKEN})"
            refuse(access.ledger, access.person, "emergency", f"region {region}", why)
        session = access.vault.emergencies.start(access.person, region, hours, second, reason)
        print(session.id)
        say(f"batch reveals in {session.region} for {hours} hours: yuqing emergency reveal {session.id} --reason ...")


@emergency.command("list")
def emergency_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List the sessions that run now."""
    from datetime import UTC, datetime

    from governance.roles import authorise

    with opened(context, token_file, "look", "emergencies") as access:
        decision = authorise(access.person, "look", now_ms())
        if not decision:
            refuse(access.ledger, access.person, "look", "emergencies", decision.reason)
        close_lapsed(access)
        rows: list[dict[str, Any]] = [dict(vars(one)) for one in access.vault.emergencies.active()]
        for row in rows:
            row |= {name: datetime.fromtimestamp(row[name] / 1000, UTC) for name in ("since", "until")}
        listing(rows, how, ("id", "region", "since", "until", "started_by", "approved_by"))


@emergency.command("reveal")
def emergency_reveal(
    context: typer.Context,
    emergency_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the session.")],
    reason: Reason = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Calls to open; the policy has a maximum.")] = None,
    purpose: Annotated[str, typer.Option(help="What the data is used for.")] = PURPOSE,
    approved_by: Approver = None,
    approver_token_file: ApproverFile = None,
    token_file: TokenFile = None,
) -> None:
    """Decrypt the open calls of a running session's region, most urgent first, each after its own audit entry; a JSON
    line a value, with platform, post_id, type and value."""
    with opened(context, token_file, "reveal", emergency_id) as access:
        second = approver(access.site.home, approved_by, approver_token_file)
        calls = failed = 0
        for one in access.vault.reveal_region(access.person, emergency_id, reason, purpose, second, limit):
            calls, failed = calls + 1, failed + one.failed
            for value in one.values:
                post = {"platform": one.post.platform, "post_id": one.post.post_id}
                print_row(post | {"type": value.type, "value": value.value})
        say(f"{calls} calls opened, {failed} values did not open")


@emergency.command("end")
def emergency_end(
    context: typer.Context,
    emergency_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the session.")],
    reason: Reason,
    token_file: TokenFile = None,
) -> None:
    """End a session early; the vault values of its region get a nearer end, unless they are under a hold."""
    with opened(context, token_file, "emergency", emergency_id) as access:
        changed = access.vault.emergencies.end(access.person, emergency_id, reason)
        say(f"{emergency_id} is ended; {changed} values of its region end sooner now")
