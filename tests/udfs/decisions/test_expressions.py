"""zen-engine as rules use it: what is not known is never compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from udfs.decisions.expressions import evaluate, judge, unknown

CONTEXT: dict[str, Any] = {
    "form": {},
    "on": "2026-03-02",
    "facts": {"five": 5, "nothing": None},
    "documents": {"licence": {"present": True, "pages": 2}},
    "fields": {
        "there": {"value": "a", "present": True, "rows": None},
        "absent": {"value": None, "present": False, "rows": None},
        "weak": {"value": None, "present": True, "rows": None},
        "table": {"value": None, "present": True, "rows": [{"x": 1, "y": None}, {"x": 2, "y": 3}]},
    },
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("facts.five > 3", True),
        ("facts.nothing > 3", None),
        ("facts.nothing == 3", None),  # zen itself says false
        ("facts.nothing == null", True),
        ("(facts.nothing ?? null) == null", True),
        ("fields.there.value == 'a'", True),
        ("fields.weak.value != 'a'", None),
        ("fields.weak.present and fields.weak.value == 'a'", None),
        ("fields.absent.present and fields.absent.value == 'a'", False),
        ("fields.absent.value == 'a'", None),
        ("documents.licence.pages", 2),
        ("'facts.nothing' == 'a'", False),
        ("some(fields.table.rows, #.x == 2)", True),
        ("some(fields.table.rows, #.y == 3)", None),
        ("facts.five > 'a'", None),
    ],
)
def test_evaluate(expression: str, value: Any) -> None:
    assert evaluate(expression, CONTEXT) == value


def table(*rows: tuple[str, str]) -> str:
    """A table with whole conditions: (condition, passed)."""
    content = {
        "hitPolicy": "first",
        "inputs": [{"id": "if", "name": "if"}],
        "outputs": [{"id": "passed", "name": "passed", "field": "passed"}],
        "rules": [{"_id": str(number), "if": when, "passed": passed} for number, (when, passed) in enumerate(rows)],
    }
    nodes = [
        {"id": "a", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {"id": "b", "type": "decisionTableNode", "name": "t", "position": {"x": 0, "y": 0}, "content": content},
        {"id": "c", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ]
    edges = [
        {"id": "1", "sourceId": "a", "targetId": "b", "type": "edge"},
        {"id": "2", "sourceId": "b", "targetId": "c", "type": "edge"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


@pytest.mark.parametrize(
    ("rows", "passed"),
    [
        ([("facts.five == 5", "true"), ("", "false")], True),
        ([("facts.five == 6", "true"), ("", "false")], False),
        ([("facts.five == 6", "true")], None),
        ([("facts.five == 5", "null")], None),
        ([("facts.five == 5", "'yes'")], None),
        # the last row would hit, and say a thing nobody knows
        ([("facts.nothing == 5", "false"), ("", "true")], None),
        ([("facts.nothing == null", "false"), ("", "true")], False),
        ([("fields.weak.value == 'a'", "false"), ("", "true")], None),
    ],
)
def test_judge(rows: list[tuple[str, str]], passed: bool | None) -> None:
    assert judge(table(*rows), CONTEXT).passed is passed


def test_what_is_not_known_is_named() -> None:
    assert unknown(table(("fields.weak.value == facts.nothing + facts.five", "true")), CONTEXT) == ["nothing", "weak"]
