"""What a Grafana alert rule makes of its data: the expressions reduce and threshold, and the traps before them.

Follows Grafana's ``pkg/expr`` (``converter.go``, ``mathexp/reduce.go``, ``threshold.go``), so that a rule can be run on
data that must fire and data that must not. Not here: math, resample, SQL expressions, classic conditions, recovery
thresholds; no rule of ours has them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from dashboards.frames import Frame
from schemas.errors import UsageError

EXPRESSION = "__expr__"
ALERTING, NORMAL, NO_DATA = "Alerting", "Normal", "NoData"

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({"alertname", "grafana_folder", "__name__", "ref_id", "datasource_uid"})


@dataclass(frozen=True)
class Series:
    """A series or, with ``points`` of one and ``reduced``, a number. None stands for null and NaN."""

    labels: Mapping[str, str]
    points: Sequence[float | None]
    reduced: bool = False


@dataclass(frozen=True)
class Instance:
    """One alert instance: its labels, its state before ``for``, and what each expression gave for it."""

    labels: Mapping[str, str]
    state: str
    values: Mapping[str, float | None]


def traps(frame: Frame) -> list[str]:
    """What would make a rule on this frame fail or lie in Grafana; empty when nothing does. Names the column."""
    fields = frame["schema"]["fields"]
    table = frame["schema"]["meta"].get("preferredVisualisationType") == "table"
    numbers = [field["name"] for field in fields if field["type"] == "number"]
    names = [field["name"] for field in fields if field["type"] == "string"]
    found = [
        f"column {name}: a label may be made of letters, digits and _ only" for name in names if not _is_label(name)
    ]
    found += [f"column {name}: Grafana sets the label {name} itself" for name in names if name in RESERVED]
    odd = [(field["name"], field["type"]) for field in fields if field["type"] in ODD]
    found += [f"column {name}: of type {kind}, which is no label: use toString()" for name, kind in odd]
    times = [field["name"] for field in fields if field["type"] == "time"]
    if table:
        found += [f"column {name}: a table may have no time column" for name in times]
        if len(numbers) != 1:
            found.append(f"a table needs exactly one number column and has {len(numbers)}: {', '.join(numbers)}")
        found += _empty_labels(frame)
    else:
        if len(times) != 1:
            found.append(f"a time series needs exactly one time column and has {len(times)}: {', '.join(times)}")
        if len(set(numbers)) != 1:
            found.append(
                f"an alert's time series needs exactly one number column and has {', '.join(numbers) or 'none'}"
            )
        found += [f"column {name}: a string column left over, the series is not wide" for name in names]
    return found + ([] if found else _doubles(_series(frame)))


ODD = ("boolean", "other")


def _is_label(name: str) -> bool:
    return bool(_LABEL.fullmatch(name))


def _empty_labels(frame: Frame) -> list[str]:
    columns = zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)
    return [
        f"column {field['name']}: a label without a value disappears; put a word there"
        for field, values in columns
        if field["type"] == "string" and any(value in (None, "") for value in values)
    ]


def _doubles(series: Sequence[Series]) -> list[str]:
    seen: set[frozenset[tuple[str, str]]] = set()
    for each in series:
        key = frozenset(each.labels.items())
        if key in seen:
            names = ", ".join(each.labels) or "no column of strings"
            return [f"two rows have the same labels ({names}): Grafana cannot tell their alerts apart"]
        seen.add(key)
    return []


def evaluate(
    data: Sequence[Mapping[str, Any]], condition: str, answers: Mapping[str, Sequence[Frame]]
) -> list[Instance]:
    """The alert instances of a rule: ``data`` and ``condition`` as the rule has them, ``answers`` the frames by refId.

    No row at all gives one instance NoData, to which the rule's ``noDataState`` applies. Raises UsageError for a trap,
    for an expression that is not here, and for a condition that is no single number for each set of labels.
    """
    results: dict[str, list[Series]] = {}
    for query in data:
        ref, model = query["refId"], query["model"]
        if query["datasourceUid"] != EXPRESSION:
            results[ref] = _read(ref, answers.get(ref, []))
        elif model["expression"] not in results:
            raise UsageError(f"expression {ref} is of {model['expression']!r}, which no query before it gives")
        else:
            results[ref] = _expression(ref, model, results[model["expression"]])
    if condition not in results:
        raise UsageError(f"the condition {condition!r} is none of {', '.join(results)}")
    if not results[condition]:
        return [Instance({}, NO_DATA, {})]
    if any(not each.reduced for each in results[condition]):
        raise UsageError(f"the condition {condition} is a time series: put a reduce before its threshold")
    found = []
    for each in results[condition]:
        values = {ref: _of(each, series) for ref, series in results.items()}
        found.append(Instance(dict(each.labels), _state(each.points[0]), values))
    return found


def _state(value: float | None) -> str:
    return NO_DATA if value is None else ALERTING if value else NORMAL


def _of(wanted: Series, series: Sequence[Series]) -> float | None:
    return next((s.points[-1] for s in series if s.labels == wanted.labels and s.reduced), None)


def _read(ref: str, frames: Sequence[Frame]) -> list[Series]:
    found = []
    for frame in frames:
        if problems := traps(frame):
            raise UsageError(f"query {ref}: {'; '.join(problems)}")
        found += _series(frame)
    return found


def _series(frame: Frame) -> list[Series]:
    fields, values = frame["schema"]["fields"], frame["data"]["values"]
    numbers = [index for index, field in enumerate(fields) if field["type"] == "number"]
    if frame["schema"]["meta"].get("preferredVisualisationType") != "table":
        return [Series(fields[index].get("labels", {}), values[index]) for index in numbers]
    labels = [index for index, field in enumerate(fields) if field["type"] == "string"]
    return [
        Series({fields[index]["name"]: values[index][row] or "" for index in labels}, [value], reduced=True)
        for row, value in enumerate(values[numbers[0]])
    ]


def _expression(ref: str, model: Mapping[str, Any], inputs: Sequence[Series]) -> list[Series]:
    if model["type"] == "reduce":
        return [_reduce(ref, model, each) for each in inputs]
    if model["type"] == "threshold":
        passes = _threshold(ref, model)
        return [
            Series(s.labels, [None if p is None else float(passes(p)) for p in s.points], s.reduced) for s in inputs
        ]
    raise UsageError(f"expression {ref}: type {model['type']!r} is neither reduce nor threshold")


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


REDUCERS: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "last": lambda values: values[-1] if values else None,
    "mean": _mean,
    "median": lambda values: median(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "sum": lambda values: math.fsum(values),
    "count": lambda values: float(len(values)),
}


def _reduce(ref: str, model: Mapping[str, Any], series: Series) -> Series:
    """A number stays what it is, whatever the reducer: ``count`` of a table's row is the row's value."""
    name, settings = model["reducer"], model.get("settings") or {}
    mode = settings.get("mode", "")
    if name not in REDUCERS:
        raise UsageError(f"expression {ref}: reducer {name!r} is none of {', '.join(REDUCERS)}")
    if mode not in ("", "strict", "dropNN", "replaceNN"):
        raise UsageError(f"expression {ref}: mode {mode!r} is none of strict, dropNN, replaceNN")
    points: list[float | None] = list(series.points)
    if mode == "replaceNN":
        points = [settings["replaceWithValue"] if point is None else point for point in points]
    if series.reduced:
        return Series(series.labels, points, reduced=True)
    values = [point for point in points if point is not None]
    # strict: one null makes any result null, but those that look at no value or at one only
    spoilt = mode in ("", "strict") and len(values) < len(points)
    if spoilt and name == "count":
        return Series(series.labels, [float(len(points))], reduced=True)
    if spoilt and name == "last":
        return Series(series.labels, [points[-1]], reduced=True)
    return Series(series.labels, [None if spoilt else REDUCERS[name](values)], reduced=True)


def _threshold(ref: str, model: Mapping[str, Any]) -> Callable[[float], bool]:
    conditions = model["conditions"]
    if len(conditions) != 1:
        raise UsageError(f"expression {ref}: a threshold takes exactly one condition, not {len(conditions)}")
    kind, params = conditions[0]["evaluator"]["type"], conditions[0]["evaluator"]["params"]
    if kind not in TESTS:
        raise UsageError(f"expression {ref}: threshold {kind!r} is none of {', '.join(TESTS)}")
    needs, test = TESTS[kind]
    if len(params) < needs:
        raise UsageError(f"expression {ref}: threshold {kind} needs {needs} numbers and has {len(params)}")
    return lambda value: test(value, *params[:needs])


TESTS: Mapping[str, tuple[int, Callable[..., bool]]] = {
    "gt": (1, lambda value, limit: value > limit),
    "lt": (1, lambda value, limit: value < limit),
    "gte": (1, lambda value, limit: value >= limit),
    "lte": (1, lambda value, limit: value <= limit),
    "eq": (1, lambda value, limit: value == limit),
    "ne": (1, lambda value, limit: value != limit),
    "within_range": (2, lambda value, low, high: low < value < high),
    "outside_range": (2, lambda value, low, high: value < low or value > high),
}
