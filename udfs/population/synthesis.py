"""Synthesis: a specification -> a folder of shards, neighbourhood by neighbourhood.

Margins are fitted once (`ipf`); for each shard and each (district, kind of neighbourhood) the fitted shares times its
dwellings are made whole (`integerise`) and the households put into its neighbourhoods; then every other column is drawn
given those before. A shard depends on the seed and on the list of neighbourhoods before it, not on how many follow;
memory is that of one shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import UsageError
from schemas.policy import PopulationInfo
from udfs.population import draws, incomes, people, places, store
from udfs.population import spec as specs
from udfs.population.drawing import Draft
from udfs.population.draws import Floats
from udfs.population.integerise import integerise
from udfs.population.shard import Shard
from udfs.population.spec import Spec
from udfs.population.store import SHARD_PEOPLE

_SEGREGATION = 1.6
"""Spread of the noise that, added to the band, orders households among the neighbourhoods of a district and kind: the
smaller, the more alike are neighbours."""


def synthesise(
    spec: str | Path, people: int, seed: int, folder: Path, shard_people: int = SHARD_PEOPLE
) -> PopulationInfo:
    """Writes a population of about ``people`` people: whole neighbourhoods until so many are reached.

    ``spec``: a file, or the name of a shipped one. The same spec, people and seed give the same arrays.
    Raises UsageError: the specification is wrong, its margins contradict, the folder has a population.
    """
    if people < 1 or shard_people < 1:
        raise UsageError(f"{people} people in shards of {shard_people}: at least 1 is wanted")
    fitted = specs.load(spec)
    got = Got(fitted)
    return store.write(
        folder,
        shards(fitted, people, seed, shard_people, got),
        name=fitted.name,
        title=fitted.title,
        source=fitted.source,
        synthetic=True,
        demonstration=fitted.demonstration,
        seed=seed,
        fit=got.rows,
    )


class Got:
    """Counts of what was made, for the report of fit."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.counts = np.zeros(len(spec.fit.weights))

    def rows(self) -> list[dict[str, Any]]:
        total = float(self.counts.sum())
        return [
            {"table": margin.table, "cell": cell, "wanted": round(float(wanted) * total, 2), "got": float(got)}
            for margin in self.spec.margins
            for cell, wanted, got in zip(margin.cells, margin.wanted, margin.got(self.counts), strict=True)
        ]


def shards(spec: Spec, people: int, seed: int, shard_people: int, got: Got | None = None) -> Iterator[Shard]:
    """The population's shards, made when they are asked for."""
    size = _mean_sizes(spec)
    listed = places.neighbourhoods(spec, seed)
    done, number = 0.0, 0
    while done < people:
        chosen: list[places.Neighbourhood] = []
        expected = 0.0
        while expected < shard_people and done + expected < people:
            chosen.append(next(listed))
            expected += chosen[-1].households * size[chosen[-1].district, chosen[-1].kind]
        # by the expected number, not the one that came: a shard must not hang on those after it
        done += expected
        yield make(spec, seed, number, chosen, got)
        number += 1


def _mean_sizes(spec: Spec) -> Floats:
    """People a household by district and kind."""
    cell = spec.records["district"] * spec.geography.shape[1] + spec.records["neighbourhood_kind"]
    weights = spec.fit.weights
    households = np.bincount(cell, weights=weights, minlength=spec.geography.size)
    members = np.bincount(cell, weights=weights * (spec.records["household_size"] + 1), minlength=spec.geography.size)
    means: Floats = np.divide(members, households, out=np.ones_like(members), where=households > 0)
    return means.reshape(spec.geography.shape)


def make(spec: Spec, seed: int, number: int, chosen: list[places.Neighbourhood], got: Got | None = None) -> Shard:
    """One shard: these neighbourhoods with everybody in them."""
    draft = Draft(seed, number)
    places.settle(draft, spec, chosen)
    places.lay_ground(draft, spec)
    record = _house_types(draft, spec, chosen)
    if got is not None:
        got.counts += np.bincount(record, minlength=len(got.counts))
    for name in ("household_type", "tenure", "income_band"):
        draft.set(name, spec.records[name][record])
    draft.set("household_size", spec.records["household_size"][record] + 1)
    people.populate(draft)
    incomes.house(draft)
    incomes.flood(draft, places.STOREY, places.PLINTH)
    places.furnish_buildings(draft)
    places.furnish_neighbourhoods(draft, spec)
    people.educate(draft)
    people.employ(draft)
    incomes.earn(draft)
    incomes.keep_house(draft)
    people.relate(draft)
    incomes.equip(draft)
    return draft.finished()


def _house_types(draft: Draft, spec: Spec, chosen: list[places.Neighbourhood]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each household of the shard its record of the fitted table."""
    kinds = spec.geography.shape[1]
    group = np.array([each.district * kinds + each.kind for each in chosen])
    of_record = spec.records["district"] * kinds + spec.records["neighbourhood_kind"]
    of_household = draft.lift(group, "neighbourhood", "household")
    neighbourhood = draft.shard().above("household", "neighbourhood")
    wealth = draft.normal("standing", "neighbourhood")[neighbourhood]
    shuffled = draft.normal("placing", "household")
    start = draws.uniform(
        draft.seed, "integerise", np.arange(spec.geography.size, dtype=np.uint64) + np.uint64(draft.number << 16)
    )
    found = np.empty(len(of_household), dtype=np.int64)
    for each in np.unique(group):
        records = np.flatnonzero(of_record == each)
        dwellings = np.flatnonzero(of_household == each)
        shares = spec.fit.weights[records]
        counts = integerise(shares / shares.sum() * len(dwellings), float(start[each]))
        made = np.repeat(records, counts)
        # who is better off lives, more often than not, in the better neighbourhood
        rank = spec.records["income_band"][made] + _SEGREGATION * shuffled[dwellings]
        better = np.argsort(wealth[dwellings] + 0.3 * draft.normal("dwelling", "unit")[dwellings], kind="stable")
        found[dwellings[better]] = made[np.argsort(rank, kind="stable")]
    return found
