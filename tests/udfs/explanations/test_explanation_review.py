"""The officer's form and what comes back: what is taken, what is refused with a remedy, and that no value is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.applications import Change, Check, Evidence, Overruling
from schemas.errors import UsageError
from tests.udfs.explanations.made_up import ID, KIND, OTHER_ID, decision
from udfs.explanations import parse_review, review_form
from udfs.explanations.review import MOST_BYTES

RULES = {check.rule for check in decision().checks}
NOW = datetime(2026, 3, 6, 1, 30, tzinfo=UTC)
SECRET = "不应出现在错误信息里"


def filled(**other: Any) -> dict[str, Any]:
    return review_form(decision(), KIND) | {"officer": "officer.chen", "decision": "approve", "signed": True} | other


def parsed(form: Any) -> Any:
    return parse_review(msgspec.json.encode(form), KIND, rules=RULES, now=NOW)


def test_the_form_as_it_is_but_for_decision_and_officer_changes_nothing():
    made = parsed(filled())
    assert (made.application_id, made.fingerprint) == ("A-2026-000017", "3f" * 32)
    assert (made.officer, made.at, made.decision) == ("officer.chen", "2026-03-06T01:30:00+00:00", "approve")
    assert (made.changes, made.overruled, made.signed) == ((), (), True)


def test_the_form_shows_l4_values_only_in_part():
    form = msgspec.json.encode(review_form(decision(), KIND)).decode()
    assert ID not in form
    assert OTHER_ID not in form
    assert "41010*********1234" in form


def test_corrections_and_overruled_checks_come_back():
    form = filled(decision="reject", reason=" 距路口不足三十米 ", comment="电话核实", at="2026-03-06T09:30:00+08:00")
    form["fields"]["area"]["corrected"] = 90
    form["fields"]["purpose"] |= {"corrected": None, "absent": True}
    form["fields"]["workers[2].share"] = {"read": 30.0, "corrected": 35.5}
    form["checks"]["area.fee"] |= {"overrule": True, "reason": "计算无误"}
    form["checks"]["generic.identity"] |= {"overrule": False, "reason": "证件系伪造"}
    made = parsed(form)
    assert made.changes == (
        Change("area", 96.5, 90),
        Change("purpose", "外墙修缮搭设围挡", None),
        Change("workers[2].share", 30.0, 35.5),
    )
    assert made.overruled == (
        Overruling("area.fee", True, "计算无误"),
        Overruling("generic.identity", False, "证件系伪造"),
    )
    assert (made.decision, made.reason, made.comment) == ("reject", "距路口不足三十米", "电话核实")
    assert made.at == "2026-03-06T09:30:00+08:00"


def fields(name: str, **said: Any) -> dict[str, Any]:
    return {"fields": {name: said}}


def checks(name: str, **said: Any) -> dict[str, Any]:
    return {"checks": {name: said}}


@pytest.mark.parametrize(
    ("other", "key", "remedy"),
    [
        ({"officer": " "}, "officer is empty", "name the officer"),
        ({"officer": 7}, "officer is no text", "quotes"),
        ({"decision": ""}, "decision is not one of approve, supplement, reject", "set it"),
        ({"decision": "refer"}, "decision is not one of", "set it"),
        ({"decision": "reject"}, "reason is empty though decision is reject", "say why"),
        ({"decision": "reject", "reason": "  "}, "reason is empty", "say why"),
        ({"decision": "reject", "reason": SECRET, "signed": False}, "signed is false", "set it to true"),
        ({"signed": "yes"}, "signed is neither true nor false", "set it to true"),
        ({"at": "yesterday"}, "at is no time", "2026-03-05T10:00:00+08:00"),
        ({"at": "2026-03-05T10:00:00"}, "at is no time with an offset", "2026-03-05T10:00:00+08:00"),
        ({"type": "lift_installation"}, "type is not made_up", "the form that was made for it"),
        ({"application_id": ""}, "application_id is missing", "as the form has it"),
        ({"fingerprint": None}, "fingerprint is missing", "as the form has it"),
        ({"verdict": SECRET}, "verdict is no key of a review", "use application_id"),
        ({SECRET: 1}, "(a key) is no key of a review", "use application_id"),
        ({"fields": [SECRET]}, "fields is no object", "as the form has it"),
        (fields("colour", corrected=SECRET), "fields.colour is no field of made_up", "use the names of the form"),
        (fields("workers", corrected=[]), "fields.workers is no field", "table[row].column"),
        (fields("workers[0].share", corrected=1), "fields.workers[0].share is no field", "rows from 1"),
        (fields("workers[1].age", corrected=1), "fields.workers[1].age is no field", "table[row].column"),
        (fields("area[1].share", corrected=1), "fields.area[1].share is no field", "table[row].column"),
        ({"fields": {"area": SECRET}}, "fields.area is no object", "corrected"),
        (fields("area", corrected=SECRET), "fields.area.corrected is no number", "digits"),
        (fields("area", corrected=True), "fields.area.corrected is no number", "digits"),
        (fields("begins_on", corrected="2026年3月5日"), "fields.begins_on.corrected is no date", "2026-03-05"),
        (fields("part", corrected=SECRET), "fields.part.corrected is no choice", "road, pavement"),
        (fields("part", corrected=[SECRET]), "fields.part.corrected is no choice", "road, pavement"),
        (fields("purpose", corrected=12), "fields.purpose.corrected is no text", "quotes"),
        (checks("area.unknown", overrule=True, reason=SECRET), "checks.area.unknown is no check", "names of the form"),
        (checks("area.fee", overrule=True, reason=" "), "checks.area.fee.reason is empty", "say why"),
        (checks("area.fee", overrule=SECRET, reason="x"), "checks.area.fee.overrule is neither", "set it to"),
        ({"checks": {"area.fee": SECRET}}, "checks.area.fee is no object", "overrule"),
    ],
)
def test_what_is_refused_names_the_key_and_the_remedy_and_no_value(other, key, remedy):
    with pytest.raises(UsageError) as refused:
        parsed(filled(**other))
    assert key in str(refused.value)
    assert remedy in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b" " * (MOST_BYTES + 1), "is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_review(raw, said):
    with pytest.raises(UsageError, match=said):
        parse_review(raw, KIND)


def test_without_the_decision_checks_are_taken_by_any_name():
    form = filled(**checks("some.rule", overrule=False, reason="不符"))
    assert parse_review(msgspec.json.encode(form), KIND, now=NOW).overruled == (Overruling("some.rule", False, "不符"),)


def test_checks_that_share_a_rule_have_keys_of_their_own():
    def check(rule: str, *evidence: Evidence) -> Check:
        return Check(rule, rule, False, "refer", evidence=evidence)

    checks = (
        check("one.rule"),
        check("generic.identifier", Evidence("applicant", "x")),
        check("generic.identifier", Evidence("workers.number", "x")),
        check("generic.missing", Evidence("", "", document="consent")),
        check("generic.missing", Evidence("", "", document="consent")),
        check("generic.unreadable", Evidence("", "", "张三.pdf")),
        check("generic.unreadable"),
    )
    keys = ["one.rule", "generic.identifier:applicant", "generic.identifier:workers.number", "generic.missing:consent",
            "generic.missing:consent#5", "generic.unreadable:#6", "generic.unreadable:#7"]  # fmt: skip
    form = review_form(decision(checks=checks), KIND) | {"officer": "o", "decision": "approve"}
    assert list(form["checks"]) == keys
    for key in keys:
        form["checks"][key] |= {"overrule": True, "reason": "看过"}
    made = parse_review(msgspec.json.encode(form), KIND, rules={check.rule for check in checks}, now=NOW)
    assert [one.rule for one in made.overruled] == keys
