"""The figures of `bench approval`, on decisions written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.bench.approval import plain, report, same, truth_of, upper
from schemas.errors import UsageError


def fact(name: str, expected: str = "approve", **more: Any) -> dict[str, Any]:
    return {
        "id": name, "type": "t", "kind": "text", "expected": expected, "defects": [], "fields": {}, "tables": {}, **more
    }  # fmt: skip


def line(name: str, decision: str = "approve", seconds: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"application_id": name, "decision": decision, "seconds": seconds, "fields": {}, "checks": [], **more}


def test_an_approval_of_what_has_a_defect_is_wrong_and_is_told_with_its_rule() -> None:
    truth = {
        "a": fact("a"),
        "b": fact("b", "refer", defects=[{"rule": "sum"}]),
        "c": fact("c", "refer", defects=[{"rule": "sum"}]),
    }
    checks = [{"rule": "sum", "passed": False}]
    found = report(truth, [line("a"), line("b"), line("c", "refer", checks=checks), line("of another day")])
    assert found["unknown"] == 1
    assert found["approvals"]["automatic"] == 2
    assert found["approvals"]["which"] == [{"application": "b", "kind": "text", "defects": ["sum"]}]
    assert found["approvals"]["wrong_share"] == pytest.approx(0.5)
    assert found["defects"] == {"sum": {"applications": 2, "right": 1, "named": 1, "approved": 1}}
    assert found["decisions"] == {"approve->approve": 1, "refer->approve": 1, "refer->refer": 1}


def test_a_field_that_was_not_found_is_wrong_and_one_that_is_not_shown_does_not_count() -> None:
    truth = {"a": fact("a", fields={"name": "云州（试）公司", "area": 12.5, "gone": "x"})}
    fields = {"name": {"value": "云州(试)公司"}, "area": {"value": "12.50"}, "gone": None, "besides": {"value": 1}}
    found = report(truth, [line("a", fields=fields)])
    kind = found["kinds"]["text"]
    assert (kind["fields"], kind["field_accuracy"]) == (3, pytest.approx(2 / 3))
    assert found["fields"]["gone"] == {"n": 1, "right": 0, "share": 0.0}


def test_cells_and_rows_of_tables_count_missing_and_superfluous_ones() -> None:
    truth = {"a": fact("a", tables={"owners": [{"unit": "101", "area": 80}, {"unit": "102", "area": 90}]})}
    read = [{"unit": "101", "area": 80.0}, {"unit": "702", "area": 90.0}, {"unit": "103"}]
    kind = report(truth, [line("a", fields={"owners": {"value": read}})])["kinds"]["text"]
    assert (kind["table_cells"], kind["cell_accuracy"]) == (5, pytest.approx(3 / 5))
    assert (kind["table_rows"], kind["row_accuracy"]) == (3, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("truth", "found", "equal"),
    [
        ("2026-06-01", "2026-06-01", True),
        ("郑州 市", "郑州市", True),
        ("Ａ１", "a1", True),
        (True, True, True),
        (True, "True", True),
        (1, True, False),
        (100, "100.0", True),
        ("0371", "371", True),  # a number is a number
        ("410103198503121230", "410103198503121231", False),  # too long for one: every digit counts
        (None, "", True),
        ("x", None, False),
    ],
)
def test_equal_values(truth: object, found: object, equal: bool) -> None:
    assert same(truth, found) is equal


def test_plain_keeps_what_matters() -> None:
    assert plain("甲公司") != plain("甲分公司")


@pytest.mark.parametrize(
    ("wrong", "of", "bound"), [(0, 0, 1.0), (0, 3_000, 0.000998), (1, 3_000, 0.00158), (5, 5, 1.0)]
)
def test_upper_bounds(wrong: int, of: int, bound: float) -> None:
    assert upper(wrong, of) == pytest.approx(bound, abs=1e-5)


def test_a_folder_without_truth_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"loadtest\.applications"):
        truth_of(tmp_path)
