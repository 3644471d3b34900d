"""`sql`, `dlq`, `replay`: ask the store, and run records again."""

from __future__ import annotations

import hashlib
import sys
from enum import StrEnum
from typing import Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.moments import milliseconds
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

GROUP = "Store"
dlq = typer.Typer(help="Dead letters: records that could not be processed.", no_args_is_help=True)
app.add_typer(dlq, name="dlq", rich_help_panel=GROUP)


class SqlFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Role(StrEnum):
    OPERATOR = "operator"
    ANALYST = "analyst"
    VIEWER = "viewer"
    CENTRE = "centre"
    AUDITOR = "auditor"


_ACTIONS = {
    Role.OPERATOR: "query.base",
    Role.ANALYST: "query.views",
    Role.VIEWER: "look",
    Role.CENTRE: "alert.ack",  # whoever answers calls
    Role.AUDITOR: "audit.show",
}


@app.command(rich_help_panel=GROUP)
def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="One read-only statement; - reads it from stdin.")],
    how: Annotated[SqlFormat, typer.Option("--format", help="table, json, or csv (no header)")] = SqlFormat.TABLE,
    role: Annotated[
        Role,
        typer.Option(
            help="operator: positions, ids and counts of base tables; analyst: views (v_...) only; "
            "viewer: views without text; centre: those, calls and alerts; auditor: audit_log."
        ),
    ] = Role.OPERATOR,
    token_file: TokenFile = None,
) -> None:
    """Ask the store, database yuqing: read-only and limited. Of people with tokens each question is audited."""
    from pipelines.jobs import traced
    from pipelines.jobs.site import Site
    from pipelines.store.query import run_sql

    settings: Context = context.obj
    site = Site(settings.home, settings.settings())
    person = allowed(context, _ACTIONS[role], f"sql as {role.value}", token_file)
    text = sys.stdin.read() if query == "-" else query
    if not person.embedded:
        digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
        # its words may name somebody: they stand in the store's log of people's queries, for a month
        traced.note(settings.home, person.name, "sql", f"as {role.value}", {"sha256": digest})
    answer = run_sql(site.store_as(role.value), text, how.value)
    sys.stdout.write(answer if not answer or answer.endswith("\n") else answer + "\n")


@dlq.command("list")
def dlq_list(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 100,
    state: Annotated[str, typer.Option(help="open or retried")] = "open",
) -> None:
    """List dead letters: position, step and reason; never their content."""
    from pipelines.jobs.site import Site
    from pipelines.store.query import list_dead_letters

    settings: Context = context.obj
    rows = list_dead_letters(Site(settings.home, settings.settings()).store, state, limit)
    listing(rows, how, ("source", "partition", "offset", "step", "reason", "sha256", "stored_at"))


@dlq.command("retry")
def dlq_retry(
    context: typer.Context,
    step: Annotated[str | None, typer.Option(help="Only those that this step rejected.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Run open dead letters again; those that come through become posts."""
    from pipelines.jobs import traced
    from pipelines.jobs.replay import retry_dead_letters
    from pipelines.jobs.site import Site

    settings: Context = context.obj
    person = allowed(context, "dlq.retry", f"step {step or 'any'}", token_file)
    traced.note(settings.home, person.name, "dlq.retry", f"step {step or 'any'}")
    outcome = retry_dead_letters(Site(settings.home, settings.settings()), step)
    say(f"{outcome.tried} dead letters tried, {outcome.stored} became posts")


@app.command(rich_help_panel=GROUP)
def replay(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="RFC 3339 with an offset, or epoch milliseconds.")],
    end: Annotated[str, typer.Option("--to", help="The same; exclusive.")],
    source: Annotated[
        str | None, typer.Option(help="kafka://host:port/topic to read the originals again, by message time.")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Process again with the rules and models of now: from Kafka, else from stored masked text by the posts' own time.
    Never sends alerts."""
    from pipelines.jobs import traced
    from pipelines.jobs.replay import replay_stored
    from pipelines.jobs.site import Site

    settings: Context = context.obj
    from_ms, to_ms = milliseconds("--from", start), milliseconds("--to", end)
    site = Site(settings.home, settings.settings(overrides))
    person = allowed(context, "job.operate", "replay", token_file, settings=site.settings)
    traced.note(settings.home, person.name, "job.replay", "posts", {"from": from_ms, "to": to_ms})
    if source is not None:
        _replay_kafka(person.name, settings, site, source, from_ms, to_ms, overrides or [])
        return
    outcome = replay_stored(site, from_ms, to_ms)
    say(f"{outcome.tried} posts processed again from stored text, {outcome.stored} stored")


def _replay_kafka(
    actor: str, settings: Context, site: object, source: str, from_ms: int, to_ms: int, overrides: list[str]
) -> None:
    from pipelines.cli.jobs import start
    from pipelines.feeds.uri import KafkaSource, parse
    from pipelines.jobs.run import Spec, new_run
    from pipelines.jobs.site import Site
    from pipelines.store.query import next_generation
    from schemas.errors import UsageError

    feed = parse(source)
    if not isinstance(feed, KafkaSource):
        raise UsageError(f"--source {source!r}: replay reads kafka://host:port/topic; without --source, stored text")
    if not isinstance(site, Site):
        raise TypeError(type(site).__name__)
    # a group of its own: a replay must not move the offsets of the live job
    again = KafkaSource(feed.brokers, feed.topic, f"{feed.group}-replay", from_ms, to_ms)
    spec = Spec(
        job="opinion",
        source=again.uri,
        home=str(settings.home),
        run=new_run("replay"),
        settings_file=str(settings.settings_file) if settings.settings_file else None,
        overrides=tuple(overrides),
        generation=next_generation(site.store),
    )
    start(spec, actor)
