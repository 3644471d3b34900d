"""`subject`: requests of persons about their own number (PIPL articles 44 to 47)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.access.opening import GROUP, Reason, opened
from pipelines.cli.asking import TokenFile
from pipelines.cli.main import app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from governance.vault import Outcome

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
    with opened(context, token_file, "subject.delete", "a number") as access:
        outcome = access.requests.delete(access.person, _number(number), reason, kind)
        _say_what_was_done(outcome, "deleted")


@subject.command("delete-post")
def subject_delete_post(
    context: typer.Context,
    post_id: Annotated[str, typer.Argument(help="Id of the author's own post on its platform.")],
    platform: Annotated[str, typer.Option(help="The platform.")],
    reason: Reason,
    token_file: TokenFile = None,
) -> None:
    """Delete all that the vault holds of one post, its author and url too; audited. The masked text stays until its
    own end. What is under a hold stays."""
    with opened(context, token_file, "subject.delete", f"post {platform}/{post_id}") as access:
        outcome = access.requests.delete_post(access.person, platform, post_id, reason)
        _say_what_was_done(outcome, "deleted")


@subject.command("correct")
def subject_correct(
    context: typer.Context,
    number: Annotated[str, typer.Argument(help="The wrong number; - reads it from stdin (no trace in history).")],
    right: Annotated[str, typer.Option("--with", help="The right one; - reads it from the next line of stdin.")],
    reason: Reason,
    kind: Annotated[str | None, typer.Option(help="CN_MOBILE, CN_ID, ...; default: every kind with a token.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Put the right number in place of a wrong one, in the vault and, as a token, in posts; audited, and no replay
    undoes it. What is under a hold stays as it is."""
    with opened(context, token_file, "subject.correct", "a number") as access:
        wrong = _number(number)
        outcome = access.requests.correct(access.person, wrong, _number(right), reason, kind)
        _say_what_was_done(outcome, "corrected")


def _say_what_was_done(outcome: Outcome, done: str) -> None:
    if outcome.held:
        say(f"{outcome.held} values are under a recorded hold and stay, so does the token in their posts")
    say(f"{outcome.changed} values of {len(outcome.posts)} posts {done}")


def _number(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given
