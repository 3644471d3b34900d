"""What the documents of an application say, before anyone has laid them out; and an application with its truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from loadtest.applications.writing import Style, Wording, write


@dataclass(frozen=True)
class Pairs:
    """Labels with their values, in this order."""

    fields: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """A table: a field of kind table with its columns in the order printed. ``heading`` stands above it."""

    table: str
    columns: tuple[str, ...]
    heading: str = ""
    total: str = ""
    """Column whose sum is printed in a last row 合计."""


@dataclass(frozen=True)
class Prose:
    """Paragraphs; {field} is replaced by the printed value."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Signs:
    """Signatures at the end, one a line; ``seal`` is the field whose words stand in a red seal beside them."""

    fields: tuple[str, ...] = ()
    seal: str = ""


Block = Pairs | Rows | Prose | Signs


@dataclass(frozen=True)
class Paper:
    """A document. ``short`` ones fill half a page, so that two of them can lie in one scan."""

    document: str
    titles: tuple[str, ...]
    blocks: tuple[Block, ...]
    short: bool = False

    def fields(self) -> set[str]:
        """Names of the fields that stand on it; tables by their own name."""
        names: set[str] = set()
        for block in self.blocks:
            if isinstance(block, Rows):
                names.add(block.table)
            elif isinstance(block, Prose):
                names.update(part.split("}")[0] for text in block.paragraphs for part in text.split("{")[1:])
            else:
                names.update(block.fields)
        return names


@dataclass(frozen=True)
class Defect:
    """A thing that is wrong. The outcome says what follows: supplement and refer go to a person, reject is proposed."""

    rule: str
    outcome: str
    field: str = ""
    document: str = ""


@dataclass
class Case:
    """An application as invented: what is printed where, what is declared, what is wrong with it."""

    type: str
    words: dict[str, Wording]
    columns: dict[str, dict[str, Wording]]
    values: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    papers: list[Paper]
    declared: tuple[str, ...]
    """Fields that the applicant repeats in application.json."""
    aside: dict[str, Any] = field(default_factory=dict)
    """Printed, but no field of the type: begins of periods, a licence's day of founding."""
    elsewhere: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(document, field) -> another value printed there; None: left blank there. Document `form` is application.json."""
    contradicted: dict[str, float] = field(default_factory=dict)
    """Amounts whose capitals say this other sum."""
    voluntary: frozenset[str] = frozenset()
    """Documents that may be missing."""
    optional: frozenset[str] = frozenset()
    """Fields that may be blank."""
    signed: frozenset[str] = frozenset()
    """Signatures that must be a certain person's."""
    defects: list[Defect] = field(default_factory=list)

    def wording(self, document: str, name: str) -> Wording:
        """A document may have labels of its own: `licence.applicant_name`."""
        return self.words.get(f"{document}.{name}") or self.words[name]

    def value(self, document: str, name: str) -> Any:
        """What is printed for a field on a document."""
        if (document, name) in self.elsewhere:
            return self.elsewhere[document, name]
        return self.values[name] if name in self.values else self.aside.get(name)

    def text(self, document: str, name: str, style: Style) -> str:
        """A field's value as that document prints it."""
        wording = self.wording(document, name)
        begin = self.value(document, wording.begin) if wording.begin else None
        return write(wording, self.value(document, name), style, begin, self.contradicted.get(name))

    def rows(self, document: str, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.elsewhere.get((document, table), self.tables[table])
        return found

    def form(self) -> dict[str, Any]:
        """Declared values; a field that is left out of the papers is still declared."""
        return {name: self.value("form", name) for name in self.declared if self.value("form", name) is not None}

    @property
    def expected(self) -> str:
        outcomes = {defect.outcome for defect in self.defects}
        return "propose_reject" if "reject" in outcomes else "refer" if outcomes else "approve"

    def printed(self) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
        """Truth: fields and tables that a careful person finds on the papers. Where papers differ, the first counts."""
        fields: dict[str, Any] = {}
        tables: dict[str, list[dict[str, Any]]] = {}
        for paper in self.papers:
            for name in sorted(paper.fields()):
                if name in self.tables:
                    tables.setdefault(name, self.rows(paper.document, name))
                elif name in self.values and name not in fields and self.value(paper.document, name) is not None:
                    fields[name] = self.value(paper.document, name)
                    begin = self.wording(paper.document, name).begin
                    # a period's begin may be a field of its own, printed with its end
                    if begin in self.values:
                        fields[begin] = self.values[begin]
        return fields, tables
