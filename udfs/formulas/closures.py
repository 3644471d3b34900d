"""A typed tree as a function over arrays. One numpy call or two for each part; nothing loops over records.

A value is an array over the part's entity, or one number for all of them: that saves work where levers and parameters
meet, and a branch that a lever switches off is never computed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from udfs.formulas.aggregates import AGGREGATES
from udfs.formulas.parameters import Place
from udfs.formulas.syntax import cut
from udfs.formulas.tree import Expr

if TYPE_CHECKING:
    from udfs.formulas.evaluation import Frame

Value = Any
"""``NDArray`` or a scalar; category codes and levers' words pass through as they are."""
Run = Callable[["Frame"], Value]

_BINARY: Mapping[str, Callable[[Value, Value], Value]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "lt": np.less,
    "lte": np.less_equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "eq": np.equal,
    "noteq": np.not_equal,
}
_UNARY: Mapping[str, Callable[[Value], Value]] = {
    "negative": np.negative,
    "not": np.logical_not,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
}
_RISKY: Mapping[str, Callable[..., Value]] = {
    "divide": np.divide,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
}
"""May give values that are not finite; checked where they arise, unless a branch may pass them over."""


def build(expr: Expr, fixed: Callable[[Expr], bool], place: Place) -> Run:
    """The function of a part. ``fixed`` says whether a part depends on neither levers nor assumptions: such parts of
    others are computed once a shard."""
    return _hoisting(expr, fixed, place, fixed(expr))


def _hoisting(expr: Expr, fixed: Callable[[Expr], bool], place: Place, within: bool) -> Run:
    run = _run(expr, fixed, place, within or fixed(expr))
    leaf = expr.op in ("column", "variable", "constant", "members")
    if within or leaf or expr.entity is None or not fixed(expr):
        return run
    key = expr.key
    return lambda frame: frame.kept(key, run)


def _run(expr: Expr, fixed: Callable[[Expr], bool], place: Place, within: bool) -> Run:
    leaf = _LEAVES.get(expr.op)
    if leaf is not None:
        return leaf(expr)
    parts = [_hoisting(part, fixed, place, within) for part in expr.args]
    op = expr.op
    if op in _BINARY:
        return _binary(_BINARY[op], *parts)
    if op in _UNARY:
        return _unary(_UNARY[op], parts[0])
    if op in _RISKY or op == "power":
        function = _RISKY[op] if op in _RISKY else _power(expr.data)
        return _checked(_called(function, parts), expr, place)
    if op in AGGREGATES:
        run = _aggregate(AGGREGATES[op], parts[0], expr.args[0].entity or "", expr.entity or "")
        return _checked(run, expr, place) if op in ("mean", "most", "least") else run
    return _SPECIAL[op](expr, parts)


def _binary(function: Callable[[Value, Value], Value], left: Run, right: Run) -> Run:
    return lambda frame: function(left(frame), right(frame))


def _unary(function: Callable[[Value], Value], part: Run) -> Run:
    return lambda frame: function(part(frame))


def _called(function: Callable[..., Value], parts: list[Run]) -> Run:
    return lambda frame: function(*[part(frame) for part in parts])


def _power(exponent: float) -> Callable[[Value], Value]:
    return np.square if exponent == 2 else lambda base: np.power(base, exponent)


def _checked(run: Run, expr: Expr, place: Place) -> Run:
    if expr.guarded:
        return run

    hint = "use ratio(a, b)" if expr.op == "divide" else "write `... if ... else ...`"
    if expr.op in AGGREGATES:
        hint = "without members it is none: write `... if count(...) > 0 else ...`"

    def check(frame: Frame) -> Value:
        value = run(frame)
        wrong = not_finite(value)
        if wrong:
            of = frame.size(expr.entity) if expr.entity else 1
            raise place.error(
                f"`{cut(expr.text)}` is no finite number for {wrong} of {of} {expr.entity or 'values'} "
                f"(shard {frame.number}): {hint}"
            )
        return value

    return check


def not_finite(value: Value) -> int:
    """How many values are NaN or infinite."""
    finite = np.isfinite(value)
    return 0 if finite.all() else int(np.size(finite) - np.count_nonzero(finite))


def _aggregate(function: Callable[[Frame, NDArray[Any], str, str], Value], part: Run, low: str, high: str) -> Run:
    return lambda frame: function(frame, frame.full(part(frame), low), low, high)


# ---- leaves


def _constant(expr: Expr) -> Run:
    value = expr.data if isinstance(expr.data, bool) else np.float64(expr.data)
    return lambda frame: value


def _named(of: str) -> Callable[[Expr], Run]:
    """Reads the frame's method or mapping ``of`` under the part's name."""

    def leaf(expr: Expr) -> Run:
        name = expr.data
        if of in ("levers", "assumptions"):
            return lambda frame: getattr(frame, of)[name]
        return lambda frame: getattr(frame, of)(name)

    return leaf


def _members(expr: Expr) -> Run:
    entity = expr.data
    return lambda frame: np.ones(frame.size(entity), dtype=np.bool_)


def _draw(expr: Expr) -> Run:
    op, name, entity = expr.op, expr.data, expr.entity or ""
    return lambda frame: frame.draw(op, name, entity)


_LEAVES: Mapping[str, Callable[[Expr], Run]] = {
    "constant": _constant,
    "column": _named("column"),
    "variable": _named("variable"),
    "lever": _named("levers"),
    "assumption": _named("assumptions"),
    "members": _members,
    "uniform": _draw,
    "normal": _draw,
}


# ---- parts with a way of their own


def _carry(expr: Expr, parts: list[Run]) -> Run:
    part, high, low = parts[0], expr.data, expr.entity or ""

    def run(frame: Frame) -> Value:
        value = part(frame)
        return value.take(frame.above(low, high)) if isinstance(value, np.ndarray) else value

    return run


def _junction(expr: Expr, parts: list[Run]) -> Run:
    """``and``, ``or``: a single value that decides leaves the rest uncomputed."""
    decisive = expr.op == "or"
    join = np.logical_or if decisive else np.logical_and

    def run(frame: Frame) -> Value:
        found: Value = not decisive
        for part in parts:
            value = part(frame)
            if not isinstance(value, np.ndarray):
                if bool(value) is decisive:
                    return decisive
            else:
                found = join(found, value) if isinstance(found, np.ndarray) else value
        return found

    return run


def _if(expr: Expr, parts: list[Run]) -> Run:
    condition, yes, no = parts

    def run(frame: Frame) -> Value:
        where = condition(frame)
        if not isinstance(where, np.ndarray):
            return yes(frame) if where else no(frame)
        return np.where(where, yes(frame), no(frame))

    return run


def _is(expr: Expr, parts: list[Run]) -> Run:
    part, word = parts[0], expr.data
    return lambda frame: operator.eq(part(frame), word)


def _extreme(expr: Expr, parts: list[Run]) -> Run:
    function = np.minimum if expr.op == "min" else np.maximum

    def run(frame: Frame) -> Value:
        found = parts[0](frame)
        for part in parts[1:]:
            found = function(found, part(frame))
        return found

    return run


def _clip(expr: Expr, parts: list[Run]) -> Run:
    part, low, high = parts
    return lambda frame: np.minimum(np.maximum(part(frame), low(frame)), high(frame))


def _ratio(expr: Expr, parts: list[Run]) -> Run:
    above, below = parts

    def run(frame: Frame) -> Value:
        divisor = below(frame)
        # [()]: one value for all stays a scalar
        return np.where(divisor == 0, 0.0, np.divide(above(frame), divisor))[()]

    return run


def _logistic(expr: Expr, parts: list[Run]) -> Run:
    part = parts[0]
    return lambda frame: 1.0 / (1.0 + np.exp(-part(frame)))


def _tax(expr: Expr, parts: list[Run]) -> Run:
    """Marginal rates: the sum over kinks of (change of rate) x (what lies above the threshold)."""
    part = parts[0]
    thresholds = [threshold for threshold, _ in expr.data]
    rates = [0.0, *(rate for _, rate in expr.data)]
    kinks = [(threshold, rates[i + 1] - rates[i]) for i, threshold in enumerate(thresholds)]

    def run(frame: Frame) -> Value:
        base = part(frame)
        total: Value = np.zeros_like(base)
        for threshold, change in kinks:
            total = total + np.maximum(base - threshold, 0.0) * change
        return total

    return run


def _step(expr: Expr, parts: list[Run]) -> Run:
    """The value of the last step at or below; 0 below the first."""
    part = parts[0]
    starts = np.array([start for start, _ in expr.data])
    values = np.array([0.0, *(value for _, value in expr.data)])
    return lambda frame: values[np.searchsorted(starts, part(frame), side="right")]


def _table(expr: Expr, parts: list[Run]) -> Run:
    """By a category: codes below 0 (not known) take the last entry, NaN."""
    part, table = parts[0], np.array([*expr.data, np.nan])
    return lambda frame: table[part(frame)]


def _pick(expr: Expr, parts: list[Run]) -> Run:
    part = parts[0]
    table = {word: np.float64(value) for word, value in expr.data.items()}
    return lambda frame: table[part(frame)]


_SPECIAL: Mapping[str, Callable[[Expr, list[Run]], Run]] = {
    "carry": _carry,
    "and": _junction,
    "or": _junction,
    "if": _if,
    "is": _is,
    "min": _extreme,
    "max": _extreme,
    "clip": _clip,
    "ratio": _ratio,
    "logistic": _logistic,
    "tax": _tax,
    "step": _step,
    "table": _table,
    "pick": _pick,
}
