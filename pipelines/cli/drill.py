"""`drill`: practise a worst night in a home of its own, and see how it went."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from pipelines.jobs.drill.place import Run

drill = typer.Typer(help="Drills: play a scenario into a home of its own and score it.", no_args_is_help=True)
app.add_typer(drill, name="drill", rich_help_panel="Emergencies")

Into = Annotated[
    Path | None, typer.Option("--into", help="The drill's own home; default: the home's name with -drill.")
]
LEAD_S = 20.0
"""What Flink takes to start, about: event time meets the clock when the last post is delivered, not before."""


def _home(context: typer.Context, into: Path | None) -> Path:
    home: Path = context.obj.home
    return (into or home.with_name(home.name + "-drill")).expanduser().absolute()


@drill.command("list")
def scenarios(how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE) -> None:
    """List the scenarios that come with the software."""
    from pipelines.jobs.drill import scenario

    rows = []
    for name in scenario.names():
        found = scenario.load(name)
        rows.append({"scenario": name, "title": found.title, "hours": found.hours, "posts": found.posts})
    listing(rows, how)


@drill.command("run")
def run(
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario of `drill list`, or a YAML file of your own.")],
    into: Into = None,
    speed: Annotated[float, typer.Option(min=0.1, max=600, help="How many times as fast as it happened.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Another seed, another night; default: a new one.")] = None,
    parallelism: Annotated[int | None, typer.Option(min=1, help="Parallel workers.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Play a scenario and score it when it has ended. Ctrl-C ends it early; what was played is scored.

    Alerts go to a file of the drill's home and nowhere else; the home that serves the city is not touched."""
    from pipelines.cli.demo import await_episodes
    from pipelines.cli.jobs import start
    from pipelines.jobs.drill import place
    from pipelines.jobs.drill import scenario as scenes
    from pipelines.jobs.run import Spec, new_run
    from pipelines.jobs.site import Site
    from pipelines.services import control

    given: Context = context.obj
    home = _home(context, into)
    played = scenes.load(scenario)
    number = place.new_seed(home, seed)
    played.source(
        seed=number, speed=speed, now_ms=time.time_ns() // 1_000_000
    )  # a wrong key is told before anything starts
    settings = place.prepare(home, given.home, given.settings_file)
    context.obj = Context(home, settings)
    control.up(home, say=say, settings=settings)
    person = allowed(context, "job.operate", f"drill {scenario}", token_file)
    began = time.time_ns() // 1_000_000
    source = played.source(seed=number, speed=speed, now_ms=began, lead_s=LEAD_S)
    noted = place.Run(
        run=new_run("drill"), scenario=scenario, title=played.title, tasks=played.tasks, source=source.uri,
        seed=number, speed=speed, began_ms=began,
    )  # fmt: skip
    noted.save(home)
    spec = Spec(
        job="opinion", source=source.uri, home=str(home), run=new_run("opinion"), parallelism=parallelism,
        settings_file=str(settings),
    )  # fmt: skip
    minutes = played.hours * 60 / speed
    say(
        f"{played.title}: {played.posts:,} posts in {minutes:.0f} minutes, {speed:g} times as fast as they happened\n"
        f"see it:   yuqing --home {home} up --look\n"
        f"act on it: yuqing --home {home} episodes list"
    )
    start(spec, person.name)
    await_episodes(Site(home, context.obj.settings()).store)
    _score(home, noted, None, Format.TABLE)


@drill.command("score")
def score(
    context: typer.Context,
    into: Into = None,
    name: Annotated[str | None, typer.Option("--run", help="A drill of this home; default: the latest.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the sheet here (.html, .json).")
    ] = None,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """Score a drill again, for instance after people have acted on its episodes."""
    from pipelines.jobs.drill import place
    from schemas.errors import UsageError

    home = _home(context, into)
    held = place.runs(home)
    found = next((run for run in reversed(held) if name in (None, run.run)), None)
    if found is None:
        raise UsageError(f"--run {name}: there is no such drill; there are {', '.join(run.run for run in held)}")
    if output is not None and output.suffix not in (".html", ".json"):
        raise UsageError(f"--output {output}: write a name that ends in .html or .json")
    context.obj = Context(home, home / place.SETTINGS)
    allowed(context, "look", f"drill {found.run}", token_file)
    _score(home, found, output, how)


def _score(home: Path, run: Run, output: Path | None, how: Format) -> None:
    import msgspec

    from pipelines.jobs.drill import held

    result, files = held.scored(home, run)
    if output is not None:
        output.write_bytes(files[output.suffix].read_bytes())
    if how is Format.JSON:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    summary, people = result["summary"], result["people"]
    must = summary["must_alert"]
    print(f"{summary['posts']:,} posts, {summary['alerts']} alerts, {summary['false_alerts']} of them false")
    print(f"episodes of priority 1 and 2: {must['episodes']}, alerted {must['alerted']}, missed {must['missed']}")
    waited = ", ".join(f"{name} {_seconds(must[f'first_alert_{name}_s'])}" for name in ("p50", "p95", "max"))
    print(f"from their first call to their first alert: {waited}")
    print(
        f"people: acted on {people['acted_on']} of {people['episodes']} "
        f"(median {_seconds(people['first_act_p50_s'])}), sent somebody to {people['dispatched']}"
    )
    listing(
        [{"priority": level} | row for level, row in summary["by_priority"].items()],
        how,
        ("priority", "episodes", "alerted", "missed", "first_alert_p50_s", "first_alert_p95_s", "first_alert_max_s"),
    )
    print(f"sheet: {files['.html']}")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
