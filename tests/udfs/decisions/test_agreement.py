"""When two ways of writing are the same value, and when all places agree."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.applications import Field
from tests.udfs.decisions.filled import found
from udfs.decisions.agreement import agrees, same


@pytest.mark.parametrize(
    ("kind", "one", "other", "answer"),
    [
        ("organisation", "青禾（郑州）有限公司", "青禾(郑州) 有限公司", True),
        ("organisation", "青禾有限公司", "青禾有限责任公司", False),
        ("person", "阿依古丽·买买提", "阿依古丽买买提", True),
        ("id_number", "41010219850607001x", "41010219850607001X", True),
        ("amount", 1_000_000, 1_000_000.004, True),
        ("amount", 1_000_000, 1_000_000.01, False),
        ("amount", 1_000_000, "一百万", False),
        ("area", 56.7, "56.70", True),
        ("address", "河南省郑州市中原区桐柏路1号", "中原区桐柏路1号", True),
        ("address", "郑州市中原区桐柏路1号", "郑州市中原区桐柏路11号", False),
        ("address", "郑州市中原区桐柏路1号", "路1号", False),
        ("choice", True, True, True),
        ("choice", True, "True", False),
        ("text", "长期", "二十年", False),
        ("text", "软件开发；技术服务。", "软件开发;技术服务", True),
    ],
)
def test_same(kind: str, one: Any, other: Any, answer: bool) -> None:
    assert same(kind, one, other) is answer
    assert same(kind, other, one) is answer


@pytest.mark.parametrize(
    ("values", "declared", "answer"),
    [
        ([("甲", 0.99), ("甲", 0.99)], None, True),
        ([("甲", 0.99), ("乙", 0.99)], None, False),
        ([("甲", 0.99), ("乙", 0.5)], None, None),
        ([("甲", 0.99)], "甲", True),
        ([("甲", 0.99)], "乙", False),
        ([("甲", 0.5)], "乙", None),
        ([("甲", 0.99)], None, None),
        ([], "甲", None),
        ([("甲", 0.99), ("乙", 0.5), ("丙", 0.99)], None, False),
        ([("甲", 0.99), (None, 0.99)], None, None),
    ],
)
def test_agrees(values: list[tuple[Any, float]], declared: str | None, answer: bool | None) -> None:
    places = tuple(found(value, f"d{number}", sure) for number, (value, sure) in enumerate(values))
    said = None if declared is None else found(declared, confidence=1.0)
    field = Field(name="x", best=places[0] if places else None, declared=said, found=places)
    assert agrees("person", field, 0.8) is answer
