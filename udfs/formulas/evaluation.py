"""Values of variables for one shard: what never changes is computed once, the rest is kept by what it depends on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError
from udfs.formulas import draws
from udfs.formulas.closures import Run, Value, not_finite
from udfs.population.shard import Array, Shard

if TYPE_CHECKING:
    from udfs.formulas.program import Compiled, Program

KEPT_BYTES = 128 << 20
"""Of values that depend on levers or assumptions, for each shard: enough for some 300 arrays over 50,000 people, so a
grid of levers finds what it shares; beyond it the one used longest ago goes."""

Key = tuple[str, tuple[Any, ...]]


class Frame:
    """What the functions of a formula read while one set of levers and assumptions is evaluated."""

    def __init__(self, shard: Shard, seed: int) -> None:
        self.shard = shard
        self.seed = seed
        self.number = shard.number
        self.levers: Mapping[str, Value] = {}
        self.assumptions: Mapping[str, Value] = {}
        self.now: dict[str, NDArray[Any]] = {}
        self._kept: dict[str, Value] = {}
        self._sizes = {entity: shard.size(entity) for entity in shard.entities}

    def size(self, entity: str) -> int:
        return self._sizes[entity]

    def above(self, low: str, high: str) -> NDArray[np.int64]:
        return self.shard.above(low, high)

    def variable(self, name: str) -> NDArray[Any]:
        return self.now[name]

    def column(self, name: str) -> NDArray[Any]:
        """float64, bool, or codes."""
        found: NDArray[Any] = self.kept(f"column {name}", lambda _: self._column(name))
        return found

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self.shard.values:
            raise UsageError(f"column {name!r} was not read: read the columns that Program.needed names")
        found = self.shard.values[name]
        return found.astype(np.float64, copy=False) if self.shard.columns[name].kind == "number" else found

    def draw(self, distribution: str, name: str, entity: str) -> NDArray[np.float64]:
        drawn = draws.uniform if distribution == "uniform" else draws.normal
        return drawn(self.seed, name, self.shard.ids[entity])

    def full(self, value: Value, entity: str) -> NDArray[Any]:
        """As an array over the entity, whether or not it is one already."""
        return value if isinstance(value, np.ndarray) and value.ndim else np.full(self._sizes[entity], value)

    def kept(self, key: str, run: Run | Callable[[Frame], Value]) -> Value:
        """What ``run`` gives, computed once a shard."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = run(self)
        return found

    def members(self, low: str, high: str) -> NDArray[np.int64]:
        """How many of ``low`` each ``high`` has."""
        found: NDArray[np.int64] = self.kept(
            f"members {low} {high}", lambda _: np.bincount(self.above(low, high), minlength=self._sizes[high])
        )
        return found

    def starts(self, low: str, high: str) -> NDArray[np.int64] | None:
        """Where the members of each ``high`` that has some begin; None: they do not lie together."""
        found: tuple[NDArray[np.int64] | None] = self.kept(f"starts {low} {high}", lambda _: (self._starts(low, high),))
        return found[0]

    def _starts(self, low: str, high: str) -> NDArray[np.int64] | None:
        above = self.above(low, high)
        if len(above) > 1 and not bool((above[1:] >= above[:-1]).all()):
            return None
        members = self.members(low, high)
        begins: NDArray[np.int64] = np.concatenate(([0], np.cumsum(members)[:-1])).astype(np.int64)
        return begins[members > 0]


class Evaluation:
    """A program on a shard. Not for several threads at once."""

    def __init__(self, program: Program, shard: Shard, seed: int, kept_bytes: int = KEPT_BYTES) -> None:
        missing = [entity for entity in program.entities if entity not in shard.ids]
        if missing:
            raise UsageError(f"the shard has no {', '.join(missing)}, which the rules were compiled for")
        self.program = program
        self.shard = shard
        self._frame = Frame(shard, seed)
        self._fixed: dict[str, NDArray[Any]] = {}
        self._kept: OrderedDict[Key, NDArray[Any]] = OrderedDict()
        self._kept_bytes = 0
        self._most_bytes = kept_bytes

    @property
    def kept_bytes(self) -> int:
        """Of values that depend on levers or assumptions."""
        return self._kept_bytes

    def values(
        self, levers: Mapping[str, float | str | bool], assumptions: Mapping[str, float], names: Iterable[str]
    ) -> dict[str, Array]:
        """Each name's values over its entity, read-only: float64 or bool; of a category column its codes.

        Levers that are not given have their default, assumptions their central value. Raises UsageError: a name, lever
        or assumption that there is not, a value outside the lever's range, a formula that gives NaN or infinity.
        """
        program, frame = self.program, self._frame
        wanted = list(names)
        frame.levers = program.lever_values(levers)
        frame.assumptions = program.assumption_values(assumptions)
        variables = [name for name in wanted if name in program.compiled]
        found, keys = self._found(variables)
        frame.now = found
        try:
            with np.errstate(all="ignore"):
                for name in program.order:
                    if name in found and found[name] is _MISSING:
                        found[name] = self._compute(program.compiled[name], keys.get(name))
            return {name: found[name] if name in program.compiled else self._column(name) for name in wanted}
        finally:
            frame.now = {}

    def _found(self, variables: Iterable[str]) -> tuple[dict[str, NDArray[Any]], dict[str, Key]]:
        """The variables and what those that are not kept read, with their values or ``_MISSING``; keys to keep them."""
        found: dict[str, NDArray[Any]] = {}
        keys: dict[str, Key] = {}
        todo = list(variables)
        while todo:
            name = todo.pop()
            if name in found:
                continue
            compiled = self.program.compiled[name]
            kept = self._fixed.get(name) if compiled.fixed else self._recall(keys, compiled)
            found[name] = _MISSING if kept is None else kept
            if kept is None:
                todo.extend(compiled.reads)
        return found, keys

    def _compute(self, compiled: Compiled, key: Key | None) -> NDArray[Any]:
        frame, variable = self._frame, compiled.variable
        value = frame.full(compiled.run(frame), variable.entity)
        if variable.kind == "boolean":
            value = value.astype(np.bool_, copy=False)
        elif wrong := not_finite(value):
            raise compiled.formula.place.error(
                f"no finite number for {wrong} of {len(value)} {variable.entity} records (shard {frame.number})"
            )
        else:
            value = value.astype(np.float64, copy=False)
        value = value.view()
        value.flags.writeable = False
        if key is None:
            self._fixed[variable.name] = value
        else:
            self._keep(key, value)
        return value

    def _key(self, compiled: Compiled) -> Key:
        levers, assumptions = self._frame.levers, self._frame.assumptions
        return compiled.variable.name, (
            *(levers[name] for name in compiled.levers),
            *(assumptions[name] for name in compiled.assumptions),
        )

    def _recall(self, keys: dict[str, Key], compiled: Compiled) -> NDArray[Any] | None:
        key = keys[compiled.variable.name] = self._key(compiled)
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: Key, value: NDArray[Any]) -> None:
        self._kept[key] = value
        self._kept_bytes += value.nbytes
        while self._kept_bytes > self._most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= gone.nbytes

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self.program.columns:
            raise self.program.unknown(name)
        value = self._frame.column(name).view()
        value.flags.writeable = False
        return value


_MISSING: NDArray[Any] = np.empty(0)
