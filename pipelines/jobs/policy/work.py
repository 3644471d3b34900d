"""What a worker does with an element: evaluate options on shards and leave their tallies in a file.

    full     options x a run of consecutive shards, central assumptions          -> options' tallies
    draws    a few draws of the assumptions x all options, on a sample of people  -> options' tallies
    samples  a few samples of Sobol' indices x the options at the head, on the same sample -> values that rank

How work is cut depends on the plan and the population only, never on the number of processes, and tallies are merged in
the order of the cut: so a result is the same to the bit wherever it was computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from pipelines.jobs.policy.prepared import Levers, Prepared, assemble, checked_again
from schemas.policy import ALL, BASELINE, Plan
from udfs import choice, outcomes, population
from udfs.outcomes import Marks, Scaling, Tallier, Tally, Whole
from udfs.population.shard import Shard

FULL, DRAWS, SAMPLES = "full", "draws", "samples"
RUNS = 16
"""Runs of shards that the population is cut into, at most."""
OPTIONS = 24
"""Of one element: the baseline is evaluated once for them all."""
DRAWS_EACH, SAMPLES_EACH = 4, 64


class Element(msgspec.Struct, frozen=True):
    """A piece of work. JSON."""

    what: str
    options: tuple[str, ...]
    first: int
    last: int
    """Shards, draws or samples from ``first`` to before ``last``."""

    @property
    def file(self) -> str:
        """Stem of what it leaves."""
        return f"{self.what}-{self.first:05d}-{self.last:05d}"


def full_elements(plan: Plan, shards: int) -> list[Element]:
    names = [option.name for option in plan.options]
    runs = min(RUNS, shards)
    edges = [number * shards // runs for number in range(runs + 1)]
    return [
        Element(FULL, tuple(names[at : at + OPTIONS]), first, last)
        for first, last in pairwise(edges)
        for at in range(0, len(names), OPTIONS)
    ]


def draw_elements(plan: Plan, draws: int) -> list[Element]:
    """All options: intervals are of every one."""
    return _samples(DRAWS, tuple(option.name for option in plan.options), 0, draws, DRAWS_EACH)


def sample_elements(ranked: Sequence[str], samples: int) -> list[Element]:
    """The head of the ranking under each sample; under the first one, the central assumptions, all that are ranked: the
    scale of the scores is theirs. The baseline is evaluated each time, for gains and losses."""
    whole, head = (tuple(dict.fromkeys((BASELINE, *names))) for names in (ranked, ranked[: choice.TARGETS]))
    return [Element(SAMPLES, whole, 0, 1), *_samples(SAMPLES, head, 1, samples, SAMPLES_EACH)]


def _samples(what: str, options: tuple[str, ...], first: int, number: int, each: int) -> list[Element]:
    return [Element(what, options, at, min(at + each, number)) for at in range(first, number, each)]


class Tallies:
    """Files of an element, in a folder that every worker sees. A file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, element: Element, option: int, number: int = 0) -> Path:
        """``option``: its position in the plan. ``number``: of the draw."""
        return self.folder / f"{element.file}-{number:05d}-{option:03d}.tally"

    def values(self, element: Element) -> Path:
        return self.folder / f"{element.file}.json"

    def save(self, path: Path, tally: Tally) -> None:
        # an element may be done twice at once, by a worker that was thought dead: each writes its own, the last wins
        part = path.with_name(f".{path.name}.{id(tally)}.part")
        tally.save(part)
        part.replace(path)


class TallyOptions:
    """Work of `run_elements`. Pickles before it is opened; holds no secret."""

    def __init__(
        self,
        plan: Plan,
        marks: Marks,
        rules_folder: Path,
        population_folder: Path,
        digests: tuple[str, str],
        folder: Path,
        samples: Mapping[str, Sequence[Mapping[str, float]]],
        people: int,
        wholes: Mapping[str, Whole] | None = None,
    ) -> None:
        """``samples``: assumptions of each draw and of each Sobol' sample; ``people``: size of the sample of people on
        which they are evaluated; ``wholes``: option -> what brings Sobol' samples to everybody's size."""
        self._plan, self._marks = plan, marks
        self._rules_folder, self._population_folder, self._digests = rules_folder, population_folder, digests
        self._tallies = Tallies(folder)
        self._samples, self._people, self._wholes = samples, people, wholes or {}
        self._places = {option.name: number for number, option in enumerate(plan.options)}

    def open(self) -> None:
        """Read rules and population's description. Raises UsageError when they changed."""
        self._prepared = assemble(self._plan, self._rules_folder, self._population_folder)
        checked_again(self._prepared, self._digests)
        self._ready: dict[object, Ready] = {}

    def process(self, element: str) -> str:
        """Element -> its kind. Its files are there when this returns; done again they are the same."""
        given = msgspec.json.decode(element, type=Element)
        if given.what == FULL:
            self._full(given)
        elif given.what == DRAWS:
            self._draws(given)
        else:
            self._values(given)
        return given.what

    def close(self) -> None:
        self._ready.clear()

    def _full(self, element: Element) -> None:
        prepared = self._prepared
        merged: dict[str, list[Tally]] = {option: [] for option in element.options}
        for number in range(element.first, element.last):
            ready = self._of_shard(number)
            for option, tallies in merged.items():
                values = ready.evaluation.values(prepared.levers(option), prepared.central, prepared.names)
                tallies.append(ready.tallier.tally(values))
                if len(tallies) == MERGED:
                    tallies[:] = [outcomes.merge(tallies)]
        for option, tallies in merged.items():
            self._tallies.save(self._tallies.path(element, self._places[option]), outcomes.merge(tallies))

    def _draws(self, element: Element) -> None:
        ready = self._of_sample(DRAWS)
        for number, option, tally in self._tallied(ready, element):
            self._tallies.save(self._tallies.path(element, self._places[option], number), tally)

    def _values(self, element: Element) -> None:
        """Only what ranks is computed: one number for an option and measure."""
        ready = self._of_sample(SAMPLES)
        rows: list[dict[str, dict[str, float]]] = []
        for number, option, tally in self._tallied(ready, element):
            if option == element.options[0]:
                rows.append({})
            scale = self._scale(ready, option, tally if number == 0 else None)
            found = outcomes.values_only(ready.plan, ready.kinds, self._marks, tally, scale)
            rows[-1][option] = {measure.name: found[measure.name, ALL, ALL] for measure in ready.plan.measures}
        path = self._tallies.values(element)
        part = path.with_name(f".{path.name}.{id(rows)}.part")
        part.write_text(json.dumps(rows))  # msgspec would write NaN as null
        part.replace(path)

    def _scale(self, ready: Ready, option: str, central: Tally | None) -> Scaling:
        """What brings the option's values on the sample to everybody's size; from its tally under the central
        assumptions, which are the first of the samples."""
        if option not in ready.scales:
            if central is None:
                levers = self._prepared.levers(option)
                first = self._samples[SAMPLES][0]
                central = ready.tallier.tally(ready.evaluation.values(levers, first, tuple(ready.kinds)))
            whole = self._wholes[option]
            ready.scales[option] = outcomes.scaling_to(ready.plan, ready.kinds, self._marks, whole, central)
        return ready.scales[option]

    def _tallied(self, ready: Ready, element: Element) -> Iterator[tuple[int, str, Tally]]:
        """Gains and losses are against the baseline under the same assumptions: it comes first."""
        for number in range(element.first, element.last):
            assumptions = self._samples[element.what][number]
            base: Mapping[str, Any] | None = None
            for option in element.options:
                levers = self._prepared.levers(option)
                values = ready.evaluation.values(levers, assumptions, tuple(ready.kinds))
                base = values if base is None else base
                yield number, option, ready.tallier.tally(values, base)

    def _of_shard(self, number: int) -> Ready:
        if number not in self._ready:
            shard = population.read_shard(self._prepared.population, number, self._prepared.columns)
            self._ready.clear()  # one shard at a time: memory does not grow with the population
            self._ready[number] = Ready(self._prepared, self._plan, self._marks, shard, outcomes.BLOCKS)
        return self._ready[number]

    def _of_sample(self, what: str) -> Ready:
        if what not in self._ready:
            prepared = self._prepared
            shard = population.sample(prepared.population, self._people, prepared.plan.seed, prepared.columns)
            self._ready.clear()
            plan = ranking(prepared.plan) if what == SAMPLES else prepared.plan
            self._ready[what] = Ready(prepared, plan, self._marks, shard, 1)
        return self._ready[what]


MERGED = 8
"""Tallies of an option that are held before they are merged."""


class Ready:
    """A shard with what is computed once for it. ``plan``: the run's, or the part of it that ranks."""

    def __init__(self, prepared: Prepared, plan: Plan, marks: Marks, shard: Shard, blocks: int) -> None:
        self.plan = plan
        self.kinds = {name: prepared.kinds[name] for name in outcomes.names(plan)}
        self.evaluation = prepared.program.start(shard, plan.seed)
        base = self.evaluation.values(prepared.levers(plan.options[0].name), prepared.central, tuple(self.kinds))
        self.tallier = Tallier(plan, self.kinds, marks, shard, base, blocks)
        self.scales: dict[str, Scaling] = {}


def ranking(plan: Plan) -> Plan:
    """The part of a plan that decides the ranking: thousands of samples need nothing else."""
    measures = tuple(measure for measure in plan.measures if measure.weight)
    queues = tuple(queue for queue in plan.queues if queue.name in {measure.queue for measure in measures})
    return msgspec.structs.replace(plan, measures=measures, queues=queues, groupings=(), payers=(), payers_queue="")


def evaluated(prepared: Prepared, shard: Shard, levers: Levers) -> dict[str, Any]:
    """Everything the plan names, on one shard."""
    return prepared.program.start(shard, prepared.plan.seed).values(levers, prepared.central, prepared.names)
