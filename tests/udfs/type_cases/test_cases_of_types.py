"""Every rule of a type against the type's own table of cases (udfs/types/TYPE/cases.yaml).

A case changes values of an application in order (``base``); facts, applicability, dates and tables are those of the
real way through ``decide``.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
import zen

from schemas.applications import Check, Decision, Extraction, Field, Found, Reading
from udfs.decisions import decide
from udfs.decisions.facts import derive
from udfs.decisions.view import View
from udfs.types import FOLDER, Type, load, names

FILES = sorted(FOLDER.glob("*/cases.yaml"))
ANSWERS = {True: "passed", False: "failed", None: "unknown"}


@cache
def _kind(name: str) -> Type:
    return load(name)


@cache
def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _changed(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with ``field: value``, ``table.row.column: value``, ``table.row: null`` and ``table.+: row``."""
    values = copy.deepcopy(base)
    gone: dict[str, set[int]] = defaultdict(set)
    for path, value in change.items():
        table, _, rest = path.partition(".")
        row, _, column = rest.partition(".")
        if not rest:
            values[table] = value
        elif row == "+":
            values[table].append(value)
        elif column:
            assert column in values[table][int(row)], f"{path} changes nothing"
            values[table][int(row)][column] = value
        else:
            assert value is None, f"{path}: only null takes a row away"
            gone[table].add(int(row))
    for table, numbers in gone.items():
        values[table] = [row for number, row in enumerate(values[table]) if number not in numbers]
    return values


def _found(value: Any) -> Found:
    if isinstance(value, date):
        value = value.isoformat()
    return Found(value=value, text=str(value), confidence=1.0)


def _extraction(kind: Type, values: dict[str, Any]) -> Extraction:
    assert set(values) <= set(kind.fields), f"no such fields: {set(values) - set(kind.fields)}"
    fields = {}
    for name, value in values.items():
        if kind.fields[name].kind == "table":
            assert all(set(row) == set(kind.fields[name].columns) for row in value or ()), f"{name}: other columns"
            rows = tuple({key: _found(cell) for key, cell in row.items() if cell is not None} for row in value or ())
            fields[name] = Field(name=name, best=None, rows=rows)
        elif value is not None:
            fields[name] = Field(name=name, best=_found(value))
    return Extraction(documents=(), fields=fields)


def _decision(kind: Type, content: dict[str, Any], change: dict[str, Any], on: date) -> Decision:
    extraction = _extraction(kind, _changed(content["base"], change))
    return decide(kind, "case", {}, Reading(files=(), model="none"), extraction, on=on)


def _view(kind: Type, content: dict[str, Any], case: dict[str, Any]) -> View:
    extraction = _extraction(kind, _changed(content["base"], case.get("change", {})))
    view = View(kind, {}, extraction, case.get("day", content["day"]))
    derive(view)
    return view


def _check(decision: Decision, rule: str) -> Check | None:
    return next((check for check in decision.checks if check.rule == rule), None)


def _rules() -> list[Any]:
    return [
        pytest.param(path, rule, id=f"{path.parent.name}-{rule}") for path in FILES for rule in _read(path)["cases"]
    ]


@pytest.mark.parametrize(("path", "rule"), _rules())
def test_a_rule_answers_as_its_cases_say(path: Path, rule: str) -> None:
    whole, content = _kind(path.parent.name), _read(path)
    # the rule alone: .8 ms a table, and a type has twenty
    kind = msgspec.structs.replace(whole, rules=tuple(each for each in whole.rules if each.rule == rule))
    for case in content["cases"][rule]:
        decision = _decision(kind, content, case.get("change", {}), case.get("day", content["day"]))
        check = _check(decision, rule)
        assert ("skipped" if check is None else ANSWERS[check.passed]) == case["answer"], case
        if check is not None and check.passed is False:
            assert all((check.reason, check.remedy, check.legal_basis)), case
            assert [word for word in ("{", "未知", "None") if word in check.reason + check.remedy] == [], case


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_base_passes_every_rule(path: Path) -> None:
    kind, content = _kind(path.parent.name), _read(path)
    checks = _decision(kind, content, {}, content["day"]).checks
    own = {rule.rule for rule in kind.rules}
    assert [check.rule for check in checks if check.rule in own and check.passed is not True] == []
    assert len([check for check in checks if check.rule in own]) >= 0.8 * len(own)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_rule_and_version_has_cases(path: Path) -> None:
    kind, content = _kind(path.parent.name), _read(path)
    assert set(content["cases"]) == {rule.rule for rule in kind.rules}
    for rule in kind.rules:
        cases = content["cases"][rule.rule]
        answers = defaultdict(set)
        for case in cases:
            version = rule.in_force(case.get("day", content["day"]))
            answers[version.version if version else ""].add(case["answer"])
        assert {"passed", "failed", "unknown"} <= set().union(*answers.values()), rule.rule
        for version in rule.versions:
            assert {"passed", "failed"} <= answers[version.version], (rule.rule, version.version)
        assert not rule.applies or any("skipped" in seen for seen in answers.values()), rule.rule


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_row_of_a_table_is_hit_by_a_case(path: Path) -> None:
    """A row that no case hits could say anything."""
    kind, content = _kind(path.parent.name), _read(path)
    engine = zen.ZenEngine()
    for rule in kind.rules:
        views = [(case, _view(kind, content, case)) for case in content["cases"][rule.rule]]
        for version in rule.versions:
            table = next(node for node in json.loads(version.content)["nodes"] if node["type"] == "decisionTableNode")
            decision, hit = engine.create_decision(version.content), set()
            for case, view in views:
                if case["answer"] in ("passed", "failed") and rule.in_force(view.on) == version:
                    trace = decision.evaluate(view.context(), {"trace": True})["trace"]
                    hit.add(trace[table["id"]]["traceData"]["rule"]["_id"])
            missed = {row["_id"] for row in table["content"]["rules"]} - hit
            assert not missed, f"{version.table}: no case hits {sorted(missed)}"


@pytest.mark.parametrize("name", names())
def test_words_that_tell_a_document_are_no_values(name: str) -> None:
    """Extraction takes these words for labels: a value that is one of them would be cut off where it begins."""
    kind = _kind(name)
    parts = [part for field in kind.fields.values() for part in (field, *field.columns.values())]
    values = {word for part in parts for words in part.choices.values() for word in words}
    assert {word for document in kind.documents.values() for word in document.words} & values == set()
