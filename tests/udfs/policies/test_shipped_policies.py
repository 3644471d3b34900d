"""The worked policies: they load, compile and hold their cases; a figure of law that is changed breaks a case."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.policy import BASELINE, ENTITIES
from udfs import formulas, lined, outcomes, plans, policies
from udfs.formulas import cases, units
from udfs.population import catalogue

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@cache
def rules_of(name: str) -> formulas.RuleSet:
    return formulas.load(policies.folder(name))


@cache
def plan_of(name: str) -> plans.Plan:
    return plans.load(policies.folder(name) / "plan.yaml", rules_of(name), catalogue(), ENTITIES)


@cache
def program_of(name: str) -> formulas.Program:
    return formulas.compile(rules_of(name), catalogue(), date.fromisoformat(plan_of(name).on), ENTITIES)


def test_a_name_that_is_not_shipped_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="flood_relief"):
        policies.folder("pensions")


@pytest.mark.parametrize("name", policies.NAMES)
def test_rules_are_called_as_their_folder(name: str) -> None:
    assert rules_of(name).name == name == policies.folder(name).name


@pytest.mark.parametrize("name", policies.NAMES)
def test_everything_has_a_chinese_title_and_a_unit(name: str) -> None:
    rules = rules_of(name)
    entries = [*rules.levers.values(), *rules.parameters.values(), *rules.assumptions.values()]
    for entry in [*entries, *rules.variables.values()]:
        assert CHINESE.search(entry.title), entry.name
        units.parse(entry.unit)
    for lever in rules.levers.values():
        assert len(lever.titles) == len(lever.values), lever.name
        assert lever.kind != "number" or (lever.evidence and lever.low is not None), f"{lever.name}: no bounds"


@pytest.mark.parametrize("name", policies.NAMES)
def test_every_figure_says_where_it_is_from(name: str) -> None:
    rules = rules_of(name)
    for entry in [*rules.parameters.values(), *rules.assumptions.values()]:
        assert CHINESE.search(entry.source), entry.name
        assert "《" in entry.source or entry.source.startswith(("演示", "定义", "默认")), (
            f"{entry.name}: {entry.source}"
        )


@pytest.mark.parametrize("name", policies.NAMES)
def test_nothing_is_written_down_and_then_not_used(name: str) -> None:
    rules = rules_of(name)
    text = " ".join(formula.text for variable in rules.variables.values() for _, formula in variable.formulas)
    words = set(re.findall(r"[a-z_0-9]+", text))
    by = {parameter.by for parameter in rules.parameters.values() if parameter.name in words}
    for known in [*rules.levers, *rules.parameters, *rules.assumptions]:
        assert known in words | by, f"{known} stands in no formula"
    asked = set(outcomes.names(plan_of(name)))
    for variable in rules.variables:
        assert variable in words | asked, f"{variable} is neither read nor asked for"


@pytest.mark.parametrize(
    ("name", "columns"), [("neighbourhood_renovation", 35), ("cash_benefit", 30), ("flood_relief", 30)]
)
def test_rules_look_at_many_sides_of_people(name: str, columns: int) -> None:
    program = program_of(name)
    assert len(program.variables) >= 25
    assert len(program.needed(program.variables)) >= columns


def test_together_they_read_sixty_columns() -> None:
    read = [program_of(name).needed(program_of(name).variables) for name in policies.NAMES]
    assert len(frozenset().union(*read)) >= 60


@pytest.mark.parametrize("name", policies.NAMES)
def test_the_example_plan_weighs_twenty_options(name: str) -> None:
    plan = plan_of(name)
    assert plan.options[0].name == BASELINE
    assert len(plan.options) == 21
    assert len(plan.measures) >= 12
    assert len(plan.groupings) >= 6
    assert (plan.draws, plan.sensitivity) == (64, 32)
    assert {"intercept"} <= {constraint.outcome for constraint in plan.constraints}
    assert CHINESE.search(plan.question)


@pytest.mark.parametrize("name", policies.NAMES)
def test_cases_hold(name: str) -> None:
    folder = policies.folder(name)
    assert [str(failure) for failure in cases.check_cases(folder)] == []
    assert cases.count_cases(folder) >= 8


BROKEN = [
    # policy, what is changed, into what, the case that must notice
    ("neighbourhood_renovation", "同意, values: {2021-01-01: 3}", "同意, values: {2021-01-01: 4}", "恰好四分之三同意"),
    ("neighbourhood_renovation", ">= special_part * area_voting", "> special_part * area_voting", "恰好四分之三同意"),
    ("neighbourhood_renovation", ">= quorum_part * dwellings", "> quorum_part * dwellings", "恰好三分之二参与表决"),
    ("neighbourhood_renovation", "> area_voting and 2", ">= area_voting and 2", "居民不出资的基础类人数过半"),
    ("neighbourhood_renovation", "basic: 300, improved: 550", "basic: 300, improved: 551", "造价与各方出资"),
    (
        "neighbourhood_renovation",
        "maintenance_fund * neighbourhood_area)",
        "2 * neighbourhood_area * maintenance_fund)",
        "造价",
    ),
    ("cash_benefit", "[36000, 0.10]", "[36000, 0.11]", "综合所得税率"),
    ("cash_benefit", "2023-01-01: 24000", "2023-01-01: 12000", "子女扣除按日期，2026"),
    ("cash_benefit", "entitled_amount >= least_payment", "entitled_amount > least_payment", "补差"),
    ("cash_benefit", "assets <= asset_limit", "assets < asset_limit", "财产限额"),
    ("cash_benefit", "max(taper * before_benefit", "max(before_benefit", "收入计入一半"),
    ("cash_benefit", "months * (guarantee", "0.5 * months * (guarantee", "普惠转移"),
    ("flood_relief", "1 - exp(0 - loss_speed", "2 - exp(0 - loss_speed", "水深与损失"),
    ("flood_relief", "min(due, cap)", "max(due, cap)", "按损失补三成"),
    ("flood_relief", "equivalised_income < low_income", "equivalised_income <= low_income", "低收入线"),
    ("flood_relief", "[1, 0.8]", "[1, 0.9]", "按困难程度"),
    ("flood_relief", "(claims_first / 2 if first_class", "(claims_first if first_class", "等待——先困难家庭"),
]


@pytest.mark.parametrize(("name", "old", "new", "case"), BROKEN, ids=lambda value: str(value)[:24])
def test_a_rule_that_is_changed_breaks_its_case(name: str, old: str, new: str, case: str, tmp_path: Path) -> None:
    text = (policies.folder(name) / "rules.yaml").read_text("utf-8")
    assert text.count(old) >= 1, "the table names a text that the rules do not have"
    all_cases = re.split(r"(?m)^(?=- case: )", (policies.folder(name) / "cases.yaml").read_text("utf-8"))
    chosen = [part for part in all_cases if part.startswith(f"- case: {case}")]
    assert chosen, "the table names a case that there is not"
    (tmp_path / "cases.yaml").write_text("".join(chosen), "utf-8")
    (tmp_path / "rules.yaml").write_text(text.replace(old, new), "utf-8")
    assert cases.check_cases(tmp_path) != []


@pytest.mark.parametrize("name", policies.NAMES)
def test_cases_that_are_alike_do_not_stand_twice(name: str) -> None:
    names = [node["case"].text() for node in lined.read(policies.folder(name) / "cases.yaml").list()]
    assert len(names) == len(set(names))
