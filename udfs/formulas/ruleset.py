"""A folder of rules as data: read, checked for form; what formulas mean is checked against a population (`program`)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from schemas.errors import UsageError
from schemas.policy import ENTITIES, Assumption
from udfs import lined
from udfs.formulas.parameters import (
    Lever,
    Parameter,
    Place,
    place,
    read_assumption,
    read_dated,
    read_lever,
    read_parameter,
    read_text,
    read_unit,
)
from udfs.formulas.syntax import FUNCTIONS, LONGEST
from udfs.lined import Node

RULES = "rules.yaml"
CLASSES = ("L1", "L2", "L3", "L4")
_HEAD = ("rules", "title", "version", "note", "entities", "people", "sources")
SECTIONS = (*_HEAD, "levers", "parameters", "assumptions", "variables")
REQUIRED = ("rules", "title", "version", "entities", "variables")
KINDS = ("number", "boolean")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = {*ENTITIES, *FUNCTIONS, "true", "false", "and", "or", "not", "if", "else", "in", "is", "lambda", "for"}


@dataclass(frozen=True)
class Formula:
    text: str
    place: Place


@dataclass(frozen=True)
class Variable:
    """What a rule set computes for every record of an entity."""

    name: str
    title: str
    entity: str
    kind: str
    """``number`` or ``boolean``."""
    unit: str
    data_class: str
    place: Place
    formulas: tuple[tuple[date, Formula], ...]
    """Oldest first; one without a date is in force from ``date.min``."""

    @property
    def line(self) -> int:
        return self.place.line


@dataclass(frozen=True)
class RuleSet:
    """A rule set that is well formed; it pickles."""

    name: str
    title: str
    version: str
    digest: str
    """SHA-256 of the file."""
    file: str
    entities: tuple[str, ...]
    """That a population must have."""
    sources: tuple[str, ...]
    levers: Mapping[str, Lever]
    parameters: Mapping[str, Parameter]
    assumptions: Mapping[str, Assumption]
    variables: Mapping[str, Variable]
    people: Mapping[str, tuple[float, float]]
    """Column or variable -> the range for which the rules' evidence holds."""
    people_places: Mapping[str, Place]


def load(folder: Path) -> RuleSet:
    """The rules of a folder (its ``rules.yaml``). Raises UsageError with file and line."""
    folder = Path(folder)
    path = folder / RULES
    if not path.is_file():
        raise UsageError(f"{folder}: there is no {RULES} in it; give the folder of a rule set")
    return from_node(lined.read(path), hashlib.sha256(path.read_bytes()).hexdigest())


def parse(content: str, file: str = RULES) -> RuleSet:
    """As ``load``, of a text."""
    return from_node(lined.parse(content.encode(), file), hashlib.sha256(content.encode()).hexdigest())


def from_node(root: Node, digest: str) -> RuleSet:
    got = root.mapping(SECTIONS, REQUIRED)
    entities = tuple(node.text(ENTITIES) for node in got["entities"].list())
    if len(set(entities)) < len(entities) or "person" not in entities:
        got["entities"].fail("each once, 'person' among them")
    seen: dict[str, int] = {}
    levers = {name: read_lever(name, node) for name, node in _named(got.get("levers"), seen)}
    people = got["people"].mapping() if "people" in got else {}
    return RuleSet(
        name=got["rules"].text(),
        title=got["title"].text(),
        version=got["version"].text() if isinstance(got["version"].value, str) else str(got["version"].plain()),
        digest=digest,
        file=root.file,
        entities=tuple(entity for entity in ENTITIES if entity in entities),
        sources=got["sources"].texts() if "sources" in got else (),
        levers=levers,
        parameters={name: read_parameter(name, node, levers) for name, node in _named(got.get("parameters"), seen)},
        assumptions={name: read_assumption(name, node) for name, node in _named(got.get("assumptions"), seen)},
        variables={name: _variable(name, node) for name, node in _named(got["variables"], seen)},
        people={name: _range(node) for name, node in people.items()},
        people_places={name: place(node) for name, node in people.items()},
    )


def _named(node: Node | None, seen: dict[str, int]) -> list[tuple[str, Node]]:
    """The entries of a section; names are well formed and stand once in the whole file."""
    if node is None or node.value is None:
        return []
    entries = list(node.items())
    for name, entry in entries:
        where = Place(node.file, node.lines.get(name, entry.line), node.name)
        if not _NAME.fullmatch(name) or "__" in name:
            raise where.error(f"{name!r} is no name: small letters, digits and single _, a letter first, at most 63")
        if name in _RESERVED:
            raise where.error(f"{name!r} is a word of the language; take another name")
        if name in seen:
            raise where.error(f"{name!r} has a meaning already (line {seen[name]})")
        seen[name] = where.line
    return entries


def _range(node: Node) -> tuple[float, float]:
    found = node.numbers()
    if len(found) != 2 or found[0] > found[1]:
        node.fail("two numbers are wanted, the lower first")
    return found[0], found[1]


def _variable(name: str, node: Node) -> Variable:
    got = node.mapping(
        ("title", "entity", "kind", "unit", "class", "formula", "formulas", "note", "source"), ("title", "entity")
    )
    kind = got["kind"].text(KINDS) if "kind" in got else "number"
    if kind == "boolean" and "unit" in got:
        got["unit"].fail("a boolean has no unit")
    if ("formula" in got) == ("formulas" in got):
        node.fail("either 'formula' or 'formulas' (by date) is wanted")
    dated = ((date.min, got["formula"]),) if "formula" in got else read_dated(got["formulas"])
    return Variable(
        name=name,
        title=got["title"].text(),
        entity=got["entity"].text(ENTITIES),
        kind=kind,
        unit=read_unit(got.get("unit")),
        data_class=got["class"].text(CLASSES) if "class" in got else "L2",
        place=place(node),
        formulas=tuple((day, _formula(entry)) for day, entry in dated),
    )


def _formula(node: Node) -> Formula:
    plain = node.value
    if isinstance(plain, bool):
        text = "true" if plain else "false"
    elif isinstance(plain, int | float):
        text = repr(plain)
    else:
        text = read_text(node)
    if len(text) > LONGEST:
        node.fail(f"{len(text)} characters; at most {LONGEST}: make variables of its parts")
    return Formula(" ".join(text.split()), place(node))
