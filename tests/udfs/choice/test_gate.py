"""What the risk gate says of an option, and in which words."""

import math

import msgspec
import pytest

from schemas.policy import Constraint, Finding
from tests.udfs.choice.cases import COST, GAIN, HARM, RULES, WAIT, plan, row
from udfs.choice.gate import findings
from udfs.choice.wording import figure

CAP = Constraint("cap", "受损不过两成", "harm", at_most=20.0)
FLOOR = Constraint("floor", "受益过半", "gain", at_least=50.0, outcome="infeasible")
LONG = Constraint("long", "不久等", "wait", at_most=2.0)
NAN = math.nan

# constraint, the rows of option `a`, (outcome, group, words of the reason) of each finding
CASES = [
    (CAP, [row("a", "harm", 20.0)], []),
    (CAP, [row("a", "harm", 20.0 + 1e-12)], []),
    (CAP, [row("a", "harm", 20.5)], [("intercept", "all", "受损不过两成：受损比例为 20.5%，高于上限 20%")]),
    (CAP, [row("a", "harm", 20.00001)], [("intercept", "all", "为 20.00001%，高于上限 20%")]),
    (CAP, [row("a", "harm", 18, low=14, high=22)], [("warn", "all", "但 80% 区间 14% 至 22% 有 25% 高于上限")]),
    (CAP, [row("a", "harm", 18, low=14, high=20)], []),
    (CAP, [row("a", "harm", 18, low=18, high=18)], []),
    (CAP, [row("a", "harm", NAN)], [("intercept", "all", "无法核对")]),
    (CAP, [row("a", "harm", NAN, sample=0)], []),
    (LONG, [row("a", "wait", NAN, sample=0, unit="年")], [("intercept", "all", "平均等待没有可用的数值")]),
    (LONG, [row("a", "wait", 2.5, unit="年")], [("intercept", "all", "平均等待为 2.5 年，高于上限 2 年")]),
    (CAP, [], [("intercept", "", "受损比例没有可用的数值，无法核对")]),
    (CAP, [row("a", "harm", 18, low=10, high=20.01)], [("warn", "all", "有 不到 1% 高于上限")]),
    (
        msgspec.structs.replace(CAP, grouping="area"),
        [row("a", "harm", 18, "area", name, low=10, high=high) for name, high in (("东", 21), ("西", 24), ("南", 20))],
        [("warn", "西", "（另有 1 组的区间也越线）")],
    ),
    (
        msgspec.structs.replace(CAP, grouping="area"),
        [row("a", "harm", 18, "area", "东", low=10, high=21), row("a", "harm", 21, "area", "西", low=10, high=24)],
        [("intercept", "西", "（片区：西）为 21%")],
    ),
    (FLOOR, [row("a", "gain", 49.0, low=40, high=60)], [("infeasible", "all", "低于下限 50%")]),
    (FLOOR, [row("a", "gain", 51.0, low=48, high=58)], [("warn", "all", "有 20% 低于下限")]),
    (
        msgspec.structs.replace(CAP, grouping="*"),
        [
            row("a", "harm", 5, "age", "60岁以上"),
            row("a", "harm", 30, "area", "东"),
            row("a", "harm", 40, "area", "西"),
            row("a", "harm", 90, "all", "all"),
        ],
        [("intercept", "东", "受损比例（片区：东）为 30%"), ("intercept", "西", "（片区：西）为 40%")],
    ),
    (
        msgspec.structs.replace(CAP, grouping="area"),
        [row("a", "harm", NAN, "area", "空", sample=0), row("a", "harm", NAN, "area", "有")],
        [("intercept", "有", "（片区：有）没有可用的数值")],
    ),
    (
        Constraint("budget", "预算", "cost:city", grouping="year", at_most=1.0),
        [row("a", "cost:city", v, "year", y, unit="亿元") for v, y in ((0.5, "2026"), (1.25, "2027"))],
        [("intercept", "2027", "预算：市级负担（2027 年）为 1.25 亿元，高于上限 1 亿元")],
    ),
    (
        msgspec.structs.replace(CAP, at="change", at_most=3.0),
        [row("a", "harm", 90, change=4.0, change_low=1.0, change_high=5.0)],
        [("intercept", "all", "受损比例比现状变化 +4%，高于上限 +3%")],
    ),
    (
        msgspec.structs.replace(CAP, at="change_share", at_most=0.1),
        [row("baseline", "harm", -50), row("a", "harm", -40, change=10.0)],
        [("intercept", "all", "变化 +20%，高于上限 +10%")],
    ),
    (
        msgspec.structs.replace(CAP, at="change_share", at_most=0.1),
        [row("baseline", "harm", 0), row("a", "harm", 1, change=1.0)],
        [("intercept", "all", "现状为零")],
    ),
    (
        msgspec.structs.replace(CAP, at="change_share", at_most=0.1),
        [row("baseline", "harm", 0), row("a", "harm", 0, change=0.0)],
        [],
    ),
]


@pytest.mark.parametrize(("constraint", "rows", "wanted"), CASES)
def test_constraints(constraint: Constraint, rows: list, wanted: list) -> None:
    found = [
        f
        for f in findings(plan(constraint, options=("a",), measures=(COST, GAIN, HARM, WAIT)), RULES, rows, {}, {})
        if f.option == "a"
    ]
    assert [(f.outcome, f.group) for f in found] == [(outcome, group) for outcome, group, _ in wanted]
    for finding, (_, _, words) in zip(found, wanted, strict=True):
        assert words in finding.reason
        assert finding.code == f"constraint:{constraint.name}"
        assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding, "no NaN, no infinity"


def test_the_baseline_is_warned_of_not_held_back() -> None:
    rows = [row("baseline", "harm", 30), row("a", "harm", 0)]
    found = findings(plan(CAP, options=("a",)), RULES, rows, {"age": 0.9}, {})
    assert [(f.option, f.outcome) for f in found if f.code == "constraint:cap"] == [("baseline", "warn")]
    assert [f.option for f in found if f.code == "people:age"] == ["a"]


def test_the_baseline_is_not_held_against_itself() -> None:
    wanted = msgspec.structs.replace(FLOOR, at="change", at_least=5.0)
    rows = [row(name, "gain", 10.0, change=0.0) for name in ("baseline", "a")]
    assert [f.option for f in findings(plan(wanted, options=("a",)), RULES, rows, {}, {})] == ["a"]


# the lever's value (the baseline has 0, the evidence is 0.2 to 0.8), words
OUTSIDE = [
    (0.2, ""),
    (0.8, ""),
    (0.0, ""),
    (0.9, "补贴比例 90% 超出规则依据所覆盖的范围（20% 至 80%）"),
    (0.1, "补贴比例 10% 超出"),
]


@pytest.mark.parametrize(("value", "words"), OUTSIDE)
def test_a_lever_that_is_moved_beyond_the_evidence_is_intercepted(value: float, words: str) -> None:
    found = findings(plan(options=("a",), a=value), RULES, [], {}, {})
    assert [(f.code, f.outcome) for f in found] == ([("outside:rate", "intercept")] if words else [])
    assert not words or words in found[0].reason


@pytest.mark.parametrize(("share", "held"), [(0.05, False), (0.051, True)])
def test_people_beyond_the_evidence(share: float, held: bool) -> None:
    found = findings(plan(), RULES, [], {"age": 0.0, "income": share}, {"income": "可支配收入"})
    assert [f.option for f in found] == (["a", "b"] if held else [])
    if held:
        assert "5.1% 的人口（按权重）的可支配收入" in found[0].reason
        assert "（0 至 600,000）" in found[0].reason


@pytest.mark.parametrize(
    ("value", "unit", "against", "said"),
    [
        (0.0, "", None, "0"),
        (12345.6, "元", None, "12,346 元"),
        (0.5, "1", None, "0.5"),
        (0.00001234, "%", None, "0.00001234%"),
        (-1.23456, "亿元", None, "-1.235 亿元"),
        (6.00001, "亿元", 6.0, "6.00001 亿元"),
        (123456.4, "元", 123456.0, "123,456.4 元"),
    ],
)
def test_figures(value: float, unit: str, against: float | None, said: str) -> None:
    assert figure(value, unit, against=against) == said
