"""A made-up policy simulation, small and whole."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.policy import (
    BASELINE,
    Column,
    Finding,
    Grouping,
    Index,
    Measure,
    Option,
    Payer,
    Plan,
    PopulationInfo,
    Result,
    Simulation,
    Standing,
)

NAN = float("nan")
GROUPS = ("35岁以下", "35至59岁", "60岁以上", "不详")
SAMPLES = (400, 300, 250, 12)


def result(option: str, measure: str, grouping: str, group: str, **more: Any) -> Result:
    given = {
        "unit": "%", "value": 12.5, "low": 11.0, "high": 14.0, "change": 1.5, "change_low": 0.5, "change_high": 2.5,
        "weight": 5000.0, "sample": 962, "sampling": 0.25, "assumptions": 0.5,
    }  # fmt: skip
    return Result(option, grouping, group, measure, **(given | more))


def simulation(run: str, **changes: Any) -> Simulation:
    """Three options: the baseline, ``wide`` (open), ``bold`` (intercepted)."""
    plan = Plan(
        file="plan.yaml",
        title="旧改试算",
        question="补多少合适？",
        on="2026-07-01",
        years=(2026, 2027),
        seed=7,
        draws=20,
        rules="renovation",
        options=(
            Option(BASELINE, "维持现状", {}),
            Option("wide", "完善类 补四成", {"rate": 0.4, "scope": "improved", "lift": True}),
            Option("bold", "提升类 补九成", {"rate": 0.9}),
        ),
        measures=(
            Measure("gain", "受益面", "gainers", of="income", aim="more", unit="%"),
            Measure("gap", "差距", "mean", of="income", aim="less"),
        ),
        groupings=(Grouping("age", "年龄", "age", cuts=(35.0, 60.0), labels=GROUPS[:3]),),
        payers=(Payer("city", "市级财政", "city_money"),),
        digest="d" * 64,
    )
    results = []
    for option in plan.options:
        results.append(result(option.name, "gain", "all", "all", hits=120))
        results += [
            result(option.name, "gain", "age", group, sample=sample, hits=sample // 8)
            for group, sample in zip(GROUPS, SAMPLES, strict=True)
        ]
        results.append(result(option.name, "gap", "age", GROUPS[0], value=NAN, low=NAN, high=NAN, change=NAN, sample=0))
        results += [
            result(option.name, measure, grouping, group, unit="万元", value=value, sample=0)
            for measure in ("cost", "cost:city")
            for grouping, group, value in (("all", "all", 30.0), ("year", "2026", 10.0), ("year", "2027", 20.0))
        ]
    made = Simulation(
        run=run,
        made_at="2026-11-28T10:00:00Z",
        plan=plan,
        rules_title="老旧小区改造",
        rules_version="2026.1",
        rules_digest="r" * 64,
        levers={"rate": {"title": "补贴比例", "unit": "1", "kind": "number"}},
        sources=("测试",),
        population=PopulationInfo(
            name="survey",
            title="抽样调查",
            source="made up",
            synthetic=False,
            demonstration="",
            entities=("person", "household"),
            columns=(Column("age", "person", "number", "year"),),
            shards=1,
            counts={"person": 962, "household": 400},
            weight=5000.0,
            largest_household=6,
            digest="p" * 64,
        ),
        results=tuple(results),
        standings=(
            Standing(BASELINE, "open", 0.4, 2, True, 0.1, (1, 2)),
            Standing("wide", "open", 0.6, 1, True, 0.9, (1, 2)),
            Standing("bold", "intercepted"),
        ),
        findings=(
            Finding("bold", "outside:rate", "intercept", "补贴比例 0.9 超出有依据的 0.2 至 0.8", value=0.9, bound=0.8),
            Finding("bold", "constraint:harm", "warn", "区间越过红线", value=NAN),
        ),
        indices=(Index("lead", "elasticity", 0.5, 0.6, 0.5, 0.7),),
        group_labels={"age": GROUPS},
        seconds=1.5,
        versions={"yuqing": "0"},
    )
    return msgspec.structs.replace(made, **changes)
