"""A small made-up economy in files: people and households with weights, their mapping, rules and a plan.

A flat tax on wages and a transfer to everybody who claims it: what comes of either is worked out by hand in the tests.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Person(NamedTuple):
    """A line of people.csv; ``weight`` is the household's too."""

    pid: int
    hid: int
    age: int
    sex: str
    wage: int
    weight: float


def people(households: int = 60, seed: int = 5) -> list[Person]:
    """Households of one to four; weights are even numbers, so that halves are whole."""
    drawn = np.random.default_rng(seed)
    found: list[Person] = []
    for hid in range(1, households + 1):
        weight = float(2 * drawn.integers(1, 6))
        for _ in range(int(drawn.integers(1, 5))):
            wage = int(drawn.integers(0, 90)) * 1_000
            found.append(Person(len(found) + 1, hid, int(drawn.integers(0, 90)), "mf"[len(found) % 2], wage, weight))
    return found


MAPPING = """\
population: hamlet
title: 虚构的小村
source: 测试所造
demonstration: 虚构
tables:
  person:
    file: people.csv
    id: pid
    part_of: hid
    weight: w
    columns:
      age: {from: age, unit: year}
      sex: {from: sex, values: {m: male, f: female}}
      wage: {from: wage, unit: CNY/year}
  household:
    file: households.csv
    id: hid
    columns:
      side: {from: side, title: 村边, categories: {north: 北, south: 南}}
"""
RULES = """\
rules: flat
title: 比例税与普遍补贴
version: "1"
entities: [person, household]
people: {age: [0, 110]}
levers:
  rate: {title: 税率, kind: number, default: 0, range: [0, 1], evidence: [0, 0.5]}
  transfer: {title: 补贴, kind: number, unit: CNY/year, default: 0, range: [0, 50000]}
assumptions:
  take_up: {title: 申领率, unit: "1", central: 0.6, distribution: {uniform: [0.3, 0.9]}, low: 0, high: 1}
variables:
  due: {title: 税, entity: person, unit: CNY/year, formula: "wage * rate"}
  claims: {title: 申领, entity: person, kind: boolean, formula: "chance(take_up)"}
  paid: {title: 补贴, entity: person, unit: CNY/year, formula: "transfer if claims else 0"}
  net: {title: 净收入, entity: person, unit: CNY/year, formula: "wage - due + paid"}
  members: {title: 人数, entity: household, formula: "count(person)"}
  shared: {title: 人均净收入, entity: household, unit: CNY/year, formula: "sum(net) / members"}
"""
CASES = """\
- case: a tenth of what one has, and everybody gets five
  on: 2026-01-01
  levers: {rate: 0.1, transfer: 5}
  assumptions: {take_up: 1}
  people:
    person: {household: [1, 1, 2], wage: [100, 0, 50]}
    household: {id: [1, 2]}
  expect: {net: [95, 5, 50], shared: [50, 50]}
"""
YEARS, LINE, THRESHOLD = 2, 20_000, 100
BUDGET = 10_000
"""CNY a person and year."""
OPTIONS = {"tax": (0.1, 0), "transfer": (0, 4000), "both": (0.2, 4000), "steep": (0.6, 0), "dear": (0, 30_000)}
"""Rate and transfer. ``steep`` lies beyond the evidence, ``dear`` above the budget."""
FIXED = "assumptions: {take_up: {fixed: 1}}\n"
PLAN = f"""\
plan: 比例税与普遍补贴
question: 征多少，发多少？
rules: rules
population: people
on: 2026-07-01
years: [2026, 2027]
seed: 7
draws: 6
baseline: {{title: 现状}}
options:
  - {{option: tax, title: 征税, levers: {{rate: 0.1}}}}
  - {{option: transfer, title: 补贴, levers: {{transfer: 4000}}}}
  - {{option: both, title: 又征又补, levers: {{rate: 0.2, transfer: 4000}}}}
  - {{option: steep, title: 重税, levers: {{rate: 0.6}}}}
  - {{option: dear, title: 厚补, levers: {{transfer: 30000}}}}
{FIXED}groups:
  sex: {{title: 性别, of: sex}}
  side: {{title: 村边, of: side}}
measures:
  revenue: {{title: 税收, sum: due, aim: more, weight: 1}}
  average: {{title: 人均净收入, mean: net, aim: more, weight: 1}}
  better: {{title: 得益, gainers: net, threshold: {THRESHOLD}, aim: more, weight: 1}}
  worse: {{title: 受损, losers: net, threshold: {THRESHOLD}, aim: less, weight: 1}}
  poverty: {{title: 贫困率, poverty_rate: net, line: {{value: {LINE}, unit: CNY/year}}, aim: less}}
  gap: {{title: 贫困差距, poverty_gap: net, line: {{value: {LINE}, unit: CNY/year}}}}
  gini: {{title: 基尼系数, gini: net}}
  home: {{title: 户内人均, mean: shared, count: household}}
payers:
  who: {{state: {{title: 财政, of: paid}}}}
constraints:
  budget: {{title: 预算, measure: "cost:state", at_most: 1.0e+9, outcome: infeasible}}
"""


def plan(rows: Sequence[Person]) -> str:
    """The plan with a budget for these people."""
    budget = BUDGET * YEARS * sum(row.weight for row in rows)
    return changed(PLAN, "at_most: 1.0e+9", f"at_most: {budget:.1f}")


def changed(text: str, old: str, new: str) -> str:
    """``text`` with ``new`` for ``old``, which stands in it once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)


def write(folder: Path, rows: Sequence[Person], homes: Sequence[int] | None = None) -> Path:
    """All files of the economy. ``homes``: the households' order. Returns ``folder``."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    table(folder / "people.csv", ("pid", "hid", "age", "sex", "wage", "w"), rows)
    homes = homes or sorted({row.hid for row in rows})
    table(folder / "households.csv", ("hid", "side"), [(hid, side(hid)) for hid in homes])
    (folder / "mapping.yaml").write_text(MAPPING)
    (folder / "rules" / "rules.yaml").write_text(RULES)
    (folder / "rules" / "cases.yaml").write_text(CASES)
    (folder / "plan.yaml").write_text(plan(rows))
    return folder


def side(hid: int) -> str:
    return ("north", "south")[hid % 3 == 0]


def table(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([names, *rows])
