"""Temporary occupation of a road: application form, traffic plan, licence, the police's consent for carriageways."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Case, Defect, Pairs, Paper, Signs
from loadtest.applications.writing import Wording as W

NAME = "temporary_road_occupation"
RATES = {"arterial": 0.8, "secondary": 0.6, "branch": 0.4}
TRADED, SERVED = "建筑装饰装修工程 食品销售 餐饮服务 日用百货销售", "建筑材料销售 广告设计 会议服务 货物装卸"
CLASSES = {"expressway": "快速路", "arterial": "主干路", "secondary": "次干路", "branch": "支路"}
SIGNS = {"provided": "已设置", "absent": "未设置"}
REASONS = (
    "门店外立面装修搭设脚手架 建筑外墙清洗粉刷搭设吊篮 商铺招牌更换安装作业 "
    "居民楼外墙保温层维修 临时堆放装修材料 围挡维护临街建筑修缮 更换临街门窗搭设操作平台 "
    "空调外机更换吊装作业 临街雨棚加固施工 大型设备吊装停放车辆 建筑工地出入口设置围挡 "
    "屋面防水维修堆放材料 户外广告设施检修 古树名木修剪养护作业 房屋抗震加固搭设脚手架 "
    "玻璃幕墙检修停放高空作业车"
).split()

WORDS = {
    "applicant_name": W("organisation", ("申请人", "申请单位", "单位名称")),
    "applicant_uscc": W("uscc", ("统一社会信用代码", "社会信用代码")),
    "legal_representative": W("person", ("法定代表人", "负责人", "法定代表人（负责人）")),
    "contact_phone": W("phone", ("联系电话", "手机号码", "电话")),
    "road_name": W("text", ("占用道路", "道路名称", "拟占用道路")),
    "occupation_address": W("address", ("占用地点", "占用位置", "具体位置")),
    "road_class": W("choice", ("道路等级", "道路类别"), CLASSES),
    "road_part": W("choice", ("占用部位", "占道部位"), {"carriageway": "行车道", "pavement": "人行道"}),
    "reason": W("text", ("占用事由", "占用原因", "申请事由")),
    "length": W("number", ("占用长度", "长度", "占道长度"), unit="米"),
    "width": W("number", ("占用宽度", "宽度", "占道宽度"), unit="米"),
    "area": W("area", ("占用面积", "面积", "占道面积"), unit="平方米"),
    "remaining_width": W("number", ("剩余通行宽度", "剩余通行净宽"), unit="米"),
    "begins_on": W("date", ("占用起始日期", "起始日期", "占用开始日期")),
    "ends_on": W("date", ("占用终止日期", "终止日期", "占用结束日期")),
    "fee": W("amount", ("预计占用费", "占用费", "道路占用费")),
    "restoration": W("choice", ("恢复原状承诺", "清理恢复承诺"), {"promised": "承诺恢复原状", "refused": "不承诺"}),
    "warning_signs": W("choice", ("警示标志和安全防围设施", "安全防围设施", "警示设施"), SIGNS),
    "police_opinion": W("choice", ("审查意见", "交管部门意见"), {"consent": "同意占用", "refused": "不同意占用"}),
    "police_consent_until": W("date", ("意见有效期至", "有效期至", "同意占用至")),
    "applied_on": W("date", ("申请日期", "填表日期")),
    "applicant_signature": W("signature", ("法定代表人签章", "法定代表人签字", "申请人签章")),
    # labels of one document, and what is on the papers but no field of the type
    "licence.applicant_name": W("organisation", ("名称", "企业名称")),
    "licence.legal_representative": W("person", ("法定代表人", "经营者")),
    "capital": W("amount", ("注册资本",)),
    "founded_on": W("date", ("成立日期",)),
    "seat": W("address", ("住所",)),
    "scope": W("text", ("经营范围",)),
    "registrar": W("organisation", ("登记机关",)),
    "police": W("organisation", ("审查机关",)),
    "detour": W("text", ("交通组织措施",)),
    "hoarding": W("text", ("围挡形式",)),
}  # fmt: skip

FORM = Paper(
    "application_form",
    ("临时占用城市道路申请表", "临时占用城市道路申请书", "临时占道申请表", "占用城市道路许可申请表"),
    (
        Pairs((
            "applicant_name", "applicant_uscc", "legal_representative", "contact_phone", "road_name", "road_class",
            "occupation_address", "road_part", "reason", "length", "width", "area", "begins_on", "ends_on", "fee",
            "restoration",
        )),
        Signs(("applicant_signature", "applied_on"), seal="applicant_name"),
    ),
)  # fmt: skip
PLAN = Paper(
    "traffic_plan",
    ("占道平面布置及交通组织方案", "占道交通组织方案", "交通组织方案"),
    (
        Pairs((
            "road_name", "road_class", "road_part", "length", "width", "remaining_width", "begins_on", "ends_on",
            "warning_signs", "hoarding", "detour",
        )),
    ),
)  # fmt: skip
LICENCE = Paper(
    "licence",
    ("营业执照",),
    (
        Pairs(("applicant_uscc", "applicant_name", "legal_representative", "capital", "founded_on", "seat", "scope")),
        Signs(("registrar",), seal="registrar"),
    ),
    short=True,
)
CONSENT = Paper(
    "police_consent",
    ("占用道路交通安全意见书", "公安交通管理部门意见", "道路交通安全审查意见书"),
    (
        Pairs(("applicant_name", "road_name", "police_opinion", "police_consent_until")),
        Signs(("police",), seal="police"),
    ),
    short=True,
)
DECLARED = (
    "applicant_name", "applicant_uscc", "legal_representative", "contact_phone", "road_name", "occupation_address",
    "road_class", "road_part", "reason", "length", "width", "area", "remaining_width", "begins_on", "ends_on", "fee",
    "restoration", "warning_signs",
)  # fmt: skip

DEFECTS = {
    defect.rule: defect
    for defect in (
        Defect("place.expressway", "reject", "road_class"),
        Defect("place.restricted", "reject", "road_name"),
        Defect("purpose.excavation", "refer", "reason"),
        Defect("purpose.market", "refer", "reason"),
        Defect("dates.order", "supplement", "ends_on"),
        Defect("period.limit", "supplement", "ends_on"),
        Defect("lead.time", "supplement", "begins_on"),
        Defect("application.current", "supplement", "applied_on"),
        Defect("area.product", "supplement", "area"),
        Defect("area.limit", "refer", "area"),
        Defect("width.pavement", "supplement", "remaining_width"),
        Defect("width.carriageway", "supplement", "remaining_width"),
        Defect("police.consent", "reject", "police_opinion"),
        Defect("police.covers", "supplement", "police_consent_until"),
        Defect("signs.provided", "supplement", "warning_signs"),
        Defect("restoration.promised", "supplement", "restoration"),
        Defect("fee.computed", "supplement", "fee"),
    )
}


def draw(rng: random.Random, on: date, broken: str = "") -> Case:
    """An application that meets every rule but ``broken`` (a key of DEFECTS)."""
    make = Inventor(rng, on)
    carriageway = rng.random() < 0.4
    if broken in ("width.carriageway", "police.consent", "police.covers"):
        carriageway = True
    if broken == "width.pavement":
        carriageway = False
    road = make.road()
    if broken == "place.restricted":
        road = rng.choice(("迎宾示范大道", "政务中心环路", "示范步行街", "中央公园南路"))
    road_class = rng.choice(("arterial", "secondary", "branch"))
    days = rng.randint(5, 80)
    if broken == "period.limit":
        days = rng.randint(95, 170) if road_class == "arterial" else rng.randint(370, 460)
    applied = make.day(-25, -1)
    begins = applied + timedelta(days=rng.randint(2, 8) if broken == "lead.time" else rng.randint(12, 60))
    if broken == "application.current":
        applied = make.day(-300, -190) if rng.random() < 0.5 else make.day(2, 9)
        begins = max(applied + timedelta(days=12), on + timedelta(days=12))
    ends = begins + timedelta(days=days - 1)
    length, width = rng.randint(8, 240) / 2, rng.randint(2, 9) / 2
    ceiling = 500 if carriageway else 300
    if broken == "area.limit":
        length, width = float(rng.randint(ceiling // 4 + 1, ceiling // 3 + 20)), 4.0 + rng.randint(1, 4) / 2
    while broken != "area.limit" and length * width > ceiling:
        length = max(4.0, length / 2 // 0.5 * 0.5)
    area = round(length * width, 2)
    if broken == "area.product":
        area = round(area * rng.choice((0.5, 0.8, 0.88)), 2)
    fee = round(area * days * RATES[road_class], 2)
    if broken == "fee.computed":
        fee = round(fee * rng.choice((0.5, 0.9, 1.2)), 2)
    values: dict[str, Any] = {
        "applicant_name": make.organisation(),
        "applicant_uscc": make.uscc(),
        "legal_representative": make.person(),
        "contact_phone": make.phone(),
        "road_name": road,
        "occupation_address": make.address(road),
        "road_class": "expressway" if broken == "place.expressway" else road_class,
        "road_part": "carriageway" if carriageway else "pavement",
        "reason": rng.choice(REASONS),
        "length": length,
        "width": width,
        "area": area,
        "remaining_width": rng.randint(36, 75) / 10 if carriageway else rng.randint(16, 40) / 10,
        "begins_on": begins.isoformat(),
        "ends_on": ends.isoformat(),
        "fee": fee,
        "restoration": "refused" if broken == "restoration.promised" else "promised",
        "warning_signs": "absent" if broken == "signs.provided" else "provided",
        "applied_on": applied.isoformat(),
    }
    if broken == "dates.order":
        values["begins_on"], values["ends_on"] = ends.isoformat(), begins.isoformat()
    if broken.startswith("width."):
        values["remaining_width"] = rng.randint(20, 34) / 10 if carriageway else rng.randint(5, 14) / 10
    if broken == "purpose.excavation":
        values["reason"] = rng.choice(("燃气管道检修开挖路面", "排水管道改造挖掘沟槽", "电缆管线敷设破除路面"))
    if broken == "purpose.market":
        values["reason"] = rng.choice(("举办早市设置临时摊位", "农副产品展销活动", "设置夜市经营摊位"))
    papers = [FORM, PLAN, LICENCE]
    if carriageway:
        until = ends + timedelta(days=rng.randint(-days + 1, -1) if broken == "police.covers" else rng.randint(0, 30))
        values["police_opinion"] = "refused" if broken == "police.consent" else "consent"
        values["police_consent_until"] = until.isoformat()
        papers.append(CONSENT)
    values["applicant_signature"] = values["legal_representative"]
    aside = {
        "capital": rng.choice((10, 50, 100, 200, 500, 1000)) * 10000,
        "founded_on": make.day(-6000, -400).isoformat(),
        "seat": make.address(),
        "scope": f"{make.pick(TRADED)}；{make.pick(SERVED)}",
        "registrar": f"{make.city}{make.district}市场监督管理局",
        "police": f"{make.city}公安局交通警察支队",
        "detour": make.pick("设专人疏导行人绕行 设置绕行指示牌和夜间警示灯 高峰时段停止作业并安排专人疏导"),
        "hoarding": make.pick("硬质围挡 彩钢板围挡 移动式铁马围挡"),
    }
    return Case(
        NAME, WORDS, {}, values, {}, papers, DECLARED, aside,
        optional=frozenset({"police_opinion", "police_consent_until"}), signed=frozenset({"applicant_signature"}),
    )  # fmt: skip
