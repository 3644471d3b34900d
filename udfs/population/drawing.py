"""A shard under construction: columns are added one after another, each a draw given those before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from udfs.population import draws
from udfs.population.catalogue import catalogue
from udfs.population.draws import Floats
from udfs.population.shard import Array, Shard

Codes = NDArray[np.int16]
Booleans = NDArray[np.bool_]
Places = NDArray[np.int64]
Values = NDArray[Any]
"""Numbers or booleans of whatever type: what arithmetic takes."""


class Draft:
    """Entities with ids and parents, then columns. Draws hang on (seed, name, id) alone."""

    def __init__(self, seed: int, number: int) -> None:
        self.seed = seed
        self.number = number
        self.ids: dict[str, NDArray[np.uint64]] = {}
        self.parents: dict[str, Places] = {}
        self._values: dict[str, Array] = {}
        self._shard: Shard | None = None

    def __getitem__(self, name: str) -> Values:
        """A column, as it is stored."""
        return self._values[name]

    def flag(self, name: str) -> Booleans:
        return self._values[name]  # type: ignore[return-value]

    def is_(self, name: str, *categories: str) -> Booleans:
        """For which the category ``name`` is one of ``categories``."""
        known = catalogue()[name].categories
        if len(categories) == 1:
            found: Booleans = self._values[name] == known.index(categories[0])
            return found
        return np.isin(self._values[name], [known.index(each) for each in categories])

    def code(self, name: str) -> Codes:
        return self._values[name]  # type: ignore[return-value]

    def table(self, name: str, numbers: dict[str, float]) -> Floats:
        """A number for each record by its category ``name``."""
        found: Floats = np.array([numbers[each] for each in catalogue()[name].categories])[self._values[name]]
        return found

    def set(self, name: str, values: Array) -> None:
        """Keeps a column, in the type of its kind. What the later draws see is what is stored."""
        kind = catalogue()[name].kind
        wanted = {"number": np.float32, "boolean": np.bool_, "category": np.int16}[kind]
        if kind == "boolean" and values.dtype != np.bool_:
            raise TypeError(f"{name}: a boolean is wanted, not {values.dtype}")
        self._values[name] = values.astype(wanted, copy=False)

    def uniform(self, name: str, entity: str) -> Floats:
        return draws.uniform(self.seed, name, self.ids[entity])

    def normal(self, name: str, entity: str) -> Floats:
        return draws.normal(self.seed, name, self.ids[entity])

    def chance(self, name: str, probability: Values | float, where: Values | None = None) -> None:
        """A boolean column that holds with ``probability`` (cut to 0..1), and only ``where``."""
        drawn = self.uniform(name, catalogue()[name].entity) < probability
        self.set(name, drawn if where is None else drawn & where)

    def scattered(self, name: str, centre: Values | float, spread: float, low: float, high: float) -> None:
        """A number around ``centre`` with normal ``spread``, cut to ``low`` .. ``high``."""
        self.set(name, np.clip(centre + spread * self.normal(name, catalogue()[name].entity), low, high))

    def pick(self, name: str, categories: Sequence[str], chances: Sequence[Values | float]) -> None:
        """A category with chances in proportion to ``chances``."""
        column = catalogue()[name]
        drawn = self.uniform(name, column.entity)
        total = sum(np.broadcast_to(np.asarray(each, dtype=np.float64), drawn.shape) for each in chances)
        passed = np.zeros(drawn.shape)
        codes = np.full(drawn.shape, column.categories.index(categories[-1]), dtype=np.int16)
        undecided = np.ones(drawn.shape, dtype=np.bool_)
        for category, chance in zip(categories[:-1], chances[:-1], strict=True):
            passed = passed + chance / total
            taken = undecided & (drawn < passed)
            codes[taken] = column.categories.index(category)
            undecided &= ~taken
        self.set(name, codes)

    def up(self, values: Values, low: str) -> Values:
        """Sums over the members of each of the next higher entity (of the household for persons)."""
        upper = {"person": "household", "household": "unit", "unit": "building", "building": "neighbourhood"}[low]
        return np.bincount(self.parents[low], weights=values, minlength=len(self.ids[upper]))

    def down(self, name: str, low: str) -> Values:
        """A column of a higher entity, as one over ``low``."""
        return self.lift(self._values[name], catalogue()[name].entity, low)

    def lift(self, values: Values, high: str, low: str) -> Values:
        return self.shard().down(values, high, low)

    def shard(self) -> Shard:
        """The ladder of entities so far, to climb; without columns and weights until `finished`."""
        if self._shard is None:
            self._shard = Shard(self.number, {}, {}, self.ids, {}, self.parents)
        return self._shard

    def finished(self) -> Shard:
        """The shard. Raises KeyError when a column of the catalogue was forgotten."""
        known = catalogue()
        values = {name: self._values[name] for name in known}
        weights = {entity: np.ones(len(ids)) for entity, ids in self.ids.items()}
        return Shard(self.number, known, values, self.ids, weights, self.parents)
