"""What is looked for in the documents of a type: labels and their owners, compiled once a type."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

from udfs.extraction.folding import folded
from udfs.extraction.kinds import Hints, choices_of
from udfs.extraction.labels import Hit, Labels, signed
from udfs.types.spec import ColumnSpec, FieldSpec, Type

_SIGNING = re.compile(r"\(?(?:签[字名章]|盖章|签字或盖章|签字盖章)\)?$")


class Plan:
    """A type, ready for pages."""

    def __init__(self, kind: Type) -> None:
        self.kind = kind
        self.owners: dict[str, list[FieldSpec]] = {}
        """Folded label -> fields (tables left out) that it may announce."""
        self.signers: dict[str, list[FieldSpec]] = {}
        """委托人 -> signatures that stand behind 委托人(签字), however the paper asks for them."""
        self.hints: dict[str, Hints] = {}
        """Of each field, and of each column as ``field.column``."""
        self.columns: dict[str, dict[str, str]] = {}
        """Table field -> folded header label -> column."""
        labels: set[str] = set()
        for name, field in kind.fields.items():
            if field.kind == "table":
                self.columns[name] = {}
                for column, spec in field.columns.items():
                    self.hints[f"{name}.{column}"] = _hints(column, spec)
                    for label in {folded(label) for label in (*spec.labels, spec.title)}:
                        self.columns[name].setdefault(label, column)
                        labels.add(label)
                continue
            self.hints[name] = _hints(name, field)
            for label in dict.fromkeys(folded(label) for label in field.labels):
                self.owners.setdefault(label, []).append(field)
                labels.add(label)
                if field.kind == "signature":
                    stem = _SIGNING.sub("", label)
                    self.signers.setdefault(stem, []).append(field)
                    labels.add(stem)
        for document in kind.documents.values():
            labels.update(folded(word) for word in document.words if 3 <= len(word) <= 8)
        choices = [field.choices for field in kind.fields.values()]
        choices += [column.choices for field in kind.fields.values() for column in field.columns.values()]
        values = {folded(word) for words in choices for names in words.values() for word in names}
        self.labels = Labels(labels, values)
        self.titles = {
            name: tuple(dict.fromkeys(folded(title) for title in (*spec.titles, spec.title)))
            for name, spec in kind.documents.items()
        }
        self.words = {
            name: frozenset(
                [folded(word) for word in spec.words]
                + [
                    folded(label)
                    for field in kind.fields.values()
                    if name in field.documents
                    for label in field.labels
                    if len(label) >= 4
                ]
            )
            for name, spec in kind.documents.items()
        }


def owns(plan: Plan, field: FieldSpec, hit: Hit) -> bool:
    """Whether a label on a page announces the field."""
    owners = plan.owners.get(hit.label, [])
    if signed(hit.note) and field.kind == "signature":
        owners = [*owners, *plan.signers.get(hit.label, ())]
    return any(owner.name == field.name for owner in owners)


def _hints(name: str, spec: FieldSpec | ColumnSpec) -> Hints:
    last = spec.part == "last" or (not spec.part and name.endswith(("ends_on", "_until", "_to")))
    several = isinstance(spec, FieldSpec) and spec.kind == "signature" and "." in spec.signer
    return Hints(choices=choices_of(spec.choices), unit=spec.unit, last=last, several=several)


def noisy(hints: Hints, note: str) -> Hints:
    """The hints for text that OCR read, with the unit that the label's parenthesis gives."""
    return with_unit(dataclasses.replace(hints, ocr=True), note)


def with_unit(hints: Hints, note: str) -> Hints:
    """注册资本(万元): the unit of the paper goes before the type's."""
    unit = note.strip("()")
    if any(word in unit for word in ("万元", "元", "平方米", "㎡", "亩", "公顷")):
        return dataclasses.replace(hints, unit=unit.removeprefix("单位:"))
    return hints


@functools.lru_cache(32)
def _plan(key: _Key) -> Plan:
    return Plan(key.kind)


class _Key:
    """A type by its digest and name: types hold dictionaries and cannot be hashed."""

    def __init__(self, kind: Type) -> None:
        self.kind = kind
        self._identity: tuple[Any, ...] = (kind.type, kind.version, kind.digest)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity == other._identity


def plan_of(kind: Type) -> Plan:
    """The plan of a type; kept for the process."""
    return _plan(_Key(kind))
