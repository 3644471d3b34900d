"""Renovation of an old neighbourhood: form, list of buildings, plan, funding, record of the owners' vote."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Case, Defect, Pairs, Paper, Rows, Signs
from loadtest.applications.writing import Wording as W

NAME = "neighbourhood_renovation"
CLASSES = {"basic": "基础类", "improving": "完善类", "upgrading": "提升类"}
SOURCES = {
    "central": "中央补助资金",
    "local": "地方财政资金",
    "bond": "地方政府专项债券",
    "utilities": "专业经营单位出资",
    "maintenance_fund": "住宅专项维修资金",
    "residents": "居民出资",
}
ITEMS = {
    "basic": (
        "给水管网改造",
        "雨污分流改造",
        "供电线路改造",
        "燃气管道更新",
        "消防设施改造",
        "外墙及屋面修缮",
        "楼道照明修缮",
    ),
    "improving": ("绿化环境提升", "停车位改造", "电动车充电设施", "无障碍设施建设", "文化休闲设施", "智能快件箱"),
    "upgrading": ("社区养老服务设施", "社区托育设施", "社区卫生服务站", "社区便民服务中心"),
}
ORDER = ("basic", "improving", "upgrading")

WORDS = {
    "applicant_name": W("organisation", ("申报单位", "申报单位名称")),
    "contact_phone": W("phone", ("联系电话", "手机号码")),
    "neighbourhood_name": W("text", ("小区名称", "改造小区", "项目小区")),
    "neighbourhood_address": W("address", ("小区地址", "小区坐落", "项目地址")),
    "renovation_class": W("choice", ("改造类型",), CLASSES),
    "building_count": W("number", ("楼栋数", "改造楼栋数"), unit="栋"),
    "households": W("number", ("总户数", "改造户数"), unit="户"),
    "total_area": W("area", ("总建筑面积", "改造建筑面积"), unit="平方米"),
    "total_investment": W("amount", ("项目总投资", "总投资", "总投资额")),
    "management": W("choice", ("长效管理机制", "后续管理方式"), {"agreed": "已建立", "absent": "未建立"}),
    "owners": W("number", ("业主总人数", "业主总数"), unit="人"),
    "owners_voted": W("number", ("参与表决人数", "参加表决人数"), unit="人"),
    "area_voted": W("area", ("参与表决面积", "参加表决面积"), unit="平方米"),
    "owners_agreed": W("number", ("同意改造人数",), unit="人"),
    "area_agreed": W("area", ("同意改造面积",), unit="平方米"),
    "owners_agreed_fund": W("number", ("同意使用维修资金人数", "维修资金同意人数"), unit="人"),
    "area_agreed_fund": W("area", ("同意使用维修资金面积", "维修资金同意面积"), unit="平方米"),
    "owners_agreed_payment": W("number", ("同意居民出资人数", "居民出资同意人数"), unit="人"),
    "area_agreed_payment": W("area", ("同意居民出资面积", "居民出资同意面积"), unit="平方米"),
    "publicity_from": W("date", ("公示起始日期", "公示开始日期")),
    "publicity_to": W("date", ("公示终止日期", "公示结束日期")),
    "demolition": W("choice", ("征收或拆除计划", "征收拆除计划"), {"none": "未列入", "planned": "已列入"}),
    "begins_on": W("date", ("计划开工日期", "开工日期")),
    "ends_on": W("date", ("计划完工日期", "完工日期")),
    "applied_on": W("date", ("申报日期", "填表日期")),
    "applicant_seal": W("signature", ("申报单位盖章", "申报单位签章")),
    "committee_seal": W("signature", ("居民委员会盖章", "社区居委会盖章")),
}  # fmt: skip
COLUMNS = {
    "buildings": {
        "building": W("text", ("楼号", "楼栋号")),
        "built_in": W("number", ("建成年份", "竣工年份")),
        "households": W("number", ("户数", "住户数")),
        "area": W("area", ("建筑面积", "面积")),
    },
    "items": {
        "item": W("text", ("改造内容", "改造项目")),
        "category": W("choice", ("类别", "改造类别"), CLASSES),
        "cost": W("amount", ("投资", "投资金额")),
    },
    "funders": {
        "source": W("choice", ("资金来源", "出资方"), SOURCES),
        "amount": W("amount", ("出资金额", "金额")),
    },
}
DECLARED = (
    "applicant_name", "contact_phone", "neighbourhood_name", "neighbourhood_address", "renovation_class",
    "building_count", "households", "total_area", "total_investment", "begins_on", "ends_on",
)  # fmt: skip
DEFECTS = {
    defect.rule: defect
    for defect in (
        Defect("buildings.age", "refer", "buildings"),
        Defect("buildings.duplicates", "supplement", "buildings"),
        Defect("buildings.count", "supplement", "building_count"),
        Defect("buildings.households", "supplement", "households"),
        Defect("buildings.area", "supplement", "total_area"),
        Defect("items.basic", "refer", "items"),
        Defect("items.declared", "supplement", "renovation_class"),
        Defect("items.sum", "supplement", "items"),
        Defect("funders.sum", "supplement", "funders"),
        Defect("funders.residents", "refer", "funders"),
        Defect("funders.central", "refer", "funders"),
        Defect("funders.bond", "refer", "funders"),
        Defect("vote.consistent", "supplement", "owners_agreed"),
        Defect("vote.area_participation", "supplement", "area_voted"),
        Defect("vote.owner_participation", "supplement", "owners_voted"),
        Defect("vote.area_agreement", "reject", "area_agreed"),
        Defect("vote.owner_agreement", "reject", "owners_agreed"),
        Defect("fund.consent", "reject", "area_agreed_fund"),
        Defect("payment.consent", "reject", "area_agreed_payment"),
        Defect("publicity.length", "supplement", "publicity_to"),
        Defect("publicity.finished", "supplement", "publicity_to"),
        Defect("dates.order", "supplement", "ends_on"),
        Defect("neighbourhood.demolition", "reject", "demolition"),
        Defect("management.agreed", "supplement", "management"),
    )
}


def draw(rng: random.Random, on: date, broken: str = "") -> Case:
    """An application that meets every rule but ``broken`` (a key of DEFECTS)."""
    make = Inventor(rng, on)
    listed = buildings(make, broken)
    items, class_ = renovated(rng, broken)
    total = sum(row["cost"] for row in items)
    if broken == "items.sum":
        items[-1]["cost"] += rng.randint(2, 9) * 1000
    money = funders(rng, items, total, broken)
    area = round(sum(row["area"] for row in listed), 2)
    households = sum(row["households"] for row in listed)
    if broken == "buildings.area":
        area = round(area * 1.07, 2)
    applied = make.day(-20, -1)
    length = rng.randint(3, 5) if broken == "publicity.length" else rng.randint(7, 20)
    notice_to = applied + timedelta(days=rng.randint(2, 6) if broken == "publicity.finished" else -rng.randint(1, 40))
    begins = applied + timedelta(days=rng.randint(40, 200))
    ends = begins + timedelta(days=-rng.randint(5, 30) if broken == "dates.order" else rng.randint(90, 400))
    name, who = make.neighbourhood(), f"{make.brand()}社区居民委员会"
    values: dict[str, Any] = {
        "applicant_name": f"{make.city}{make.district}{who}",
        "contact_phone": make.phone(),
        "neighbourhood_name": name,
        "neighbourhood_address": make.address(),
        "renovation_class": class_,
        "building_count": len(listed) + (1 if broken == "buildings.count" else 0),
        "households": households + (rng.randint(2, 12) if broken == "buildings.households" else 0),
        "total_area": area,
        "total_investment": total,
        "management": "absent" if broken == "management.agreed" else "agreed",
        **votes(rng, households, area, money, broken),
        "publicity_from": (notice_to - timedelta(days=length - 1)).isoformat(),
        "publicity_to": notice_to.isoformat(),
        "demolition": "planned" if broken == "neighbourhood.demolition" else "none",
        "begins_on": begins.isoformat(),
        "ends_on": ends.isoformat(),
        "applied_on": applied.isoformat(),
    }
    values["applicant_seal"] = values["committee_seal"] = values["applicant_name"]
    tables = {"buildings": listed, "items": items, "funders": money}
    voted = [each for each in VOTES if each in values]
    return Case(
        NAME, WORDS, COLUMNS, values, tables, papers(rng, tuple(voted)), DECLARED,
        optional=frozenset(VOTES[-4:]),
    )  # fmt: skip


def buildings(make: Inventor, broken: str) -> list[dict[str, Any]]:
    rng = make.rng
    rows = [
        {
            "building": f"{number}号楼",
            "built_in": rng.randint(1978, 2000),
            "households": (homes := rng.randint(3, 9) * 8),
            "area": round(homes * rng.uniform(52, 78), 2),
        }
        for number in range(1, rng.randint(3, 14))
    ]
    if broken == "buildings.age":
        rng.choice(rows)["built_in"] = rng.randint(2003, 2010)
    if broken == "buildings.duplicates":
        rows[-1]["building"] = rows[0]["building"]
    return rows


def renovated(rng: random.Random, broken: str) -> tuple[list[dict[str, Any]], str]:
    """Items with their costs, and the class that they make."""
    class_ = rng.choice(ORDER)
    if broken in ("items.basic", "items.declared", "funders.central", "funders.bond"):
        class_ = "improving"
    wanted = ORDER[: ORDER.index(class_) + 1]
    items = []
    for each in wanted:
        if each == "basic" and broken == "items.basic":
            continue
        for item in rng.sample(ITEMS[each], rng.randint(2, 4) if each == "basic" else rng.randint(1, 3)):
            items.append({"item": item, "category": each, "cost": rng.randint(30, 160) * 10000})
    if broken == "items.declared":
        class_ = "basic"
    return items, class_


def funders(rng: random.Random, items: list[dict[str, Any]], total: float, broken: str) -> list[dict[str, Any]]:
    """Sums of the funders: what the others do not give, the local budget gives."""
    basic = sum(row["cost"] for row in items if row["category"] == "basic")
    unit = 1000
    given: dict[str, float] = {}
    if broken != "items.basic":
        given["central"] = min(basic, total * 0.4) * rng.uniform(0.5, 0.9)
    if broken == "funders.central":
        given["central"] = basic + unit * rng.randint(20, 60)
    upgrading = any(row["category"] == "upgrading" for row in items)
    if broken == "funders.bond" or (upgrading and rng.random() < 0.5):
        given["bond"] = total * rng.uniform(0.03, 0.08)
    if rng.random() < 0.5:
        given["utilities"] = total * rng.uniform(0.02, 0.06)
    if broken == "fund.consent" or (rng.random() < 0.5 and broken != "funders.residents"):
        given["maintenance_fund"] = total * rng.uniform(0.02, 0.05)
    share = rng.uniform(0.002, 0.006) if broken == "funders.residents" else rng.uniform(0.02, 0.06)
    given["residents"] = total * share
    sums = {name: round(value / unit) * unit for name, value in given.items()}
    rest = total - sum(sums.values())
    if rest <= 0:
        # the central share leaves nothing: the items grow no more, the others go without
        sums = {name: value for name, value in sums.items() if name in ("central", "residents")}
        rest = total - sum(sums.values())
    sums["local"] = rest + (unit * rng.randint(3, 30) if broken == "funders.sum" else 0)
    return [{"source": name, "amount": sums[name]} for name in SOURCES if sums.get(name, 0) > 0]


VOTES = (
    "owners", "total_area", "owners_voted", "area_voted", "owners_agreed", "area_agreed", "owners_agreed_fund",
    "area_agreed_fund", "owners_agreed_payment", "area_agreed_payment",
)  # fmt: skip


def votes(rng: random.Random, owners: int, area: float, money: list[dict[str, Any]], broken: str) -> dict[str, Any]:
    """Numbers of the vote; the class asks for three quarters at most."""
    voted = {"owners": rng.uniform(0.75, 0.95), "area": rng.uniform(0.75, 0.95)}
    agreed = {"owners": rng.uniform(0.82, 0.97), "area": rng.uniform(0.82, 0.97)}
    for what, rule in (("owners", "vote.owner"), ("area", "vote.area")):
        if broken == f"{rule}_participation":
            voted[what] = rng.uniform(0.5, 0.62)
        if broken == f"{rule}_agreement":
            agreed[what] = rng.uniform(0.3, 0.46)
    if broken == "vote.consistent":
        agreed["owners"] = rng.uniform(1.02, 1.04)
    found: dict[str, Any] = {"owners": owners, "owners_voted": round(owners * voted["owners"])}
    found["area_voted"] = round(area * voted["area"], 2)
    found["owners_agreed"] = round(found["owners_voted"] * agreed["owners"])
    if broken == "vote.consistent":
        found["owners_agreed"] = max(found["owners_agreed"], found["owners_voted"] + 1)
    found["area_agreed"] = round(found["area_voted"] * agreed["area"], 2)
    sources = {row["source"] for row in money}
    for source, name in (("maintenance_fund", "fund"), ("residents", "payment")):
        if source in sources:
            share = rng.uniform(0.3, 0.45) if broken == f"{name}.consent" else rng.uniform(0.8, 0.9)
            found[f"owners_agreed_{name}"] = round(found["owners_voted"] * share)
            found[f"area_agreed_{name}"] = round(found["area_voted"] * share, 2)
    return found


def papers(rng: random.Random, voted: tuple[str, ...]) -> list[Paper]:
    return [
        Paper(
            "application_form",
            ("城镇老旧小区改造项目申报表", "老旧小区改造项目申报书"),
            (
                Pairs((
                    "applicant_name", "contact_phone", "neighbourhood_name", "neighbourhood_address",
                    "renovation_class", "building_count", "households", "total_area", "total_investment",
                    "demolition", "begins_on", "ends_on",
                )),
                Signs(("applicant_seal", "applied_on"), seal="applicant_name"),
            ),
        ),
        Paper(
            "building_list",
            ("改造范围楼栋清单", "改造楼栋明细表"),
            (
                Pairs(("neighbourhood_name",)),
                Rows("buildings", ("building", "built_in", "households", "area"), total=rng.choice(("", "area"))),
            ),
        ),
        Paper(
            "plan",
            ("老旧小区改造方案", "改造项目实施方案"),
            (
                Pairs(("neighbourhood_name", "total_investment", "management")),
                Rows("items", ("item", "category", "cost"), total=rng.choice(("", "cost"))),
            ),
        ),
        Paper(
            "funding",
            ("资金筹措方案", "改造资金筹措方案", "资金来源说明"),
            (
                Pairs(("neighbourhood_name", "total_investment")),
                Rows("funders", ("source", "amount"), total=rng.choice(("", "amount"))),
            ),
        ),
        Paper(
            "consent_record",
            ("业主表决结果公示", "业主表决及公示情况", "居民意愿征询结果"),
            (
                Pairs(("neighbourhood_name", *voted, "publicity_from", "publicity_to")),
                Signs(("committee_seal",), seal="committee_seal"),
            ),
        ),
    ]  # fmt: skip
