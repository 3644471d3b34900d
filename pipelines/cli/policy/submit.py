"""`submit policy`: the Beam job over a plan, on this machine or on the Flink cluster; results into the store."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import typer

from pipelines.cli.asking import allowed
from pipelines.cli.main import Context
from pipelines.cli.services import say
from pipelines.cli.simulate import summary, tell

if TYPE_CHECKING:
    from schemas.settings import Settings

LOCAL = "local"


def submit(
    context: typer.Context,
    settings: Settings,
    source: str,
    target: str,
    engine: str | None,
    parallelism: int | None,
    *,
    dry_run: bool,
    token_file: Path | None,
) -> None:
    """Simulate the plan ``source``, keep its report in HOME/policy and its rows in the store. Raises UsageError."""
    from functools import partial

    from pipelines.engines.elements import run_elements
    from pipelines.jobs.policy import LAWFUL_BASIS, NAME, PURPOSE, outputs, runs
    from pipelines.jobs.policy.prepared import prepare
    from pipelines.jobs.policy.simulate import simulate
    from pipelines.jobs.policy.stored import keep, moods, ready
    from pipelines.jobs.run import Spec, new_run
    from pipelines.jobs.site import Site
    from pipelines.jobs.traced import spanned
    from pipelines.services import flink_rest
    from schemas.errors import ServiceError, UsageError

    if engine not in (None, "beam"):
        raise UsageError(f"--engine {engine!r}: policy is a Beam job; leave --engine out, or say beam")
    run = new_run(NAME)
    here = target == LOCAL
    rest = "" if here else Spec(NAME, source, str(context.obj.home), run, target).rest  # a wrong target is told now
    parts = urlsplit(source)
    if parts.scheme != "file" or parts.netloc or not parts.path.endswith((".yaml", ".yml")):
        raise UsageError(f"--source {source!r}: policy takes a plan, file:///path/plan.yaml")
    plan = Path(unquote(parts.path))
    given: Context = context.obj
    if dry_run:
        words = ["submit", NAME, "--source", source, "--target", target, "--engine", "beam"]
        print(shlex.join([sys.argv[0], "--home", str(given.home), *words]))
        return
    person = allowed(context, "job.operate", f"run {run}", token_file, settings=settings)
    site = Site(given.home, settings, run=run)
    ready(site)  # a store or a cluster that is not there is told before an hour of work, which a synthesis may be too
    if rest and not flink_rest.answers(rest):
        raise ServiceError(f"no Flink cluster answers at {rest}; `yuqing up --flink` starts one here")
    prepared = prepare(plan, None, given.home / "populations", say)
    reading = moods(site, prepared.plan)
    detail = {
        "job": NAME, "source": source[:500], "target": target, "engine": "beam", "purpose": PURPOSE,
        "lawful_basis": LAWFUL_BASIS, "plan": prepared.plan.digest, "rules": prepared.rules.digest,
        "population": prepared.info.digest,
    }  # fmt: skip
    if not here:  # ended like Ctrl-C: the cluster's job is cancelled, tallies go, the ledger says so
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    with spanned(given.home, person.name, f"run {run}", detail) as ended:
        engine = partial(
            run_elements, runner="direct" if here else target, home=given.home,
            parallelism=parallelism or settings.flink.parallelism,
        )  # fmt: skip
        simulated = simulate(prepared, home=given.home, engine=engine, run=run, say=say, reading=reading)
        folder = runs.kept(given.home, run)
        outputs.empty(folder, replace=False)
        outputs.write(folder, simulated, outputs.choice_of(simulated, prepared, person.name))
        keep(site, simulated.simulation, person.name)
        ended(summary(simulated.simulation))
    tell(simulated.simulation, folder)
    say(f"run {run}: in the store, and by `yuqing policy show {run}`")
