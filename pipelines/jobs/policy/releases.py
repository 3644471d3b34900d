"""What a person is answerable for after a run: releases of intercepted options, and tables that leave the house.

A named person lets an intercepted option go on to be weighed: the audit entry first, then the choice anew.

The figures stay as they are; only who is compared changes, so ranks of the others may too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from governance.audit import Ledger, now_ms
from governance.privacy import reach_of
from governance.privacy.tables import Reach
from governance.releases import release as permitted
from governance.roles import Person
from pipelines.jobs.policy import outputs
from pipelines.jobs.policy.prepared import assemble, checked_again
from schemas.policy import Release, Simulation
from udfs import choice

WRITER = "policy"


def reach(simulation: Simulation, state: outputs.Choice) -> Reach:
    """How far the formulas of a run's variables reach, for ``governance.privacy``. Raises UsageError: rules or
    population are not where they were, or changed."""
    prepared = assemble(simulation.plan, Path(state.rules), Path(state.population))
    checked_again(prepared, (simulation.rules_digest, simulation.population.digest))
    program = prepared.program
    entities = {name: one.entity for name, one in (*program.columns.items(), *program.variables.items())}
    return reach_of(entities, {name: (*one.reads, *one.columns) for name, one in program.compiled.items()})


Keep = Callable[[Simulation, Release], None]


def release(
    home: Path, folder: Path, option: str, reason: str, person: Person, keep: Keep | None = None
) -> tuple[Simulation, Release]:
    """The run with ``option`` released; its files are written again. Raises UsageError and AccessRefused (it is not
    intercepted, the reason says nothing, the person is the one who ran it): nothing changes then.

    ``keep`` puts it where else the run stands, before the files: what it raises leaves these as they were, and the same
    command again goes on from the entry in the ledger."""
    simulation = outputs.read(folder)
    state, draw_values = outputs.read_choice(folder)
    with Ledger(home, WRITER, now_ms) as ledger:
        made = permitted(simulation, option, reason, person, submitted_by=state.person, ledger=ledger, now=now_ms())
    releases = (*simulation.releases, made)
    released = tuple(one.option for one in releases)
    findings, standings = choice.weigh(
        simulation.plan, list(simulation.results), draw_values, list(simulation.findings), released
    )
    changed = msgspec.structs.replace(
        simulation, releases=releases, findings=tuple(findings), standings=tuple(standings)
    )
    if keep is not None:
        keep(changed, made)
    outputs.report(folder, changed)
    return changed, made
