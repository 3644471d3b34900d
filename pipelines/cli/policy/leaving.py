"""`policy tables`: group tables that may leave the house, with noise and under a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context
from pipelines.cli.output import Format, listing
from pipelines.cli.policy.after import How, Run
from pipelines.cli.policy.group import policy
from pipelines.cli.services import say


@policy.command("tables")
def tables(
    context: typer.Context,
    run: Run,
    option: Annotated[str, typer.Option(help="An option of the run.")],
    measure: Annotated[
        list[str], typer.Option(help="A measure of counts (share, gainers, losers); several may be given.")
    ],
    epsilon: Annotated[float, typer.Option(min=0.000_001, help="For each table: the smaller, the more noise.")],
    grouping: Annotated[str, typer.Option(help="all, or a grouping of the plan.")] = "all",
    persons: Annotated[
        int, typer.Option("--persons-per-household", min=1, help="The most members that a household is taken to have.")
    ] = 10,
    how: How = Format.TABLE,
    token_file: TokenFile = None,
) -> None:
    """Print counts of records by group with differential privacy; each table costs epsilon of your budget.

    The same question again gets the same answer and costs nothing. Weighted figures cannot leave."""
    from governance.audit import Ledger, now_ms
    from governance.privacy import Wanted, left, release_counts
    from pipelines.jobs.policy import outputs, runs
    from pipelines.jobs.policy.releases import WRITER, reach

    given: Context = context.obj
    settings = given.settings()
    folder = runs.find(given.home, run)
    simulation = outputs.read(folder)
    person = allowed(context, "policy.tables", f"run {simulation.run}", token_file, settings=settings)
    wanted = [Wanted(option, name, grouping) for name in measure]
    with Ledger(given.home, WRITER, now_ms) as ledger:
        made = release_counts(
            simulation, wanted, epsilon, persons, person, home=given.home, ledger=ledger, limits=settings.privacy,
            now=now_ms(), reach=reach(simulation, outputs.read_choice(folder)[0]),
        )  # fmt: skip
    rows = [
        {
            "measure": table.measure, "group": cell.group, "hits": cell.hits, "records": cell.records,
            "share": cell.share, "hits_within": table.accuracy_hits, "records_within": table.accuracy_records,
        }
        for table in made
        for cell in table.cells
    ]  # fmt: skip
    listing(rows, how)
    population = simulation.population
    remains = left(given.home, person.name, population.digest, population.name, settings.privacy, now_ms())
    charged = sum(table.charged for table in made)
    say(f"epsilon {charged:g} spent now, {remains:g} left on {population.name}; entry {made[0].entry}")
