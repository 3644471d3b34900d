"""A decision table's parts, for checks: what it reads, what it answers."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Table(NamedTuple):
    """Expressions of a decision table with where they stand (``row 2, column a``)."""

    inputs: tuple[tuple[str, str], ...]
    """What the columns look at."""
    cells: tuple[tuple[str, str], ...]
    """Unary conditions (of a column that looks at something) that are not empty."""
    expressions: tuple[tuple[str, str], ...]
    """Whole conditions (of a column without field) and answers that are not empty."""
    outputs: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every expression of the table."""
        return tuple(text for part in (self.inputs, self.cells, self.expressions) for _, text in part)


def parse_table(content: str) -> Table:
    """The parts of a JDM document with one decision table. ValueError says what it is instead.

    Nothing but input, decision table and output is let in: function nodes would be code.
    """
    try:
        nodes = json.loads(content)["nodes"]
        kinds = sorted(node["type"] for node in nodes)
        if kinds != ["decisionTableNode", "inputNode", "outputNode"]:
            raise ValueError(f"its nodes are {kinds}")
        table = next(node["content"] for node in nodes if node["type"] == "decisionTableNode")
        if table["hitPolicy"] != "first":
            raise ValueError(f"its hitPolicy is {str(table['hitPolicy'])[:20]!r}")
        return _parts(table)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"it is no decision in zen-engine's JSON ({type(error).__name__} {error})") from None


def _parts(table: dict[str, Any]) -> Table:
    inputs: list[tuple[str, str]] = []
    cells: list[tuple[str, str]] = []
    expressions: list[tuple[str, str]] = []
    outputs = {column["id"]: str(column["field"]) for column in table["outputs"]}
    if "passed" not in outputs.values():
        raise ValueError("no output is called passed")
    fields = {column["id"]: str(column.get("field") or "") for column in table["inputs"]}
    for column, field in fields.items():
        if field:
            inputs.append((f"column {column}", field))
    for number, row in enumerate(table["rules"], 1):
        for column in (*fields, *outputs):
            text = str(row.get(column) or "").strip()
            if text:
                place = cells if fields.get(column) else expressions
                place.append((f"row {number}, column {column}", text))
    return Table(tuple(inputs), tuple(cells), tuple(expressions), tuple(outputs.values()))
