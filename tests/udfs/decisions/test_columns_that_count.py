"""A table is as sure as the least sure cell on which a decision rests; a signature stands or does not."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.applications import Extraction, Field
from tests.udfs.decisions.filled import ON, found
from udfs.decisions.columns import judged
from udfs.decisions.view import View
from udfs.types import ColumnSpec, DocumentSpec, Fact, FieldSpec, Type


def column(kind: Any) -> ColumnSpec:
    return ColumnSpec(title="列", kind=kind, labels=("列",))


COLUMNS = {"who": column("person"), "size": column("area"), "way": column("text"), "sign": column("signature")}


def kind(*facts: Fact, required: str = "false", signer: str = "") -> Type:
    return Type(
        type="made_up", title="虚构事项", version="1", scope="", digest="0" * 64, rules=(), lists={}, facts=facts,
        documents={"form": DocumentSpec(title="表", titles=("表",), required=required)},
        fields={
            "roster": FieldSpec(name="roster", title="名单", kind="table", documents=("form",), columns=COLUMNS),
            "seal": FieldSpec(name="seal", title="章", kind="signature", documents=("form",), signer=signer),
        },
    )  # fmt: skip


SUM = Fact(name="sum", operator="sum", argument="roster.size")
WHERE = Fact(name="sum", operator="sum", argument="roster.size", options={"where": {"way": "a"}})
ZEN = Fact(name="zen", operator="zen", argument="count(fields.roster.rows, #.way == 'size' and #.sign != null)")
MISSING = Fact(name="gone", operator="missing", argument={"table": "roster", "column": "size", "from": 1, "to": 2})
OTHER = Fact(name="other", operator="sum", argument="roster_before.way")


@pytest.mark.parametrize(
    ("made", "columns"),
    [
        (kind(SUM), {"size"}),
        (kind(WHERE), {"size", "way"}),
        (kind(MISSING), {"size"}),
        (kind(SUM, OTHER), {"size"}),
        (kind(SUM, signer="roster.who"), {"size", "who"}),
        (kind(SUM, required="some(fields.roster.rows, #.way == 'a')"), {"size", "way"}),
        # nothing names a column, or only a signature is named: all but signatures
        (kind(), {"who", "size", "way"}),
    ],
)
def test_columns_on_which_a_decision_rests(made: Type, columns: set[str]) -> None:
    assert judged(made, "roster") == columns


def test_a_signature_counts_where_it_stands() -> None:
    row = {"who": found("甲", "form", 0.4), "size": found(7, "form", 0.95), "sign": found("乙", "form", 0.01)}
    extraction = Extraction(documents=(), fields={"roster": Field(name="roster", best=None, rows=(row,))})
    seen = View(kind(SUM, ZEN), {}, extraction, ON)
    assert seen.confidence("roster") == 0.95
    assert seen.rows("roster") == [{"who": None, "size": 7, "way": None, "sign": "乙"}]
