"""What a plan may name: the rules' levers and variables, the population's columns."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import NamedTuple

from schemas.policy import ENTITIES, Column
from udfs.formulas import RuleSet
from udfs.lined import Node

NAME = r"[A-Za-z_][A-Za-z0-9_]{0,59}"


class Known(NamedTuple):
    """A variable or column."""

    name: str
    entity: str
    kind: str
    unit: str
    groups: int
    """Of a category: how many there are; else 0."""


class Names:
    """Variables and columns by name, each with its entity."""

    def __init__(self, rules: RuleSet, columns: Mapping[str, Column], entities: Collection[str]) -> None:
        self.rules = rules
        self.entities = tuple(entity for entity in ENTITIES if entity in entities)
        self._known = {
            column.name: Known(column.name, column.entity, column.kind, column.unit, len(column.categories))
            for column in columns.values()
        }
        for name, variable in rules.variables.items():
            self._known[name] = Known(name, variable.entity, variable.kind, variable.unit, 0)
        self.entity_of = {name: known.entity for name, known in self._known.items()}

    def find(self, node: Node, *kinds: str, of: str = "") -> Known:
        """The variable or column that ``node`` names: of one of ``kinds``; with ``of`` of this entity or one above."""
        name = node.text()
        found = self._known.get(name)
        if found is None:
            node.fail(
                f"the rules {self.rules.name!r} have no variable and the population has no column {name!r}"
                + nearest(name, self._known)
            )
        if kinds and found.kind not in kinds:
            node.fail(f"{name!r} is a {found.kind}; a {' or '.join(kinds)} is wanted")
        if found.entity not in self.entities:
            node.fail(f"{name!r} is of the {found.entity}, which the population does not have")
        if of and not self.reaches(found.entity, of):
            node.fail(
                f"{name!r} is of the {found.entity}, below what is counted ({of}): "
                f"count: {found.entity}, or name a variable of the {of} or above"
            )
        return found

    def entity(self, node: Node) -> str:
        """An entity that the population has."""
        name = node.text(ENTITIES)
        if name not in self.entities:
            node.fail(f"the population has no {name}; it has {', '.join(self.entities)}")
        return name

    @staticmethod
    def reaches(high: str, low: str) -> bool:
        """Whether each ``low`` carries what its ``high`` has: the same entity or one above."""
        return ENTITIES.index(high) >= ENTITIES.index(low)


def nearest(name: str, known: Collection[str]) -> str:
    """``; did you mean ...`` or all of them, when they are few."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(known) or 'none'}" if len(known) <= 20 else ""


def pick(node: Node, known: Collection[str], what: str) -> str:
    """The text of ``node``, which is one of ``known``."""
    name = node.text()
    if name not in known:
        node.fail(f"there is no {what} {name!r}{nearest(name, known)}")
    return name
