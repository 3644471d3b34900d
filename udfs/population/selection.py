"""Parts of populations: some whole clusters of a shard, several shards as one, a sample."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from udfs.population import draws
from udfs.population.shard import Array, Shard
from udfs.population.store import info, read_shard


def subset(shard: Shard, chosen: NDArray[np.bool_]) -> Shard:
    """The shard's chosen clusters (``chosen`` is over the entity that `Shard.clusters` names) with all that is in them
    and all that they lie in. Ids and weights stay; positions are those of the new shard."""
    cluster, _ = shard.clusters()
    if chosen.dtype != np.bool_ or len(chosen) != shard.size(cluster):
        raise ValueError(f"a boolean for each {cluster} is wanted")
    entities = shard.entities
    keep: dict[str, NDArray[np.bool_]] = {}
    for entity in entities:
        if entities.index(entity) <= entities.index(cluster):
            keep[entity] = chosen if entity == cluster else chosen[shard.above(entity, cluster)]
        else:
            lower = entities[entities.index(entity) - 1]
            keep[entity] = np.zeros(shard.size(entity), dtype=np.bool_)
            keep[entity][shard.parents[lower][keep[lower]]] = True
    parents = {}
    for lower, parent in shard.parents.items():
        upper = entities[entities.index(lower) + 1]
        renumbered = np.cumsum(keep[upper]) - 1
        parents[lower] = renumbered[parent[keep[lower]]]
    return Shard(
        number=shard.number,
        columns=shard.columns,
        values={name: values[keep[shard.columns[name].entity]] for name, values in shard.values.items()},
        ids={entity: ids[keep[entity]] for entity, ids in shard.ids.items()},
        weights={entity: weights[keep[entity]] for entity, weights in shard.weights.items()},
        parents=parents,
    )


def join(shards: Sequence[Shard], number: int = 0) -> Shard:
    """Shards of one population as one. A district that is in several of them becomes one record again."""
    first = shards[0]
    entities = first.entities
    ids: dict[str, NDArray[np.uint64]] = {}
    places: dict[str, list[NDArray[np.int64]]] = {}
    firsts: dict[str, NDArray[np.int64]] = {}
    for entity in entities:
        together = np.concatenate([shard.ids[entity] for shard in shards])
        if entity == "district":
            ids[entity], firsts[entity], inverse = np.unique(together, return_index=True, return_inverse=True)
            position = inverse.astype(np.int64)
        else:
            ids[entity], position = together, np.arange(len(together))
        edges = np.cumsum([0, *(shard.size(entity) for shard in shards)])
        places[entity] = [position[low:high] for low, high in itertools.pairwise(edges)]

    def stacked(entity: str, arrays: Sequence[Array]) -> Array:
        together = np.concatenate(arrays)
        return together[firsts[entity]] if entity in firsts else together

    return Shard(
        number=number,
        columns=first.columns,
        values={
            name: stacked(first.columns[name].entity, [shard.values[name] for shard in shards]) for name in first.values
        },
        ids=ids,
        weights={
            entity: stacked(entity, [shard.weights[entity] for shard in shards]).astype(np.float64)
            for entity in entities
        },
        parents={
            lower: np.concatenate(
                [places[entities[entities.index(lower) + 1]][k][shard.parents[lower]] for k, shard in enumerate(shards)]
            )
            for lower in first.parents
        },
    )


def sample(folder: Path, people: int, seed: int, columns: Collection[str] | None = None) -> Shard:
    """Whole clusters in the order of a hash of (seed, id) until ``people`` people are reached, as one shard; the whole
    population where it has no more. Every cluster has the same chance; weights are not rescaled.

    Reads ids of all shards and the columns of those that hold a chosen cluster.
    """
    if people < 1:
        raise UsageError(f"a sample of {people} people: at least 1 is wanted")
    population = info(folder)
    found, sizes = [], []
    for number in range(population.shards):
        shard = read_shard(folder, number, ())
        cluster, ids = shard.clusters()
        found.append(ids)
        sizes.append(np.bincount(shard.above("person", cluster), minlength=len(ids)))
    order = np.argsort(draws.mix(np.concatenate(found), draws.key(seed, "sample")), kind="stable")
    reached = np.cumsum(np.concatenate(sizes)[order])
    take = int(np.searchsorted(reached, people)) + 1
    chosen = np.zeros(len(order), dtype=np.bool_)
    chosen[order[:take]] = True
    edges = np.cumsum([0, *map(len, found)])
    parts = [
        subset(read_shard(folder, number, columns), chosen[edges[number] : edges[number + 1]])
        for number in range(population.shards)
        if chosen[edges[number] : edges[number + 1]].any()
    ]
    return join(parts)
