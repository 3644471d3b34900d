"""`submit`, `jobs`, `savepoint`, `cancel`, `resume`: run jobs on an engine and operate them."""

from __future__ import annotations

import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.output import Format, listing
from pipelines.cli.services import say

if TYPE_CHECKING:
    from pipelines.engines.job import Job
    from pipelines.jobs.run import Spec
    from pipelines.services.registry import Service

GROUP = "Jobs"
SOURCE_HELP = (
    "kafka://host:port/topic, dir:///path, file:///path.jsonl[.gz], or generate:?posts=N&rate=R&seed=S (quote it); "
    "approval: dir:///path of a folder of applications; policy: file:///path/plan.yaml"
)


@app.command(rich_help_panel=GROUP)
def submit(
    context: typer.Context,
    job: Annotated[
        str, typer.Argument(help="Which job: opinion; topics, which follows what is stored; approval; policy.")
    ],
    source: Annotated[str, typer.Option("--source", help=SOURCE_HELP)] = "generate:?posts=10000",
    target: Annotated[
        str, typer.Option(help="local: a Flink inside this command; or flink://host:port of a cluster.")
    ] = "local",
    engine: Annotated[
        str | None,
        typer.Option(help="flink, or beam (bounded files and generated feeds); approval and policy run on beam."),
    ] = None,
    parallelism: Annotated[
        int | None, typer.Option(min=1, help="Parallel workers; default: what settings say.")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Until the job ends; topics: end with what is stored."),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 when there were dead letters.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the engine's command line and do nothing.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Run a job. A bounded source runs to its end; an unbounded one until SIGTERM or SIGINT, which take a savepoint."""
    from pipelines.feeds.uri import parse
    from pipelines.jobs import registry
    from pipelines.jobs.run import Spec, new_run
    from schemas.errors import UsageError

    settings: Context = context.obj
    values = settings.settings(overrides)
    if job == "topics":
        _topics(context, values, once=wait, dry_run=dry_run, token_file=token_file)
        return
    if job == "approval":
        from pipelines.cli.approve.submit import submit as approval

        approval(
            context,
            values,
            source,
            target,
            engine,
            parallelism,
            overrides or [],
            dry_run=dry_run,
            token_file=token_file,
        )
        return
    if job == "policy":
        from pipelines.cli.policy.submit import submit as simulate

        simulate(context, values, source, target, engine, parallelism, dry_run=dry_run, token_file=token_file)
        return
    if job not in registry.NAMES:
        raise UsageError(f"there is no job {job!r}; jobs are {', '.join(registry.NAMES)}, topics, approval, policy")
    engine = engine or "flink"
    if engine not in ("flink", "beam"):
        raise UsageError(f"--engine {engine!r}: one of flink, beam")
    feed = parse(source)
    if engine == "beam" and (target != "local" or not feed.bounded or feed.uri.startswith("kafka:")):
        raise UsageError("--engine beam runs bounded files and generated feeds with --target local only")
    spec = Spec(
        job=job,
        source=feed.uri,
        home=str(settings.home),
        run=new_run(job),
        target=target,
        engine=engine,
        parallelism=parallelism,
        settings_file=str(settings.settings_file) if settings.settings_file else None,
        overrides=tuple(overrides or ()),
    )
    if target != "local":
        _ = spec.rest  # a wrong target is told before anything is made
    if dry_run:
        print(shlex.join(_command_line(spec, spec.folder / "spec.json")))
        return
    person = allowed(context, "job.operate", f"run {spec.run}", token_file, settings=values)
    counts = start(spec, person.name, wait=wait)
    if strict and counts.get("dead_letters"):
        raise typer.Exit(3)


def _topics(context: typer.Context, values: Any, *, once: bool, dry_run: bool, token_file: Path | None) -> None:
    """Put stored posts into topics until SIGTERM or SIGINT; with ``once`` to the end of what is stored."""
    import signal
    import threading

    from pipelines.jobs import topics

    home = context.obj.home
    if dry_run:
        print(shlex.join([sys.argv[0], "--home", str(home), "submit", "topics", *(["--wait"] if once else [])]))
        return
    person = allowed(context, "job.operate", "run topics", token_file, settings=values)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    posts = topics.run(home, values, stop, person.name, once=once)
    say(f"{posts:,} posts put into topics")


def start(spec: Spec, actor: str, *, wait: bool = False, progress: Any = None) -> dict[str, Any]:
    """Start a run for ``actor`` and say how it went; return the workers' counts (none of a detached job on a cluster).

    Start and end stand in the audit ledger, with the purpose that the job declares.
    """
    from pipelines.jobs import registry, traced

    job, settings = registry.of_spec(spec)
    with traced.recorded(spec, job, settings, actor) as ended:
        preflight(spec, job)
        path = spec.save()
        if spec.engine == "beam":
            counts = _beam(spec, registry.of_spec(spec)[0])  # Beam pickles it: one that was never opened
        elif spec.target == "local":
            counts = _local(spec, progress, ended)
        else:
            counts = _cluster(spec, path, wait, ended)
        ended({name: counts[name] for name in ("posts", "stored", "dead_letters") if name in counts})
    return counts


def preflight(spec: Spec, job: Job) -> None:
    """Open everything the job needs once, here, where an error has a reader: a worker would only restart for ever."""
    from pipelines.feeds.uri import FileSource, FolderSource, KafkaSource, parse
    from schemas.errors import ServiceError, UsageError

    feed = parse(spec.source)
    if isinstance(feed, FileSource) and not feed.path.is_file():
        raise UsageError(f"--source {spec.source}: there is no such file")
    if isinstance(feed, FolderSource) and not feed.path.is_dir():
        raise UsageError(f"--source {spec.source}: there is no such folder; make it first")
    if isinstance(feed, KafkaSource):
        from pipelines.services.kafka_access import refusal

        why = refusal(feed.brokers, spec.settings().kafka)
        if why is not None:
            remedy = why or "`yuqing up --kafka` starts one here"
            raise ServiceError(f"no Kafka broker answers at {feed.brokers}: {remedy}")
    with job.opened(breaker=False):
        pass


def _command_line(spec: Spec, path: Path) -> list[str]:
    from pipelines.jobs.run import command_line
    from pipelines.services.flink import flink_home

    return list(command_line(path, spec, sys.executable, str(flink_home() / "bin" / "flink")))


def _local(spec: Spec, progress: Any, ended: Any) -> dict[str, Any]:
    from pipelines.jobs import program, run
    from pipelines.services.flink import local_environment

    os.environ.update(local_environment(Path(spec.home)))
    began = time.monotonic()
    savepoint = program.submit(spec, progress or (lambda counts: None))
    seconds = time.monotonic() - began
    counts = run.counts(spec.folder)
    _report(counts, seconds)
    ended({"savepoint": savepoint})
    if savepoint:
        say(
            f"savepoint: {savepoint}\n"
            f"go on with: yuqing --home {shlex.quote(spec.home)} resume {shlex.quote(savepoint)}"
        )
        print(savepoint)
    return counts


def _report(counts: dict[str, Any], seconds: float) -> None:
    from pipelines.jobs.run import remembered

    share = remembered(counts.get("counted", {}))
    say(
        f"{counts['posts']:,} records in {seconds:,.1f} s with start-up: "
        f"{counts['stored']:,} stored, {counts['dead_letters']:,} dead letters"
        + ("" if share is None else f"; model results remembered: {share:.0%}")
    )


def _beam(spec: Spec, job: Job) -> dict[str, Any]:
    from pipelines.engines import beam
    from pipelines.feeds.uri import FileSource, GenerateSource, parse

    feed = parse(spec.source)
    if not isinstance(feed, FileSource | GenerateSource):
        raise TypeError(f"beam takes files and generated feeds, not {type(feed).__name__}")
    began = time.monotonic()
    counts = beam.run(job, feed)
    _report(counts, time.monotonic() - began)
    return counts


def _cluster(spec: Spec, path: Path, wait: bool, ended: Any) -> dict[str, Any]:
    import subprocess

    from pipelines.jobs import run
    from pipelines.services import flink_rest
    from pipelines.services.flink import environment
    from schemas.errors import CircuitOpen, ServiceError

    if not flink_rest.answers(spec.rest):
        raise ServiceError(f"no Flink cluster answers at {spec.rest}; `yuqing up --flink` starts one here")
    known = {job.id for job in flink_rest.list_jobs(spec.rest)}
    done = subprocess.run(  # noqa: S603 - our own command line
        _command_line(spec, path),
        env=os.environ | environment(Path(spec.home)),
        capture_output=True,
        text=True,
        check=False,
    )
    new = [job for job in flink_rest.list_jobs(spec.rest) if job.id not in known and job.name == spec.job]
    if done.returncode or not new:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith("Caused by: ")]
        raise ServiceError(f"Flink refused the job: {(causes or lines or ['no reason given'])[-1][:300]}")
    job_id = new[0].id
    (spec.folder / "job_id").write_text(job_id)
    print(job_id, flush=True)
    ended({"job_id": job_id, "detached": not wait})
    if not wait:
        return {}
    began = time.monotonic()
    state = flink_rest.wait_for(spec.rest, job_id, timeout=10**9)
    counts = run.counts(spec.folder)
    _report(counts, time.monotonic() - began)
    if (spec.folder / "stopped.json").exists():
        import msgspec

        raise CircuitOpen(msgspec.json.decode((spec.folder / "stopped.json").read_bytes())["why"])
    if state != "FINISHED":
        causes = flink_rest.exceptions(spec.rest, job_id, 1)
        raise ServiceError(f"job {job_id} is {state}{': ' + causes[0] if causes else ''}")
    return counts


def _clusters(home: Path) -> list[str]:
    """REST addresses of the home's own cluster and of those its runs went to."""
    from pipelines.jobs import run

    found = [service.url for service in [_own_cluster(home)] if service is not None]
    found += [spec.rest for spec in run.runs(home) if spec.target != "local"]
    return list(dict.fromkeys(found))


def _own_cluster(home: Path) -> Service | None:
    from pipelines.services.flink import JOBMANAGER
    from pipelines.services.registry import Registry

    return Registry(home).running(JOBMANAGER)


def _run_of(home: Path, job_id: str) -> Spec | None:
    from pipelines.jobs import run

    for spec in run.runs(home):
        noted = spec.folder / "job_id"
        if noted.exists() and noted.read_text() == job_id:
            return spec
    return None


def _find(home: Path, job_id: str) -> str:
    """The cluster that has a job. Raises UsageError when none has."""
    from pipelines.services import flink_rest
    from schemas.errors import UsageError

    for rest in _clusters(home):
        if flink_rest.answers(rest) and any(job.id == job_id for job in flink_rest.list_jobs(rest)):
            return rest
    raise UsageError(f"no cluster of this home has a job {job_id}; `yuqing jobs` lists them")


@app.command(rich_help_panel=GROUP)
def jobs(
    context: typer.Context,
    how: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
) -> None:
    """List jobs on the clusters of this home, and the runs with savepoints to resume from."""
    from datetime import UTC, datetime

    from pipelines.jobs import run
    from pipelines.services import flink_rest

    home = context.obj.home
    rows: list[dict[str, Any]] = []
    listed: set[str] = set()
    for rest in _clusters(home):
        if not flink_rest.answers(rest):
            continue
        for job in flink_rest.list_jobs(rest):
            spec = _run_of(home, job.id)
            listed.add(spec.run if spec else "")
            started = datetime.fromtimestamp(job.started / 1000, UTC).isoformat(" ", "seconds")
            saved = run.savepoints(spec) if spec else []
            rows.append(
                {"id": job.id, "job": job.name, "state": job.state, "started": started}
                | {"source": spec.source if spec else "", "savepoint": saved[-1] if saved else ""}
            )
    for spec in run.runs(home):
        if spec.run not in listed and (saved := run.savepoints(spec)):
            rows.append(
                {"id": spec.run, "job": spec.job, "state": "stopped", "started": spec.run.split("-")[1]}
                | {"source": spec.source, "savepoint": saved[-1]}
            )
    listing(rows, how, ("id", "job", "state", "started", "source", "savepoint"))


@app.command(rich_help_panel=GROUP)
def savepoint(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(help="Id of the job, from `yuqing jobs`.")],
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job with the savepoint.")] = False,
    token_file: TokenFile = None,
) -> None:
    """Take a savepoint of a job on a cluster and print its path; `resume` goes on from it."""
    from pipelines.jobs import traced
    from pipelines.services import flink_rest

    home = context.obj.home
    rest = _find(home, job_id)
    person = allowed(context, "job.operate", f"job {job_id}", token_file)
    traced.note(home, person.name, "job.savepoint", f"job {job_id}", {"stop": stop})
    spec = _run_of(home, job_id)
    folder = (spec.folder / "savepoints").as_uri() if spec else None
    take = flink_rest.stop_with_savepoint if stop else flink_rest.savepoint
    print(take(rest, job_id, folder).removeprefix("file:"))


@app.command(rich_help_panel=GROUP)
def cancel(
    context: typer.Context,
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    token_file: TokenFile = None,
) -> None:
    """Cancel a job on a cluster. Its last checkpoint stays and can be resumed."""
    from pipelines.jobs import traced
    from pipelines.services import flink_rest

    home = context.obj.home
    rest = _find(home, job_id)
    person = allowed(context, "job.operate", f"job {job_id}", token_file)
    traced.note(home, person.name, "job.cancel", f"job {job_id}")
    say(flink_rest.cancel(rest, job_id))


@app.command(rich_help_panel=GROUP)
def resume(
    context: typer.Context,
    savepoint_path: Annotated[str, typer.Argument(metavar="SAVEPOINT", help="Folder of a savepoint or checkpoint.")],
    target: Annotated[str | None, typer.Option(help="Another target than before.")] = None,
    parallelism: Annotated[int | None, typer.Option(min=1)] = None,
    wait: Annotated[bool, typer.Option("--wait")] = False,
    token_file: TokenFile = None,
) -> None:
    """Go on from a savepoint with the code and settings of now. Where Flink cannot restore the plan, start from the
    committed offsets (Kafka) or the beginning (files: posts that come twice stay one row), and say so."""
    from pipelines.jobs import run
    from schemas.errors import ServiceError

    settings: Context = context.obj
    spec = run.of_savepoint(savepoint_path)
    spec = replace(
        spec,
        home=str(settings.home),
        target=target or spec.target,
        parallelism=parallelism or spec.parallelism,
        settings_file=str(settings.settings_file) if settings.settings_file else spec.settings_file,
    )
    person = allowed(context, "job.operate", f"run {spec.run}", token_file, settings=spec.settings())
    for name in ("stopped.json", *(path.name for path in spec.folder.glob("worker-*.json"))):
        (spec.folder / name).unlink(missing_ok=True)
    try:
        start(spec, person.name, wait=wait)
    except ServiceError as error:
        if not _cannot_restore(str(error)):
            raise ServiceError(f"resume from {savepoint_path}: {error}") from None
        say(f"the savepoint does not fit the job of now ({error}); starting from committed offsets instead")
        start(replace(spec, restore_from=None), person.name, wait=wait)


def _cannot_restore(message: str) -> bool:
    """Flink's words for a savepoint whose operators or state do not fit the program."""
    words = ("Failed to rollback to checkpoint/savepoint", "Cannot map checkpoint/savepoint state", "StateMigration")
    return any(word in message for word in words)
