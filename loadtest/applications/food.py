"""Licence for food business: form, licence, identity card, layout, safety rules, certificates, authorisation."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from loadtest.applications.identity import AUTHORITY, CARD_WORDS, attorney, card, card_aside, card_period
from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Case, Defect, Pairs, Paper, Prose, Rows, Signs
from loadtest.applications.writing import LONG
from loadtest.applications.writing import Wording as W

NAME = "food_business_licence"
FORMATS = {"sales": "食品销售经营者", "catering": "餐饮服务经营者", "canteen": "集中用餐单位食堂"}
CANTEENS = {"school": "学校食堂", "elderly": "养老机构食堂", "company": "企事业单位食堂"}
RECORDS = {
    "clear": "无不得申请情形",
    "refused_year": "隐瞒情况不予许可未满一年",
    "cancelled_three": "许可被撤销未满三年",
    "revoked_five": "许可证被吊销未满五年",
    "convicted": "食品安全犯罪被判有期徒刑以上",
}
SALES = ("散装食品销售", "散装食品和预包装食品销售")
CATERING = ("热食类食品制售", "自制饮品制售", "半成品制售")
SPECIAL = ("冷食类食品制售", "生食类食品制售")
POSITIONS = "厨师 配菜员 服务员 洗碗工 收银员 凉菜师 面点师 采购员"
NEEDED_RULES = ("进货查验记录制度", "从业人员健康管理制度", "食品安全自查制度", "清洗消毒制度", "突发事件应急处置方案")
MORE_RULES = ("食品贮存管理制度", "废弃物处置制度", "食品留样制度", "投诉处理制度", "食品添加剂使用管理制度")

WORDS = {
    "operator_name": W("organisation", ("经营者名称", "申请人名称", "单位名称")),
    "business_licence.operator_name": W("organisation", ("名称",)),
    "credit_code": W("uscc", ("统一社会信用代码", "社会信用代码")),
    "legal_representative": W("person", ("法定代表人（负责人）", "法定代表人", "负责人")),
    "business_licence.legal_representative": W("person", ("法定代表人", "负责人", "经营者")),
    "identity.legal_representative": W("person", ("姓名",)),
    "legal_representative_id": W("id_number", ("身份证号", "身份证件号码", "证件号码")),
    "identity.legal_representative_id": W("id_number", ("公民身份号码",)),
    "identity_valid_until": W("date", ("有效期限",), begin="card_from"),
    "phone": W("phone", ("联系电话", "移动电话", "手机号码")),
    "premises_address": W("address", ("经营场所", "经营场所地址", "场所地址")),
    "business_licence.premises_address": W("address", ("住所", "经营场所")),
    "licence_valid_until": W("date", ("营业期限", "经营期限"), begin="founded_on"),
    "business_format": W("choice", ("主体业态", "业态"), FORMATS),
    "business_items": W("text", ("经营项目", "申请经营项目", "食品经营项目")),
    "canteen_kind": W("choice", ("食堂类别", "食堂类型"), CANTEENS),
    "premises_area": W("area", ("经营场所面积", "经营面积", "场所面积"), unit="平方米"),
    "kitchen_area": W("area", ("食品处理区面积", "厨房面积"), unit="平方米"),
    "special_room_area": W("area", ("专间面积", "冷食间面积"), unit="平方米"),
    "pollution_distance": W("number", ("与污染源距离", "距污染源距离"), unit="米"),
    "record": W("choice", ("许可记录", "申请人许可记录", "许可记录声明"), RECORDS),
    "manager_name": W("person", ("食品安全管理人员", "食品安全管理员", "食品安全员")),
    "manager_certificate_number": W("text", ("证书编号", "合格证编号", "证明编号")),
    "manager_valid_until": W("date", ("证书有效期", "合格证有效期", "证明有效期"), begin="manager_from"),
    "rules_listed": W("text", ("制度目录", "规章制度目录", "制度名称")),
    "applied_on": W("date", ("申请日期", "填表日期")),
    "agent_name": W("person", ("被委托人", "代理人姓名", "委托代理人")),
    "authorised_until": W("date", ("委托期限", "委托有效期", "授权期限"), begin="authorised_from"),
    "form_signature": W("signature", ("法定代表人（负责人）签字", "申请人签字", "负责人签字")),
    "founded_on": W("date", ("成立日期",)),
    "capital": W("amount", ("注册资本",)),
    "registrar": W("organisation", ("登记机关",)),
    "trainer": W("organisation", ("考核机构",)),
    "examiner": W("organisation", ("体检机构",)),
    "equipment": W("text", ("主要设备设施",)),
    "process": W("text", ("操作流程",)),
    "authority_scope": W("text", ("委托权限", "委托事项")),
    **CARD_WORDS,
}  # fmt: skip
COLUMNS = {
    "staff": {
        "name": W("person", ("从业人员姓名", "姓名")),
        "position": W("text", ("岗位", "工种")),
        "certificate": W("text", ("健康证明编号", "健康证号")),
        "valid_until": W("date", ("有效期至", "健康证明有效期")),
    }
}
DECLARED = (
    "operator_name", "credit_code", "legal_representative", "legal_representative_id", "phone", "premises_address",
    "business_format", "business_items", "premises_area", "manager_name",
)  # fmt: skip
OPTIONAL = frozenset({"manager_certificate_number", "applied_on", "special_room_area", "kitchen_area", "canteen_kind"})
DEFECTS = {
    defect.rule: defect
    for defect in (
        Defect("items.known", "supplement", "business_items"),
        Defect("items.prepackaged", "reject", "business_items"),
        Defect("items.format", "supplement", "business_items"),
        Defect("record.clear", "reject", "record"),
        Defect("licence.valid", "supplement", "licence_valid_until"),
        Defect("identity.valid", "supplement", "identity_valid_until"),
        Defect("identity.adult", "refer", "legal_representative_id"),
        Defect("manager.valid", "supplement", "manager_valid_until"),
        Defect("kitchen.given", "supplement", "kitchen_area"),
        Defect("kitchen.within", "supplement", "kitchen_area"),
        Defect("kitchen.share", "refer", "kitchen_area"),
        Defect("room.special", "supplement", "special_room_area"),
        Defect("room.size", "refer", "special_room_area"),
        Defect("site.distance", "reject", "pollution_distance"),
        Defect("canteen.kind", "supplement", "canteen_kind"),
        Defect("canteen.school", "reject", "business_items"),
        Defect("staff.health", "supplement", "staff"),
        Defect("staff.certificates", "refer", "staff"),
        Defect("rules.complete", "supplement", "rules_listed"),
        Defect("agent.period", "supplement", "authorised_until"),
        Defect("form.date", "supplement", "applied_on"),
    )
}


def draw(rng: random.Random, on: date, broken: str = "") -> Case:
    """An application that meets every rule but ``broken`` (a key of DEFECTS)."""
    make = Inventor(rng, on)
    format_ = rng.choice(("sales", "catering", "catering", "canteen"))
    if broken in ("kitchen.given", "kitchen.within", "kitchen.share", "room.special", "room.size", "staff.health"):
        format_ = "catering"
    if broken == "staff.certificates":
        format_ = rng.choice(("catering", "canteen"))
    if broken in ("canteen.kind", "canteen.school"):
        format_ = "canteen"
    if broken == "items.prepackaged":
        format_ = "sales"
    special = (format_ == "catering" and rng.random() < 0.4) or broken in (
        "room.special",
        "room.size",
        "canteen.school",
    )
    items = drawn_items(rng, format_, special, broken)
    who, manager = make.people(2)
    number = make.id_number((14, 16) if broken == "identity.adult" else (22, 64))
    card_from, card_until = card_period(make, expired=broken == "identity.valid")
    area = float(rng.randint(40, 480))
    kitchen = round(area * rng.uniform(0.36, 0.55), 1)
    if broken == "kitchen.within":
        kitchen = area + rng.randint(10, 60)
    if broken == "kitchen.share":
        kitchen = round(area * rng.uniform(0.1, 0.2), 1)
    founded = make.day(-4000, -60)
    applied = make.day(1, 8) if broken == "form.date" else make.day(-20, 0)
    licence_until = founded + timedelta(days=rng.choice((20, 30)) * 365)
    if broken == "licence.valid":
        licence_until = make.day(-300, -5)
    # a period's end is printed with its begin: the begin comes first
    founded = min(founded, licence_until - timedelta(days=700))
    manager_until = make.day(-200, -3) if broken == "manager.valid" else make.day(60, 900)
    rules = [*NEEDED_RULES, *rng.sample(MORE_RULES, rng.randint(1, 3))]
    if broken == "rules.complete":
        rules.remove(rng.choice(NEEDED_RULES))
    rng.shuffle(rules)
    values: dict[str, Any] = {
        "operator_name": make.organisation(rng.choice(("有限公司", "有限责任公司"))),
        "credit_code": make.uscc(),
        "legal_representative": who,
        "legal_representative_id": number,
        "identity_valid_until": card_until,
        "phone": make.phone(),
        "premises_address": make.address(),
        "licence_valid_until": LONG if broken != "licence.valid" and rng.random() < 0.3 else licence_until.isoformat(),
        "business_format": format_,
        "business_items": "、".join(items),
        "premises_area": area,
        "pollution_distance": rng.randint(5, 23) if broken == "site.distance" else rng.randint(26, 300),
        "record": rng.choice([name for name in RECORDS if name != "clear"]) if broken == "record.clear" else "clear",
        "manager_name": manager,
        "manager_certificate_number": f"SA{rng.randint(2022, 2026)}{rng.randint(10000, 99999)}",
        "manager_valid_until": manager_until.isoformat(),
        "rules_listed": "、".join(rules),
        "applied_on": applied.isoformat(),
        "form_signature": who,
    }
    plan = ["premises_address", "premises_area"]
    if format_ != "sales" and broken != "kitchen.given":
        values["kitchen_area"] = kitchen
        plan.append("kitchen_area")
    if special and broken != "room.special":
        values["special_room_area"] = float(rng.randint(2, 4)) if broken == "room.size" else float(rng.randint(5, 12))
        plan.append("special_room_area")
    form = [
        "operator_name",
        "credit_code",
        "legal_representative",
        "legal_representative_id",
        "phone",
        "premises_address",
    ]
    form += ["premises_address", "business_format", "business_items"]
    if format_ == "canteen" and broken != "canteen.kind":
        values["canteen_kind"] = "school" if broken == "canteen.school" else rng.choice(sorted(CANTEENS))
        form.append("canteen_kind")
    form += ["premises_area", "manager_name", "record"]
    tables: dict[str, list[dict[str, Any]]] = {}
    aside = {
        "card_from": card_from, "founded_on": founded.isoformat(), "capital": rng.choice((10, 30, 50, 100)) * 10000,
        "registrar": f"{make.city}{make.district}市场监督管理局", "trainer": f"{make.city}食品安全考核中心",
        "examiner": f"{make.city}{make.district}疾病预防控制中心", "equipment": "冷藏柜、消毒柜、排烟设施、洗手池",
        "process": "原料验收、粗加工、切配、烹饪、备餐",
        "manager_from": (manager_until - timedelta(days=1095)).isoformat(),
        **card_aside(make, number),
    }  # fmt: skip
    papers = standing(form, plan)
    if format_ != "sales":
        tables["staff"] = staff(make, broken)
        papers.append(HEALTH)
    if broken == "agent.period" or rng.random() < 0.25:
        until = make.day(-60, -2) if broken == "agent.period" else make.day(20, 200)
        values["agent_name"], values["authorised_until"] = make.person(), until.isoformat()
        aside["authorised_from"], aside["authority_scope"] = (until - timedelta(days=240)).isoformat(), AUTHORITY
        papers.append(attorney("", "agent_name", (), "authorised_until", ""))
    return Case(
        NAME, WORDS, COLUMNS, values, tables, papers, DECLARED, aside, voluntary=frozenset({"authorisation"}),
        optional=OPTIONAL,
        signed=frozenset({"form_signature"}),
    )  # fmt: skip


def drawn_items(rng: random.Random, format_: str, special: bool, broken: str) -> list[str]:
    items = [rng.choice(SALES)] if format_ == "sales" else rng.sample(CATERING, rng.randint(1, 3))
    if special:
        items.append(rng.choice(SPECIAL))
    if broken == "items.known":
        items.append(rng.choice(("烧烤经营", "奶茶现做", "小吃外卖")))
    if broken == "items.prepackaged":
        items = ["预包装食品销售"]
    if broken == "items.format":
        items = [rng.choice(SALES)] if format_ != "sales" else ["热食类食品制售"]
    return items


def staff(make: Inventor, broken: str) -> list[dict[str, Any]]:
    """Rows of the health certificates, 2 to 9."""
    rng = make.rng
    rows = [
        {
            "name": name,
            "position": make.pick(POSITIONS),
            "certificate": f"JK{rng.randint(10**7, 10**8 - 1)}",
            "valid_until": make.day(20, 360).isoformat(),
        }
        for name in make.people(rng.randint(2, 9))
    ]
    if broken == "staff.health":
        rng.choice(rows)["valid_until"] = make.day(-200, -2).isoformat()
    if broken == "staff.certificates":
        rows[-1]["certificate"] = rows[0]["certificate"]
    return rows


def standing(form: list[str], plan: list[str]) -> list[Paper]:
    """Papers that every application has."""
    return [
        Paper(
            "application_form",
            ("食品经营许可申请书", "食品经营许可证申请书", "食品经营许可新办申请表"),
            (
                Pairs(tuple(form)),
                Prose(("申请人声明：所填内容和提交的材料真实、合法、有效，愿意承担相应的法律责任。",)),
                Signs(("form_signature", "applied_on"), seal="operator_name"),
            ),
        ),
        Paper(
            "business_licence",
            ("营业执照", "营业执照（副本）"),
            (
                Pairs((
                    "credit_code", "operator_name", "legal_representative", "capital", "founded_on",
                    "licence_valid_until", "premises_address",
                )),
                Signs(("registrar",), seal="registrar"),
            ),
            short=True,
        ),
        card("identity", "legal_representative", "legal_representative_id", "identity_valid_until"),
        Paper(
            "layout",
            ("经营场所平面图和设备布局", "经营场所布局和操作流程", "场所布局及设备设施清单"),
            (Pairs((*plan, "pollution_distance", "equipment", "process")),),
        ),
        Paper("safety_rules", ("食品安全规章制度目录", "食品安全管理制度"), (Pairs(("rules_listed",)),), short=True),
        Paper(
            "manager_certificate",
            ("食品安全管理人员培训合格证明", "食品安全管理员考核合格证"),
            (
                Pairs(("manager_name", "manager_certificate_number", "manager_valid_until")),
                Prose(("经培训和考核合格，特发此证。",)),
                Signs(("trainer",), seal="trainer"),
            ),
            short=True,
        ),
    ]  # fmt: skip


HEALTH = Paper(
    "health_certificates",
    ("从业人员健康证明", "健康证明汇总表", "从业人员健康检查合格证明"),
    (Rows("staff", ("name", "position", "certificate", "valid_until")), Signs(("examiner",), seal="examiner")),
)
