"""A shard: the records of some whole neighbourhoods (or households, where there are none above), as arrays.

    entity tables, lowest first:    person -> household -> unit -> building -> neighbourhood -> district
    ``parents[person][i]`` is the position of person i's household in this shard's household table, and so on.

A neighbourhood is never cut by a shard's edge, so totals up to the neighbourhood are whole; a district may be in many
shards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.policy import ENTITIES, Column

Array = NDArray[np.generic]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shard:
    """Arrays are read-only for whoever gets a shard. Positions are those of this shard only; ``ids`` are stable."""

    number: int
    columns: Mapping[str, Column]
    """By name, whatever entity they are of; at least those that were asked for."""
    values: Mapping[str, Array]
    """Column -> array over its entity: float64 or float32 (number), bool (boolean), int16/int32 codes (category)."""
    ids: Mapping[str, NDArray[np.uint64]]
    """Entity -> stable ids, unique in the population (a district has the same id in every shard)."""
    weights: Mapping[str, Floats]
    """Entity -> how many of the real ones a record stands for; above the household 1 unless the data say otherwise."""
    parents: Mapping[str, NDArray[np.int64]]
    """Entity -> position in the next higher entity that the population has; the highest has none."""
    _climbs: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def entities(self) -> tuple[str, ...]:
        """Those there are, lowest first."""
        return tuple(entity for entity in ENTITIES if entity in self.ids)

    def size(self, entity: str) -> int:
        return len(self.ids[entity])

    def above(self, low: str, high: str) -> NDArray[np.int64]:
        """For each record of ``low`` the position of its ``high``; both are in the population, low below high."""
        found = self._climbs.get((low, high))
        if found is None:
            entities = self.entities
            found = self.parents[low]
            for entity in entities[entities.index(low) + 1 : entities.index(high)]:
                found = self.parents[entity][found]
            self._climbs[low, high] = found
        return found

    def down(self, values: Array, high: str, low: str) -> Array:
        """An array over ``high`` as one over ``low``: everyone carries the value of what they belong to."""
        return values if high == low else values[self.above(low, high)]

    def clusters(self) -> tuple[str, NDArray[np.uint64]]:
        """What is sampled as a whole (the neighbourhood where there is one, else the household), with its ids."""
        entity = "neighbourhood" if "neighbourhood" in self.ids else "household"
        return entity, self.ids[entity]
