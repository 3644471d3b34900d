"""Registration of a limited company: form, name declaration, articles, card, appointments, owners, premises, agent."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from loadtest.applications import company_papers as papers_of
from loadtest.applications.company_words import COLUMNS, QUALIFICATIONS, WORDS
from loadtest.applications.identity import AUTHORITY, card_aside, card_period
from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Case, Defect

NAME = "enterprise_registration"
SCOPE = (
    "软件开发 技术服务 信息系统集成服务 办公用品销售 日用百货销售 家用电器销售 家具销售 "
    "五金产品零售 建筑材料销售 机械设备租赁 会议及展览服务 广告设计 企业管理咨询 物业管理 "
    "家政服务 体育用品及器材零售 教育咨询服务 翻译服务 平面设计 服装服饰零售 "
).split()
PERMITS = ("保安服务", "危险化学品经营", "小额贷款", "烟花爆竹批发", "通用航空服务")
FORBIDDEN = ("虚拟货币交易", "讨债", "私人侦探", "博彩")
DECLARED = (
    "company_name", "company_type", "registered_capital", "address", "business_scope", "legal_representative",
    "legal_representative_id", "legal_representative_phone",
)  # fmt: skip
DEFECTS = {
    defect.rule: defect
    for defect in (
        Defect("capital.sum", "supplement", "shareholders"),
        Defect("capital.positive", "supplement", "registered_capital"),
        Defect("capital.percent", "supplement", "shareholders"),
        Defect("capital.share", "supplement", "shareholders"),
        Defect("capital.paid_within", "supplement", "shareholders"),
        Defect("shareholders.number", "supplement", "shareholders"),
        Defect("shareholders.unique", "supplement", "shareholders"),
        Defect("type.matches", "supplement", "company_type"),
        Defect("officers.qualified", "reject", "qualification"),
        Defect("officers.supervisor", "supplement", "officers"),
        Defect("officers.present", "supplement", "officers"),
        Defect("representative.post", "supplement", "officers"),
        Defect("name.suffix", "supplement", "company_name"),
        Defect("name.words", "refer", "company_name"),
        Defect("name.valid", "supplement", "name_valid_until"),
        Defect("scope.terms", "supplement", "business_scope"),
        Defect("scope.permit", "supplement", "permit_items"),
        Defect("scope.forbidden", "reject", "business_scope"),
        Defect("permit.valid", "supplement", "permit_until"),
        Defect("premises.neighbours", "reject", "neighbours_answer"),
        Defect("premises.lease", "supplement", "premises_until"),
        Defect("identity.valid", "supplement", "identity_valid_until"),
        Defect("identity.adult", "refer", "legal_representative_id"),
        Defect("agent.period", "supplement", "authorised_until"),
        Defect("owners.named", "supplement", "owners"),
    )
}


def draw(rng: random.Random, on: date, broken: str = "") -> Case:
    """An application that meets every rule but ``broken`` (a key of DEFECTS)."""
    make = Inventor(rng, on)
    capital = rng.choice((10, 20, 50, 80, 100, 200, 300, 500)) * 10000
    holders = shareholders(make, capital, broken)
    if broken == "capital.positive":
        capital = 0
    # the first shareholder is also director and legal representative
    who, number = holders[0]["name"], holders[0]["id_number"]
    card_from, card_until = card_period(make, expired=broken == "identity.valid")
    scope = rng.sample(SCOPE, rng.randint(2, 4))
    permit = ""
    if broken in ("scope.permit", "permit.valid") or rng.random() < 0.1:
        permit = rng.choice(PERMITS)
        scope.append(permit)
    if broken == "scope.terms":
        scope.append(rng.choice(("卖各种小商品", "网上接单跑腿", "帮人带货")))
    if broken == "scope.forbidden":
        scope.append(rng.choice(FORBIDDEN))
    dwelling = broken == "premises.neighbours" or rng.random() < 0.15
    sole = len({row["id_number"] for row in holders}) == 1 and len(holders) == 1
    if broken == "type.matches":
        sole = not sole
    ending = "股份公司" if broken == "name.suffix" else rng.choice(("有限公司", "有限公司", "有限责任公司"))
    name = make.organisation(ending)
    values: dict[str, Any] = {
        "company_name": rng.choice(("中华", "全国")) + name if broken == "name.words" else name,
        "company_type": "sole" if sole else "limited",
        "registered_capital": capital,
        "address": make.address(),
        "premises_use": "dwelling" if dwelling else rng.choice(("office", "shop", "industrial")),
        "business_scope": "；".join(scope),
        "business_term": rng.choice(("长期", "二十年", "三十年")),
        "legal_representative": who,
        "legal_representative_id": number,
        "legal_representative_phone": make.phone(),
        "identity_valid_until": card_until,
        "name_valid_until": (make.day(-60, -2) if broken == "name.valid" else make.day(5, 60)).isoformat(),
        "qualification": rng.choice([each for each in QUALIFICATIONS if each != "clear"])
        if broken == "officers.qualified"
        else "clear",
        "form_signature": who,
        "articles_signature": "、".join(dict.fromkeys(row["name"] for row in holders)),
    }
    tables = {
        "shareholders": holders,
        "officers": officers(make, who, number, broken),
        "owners": owners(holders, broken),
    }
    aside: dict[str, Any] = {
        "card_from": card_from, "name_authority": f"{make.city}市场监督管理局", "lessor": make.person(),
        "purpose": "公司设立登记", **card_aside(make, number),
    }  # fmt: skip
    papers = [
        papers_of.FORM,
        papers_of.NAME,
        papers_of.ARTICLES,
        papers_of.CARD,
        papers_of.APPOINTMENTS,
        papers_of.OWNERS,
    ]
    if broken == "premises.lease" or (rng.random() < 0.5 and not dwelling):
        until = make.day(-90, -2) if broken == "premises.lease" else make.day(200, 1500)
        values["premises_until"], aside["lease_from"] = until.isoformat(), (until - timedelta(days=730)).isoformat()
        papers.append(papers_of.PREMISES)
    else:
        values["commitment_signature"] = who
        papers.append(papers_of.COMMITMENT)
    if dwelling:
        values["neighbours_answer"] = "objected" if broken == "premises.neighbours" else "agreed"
        papers.append(papers_of.NEIGHBOURS)
    if permit:
        until = make.day(-200, -2) if broken == "permit.valid" else make.day(100, 1400)
        values["permit_items"] = (
            rng.choice([each for each in PERMITS if each != permit]) if broken == "scope.permit" else permit
        )
        values["permit_until"], aside["permit_from"] = until.isoformat(), (until - timedelta(days=1095)).isoformat()
        aside["permit_authority"] = f"{make.city}行政审批局"
        papers.append(papers_of.PERMIT)
    if broken == "agent.period" or rng.random() < 0.4:
        until = make.day(-60, -2) if broken == "agent.period" else make.day(20, 170)
        values["agent_name"], values["agent_id"] = make.person(), make.id_number()
        values["authorised_from"], values["authorised_until"] = (
            (until - timedelta(days=240)).isoformat(),
            until.isoformat(),
        )
        values["authorisation_signature"], aside["authority_scope"] = who, AUTHORITY
        papers.append(papers_of.AUTHORISATION)
    return Case(
        NAME, WORDS, COLUMNS, values, tables, papers, DECLARED, aside,
        voluntary=frozenset({"authorisation"}),
        optional=frozenset({"premises_until", "permit_until", "agent_id", "authorised_from", "agent_name"}),
        signed=frozenset({"form_signature", "articles_signature", "authorisation_signature", "commitment_signature"}),
    )  # fmt: skip


def shareholders(make: Inventor, capital: float, broken: str) -> list[dict[str, Any]]:
    """One to five natural persons whose shares are whole percents."""
    rng = make.rng
    count = rng.choice((1, 2, 2, 3, 3, 4, 5))
    if broken in ("shareholders.unique", "capital.percent", "capital.share", "owners.named"):
        count = max(2, count)
    if broken == "shareholders.number":
        count = 51
    # the first holds a quarter at least, so that there always is a beneficial owner
    shares = [100] if count == 1 else [40, *[60 // (count - 1)] * (count - 1)]
    shares[-1] += 100 - sum(shares)
    # whole percents of whole yuan
    paid = make.day(1900, 2600) if broken == "capital.paid_within" else make.day(200, 1700)
    rows = [
        {
            "name": name,
            "id_number": make.id_number((14, 16) if broken == "identity.adult" and not place else (22, 64)),
            "capital": capital * share / 100,
            "percent": share,
            "paid_by": paid.isoformat(),
        }
        for place, (name, share) in enumerate(zip(make.people(count), shares, strict=True))
    ]
    if broken == "capital.sum":
        # every share by the same part, so that the percents still fit
        for row in rows:
            row["capital"] = row["capital"] / 2
    if broken == "capital.percent":
        rows[-1]["percent"] = rows[-1]["percent"] - rng.randint(1, 4)
    if broken == "capital.share":
        moved = rng.randint(2, 4)
        rows[0]["percent"], rows[1]["percent"] = rows[0]["percent"] + moved, rows[1]["percent"] - moved
    if broken == "shareholders.unique":
        rows[-1]["name"], rows[-1]["id_number"] = rows[0]["name"], rows[0]["id_number"]
    return rows


def officers(make: Inventor, who: str, number: str, broken: str) -> list[dict[str, Any]]:
    """A director (the legal representative), a supervisor, a manager."""
    names = [name for name in make.people(4) if name != who]
    rows = [
        {"name": who, "position": "director", "id_number": number},
        {"name": names[0], "position": "supervisor", "id_number": make.id_number()},
        {"name": names[1], "position": "manager", "id_number": make.id_number()},
    ]
    if broken == "officers.supervisor":
        rows[1]["name"], rows[1]["id_number"] = names[1], rows[2]["id_number"]
    if broken == "officers.present":
        # the legal representative is the manager, nobody the director
        rows = [rows[1], {**rows[0], "position": "manager"}]
    if broken == "representative.post":
        rows[0]["name"], rows[0]["id_number"] = names[2], make.id_number()
    return rows


def owners(holders: list[dict[str, Any]], broken: str) -> list[dict[str, Any]]:
    """Shareholders of a quarter and more."""
    named = {row["id_number"]: row for row in holders if row["percent"] >= 25}
    rows = [{"name": row["name"], "id_number": row["id_number"], "percent": row["percent"]} for row in named.values()]
    if broken == "owners.named":
        small = holders[1]
        # someone else is named in the first shareholder's stead
        rows[0] = {"name": small["name"], "id_number": small["id_number"], "percent": small["percent"]}
    return rows
