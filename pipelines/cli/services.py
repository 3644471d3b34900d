"""`up`, `down`, `status`: the embedded services of a home."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing

GROUP = "Services"


def say(line: str) -> None:
    """Tell the user something that is no data."""
    print(line, file=sys.stderr, flush=True)


@app.command(rich_help_panel=GROUP)
def up(
    context: typer.Context,
    flink: Annotated[bool, typer.Option("--flink", help="A standalone Flink cluster too.")] = False,
    kafka: Annotated[bool, typer.Option("--kafka", help="A Kafka broker too (its jars come through Maven).")] = False,
    look: Annotated[bool, typer.Option("--look", help="The dashboards as a local page too (built with Node).")] = False,
) -> None:
    """Start ClickHouse, the notifier and the watch over episodes (and what is asked for); return once they answer."""
    from pipelines.services import control

    settings: Context = context.obj
    settings.settings()  # a wrong setting is told before anything starts
    control.up(settings.home, flink=flink, kafka=kafka, look=look, say=say, settings=settings.settings_file)
    if look:
        print(control.look_link(settings.home))


@app.command(rich_help_panel=GROUP)
def down(context: typer.Context) -> None:
    """Stop every service of this home; data stays."""
    from pipelines.services import control

    control.down(context.obj.home, say=say)


@app.command(rich_help_panel=GROUP)
def status(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
) -> None:
    """Show the services of this home. Exit code 1 when one that was started does not answer."""
    from pipelines.services import control

    rows = control.status(context.obj.home)
    listing(rows, how, control.COLUMNS)
    if any(row["state"] != "up" for row in rows):
        raise typer.Exit(1)
