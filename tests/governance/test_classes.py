"""Data classes: complete, ordered, and never kept longer than the class allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.classes import CLASSES, DataClass, allowed, ttl_days
from governance.roles import ACTIONS, ROLES
from schemas.errors import UsageError
from schemas.tables import DATA_CLASSES, data_classes


def test_classes_are_those_of_the_schemas_and_all_described() -> None:
    assert tuple(DataClass) == DATA_CLASSES == tuple(CLASSES)
    assert all(rules.gbt_43697.startswith("general data, grade") for rules in CLASSES.values())


def test_every_column_of_the_store_has_one_of_them() -> None:
    used = {level for columns in data_classes().values() for level in columns.values()}
    assert used <= set(DataClass)
    assert "L4" in used


def test_the_table_in_the_documentation_is_the_table_in_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
    for level, rules in CLASSES.items():
        days = "no limit" if rules.ttl_days is None else f"{rules.ttl_days:,} days"
        row = f"| {level} | {rules.name} | {rules.holds} | {rules.gbt_43697} | {rules.harm} | {days} |"
        assert row in text


@pytest.mark.parametrize(
    ("ceiling", "data_class", "may"),
    [("L1", "L1", True), ("L1", "L2", False), ("L2", "L1", True), ("L3", "L4", False), ("L4", "L4", True)],
)
def test_who_is_cleared_for_what(ceiling: str, data_class: str, may: bool) -> None:
    assert allowed(DataClass(ceiling), data_class) is may


def test_only_rescuers_and_officers_are_cleared_for_identifiers_each_for_their_own() -> None:
    assert [name for name, role in ROLES.items() if role.ceiling is DataClass.L4] == ["rescuer", "officer"]
    assert ACTIONS["reveal"] == {"rescuer"}
    assert ACTIONS["application.see"] == {"officer"}


@pytest.mark.parametrize(
    ("data_class", "overrides", "days"),
    [
        ("L1", None, None),
        ("L4", None, 30),
        ("L4", {"L4": 7}, 7),
        ("L3", {"L4": 7}, 180),
        ("L1", {"L1": 90}, 90),
        ("L2", {"L2": 5000}, 5000),
        ("L4", {"L4": 31}, "kept at most 30 days"),
        ("L3", {"L3": 181}, "kept at most 180 days"),
        ("L2", {"L2": 0}, "at least one day"),
        ("L5", None, "no data class"),
    ],
)
def test_how_long_a_class_is_kept(data_class: str, overrides: dict[str, int] | None, days: int | str | None) -> None:
    if isinstance(days, str):
        with pytest.raises(UsageError, match=days):
            ttl_days(data_class, overrides)
    else:
        assert ttl_days(data_class, overrides) == days
