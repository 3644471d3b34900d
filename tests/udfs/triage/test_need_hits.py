"""Needs by rule: what fires for each need, and the everyday, figurative, thankful and quoted that must not."""

from __future__ import annotations

import pytest

from schemas.records import NEEDS
from udfs.triage.needs_rules import need_hits, need_hits_many

FIRES = (
    ("水已经淹到二楼，家里有老人，联系不上救援", "rescue"),
    ("一家人困在车顶，水越来越大，求救", "rescue"),
    ("轿车被冲到隧道里，里面还有人，快来救人", "rescue"),
    ("trapped on the roof, water is rising", "rescue"),
    ("尿毒症病人没法透析，路断了出不去，求助", "medical"),
    ("爷爷的氧气快用完了，救护车进不来", "medical"),
    ("need insulin urgently", "medical"),
    ("村里断水断粮，老人孩子都被困着", "supplies"),
    ("急需饮用水、方便面和奶粉", "supplies"),
    ("we need drinking water and blankets", "supplies"),
    ("房子塌了，一家人没地方住", "shelter"),
    ("we are homeless, nowhere to go", "shelter"),
    ("困在服务区两天，需要车辆转移老人", "transport"),
    ("我爸失联了，最后一次联系是昨晚", "missing_person"),
    ("my brother is missing since the flood", "missing_person"),
    ("堤上缺人手，急需志愿者", "other_help"),
    ("免费提供住宿和热水，需要的请联系", "offer"),
    ("民宿可以接待受灾群众，免费入住", "offer"),
)

SILENT = (
    "",
    "作业写不完了救救我",
    "救命！这也太好吃了吧",
    "被困在办公室加班",
    "没有人员被困",
    "如果被困请拨打119",
    "这道题谁来救救我，考试要挂了",
    "手机没电了",
    "快递失联三天了，卖家不回消息",
    "口红急需补货，包邮下单",
    "#河南暴雨互助# 加油",
    "@救命的药房 早上好",
    "电影里他被困火星",
    "皮肤缺水，求面膜推荐",
    "missing you so much",
    "stuck with you lol",
)


@pytest.mark.parametrize(("text", "need"), FIRES)
def test_fires(text: str, need: str) -> None:
    assert need_hits(text).get(need, 0) >= 0.4


@pytest.mark.parametrize("text", SILENT)
def test_silent(text: str) -> None:
    assert max(need_hits(text).values(), default=0) < 0.4


def test_strengths_are_ordered_and_named_as_in_the_contract() -> None:
    found = need_hits("我们被困在屋顶，水还在涨，求救援，断水断粮，急需冲锋舟和饮用水")
    assert set(found) <= set(NEEDS)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert all(0 < strength <= 1 for strength in found.values())


def test_a_forwarded_tail_counts_less() -> None:
    call = "我们被困在屋顶，水还在涨"
    assert 0 < need_hits(f"转 //@某某:{call}")["rescue"] < need_hits(call)["rescue"]


def test_thanks_and_news_weigh_less() -> None:
    call = "村民被困，急需冲锋舟"
    assert need_hits(f"{call}，感谢救援人员的辛苦")["rescue"] < need_hits(call)["rescue"]
    assert need_hits(f"据报道，{call}")["rescue"] < need_hits(call)["rescue"]


def test_many_are_as_one() -> None:
    texts = [text for text, _ in FIRES] + list(SILENT)
    assert need_hits_many(texts) == [need_hits(text) for text in texts]
