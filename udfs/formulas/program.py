"""Rules meet a population: every formula typed, ordered, and made a function. It pickles: it is compiled again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from schemas.errors import UsageError
from schemas.policy import Column
from udfs.formulas.closures import Run, build
from udfs.formulas.evaluation import KEPT_BYTES, Evaluation
from udfs.formulas.expressions import Typing
from udfs.formulas.parameters import in_force
from udfs.formulas.ruleset import Formula, RuleSet, Variable
from udfs.formulas.syntax import nearest
from udfs.formulas.tree import Expr, Scope
from udfs.population.shard import Shard


@dataclass(frozen=True)
class Compiled:
    variable: Variable
    formula: Formula
    """In force on the day."""
    run: Run
    reads: tuple[str, ...]
    """Variables that it names."""
    columns: frozenset[str]
    """Of the population, that it or what it reads names."""
    levers: tuple[str, ...]
    """That its values depend on, directly or not; sorted, as are ``assumptions``."""
    assumptions: tuple[str, ...]

    @property
    def fixed(self) -> bool:
        """Whether it depends on neither levers nor assumptions."""
        return not self.levers and not self.assumptions


class Program:
    """Formulas in force on a day, for a population's columns."""

    def __init__(
        self,
        rules: RuleSet,
        columns: Mapping[str, Column],
        on: date,
        entities: tuple[str, ...],
        compiled: Mapping[str, Compiled],
        order: tuple[str, ...],
    ) -> None:
        self.rules = rules
        self.columns = columns
        self.on = on
        self.entities = entities
        self.compiled = compiled
        self.order = order
        """Variables, each after what it reads."""

    def __reduce__(self) -> tuple[Any, ...]:
        only = None if len(self.compiled) == len(self.rules.variables) else tuple(self.compiled)
        return compile, (self.rules, dict(self.columns), self.on, self.entities, only)

    @property
    def variables(self) -> Mapping[str, Variable]:
        return {name: compiled.variable for name, compiled in self.compiled.items()}

    def needed(self, names: Iterable[str]) -> frozenset[str]:
        """Columns of the population to read for these variables and columns."""
        found: set[str] = set()
        for name in names:
            if name in self.compiled:
                found |= self.compiled[name].columns
            elif name in self.columns:
                found.add(name)
            else:
                raise self.unknown(name)
        return frozenset(found)

    def depends(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        """Levers and assumptions that a variable's values depend on; a column's on none."""
        if name not in self.compiled:
            self.needed((name,))
            return frozenset(), frozenset()
        compiled = self.compiled[name]
        return frozenset(compiled.levers), frozenset(compiled.assumptions)

    def start(self, shard: Shard, seed: int, kept_bytes: int = KEPT_BYTES) -> Evaluation:
        """The program on a shard; ``seed`` is the plan's, for ``chance`` and ``normal``."""
        return Evaluation(self, shard, seed, kept_bytes)

    def lever_values(self, given: Mapping[str, float | str | bool]) -> dict[str, Any]:
        """All levers, as formulas read them. Raises UsageError on one there is not or a value it cannot have."""
        levers = self.rules.levers
        for name, value in given.items():
            if name not in levers:
                raise UsageError(f"{self.rules.file}: there is no lever {name!r}{nearest(name, levers)}")
            if wrong := levers[name].wrong(value):
                raise UsageError(f"lever {name}: {wrong} ({self.rules.file}:{levers[name].line})")
        values = {name: given.get(name, lever.default) for name, lever in levers.items()}
        return {name: np.float64(value) if levers[name].kind == "number" else value for name, value in values.items()}

    def assumption_values(self, given: Mapping[str, float]) -> dict[str, np.float64]:
        known = self.rules.assumptions
        for name in given:
            if name not in known:
                raise UsageError(f"{self.rules.file}: there is no assumption {name!r}{nearest(name, known)}")
        return {name: np.float64(given.get(name, assumption.central)) for name, assumption in known.items()}

    def unknown(self, name: str) -> UsageError:
        known = {*self.compiled, *self.columns}
        return UsageError(f"{name!r} is neither a variable of the rules nor a column{nearest(name, known)}")


def compile(
    rules: RuleSet,
    columns: Mapping[str, Column],
    on: date,
    entities: Collection[str],
    only: Collection[str] | None = None,
) -> Program:
    """Everything checked that can be without people: names, kinds, units, entities, cycles, what is in force.

    ``only``: these variables and what they read, instead of all. Raises UsageError with file and line.
    """
    scope = Scope(rules, columns, tuple(entities), on)
    _check_scope(scope, only is None)
    trees: dict[str, tuple[Formula, Expr]] = {}
    todo = list(rules.variables if only is None else only)
    while todo:
        name = todo.pop()
        if name in trees:
            continue
        variable = rules.variables.get(name)
        if variable is None:
            raise UsageError(f"{rules.file}: there is no variable {name!r}{nearest(name, rules.variables)}")
        formula = in_force(variable.formulas, on, variable.place)
        trees[name] = formula, Typing(scope, variable, formula).run()
        todo.extend(part for part in trees[name][1].names if part in rules.variables)
    order = _order(rules, {name: expr.names for name, (_, expr) in trees.items()})
    compiled: dict[str, Compiled] = {}
    for name in order:
        compiled[name] = _compiled(scope, rules.variables[name], *trees[name], compiled)
    return Program(rules, dict(columns), on, tuple(entities), compiled, order)


def _check_scope(scope: Scope, whole: bool) -> None:
    rules = scope.rules
    for name in scope.columns:
        for section in (rules.variables, rules.parameters, rules.levers):
            if name in section:
                raise section[name].place.error("the population has a column of this name: take another")
        if name in rules.assumptions:
            line = rules.assumptions[name].line
            raise UsageError(f"{rules.file}:{line}: assumptions.{name}: the population has a column of this name")
    if not whole:
        return
    missing = [entity for entity in rules.entities if entity not in scope.entities]
    if missing:
        raise UsageError(
            f"{rules.file}: these rules are about {', '.join(rules.entities)}; the population has no "
            f"{', '.join(missing)}, only {', '.join(scope.entities)}: take another population"
        )
    for name, place in rules.people_places.items():
        known = rules.variables.get(name) or scope.columns.get(name)
        if known is None:
            raise place.error(f"nothing is called {name!r}{nearest(name, scope.names())}")
        if known.kind != "number":
            raise place.error(f"a range is of numbers; {name} is a {known.kind}")


def _compiled(
    scope: Scope, variable: Variable, formula: Formula, expr: Expr, before: Mapping[str, Compiled]
) -> Compiled:
    rules = scope.rules

    def gathered(expr: Expr, of: str, own: Collection[str]) -> set[str]:
        found = {name for name in expr.names if name in own and name not in rules.variables}
        return found.union(*(getattr(before[name], of) for name in expr.names if name in before))

    def fixed(part: Expr) -> bool:
        return not (gathered(part, "levers", rules.levers) or gathered(part, "assumptions", rules.assumptions))

    return Compiled(
        variable=variable,
        formula=formula,
        run=build(expr, fixed, formula.place),
        reads=tuple(sorted(name for name in expr.names if name in rules.variables)),
        columns=frozenset(gathered(expr, "columns", scope.columns)),
        levers=tuple(sorted(gathered(expr, "levers", rules.levers))),
        assumptions=tuple(sorted(gathered(expr, "assumptions", rules.assumptions))),
    )


def _order(rules: RuleSet, names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Each variable after what it reads (depth first). Raises UsageError with the whole circle."""
    reads = {name: sorted(part for part in parts if part in names) for name, parts in names.items()}
    done: dict[str, None] = {}
    for first in (name for name in rules.variables if name in names):
        path: list[tuple[str, list[str]]] = [] if first in done else [(first, list(reads[first]))]
        while path:
            name, left = path[-1]
            if not left:
                done[name] = None
                path.pop()
                continue
            part = left.pop(0)
            if part in done:
                continue
            walked = [entry for entry, _ in path]
            if part in walked:
                circle = " -> ".join([*walked[walked.index(part) :], part])
                raise rules.variables[part].place.error(f"it depends on itself: {circle}")
            path.append((part, list(reads[part])))
    return tuple(done)
