"""`policy plan | rules | population`: what a simulation needs before it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.output import Format, listing
from pipelines.cli.policy.group import policy
from pipelines.cli.services import say

How = Annotated[Format, typer.Option("--format", help="table or json")]


@policy.command("plan")
def show_plan(
    name: Annotated[str | None, typer.Argument(help="Name of a worked policy; without one they are listed.")] = None,
    how: How = Format.TABLE,
) -> None:
    """Print the example plan of a worked policy, to be saved and changed."""
    from schemas.errors import UsageError
    from udfs import formulas, policies

    if name is None:
        rows = []
        for known in policies.NAMES:
            rules = formulas.load(policies.folder(known))
            rows.append({
                "name": known, "title": rules.title, "version": rules.version, "levers": len(rules.levers),
                "variables": len(rules.variables), "digest": rules.digest[:16],
            })  # fmt: skip
        listing(rows, how)
        return
    if name not in policies.NAMES:
        raise UsageError(f"no worked policy {name!r}; there are {', '.join(policies.NAMES)}")
    sys.stdout.write((policies.folder(name) / "plan.yaml").read_text(encoding="utf-8"))


@policy.command("rules")
def check_rules(
    name: Annotated[str, typer.Argument(help="A worked policy, or a folder with rules.yaml (and cases.yaml).")],
    how: How = Format.TABLE,
    cases_only: Annotated[bool, typer.Option("--cases-only", help="Only say whether the cases hold.")] = False,
) -> None:
    """Check rules and run their cases; list the variables. Exit code 1 when a case does not hold."""
    from udfs import formulas, policies

    folder = policies.folder(name) if name in policies.NAMES else Path(name)
    rules = formulas.load(folder)
    failures = formulas.check_cases(folder)
    if not cases_only:
        rows = [
            {
                "variable": one.name, "title": one.title, "entity": one.entity, "kind": one.kind, "unit": one.unit,
                "class": one.data_class, "line": one.line,
            }
            for one in rules.variables.values()
        ]  # fmt: skip
        listing(rows, how)
    for failure in failures:
        say(str(failure))
    say(f"{rules.title} {rules.version}: {len(rules.variables)} variables, {len(failures)} cases do not hold")
    if failures:
        raise typer.Exit(1)


@policy.command("population")
def make_population(
    folder: Annotated[Path, typer.Argument(help="Folder of a population: shown, or made here.")],
    synthesise: Annotated[
        str | None, typer.Option("--synthesise", help="Specification of a synthesis: a shipped name or a YAML file.")
    ] = None,
    load: Annotated[
        str | None,
        typer.Option("--load", help="Mapping of tables of one's own: a YAML file, or a shipped name (eusilc)."),
    ] = None,
    tables: Annotated[
        Path | None, typer.Option("--tables", help="With --load: where the tables lie; default: beside the mapping.")
    ] = None,
    people: Annotated[
        int, typer.Option(min=1_000, max=100_000_000, help="With --synthesise: about how many.")
    ] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="With --synthesise.")] = 1,
    columns: Annotated[bool, typer.Option("--columns", help="List the columns instead of the fit.")] = False,
    how: How = Format.TABLE,
) -> None:
    """Make a population from margins or from tables, or show one: size, source, fit, columns with unit and class."""
    from schemas.errors import UsageError
    from udfs import population

    if synthesise is not None and load is not None:
        raise UsageError("--synthesise and --load: one of them")
    if (synthesise is not None or load is not None) and (folder / "population.json").exists():
        raise UsageError(f"{folder}: a population lies there; take another folder")
    if synthesise is not None:
        population.synthesise(synthesise, people, seed, folder)
    elif load is not None:
        population.load_tables(load, folder, data=tables)
    info = population.info(folder)
    if columns:
        listing(
            [
                {
                    "column": one.name, "title": one.title, "entity": one.entity, "kind": one.kind, "unit": one.unit,
                    "class": one.data_class,
                }
                for one in info.columns
            ],
            how,
        )  # fmt: skip
        return
    if how is Format.JSON:
        listing(list(info.fit), how)
    else:
        sys.stdout.write(population.fit_text(info))
    counts = ", ".join(f"{number} {entity}" for entity, number in info.counts.items())
    say(f"{info.title or info.name}: {counts}; {len(info.columns)} columns, {info.shards} shards; {info.source}")
    if info.demonstration:
        say(f"a demonstration of the method only: {info.demonstration}")
