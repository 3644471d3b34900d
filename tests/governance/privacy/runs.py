"""A made-up run over a population of real people, with any number of groups."""

from __future__ import annotations

import msgspec

from governance.roles import Grant, Person
from schemas.policy import (
    Column,
    Grouping,
    Line,
    Measure,
    Option,
    Plan,
    PopulationInfo,
    Result,
    Simulation,
)

NOW = 1_764_324_000_123
ANN = Person("ann", (Grant("analyst", "adam", 0),))
OFELIA = Person("ofelia", (Grant("officer", "adam", 0),))
MEASURES = (
    Measure("gain", "受益", "gainers", of="income"),
    Measure("poor", "贫困", "poverty_rate", of="income", line_at=Line(value=12_000.0)),
    Measure("homes", "住户", "share", of="owner", count="household"),
    Measure("near", "近处", "share", of="crowded", where="grown"),
    Measure("relative", "相对贫困", "poverty_rate", of="income", line_at=Line(share=0.6)),
    Measure("money", "金额", "sum", of="income"),
    Measure("streets", "小区", "share", of="old", count="neighbourhood"),
    Measure("queue", "轮到", "served", queue="lifts"),
)


def run(hits: int = 40, sample: int = 100, groups: int = 3, **changes: object) -> Simulation:
    """Every cell of ``gain`` by ``age`` has ``hits`` of ``sample``; the last group has no result at all."""
    labels = tuple(f"g{number}" for number in range(groups))
    plan = Plan(
        "plan.yaml", "试算", "", "2026-01-01", (2026,), 1, 0, "rules",
        (Option("baseline", "", {}), Option("wide", "", {})), MEASURES,
        groupings=(Grouping("age", "年龄", "age"), Grouping("fifth", "五等分", "income", quantiles=5)),
        digest="plan",
    )  # fmt: skip
    results = [
        Result("wide", "age", group, measure.name, "%", 1, 1, 1, 0, 0, 0, 50.0, sample, hits)
        for measure in MEASURES
        for group in labels[:-1]
    ]
    results.append(Result("wide", "all", "all", "gain", "%", 1, 1, 1, 0, 0, 0, 50.0, 900, 300))
    made = Simulation(
        run="run-1", made_at="2026-11-28T10:00:00Z", plan=plan, rules_title="", rules_version="", rules_digest="rules",
        levers={}, sources=(),
        population=PopulationInfo(
            "survey", "", "", False, "", ("person", "household"), (Column("age", "person", "category"),), 1,
            {"person": 900}, 900.0, 5, digest="people",
        ),
        results=tuple(results), standings=(), findings=(), group_labels={"age": labels},
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def of(simulation: Simulation, **population: object) -> Simulation:
    """The same run over another population."""
    return msgspec.structs.replace(simulation, population=msgspec.structs.replace(simulation.population, **population))
