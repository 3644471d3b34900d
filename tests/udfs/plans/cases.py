"""A small rule set and population by hand: plans are checked against names, kinds, entities and units only."""

from dataclasses import dataclass, field

from schemas.policy import Assumption, Column

ENTITIES = ("person", "household", "neighbourhood", "district")


@dataclass(frozen=True)
class Lever:
    title: str
    kind: str
    default: object
    unit: str = "1"
    values: tuple = ()
    titles: tuple = ()
    low: float | None = None
    high: float | None = None
    evidence: tuple | None = None


@dataclass(frozen=True)
class Variable:
    entity: str
    kind: str = "number"
    unit: str = "1"
    title: str = ""


@dataclass(frozen=True)
class Rules:
    name: str = "renovation"
    levers: dict = field(default_factory=dict)
    assumptions: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)


RULES = Rules(
    levers={
        "scope": Lever("改造内容", "choice", "basic", values=("basic", "improved"), titles=("基础类", "完善类")),
        "rate": Lever("补贴比例", "number", 0.0, low=0, high=1, evidence=(0.2, 0.8)),
        "amount": Lever("补贴额", "number", 0, unit="CNY/year", low=0),
        "lift": Lever("加装电梯", "boolean", False),
    },
    assumptions={
        "elasticity": Assumption("elasticity", "弹性", "1", -0.4, "normal", (-0.4, 0.1), -1.0, 0.0),
        "uptake": Assumption("uptake", "申领率", "1", 0.6, "beta", (6.0, 4.0)),
    },
    variables={
        "payment": Variable("household", unit="CNY"),
        "benefit": Variable("household", unit="CNY/year"),
        "agrees": Variable("household", "boolean"),
        "tax": Variable("person", unit="CNY/year"),
        "cost": Variable("neighbourhood", unit="CNY"),
        "priority": Variable("neighbourhood"),
        "feasible": Variable("neighbourhood", "boolean"),
        "roof": Variable("building", unit="m2"),
        "support": Variable("district", unit="CNY/year"),
    },
)
COLUMNS = {
    column.name: column
    for column in (
        Column("age", "person", "number", "year"),
        Column("income", "household", "number", "CNY/year"),
        Column("area", "household", "number", "m2"),
        Column("owner", "household", "boolean"),
        Column("sex", "person", "category", categories=("male", "female")),
        Column("district", "district", "category", categories=("a", "b", "c")),
    )
}
PLAN = """\
plan: 比选
question: 先改哪些？
rules: renovation
population: city
on: 2026-07-01
years: [2026, 2028]
seed: 7
draws: 16
sensitivity: 32
baseline: {levers: {rate: 0.1}}
grid: {scope: [basic, improved], rate: [0.3, 0.5]}
options:
- {option: lift, levers: {lift: true, rate: 0.3}}
exclude: [{scope: basic, rate: 0.5}]
assumptions: {elasticity: {uniform: [-0.6, -0.2]}}
groups:
  age: {title: 年龄, of: age, cuts: [18, 60], labels: [少, 中, 老]}
  income: {of: income, quantiles: 5}
  district: {of: district}
measures:
  paid: {title: 居民出资, sum: payment, count: household, unit: 亿元, aim: less, weight: 1}
  losers: {title: 受损, losers: income, threshold: 100, aim: less, weight: 2}
  poor: {poverty_rate: income, line: {share: 0.5}, unit: "%", scale: 100}
  per_area: {ratio: benefit, over: area, count: household}
  waiting: {wait: works, aim: less, weight: 1, unit: 月}
queues:
  works: {order: priority, load: cost, capacity: [1.0e+6, 1.0e+6, 5.0e+5], when: feasible}
payers:
  queue: works
  unit: 亿元
  who: {city: {title: 市级, of: cost, timing: once}, running: {of: benefit}}
constraints:
  budget: {measure: "cost:city", grouping: year, at_most: 6.0}
  nobody: {measure: losers, grouping: "*", at_most: 20, outcome: infeasible}
"""
