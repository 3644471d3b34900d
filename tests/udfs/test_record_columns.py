"""Columns read into Python the quick way: what pyarrow's own to_pylist gives, whatever the column holds."""

import pyarrow as pa
import pytest

from schemas.records import HAZARD, PLACE, rows_of, values_of

LISTS = pa.list_(HAZARD)
FIRE, GAS = {"hazard": "fire", "score": 0.5}, {"hazard": "gas", "score": 0.25}


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", None, "", "𠮷\n"], pa.string()),
        pa.array([b"\x00\xff", None], pa.binary()),
        pa.array([True, None, False], pa.bool_()),
        pa.array([True, False]),
        pa.array([2**62 + 1, -1], pa.int64()),
        pa.array([2**62 + 1, None], pa.int64()),  # through floats it would lose its last bits, and None become NaN
        pa.array([0.1, 3.5], pa.float32()),
        pa.array([0.1, None], pa.float32()),
        pa.array([1, 2, 3], pa.int8())[1:],
        pa.array([], pa.string()),
        pa.array([["a"], [], None], pa.list_(pa.string())),
    ],
    ids=str,
)
def test_values(column):
    found = values_of(column)
    assert found == column.to_pylist()
    assert [type(value) for value in found] == [type(value) for value in column.to_pylist()]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[FIRE], [], [FIRE, GAS]], LISTS),
        pa.array([[FIRE], None, [GAS, FIRE], []], LISTS),
        pa.array([[FIRE, GAS], [GAS], None, [FIRE]], LISTS)[1:],
        pa.array([[FIRE, GAS], [GAS], [], [FIRE]], LISTS)[1:3],
        pa.array([], LISTS),
        pa.array([None, []], LISTS),
        # three structs, of which the middle list is null all the same: what stands under a null is nobody's
        pa.ListArray.from_arrays(
            pa.array([0, 1, 2, 3], pa.int32()), pa.array([FIRE, GAS, FIRE], HAZARD), mask=pa.array([False, True, False])
        ),
    ],
    ids=str,
)
def test_rows(column):
    found = rows_of(column, "hazard", "score")
    assert [None if row is None else list(row) for row in found] == column.to_pylist()
    assert [None if row is None else [each["score"] for each in row] for row in rows_of(column, "score")] == [
        None if row is None else [each["score"] for each in row] for row in column.to_pylist()
    ]


def test_fields_that_are_not_asked_for_are_left_out():
    whole = dict.fromkeys((field.name for field in PLACE), None) | {"level": "poi", "start": 3}
    assert rows_of(pa.array([[whole]], pa.list_(PLACE)), "level", "start") == [[{"level": "poi", "start": 3}]]
