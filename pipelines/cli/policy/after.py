"""`policy show | release`: what came of a run, and a person's word on what was intercepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.asking import TokenFile, allowed
from pipelines.cli.main import Context
from pipelines.cli.output import Format, listing
from pipelines.cli.policy.group import policy
from pipelines.cli.services import say

if TYPE_CHECKING:
    from schemas.policy import Release, Simulation

Run = Annotated[str, typer.Argument(help="Folder that `simulate` wrote, or name of a submitted run.")]
How = Annotated[Format, typer.Option("--format", help="table or json")]


@policy.command("show")
def show(
    context: typer.Context,
    run: Run,
    option: Annotated[str | None, typer.Option(help="The measures of this option, instead of all options.")] = None,
    grouping: Annotated[str, typer.Option(help="With --option: all, year, or a grouping of the plan.")] = "all",
    how: How = Format.TABLE,
) -> None:
    """List the options of a run as they stand, or the outcomes of one with intervals."""
    from pipelines.jobs.policy import outputs, runs
    from schemas.errors import UsageError

    given: Context = context.obj
    simulation = outputs.read(runs.find(given.home, run))
    if option is None:
        titles = {one.name: one.title for one in simulation.plan.options}
        reasons = {one.option: "" for one in simulation.standings}
        for finding in simulation.findings:
            if finding.outcome != "warn":
                reasons[finding.option] = "; ".join(filter(None, (reasons[finding.option], finding.reason)))
        rows = [
            {
                "rank": one.rank or None, "option": one.option, "title": titles[one.option], "state": one.state,
                "score": one.score, "pareto": one.pareto, "first_share": one.first_share, "ranks": list(one.ranks),
                "why": reasons[one.option],
            }
            for one in sorted(simulation.standings, key=lambda one: (one.rank or 1_000_000, one.option))
        ]  # fmt: skip
        listing(rows, how)
        return
    found = [one for one in simulation.results if one.option == option and one.grouping == grouping]
    if not found:
        names = ", ".join(one.name for one in simulation.plan.options)
        groupings = ", ".join(("all", "year", *(one.name for one in simulation.plan.groupings)))
        raise UsageError(f"nothing under --option {option!r} --grouping {grouping!r}: options {names}; {groupings}")
    listing(
        [
            {
                "measure": one.measure, "group": one.group, "unit": one.unit, "value": one.value, "low": one.low,
                "high": one.high, "change": one.change, "change_low": one.change_low, "change_high": one.change_high,
                "records": one.sample,
            }
            for one in found
        ],
        how,
    )  # fmt: skip


@policy.command("release")
def release(
    context: typer.Context,
    run: Run,
    option: Annotated[str, typer.Argument(help="An intercepted option.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; stands in the audit ledger and in the report.")] = "",
    token_file: TokenFile = None,
) -> None:
    """Let an intercepted option be weighed beside the others: under your name, in the ledger and in the report.

    An option that is infeasible cannot be released."""
    from pipelines.jobs.policy import releases, runs

    given: Context = context.obj
    folder = runs.find(given.home, run)
    person = allowed(context, "policy.release", f"option {option[:80]}", token_file)

    def keep(simulation: Simulation, made: Release) -> None:
        if folder.resolve() == runs.kept(given.home, simulation.run).resolve():
            from pipelines.jobs.policy.stored import keep_release
            from pipelines.jobs.site import Site

            keep_release(Site(given.home, given.settings()), simulation, made)

    simulation, made = releases.release(given.home, folder, option, reason, person, keep)
    (standing,) = (one for one in simulation.standings if one.option == option)
    say(f"{option} is released by {made.person}, entry {made.entry}, and ranks {standing.rank}")
    say(f"read {folder / 'report.html'}")
