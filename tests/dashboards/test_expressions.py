"""The evaluator of alert rules: reduce, threshold, and the traps of their frames."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dashboards.expressions import ALERTING, NO_DATA, NORMAL, evaluate, traps
from dashboards.frames import TABLE, TIME_SERIES, Frame, frames
from schemas.errors import UsageError

T = [datetime(2026, 7, 1, hour) for hour in range(4)]
LABELS = [("region", "String"), ("posts", "UInt64")]


def table(rows: list[tuple[Any, ...]], columns: list[tuple[str, str]] = LABELS) -> list[Frame]:
    return frames(columns, rows, format=TABLE, ref_id="A")


def series(values: list[float | None]) -> list[Frame]:
    return frames(
        [("t", "DateTime"), ("value", "Nullable(Float64)")],
        list(zip(T, values, strict=False)),
        format=TIME_SERIES,
        ref_id="A",
    )


def rule(reducer: str = "last", mode: str = "dropNN", test: str = "gt", params: tuple[float, ...] = (3,)) -> Any:
    settings = {"mode": mode, "replaceWithValue": 9} if mode == "replaceNN" else {"mode": mode}
    return [
        {"refId": "A", "datasourceUid": "yuqing-viewer", "model": {}},
        {
            "refId": "B",
            "datasourceUid": "__expr__",
            "model": {"type": "reduce", "expression": "A", "reducer": reducer, "settings": settings},
        },
        {
            "refId": "C",
            "datasourceUid": "__expr__",
            "model": {
                "type": "threshold",
                "expression": "B",
                "conditions": [{"evaluator": {"type": test, "params": list(params)}}],
            },
        },
    ]


@pytest.mark.parametrize(
    ("reducer", "mode", "values", "expected"),
    [
        ("last", "dropNN", [1, 2, 7, None], 7),
        ("mean", "dropNN", [1, 3, None], 2),
        ("median", "dropNN", [1, 9, 2], 2),
        ("min", "dropNN", [4, 2, 8], 2),
        ("max", "dropNN", [4, None, 8, 1], 8),
        ("sum", "dropNN", [1, 2, 3], 6),
        ("count", "dropNN", [1, None, 3], 2),
        ("mean", "dropNN", [None, None], None),
        ("sum", "dropNN", [None], 0),
        ("sum", "strict", [1, None], None),
        ("max", "strict", [1, None], None),
        ("last", "strict", [None, 5], 5),
        ("last", "strict", [5, None], None),
        ("count", "strict", [None, 5], 2),
        ("mean", "replaceNN", [1, None], 5),
    ],
)
def test_reduce(reducer: str, mode: str, values: list[float | None], expected: float | None) -> None:
    (instance,) = evaluate(rule(reducer, mode), "C", {"A": series(values)})
    assert instance.values["B"] == expected
    assert (instance.state == NO_DATA) == (expected is None)


@pytest.mark.parametrize(
    ("test", "params", "firing"),
    [
        ("gt", (3,), [4, 5]),
        ("lt", (3,), [1, 2]),
        ("gte", (3,), [3, 4, 5]),
        ("lte", (3,), [1, 2, 3]),
        ("eq", (3,), [3]),
        ("ne", (3,), [1, 2, 4, 5]),
        ("within_range", (2, 5), [3, 4]),
        ("outside_range", (2, 4), [1, 5]),
    ],
)
def test_threshold_over_the_rows_of_a_table(test: str, params: tuple[float, ...], firing: list[int]) -> None:
    instances = evaluate(rule(test=test, params=params), "C", {"A": table([(str(n), n) for n in range(1, 6)])})
    assert [int(i.labels["region"]) for i in instances if i.state == ALERTING] == firing
    assert [i.values["B"] for i in instances] == [1, 2, 3, 4, 5]
    assert {i.state for i in instances} == {ALERTING, NORMAL}


def test_the_count_of_a_tables_row_is_the_rows_value() -> None:
    (instance,) = evaluate(rule("count"), "C", {"A": table([("a", 7)])})
    assert instance.values["B"] == 7


def test_each_series_is_an_instance() -> None:
    columns = [("t", "DateTime"), ("region", "String"), ("posts", "UInt64")]
    rows = [(T[0], "a", 1), (T[0], "b", 1), (T[1], "a", 9)]
    instances = evaluate(rule(), "C", {"A": frames(columns, rows, format=TIME_SERIES, ref_id="A")})
    assert [(i.labels, i.state) for i in instances] == [({"region": "a"}, ALERTING), ({"region": "b"}, NORMAL)]


@pytest.mark.parametrize("answer", [[], table([])])
def test_no_row_is_no_data(answer: list[Frame]) -> None:
    assert [i.state for i in evaluate(rule(), "C", {"A": answer})] == [NO_DATA]


def test_a_null_is_no_data() -> None:
    answer = table([("a", None), ("b", 9)], [("region", "String"), ("posts", "Nullable(UInt64)")])
    assert [i.state for i in evaluate(rule(), "C", {"A": answer})] == [NO_DATA, ALERTING]


@pytest.mark.parametrize(
    ("columns", "rows", "named"),
    [
        ([*LABELS, ("copies", "UInt64")], [], "has 2: posts, copies"),
        ([("region", "String")], [], "has 0"),
        ([("at", "DateTime"), *LABELS], [], "column at: a table may have no time"),
        ([*LABELS, ("open", "Bool")], [], "column open: of type boolean"),
        ([*LABELS, ("needs", "Array(String)")], [], "column needs: of type other"),
        ([*LABELS, ("地区", "String")], [], "column 地区: a label may be made of"),
        ([*LABELS, ("alertname", "String")], [], "column alertname: Grafana sets"),
        (LABELS, [("a", 1), ("a", 2)], "two rows have the same labels .region"),
        ([("posts", "UInt64")], [(1,), (2,)], "no column of strings"),
        (LABELS, [("", 1)], "column region: a label without a value"),
    ],
)
def test_a_table_that_is_a_trap(columns: list[tuple[str, str]], rows: list[tuple[Any, ...]], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        evaluate(rule(), "C", {"A": table(rows, columns)})


@pytest.mark.parametrize(
    ("columns", "row", "named"),
    [
        ([("t", "DateTime"), ("u", "DateTime"), ("posts", "UInt64")], (T[0], T[0], 1), "exactly one time column"),
        ([("t", "DateTime"), ("posts", "UInt64"), ("copies", "UInt64")], (T[0], 1, 2), "exactly one number column"),
        ([("t", "DateTime"), ("region", "String")], (T[0], "a"), "exactly one number column"),
    ],
)
def test_a_series_that_is_a_trap(columns: list[tuple[str, str]], row: tuple[Any, ...], named: str) -> None:
    (frame,) = frames(columns, [row], format=TIME_SERIES, ref_id="A")
    assert named in "; ".join(traps(frame))


def test_a_good_table_has_no_trap() -> None:
    assert traps(table([("a", 1), ("b", 1)])[0]) == []


def test_a_threshold_takes_one_condition() -> None:
    broken = rule()
    broken[2]["model"]["conditions"] *= 2
    with pytest.raises(UsageError, match="exactly one condition, not 2"):
        evaluate(broken, "C", {"A": table([("a", 1)])})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"test": "near"}, "'near' is none of"),
        ({"test": "within_range", "params": (1,)}, "needs 2 numbers"),
        ({"reducer": "first"}, "'first' is none of"),
        ({"mode": "dropAll"}, "'dropAll' is none of"),
    ],
)
def test_an_expression_that_does_not_exist_is_named(change: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        evaluate(rule(**change), "C", {"A": table([("a", 1)])})


def test_a_condition_must_be_a_number() -> None:
    whole = rule()
    whole[2]["model"]["expression"] = "A"
    with pytest.raises(UsageError, match="time series: put a reduce"):
        evaluate(whole, "C", {"A": series([1, 2])})
    with pytest.raises(UsageError, match="'D' is none of A, B, C"):
        evaluate(whole, "D", {"A": series([1, 2])})
