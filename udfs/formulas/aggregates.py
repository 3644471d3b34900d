"""Aggregates: over the members of each record of a higher entity. ``values`` is an array over ``low``, the answer over
``high``; sums go through the members in their order, so they do not depend on what else is in the shard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from udfs.formulas.evaluation import Frame

Value = Any


def _sum(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    return np.bincount(frame.above(low, high), weights=values, minlength=frame.size(high))


def _any(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    return _sum(frame, values, low, high) > 0


def _all(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    members = frame.members(low, high)
    return (_sum(frame, values, low, high) == members) & (members > 0)


def _mean(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    return _sum(frame, values, low, high) / frame.members(low, high)


def _most(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    return _outermost(np.maximum, frame, values, low, high)


def _least(frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    return _outermost(np.minimum, frame, values, low, high)


def _outermost(function: np.ufunc, frame: Frame, values: NDArray[Any], low: str, high: str) -> Value:
    found = np.full(frame.size(high), np.nan)
    members = frame.members(low, high)
    some = members > 0
    starts = frame.starts(low, high)
    if starts is not None:
        if len(values):
            found[some] = function.reduceat(values, starts)
        return found
    found[some] = -np.inf if function is np.maximum else np.inf
    function.at(found, frame.above(low, high), values)
    return found


AGGREGATES: Mapping[str, Callable[[Frame, NDArray[Any], str, str], Value]] = {
    "sum": _sum,
    "count": _sum,
    "any": _any,
    "all": _all,
    "mean": _mean,
    "most": _most,
    "least": _least,
}
