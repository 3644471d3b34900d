"""`dashboards build`: the committed JSON and YAML from the code."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.dashboards import dashboards


@dashboards.command()
def build(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 and name the files that differ from the code.")
    ] = False,
) -> None:
    """Write dashboards and alert rules from the code into dashboards/generated."""
    from dashboards.build import differing, files, write
    from pipelines.cli.services import say

    content = files()
    changed = differing(content) if check else write(content)
    for name in changed:
        typer.echo(name)
    if check and changed:
        say(f"{len(changed)} of {len(content)} files differ from the code: run `yuqing dashboards build`")
        raise typer.Exit(1)
    say(
        f"{len(content)} files, {len(changed)} written"
        if not check
        else f"{len(content)} files are as the code makes them"
    )
