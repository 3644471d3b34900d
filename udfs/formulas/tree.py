"""A formula as a typed tree: every part knows its entity, kind and unit.

Carrying down from a higher entity is a node of its own (``carry``), so evaluation never guesses. The tree is data:
`expressions` grows it, `closures` makes functions of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schemas.policy import ENTITIES, Column
from udfs.formulas.ruleset import RuleSet
from udfs.formulas.units import Unit

NUMBER, BOOLEAN, CATEGORY = "number", "boolean", "category"


@dataclass(frozen=True, eq=False)
class Expr:
    """A part of a formula. ``entity`` None: one value for all (levers, parameters, assumptions, literals)."""

    op: str
    args: tuple[Expr, ...]
    entity: str | None
    kind: str
    unit: Unit | None
    text: str
    data: Any = None
    names: frozenset[str] = frozenset()
    """Everything it reads: columns, variables, levers, assumptions."""
    guarded: bool = False
    """Inside a branch, where a value that is not finite may be passed over."""
    words: tuple[str, ...] = ()
    """Of a category."""

    @property
    def key(self) -> str:
        """Equal for parts that always have equal values."""
        return f"{self.op}:{self.entity}:{self.data!r}({','.join(part.key for part in self.args)})"


@dataclass(frozen=True)
class Scope:
    """What names mean: a rule set, a population's columns and entities, a day."""

    rules: RuleSet
    columns: Mapping[str, Column]
    entities: tuple[str, ...]
    on: date

    def names(self) -> set[str]:
        rules = self.rules
        return {*self.columns, *rules.variables, *rules.parameters, *rules.levers, *rules.assumptions}


def level(entity: str) -> int:
    return ENTITIES.index(entity)


def carry(expr: Expr, entity: str) -> Expr:
    if expr.entity is None or expr.entity == entity:
        return expr
    return Expr(
        "carry", (expr,), entity, expr.kind, expr.unit, expr.text, expr.entity, expr.names, expr.guarded, expr.words
    )
