"""A good application of each of two types: everything there, everything right. Names and numbers are invented."""

from __future__ import annotations

from typing import Any

from tests.udfs.decisions.filled import identity

BOSS, PARTNER, WATCHER = "郑可欣", "何立本", "田小满"
BOSS_ID, PARTNER_ID, WATCHER_ID = identity("19850607"), identity("19900102"), identity("19791130")

COMPANY: dict[str, Any] = {
    "company_name": "郑州青禾软件有限公司",
    "company_type": "limited",
    "registered_capital": 1_000_000,
    "address": "河南省郑州市中原区桐柏路1号2层203",
    "premises_use": "office",
    "premises_until": "2028-01-01",
    "business_scope": "一般项目：软件开发；技术服务；会议及展览服务（不含出国办展）。",
    "business_term": "长期",
    "legal_representative": BOSS,
    "legal_representative_id": BOSS_ID,
    "legal_representative_phone": "13800000000",
    "identity_valid_until": "2035-01-01",
    "name_valid_until": "2026-04-01",
    "shareholders": [
        {"name": BOSS, "id_number": BOSS_ID, "capital": 700_000, "percent": 70.0, "paid_by": "2030-12-31"},
        {"name": PARTNER, "id_number": PARTNER_ID, "capital": 300_000, "percent": 30.0, "paid_by": "2031-03-02"},
    ],
    "officers": [
        {"name": BOSS, "position": "director", "id_number": BOSS_ID},
        {"name": BOSS, "position": "manager", "id_number": BOSS_ID},
        {"name": WATCHER, "position": "supervisor", "id_number": WATCHER_ID},
    ],
    "qualification": "clear",
    "owners": [
        {"name": BOSS, "id_number": BOSS_ID, "percent": 70.0},
        {"name": PARTNER, "id_number": PARTNER_ID, "percent": 30.0},
    ],
    "agent_name": WATCHER,
    "agent_id": WATCHER_ID,
    "authorised_from": "2026-02-01",
    "authorised_until": "2026-05-01",
    "form_signature": BOSS,
    "articles_signature": f"{BOSS} {PARTNER}",
    "authorisation_signature": BOSS,
    "commitment_signature": BOSS,
    "neighbours_answer": "agreed",
    "permit_items": "保安服务",
    "permit_until": "2027-01-01",
}
COMPANY_DOCUMENTS = (
    "application_form",
    "name_declaration",
    "articles",
    "identities",
    "appointments",
    "beneficial_owners",
    "premises",
    "authorisation",
)

FOOD: dict[str, Any] = {
    "operator_name": "郑州青禾餐饮有限公司",
    "credit_code": "91410102MA0000006T",
    "legal_representative": BOSS,
    "legal_representative_id": BOSS_ID,
    "identity_valid_until": "2035-01-01",
    "phone": "13800000000",
    "premises_address": "河南省郑州市中原区桐柏路1号1层",
    "licence_valid_until": "9999-12-31",
    "business_format": "catering",
    "business_items": "热食类食品制售、冷食类食品制售",
    "premises_area": 120.0,
    "kitchen_area": 45.0,
    "special_room_area": 6.0,
    "pollution_distance": 40,
    "record": "clear",
    "manager_name": WATCHER,
    "manager_certificate_number": "SA-1",
    "manager_valid_until": "2028-01-01",
    "rules_listed": "进货查验记录制度、从业人员健康管理制度、食品安全自查制度、清洗消毒制度、突发事件应急处置方案",
    "staff": [
        {"name": WATCHER, "position": "厨师", "certificate": "J1", "valid_until": "2026-12-01"},
        {"name": PARTNER, "position": "服务员", "certificate": "J2", "valid_until": "2026-03-02"},
    ],
    "applied_on": "2026-03-01",
    "agent_name": PARTNER,
    "authorised_until": "2026-06-01",
    "form_signature": BOSS,
}
FOOD_DOCUMENTS = (
    "application_form",
    "business_licence",
    "identity",
    "layout",
    "safety_rules",
    "manager_certificate",
    "health_certificates",
    "authorisation",
)
