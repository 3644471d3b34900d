"""Operators of facts.yaml as tables of cases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schemas.applications import Extraction, Field
from tests.udfs.decisions.filled import found, identity
from udfs.decisions.facts import _OPERATORS, compute, items, years
from udfs.decisions.view import View
from udfs.types import ColumnSpec, Fact, FieldSpec, Type
from udfs.types.operators import OPERATORS

ON = date(2026, 3, 2)


def column(kind: Any) -> ColumnSpec:
    return ColumnSpec(title="列", kind=kind, labels=("列",))


KIND = Type(
    type="made_up",
    title="虚构事项",
    version="1",
    scope="",
    digest="0" * 64,
    documents={},
    facts=(),
    rules=(),
    lists={"permits": {"保安服务": {}, "融资担保": {}}, "empty": {}},
    fields={
        "people": FieldSpec(
            title="名单",
            kind="table",
            documents=("form",),
            columns={"name": column("person"), "area": column("area"), "role": column("text"), "day": column("date")},
        ),
        "scope": FieldSpec(title="范围", kind="text", documents=("form",)),
        "floors": FieldSpec(title="层数", kind="number", documents=("form",)),
        "born": FieldSpec(title="证件", kind="id_number", documents=("form",)),
        "address": FieldSpec(title="地址", kind="address", documents=("form",)),
        "begins": FieldSpec(title="起", kind="date", documents=("form",)),
        "ends": FieldSpec(title="止", kind="date", documents=("form",)),
    },
)
ROWS = (
    ("郑可欣", 70.1, "director", "2026-05-01"),
    ("何立本", 30.2, "supervisor", "2026-04-01"),
    ("何 立本", 0.1, "director", "2027-01-01"),
)


def view(rows: Any = ROWS, weak: tuple[str, ...] = (), **values: Any) -> View:
    """``weak``: fields, or cells as row.column, that are read badly."""
    cells = tuple(
        {
            name: found(cell, confidence=0.3 if f"{number}.{name}" in weak else 0.999)
            for name, cell in zip(("name", "area", "role", "day"), row, strict=True)
        }
        for number, row in enumerate(rows)
    )
    fields = {"people": Field(name="people", best=None, rows=cells)}
    for name, value in values.items():
        best = found(value, "form", 0.3 if name in weak else 0.999)
        fields[name] = Field(name=name, best=best, found=(best,))
    return View(KIND, {}, Extraction(documents=(), fields=fields), ON)


CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any], Any]] = [
    # operator, argument, options, what the view is made with, value
    ("sum", "people.area", {}, {}, 100.4),
    ("sum", "people.area", {"where": {"role": "director"}}, {}, 70.2),
    ("sum", "people.area", {"where": {"role": "nobody"}}, {}, 0),
    ("sum", "people.area", {}, {"weak": ("1.area",)}, None),
    ("sum", "people.area", {"where": {"role": "director"}}, {"weak": ("1.area",)}, 70.2),
    ("sum", "people.area", {"where": {"role": "director"}}, {"weak": ("1.role",)}, None),
    ("sum", "people.name", {}, {}, None),
    ("sum", "people.area", {}, {"rows": ()}, None),
    ("rows", "people", {}, {}, 3),
    ("rows", "people", {"where": {"role": "director"}}, {}, 2),
    ("rows", "people", {"where": {"role": "director"}}, {"weak": ("0.role",)}, None),
    ("rows", "people", {}, {"rows": ()}, None),
    ("distinct", "people.name", {}, {}, 2),
    ("distinct", "people.name", {}, {"weak": ("0.name",)}, None),
    ("duplicates", "people.name", {}, {}, ["何 立本"]),
    ("duplicates", "people.name", {"where": {"role": "director"}}, {}, []),
    ("duplicates", "people.name", {}, {"weak": ("2.name",)}, None),
    ("values", "people.role", {}, {}, ["director", "supervisor", "director"]),
    ("values", "people.role", {}, {"weak": ("2.role",)}, None),
    ("least", "people.day", {}, {}, "2026-04-01"),
    ("least", "people.day", {"where": {"role": "director"}}, {}, "2026-05-01"),
    ("least", "people.day", {}, {"weak": ("0.day",)}, None),
    ("most", "people.area", {}, {}, 70.1),
    ("most", "people.area", {"where": {"role": "nobody"}}, {}, None),
    ("days_between", ["on", "fields.ends"], {}, {"ends": "2026-03-12"}, 10),
    ("days_between", ["fields.begins", "fields.ends"], {}, {"begins": "2026-03-12", "ends": "2026-03-02"}, -10),
    ("days_between", ["on", "fields.ends"], {}, {}, None),
    ("days_between", ["on", "fields.ends"], {}, {"ends": "三月"}, None),
    ("days_between", ["on", "fields.ends"], {}, {"ends": "2026-03-12", "weak": ("ends",)}, None),
    ("years_between", ["on", "fields.ends"], {}, {"ends": "2031-03-02"}, 5.0),
    ("years_between", ["on", "fields.ends"], {}, {}, None),
    ("age", "born", {}, {"born": identity("20080302")}, 18),
    ("age", "born", {}, {"born": identity("20080303")}, 17),
    ("age", "begins", {}, {"begins": "2000-03-03"}, 25),
    ("age", "born", {}, {"born": "41010219"}, None),
    ("age", "born", {}, {"born": identity("20080302"), "weak": ("born",)}, None),
    ("zen", "fields.floors.value * 2", {}, {"floors": 6}, 12),
    ("zen", "fields.floors.value / 3", {}, {"floors": 1}, 0.333333333),
    ("zen", "fields.floors.value * 2", {}, {}, None),
    ("zen", "fields.floors.value == null", {}, {}, True),
    ("zen", "fields.floors.value > 'a'", {}, {"floors": 6}, None),
    ("missing", {"table": "people", "column": "area", "from": 1, "to": "fields.floors"}, {}, {
        "rows": (("a", 1, "", ""), ("b", 3.0, "", "")), "floors": 4}, [2, 4]),
    ("missing", {"table": "people", "column": "area", "from": 1, "to": "fields.floors"}, {}, {"floors": None}, None),
    ("matches", {"field": "scope", "list": "permits"}, {}, {"scope": "软件开发；保安 服务"}, ["保安服务"]),
    ("matches", {"field": "scope", "list": "permits"}, {}, {"scope": "企业管理（不含融资担保）"}, []),
    ("matches", {"field": "scope", "list": "permits"}, {}, {}, None),
    ("unmatched", {"field": "scope", "list": "permits"}, {}, {"scope": "许可项目：保安服务；挖矿。"}, ["挖矿"]),
    ("unmatched", {"field": "scope", "list": "permits"}, {}, {"scope": "x", "weak": ("scope",)}, None),
    ("lacking", {"field": "scope", "list": "permits"}, {}, {"scope": "保安服务"}, ["融资担保"]),
    ("lacking", {"field": "scope", "list": "permits"}, {}, {}, None),
    ("shared", {"table": "people", "column": "name", "by": "role", "one": "supervisor", "other": "director"}, {}, {},
        ["何立本"]),
    ("shared", {"table": "people", "column": "name", "by": "role", "one": "supervisor", "other": ["boss"]}, {}, {}, []),
    ("shared", {"table": "people", "column": "name", "by": "role", "one": "supervisor", "other": "director"}, {},
        {"weak": ("0.role",)}, None),
    ("district_of", "address", {}, {"address": "河南省郑州市中原区桐柏路1号"}, "410102"),
    ("district_of", "address", {}, {"address": "一条没有名字的路"}, None),
    ("district_of", "address", {}, {}, None),
    ("agree", "floors", {}, {"floors": 6}, None),
    ("faults", "floors", {}, {"floors": 6}, []),
    ("faults", "floors", {}, {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "argument", "options", "made_with", "value"), CASES)
def test_an_operator(operator: str, argument: Any, options: Any, made_with: dict[str, Any], value: Any) -> None:
    assert compute(Fact("fact", operator, argument, options), view(**made_with)) == value


def test_every_operator_is_known_and_has_cases() -> None:
    assert set(_OPERATORS) == set(OPERATORS) == {case[0] for case in CASES}


@pytest.mark.parametrize(
    ("first", "last", "value"),
    [
        (date(2024, 7, 1), date(2029, 7, 1), 5.0),
        (date(2024, 7, 1), date(2029, 6, 30), 4 + 364 / 365),
        (date(2024, 2, 29), date(2025, 2, 28), 365 / 366),
        (date(2024, 2, 29), date(2028, 2, 29), 4.0),
        (date(2026, 1, 1), date(2025, 1, 1), -1.0),
        (date(2026, 1, 1), date(2026, 1, 1), 0.0),
        (date(2026, 1, 1), date(9999, 12, 31), 7973 + 364 / 365),
    ],
)
def test_years(first: date, last: date, value: float) -> None:
    assert years(first, last) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("一般项目：软件开发；专业保洁、清洗、消毒服务。", ["软件开发", "专业保洁、清洗、消毒服务"]),
        ("软件开发、技术服务，会议服务", ["软件开发", "技术服务", "会议服务"]),
        ("一般项目：软件开发（除依法须经批准的项目外；自主开展）\n许可项目: 餐饮服务", ["软件开发", "餐饮服务"]),
        ("", []),
        ("；。", []),
    ],
)
def test_items_of_a_text(text: str, told: list[str]) -> None:
    assert items(text) == told
