"""A made-up simulation: 20 options beside 现状, 12 measures, 6 groupings, 4 payers over 3 years. All figures are
invented by formulas of the option's number, so that a test can say what must stand on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.policy import (
    Assumption,
    Column,
    Constraint,
    Finding,
    Grouping,
    Index,
    Measure,
    Option,
    Payer,
    Plan,
    PopulationInfo,
    Release,
    Result,
    Simulation,
    Standing,
)

RUN = "20260701-a1b2c3"
SCOPES = {"basic": "基础类", "improved": "完善类", "upgraded": "提升类"}
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "age": ("年龄", ("0—17 岁", "18—59 岁", "60—79 岁", "80 岁及以上")),
    "income": ("收入五等分", ("最低", "较低", "中间", "较高", "最高")),
    "district": ("片区", ("东城片", "西城片", "南湖片", "北山片", "新港片", "河谷片")),
    "tenure": ("住房", ("自有", "租住", "公租")),
    "floor": ("楼层", ("底层", "二至三层", "四层及以上")),
    "household": ("家庭", ("独居老人", "有未成年子女", "残疾人家庭", "其他")),
}
SMALL = ("household", "残疾人家庭")
"""A group of 7 records."""
PAYERS = (("central", "中央补助"), ("local", "地方财政"), ("fund", "维修资金"), ("resident", "居民"))
YEARS = (2026, 2027, 2028)

MEASURES = (
    Measure("satisfaction", "满意度指数", "mean", "satisfaction", unit="1", aim="more", weight=3),
    Measure("worse_off", "受损人口比例", "losers", "disposable", scale=100, unit="%", aim="less", weight=2),
    Measure("better_off", "受益人口比例", "gainers", "disposable", scale=100, unit="%", aim="more", weight=1),
    Measure("resident", "居民出资", "sum", "payment", count="household", scale=1e-8, unit="亿元", aim="less", weight=1),
    Measure("consent", "同意改造的楼栋比例", "share", "consenting", count="building", scale=100, unit="%"),
    Measure("lift", "电梯覆盖的四层以上居民", "share", "lift", scale=100, unit="%", aim="more", weight=1),
    Measure("wait", "平均等待", "wait", queue="works", unit="年", aim="less", weight=1),
    Measure("poverty", "贫困率（锚定，收入中位数一半）", "poverty_rate", "income", scale=100, unit="%", aim="less"),
    Measure("gap", "贫困差距", "poverty_gap", "income", scale=100, unit="%"),
    Measure("gini", "基尼系数", "gini", "income", unit="1", aim="less"),
    Measure("income", "人均可支配收入", "mean", "income", unit="CNY/year"),
    Measure("parking", "每户车位", "mean", "parking", count="household", unit="1"),
)
ONLY_ALL = ("gini", "wait", "consent")


def options() -> tuple[Option, ...]:
    made = [Option("baseline", "现状", {})]
    for scope, title in SCOPES.items():
        for rate in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            if len(made) <= 20:
                made.append(
                    Option(
                        f"scope={scope},rate={rate:g}",
                        f"{title}，补贴比例 {rate:g}",
                        {"scope": scope, "subsidy_rate": rate, "with_lift": scope == "upgraded"},
                    )
                )
    return tuple(made)


def plan(**more: Any) -> Plan:
    made = Plan(
        file="renovation.yaml",
        title="老旧小区改造方案比选",
        question="三年内以六亿元财政资金，先改哪些内容、补贴多少，才不让困难群体吃亏？",
        on="2026-07-01",
        years=YEARS,
        seed=20260701,
        draws=64,
        rules="neighbourhood_renovation",
        options=options(),
        measures=MEASURES,
        groupings=tuple(Grouping(name, title, name, labels=labels) for name, (title, labels) in GROUPS.items()),
        payers=tuple(Payer(name, title, f"cost_{name}", "once") for name, title in PAYERS),
        payers_scale=1e-8,
        payers_unit="亿元",
        constraints=(Constraint("budget", "地方财政不超过 6 亿元", "cost:local", at_most=6.0),),
        assumptions=(
            Assumption("take_up", "申请补贴的比例", "1", 0.7, "beta", (14, 6), 0.3, 0.95, "本地 2024 年试点，126 户"),
            Assumption("price", "改造单价的涨幅", "1", 0.05, "normal", (0.05, 0.03), -0.05, 0.2, "造价信息，专家判断"),
            Assumption(
                "consent_slope", "补贴对同意的影响", "1", 2.5, "normal", (2.5, 0.8), 0.0, None, "文献，未经本地验证"
            ),
            Assumption("lift_value", "电梯使高层住户的满意度提高", "1", 0.2, "triangular", (0.1, 0.2, 0.4)),
            Assumption("noise", "施工期的不便", "1", 0.1, "uniform", (0.05, 0.15)),
            Assumption("years", "电梯使用年限", "year", 15, "fixed"),
        ),
        sensitivity=32,
        digest="c0ffee" * 10 + "beef",
        note="按“先民生后提升”的原则列出方案。",
    )
    return msgspec.structs.replace(made, **more)


def result(
    option: str,
    grouping: str,
    group: str,
    measure: str,
    unit: str,
    value: float,
    change: float,
    spread: float,
    sample: int = 5000,
) -> Result:
    return Result(
        option,
        grouping,
        group,
        measure,
        unit,
        value,
        value - spread,
        value + spread * 1.2,
        change,
        change - spread * 0.8,
        change + spread,
        float(sample) * 20,
        sample,
        -1,
        spread * 0.4,
        spread * 0.6,
    )


def value_of(number: int, measure: str, at: int = 0) -> tuple[float, float, float]:
    """Value, baseline's value and spread of an option (its number) in group ``at`` (0: everybody)."""
    wave = math.sin(number * 1.7 + at * 0.9)
    scope, rate = (number - 1) // 7, ((number - 1) % 7 + 3) / 10
    some = number > 0
    table = {
        "satisfaction": (
            0.52 + 0.01 * at % 0.05,
            0.03 * scope * some + 0.12 * rate * some + 0.012 * wave * some - 0.11 * (at % 5 == 4) * some,
            0.025,
        ),
        "worse_off": (0.0, (14 - 12 * rate + 2 * scope + 1.5 * wave + (at % 4)) * some, 1.4),
        "better_off": (0.0, (30 + 20 * rate + 8 * scope + 3 * wave - (at % 4) * 2) * some, 2.8),
        "resident": (0.0, (2.1 + scope) * (1 - rate) * 2 * some, 0.18),
        "consent": (40.0, (25 * rate + 6 * scope) * some, 3.0),
        "lift": (12.0, 22.0 * (scope == 2) * some + wave * some, 1.1),
        "wait": (3.0, (-0.9 + 0.2 * scope - 0.3 * rate) * some, 0.15),
        "poverty": (9.4, (0.8 - 1.4 * rate) * some + 0.1 * wave * some, 0.3),
        "gap": (2.6, (0.2 - 0.4 * rate) * some, 0.1),
        "gini": (0.312, (0.004 - 0.006 * rate) * some, 0.002),
        "income": (46210.0, (-300 + 800 * rate) * some + 40 * wave * some, 120.0),
        "parking": (0.41, 0.08 * scope * some, 0.02),
    }
    base, change, spread = table[measure]
    return base + change, change, spread * (1 + 0.6 * (at > 0)) * some


def cost_of(number: int, payer: int, year: int) -> float:
    scope, rate = (number - 1) // 7, ((number - 1) % 7 + 3) / 10
    if not number:
        return 0.0
    whole = (1.4 + 0.9 * scope) * (1.1, 0.9, 0.7)[year]
    return whole * (rate * 0.4, rate * 0.6, 0.12, (1 - rate) * 0.88)[payer]


def results(made: Plan) -> list[Result]:
    rows = []
    for place, option in enumerate(made.options):
        number = place if place <= 20 else 1 + place % 20
        for measure in made.measures:
            rows.append(_row(option.name, "all", "all", measure, number, 0))
            if measure.name in ONLY_ALL:
                continue
            at = 0
            for grouping in made.groupings:
                for group in grouping.labels:
                    at += 1
                    sample = 7 if (grouping.name, group) == SMALL else 800
                    rows.append(_row(option.name, grouping.name, group, measure, number, at, sample))
        rows += _costs(made, option.name, number)
    return rows


def _row(option: str, grouping: str, group: str, measure: Measure, number: int, at: int, sample: int = 5000) -> Result:
    value, change, spread = value_of(number, measure.name, at)
    return result(option, grouping, group, measure.name, measure.unit, value, change, spread, sample)


def _costs(made: Plan, option: str, number: int) -> list[Result]:
    rows, whole = [], [0.0] * len(made.years)
    for payer, about in enumerate(made.payers):
        years = [cost_of(number, payer, year) for year in range(len(made.years))]
        whole = [a + b for a, b in zip(whole, years, strict=True)]
        rows += _spread(made, option, f"cost:{about.name}", years)
    return rows + (_spread(made, option, "cost", whole) if made.payers else [])


def _spread(made: Plan, option: str, measure: str, years: Sequence[float]) -> list[Result]:
    unit = made.payers_unit
    rows = [result(option, "all", "all", measure, unit, sum(years), sum(years), sum(years) * 0.05)]
    for year, value in zip(made.years, years, strict=True):
        rows.append(result(option, "year", str(year), measure, unit, value, value, value * 0.07, 12))
    return rows


def standings(made: Plan) -> tuple[Standing, ...]:
    """Option 12 is first; 1 to 4 cannot be, 18 and 19 are intercepted, 20 was released."""
    states = dict.fromkeys((1, 2, 3, 4), "infeasible") | {18: "intercepted", 19: "intercepted", 20: "released"}
    order = [12, 13, 20, 11, 10, 14, 9, 6, 7, 5, 15, 8, 16, 17, 0]
    rows = []
    for number, option in enumerate(made.options):
        state = states.get(number, "open")
        if number not in order:
            rows.append(Standing(option.name, state))
            continue
        rank = order.index(number) + 1
        rows.append(
            Standing(
                option.name,
                state,
                0.9 - 0.05 * rank,
                rank,
                rank in (1, 2, 3, 7, 10),
                {1: 0.613, 2: 0.21, 3: 0.1}.get(rank, 0.01),
                (max(1, rank - 2), min(15, rank + 2)),
            )
        )
    return tuple(rows)


def findings(made: Plan) -> tuple[Finding, ...]:
    names = [option.name for option in made.options]
    rows = [
        Finding(
            names[n],
            "constraint:consent",
            "infeasible",
            f"同意的比例 {52 + n}.0%，低于法定的 66.7%",
            "consent",
            "all",
            "all",
            52.0 + n,
            66.7,
        )
        for n in range(1, 5)
    ]
    rows += [
        Finding(
            names[n],
            "constraint:budget",
            "intercept",
            f"地方财政 {6.2 + n / 50:.2f} 亿元，超过 6.00 亿元",
            "cost:local",
            "all",
            "all",
            6.2 + n / 50,
            6.0,
        )
        for n in (18, 19, 20)
    ]
    rows.append(
        Finding(
            names[19],
            "outside:subsidy_rate",
            "intercept",
            "补贴比例 0.8 超出试点数据的范围 0.2—0.75",
            "",
            "",
            "",
            0.8,
            0.75,
        )
    )
    rows.append(
        Finding(
            names[12],
            "constraint:no_group_worse",
            "warn",
            "独居老人受损 12.4%（10.0%—14.8%），区间的四分之一超过 14%",
            "worse_off",
            "household",
            "独居老人",
            12.4,
            14.0,
        )
    )
    return tuple(rows)


def indices(made: Plan) -> tuple[Index, ...]:
    shares = {"take_up": 0.46, "price": 0.22, "consent_slope": 0.17, "lift_value": 0.08, "noise": 0.01}
    targets = ("lead", f"score:{made.options[min(12, len(made.options) - 1)].name}")
    return tuple(
        Index(target, name, share * 0.8, share * 1.1, share * 0.9, share * 1.35)
        for target in targets
        for name, share in shares.items()
    )


def population(**more: Any) -> PopulationInfo:
    names = [
        ("person", 62, "L2"),
        ("household", 28, "L2"),
        ("unit", 12, "L2"),
        ("building", 11, "L1"),
        ("neighbourhood", 12, "L1"),
        ("district", 3, "L1"),
    ]
    made = PopulationInfo(
        name="demonstration_city",
        title="演示城市",
        source="按编写的边际表合成，边际表为本项目自拟",
        synthetic=True,
        demonstration="人口由自拟的边际表合成，没有一个真实的小区、楼栋或居民",
        entities=tuple(name for name, _, _ in names),
        columns=tuple(
            Column(f"{entity}_{n}", entity, "number", data_class=level)
            for entity, count, level in names
            for n in range(count)
        ),
        shards=20,
        counts={
            "person": 1_000_000,
            "household": 386_112,
            "unit": 386_112,
            "building": 9_812,
            "neighbourhood": 640,
            "district": 6,
        },
        weight=1_000_000.0,
        largest_household=7,
        seed=7,
        fit=tuple(
            {"table": f"{t}", "cell": f"{c}", "wanted": 10_000.0 * (n + 1), "got": 10_000.0 * (n + 1) + (-1) ** n * n}
            for n, (t, c) in enumerate(
                [("年龄×性别", f"{a} {s}") for a in ("0—17", "18—59", "60+") for s in "男女"]
                + [("户规模", f"{k} 人") for k in range(1, 8)]
            )
        ),
        digest="0123456789abcdef" * 4,
    )
    return msgspec.structs.replace(made, **more)


def simulation(made: Plan | None = None, **more: Any) -> Simulation:
    made = made or plan()
    large = len(made.options) > 20  # a smaller one says itself who is intercepted and released
    whole = Simulation(
        run=RUN,
        made_at="2026-07-02T09:30:00+08:00",
        plan=made,
        rules_title="老旧小区改造",
        rules_version="2026.1",
        rules_digest="fedcba9876543210" * 4,
        levers={
            "scope": {"title": "改造内容", "kind": "choice", "unit": "1", "titles": SCOPES},
            "subsidy_rate": {"title": "补贴比例", "kind": "number", "unit": "1", "titles": {}},
            "with_lift": {"title": "加装电梯", "kind": "boolean", "unit": "1", "titles": {}},
        },
        sources=(
            "《国务院办公厅关于全面推进城镇老旧小区改造工作的指导意见》（国办发〔2020〕23号）",
            "本市 2025 年造价信息",
        ),
        population=population(),
        results=tuple(results(made)),
        standings=standings(made) if large else (),
        findings=findings(made) if large else (),
        indices=indices(made) if large else (),
        releases=(
            Release(
                made.options[20].name,
                "王主任",
                "超出部分已列入 2028 年预算，区财政局同意",
                "2026-07-02T01:12:00+00:00",
                "E-000042",
            ),
        )
        if large
        else (),
        group_labels={name: labels for name, (_, labels) in GROUPS.items()},
        seconds=48.2,
        versions={"yuqing": "0.9.0", "numpy": "2.1.3"},
    )
    return msgspec.structs.replace(whole, **more)
