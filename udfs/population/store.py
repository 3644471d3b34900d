"""A population on disk: a folder of shards.

    FOLDER/population.json            PopulationInfo; written last, so a folder without it is not finished
    FOLDER/person/00000.arrow         Arrow IPC files, uncompressed: ``:id`` uint64, ``:weight`` float64, ``:parent``
    FOLDER/household/00000.arrow      int64 (but of the highest entity), then the columns; an entity and a shard each

Numbers are float32 or float64, booleans uint8, categories int16, one record batch a file: so arrays are views of the
mapped file, nothing is copied, and columns that nobody reads cost nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from schemas.errors import UsageError
from schemas.policy import ENTITIES, Column, PopulationInfo
from udfs.population.shard import Array, Shard

FILE = "population.json"
SHARD_PEOPLE = 50_000
"""About so many people a shard: its arrays stay within a processor's cache of a few tens of MB."""
_ID, _WEIGHT, _PARENT = ":id", ":weight", ":parent"
_TYPES = {"float": "float32", "double": "float64"}
"""Arrow's names where they are not numpy's."""

Rows = Sequence[Mapping[str, Any]]


def info(folder: Path) -> PopulationInfo:
    """What the population says of itself. Raises UsageError when the folder has none, or not a finished one."""
    path = Path(folder) / FILE
    try:
        stamp = path.stat()
    except OSError:
        raise UsageError(
            f"{path.parent.name}: no population ({FILE} is missing): make one with `yuqing policy population`"
        ) from None
    return _info(str(path), stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=8)
def _info(path: str, _changed: int, _size: int) -> PopulationInfo:
    try:
        population = msgspec.json.decode(Path(path).read_bytes(), type=PopulationInfo)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{FILE}: not a population's description: {error}") from None
    # entities are folders: whoever writes a description must not have files read from elsewhere
    if population.entities != tuple(entity for entity in ENTITIES if entity in population.entities) or not (
        {"person", "household"} <= set(population.entities) <= population.counts.keys()
    ):
        raise UsageError(
            f"{FILE}: not a population's description: entities {', '.join(population.entities)[:200]}; "
            f"wanted are person, household and others of {', '.join(ENTITIES)}, lowest first, each counted"
        )
    if population.shards < 1:
        raise UsageError(f"{FILE}: not a population's description: {population.shards} shards")
    return population


def columns(population: PopulationInfo) -> dict[str, Column]:
    """By name."""
    return {column.name: column for column in population.columns}


def read_shard(folder: Path, number: int, names: Collection[str] | None = None) -> Shard:
    """A shard with the columns ``names`` (None: all). Arrays are read-only views of mapped files.

    Raises UsageError: no such shard, an unknown column, a file that is missing or damaged.
    """
    population = info(folder)
    if not 0 <= number < population.shards:
        raise UsageError(f"shard {number}: the population has shards 0 to {population.shards - 1}")
    known = columns(population)
    chosen = known if names is None else {name: known[name] for name in sorted(names) if name in known}
    if names is not None and len(chosen) < len(set(names)):
        missing = ", ".join(sorted(set(names) - set(known)))
        raise UsageError(f"population {population.name}: no column {missing}; `yuqing policy population` lists them")
    values: dict[str, Array] = {}
    ids, weights, parents = {}, {}, {}
    for entity in population.entities:
        wanted = [column for column in chosen.values() if column.entity == entity]
        batch = _batch(Path(folder) / entity / f"{number:05}.arrow")
        ids[entity] = _array(batch, _ID)
        weights[entity] = _array(batch, _WEIGHT)
        if entity != population.entities[-1]:
            parents[entity] = _array(batch, _PARENT)
        for column in wanted:
            found = _array(batch, column.name)
            values[column.name] = found.view(np.bool_) if column.kind == "boolean" else found
    return Shard(number, chosen, values, ids, weights, parents)


def _batch(path: Path) -> pa.RecordBatch:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(
            f"{path.parent.name}/{path.name}: cannot be read ({error}): make the population anew"
        ) from None


def _array(batch: pa.RecordBatch, name: str) -> Any:
    position = batch.schema.get_field_index(name)
    if position < 0:
        raise UsageError(f"a shard has no column {name!r}: make the population anew")
    column = batch.column(position)
    # not `to_numpy`: its first call in a process imports pandas, which takes longer than to read a shard
    kind = np.dtype(_TYPES.get(str(column.type), str(column.type)))
    return np.frombuffer(column.buffers()[1], dtype=kind, count=len(column), offset=column.offset * kind.itemsize)


def write(
    folder: Path,
    shards: Iterable[Shard],
    *,
    name: str,
    title: str,
    source: str,
    synthetic: bool,
    demonstration: str = "",
    seed: int = 0,
    fit: Callable[[], Rows] | Rows = (),
) -> PopulationInfo:
    """Writes shards one after another, so memory is that of one. All have the same columns and entities. A folder that
    is made here is its owner's only.

    ``fit``: rows, or what gives them when the last shard is written. Raises UsageError when the folder already has a
    population, or the shards none of people.
    """
    folder = Path(folder)
    if (folder / FILE).exists():
        raise UsageError(f"{folder.name}: has a population already: give another folder, or remove this one")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # rows may be of real people
    totals = _Totals()
    for number, shard in enumerate(shards):
        for entity in shard.entities:
            path = folder / entity / f"{number:05}.arrow"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_entity(path, shard, entity)
        totals.add(shard)
    if not totals.counts.get("person"):
        raise UsageError(f"population {name}: nobody is in it")
    rows = fit() if callable(fit) else fit
    population = PopulationInfo(
        name=name,
        title=title,
        source=source,
        synthetic=synthetic,
        demonstration=demonstration,
        entities=totals.entities,
        columns=totals.columns,
        shards=totals.shards,
        counts=totals.counts,
        weight=totals.weight,
        largest_household=totals.largest,
        seed=seed,
        fit=tuple(dict(row) for row in rows),
        digest=totals.digest(),
    )
    # the last write makes the folder a population, and it appears whole
    unfinished = folder / f"{FILE}.part"
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(population), indent=1))
    unfinished.replace(folder / FILE)
    return population


def _write_entity(path: Path, shard: Shard, entity: str) -> None:
    arrays: dict[str, Any] = {_ID: shard.ids[entity], _WEIGHT: shard.weights[entity]}
    if entity in shard.parents:
        arrays[_PARENT] = shard.parents[entity]
    for column in shard.columns.values():
        if column.entity == entity:
            values = shard.values[column.name]
            arrays[column.name] = values.view(np.uint8) if values.dtype == np.bool_ else values
    batch = pa.RecordBatch.from_arrays([pa.array(np.ascontiguousarray(a)) for a in arrays.values()], names=list(arrays))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


class _Totals:
    """What is known of a population only after its last shard."""

    def __init__(self) -> None:
        self.shards = 0
        self.counts: dict[str, int] = {}
        self.weight = 0.0
        self.largest = 0
        self.columns: tuple[Column, ...] = ()
        self.entities: tuple[str, ...] = ()
        self._districts: set[int] = set()
        self._hash = hashlib.sha256()

    def add(self, shard: Shard) -> None:
        if self.shards == 0:
            self.entities = shard.entities
            self.columns = tuple(sorted(shard.columns.values(), key=lambda column: ENTITIES.index(column.entity)))
        self.shards += 1
        for entity in shard.entities:
            if entity == "district":
                # one district is in many shards
                self._districts.update(int(each) for each in shard.ids[entity])
                self.counts[entity] = len(self._districts)
            else:
                self.counts[entity] = self.counts.get(entity, 0) + shard.size(entity)
        self.weight += float(shard.weights["person"].sum())
        self.largest = max(self.largest, int(np.bincount(shard.parents["person"]).max(initial=0)))
        self._hash.update(bytes.fromhex(digest_of(shard)))

    def digest(self) -> str:
        head = msgspec.json.encode(self.columns)
        return hashlib.sha256(head + self._hash.digest()).hexdigest()


def digest_of(shard: Shard) -> str:
    """SHA-256 of a shard's arrays (not of its files, which change with the Arrow version)."""
    running = hashlib.sha256()

    def add(name: str, values: Array) -> None:
        running.update(f"{name}:{values.dtype}:{len(values)};".encode())
        running.update(np.ascontiguousarray(values).view(np.uint8).data)

    for entity in shard.entities:
        add(f"{entity}:id", shard.ids[entity])
        add(f"{entity}:weight", shard.weights[entity])
        if entity in shard.parents:
            add(f"{entity}:parent", shard.parents[entity])
    for name in sorted(shard.values):
        add(name, shard.values[name])
    return running.hexdigest()


def digest(folder: Path) -> str:
    """Computed anew from the files: compare with ``info(folder).digest`` to know that nothing was changed."""
    population = info(folder)
    running = hashlib.sha256()
    for number in range(population.shards):
        running.update(bytes.fromhex(digest_of(read_shard(folder, number))))
    return hashlib.sha256(msgspec.json.encode(population.columns) + running.digest()).hexdigest()
