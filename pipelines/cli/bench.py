"""`bench NAME`: the benchmarks that the README quotes."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.asking import allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

bench = typer.Typer(help="Benchmarks: every figure that the README quotes.", no_args_is_help=True)
app.add_typer(bench, name="bench", rich_help_panel="Measure")
How = Annotated[Format, typer.Option("--format", help="table or json")]


@bench.command()
def throughput(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Option(help="A file:// or generate: source; default: a generated feed of --posts.")
    ] = None,
    posts: Annotated[int, typer.Option(min=1_000, help="Posts of the generated feed.")] = 50_000,
    parallelism: Annotated[int | None, typer.Option(min=1)] = None,
    rate: Annotated[float, typer.Option(min=0, help="Posts/s of the steady run; 0 leaves it out.")] = 278,
    seconds: Annotated[int, typer.Option(min=10, help="Length of the steady run.")] = 60,
    how: How = Format.TABLE,
) -> None:
    """The whole opinion job on Flink against the same chain in a loop: posts/s, cost per step, latency, memory."""
    from pipelines.bench import throughput as measure
    from pipelines.cli.jobs import start
    from pipelines.services import control

    settings: Context = context.obj
    control.up(settings.home, say=say, settings=settings.settings_file)
    person = allowed(context, "job.operate", "bench throughput")
    workers = parallelism or settings.settings().flink.parallelism
    feed = source or f"generate:?posts={posts}&seed=1"
    show(measure.run(settings.home, feed, workers, rate, seconds, partial(start, actor=person.name), say), how)


@bench.command("naive")
def naive_bench(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="A file:// or generate: source.")] = "generate:?posts=20000&seed=1",
    parallelism: Annotated[int | None, typer.Option(min=1)] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long the plain loop runs.")] = 30,
    how: How = Format.TABLE,
) -> None:
    """The whole job against a plain loop: AnalyzerEngine, the same model a text at a time, one insert a row."""
    from pipelines.bench import naive as measure
    from pipelines.cli.jobs import start
    from pipelines.services import control

    settings: Context = context.obj
    control.up(settings.home, say=say, settings=settings.settings_file)
    person = allowed(context, "job.operate", "bench naive")
    workers = parallelism or settings.settings().flink.parallelism
    show(measure.run(settings.home, source, workers, seconds, partial(start, actor=person.name), say), how)


@bench.command("steps")
def steps_bench(
    context: typer.Context,
    source: Annotated[str, typer.Option(help="A file:// or generate: source.")] = "generate:?posts=30000&seed=1",
    posts: Annotated[int, typer.Option(min=1, help="Posts counted; the first batch is left out.")] = 20_000,
    how: How = Format.TABLE,
) -> None:
    """CPU time of each step that needs no service, a post, in one process: no home has to be up."""
    from pipelines.bench import steps as measure

    settings: Context = context.obj
    show(measure.run(settings.settings(), source, posts), how)


@bench.command("alerts")
def alerts_bench(
    context: typer.Context,
    rate: Annotated[float, typer.Option(min=1, help="Posts/s; default: half of a million an hour.")] = 139,
    seconds: Annotated[int, typer.Option(min=10, help="Length of the run.")] = 120,
    parallelism: Annotated[int | None, typer.Option(min=1)] = None,
    how: How = Format.TABLE,
) -> None:
    """A steady feed: from a post being read to its alert in the store, by lane, and to its delivery."""
    from pipelines.bench import alerts as measure
    from pipelines.cli.jobs import start
    from pipelines.services import control

    settings: Context = context.obj
    control.up(settings.home, say=say, settings=settings.settings_file)
    person = allowed(context, "job.operate", "bench alerts")
    workers = parallelism or settings.settings().flink.parallelism
    show(measure.run(settings.home, rate, seconds, workers, partial(start, actor=person.name), say), how)


@bench.command("approval")
def approval_bench(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="What `python -m loadtest.applications` made.")
    ],
    part: Annotated[
        str, typer.Option(help="k/n: only the k-th of n parts, so that n processes share the work.")
    ] = "1/1",
    with_reports: Annotated[bool, typer.Option("--with-reports/--no-reports", help="Write reports too.")] = True,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
    how: How = Format.TABLE,
) -> None:
    """Approval against known truth: fields, decisions, wrong automatic approvals by error, time. May be interrupted."""
    from pipelines.bench import approval as measure
    from schemas.errors import UsageError

    first, _, second = part.partition("/")
    if not (first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
        raise UsageError(f"--part {part!r}: write k/n, for example 1/2")
    settings: Context = context.obj
    values = settings.settings(overrides)
    report = measure.measure(folder, values, b"bench", (int(first), int(second)), with_reports, say)
    if how is Format.JSON:
        show(report, how)
    else:
        measure.show(report)


@bench.command("simulation")
def simulation_bench(
    context: typer.Context,
    policy: Annotated[str, typer.Option(help="A worked policy; `yuqing policy plan` lists them.")] = (
        "neighbourhood_renovation"
    ),
    spec: Annotated[str, typer.Option(help="Specification of the synthetic population.")] = "demonstration_city",
    people: Annotated[list[int] | None, typer.Option(min=1_000, help="Several may be given.")] = None,
    options: Annotated[list[int] | None, typer.Option(min=1, help="Beside the baseline; several may be given.")] = None,
    parallelism: Annotated[list[int] | None, typer.Option(min=1, help="Processes; several may be given.")] = None,
    how: How = Format.TABLE,
) -> None:
    """Policy simulation: seconds and memory by people and options; the results' digest, equal for equal seeds."""
    from pipelines.bench import simulation as measure

    given: Context = context.obj
    sizes, numbers, processes = people or [100_000], options or [20], parallelism or [2]
    report = measure.measure(given.home, policy, spec, sizes, numbers, processes, say)
    if how is Format.JSON:
        show(report, how)
    else:
        listing(report["rows"], how)


class LabelHead(StrEnum):
    """What the field `label` of a public set says."""

    SENTIMENT = "sentiment"
    EMOTION = "emotion"
    NEED = "need"


@bench.command()
def accuracy(
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON lines, .gz is read: `text` and any of sentiment, emotion, needs (or need), hazards, "
            "source_kind, state.",
        ),
    ],
    bundle: Annotated[Path | None, typer.Option(help="A model bundle; default: that of the settings.")] = None,
    label_head: Annotated[
        LabelHead | None, typer.Option(help="What the field `label` is, in files that have only that.")
    ] = None,
    mask: Annotated[
        bool,
        typer.Option("--mask/--no-mask", help="Mask texts first, as the job does; masked texts stay as they are."),
    ] = True,
    figure: Annotated[
        Path | None, typer.Option(help="Write confusion matrices and reliability diagram to this .svg.")
    ] = None,
    errors: Annotated[
        int, typer.Option(min=0, help="Print so many wrong answers a head, the surest first, with the masked text.")
    ] = 0,
    errors_file: Annotated[
        Path | None, typer.Option(help="Write every wrong answer as JSON lines: head, line, truth, answer; no text.")
    ] = None,
    how: How = Format.TABLE,
) -> None:
    """The model on labelled posts: macro-F1, accuracy, per class, confusion, calibration, intervals, errors."""
    from pipelines.bench import accuracy as measure
    from pipelines.bench import accuracy_figure, accuracy_table
    from udfs.encoder.step import Classify

    if figure:
        accuracy_figure.check(figure)  # before the minutes that measuring may take
    settings: Context = context.obj
    model = settings.settings().model
    folder = bundle or model.bundle
    step = Classify(str(folder) if folder else None, device=model.device)
    step.open()
    report = measure.measure(data, step, label_head=label_head, mask=mask, errors=errors, errors_file=errors_file)
    if figure:
        accuracy_figure.write(report, figure)
    if how is Format.JSON:
        show(report, how)
    else:
        accuracy_table.show(report)


@bench.command()
def pii(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSON lines with gold spans in `pii`.")],
    how: How = Format.TABLE,
) -> None:
    """Masking on posts with gold spans: per type precision, recall, F1, post-level leak rate; posts per CPU-second."""
    from pipelines.bench import pii as measure
    from udfs.pii.step import Mask

    step = Mask(mask_places=True)
    step.open()
    report = measure.measure(data, step)
    if how is Format.JSON:
        show(report, how)
    else:
        measure.show(report)


@bench.command()
def forecast(
    data: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Folder with citizen_messages/ and feed/weibo_hot_search/."),
    ],
    most: Annotated[int, typer.Option(min=1, help="Series of each history, the largest.")] = 60,
    seed: Annotated[int, typer.Option(help="Of the surges that are laid over the histories.")] = 1,
    how: How = Format.TABLE,
) -> None:
    """Early warning back-tested against naive and seasonal naive: errors, bands, warnings, lead. Ten minutes a core."""
    from pipelines.bench import forecast as measure

    report = measure.measure(data, most, seed, say)
    if how is Format.JSON:
        show(report, how)
    else:
        measure.show(report)


@bench.command()
def bursts(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Posts of a real feed, .gz is read; default: made up."),
    ] = None,
    scored: Annotated[
        Path | None, typer.Option(help="Keep the scored posts in this file (no text), and use them if it is there.")
    ] = None,
    background: Annotated[
        list[int] | None, typer.Option(min=1_000, help="Posts an hour; may be given again. Default: 10k, 100k, 300k.")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Episodes of 5, 10, 20 and 50 calls each.")] = 5,
    hours: Annotated[float, typer.Option(min=1, help="Hours with episodes.")] = 10,
    warm_up: Annotated[float, typer.Option(min=0, help="Hours before them.")] = 6,
    spread: Annotated[float, typer.Option(min=1, help="Minutes from the first call of an episode to its last.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the episodes.")] = 1,
    how: How = Format.TABLE,
) -> None:
    """Bursts of calls put into a feed: delay after the fifth call, false alarms an hour, over sizes and backgrounds."""
    from pipelines.bench import bursts as measure

    settings: Context = context.obj
    trial = measure.Trial(each=each, hours=hours, warm_up=warm_up, spread=spread, seed=seed)
    show(measure.run(data, settings.settings(), trial, background or measure.BACKGROUNDS, scored, say), how)


@bench.command()
def episodes(
    posts: Annotated[int, typer.Option(min=1_000, help="Posts of the generated feed.")] = 8_000,
    calls: Annotated[int, typer.Option(min=10, help="Calls of the flood night, each with its cases.")] = 60,
    seed: Annotated[int, typer.Option(help="Of both.")] = 1,
    how: How = Format.TABLE,
) -> None:
    """Folding of calls into episodes on generated truth: over-merge, over-split, the first twenty, closings, cost."""
    from pipelines.bench import episodes as measure

    show(measure.run(posts, calls, seed, say), how)


@bench.command()
def topics(
    data: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="JSON lines with `text` and an event; repeatable."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Field of the event; default: event, topic, cluster or label.")
    ] = None,
    posts: Annotated[
        int, typer.Option(min=0, help="Length of the made-up stream of the cost curve; 0: none.")
    ] = 100_000,
    how: How = Format.TABLE,
) -> None:
    """Topics of labelled streams beside TF-IDF with a single pass (NMI, ARI, counts); what a post costs over time."""
    from pipelines.bench import topics as measure

    report = measure.measure(data or [], label, posts)
    if how is Format.JSON:
        show(report, how)
    else:
        measure.show(report)


@bench.command("dashboards")
def dashboards_bench(
    context: typer.Context,
    posts: Annotated[int, typer.Option(min=10_000, help="Posts to make up.")] = 10_000_000,
    times: Annotated[int, typer.Option(min=1, help="How often each query is asked.")] = 5,
    how: How = Format.TABLE,
) -> None:
    """Each panel's and alert rule's query over ten hours of made-up posts, in a home of its own: milliseconds."""
    from pipelines.bench import dashboards as measure
    from pipelines.cli.dashboards.queries import queries
    from pipelines.services import background, control
    from pipelines.services.registry import Registry
    from pipelines.store.client import connect
    from pipelines.store.query import refresh_roll_ups

    settings: Context = context.obj
    control.up(settings.home, say=say, settings=settings.settings_file)
    allowed(context, "job.operate", "bench dashboards")
    registry = Registry(settings.home)
    with registry.locked():
        for service in background.ALL:  # they would fold the made-up calls into episodes, and deliver their alerts
            service.stop(registry)
    store = control.connection(settings.home)
    with connect(store) as client:
        measure.fill(client, posts, say)
        topic = measure.largest_topic(client)
    refresh_roll_ups(store)
    report = measure.measure(list(queries(topic)), partial(control.connection, settings.home), times)
    server = registry.services()["clickhouse"].pid
    with connect(store) as client:
        report["roll_ups_after_a_minute"] = measure.roll_ups(client, server, posts, say)
    show(report, how)


def show(report: dict[str, Any], how: Format) -> None:
    """Print a nested report: JSON as it is, or a line a figure with its path."""
    if how is Format.JSON:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
        return
    lines = list(_flat(report))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")


def _flat(value: dict[str, Any], path: str = "") -> Any:
    for name, held in value.items():
        here = f"{path}.{name}" if path else str(name)
        if isinstance(held, dict):
            yield from _flat(held, here)
        else:
            yield here, f"{held:,.3f}" if isinstance(held, float) else held
