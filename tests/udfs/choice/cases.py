"""Plans and results by hand: a row per figure."""

from dataclasses import dataclass, field

from schemas.policy import ALL, Constraint, Grouping, Measure, Option, Payer, Plan, Result
from tests.udfs.plans.cases import Lever, Variable


@dataclass(frozen=True)
class Rules:
    levers: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)
    people: dict = field(default_factory=dict)


RULES = Rules(
    levers={
        "rate": Lever("补贴比例", "number", 0.0, low=0, high=1, evidence=(0.2, 0.8)),
        "scope": Lever("内容", "choice", "basic", values=("basic", "more"), titles=("基础类", "完善类")),
    },
    variables={"income": Variable("household", unit="CNY/year", title="可支配收入")},
    people={"age": (0.0, 105.0), "income": (0.0, 600_000.0)},
)
COST = Measure("cost_each", "户均费用", "mean", of="payment", unit="元", aim="less", weight=1.0)
GAIN = Measure("gain", "受益比例", "gainers", of="income", unit="%", aim="more", weight=3.0)
HARM = Measure("harm", "受损比例", "losers", of="income", unit="%")
WAIT = Measure("wait", "平均等待", "wait", queue="works", unit="年")


def plan(*constraints: Constraint, options: tuple = ("a", "b"), measures: tuple = (COST, GAIN, HARM), **levers: float):
    """Option ``x`` has the lever ``rate`` at ``levers[x]`` (0.5 if not said); the baseline at 0."""
    return Plan(
        file="plan.yaml",
        title="比选",
        question="？",
        on="2026-01-01",
        years=(2026, 2027),
        seed=1,
        draws=0,
        rules="r",
        options=(
            Option("baseline", "维持现状", {"rate": 0.0, "scope": "basic"}),
            *(Option(name, name, {"rate": levers.get(name, 0.5)}) for name in options),
        ),
        measures=measures,
        groupings=(Grouping("age", "年龄", "age", cuts=(60.0,)), Grouping("area", "片区", "district")),
        payers=(Payer("city", "市级", "cost"),),
        constraints=constraints,
    )


def row(option: str, measure: str, value: float, grouping: str = ALL, group: str = ALL, **more) -> Result:
    given = {
        "unit": "%",
        "low": value,
        "high": value,
        "change": 0.0,
        "change_low": more.get("change", 0.0),
        "change_high": more.get("change", 0.0),
        "weight": 100.0,
        "sample": 10,
    } | more
    return Result(option=option, grouping=grouping, group=group, measure=measure, value=value, **given)


def table(figures: dict) -> list[Result]:
    """option -> (cost, gain, harm)"""
    return [
        row(option, measure.name, value)
        for option, values in figures.items()
        for measure, value in zip((COST, GAIN, HARM), values, strict=True)
    ]
