"""Each rule of two types: a good application passes, and each way of breaking one fails that rule and no other."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest

from schemas.applications import APPROVE, PROPOSE_REJECT, REFER
from tests.udfs.decisions.filled import ON, failed, fill, identity, judged
from tests.udfs.decisions.good import (
    BOSS,
    BOSS_ID,
    COMPANY,
    COMPANY_DOCUMENTS,
    FOOD,
    FOOD_DOCUMENTS,
    PARTNER,
    PARTNER_ID,
    WATCHER,
    WATCHER_ID,
)
from udfs import types
from udfs.types import Type


@cache
def kind_of(name: str) -> Type:
    return types.load(name)


def shares(*capital: float, percents: tuple[float, ...] = (70.0, 30.0), until: str = "2030-12-31") -> list[Any]:
    people = ((BOSS, BOSS_ID), (PARTNER, PARTNER_ID))
    return [
        {"name": name, "id_number": number, "capital": money, "percent": percent, "paid_by": until}
        for (name, number), money, percent in zip(people, capital, percents, strict=False)
    ]


def posts(*pairs: tuple[str, str]) -> list[Any]:
    numbers = {BOSS: BOSS_ID, PARTNER: PARTNER_ID, WATCHER: WATCHER_ID}
    return [{"name": name, "position": position, "id_number": numbers[name]} for name, position in pairs]


CROWD = [
    {
        "name": BOSS if number == 0 else f"郑{chr(0x4E00 + number)}",
        "id_number": identity("19800101", f"{number:03}"),
        "capital": 20_000,
        "percent": 2.0,
        "paid_by": "2030-01-01",
    }
    for number in range(51)
]
TEEN = {"legal_representative_id": identity("20100302")}

COMPANY_CASES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("capital.sum", {"shareholders": shares(700_000, 200_000, percents=(77.7778, 22.2222))}, ()),
    ("capital.positive", {"registered_capital": 0}, ()),
    ("capital.share", {"shareholders": shares(600_000, 400_000)}, ()),
    ("capital.paid_within", {"shareholders": shares(700_000, 300_000, until="2031-03-03")}, ()),
    ("capital.paid_within", {"shareholders": shares(700_000, 300_000, until="2026-03-01")}, ()),
    ("shareholders.unique", {"shareholders": [row | {"id_number": BOSS_ID} for row in COMPANY["shareholders"]]}, ()),
    ("type.matches", {"company_type": "sole"}, ()),
    ("officers.qualified", {"qualification": "debtor"}, ()),
    ("officers.supervisor", {"officers": posts((BOSS, "director"), (BOSS, "supervisor"))}, ()),
    ("representative.post", {"officers": posts((PARTNER, "director"), (BOSS, "supervisor"))}, ()),
    ("officers.present", {"officers": posts((BOSS, "manager"), (WATCHER, "supervisor"))}, ()),
    ("name.suffix", {"company_name": "郑州青禾软件中心"}, ()),
    ("name.words", {"company_name": "郑州全国青禾软件有限公司"}, ()),
    ("name.valid", {"name_valid_until": "2026-03-01"}, ()),
    ("scope.terms", {"business_scope": "软件开发；什么都做"}, ()),
    ("scope.permit", {"business_scope": "保安服务；融资担保"}, ("permit",)),
    ("scope.forbidden", {"business_scope": "软件开发；虚拟货币交易"}, ()),
    ("permit.valid", {"business_scope": "保安服务；软件开发", "permit_until": "2026-03-01"}, ("permit",)),
    (
        "premises.neighbours",
        {"premises_use": "dwelling", "neighbours_answer": "objected"},
        ("neighbours_consent",),
    ),
    ("premises.lease", {"premises_until": "2026-03-01"}, ()),
    ("identity.valid", {"identity_valid_until": "2026-03-01"}, ()),
    ("identity.adult", TEEN, ()),
    ("agent.period", {"authorised_until": "2026-03-01"}, ()),
    ("agent.period", {"authorised_from": "2026-03-03"}, ()),
    ("owners.named", {"owners": COMPANY["owners"][:1]}, ()),
    ("generic.missing", {"business_scope": "保安服务；软件开发"}, ()),
    ("generic.missing", {"premises_use": "dwelling"}, ()),
    ("generic.signature", {"articles_signature": BOSS}, ()),
    ("generic.signature", {"form_signature": None}, ()),
]
COMPANY_TOGETHER: list[tuple[set[str], dict[str, Any]]] = [
    ({"shareholders.number", "capital.sum", "capital.percent"}, {"shareholders": CROWD}),
    ({"capital.percent", "capital.share"}, {"shareholders": shares(700_000, 300_000, percents=(70.0, 29.0))}),
]

FOOD_CASES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("items.known", {"business_items": "热食类食品制售、烧烤"}, ()),
    ("items.prepackaged", {"business_items": "预包装食品销售", "business_format": "sales"}, ()),
    ("items.format", {"business_items": "散装食品销售"}, ()),
    ("items.format", {"business_items": "热食类食品制售", "business_format": "sales"}, ()),
    ("record.clear", {"record": "revoked_five"}, ()),
    ("licence.valid", {"licence_valid_until": "2026-03-01"}, ()),
    ("identity.valid", {"identity_valid_until": "2026-03-01"}, ()),
    ("identity.adult", TEEN, ()),
    ("manager.valid", {"manager_valid_until": "2026-03-01"}, ()),
    ("kitchen.given", {"kitchen_area": None}, ()),
    ("kitchen.within", {"kitchen_area": 130.0}, ()),
    ("kitchen.share", {"kitchen_area": 39.0}, ()),
    ("kitchen.share", {"premises_area": 400.0, "kitchen_area": 120.0}, ()),
    ("room.special", {"special_room_area": None}, ()),
    ("room.size", {"special_room_area": 4.5}, ()),
    ("site.distance", {"pollution_distance": 24}, ()),
    ("canteen.kind", {"business_format": "canteen"}, ()),
    ("canteen.school", {"business_format": "canteen", "canteen_kind": "school"}, ()),
    ("staff.health", {"staff": [row | {"valid_until": "2026-03-01"} for row in FOOD["staff"]]}, ()),
    ("staff.certificates", {"staff": [row | {"certificate": "J1"} for row in FOOD["staff"]]}, ()),
    ("rules.complete", {"rules_listed": "进货查验制度、从业人员健康管理制度"}, ()),
    ("agent.period", {"authorised_until": "2026-03-01"}, ()),
    ("form.date", {"applied_on": "2026-03-03"}, ()),
    ("generic.signature", {"form_signature": PARTNER}, ()),
    ("generic.required", {"phone": None}, ()),
]
FOOD_TOGETHER: list[tuple[set[str], dict[str, Any]]] = []

TYPES = {
    "enterprise_registration": (COMPANY, COMPANY_DOCUMENTS, COMPANY_CASES, COMPANY_TOGETHER),
    "food_business_licence": (FOOD, FOOD_DOCUMENTS, FOOD_CASES, FOOD_TOGETHER),
}
ONE_BY_ONE = [(kind, *case) for kind, (_, _, cases, _) in TYPES.items() for case in cases]


@pytest.mark.parametrize("kind", TYPES)
def test_a_good_application_is_approved(kind: str) -> None:
    values, documents, _, _ = TYPES[kind]
    decision = judged(kind_of(kind), fill(kind_of(kind), values, documents))
    assert failed(decision) == {}
    assert (decision.decision, decision.reasons, decision.supplement) == (APPROVE, (), ())


@pytest.mark.parametrize(("kind", "rule", "flaw", "besides"), ONE_BY_ONE)
def test_a_flaw_fails_its_rule_alone(kind: str, rule: str, flaw: dict[str, Any], besides: tuple[str, ...]) -> None:
    values, documents, _, _ = TYPES[kind]
    decision = judged(kind_of(kind), fill(kind_of(kind), values | flaw, documents + besides))
    assert failed(decision) == {rule: False}
    check = next(check for check in decision.checks if check.rule == rule and not check.passed)
    assert decision.decision == (PROPOSE_REJECT if check.outcome == "reject" else REFER)
    assert check.reason
    assert "{" not in check.reason
    assert check.legal_basis
    if check.outcome == "supplement":
        assert any(check.reason in told and check.remedy in told for told in decision.supplement)


@pytest.mark.parametrize(("rules", "flaw"), COMPANY_TOGETHER)
def test_flaws_that_go_together_are_all_told(rules: set[str], flaw: dict[str, Any]) -> None:
    kind = kind_of("enterprise_registration")
    values = COMPANY | flaw
    values["articles_signature"] = "、".join(row["name"] for row in values["shareholders"])
    decision = judged(kind, fill(kind, values, COMPANY_DOCUMENTS))
    assert set(failed(decision)) - {"owners.named"} == rules


@pytest.mark.parametrize("kind", TYPES)
def test_every_rule_has_a_case(kind: str) -> None:
    _, _, cases, together = TYPES[kind]
    covered = {rule for rule, _, _ in cases} | {rule for rules, _ in together for rule in rules}
    assert {rule.rule for rule in kind_of(kind).rules} <= covered


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_that_is_not_sure_is_never_approved(kind: str) -> None:
    """Whatever field a rule reads: unsure, it refers."""
    values, documents, _, _ = TYPES[kind]
    there = kind_of(kind)
    for name in sorted({name for rule in there.rules for name in rule.uses if name in values}):
        spec = there.fields[name]
        if spec.documents and not set(spec.documents) & set(documents):
            continue
        decision = judged(there, fill(there, values, documents, weak=(name,)))
        assert decision.decision == REFER, name
        assert all(passed is None for passed in failed(decision).values()), name


@pytest.mark.parametrize(
    ("on", "until", "passed"),
    [
        (date(2024, 6, 30), "2044-01-01", True),
        (date(2024, 7, 1), "2044-01-01", False),
        (date(2024, 7, 1), "2029-07-01", True),
        (date(2024, 7, 1), "2029-07-02", False),
    ],
)
def test_the_law_of_the_day_counts(on: date, until: str, passed: bool) -> None:
    kind = kind_of("enterprise_registration")
    values = COMPANY | {"shareholders": shares(700_000, 300_000, until=until)}
    checks = {check.rule: check for check in judged(kind, fill(kind, values, COMPANY_DOCUMENTS), on=on).checks}
    assert checks["capital.paid_within"].passed is passed
    assert checks["capital.paid_within"].version == ("2024-07-01" if on >= date(2024, 7, 1) else "2014-03-01")
    assert ("owners.named" in checks) is False  # in force from 2024-11-01


def test_a_rule_that_does_not_apply_makes_no_check() -> None:
    kind = kind_of("enterprise_registration")
    rules = {check.rule for check in judged(kind, fill(kind, COMPANY, COMPANY_DOCUMENTS)).checks}
    assert {"premises.neighbours", "scope.permit", "permit.valid"}.isdisjoint(rules)
    assert "owners.named" in rules
    assert date(2024, 11, 1) <= ON
