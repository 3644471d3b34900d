"""A tiny economy and rule sets made around one formula, for the tables of tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from schemas.policy import Column
from udfs.formulas import Program, compile
from udfs.formulas.ruleset import parse
from udfs.population.shard import Shard

COLUMNS = {
    column.name: column
    for column in (
        Column("wage", "person", "number", "CNY/year"),
        Column("age", "person", "number", "year"),
        Column("retired", "person", "boolean"),
        Column("sex", "person", "category", categories=("male", "female")),
        Column("size", "household", "number"),
        Column("floor_area", "unit", "number", "m2"),
        Column("lift", "building", "boolean"),
        Column("fee", "district", "number", "CNY/m2"),
        Column("city", "district", "category", categories=("东城", "西城")),
    )
}
ENTITIES = ("person", "household", "unit", "building", "neighbourhood", "district")
ON = date(2026, 1, 1)

HEAD = """rules: test
title: 试验
version: "1"
entities: [person, household]
levers:
  rate: {title: 比例, kind: number, default: 0.5, range: [0, 1]}
  grant: {title: 补助, kind: number, unit: CNY/year, default: 100}
  scope: {title: 内容, kind: choice, values: [basic, full], default: basic}
  parking: {title: 车位, kind: boolean, default: false}
parameters:
  price: {title: 价, unit: CNY/m2, values: {2020-01-01: 10, 2025-07-01: 20, 2027-01-01: 40}}
  cost: {title: 造价, unit: CNY/m2, by: scope, values: {2020-01-01: {basic: 3, full: 9}}}
  by_city: {title: 标准, unit: CNY/year, by: city, values: {2020-01-01: {东城: 1000, 西城: 2000}}}
  bands: {title: 税率, kind: brackets, unit: CNY/year, values: {2019-01-01: [[0, 0.1], [100, 0.2], [1000, 0.5]]}}
  ladder: {title: 阶梯, kind: steps, unit: CNY/year, of: year, values: {2019-01-01: [[18, 5], [60, 7]]}}
assumptions:
  take_up: {title: 申领率, central: 0.6, distribution: {uniform: [0.2, 0.9]}}
"""
"""``variables:`` begins on line 18."""


def rules(variables: str, head: str = HEAD):
    return parse(f"{head}variables:\n{variables}")


def one(formula: str, entity: str = "person", kind: str = "", unit: str = "") -> str:
    """The entry of a variable ``x``."""
    extra = (f", kind: {kind}" if kind else "") + (f', unit: "{unit}"' if unit else "")
    return f"  x: {{title: 某, entity: {entity}{extra}, formula: '{formula}'}}\n"


def program(variables: str, entities: tuple[str, ...] = ENTITIES, head: str = HEAD) -> Program:
    return compile(rules(variables, head), COLUMNS, ON, entities)


def shard(order: tuple[int, ...] = (0, 1, 2, 3, 4)) -> Shard:
    """Five people in three households (the last is empty), three units, two buildings, one neighbourhood of 西城.

    ``order`` permutes the people.
    """
    people = np.array(order)
    values: Mapping[str, Any] = {
        "wage": np.array([50.0, 250.0, 0.0, 2000.0, 100.0])[people],
        "age": np.array([17.0, 40.0, 70.0, 60.0, 18.0])[people],
        "retired": np.array([False, False, True, True, False])[people],
        "sex": np.array([0, 1, 1, 0, 1], dtype=np.int16)[people],
        "size": np.array([3.0, 2.0, 0.0]),
        "floor_area": np.array([60.0, 80.0, 100.0]),
        "lift": np.array([True, False]),
        "fee": np.array([2.0]),
        "city": np.array([1], dtype=np.int16),
    }
    ids = {
        "person": np.array([11, 12, 13, 14, 15], dtype=np.uint64)[people],
        "household": np.array([1, 2, 3], dtype=np.uint64),
        "unit": np.array([1, 2, 3], dtype=np.uint64),
        "building": np.array([1, 2], dtype=np.uint64),
        "neighbourhood": np.array([1], dtype=np.uint64),
        "district": np.array([1], dtype=np.uint64),
    }
    parents = {
        "person": np.array([0, 0, 0, 1, 1])[people],
        "household": np.array([0, 1, 2]),
        "unit": np.array([0, 0, 1]),
        "building": np.array([0, 0]),
        "neighbourhood": np.array([0]),
    }
    return Shard(0, COLUMNS, values, ids, {}, parents)


def value(formula: str, entity: str = "person", kind: str = "", unit: str = "", **levers: Any) -> np.ndarray:
    compiled = program(one(formula, entity, kind, unit))
    return compiled.start(shard(), seed=1).values(levers, {}, ["x"])["x"]
