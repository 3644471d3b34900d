"""What a type of application is made of, as its folder's files say it (docs/approval-types.md)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

Kind = Literal[
    "text", "person", "organisation", "id_number", "uscc", "phone", "date", "amount", "number", "area", "percent",
    "address", "choice", "signature", "table",
]  # fmt: skip
DataClass = Literal["L1", "L2", "L3", "L4"]
Outcome = Literal["supplement", "refer", "reject"]


class ColumnSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of a table field. ``labels`` are the words of its header cell."""

    title: str
    kind: Kind
    labels: tuple[str, ...]
    data_class: DataClass = msgspec.field(default="L2", name="class")
    choices: dict[str | bool, tuple[str, ...]] = {}
    unit: str = ""
    part: Literal["", "first", "last"] = ""
    """As of FieldSpec."""
    name: str = ""
    """Its key in ``columns``; filled by the loader."""


class FieldSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field: where it is printed, what kind of value it has, what depends on it."""

    title: str
    kind: Kind
    data_class: DataClass = msgspec.field(default="L2", name="class")
    labels: tuple[str, ...] = ()
    """As printed before, above or in the cell beside the value, in any form of the paper."""
    documents: tuple[str, ...] = ()
    """Documents in which it stands; empty: declared only."""
    required: bool = False
    """Must be found in at least one of its documents (in the form when it is declared only)."""
    critical: bool = False
    """A decision rests on it: its confidence counts for the application's."""
    choices: dict[str | bool, tuple[str, ...]] = {}
    """Of kind choice: value -> words that say it."""
    unit: str = ""
    columns: dict[str, ColumnSpec] = {}
    """Of kind table."""
    declared: str = ""
    """Name in the form; the loader fills in the field's own name where the file gives none."""
    part: Literal["", "first", "last"] = ""
    """Of kind date: which end of a period counts where the paper prints a period (2016.05.20-2036.05.20). An end
    that says 长期 is 9999-12-31."""
    signer: str = ""
    """Of kind signature: the field (``legal_representative``) or column (``shareholders.name``: each of them) whose
    name must stand in the signature."""
    name: str = ""
    """Its key in fields.yaml; filled by the loader."""


class DocumentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document of the type and how it is known."""

    title: str
    titles: tuple[str, ...]
    """Headings on its first page."""
    words: tuple[str, ...] = ()
    """Words that speak for it."""
    required: bool | str = False
    """Or a zen expression over the facts."""
    remedy: str = ""
    """For the notice when it is missing."""
    id: str = ""
    """Its key in documents.yaml; filled by the loader."""


class Fact(msgspec.Struct, frozen=True):
    """A derived fact: one operator with its argument and options (udfs/types/operators.py)."""

    name: str
    operator: str
    argument: Any
    options: dict[str, Any] = {}


class RuleVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it is in force from a day (inclusive) to a day (inclusive; None: until further notice)."""

    version: str
    since: date = msgspec.field(name="from")
    table: str
    legal_basis: str
    until: date | None = msgspec.field(default=None, name="to")
    content: str = ""
    """The table's JSON; filled by the loader."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule on a decision table, dated."""

    rule: str
    title: str
    outcome: Outcome
    versions: tuple[RuleVersion, ...]
    reason: str
    """With {name}: a fact, a field's value or another output of the table."""
    remedy: str = ""
    uses: tuple[str, ...] = ()
    """Fields whose boxes are the evidence and whose confidence counts."""
    applies: str = ""
    """Zen expression; false: no check. Empty: always."""

    def in_force(self, on: date) -> RuleVersion | None:
        """The version of that day, or None when the rule was not in force."""
        for version in self.versions:
            if version.since <= on and (version.until is None or on <= version.until):
                return version
        return None


class Confidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds, as probabilities."""

    approve: float = 0.9
    """Least confidence of an application that is approved without a person."""
    fact: float = 0.8
    """A value below it is null for facts and rules: what needs it cannot be judged."""


class Type(msgspec.Struct, frozen=True):
    """A type of application. Built by ``load``; picklable, compares by value."""

    type: str
    title: str
    version: str
    scope: str
    fields: dict[str, FieldSpec]
    documents: dict[str, DocumentSpec]
    facts: tuple[Fact, ...]
    rules: tuple[Rule, ...]
    lists: dict[str, dict[str, dict[str, Any]]]
    """lists/NAME.yaml: term -> what is known of it."""
    digest: str
    """SHA-256 (hex) over the names and bytes of the folder's files, test cases left out."""
    aliases: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    confidence: Confidence = Confidence()
    duplicates: tuple[str, ...] = ()
    """Declared fields that make two applications the same."""

    @property
    def label(self) -> str:
        """``food_business_licence@1.0.0#12ab34cd``: what a decision says it was judged by."""
        return f"{self.type}@{self.version}#{self.digest[:8]}"
