"""`dashboards check`: everything about the committed dashboards and rules that can be checked without a Grafana."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.dashboards import dashboards
from pipelines.cli.main import Context
from pipelines.cli.output import Format, listing

if TYPE_CHECKING:
    from dashboards.checks import Run
    from pipelines.store.client import StoreSettings


@dashboards.command("check")
def check(
    context: typer.Context,
    store: Annotated[
        bool, typer.Option("--store", help="Also ask the store every statement, as the account of its data source.")
    ] = False,
    schemas: Annotated[
        Path | None,
        typer.Option(help="Folder with Grafana's JSON schemas.", envvar="YUQING_GRAFANA_SCHEMAS", file_okay=False),
    ] = None,
    generated: Annotated[Path | None, typer.Option(hidden=True, exists=True, file_okay=False)] = None,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
) -> None:
    """Check the committed dashboards and alert rules: every problem with its remedy; exit 1 if there is one."""
    from dataclasses import asdict

    from dashboards import build, checks, shapes
    from pipelines.cli.services import say
    from pipelines.store.roles import readable
    from schemas.tables import data_classes

    folder = generated or build.GENERATED
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / build.BOARDS).glob("*.json"))]
    rules = json.loads((folder / "api" / "rules.json").read_text(encoding="utf-8"))
    accounts = {account: frozenset(readable(account)) for account in ("centre", "viewer")}
    found = checks.static(boards, rules, tables=frozenset(data_classes()), readable=accounts)
    found += shapes.through_types(boards, rules)
    if schemas:
        found += shapes.against_schemas(boards, rules, schemas)
    asked = checks.questions(boards, rules)
    if store:
        from pipelines.cli.asking import allowed
        from pipelines.jobs.site import Site

        given: Context = context.obj
        allowed(context, "look", "dashboards check")
        site = Site(given.home, given.settings())
        with asking(site.store_as) as run:
            found += checks.live(asked, run, int(time.time() * 1000))
    if found or how is Format.JSON:
        listing([asdict(problem) for problem in found], how, ("board", "panel", "what", "remedy"))
    left_out = [] if schemas else ["not held against Grafana's schemas (--schemas)"]
    left_out += [] if store else ["no statement was run (--store)"]
    say(
        f"{len(boards)} dashboards, {len(asked)} statements, {len(found)} problems"
        + "".join(f"; {x}" for x in left_out)
    )
    if found:
        raise typer.Exit(1)


@contextmanager
def asking(settings: Callable[[str], StoreSettings]) -> Iterator[Run]:
    """``run`` of ``dashboards.checks``: a statement as one of the store's accounts. ``settings``: account -> where.

    One connection an account. The server is asked for JSON, since its native format names no column when there is no
    row. ``run`` raises StoreError when the store refuses, StoreUnavailable when it takes too long.
    """
    from pipelines.store.client import connect, translated

    how = {"output_format_json_quote_64bit_integers": 0}
    with ExitStack() as clients:
        client = cache(lambda account: clients.enter_context(connect(settings(account))))

        def run(sql: str, account: str) -> tuple[list[tuple[str, str]], list[list[object]]]:
            with translated("dashboards"):
                answer = json.loads(client(account).raw_query(sql, settings=how, fmt="JSONCompact"))
            return [(column["name"], column["type"]) for column in answer["meta"]], answer["data"]

        yield run
