"""The whole simulation: one pass for marks, elements over workers, merge, estimate, judge.

    done = simulate(prepared, home=home, engine=partial(run_pool, parallelism=2), run="policy-...", say=say)

Cost is linear in people x options. Memory does not grow with people but for what marks need: the values of groupings by
quantile and of poverty lines by the median, 16 bytes a person each.
"""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pipelines.engines.work import Work
from pipelines.jobs.policy import NAME, sentiment
from pipelines.jobs.policy.prepared import Prepared
from pipelines.jobs.policy.work import (
    DRAWS,
    SAMPLES,
    Element,
    Tallies,
    TallyOptions,
    draw_elements,
    evaluated,
    full_elements,
    sample_elements,
)
from schemas.policy import Index, Reading, Simulation, Standing
from udfs import choice, outcomes, population
from udfs.outcomes import Marks, Tally, Whole
from udfs.population.shard import Shard

SAMPLE_PEOPLE = 25_000
"""People (of whole neighbourhoods) on whom draws of the assumptions and samples of Sobol' indices are evaluated."""

Engine = Callable[[str, Sequence[str], Work], object]
"""Has the work (of that name) done on every element, and returns then."""

DrawValues = list[dict[str, dict[str, float]]]
"""For each draw: option -> measure -> value, over everybody in the sample."""


@dataclass(frozen=True)
class Simulated:
    """What came of it; the second part is what the choice is weighed again with, after a release."""

    simulation: Simulation
    draw_values: DrawValues
    outside: Mapping[str, float]
    """Column -> weighted share of people outside what the rules' evidence covers."""
    phases: Mapping[str, float]
    """Seconds of each phase."""


def simulate(
    prepared: Prepared,
    *,
    home: Path,
    engine: Engine,
    run: str,
    say: Callable[[str], None] = lambda line: None,
    reading: Reading | None = None,
) -> Simulated:
    """``home``: tallies lie in HOME/runs/RUN, which every worker must see, until it ends or fails. ``run``: its name.
    ``reading``: moods of posts, for a plan that asks for them; it changes nothing but ``Simulation.sentiment``.

    Raises UsageError for what only the data show (a formula without value, an empty group), ServiceError."""
    with _scratch(home / "runs" / run / "tallies") as tallies:
        return _simulate(prepared, tallies, engine, run, say, reading)


def _simulate(
    prepared: Prepared,
    tallies: Tallies,
    engine: Engine,
    run: str,
    say: Callable[[str], None],
    reading: Reading | None,
) -> Simulated:
    began = time.monotonic()
    clock = _Clock()
    plan = prepared.plan
    marks, outside = look_once(prepared)
    clock.lap("marks")
    stage = _Stage(prepared, marks, tallies, engine)
    full, central, by_draw = stage.evaluate(say)
    clock.lap("evaluation")
    results = outcomes.estimate(plan, prepared.kinds, marks, full, central, by_draw)
    draw_values = outcomes.values_of_draws(plan, prepared.kinds, marks, full, central, by_draw)
    clock.lap("estimates")
    titles = {column.name: column.title for column in prepared.info.columns}
    findings, standings = choice.judge(plan, prepared.rules, results, draw_values, outside, (), titles)
    clock.lap("choice")
    indices = stage.indices(standings, full)
    clock.lap("sensitivity")
    told = ""
    if plan.sentiment:
        told = sentiment.beside(prepared, reading, marks, outside, standings, titles, engine, tallies, say)
        clock.lap("sentiment")
    simulation = Simulation(
        run=run,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        plan=plan,
        rules_title=prepared.rules.title,
        rules_version=prepared.rules.version,
        rules_digest=prepared.rules.digest,
        levers={name: _lever(lever) for name, lever in prepared.rules.levers.items()},
        sources=tuple(prepared.rules.sources),
        population=prepared.info,
        results=tuple(results),
        standings=tuple(standings),
        findings=tuple(findings),
        indices=tuple(indices),
        group_labels=dict(marks.labels),
        seconds=round(time.monotonic() - began, 3),
        sentiment=told,
        versions=_versions(),
    )
    return Simulated(simulation, draw_values, outside, clock.laps)


class _Stage:
    """What is evaluated by workers, in two goes: options first, then, once they are ranked, samples of the head."""

    def __init__(self, prepared: Prepared, marks: Marks, tallies: Tallies, engine: Engine) -> None:
        self._prepared, self._marks, self._tallies, self._engine = prepared, marks, tallies, engine
        plan = prepared.plan
        self._draws = _draws(prepared)
        self._design = choice.design(plan.assumptions, plan.sensitivity, plan.seed) if plan.sensitivity else None

    def evaluate(self, say: Callable[[str], None]) -> tuple[dict[str, Tally], dict[str, Tally], list[dict[str, Tally]]]:
        """Option -> tally over everybody; on the sample, under the central assumptions; the same under each draw."""
        plan, info = self._prepared.plan, self._prepared.info
        names = [option.name for option in plan.options]
        full_work, draw_work = full_elements(plan, info.shards), draw_elements(plan, len(self._draws))
        pieces = full_work + draw_work
        say(f"{len(names)} options, {info.counts['person']} people, {len(pieces)} pieces of work")
        self._run(NAME, pieces, {DRAWS: self._draws})
        full = {name: outcomes.merge(list(_of_option(self._tallies, full_work, names, name))) for name in names}
        by_draw = [
            {name: outcomes.load(self._tallies.path(element, place, number)) for place, name in enumerate(names)}
            for element in draw_work
            for number in range(element.first, element.last)
        ]
        return full, by_draw[0] if by_draw else {}, by_draw[1:]

    def indices(self, standings: Sequence[Standing], full: Mapping[str, Tally]) -> Sequence[Index]:
        """Sobol' indices of the options at the head; none without a design or a ranked option."""
        ranked = [one.option for one in sorted(standings, key=lambda one: one.rank) if one.rank]
        design = self._design
        if design is None or not design.samples or not ranked:
            return ()
        samples = [self._prepared.central, *design.samples]
        pieces = sample_elements(ranked, len(samples))
        wholes = {name: Whole.of(tally) for name, tally in full.items()}
        self._run(f"{NAME}-sensitivity", pieces, {SAMPLES: samples}, wholes)
        rows: DrawValues = []
        for element in pieces:
            rows += json.loads(self._tallies.values(element).read_text())
        return choice.indices(self._prepared.plan, design, rows[0], rows[1:], standings)

    def _run(
        self,
        name: str,
        elements: Sequence[Element],
        samples: Mapping[str, Sequence[Mapping[str, float]]],
        wholes: Mapping[str, Whole] | None = None,
    ) -> None:
        prepared = self._prepared
        work = TallyOptions(
            prepared.plan, self._marks, prepared.rules_folder, prepared.population,
            (prepared.rules.digest, prepared.info.digest), self._tallies.folder, samples,
            SAMPLE_PEOPLE, wholes,
        )  # fmt: skip
        self._engine(name, [msgspec.json.encode(element).decode() for element in elements], work)


def _versions() -> dict[str, str]:
    return {
        "yuqing": metadata.version("yuqing"),
        "numpy": np.__version__,
        "scipy": metadata.version("scipy"),
        "python": platform.python_version(),
    }


@contextmanager
def _scratch(folder: Path) -> Iterator[Tallies]:
    """Tallies in a new folder, which goes with them whatever happens; only a kill leaves it."""
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield Tallies(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a worker of Flink that was given up may still write there
        with suppress(OSError):
            folder.parent.rmdir()


def look_once(prepared: Prepared) -> tuple[Marks, dict[str, float]]:
    """Everybody once, under the baseline: what must be known before anything is tallied, and the weighted share of
    people outside the range for which the rules' evidence holds."""
    counted = {name: [0.0, 0.0] for name in prepared.rules.people}

    def parts() -> Iterator[tuple[Shard, dict[str, Any]]]:
        levers = prepared.levers(prepared.plan.options[0].name)
        for number in range(prepared.info.shards):
            shard = population.read_shard(prepared.population, number, prepared.columns)
            base = evaluated(prepared, shard, levers)
            for name, (low, high) in prepared.rules.people.items():
                weights = shard.weights[prepared.kinds[name].entity]
                beyond = (base[name] < low) | (base[name] > high)
                counted[name][0] += float(weights[beyond].sum())
                counted[name][1] += float(weights.sum())
            yield shard, base

    marks = Marks.of(prepared.plan, prepared.kinds, parts())
    return marks, {name: beyond / whole if whole else 0.0 for name, (beyond, whole) in counted.items()}


def _draws(prepared: Prepared) -> list[dict[str, float]]:
    """The central assumptions, then the draws; empty when nothing is uncertain."""
    plan = prepared.plan
    if not plan.draws or all(one.distribution == "fixed" for one in plan.assumptions):
        return []
    drawn = choice.draws(plan.assumptions, plan.draws, plan.seed)
    return [prepared.central, *drawn]


def _of_option(tallies: Tallies, elements: Sequence[Element], names: Sequence[str], name: str) -> Iterator[Tally]:
    place = names.index(name)
    for element in elements:
        if name in element.options:
            yield outcomes.load(tallies.path(element, place))


def _lever(lever: Any) -> dict[str, Any]:
    return {
        "title": lever.title,
        "kind": lever.kind,
        "unit": lever.unit,
        "titles": dict(zip(lever.values, lever.titles, strict=False)),
    }


class _Clock:
    """Seconds of phases."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._since, 3)
        self._since = now
