"""A lift for an old house: form, roster of owners, building record, design, publicity, cost sharing, attorney."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Case, Defect, Pairs, Paper, Prose, Rows, Signs
from loadtest.applications.writing import Wording as W

NAME = "lift_installation"
OPINIONS = {"agree": "同意", "object": "不同意", "abstain": "弃权", "absent": "未参加"}

WORDS = {
    "agent_name": W("person", ("业主代表", "申请人代表")),
    "power_of_attorney.agent_name": W("person", ("受托人",)),
    "agent_id_number": W("id_number", ("身份证号码", "公民身份号码", "身份证号")),
    "agent_phone": W("phone", ("联系电话", "手机号码")),
    "building_address": W("address", ("房屋坐落", "楼栋地址", "加装电梯地址")),
    "floors": W("number", ("地上层数", "总层数"), unit="层"),
    "units": W("number", ("总户数", "单元总户数"), unit="户"),
    "total_area": W("area", ("专有部分总面积", "总建筑面积"), unit="平方米"),
    "completed_on": W("date", ("竣工日期", "建成日期")),
    "demolition": W("choice", ("房屋征收计划", "征收拆迁计划"), {"none": "未列入", "planned": "已列入"}),
    "designer": W("organisation", ("设计单位", "设计单位名称")),
    "structure_safety": W("choice", ("结构安全结论",), {"safe": "满足结构安全要求", "unsafe": "不满足结构安全要求"}),
    "fire_access": W("choice", ("消防通道", "消防车通道"), {"kept": "不占用", "blocked": "占用"}),
    "designer_seal": W("signature", ("设计单位盖章", "设计单位签章")),
    "publicity_from": W("date", ("公示起始日期", "公示开始日期")),
    "publicity_to": W("date", ("公示终止日期", "公示结束日期")),
    "objections": W("number", ("未解决异议", "未解决异议件数"), unit="件"),
    "committee_seal": W("signature", ("居民委员会盖章", "社区居委会盖章")),
    "total_cost": W("amount", ("工程总造价", "总造价")),
    "authorised_until": W("date", ("委托期限至", "授权期限至")),
    "principal_signature": W("signature", ("委托人签名", "委托人签字")),
    "applied_on": W("date", ("申请日期", "填表日期")),
    "applicant_signature": W("signature", ("申请人签名", "业主代表签名")),
    "registrar": W("organisation", ("登记机构",)),
    "shaft": W("text", ("井道形式",)),
    "notice_place": W("text", ("公示地点",)),
    "authority_scope": W("text", ("委托事项",)),
}  # fmt: skip
COLUMNS = {
    "roster": {
        "unit": W("text", ("房号", "室号")),
        "floor": W("number", ("楼层", "所在层")),
        "area": W("area", ("建筑面积", "专有面积")),
        "owner": W("person", ("业主姓名", "产权人")),
        "opinion": W("choice", ("表决意见", "意见"), OPINIONS),
        "signature": W("signature", ("签名", "业主签名")),
    },
    "cost_shares": {
        "unit": W("text", ("房号", "室号")),
        "share": W("percent", ("分摊比例", "比例")),
        "amount": W("amount", ("分摊金额", "金额")),
    },
}
PAPERS = (
    Paper(
        "application_form",
        ("既有住宅加装电梯申请表", "加装电梯申请书", "加装电梯项目申请表"),
        (
            Pairs((
                "agent_name", "agent_id_number", "agent_phone", "building_address", "floors", "units", "total_area",
                "total_cost",
            )),
            Signs(("applicant_signature", "applied_on")),
        ),
    ),
    Paper(
        "roster",
        ("加装电梯业主意见表", "业主表决意见表", "加装电梯业主签名表"),
        (Rows("roster", ("unit", "floor", "area", "owner", "opinion", "signature")),),
    ),
    Paper(
        "building_record",
        ("房屋登记信息", "不动产登记信息查询结果", "房屋登记信息表"),
        (
            Pairs(("building_address", "floors", "units", "total_area", "completed_on", "demolition")),
            Signs(("registrar",), seal="registrar"),
        ),
        short=True,
    ),
    Paper(
        "design_scheme",
        ("加装电梯设计方案说明", "加装电梯设计方案概要"),
        (
            Pairs(("designer", "shaft", "structure_safety", "fire_access")),
            Signs(("designer_seal",), seal="designer"),
        ),
        short=True,
    ),
    Paper(
        "publicity_record",
        ("加装电梯公示情况说明", "加装电梯公示报告", "公示情况证明"),
        (
            Pairs(("building_address", "notice_place", "publicity_from", "publicity_to", "objections")),
            Signs(("committee_seal",), seal="committee_seal"),
        ),
        short=True,
    ),
    Paper(
        "cost_agreement",
        ("加装电梯费用分摊协议", "加装电梯费用分摊协议书"),
        (
            Pairs(("total_cost",)),
            Prose(("出资业主经协商，同意按下表分摊工程费用；日常维护费用按相同比例承担。",)),
            Rows("cost_shares", ("unit", "share", "amount")),
        ),
    ),
    Paper(
        "power_of_attorney",
        ("授权委托书", "业主授权委托书"),
        (
            Pairs(("agent_name", "agent_id_number", "authority_scope", "authorised_until")),
            Signs(("principal_signature",)),
        ),
        short=True,
    ),
)  # fmt: skip
DECLARED = (
    "agent_name", "agent_id_number", "agent_phone", "building_address", "floors", "units", "total_area", "total_cost",
)  # fmt: skip
DEFECTS = {
    defect.rule: defect
    for defect in (
        Defect("vote.area_participation", "supplement", "roster"),
        Defect("vote.owner_participation", "supplement", "roster"),
        Defect("vote.area_agreement", "reject", "roster"),
        Defect("vote.owner_agreement", "reject", "roster"),
        Defect("roster.duplicates", "refer", "roster"),
        Defect("roster.owners", "refer", "roster"),
        Defect("roster.floors", "supplement", "roster"),
        Defect("roster.units", "supplement", "units"),
        Defect("roster.area", "supplement", "total_area"),
        Defect("roster.signatures", "supplement", "roster"),
        Defect("ground.objections", "refer", "roster"),
        Defect("publicity.length", "supplement", "publicity_to"),
        Defect("publicity.finished", "supplement", "publicity_to"),
        Defect("publicity.objections", "refer", "objections"),
        Defect("design.structure", "reject", "structure_safety"),
        Defect("design.fire_access", "reject", "fire_access"),
        Defect("building.floors", "reject", "floors"),
        Defect("building.demolition", "reject", "demolition"),
        Defect("cost.shares", "supplement", "cost_shares"),
        Defect("cost.amounts", "supplement", "cost_shares"),
        Defect("authority.current", "supplement", "authorised_until"),
    )
}


def draw(rng: random.Random, on: date, broken: str = "") -> Case:
    """An application that meets every rule but ``broken`` (a key of DEFECTS)."""
    make = Inventor(rng, on)
    floors = 3 if broken == "building.floors" else rng.randint(4, 7)
    rows = roster(make, floors, rng.randint(2, 4), broken)
    area = round(sum(row["area"] for row in rows), 2)
    cost = rng.randint(38, 70) * 10000
    applied = make.day(-20, -1)
    length = rng.randint(4, 8) if broken == "publicity.length" else rng.randint(10, 25)
    notice_to = applied + timedelta(days=rng.randint(2, 6) if broken == "publicity.finished" else -rng.randint(1, 40))
    agent = rng.choice(rows)["owner"]
    values: dict[str, Any] = {
        "agent_name": agent,
        "agent_id_number": make.id_number(),
        "agent_phone": make.phone(),
        "building_address": f"{make.address()}{make.neighbourhood()}{rng.randint(1, 30)}号楼{rng.randint(1, 4)}单元",
        "floors": floors,
        "units": len({row["unit"] for row in rows}) + (rng.randint(1, 2) if broken == "roster.units" else 0),
        "total_area": round(area * 1.06, 2) if broken == "roster.area" else area,
        "completed_on": make.day(-14000, -7500).isoformat(),
        "demolition": "planned" if broken == "building.demolition" else "none",
        "designer": make.city + make.brand() + "建筑设计有限公司",
        "structure_safety": "unsafe" if broken == "design.structure" else "safe",
        "fire_access": "blocked" if broken == "design.fire_access" else "kept",
        "publicity_from": (notice_to - timedelta(days=length - 1)).isoformat(),
        "publicity_to": notice_to.isoformat(),
        "objections": rng.randint(1, 3) if broken == "publicity.objections" else 0,
        "committee_seal": f"{make.neighbourhood()}社区居民委员会",
        "total_cost": cost,
        "authorised_until": (make.day(-60, -2) if broken == "authority.current" else make.day(30, 400)).isoformat(),
        "principal_signature": rng.choice([row["owner"] for row in rows if row["owner"] != agent]),
        "applied_on": applied.isoformat(),
        "applicant_signature": agent,
    }
    values["designer_seal"] = values["designer"]
    aside = {
        "registrar": f"{make.city}不动产登记中心", "shaft": make.pick("钢结构井道 钢筋混凝土井道"),
        "notice_place": make.pick("单元门厅公告栏 小区公告栏 社区服务站"),
        "authority_scope": "代表本单元业主办理加装电梯申请事宜",
    }  # fmt: skip
    tables = {"roster": rows, "cost_shares": shares(rng, rows, cost, broken)}
    return Case(
        NAME, WORDS, COLUMNS, values, tables, list(PAPERS), DECLARED, aside, signed=frozenset({"applicant_signature"})
    )


def roster(make: Inventor, floors: int, doors: int, broken: str) -> list[dict[str, Any]]:
    """A row a unit. Everybody agrees, but a few above the first floor who abstain, are absent or object."""
    rng = make.rng
    areas = [round(rng.uniform(52, 118), 2) for _ in range(doors)]
    names = iter(make.people(floors * doors + 1))
    rows = [
        {"unit": f"{floor}0{door}", "floor": floor, "area": areas[door - 1], "owner": next(names), "opinion": "agree"}
        for floor in range(1, floors + 1)
        for door in range(1, doors + 1)
    ]
    # one in eight at most, which no threshold minds
    for row in rng.sample([row for row in rows if row["floor"] > 1], len(rows) // 8):
        row["opinion"] = rng.choice(("object", "abstain", "absent"))
    if broken.startswith("vote."):
        outvoted(rng, rows, broken)
    if broken == "ground.objections":
        for row in rows:
            row["opinion"] = "agree"
        rows[0]["opinion"] = "object"
    for row in rows:
        row["signature"] = None if row["opinion"] == "absent" else row["owner"]
    agreed = [row for row in rows if row["opinion"] == "agree"]
    if broken == "roster.signatures":
        rng.choice(agreed)["signature"] = None
    if broken == "roster.owners":
        agreed[-1]["owner"] = agreed[-1]["signature"] = agreed[0]["owner"]
    if broken == "roster.floors":
        gone = rng.randint(2, floors - 1)
        rows = [row for row in rows if row["floor"] != gone]
    if broken == "roster.duplicates":
        # a second owner of a unit in a row of his own
        name = next(names)
        place = rows.index(agreed[-1])
        rows.insert(place + 1, {**agreed[-1], "owner": name, "signature": name})
    return rows


def outvoted(rng: random.Random, rows: list[dict[str, Any]], broken: str) -> None:
    """Opinions and areas for which exactly one of the four thresholds is missed."""
    for row in rows:
        row["opinion"] = "agree"
    agreement, by_area = broken.endswith("_agreement"), "area" in broken
    parts = 4 if agreement else 3
    few = len(rows) // parts if by_area else len(rows) // parts + 1
    upper = [row for row in rows if row["floor"] > 1]
    for row in rng.sample(upper, few):
        row["opinion"] = "object" if agreement else "absent"
        # large units tip the areas, small ones leave them
        row["area"] = round(rng.uniform(205, 235) if by_area else rng.uniform(20, 24), 2)


def shares(rng: random.Random, rows: list[dict[str, Any]], cost: float, broken: str) -> list[dict[str, Any]]:
    """Those who agree above the first floor pay, the more the higher they live."""
    paying = [row for row in rows if row["opinion"] == "agree" and row["floor"] > 1]
    paying = list({row["unit"]: row for row in paying}.values())
    weights = [row["floor"] + 1 for row in paying]
    percents = [round(100 * weight / sum(weights), 1) for weight in weights]
    percents[-1] = round(percents[-1] + 100 - sum(percents), 1)
    found = [
        {"unit": row["unit"], "share": percent, "amount": round(cost * percent / 100, 2)}
        for row, percent in zip(paying, percents, strict=True)
    ]
    if broken == "cost.shares":
        found[0]["share"] = round(found[0]["share"] + rng.randint(2, 5), 1)
    if broken == "cost.amounts":
        found[0]["amount"] = round(found[0]["amount"] + rng.choice((-1, 1)) * rng.randint(5, 30) * 100, 2)
    return found
