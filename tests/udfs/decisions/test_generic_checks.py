"""Checks of every type and the outcome they lead to, on a type made up for it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from schemas.applications import APPROVE, PROPOSE_REJECT, REFER, Document, Extraction, Field
from tests.udfs.decisions.filled import failed, fill, found, judged, reading
from tests.udfs.decisions.test_expressions import table
from udfs.types import ColumnSpec, Confidence, DocumentSpec, FieldSpec, Rule, RuleVersion, Type

SINCE = date(2020, 1, 1)


def rule(name: str, outcome: Any, condition: str, uses: tuple[str, ...]) -> Rule:
    version = RuleVersion(
        version="1", since=SINCE, table="t.json", legal_basis="某法", content=table((condition, "true"), ("", "false"))
    )
    return Rule(
        rule=name, title=name, outcome=outcome, versions=(version,), reason=f"{name}不对", remedy="请改", uses=uses
    )


KIND = Type(
    type="made_up",
    title="虚构事项",
    version="1",
    scope="",
    digest="0" * 64,
    facts=(),
    lists={},
    confidence=Confidence(approve=0.9, fact=0.8),
    documents={
        "form": DocumentSpec(id="form", title="申请书", titles=("申请书",), required=True, remedy="请提交申请书"),
        "proof": DocumentSpec(id="proof", title="证明", titles=("证明",), required="fields.size.value > 10"),
    },
    fields={
        "name": FieldSpec(name="name", title="名称", kind="person", documents=("form", "proof"), labels=("名称",),
            required=True, critical=True),
        "number": FieldSpec(name="number", title="证号", kind="id_number", documents=("form",), labels=("证号",)),
        "size": FieldSpec(name="size", title="大小", kind="number", documents=("form",), labels=("大小",),
            critical=True),
        "note": FieldSpec(name="note", title="说明", kind="text", documents=("proof",), labels=("说明",),
            required=True),
        "signed": FieldSpec(name="signed", title="签字", kind="signature", documents=("form",), labels=("签字",),
            required=True, signer="name"),
        "people": FieldSpec(name="people", title="名单", kind="table", documents=("form",), labels=("名单",),
            columns={"who": ColumnSpec(name="who", title="姓名", kind="person", labels=("姓名",))}),
    },
    rules=(
        rule("size.small", "supplement", "fields.size.value < 100", ("size",)),
        rule("size.legal", "reject", "fields.size.value != 66", ("size",)),
    ),
)  # fmt: skip
VALUES: dict[str, Any] = {"name": "郑可欣", "number": "n", "size": 5, "note": "无", "signed": "郑可欣"}
Flaw = tuple[dict[str, Any], tuple[str, ...], dict[str, Any], dict[str, bool | None], str, tuple[str, ...]]

CASES: dict[str, Flaw] = {
    # values, documents, more for fill; answers that are not True, decision, reasons
    "good": ({}, ("form",), {}, {}, APPROVE, ()),
    "no form": ({}, (), {}, {"generic.missing": None, "generic.unreadable": False, "size.small": None,
        "size.legal": None}, REFER, ("unreadable:", "missing:form", "check:generic.missing", "check:size.small",
        "check:size.legal")),
    "proof needed": ({"size": 11}, ("form",), {}, {"generic.missing": False}, REFER, ("missing:proof",)),
    "proof there": ({"size": 11}, ("form", "proof"), {}, {}, APPROVE, ()),
    "not known whether needed": ({"size": None}, ("form",), {}, {"generic.missing": None, "size.small": None,
        "size.legal": None}, REFER, ("check:generic.missing", "check:size.small", "check:size.legal")),
    "field lacking": ({"name": None}, ("form",), {}, {"generic.required": False, "generic.signature": None}, REFER,
        ("check:generic.required", "check:generic.signature")),
    "field of a document that is there": ({"note": None}, ("form", "proof"), {}, {"generic.required": False}, REFER,
        ("check:generic.required",)),
    "bad number": ({}, ("form",), {"faults": {"number": ("check_digit",)}}, {"generic.identifier": False}, REFER,
        ("check:generic.identifier",)),
    "bad number, read badly": ({}, ("form",), {"faults": {"number": ("check_digit",)}, "weak": ("number",)},
        {"generic.identifier": None}, REFER, ("check:generic.identifier",)),
    "documents differ": ({}, ("form", "proof"), {"elsewhere": {("name", "proof"): "田小满"}},
        {"generic.consistent": False}, REFER, ("check:generic.consistent",)),
    "form differs": ({}, ("form",), {"declared": {"name": "田小满"}}, {"generic.consistent": False}, REFER,
        ("check:generic.consistent",)),
    "form agrees": ({}, ("form",), {"declared": {"name": "郑 可欣"}}, {}, APPROVE, ()),
    "rows differ": ({"people": [{"who": "甲"}]}, ("form",), {"declared": {"people": ({"who": "乙"},)}},
        {"generic.consistent": False}, REFER, ("check:generic.consistent",)),
    "a row more": ({"people": [{"who": "甲"}]}, ("form",), {"declared": {"people": ({"who": "甲"}, {"who": "乙"})}},
        {"generic.consistent": False}, REFER, ("check:generic.consistent",)),
    "rows agree": ({"people": [{"who": "甲"}]}, ("form",), {"declared": {"people": ({"who": "甲"},)}}, {}, APPROVE, ()),
    "not signed": ({"signed": None}, ("form",), {}, {"generic.signature": False}, REFER, ("check:generic.signature",)),
    "signed by another": ({"signed": "田小满"}, ("form",), {}, {"generic.signature": False}, REFER,
        ("check:generic.signature",)),
    "signature not readable": ({"signed": "田小"}, ("form",), {"weak": ("signed",)}, {"generic.signature": None}, REFER,
        ("check:generic.signature",)),
    "can be mended": ({"size": 100}, ("form", "proof"), {}, {"size.small": False}, REFER, ("check:size.small",)),
    "forbidden": ({"size": 66}, ("form", "proof"), {}, {"size.legal": False}, PROPOSE_REJECT, ("check:size.legal",)),
    "forbidden, besides": ({"size": 66, "signed": None}, ("form", "proof"), {},
        {"size.legal": False, "generic.signature": False}, PROPOSE_REJECT, ("check:generic.signature",
        "check:size.legal")),
    "critical field not sure": ({}, ("form",), {"weak": ("name",)}, {"generic.signature": None}, REFER,
        ("check:generic.signature", "uncertain:name")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_checks_and_outcome(case: str) -> None:
    values, documents, more, answers, outcome, reasons = CASES[case]
    decision = judged(KIND, fill(KIND, VALUES | values, documents, **more))
    assert failed(decision) == answers
    assert (decision.decision, decision.reasons) == (outcome, reasons)
    mendable = [check for check in decision.checks if check.passed is False and check.remedy]
    told = {check.remedy for check in mendable if check.outcome != "reject"}
    assert {remedy for remedy in told if any(remedy in line for line in decision.supplement)} == told
    assert len(set(decision.supplement)) == len(decision.supplement)


def with_confidence(name: float, size: float) -> Extraction:
    extraction = fill(KIND, VALUES, ("form",))
    for field, sure in (("name", name), ("size", size)):
        one = found(VALUES[field], "form", sure)
        extraction.fields[field] = Field(name=field, best=one, found=(one,))
    return extraction


@pytest.mark.parametrize(
    ("size", "name", "value", "outcome", "reasons"),
    [
        (0.99, 0.99, 5, APPROVE, ()),
        (0.94, 0.94, 5, REFER, ("uncertain:name", "uncertain:size")),
        (0.99, 0.88, 5, REFER, ("uncertain:name",)),
        (0.95, 0.99, 66, PROPOSE_REJECT, ("missing:proof", "check:size.legal")),
        # below .9 a rejection is not proposed, though the value is sure enough (.8) to be judged
        (0.85, 0.99, 66, REFER, ("missing:proof", "check:size.legal", "uncertain:size")),
    ],
)
def test_confidence_decides(size: float, name: float, value: int, outcome: str, reasons: tuple[str, ...]) -> None:
    extraction = with_confidence(name, size)
    one = found(value, "form", size)
    extraction.fields["size"] = Field(name="size", best=one, found=(one,))
    decision = judged(KIND, extraction)
    assert (decision.decision, decision.reasons) == (outcome, reasons)
    assert decision.confidence == pytest.approx(size * name)


@pytest.mark.parametrize(
    ("more", "size", "outcome", "reasons"),
    [
        ({"audit": True}, 5, REFER, ("audit_sample",)),
        ({"automatic": False}, 5, REFER, ("breaker",)),
        ({"earlier": ["A0"]}, 5, REFER, ("duplicate",)),
        ({"audit": True, "automatic": False}, 66, PROPOSE_REJECT, ("check:size.legal", "audit_sample", "breaker")),
    ],
)
def test_what_stops_an_approval(more: dict[str, Any], size: int, outcome: str, reasons: tuple[str, ...]) -> None:
    documents = ("form", "proof") if size > 10 else ("form",)
    decision = judged(KIND, fill(KIND, VALUES | {"size": size}, documents), **more)
    assert (decision.decision, decision.reasons) == (outcome, reasons)


SEVERAL = msgspec.structs.replace(
    KIND, fields=KIND.fields | {"signed": msgspec.structs.replace(KIND.fields["signed"], signer="people.who")}
)


@pytest.mark.parametrize(
    ("signed", "sure", "passed"),
    [
        ("王小明、李文华", True, True),
        ("李 文华、王小明、张三", True, True),
        ("王小明 李文华", True, True),
        ("王小明", True, False),
        ("王小明、李文", True, False),
        # a name that is a part of another, or of two
        ("王小明、李文华华", True, False),
        ("王小、明李文华", True, False),
        ("王小明、李文", False, None),
    ],
)
def test_all_in_the_list_must_sign(signed: str, sure: bool, passed: bool | None) -> None:
    values = VALUES | {"signed": signed, "people": [{"who": "王小明"}, {"who": "李文华"}]}
    decision = judged(SEVERAL, fill(SEVERAL, values, ("form",), weak=() if sure else ("signed",)))
    assert [check.passed for check in decision.checks if check.rule == "generic.signature"] == [passed]


@pytest.mark.parametrize("code", ["broken", "encrypted", "extension", "timeout", "new_code"])
def test_a_file_that_cannot_be_read_is_told_and_referred(code: str) -> None:
    extraction = fill(KIND, VALUES, ("form",))
    decision = judged(KIND, extraction, read=reading(("form", "photo"), photo=code))
    assert decision.decision == REFER
    assert decision.reasons == ("unreadable:photo.pdf",)
    assert [line for line in decision.supplement if "photo.pdf" in line]


def test_pages_nobody_recognises_matter_where_a_document_is_missing() -> None:
    stranger = Document(id="unknown", file="x.pdf", pages=(1, 2))
    for size, reasons in ((5, ()), (11, ("missing:proof", "check:generic.unknown"))):
        extraction = fill(KIND, VALUES | {"size": size}, ("form",))
        extraction = msgspec.structs.replace(extraction, documents=(*extraction.documents, stranger))
        assert judged(KIND, extraction, read=reading(("form",))).reasons == reasons


def test_evidence_says_where_it_stands() -> None:
    decision = judged(KIND, fill(KIND, VALUES | {"size": 100}, ("form", "proof")))
    (place,) = next(check for check in decision.checks if check.rule == "size.small").evidence
    assert (place.field, place.text, place.file, place.page, place.document) == ("size", "100", "form.pdf", 1, "form")
    assert place.box == (0.1, 0.1, 0.4, 0.2)


def test_the_same_input_gives_the_same_decision() -> None:
    one = judged(KIND, fill(KIND, VALUES | {"size": 66}, ("form", "proof")), fingerprint="f")
    two = judged(KIND, fill(KIND, VALUES | {"size": 66}, ("form", "proof")), fingerprint="f")
    assert msgspec.json.encode(one) == msgspec.json.encode(two)
    assert (one.rules, one.models, one.decided_on) == ("made_up@1#00000000", "rapidocr@test", "2026-03-02")
