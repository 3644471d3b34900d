"""`alerts list | ack | test`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

COLUMNS = (
    "alert_id", "rule", "priority", "place", "needs", "first_at", "last_at", "posts", "callers", "state", "reasons",
)  # fmt: skip
alerts = typer.Typer(help="Alerts: what needs somebody now.", no_args_is_help=True)
app.add_typer(alerts, name="alerts", rich_help_panel="Store")


@alerts.command("list")
def alerts_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    state: Annotated[str | None, typer.Option(help="open, acknowledged or closed")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
) -> None:
    """List alerts, the most urgent and latest first."""
    from pipelines.jobs.site import Site
    from pipelines.store.query import list_alerts

    settings: Context = context.obj
    rows = list_alerts(Site(settings.home, settings.settings()).store, state, limit)
    if how is Format.TABLE:
        for row in rows:
            row["alert_id"] = row["alert_id"][:12]
    listing(rows, how, COLUMNS)


@alerts.command("ack")
def alerts_ack(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(help="Id of the alert, or its first characters.")],
    note: Annotated[str, typer.Option(help="Why, or what is being done.")] = "",
    actor: Annotated[
        str | None, typer.Option("--as", help="Who; default: whoever asks. Only where nobody is in the register.")
    ] = None,
    close: Annotated[bool, typer.Option("--close", help="Close it instead of acknowledging it.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Say that somebody has taken an alert on."""
    from pipelines.jobs import traced
    from pipelines.jobs.site import Site
    from pipelines.store.query import ack_alert, full_alert_id
    from schemas.errors import UsageError

    settings: Context = context.obj
    store = Site(settings.home, settings.settings()).store
    whole = full_alert_id(store, alert_id)
    state = "closed" if close else "acknowledged"
    person = allowed(context, "alert.ack", f"alert {whole}", token_file)
    if actor and not person.embedded:
        raise UsageError(f"--as {actor!r}: your token says who you are ({person.name})")
    traced.note(settings.home, person.name, f"alert.{state}", f"alert {whole}", {"as": actor or person.name})
    ack_alert(store, whole, actor or person.name, note, state)
    say(f"{whole[:12]} is {state}")


@alerts.command("test")
def alerts_test(
    context: typer.Context,
    channel: Annotated[
        str | None, typer.Option(help="Only this channel of the settings; default: the plain one and all of them.")
    ] = None,
) -> None:
    """Send a test message through every channel and say where it went. Needs no store and records nothing."""
    from pipelines.store.notify.channels import DeliveryFailed, routes_of
    from pipelines.store.notify.notifier import send_test
    from schemas.errors import ServiceError, UsageError

    settings: Context = context.obj
    routes = routes_of(settings.home, settings.settings())
    names = [route.channel.name for route in routes]
    if channel is not None and channel not in names:
        raise UsageError(f"--channel {channel!r}: there are {', '.join(names)}")
    failed = []
    for route in routes:
        if channel in (None, route.channel.name):
            try:
                say(f"delivered by {route.channel.name}: {send_test(route.channel)}")
            except DeliveryFailed as error:
                failed.append(f"{route.channel.name} ({error})")
    if failed:
        raise ServiceError(f"the test message was not delivered by {', '.join(failed)}")
