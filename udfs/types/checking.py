"""Whether a type holds together: names that are used exist, expressions parse, versions of a rule do not overlap.

Every error is a UsageError that names file, key and remedy. Decision tables are checked cell by cell, because
zen-engine says nothing of a cell it cannot evaluate: the row simply does not hit.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NoReturn

import zen

from schemas.errors import UsageError
from udfs.types.operators import KEYS, OPERATORS, OPTIONS
from udfs.types.spec import FieldSpec, Rule, RuleVersion, Type
from udfs.types.tables import Table, parse_table

MEMBERS: dict[str, tuple[str, ...]] = {
    "fields": ("value", "confidence", "present", "agree", "rows", "faults"),
    "documents": ("present", "pages"),
}
"""What an expression may ask of a field or a document."""

_REFERENCE = re.compile(r"(?<![\w.])(fields|facts|documents|form)\.(\w+)(?:\.(\w+))?")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_PLACE = re.compile(r"\{(\w+)\}")
_LEADING = re.compile(r"\s*(?:[<>=!]|(?:not\s+)?in\b)")


def check(kind: Type) -> None:
    """Raises UsageError at the first thing that does not hold together."""
    for name, field in kind.fields.items():
        _field(kind, name, field)
    for name, document in kind.documents.items():
        if not document.titles:
            _fail(kind, "documents.yaml", name, "titles is empty", "give the headings of its first page")
        if isinstance(document.required, str):
            _expression(kind, "documents.yaml", f"{name}.required", document.required)
    declared = {field.declared for field in kind.fields.values()}
    for name in kind.duplicates:
        if name not in declared:
            _fail(
                kind, "type.yaml", "duplicates", f"{name!r} is declared by no field", f"use one of {sorted(declared)}"
            )
    if not (0 < kind.confidence.approve <= 1 and 0 < kind.confidence.fact <= 1):
        _fail(kind, "type.yaml", "confidence", "a threshold is outside 0..1", "give probabilities")
    _facts(kind)
    seen = set()
    for rule in kind.rules:
        if rule.rule in seen or rule.rule.startswith("generic."):
            _fail(kind, "rules.yaml", rule.rule, "this rule stands twice or is called generic.*", "rename one")
        seen.add(rule.rule)
        _rule(kind, rule)


def references(expression: str) -> set[tuple[str, str, str]]:
    """(fields | facts | documents | form, name, member or "") of an expression; quoted strings do not count."""
    return {(m[1], m[2], m[3] or "") for m in _REFERENCE.finditer(_QUOTED.sub("''", expression))}


def _field(kind: Type, name: str, field: FieldSpec) -> None:
    where = "fields.yaml"
    for document in field.documents:
        if document not in kind.documents:
            _fail(kind, where, name, f"documents: no {document!r}", f"use one of {sorted(kind.documents)}")
    if field.documents and not field.labels:
        _fail(kind, where, name, "labels is empty", "give the words printed beside it, or no documents")
    if (field.kind == "table") != bool(field.columns):
        _fail(kind, where, name, "columns go with kind table only", "give columns to tables and to nothing else")
    for key, part in ({"": field} | field.columns).items():
        if (part.kind == "choice") != bool(part.choices):
            _fail(kind, where, f"{name}.{key}".rstrip("."), "choices go with kind choice only", "give or drop choices")
        if part.part and part.kind != "date":
            _fail(kind, where, f"{name}.{key}".rstrip("."), "part goes with kind date only", "drop part")
    for key, column in field.columns.items():
        if column.kind == "table" or not column.labels:
            _fail(kind, where, f"{name}.{key}", "a column needs labels and a kind other than table", "mend it")
    if field.signer:
        table, _, of = field.signer.partition(".")
        signer = kind.fields.get(table)
        there = signer is not None and (of in signer.columns if of else not signer.columns)
        if field.kind != "signature" or not there:
            _fail(
                kind, where, name, f"signer {field.signer!r} is no field or table.column", "name who must have signed"
            )


def _facts(kind: Type) -> None:
    known: set[str] = set()
    for fact in kind.facts:
        shape = OPERATORS[fact.operator]
        for option in fact.options:
            if option not in OPTIONS.get(fact.operator, ()):
                _fail(kind, "facts.yaml", fact.name, f"{fact.operator} takes no {option!r}", "drop it")
        if shape in ("field", "table", "column"):
            table, _, column = str(fact.argument).partition(".")
            field = kind.fields.get(table)
            if field is None or (shape != "field" and field.kind != "table") or (shape == "column") != bool(column):
                _fail(
                    kind, "facts.yaml", fact.name, f"{fact.argument!r} is no {shape}", f"name a {shape} of fields.yaml"
                )
            _columns(kind, fact.name, table, [*([column] if column else []), *fact.options.get("where", {})])
        elif shape == "zen":
            _expression(kind, "facts.yaml", fact.name, str(fact.argument), known)
        elif shape == "values":
            if not isinstance(fact.argument, list) or len(fact.argument) != 2:
                _fail(kind, "facts.yaml", fact.name, "two values are wanted", "write [fields.begins_on, on]")
            for value in fact.argument:
                if value != "on":
                    _expression(kind, "facts.yaml", fact.name, str(value), known, bare=True)
        else:
            _mapping(kind, fact.name, fact.operator, fact.argument, known)
        known.add(fact.name)


def _mapping(kind: Type, name: str, operator: str, argument: Any, known: set[str]) -> None:
    wanted = KEYS[operator]
    if not isinstance(argument, dict) or set(argument) != set(wanted):
        _fail(kind, "facts.yaml", name, f"{operator} needs {', '.join(wanted)}", "give these keys and no others")
    if "list" in argument and argument["list"] not in kind.lists:
        _fail(kind, "facts.yaml", name, f"no list {argument['list']!r}", f"add lists/{argument['list']}.yaml")
    if "field" in argument and argument["field"] not in kind.fields:
        _fail(kind, "facts.yaml", name, f"no field {argument['field']!r}", "name a field of fields.yaml")
    if "table" in argument:
        _columns(kind, name, argument["table"], [argument[key] for key in ("column", "by") if key in argument])
    for end in ("from", "to"):
        if end in argument and not isinstance(argument[end], int):
            _expression(kind, "facts.yaml", name, str(argument[end]), known, bare=True)


def _columns(kind: Type, name: str, table: str, columns: list[str]) -> None:
    field = kind.fields.get(table)
    for column in columns:
        if field is None or column not in field.columns:
            _fail(kind, "facts.yaml", name, f"no column {table}.{column}", "name a column of fields.yaml")


def _rule(kind: Type, rule: Rule) -> None:
    for name in rule.uses:
        if name not in kind.fields:
            _fail(kind, "rules.yaml", rule.rule, f"uses: no field {name!r}", "name fields of fields.yaml")
    if rule.applies:
        _expression(kind, "rules.yaml", f"{rule.rule}.applies", rule.applies)
    if not rule.versions:
        _fail(kind, "rules.yaml", rule.rule, "no version", "give at least one, with from, table and legal_basis")
    versions = sorted(rule.versions, key=lambda version: version.since)
    for earlier, later in pairwise(versions):
        if earlier.until is None or earlier.until >= later.since:
            problem = f"versions {earlier.version} and {later.version} are in force on the same day"
            _fail(kind, "rules.yaml", rule.rule, problem, f"end {earlier.version} with to: before {later.since}")
    for version in rule.versions:
        if version.until is not None and version.until < version.since:
            _fail(kind, "rules.yaml", rule.rule, f"version {version.version} ends before it begins", "mend from or to")
        table = _table(kind, version)
        facts = {fact.name for fact in kind.facts}
        for name in _PLACE.findall(rule.reason + rule.remedy):
            if name not in facts and name not in kind.fields and name not in table.outputs:
                _fail(kind, "rules.yaml", rule.rule, f"reason: {{{name}}} is no fact, field or output", "rename it")


def _table(kind: Type, version: RuleVersion) -> Table:
    where = f"rules/{version.table}"
    try:
        table = parse_table(version.content)
    except ValueError as error:
        _fail(kind, where, "content", str(error), "write inputNode -> decisionTableNode -> outputNode, hitPolicy first")
    for key, expression in table.inputs:
        _expression(kind, where, key, expression)
    for key, cell in table.cells:
        unary = f"$ {cell}" if _LEADING.match(cell) else cell
        if zen.validate_unary_expression(unary) is not None:
            _fail(kind, where, key, "this cell is no unary expression", "write > 3, 'word', $ == null or the like")
        _known(kind, where, key, cell)
    for key, expression in table.expressions:
        _expression(kind, where, key, expression)
    return table


def _expression(
    kind: Type, where: str, key: str, expression: str, facts: set[str] | None = None, bare: bool = False
) -> None:
    if zen.validate_expression(expression) is not None:
        _fail(kind, where, key, "this is no zen expression", "see https://docs.gorules.io for the language")
    _known(kind, where, key, expression, facts, bare)


def _known(
    kind: Type, where: str, key: str, expression: str, facts: set[str] | None = None, bare: bool = False
) -> None:
    """Names an expression refers to exist; ``facts``: those known so far; ``bare``: fields.x means its value."""
    known = {fact.name for fact in kind.facts} if facts is None else facts
    for place, name, member in references(expression):
        names: Any = {"fields": kind.fields, "facts": known, "documents": kind.documents}.get(place)
        if names is not None and name not in names:
            _fail(kind, where, key, f"no {place}.{name} (a fact must stand before its use)", "rename or add it")
        if place in MEMBERS and member not in MEMBERS[place] and not (bare and not member):
            _fail(kind, where, key, f"{place}.{name} has no {member!r}", f"ask for {', '.join(MEMBERS[place])}")


def _fail(kind: Type, where: str, key: str, problem: str, remedy: str) -> NoReturn:
    raise UsageError(f"{kind.type}/{where}: {key}: {problem}: {remedy}")
