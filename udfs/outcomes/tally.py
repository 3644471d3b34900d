"""A tally: what one option adds up to over some shards. Arrays only; merges to the same bits in any order."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from udfs.outcomes.exact import Exact, add

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """A queue's neighbourhoods, by id."""

    ids: NDArray[np.uint64]
    blocks: Counts
    order: NDArray[np.float64]
    load: NDArray[np.float64]
    """Times the neighbourhood's weight."""
    takes: NDArray[np.bool_]
    """Takes part."""
    amounts: Exact
    """[rows, payers] of the plan; nought unless this is the payers' queue."""
    waiting: Mapping[str, Exact]
    """Counted entity -> [rows, groups, components]: weights of those who wait."""
    counts: Mapping[str, Counts]
    """The same, unweighted."""

    @classmethod
    def merged(cls, parts: list[Rows]) -> Rows:
        ids = np.concatenate([part.ids for part in parts])
        order = np.argsort(ids, kind="stable")
        if len(ids) > 1 and (ids[order][1:] == ids[order][:-1]).any():
            raise UsageError("a neighbourhood is in two shards (or a shard was tallied twice)")

        def joined(arrays: list[NDArray[np.generic]]) -> NDArray[np.generic]:
            return np.concatenate(arrays)[order]

        def exact(found: list[Exact]) -> Exact:
            return Exact(joined([part.whole for part in found]), joined([part.fraction for part in found]))  # type: ignore[arg-type]

        plain = {
            name: joined([getattr(part, name) for part in parts])
            for name in ("ids", "blocks", "order", "load", "takes")
        }
        return cls(
            **plain,  # type: ignore[arg-type]
            amounts=exact([part.amounts for part in parts]),
            waiting={entity: exact([part.waiting[entity] for part in parts]) for entity in parts[0].waiting},
            counts={entity: joined([part.counts[entity] for part in parts]) for entity in parts[0].counts},  # type: ignore[misc]
        )


@dataclass(frozen=True)
class Tally:
    sums: Mapping[str, Exact]
    """Counted entity -> [blocks, groups, components], weighted."""
    counts: Mapping[str, Counts]
    """Counted entity -> [groups, unweighted components]."""
    bins: Mapping[str, Exact]
    """Key of a spread -> [blocks, bins, 2]: sums of w and of w x."""
    money: Exact
    """[blocks, payers], where payers do not wait for a queue."""
    people: Exact
    """[blocks]: weighted number of people; what scales a sample to everybody."""
    rows: Mapping[str, Rows]
    """Queue -> its neighbourhoods."""

    @property
    def blocks(self) -> int:
        return len(self.people.whole)

    def save(self, path: Path) -> None:
        """One line of JSON that lists the arrays, then their bytes: a run leaves thousands of tallies of thirty small
        arrays, for which ``.npz`` took five times as long as everything else about them."""
        arrays = dict(_leaves(self, ""))
        head = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
        with path.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            for array in arrays.values():
                file.write(np.ascontiguousarray(array).tobytes())


def _arrays(path: Path) -> Iterable[tuple[str, NDArray[np.generic]]]:
    with path.open("rb") as file:
        for name, kind, shape in json.loads(file.readline()):
            size = math.prod(shape)
            content = file.read(size * np.dtype(kind).itemsize)
            yield name, np.frombuffer(content, dtype=kind, count=size).reshape(shape)


def load(path: Path) -> Tally:
    """What ``save`` wrote. Raises ValueError for a file that was cut off. The arrays are read-only."""
    tree: dict[str, object] = {}
    for name, array in _arrays(path):
        *steps, last = name.split("|")
        at: dict[str, object] = tree
        for step in steps:
            at = at.setdefault(step, {})  # type: ignore[assignment]
        at[last] = array

    def exact(found: object) -> Exact:
        return Exact(**found)  # type: ignore[arg-type]

    def named(part: str, tree: Mapping[str, object] = tree) -> dict[str, object]:
        return tree.get(part, {})  # type: ignore[return-value]

    rows = {
        queue: Rows(
            **{name: found[name] for name in ("ids", "blocks", "order", "load", "takes")},  # type: ignore[index]
            amounts=exact(found["amounts"]),  # type: ignore[index]
            waiting={entity: exact(value) for entity, value in named("waiting", found).items()},  # type: ignore[arg-type]
            counts=named("counts", found),  # type: ignore[arg-type]
        )
        for queue, found in named("rows").items()
    }
    return Tally(
        sums={entity: exact(found) for entity, found in named("sums").items()},
        counts=named("counts"),  # type: ignore[arg-type]
        bins={key: exact(found) for key, found in named("bins").items()},
        money=exact(tree["money"]),
        people=exact(tree["people"]),
        rows=rows,
    )


def merge(tallies: Iterable[Tally]) -> Tally:
    """The tally of all their shards together: the same to the bit in whatever order and nesting.

    Raises UsageError when none is given, or when a queue's neighbourhood comes twice.
    """
    tallies = list(tallies)
    if not tallies:
        raise UsageError("there is no tally to merge")
    first = tallies[0]
    if len(tallies) == 1:
        return first
    return Tally(
        sums={entity: add(tally.sums[entity] for tally in tallies) for entity in first.sums},
        counts={entity: np.sum([tally.counts[entity] for tally in tallies], axis=0) for entity in first.counts},
        bins={key: add(tally.bins[key] for tally in tallies) for key in first.bins},
        money=add(tally.money for tally in tallies),
        people=add(tally.people for tally in tallies),
        rows={queue: Rows.merged([tally.rows[queue] for tally in tallies]) for queue in first.rows},
    )


def _leaves(value: object, name: str) -> Iterable[tuple[str, NDArray[np.generic]]]:
    if isinstance(value, np.ndarray):
        yield name, value
        return
    inside = value.items() if isinstance(value, Mapping) else [(f.name, getattr(value, f.name)) for f in fields(value)]  # type: ignore[arg-type]
    for key, part in inside:
        yield from _leaves(part, f"{name}|{key}" if name else key)
