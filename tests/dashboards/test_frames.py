"""Rows of ClickHouse as data frames of Grafana."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboards.frames import TABLE, TIME_SERIES, field_type, frames
from schemas.errors import UsageError

T0, T1 = datetime(2026, 7, 1, 8), datetime(2026, 7, 1, 9)
MS0, MS1 = (int(at.replace(tzinfo=UTC).timestamp() * 1000) for at in (T0, T1))


def one(columns: list[tuple[str, str]], rows: list[tuple[Any, ...]], format: int = TIME_SERIES) -> Any:
    (frame,) = frames(columns, rows, format=format, ref_id="A")
    return frame


@pytest.mark.parametrize(
    ("clickhouse", "grafana"),
    [
        ("UInt64", "number"),
        ("Nullable(Float32)", "number"),
        ("Decimal(18, 2)", "number"),
        ("SimpleAggregateFunction(sum, UInt64)", "number"),
        ("LowCardinality(String)", "string"),
        ("LowCardinality(Nullable(String))", "string"),
        ("FixedString(6)", "string"),
        ("Enum8('a' = 1)", "string"),
        ("UUID", "string"),
        ("Bool", "boolean"),
        ("DateTime64(3, 'UTC')", "time"),
        ("Nullable(DateTime)", "time"),
        ("Date", "time"),
        ("Array(String)", "other"),
        ("Map(String, UInt64)", "other"),
        ("Tuple(a UInt8)", "other"),
    ],
)
def test_a_type_of_clickhouse_has_one_of_grafana(clickhouse: str, grafana: str) -> None:
    assert field_type(clickhouse) == grafana


@pytest.mark.parametrize(
    ("clickhouse", "value", "expected"),
    [
        ("DateTime64(3, 'UTC')", T0.replace(tzinfo=UTC), MS0),
        ("DateTime", T0, MS0),
        ("DateTime64(3)", "2026-07-01 08:00:00.000", MS0),
        ("DateTime('Asia/Shanghai')", "2026-07-01 16:00:00", MS0),
        ("DateTime64(3, 'Asia/Shanghai')", datetime(2026, 7, 1, 16), MS0),
        ("Date", date(2026, 7, 1), MS0 - 8 * 3_600_000),
        ("Date", "2026-07-01", MS0 - 8 * 3_600_000),
        ("UInt64", "18446744073709551615", 18446744073709551615),
        ("Decimal(9, 2)", Decimal("1.25"), 1.25),
        ("Float64", float("nan"), None),
        ("Float64", float("inf"), None),
        ("Nullable(String)", None, None),
        ("Bool", 1, True),
        ("Array(String)", ["a"], ["a"]),
    ],
)
def test_a_value_of_a_table(clickhouse: str, value: object, expected: object) -> None:
    assert one([("c", clickhouse)], [(value,)], TABLE)["data"]["values"] == [[expected]]


def test_a_table_keeps_its_columns() -> None:
    frame = one([("name", "String"), ("posts", "UInt64")], [("a", 1), ("b", 2)], TABLE)
    assert frame["schema"] == {
        "refId": "A",
        "name": "A",
        "meta": {"preferredVisualisationType": "table"},
        "fields": [{"name": "name", "type": "string"}, {"name": "posts", "type": "number"}],
    }
    assert frame["data"]["values"] == [["a", "b"], [1, 2]]


def test_an_empty_table_is_a_frame_and_an_empty_series_is_none() -> None:
    columns = [("t", "DateTime"), ("posts", "UInt64")]
    assert one(columns, [], TABLE)["data"]["values"] == [[], []]
    assert frames(columns, [], format=TIME_SERIES, ref_id="A") == []


def test_a_series_without_strings_stays_as_it_is() -> None:
    frame = one([("posts", "UInt64"), ("t", "DateTime")], [(2, T1), (1, T0)])
    assert [field["name"] for field in frame["schema"]["fields"]] == ["posts", "t"]
    assert frame["data"]["values"] == [[2, 1], [MS1, MS0]]


def test_long_becomes_wide() -> None:
    columns = [("t", "DateTime"), ("need", "LowCardinality(Nullable(String))"), ("posts", "UInt64"), ("help", "UInt64")]
    rows = [(T0, "rescue", 5, 4), (T0, "medical", 2, 1), (T1, "rescue", 7, 6), (T1, None, 1, 0)]
    frame = one(columns, rows)
    assert frame["schema"]["meta"]["type"] == "timeseries-wide"
    assert frame["schema"]["fields"] == [
        {"name": "t", "type": "time"},
        *({"name": name, "type": "number", "labels": {"need": need}}
          for name in ("help", "posts") for need in ("", "medical", "rescue")),
    ]  # fmt: skip
    assert frame["data"]["values"] == [
        [MS0, MS1], [None, 0], [1, None], [4, 6], [None, 1], [2, None], [5, 7]
    ]  # fmt: skip


def test_a_boolean_column_is_a_label() -> None:
    frame = one([("t", "DateTime"), ("open", "Bool"), ("posts", "UInt64")], [(T0, True, 5)])
    assert frame["schema"]["fields"][1]["labels"] == {"open": "true"}


def test_of_two_rows_for_one_series_and_time_the_last_one_counts() -> None:
    frame = one([("t", "DateTime"), ("need", "String"), ("posts", "UInt64")], [(T0, "a", 1), (T0, "a", 9)])
    assert frame["data"]["values"] == [[MS0], [9]]


@pytest.mark.parametrize(
    ("rows", "named"),
    [([(T1, "a", 1), (T0, "a", 1)], "not sorted by t"), ([(None, "a", 1)], "t has no value in row 1")],
)
def test_a_series_that_the_plugin_refuses_is_refused(rows: list[tuple[Any, ...]], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        one([("t", "Nullable(DateTime)"), ("need", "String"), ("posts", "UInt64")], rows)
