"""Measured sentiment of posts as a sensitivity: beside the run, never in it. Those who post are not the residents.

Each neighbourhood's ``measured_sentiment`` becomes the mean of its district's posts and the assumption
``sentiment_effect`` the plan's effect; everybody is evaluated once more under the central assumptions, judged, and only
compared with how the options stand. Read are counts of cells of at least 20 authors; nothing of an author or a post.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from pipelines.engines.work import Work
from pipelines.jobs.policy.prepared import Prepared, assemble, checked_again
from pipelines.jobs.policy.work import MERGED, Element, Ready, Tallies, full_elements
from schemas.policy import BASELINE, Mood, Reading, Sentiment, Standing
from udfs import choice, outcomes, population
from udfs.outcomes import Marks, Tally
from udfs.plans.sentiment import DISTRICT, EFFECT, MEASURED
from udfs.policy_report import sentiment as words
from udfs.population.shard import Shard

SENTIMENT = "sentiment"


def means(asked: Sentiment, moods: Mapping[str, Mood]) -> dict[str, float]:
    """District -> its mean, of those that have one."""
    return {district: moods[code].mean for district, code in asked.districts.items() if code in moods}


def applied(shard: Shard, by_district: Mapping[str, float]) -> Shard:
    """The shard with each neighbourhood's measured sentiment its district's, 0 where there is none."""
    by_code = np.array([by_district.get(name, 0.0) for name in shard.columns[DISTRICT].categories])
    codes = shard.down(shard.values[DISTRICT], DISTRICT, "neighbourhood").astype(np.int64)
    measured = np.where(codes >= 0, by_code[codes], 0.0)
    return dataclasses.replace(shard, values={**shard.values, MEASURED: measured})


class TallySentiment:
    """Work of `run_elements` over ``full_elements``: as they were, under measured sentiment. Holds no secret."""

    def __init__(
        self, prepared: Prepared, marks: Marks, by_district: Mapping[str, float], effect: float, tallies: Tallies
    ) -> None:
        self._plan, self._marks, self._tallies = prepared.plan, marks, tallies
        self._folders = (prepared.rules_folder, prepared.population)
        self._digests = (prepared.rules.digest, prepared.info.digest)
        self._by_district, self._effect = dict(by_district), effect
        self._places = {option.name: number for number, option in enumerate(self._plan.options)}

    def open(self) -> None:
        """Read rules and population's description. Raises UsageError when they changed."""
        self._prepared = assemble(self._plan, *self._folders)
        checked_again(self._prepared, self._digests)
        self._assumptions = {**self._prepared.central, EFFECT: self._effect}
        self._ready: dict[int, Ready] = {}

    def process(self, element: str) -> str:
        """Element -> its kind; a tally of each of its options is there when this returns."""
        given = msgspec.json.decode(element, type=Element)
        merged: dict[str, list[Tally]] = {option: [] for option in given.options}
        for number in range(given.first, given.last):
            ready = self._of_shard(number)
            # who gains and loses is counted against the baseline under the same sentiment
            base = self._values(ready, BASELINE)
            for option, found in merged.items():
                found.append(ready.tallier.tally(self._values(ready, option), base))
                if len(found) == MERGED:
                    found[:] = [outcomes.merge(found)]
        for option, found in merged.items():
            self._tallies.save(self._tallies.path(given, self._places[option]), outcomes.merge(found))
        return given.what

    def close(self) -> None:
        self._ready.clear()

    def _values(self, ready: Ready, option: str) -> Mapping[str, Any]:
        prepared = self._prepared
        return ready.evaluation.values(prepared.levers(option), self._assumptions, prepared.names)

    def _of_shard(self, number: int) -> Ready:
        if number not in self._ready:
            prepared = self._prepared
            columns = prepared.columns | {MEASURED, DISTRICT}
            shard = applied(population.read_shard(prepared.population, number, columns), self._by_district)
            self._ready.clear()  # one shard at a time
            # groups are those of the run: under central assumptions, where sentiment has no effect
            self._ready[number] = Ready(prepared, self._plan, self._marks, shard, 1)
        return self._ready[number]


def beside(
    prepared: Prepared,
    reading: Reading | None,
    marks: Marks,
    outside: Mapping[str, float],
    standings: Sequence[Standing],
    titles: Mapping[str, str],
    engine: Callable[[str, Sequence[str], Work], object],
    tallies: Tallies,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """``Simulation.sentiment`` of a run whose plan asks for it: what was done, and what would change."""
    plan, asked = prepared.plan, prepared.plan.sentiment
    if asked is None or reading is None:
        say("measured sentiment: left out, there is no store here; `yuqing submit policy` reads it")
        return words.left_out()
    by_district = means(asked, reading.moods)
    column = next(one for one in prepared.info.columns if one.name == DISTRICT)
    if not by_district:
        say("measured sentiment: left out, no county has a cell of 20 authors")
        return words.beside(plan, asked, reading, column, standings, None)
    elements = [msgspec.structs.replace(one, what=SENTIMENT) for one in full_elements(plan, prepared.info.shards)]
    say(f"measured sentiment: {len(by_district)} of {len(asked.districts)} districts have cells; beside the run")
    work = TallySentiment(prepared, marks, by_district, asked.effect, tallies)
    engine(f"policy-{SENTIMENT}", [msgspec.json.encode(element).decode() for element in elements], work)
    full = {
        option.name: outcomes.merge([
            outcomes.load(tallies.path(element, place)) for element in elements if option.name in element.options
        ])
        for place, option in enumerate(plan.options)
    }  # fmt: skip
    results = outcomes.estimate(plan, prepared.kinds, marks, full, {}, [])
    _, changed = choice.judge(plan, prepared.rules, results, [], outside, (), titles)
    return words.beside(plan, asked, reading, column, standings, changed)
