"""Small populations and plans that the tests of outcomes share."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.policy import BASELINE, Grouping, Measure, Option, Payer, Plan, Queue
from udfs.outcomes import Kind
from udfs.outcomes.blocks import mixed
from udfs.population.shard import Shard

KINDS = {
    "income": Kind("person", "number", "CNY/year"),
    "poor_health": Kind("person", "boolean"),
    "age": Kind("person", "number", "year"),
    "sex": Kind("person", "category", categories=("male", "female"), titles=("男", "女")),
    "income_h": Kind("household", "number", "CNY/year"),
    "agrees": Kind("household", "boolean"),
    "subsidy": Kind("household", "number", "CNY"),
    "urgency": Kind("neighbourhood", "number"),
    "homes": Kind("neighbourhood", "number"),
    "old": Kind("neighbourhood", "boolean"),
    "levy": Kind("neighbourhood", "number", "CNY"),
    "district": Kind("district", "category", categories=("东", "西", "南")),
}


def ids(start: int, size: int) -> Any:
    return mixed(np.arange(start, start + size, dtype=np.uint64))


def shards(
    neighbourhoods: int = 30, seed: int = 0, parts: int = 1, weighted: bool = False, households: int = 25
) -> tuple[list[Shard], list[dict[str, Any]]]:
    """The same population in ``parts`` shards, with values of the variables in KINDS."""
    rng = np.random.default_rng(seed)
    per_household = rng.integers(1, 5, neighbourhoods * households)
    people, homes = int(per_household.sum()), neighbourhoods * households
    of_person = np.repeat(np.arange(homes), per_household)
    effect = rng.normal(0, 0.3, neighbourhoods)
    income_h = np.exp(rng.normal(10, 0.6, homes) + np.repeat(effect, households))
    weight = rng.uniform(0.5, 3.0, homes) if weighted else np.ones(homes)
    values = {
        "income": income_h[of_person] * rng.uniform(0.5, 1.5, people),
        "poor_health": rng.random(people) < 0.2,
        "age": rng.integers(0, 90, people).astype(float),
        "sex": rng.integers(0, 2, people).astype(np.int16),
        "income_h": income_h,
        "agrees": rng.random(homes) < 0.6,
        "subsidy": rng.uniform(0, 100, homes),
        "urgency": rng.random(neighbourhoods),
        "homes": rng.integers(10, 40, neighbourhoods).astype(float),
        "old": rng.random(neighbourhoods) < 0.7,
        "levy": rng.uniform(0, 10, neighbourhoods),
    }
    level = {name: KINDS[name].entity for name in values}
    found, tables = [], []
    for number in range(parts):
        n = np.arange(neighbourhoods) % parts == number
        h = np.repeat(n, households)
        p = h[of_person]
        keep = {"person": p, "household": h, "neighbourhood": n}
        columns = {name: array[keep[level[name]]] for name, array in values.items()}
        district = np.arange(neighbourhoods) % 3
        columns["district"] = np.arange(3, dtype=np.int16)
        position = {"household": np.cumsum(h) - 1, "neighbourhood": np.cumsum(n) - 1}
        found.append(
            Shard(
                number=number,
                columns={},
                values=columns,
                ids={
                    "person": ids(0, people)[p],
                    "household": ids(10**7, homes)[h],
                    "neighbourhood": ids(2 * 10**7, neighbourhoods)[n],
                    "district": ids(3 * 10**7, 3),
                },
                weights={
                    "person": weight[of_person][p],
                    "household": weight[h],
                    "neighbourhood": np.ones(int(n.sum())),
                    "district": np.ones(3),
                },
                parents={
                    "person": position["household"][of_person[p]],
                    "household": position["neighbourhood"][np.repeat(np.arange(neighbourhoods), households)[h]],
                    "neighbourhood": district[n],
                },
            )
        )
        tables.append(columns)
    return found, tables


def plan(measures: list[Measure], **more: Any) -> Plan:
    given: dict[str, Any] = {
        "file": "plan.yaml",
        "title": "",
        "question": "",
        "on": "2026-01-01",
        "years": (2026, 2027, 2028),
        "seed": 7,
        "draws": 0,
        "rules": "test",
        "options": (Option(BASELINE, "现状", {}), Option("more", "多给", {})),
        "measures": tuple(measures),
    }
    return Plan(**(given | more))


def measure(kind: str, of: str = "", name: str = "m", **more: Any) -> Measure:
    return Measure(name, "", kind, of, line=12, **more)


GROUPINGS = (
    Grouping("sex", "性别", "sex"),
    Grouping("age", "年龄", "age", cuts=(18.0, 60.0)),
    Grouping("quintile", "收入组", "income_h", quantiles=5),
    Grouping("district", "片区", "district"),
)
QUEUE = Queue("works", "施工", "urgency", "homes", (120.0, 150.0, 150.0), when="old")
PAYERS = (
    Payer("local", "区财政", "subsidy", "once"),
    Payer("fund", "维修资金", "levy", "annual"),
)
