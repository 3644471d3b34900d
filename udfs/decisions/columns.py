"""Which columns of a table a decision rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from udfs.types import Type

_WORD = re.compile(r"\w+")
_MEMBER = re.compile(r"\.(\w+)")


def judged(kind: Type, table: str) -> frozenset[str]:
    """Columns of a table that a fact, a rule or a signature's check names; never signatures.

    A signature stands or does not: how surely its name was read says nothing of what is decided. Where nothing names a
    column, all but the signatures count. A column that has another table's column's name may count too much, never too
    little. Cost: below a millisecond.
    """
    columns = {name for name, column in kind.fields[table].columns.items() if column.kind != "signature"}
    named = columns.intersection(_named(kind, table))
    return frozenset(named or columns)


def _named(kind: Type, table: str) -> Iterator[str]:
    whole = re.compile(rf"\b{re.escape(table)}\b")
    for fact in kind.facts:
        said = f"{fact.argument!r} {fact.options!r}"
        if whole.search(said):
            yield from _WORD.findall(said)
    expressions = [rule.applies for rule in kind.rules]
    expressions += [version.content for rule in kind.rules for version in rule.versions]
    expressions += [each.required for each in kind.documents.values() if isinstance(each.required, str)]
    expressions += [field.signer for field in kind.fields.values()]
    for expression in expressions:
        if whole.search(expression):
            yield from _MEMBER.findall(expression)
