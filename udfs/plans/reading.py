"""A plan's file, read and checked. Which rules and which people it names is for the job, which finds them first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from schemas.errors import UsageError
from schemas.policy import Column, Grouping, Measure, Plan
from udfs.formulas import RuleSet
from udfs.lined import Node, parse
from udfs.plans import assumptions, constraints, measures, options, sentiment
from udfs.plans.names import Names

_KEYS = (
    *("plan", "question", "note", "rules", "population", "on", "years", "seed", "draws", "sensitivity"),
    *("baseline", "grid", "options", "exclude", "assumptions", "groups", "measures", "queues", "payers", "constraints"),
    "sentiment",
)
_NEEDED = ("plan", "question", "rules", "population", "on", "years", "measures")
_MOST_YEARS = 50
_SENSITIVITIES = (0, *(2**power for power in range(3, 11)))


def load(path: Path, rules: RuleSet, columns: Mapping[str, Column], entities: Collection[str]) -> Plan:
    """The plan, checked against its rules (``udfs.formulas.RuleSet``) and its population's columns and entities.

    Raises UsageError with file and line for everything that the plan cannot mean.
    """
    root, content = _read(path)
    names = Names(rules, columns, entities)
    years = _years(root)
    queues = measures.queues(root.get("queues"), names, len(years))
    queued = [queue.name for queue in queues]
    payers = measures.payers(root.get("payers"), names, queued)
    groupings = measures.groupings(root.get("groups"), names)
    found = measures.measures(root["measures"], names, queued)
    _useful(root, groupings, found, names.entity_of)
    assumed = assumptions.read(root.get("assumptions"), rules.assumptions)
    sentiment.kept_out(root, assumed)
    return Plan(
        file=path.name,
        title=_said(root["plan"]),
        question=_said(root["question"]),
        on=root["on"].date().isoformat(),
        years=years,
        seed=root["seed"].integer(0, 2**63 - 1) if "seed" in root else 0,
        draws=root["draws"].integer(0, 1000) if "draws" in root else 64,
        rules=rules.name,
        options=options.read(root, rules),
        measures=found,
        groupings=groupings,
        payers=payers.payers,
        payers_queue=payers.queue,
        payers_scale=payers.scale,
        payers_unit=payers.unit,
        queues=queues,
        constraints=constraints.read(root.get("constraints"), found, payers.payers, groupings, names.entity_of),
        assumptions=assumed,
        sensitivity=_sensitivity(root.get("sensitivity")),
        note=root["note"].text() if "note" in root else "",
        digest=hashlib.sha256(content).hexdigest(),
        sentiment=sentiment.read(root.get("sentiment"), rules, columns, names.entities),
    )


def _read(path: Path) -> tuple[Node, bytes]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read: {error.strerror}") from None
    root = parse(content, path.name)
    root.mapping(_KEYS, _NEEDED)
    return root, content


def _said(node: Node) -> str:
    text = node.text().strip()
    if not text:
        node.fail("it is empty")
    return text


def _years(root: Node) -> tuple[int, ...]:
    node = root["years"]
    if len(node.list()) != 2:
        node.fail("write [first, last]")
    first, last = (year.integer(1900, 2200) for year in node.list())
    if last < first:
        node.fail(f"the last year {last} is before the first {first}")
    if last - first >= _MOST_YEARS:
        node.fail(f"{last - first + 1} years; at most {_MOST_YEARS}")
    on = root["on"].date()
    if on.year > last:
        root["on"].fail(f"{on.isoformat()} is after the last year {last}")
    return tuple(range(first, last + 1))


def _sensitivity(node: Node | None) -> int:
    if node is None:
        return 0
    found = node.integer()
    if found not in _SENSITIVITIES:
        node.fail(f"{found} is none of {', '.join(map(str, _SENSITIVITIES))}: Sobol' samples come in powers of 2")
    return found


def _useful(
    root: Node, groupings: tuple[Grouping, ...], found: tuple[Measure, ...], entities: Mapping[str, str]
) -> None:
    for grouping in groupings:
        if not any(measures.splits(measure, grouping, entities) for measure in found):
            at = root["groups"][grouping.name]
            at.fail(f"it splits no measure: {grouping.of!r} is of the {entities[grouping.of]}, below what is counted")
