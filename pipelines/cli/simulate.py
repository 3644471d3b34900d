"""`simulate PLAN --output DIR`: options of a policy side by side, without a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context, app
from pipelines.cli.services import say

if TYPE_CHECKING:
    from schemas.policy import Simulation

GROUP = "Policy"


@app.command(rich_help_panel=GROUP)
def simulate(
    context: typer.Context,
    plan: Annotated[
        Path, typer.Argument(help="The plan, a YAML file (docs/plans.md; `yuqing policy plan` shows some).")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run: runs.parquet, report.html, ...")],
    people: Annotated[
        Path | None, typer.Option("--population", help="A population's folder, instead of the plan's.")
    ] = None,
    parallelism: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; default: what settings say.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the run that lies in the folder.")] = False,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, key=value.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Simulate the options of a plan on a population, rank them, and intercept what breaches a red line.

    A simulation decides nothing: people do. The same plan, population and seed give the same figures to the bit."""
    from functools import partial

    from pipelines.engines.pool import run_pool
    from pipelines.jobs.policy import LAWFUL_BASIS, NAME, PURPOSE, outputs
    from pipelines.jobs.policy.prepared import prepare
    from pipelines.jobs.policy.simulate import simulate as run_simulation
    from pipelines.jobs.run import new_run
    from pipelines.jobs.traced import spanned

    given: Context = context.obj
    settings = given.settings(overrides)
    run = new_run(NAME)
    person = allowed(context, "job.operate", f"run {run}", token_file, settings=settings)
    outputs.ready(output, replace)
    prepared = prepare(plan, people, given.home / "populations", say)
    detail = {
        "job": NAME, "source": str(plan)[:500], "purpose": PURPOSE, "lawful_basis": LAWFUL_BASIS,
        "plan": prepared.plan.digest, "rules": prepared.rules.digest, "population": prepared.info.digest,
    }  # fmt: skip
    with spanned(given.home, person.name, f"run {run}", detail) as ended:
        simulated = run_simulation(
            prepared, home=given.home, run=run, say=say,
            engine=partial(run_pool, parallelism=parallelism or settings.flink.parallelism),
        )  # fmt: skip
        outputs.empty(output, replace)
        outputs.write(output, simulated, outputs.choice_of(simulated, prepared, person.name))
        ended(summary(simulated.simulation))
    tell(simulated.simulation, output)


def summary(simulation: Simulation) -> dict[str, int]:
    """How many options stand how."""
    from collections import Counter

    states = Counter(one.state for one in simulation.standings)
    return {state: states[state] for state in ("open", "released", "intercepted", "infeasible")}


def tell(simulation: Simulation, output: Path | None) -> None:
    """A few lines on stderr: what came of it, and where to read on."""
    counts = summary(simulation)
    plan = simulation.plan
    titles = {option.name: option.title for option in plan.options}
    say(
        f"{len(titles)} options in {simulation.seconds:.1f} s: "
        + ", ".join(f"{number} {state}" for state, number in counts.items())
    )
    ranked = sorted((one for one in simulation.standings if one.rank), key=lambda one: one.rank)
    for one in ranked[:3]:
        say(
            f"{one.rank}. {one.option} ({titles[one.option]}), score {one.score:.3f}, "
            f"first in {100 * one.first_share:.0f} % of draws and weightings"
        )
    if counts["intercepted"]:
        say("what is intercepted needs a named person: `yuqing policy release`; the reasons stand in the report")
    if output is not None:
        say(f"read {output / 'report.html'}")
