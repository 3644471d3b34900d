"""plan.yaml -> Prepared: plan, rules, population and program, checked against each other. Bad input ends here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from schemas.errors import UsageError
from schemas.policy import Plan, PopulationInfo
from udfs import formulas, lined, outcomes, plans, policies, population
from udfs.formulas import Program, RuleSet
from udfs.outcomes import Kind
from udfs.population.spec import find

PEOPLE = 100_000
"""Of a population of which only the specification's name is given."""

Levers = Mapping[str, float | str | bool]


@dataclass(frozen=True)
class Prepared:
    """Everything that a simulation needs to know; the population itself stays in its folder."""

    plan: Plan
    rules: RuleSet
    rules_folder: Path
    info: PopulationInfo
    population: Path
    program: Program
    kinds: Mapping[str, Kind]
    """Of every variable and column that the plan or the risk gate names."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is evaluated for an option."""
        return tuple(self.kinds)

    @property
    def columns(self) -> frozenset[str]:
        """Columns of the population that are read."""
        return self.program.needed(self.names)

    def levers(self, option: str) -> Levers:
        """All levers of the option of that name."""
        return plans.levers_of(self.plan, next(one for one in self.plan.options if one.name == option))

    @property
    def central(self) -> dict[str, float]:
        return {one.name: one.central for one in self.plan.assumptions}


def prepare(
    path: Path, people: Path | None, populations: Path, say: Callable[[str], None] = lambda line: None
) -> Prepared:
    """Read and check a plan with everything it names.

    ``people``: a population's folder that is taken instead of the plan's. ``populations``: where synthesised ones are
    kept (and found again by spec, size and seed). Raises UsageError with file and line.
    """
    root = lined.read(path)
    rules_folder = _rules_folder(root, path)
    rules = formulas.load(rules_folder)
    folder = people or _population(root, path, populations, say)
    info = population.info(folder)
    missing = [entity for entity in rules.entities if entity not in info.entities]
    if missing:
        root["rules"].fail(
            f"{rules.name} needs people in {', '.join(missing)}; population {info.name!r} has only "
            f"{', '.join(info.entities)}"
        )
    columns = {column.name: column for column in info.columns}
    plan = plans.load(path, rules, columns, info.entities)
    return assemble(plan, rules_folder, folder)


def assemble(plan: Plan, rules_folder: Path, folder: Path) -> Prepared:
    """The same from a plan that was checked before: what a worker does. Raises UsageError."""
    rules = formulas.load(rules_folder)
    info = population.info(folder)
    columns = {column.name: column for column in info.columns}
    program = formulas.compile(rules, columns, on=date.fromisoformat(plan.on), entities=info.entities)
    named = dict.fromkeys((*outcomes.names(plan), *rules.people))
    kinds = {name: Kind.of(columns[name] if name in columns else rules.variables[name]) for name in named}
    return Prepared(plan, rules, rules_folder, info, folder, program, kinds)


def _rules_folder(root: lined.Node, path: Path) -> Path:
    node = root["rules"]
    name = node.text()
    beside = path.parent / name
    if (beside / "rules.yaml").is_file():
        return beside
    if name not in policies.NAMES:
        known = ", ".join(policies.NAMES)
        node.fail(f"no rules {name!r}: neither a folder with rules.yaml beside the plan nor one of {known}")
    return policies.folder(name)


def _population(root: lined.Node, path: Path, kept: Path, say: Callable[[str], None]) -> Path:
    """A folder beside the plan; or one that is synthesised, of a shipped specification with PEOPLE people if only its
    name is given."""
    node = root["population"]
    if isinstance(node.value, str):
        folder = path.parent / node.text()
        if (folder / "population.json").is_file():
            return folder
        try:
            return synthesised(find(node.text()), PEOPLE, 1, kept, say)
        except UsageError as error:
            node.fail(f"no population lies in that folder beside the plan, and {error}")
    node.mapping({"synthesise"}, {"synthesise"})
    wanted = node["synthesise"]
    wanted.mapping({"spec", "people", "seed"}, {"spec", "people"})
    number = wanted["people"].integer(1_000, 100_000_000)
    seed = wanted["seed"].integer(0) if "seed" in wanted else 1
    try:
        spec = specification(wanted["spec"].text(), path.parent)
    except UsageError as error:
        wanted["spec"].fail(str(error))
    return synthesised(spec, number, seed, kept, say)


def specification(name: str, beside: Path = Path()) -> Path:
    """The file of a synthesis: one of the user's own, or a shipped one by its name. Raises UsageError."""
    return beside / name if (beside / name).is_file() else find(name)


def synthesised(spec: Path, people: int, seed: int, kept: Path, say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of a synthetic population under ``kept``; made once for a spec, size and seed."""
    digest = hashlib.sha256(spec.read_bytes()).hexdigest()[:12]
    folder = kept / f"{spec.stem}-{people}-{seed}-{digest}"
    if not (folder / "population.json").is_file():
        say(f"synthesising {people} people from {spec.name}, seed {seed}; kept for the next time")
        population.synthesise(spec, people, seed, folder)
    return folder


def checked_again(prepared: Prepared, digests: tuple[str, str]) -> None:
    """Raise UsageError when rules or population changed since the run began: a worker reads them by itself."""
    for what, now, then in (
        ("rules", prepared.rules.digest, digests[0]),
        ("population", prepared.info.digest, digests[1]),
    ):
        if now != then:
            raise UsageError(f"the {what} changed since the simulation began (digest {now[:12]}, then {then[:12]})")
