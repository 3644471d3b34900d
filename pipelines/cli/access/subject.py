"""`subject`: requests of persons about their own number (PIPL articles 44 to 47)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.cli.access.opening import GROUP, Reason, opened
from pipelines.cli.asking import TokenFile
from pipelines.cli.main import app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

subject = typer.Typer(help="Requests of persons: what is held about my number.", no_args_is_help=True)
app.add_typer(subject, name="subject", rich_help_panel=GROUP)


@subject.command("find")
def subject_find(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="The person's number; - reads it from stdin (no trace in history).")],
    reason: Reason,
    kind: Annotated[str | None, typer.Option(help="CN_MOBILE, CN_ID, ...; default: every kind with a token.")] = None,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """List where a number is held; audited."""
    with opened(context, token_file, "subject.find", "a number") as access:
        held = access.requests.find(access.person, _number(number), reason, kind)
        columns = ("platform", "post_id", "type", "token", "expires_at", "hold_until")
        listing([dict(vars(one)) for one in held], how, columns)


@subject.command("delete")
def subject_delete(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="The person's number; - reads it from stdin (no trace in history).")],
    reason: Reason,
    kind: Annotated[str | None, typer.Option(help="CN_MOBILE, CN_ID, ...; default: every kind with a token.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Delete a number from the vault and its token from posts; audited. What is under a hold stays."""
    from governance.keys import load_keys
    from governance.tokens import PHONE_KINDS, Tokeniser

    with opened(context, token_file, "subject.delete", "a number") as access:
        plain = _number(number)
        outcome = access.requests.delete(access.person, plain, reason, kind)
        if outcome.held:
            say(f"{outcome.held} values are under a recorded hold and stay, so does the token in posts")
        else:
            keys = access.site.settings.keys
            tokeniser = Tokeniser(load_keys(access.site.home, keys.master, keys.token).token)
            access.store.forget_tokens(tokeniser.token(one, plain) for one in PHONE_KINDS if kind in (None, one))
        say(f"{outcome.changed} values of {len(outcome.posts)} posts deleted")


def _number(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given
