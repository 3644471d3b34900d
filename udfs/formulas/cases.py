"""A rule set's own tests: small economies written as tables, with what the rules must make of them (``cases.yaml``)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from schemas.policy import ENTITIES, Column
from udfs import lined
from udfs.formulas.program import compile
from udfs.formulas.ruleset import RuleSet, load
from udfs.lined import Node
from udfs.population.catalogue import catalogue
from udfs.population.shard import Shard

CASES = "cases.yaml"
TOLERANCE = 1e-6
_KEYS = ("case", "note", "on", "levers", "assumptions", "seed", "people", "expect", "tolerance")


@dataclass(frozen=True)
class Failure:
    """One expectation that does not hold; ``str`` of it is the line to show."""

    case: str
    file: str
    line: int
    variable: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.case}: {self.variable}: expected {self.wanted}, got {self.got}"


def check_cases(folder: Path, columns: Mapping[str, Column] | None = None) -> list[Failure]:
    """Every case of the folder's ``cases.yaml``; ``columns`` (default: the catalogue of the synthetic population) say
    what the cases' columns are. Raises UsageError: no cases, a case that is not well formed, rules that do not compile.
    """
    columns = catalogue() if columns is None else columns
    folder = Path(folder)
    rules = load(folder)
    root = lined.read(folder / CASES)
    if not root.list():
        root.fail("at least one case is wanted")
    return [failure for node in root.list() for failure in _check(rules, node, columns)]


def count_cases(folder: Path) -> int:
    return len(lined.read(Path(folder) / CASES).list())


def _check(rules: RuleSet, node: Node, columns: Mapping[str, Column]) -> list[Failure]:
    got = node.mapping(_KEYS, ("case", "on", "people", "expect"))
    name = got["case"].text()
    shard = read_people(got["people"], columns)
    expected = got["expect"].mapping()
    if not expected:
        got["expect"].fail("at least one variable is wanted")
    for variable, entry in expected.items():
        if variable not in rules.variables:
            raise entry.error(f"there is no variable {variable!r} in the rules")
    program = compile(rules, shard.columns, got["on"].date(), shard.entities, only=tuple(expected))
    levers: dict[str, Any] = _plain(got.get("levers"))
    assumptions = {key: entry.number() for key, entry in got["assumptions"].items()} if "assumptions" in got else {}
    seed = got["seed"].integer(0) if "seed" in got else 0
    tolerance = got["tolerance"].number(0.0) if "tolerance" in got else TOLERANCE
    try:
        values = program.start(shard, seed).values(levers, assumptions, expected)
    except UsageError as error:
        raise node.error(f"{name}: {error}") from None
    failures = []
    for variable, entry in expected.items():
        found, wanted = values[variable], entry.list()
        if len(wanted) != len(found):
            entry.fail(f"{len(wanted)} values for {len(found)} {rules.variables[variable].entity} records")
        if not all(_holds(want, have, tolerance) for want, have in zip(wanted, found, strict=True)):
            shown = ", ".join(_shown(have) for have in found)
            failures.append(Failure(name, entry.file, entry.line, variable, f"{entry.plain()}", f"[{shown}]"))
    return failures


def _plain(node: Node | None) -> dict[str, Any]:
    return {} if node is None else {key: entry.plain() for key, entry in node.items()}


def _holds(want: Node, have: Any, tolerance: float) -> bool:
    if isinstance(have, np.bool_):
        return want.boolean() == bool(have)
    number = want.number()
    return math.isclose(number, float(have), rel_tol=1e-12, abs_tol=tolerance)


def _shown(value: Any) -> str:
    return str(bool(value)).lower() if isinstance(value, np.bool_) else f"{float(value):.10g}"


def read_people(node: Node, columns: Mapping[str, Column]) -> Shard:
    """Tables of entities as a shard. A table has lists of equal length: ``id`` (default 1, 2, 3 ...), the id of what a
    record belongs to under the next table's name (default: the only one there is, or one each), ``weight``, columns.
    """
    tables = node.mapping(ENTITIES, ("person",))
    entities = [entity for entity in ENTITIES if entity in tables]
    sizes = {entity: _size(tables[entity]) for entity in entities}
    ids, parents, weights = {}, {}, {}
    values: dict[str, NDArray[Any]] = {}
    used: dict[str, Column] = {}
    for entity in entities:
        given = tables[entity].mapping()
        ids[entity] = _ids(given.get("id"), tables[entity], sizes[entity])
        weights[entity] = np.ones(sizes[entity])
        if "weight" in given:
            weights[entity] = np.array([entry.number(0.0) for entry in given["weight"].list()])
    for entity, high in zip(entities, [*entities[1:], ""], strict=True):
        given = tables[entity].mapping()
        if high:
            parents[entity] = _parents(given.get(high), tables[entity], sizes[entity], high, ids[high])
        for name, entry in given.items():
            if name in ("id", "weight", high):
                continue
            if name not in columns or columns[name].entity != entity:
                entry.fail(f"{name!r} is no column of the {entity} in the catalogue")
            used[name] = columns[name]
            values[name] = _column(entry, columns[name])
    return Shard(0, used, values, ids, weights, parents)


def _size(table: Node) -> int:
    lengths = {len(entry.list()) for _, entry in table.items()}
    if len(lengths) != 1 or lengths == {0}:
        table.fail("lists of the same length, at least 1, are wanted")
    return lengths.pop()


def _ids(node: Node | None, table: Node, size: int) -> NDArray[np.uint64]:
    if node is None:
        return np.arange(1, size + 1, dtype=np.uint64)
    found = [entry.integer(0) for entry in node.list()]
    if len(set(found)) < len(found):
        node.fail("an id stands twice")
    return np.array(found, dtype=np.uint64)


def _parents(node: Node | None, table: Node, size: int, high: str, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
    if node is None:
        if len(ids) == 1:
            return np.zeros(size, dtype=np.int64)
        if len(ids) != size:
            table.fail(f"{high!r} is missing: which {high} each belongs to")
        return np.arange(size, dtype=np.int64)
    positions = {int(known): position for position, known in enumerate(ids)}
    found = []
    for entry in node.list():
        if entry.integer() not in positions:
            entry.fail(f"there is no {high} {entry.integer()}")
        found.append(positions[entry.integer()])
    return np.array(found, dtype=np.int64)


def _column(node: Node, column: Column) -> NDArray[Any]:
    if column.kind == "boolean":
        return np.array([entry.boolean() for entry in node.list()], dtype=np.bool_)
    if column.kind == "number":
        return np.array([entry.number() for entry in node.list()])
    return np.array([column.categories.index(entry.text(column.categories)) for entry in node.list()], dtype=np.int32)
