"""Tallying: everything that does not change between options is worked out once a shard.

Sums over (block x group) are one sparse product for each pair of a counted entity and an entity that values are of: the
matrix carries weights, so that a household's value is multiplied by the people in it who are in the group, and is never
spread out over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from schemas.policy import ALL, ENTITIES, Grouping, Plan, Queue
from udfs.outcomes import blocks as hashed
from udfs.outcomes.exact import Exact
from udfs.outcomes.layout import Component, Counted, Kind, Layout, lowest, where_from
from udfs.outcomes.marks import Marks
from udfs.outcomes.tally import Counts, Rows, Tally

if TYPE_CHECKING:
    from udfs.population.shard import Shard

Floats = NDArray[np.float64]
Values = Mapping[str, Any]


class Tallier:
    """For one shard; values are arrays that nobody changes afterwards.

    ``base``: the baseline's values of ``outcomes.names(plan)``; groups, gains and losses are by them.
    ``blocks``: 64 where a bootstrap will be wanted, 1 for the sample on which assumptions are drawn.
    Raises UsageError, with the plan's line: what cannot be counted; a queue without neighbourhoods.
    """

    def __init__(
        self,
        plan: Plan,
        kinds: Mapping[str, Kind],
        marks: Marks,
        shard: Shard,
        base: Values,
        blocks: int = hashed.BLOCKS,
    ) -> None:
        self.layout = Layout(plan, kinds, marks.labels, marks.lines)
        self._plan = plan
        self._kinds = kinds
        self._shard = shard
        self._base = self._compared = base
        self._blocks = blocks
        self._edges = {name: np.asarray(found) for name, found in marks.edges.items()}
        cluster, ids = shard.clusters()
        self._cluster = cluster
        self._cluster_block = hashed.of(ids, blocks)
        self._groups = {grouping.name: self._positions(grouping, marks) for grouping in plan.groupings}
        self._matrices: dict[tuple[str, str, str], sparse.csr_matrix] = {}
        self._entity_groups: dict[str, list[NDArray[np.int64]]] = {}
        self._fixed: dict[tuple[str, str], Floats] = {}
        self._last: dict[tuple[str, str, Component], tuple[tuple[Any, ...], Floats]] = {}
        self._equal = {entity: bool((shard.weights[entity] == 1.0).all()) for entity in shard.entities}
        weights = shard.weights["person"]
        summed = np.bincount(self._block("person"), weights=weights, minlength=blocks).astype(np.float64)
        self._people = Exact.of(summed)

    def tally(self, values: Values, base: Values | None = None) -> Tally:
        """Of one option's values, by name, each over its entity. Raises UsageError for NaN or infinite values.

        ``base``: the baseline's values that gains and losses are counted from, where they are not those of the tallier
        (under another draw of the assumptions); groups stay."""
        self._compared = self._base if base is None else base
        sums, counts = {}, {}
        for counted in self.layout.counted:
            found = self._sums(counted, values)
            sums[counted.entity] = Exact.of(found)
            counts[counted.entity] = self._unweighted(counted, values, found)
        return Tally(
            sums=sums,
            counts=counts,
            bins={key: Exact.of(self._bins(key, values)) for key in self.layout.spreads},
            money=Exact.of(self._money(values)),
            people=self._people,
            rows={queue.name: self._rows(queue, values) for queue in self._plan.queues},
        )

    def _block(self, entity: str) -> NDArray[np.int64]:
        """Block of each record: its cluster's; of what lies above the clusters, by its own id."""
        if entity == self._cluster:
            return self._cluster_block
        if ENTITIES.index(entity) > ENTITIES.index(self._cluster):
            return hashed.of(self._shard.ids[entity], self._blocks)
        return self._cluster_block[self._shard.above(entity, self._cluster)]

    def _positions(self, grouping: Grouping, marks: Marks) -> NDArray[np.int64]:
        """Group of each record of the grouping's entity; -1: in none (a missing value)."""
        values = np.asarray(self._base[grouping.of])
        if self._kinds[grouping.of].kind == "number":
            cuts = np.asarray(marks.cuts[grouping.name])
            found = np.searchsorted(cuts, values.astype(np.float64), side="right").astype(np.int64)
            return np.where(np.isnan(values), -1, found)
        found = values.astype(np.int64)
        size = len(marks.labels[grouping.name])
        if len(found) and int(found.max()) >= size:
            message = f"{grouping.of} has code {int(found.max())}, of {size} categories"
            raise where_from(self._plan, grouping.line, f"grouping {grouping.name}", message)
        return found

    def _groups_of(self, counted: Counted) -> list[NDArray[np.int64]]:
        """For each grouping the position of every counted record's group among all groups; -1: in none."""
        found = self._entity_groups.get(counted.entity)
        if found is None:
            shard = self._shard
            found = [np.zeros(shard.size(counted.entity), dtype=np.int64)]
            by_name = {grouping.name: grouping for grouping in self._plan.groupings}
            for name in counted.groupings:
                if name != ALL:
                    entity = self._kinds[by_name[name].of].entity
                    group = shard.down(self._groups[name], entity, counted.entity).astype(np.int64)
                    found.append(np.where(group < 0, -1, group + counted.slices[name].start))
            self._entity_groups[counted.entity] = found
        return found

    def _matrix(self, counted: Counted, source: str, slots: str) -> sparse.csr_matrix:
        """[slots x groups, records of ``source``]: weight of those counted in slot and group that carry its value.

        ``slots``: ``blocks``, ``rows`` (neighbourhoods), or either with ``:counts`` (weight 1).
        """
        key = (counted.entity, source, slots)
        found = self._matrices.get(key)
        if found is not None:
            return found
        shard, entity = self._shard, counted.entity
        kind, _, unit = slots.partition(":")
        if kind == "blocks":
            slot, size = self._block(entity), self._blocks
        elif kind == "rows":
            size = shard.size("neighbourhood")
            slot = np.arange(size) if entity == "neighbourhood" else shard.above(entity, "neighbourhood")
        else:
            slot, size = np.zeros(shard.size(entity), dtype=np.int64), 1
        columns = np.arange(shard.size(entity)) if source == entity else shard.above(entity, source)
        weights = np.ones(shard.size(entity)) if unit else shard.weights[entity]
        rows, cells, data = [], [], []
        for group in self._groups_of(counted):
            there = group >= 0
            whole = bool(there.all())
            rows.append((slot * counted.groups + group) if whole else (slot * counted.groups + group)[there])
            cells.append(columns if whole else columns[there])
            data.append(weights if whole else weights[there])
        shape = (size * counted.groups, shard.size(source))
        found = sparse.csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(cells))), shape=shape)
        self._matrices[key] = found
        return found

    def _source(self, counted: Counted, component: Component) -> str:
        """The lowest entity that the component's values are of; the counted one for a plain weight."""
        return lowest(*(self._kinds[name].entity for name in component.names)) if component.names else counted.entity

    def _product(self, counted: Counted, components: list[Component], values: Values, slots: str) -> Floats:
        """[slots x groups, components]."""
        size = self._shard.size("neighbourhood") if slots.startswith("rows") else None
        size = size if size is not None else self._blocks if slots.startswith("blocks") else 1
        found = np.zeros((size * counted.groups, len(components)))
        by_source: dict[str, list[int]] = {}
        for number, component in enumerate(components):
            if component.names:
                # options often differ in few variables: what has the same arrays as last time has the same sums
                last = self._last.get((counted.entity, slots, component))
                arrays = self._arrays(component, values)
                if last is not None and all(a is b for a, b in zip(last[0], arrays, strict=True)):
                    found[:, number] = last[1]
                else:
                    by_source.setdefault(self._source(counted, component), []).append(number)
                continue
            plain = self._fixed.get((counted.entity, slots))
            if plain is None:
                plain = np.asarray(self._matrix(counted, counted.entity, slots).sum(axis=1)).ravel()
                self._fixed[counted.entity, slots] = plain
            found[:, number] = plain
        for source, numbers in by_source.items():
            table = np.empty((self._shard.size(source), len(numbers)))
            for column, number in enumerate(numbers):
                table[:, column] = self._values(components[number], source, values)
            sums = self._matrix(counted, source, slots) @ table
            found[:, numbers] = sums
            for column, number in enumerate(numbers):
                component = components[number]
                self._last[counted.entity, slots, component] = (self._arrays(component, values), sums[:, column])
        return found

    def _arrays(self, component: Component, values: Values) -> tuple[Any, ...]:
        """What the component's sums are made of."""
        arrays = [values[name] for name in component.names]
        if component.kind in ("gain", "loss"):
            arrays.append(self._compared[component.of])
        return tuple(arrays)

    def _values(self, component: Component, entity: str, values: Values) -> NDArray[Any]:
        """What the component adds for each record of ``entity``."""
        where = self._carried(component.where, values, entity) if component.where else None
        if component.kind == "weight":
            return where if where is not None else np.ones(self._shard.size(entity))
        of = self._carried(component.of, values, entity)
        if component.kind in ("gain", "loss"):
            change = of.astype(np.float64) - self._carried(component.of, self._compared, entity)
            of = change > component.number if component.kind == "gain" else change < -component.number
        elif component.kind == "poor":
            of = of < component.number
        elif component.kind == "gap":
            of = np.maximum(component.number - of, 0.0) / component.number
        if where is None:
            return of
        return of & where if of.dtype == np.bool_ else np.where(where, of, 0.0)

    def _carried(self, name: str, values: Values, entity: str) -> NDArray[Any]:
        return self._shard.down(values[name], self._kinds[name].entity, entity)

    def _sums(self, counted: Counted, values: Values) -> Floats:
        components = list(counted.components)
        found = self._product(counted, components, values, "blocks")
        finite = np.isfinite(found).all(axis=0)
        if not finite.all():
            self._refuse(components[int(np.flatnonzero(~finite)[0])], values)
        return found.reshape(self._blocks, counted.groups, len(components))

    def _unweighted(self, counted: Counted, values: Values, sums: Floats) -> Counts:
        """[groups, unweighted components]: records, whatever they weigh."""
        numbers = list(counted.unweighted)
        if self._equal[counted.entity]:
            same: Counts = np.rint(sums[:, :, numbers].sum(axis=0)).astype(np.int64)
            return same
        components = [counted.components[number] for number in numbers]
        found: Counts = np.rint(self._product(counted, components, values, "one:counts")).astype(np.int64)
        return found

    def _refuse(self, component: Component, values: Values) -> None:
        for measure in self._plan.measures:
            if component.of in (measure.of, measure.over):
                found = int((~np.isfinite(np.asarray(values[component.of], dtype=np.float64))).sum())
                message = f"{found} values of {component.of} are no finite numbers"
                raise where_from(self._plan, measure.line, f"measure {measure.name}", message)

    def _bins(self, key: str, values: Values) -> Floats:
        """[blocks, bins, 2]."""
        spread = self.layout.spreads[key]
        shard, entity = self._shard, self._kinds[spread.of].entity
        if spread.where:
            entity = lowest(entity, self._kinds[spread.where].entity)
        edges = self._edges[spread.of]
        # each distinct record once, with the weight of the counted ones that carry it: block and value are shared
        weights: Floats = shard.weights[spread.count]
        if entity != spread.count:
            above = shard.above(spread.count, entity)
            weights = np.bincount(above, weights=weights, minlength=shard.size(entity)).astype(np.float64)
        value = np.asarray(self._carried(spread.of, values, entity), dtype=np.float64)
        if not np.isfinite(value).all():
            self._refuse(Component("value", spread.of, spread.where), values)
        if spread.where:
            weights = weights * self._carried(spread.where, values, entity)
        size = len(edges) + 1
        cell = self._block(entity) * size + np.searchsorted(edges, value, side="right")
        found = np.empty((self._blocks * size, 2))
        found[:, 0] = np.bincount(cell, weights=weights, minlength=len(found))
        found[:, 1] = np.bincount(cell, weights=weights * value, minlength=len(found))
        return found.reshape(self._blocks, size, 2)

    def _money(self, values: Values) -> Floats:
        """[blocks, payers]."""
        found = np.zeros((self._blocks, len(self._plan.payers)))
        if self._plan.payers_queue:
            return found
        for number, payer in enumerate(self._plan.payers):
            entity = self._kinds[payer.of].entity
            amounts = self._shard.weights[entity] * self._paid(payer.of, payer.line, values)
            found[:, number] = np.bincount(self._block(entity), weights=amounts, minlength=self._blocks)
        return found

    def _paid(self, of: str, line: int, values: Values) -> Floats:
        amounts = np.asarray(values[of], dtype=np.float64)
        if not np.isfinite(amounts).all():
            message = f"{int((~np.isfinite(amounts)).sum())} values of {of} are no finite numbers"
            raise where_from(self._plan, line, "payers", message)
        return amounts

    def _rows(self, queue: Queue, values: Values) -> Rows:
        shard, plan = self._shard, self._plan
        if "neighbourhood" not in shard.ids:
            message = "this population has no neighbourhoods that could wait"
            raise where_from(plan, queue.line, f"queue {queue.name}", message)
        size = shard.size("neighbourhood")
        order = np.asarray(values[queue.order], dtype=np.float64)
        load = np.asarray(values[queue.load], dtype=np.float64) * shard.weights["neighbourhood"]
        takes = np.asarray(values[queue.when], dtype=bool) if queue.when else np.ones(size, dtype=bool)
        if not np.isfinite(order[takes]).all() or not np.isfinite(load[takes]).all() or (load[takes] < 0).any():
            message = f"{queue.order} and {queue.load} must be finite, {queue.load} not negative, where one takes part"
            raise where_from(plan, queue.line, f"queue {queue.name}", message)
        amounts = np.zeros((size, len(plan.payers)))
        if plan.payers_queue == queue.name:
            for number, payer in enumerate(plan.payers):
                entity = self._kinds[payer.of].entity
                paid = shard.weights[entity] * self._paid(payer.of, payer.line, values)
                at = np.arange(size) if entity == "neighbourhood" else shard.above(entity, "neighbourhood")
                amounts[:, number] = np.bincount(at, weights=paid, minlength=size)
        waiting, counts = {}, {}
        for counted in self.layout.counted:
            if counted.waiting:
                shape = (size, counted.groups, len(counted.waiting))
                weights = self._product(counted, list(counted.waiting), values, "rows").reshape(shape)
                waiting[counted.entity] = Exact.of(weights)
                plain = weights
                if not self._equal[counted.entity]:
                    plain = self._product(counted, list(counted.waiting), values, "rows:counts").reshape(shape)
                counts[counted.entity] = np.rint(plain).astype(np.int64)
        return Rows(
            ids=shard.ids["neighbourhood"],
            blocks=self._cluster_block,
            order=np.where(takes, order, 0.0),
            load=np.where(takes, load, 0.0),
            takes=takes,
            amounts=Exact.of(amounts),
            waiting=waiting,
            counts=counts,
        )
