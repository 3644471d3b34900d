"""What is read from a post: hazards, people, goods, source and state, each as a table with many negatives."""

from __future__ import annotations

import time

import pytest

from udfs.triage.evidence import read
from udfs.triage.hazards import hazards_of
from udfs.triage.items import items_of
from udfs.triage.people import VULNERABLE, count_of, vulnerable_of
from udfs.triage.source import source_of
from udfs.triage.state import state_of

HAZARDS = (
    ("水位还在上涨，已经淹到一楼窗台", ["flood_rising"]),
    ("洪水进村了，水没过膝盖", ["flood_rising"]),
    ("大堤出现管涌，村民在撤", ["dyke_breach"]),
    ("上游水库溃坝，下游几个村都淹了", ["dyke_breach", "flood_rising"]),
    ("隔壁老房子塌了，有人在里面", ["collapse"]),
    ("后山滑坡，把进村的路断了", ["landslide", "road_cut"]),
    ("泥石流冲进镇里", ["landslide"]),
    ("路边电线掉进积水里，有人触电", ["electric"]),
    ("楼道里燃气泄漏，味道很大", ["gas"]),
    ("八楼着火了，浓烟往上窜", ["fire"]),
    ("国道塌方，双向无法通行", ["landslide", "road_cut"]),
    ("桥断了，我们村成了孤岛", ["road_cut"]),
    ("water is rising in our street", ["flood_rising"]),
    ("gas leak on our floor", ["gas"]),
    ("the house is on fire, people trapped", ["fire"]),
    ("landslide, the road is closed", ["landslide", "road_cut"]),
    # negatives
    ("", []),
    ("今天天气真好", []),
    ("数学一塌糊涂", []),
    ("我家爱豆塌房了", []),
    ("口罩问题要解决口径", []),
    ("情绪决堤，哭了一晚上", []),
    ("被英语淹没了，救救我", []),
    ("点火火候要大火收汁", []),
    ("看完生活大爆炸睡觉", []),
    ("如果遇到火灾，请走楼梯", []),
    ("消防演练：模拟八楼着火", []),
    ("没有发生滑坡，大家放心", []),
    ("业绩滑坡，奖金没了", []),
    ("触电般的心动", []),
    ("手机进水开不了机", []),
    ("都是水果，随便吃", []),
    ("热水没过面条，大火煮五分钟", []),
    ("汽车轮胎一直漏气", []),
    ("网传水库溃坝不实，请勿传谣言", []),
    ("房价涨到两万，淹没在贷款里", []),
    ("#小区着火了# 早安", []),
)

PEOPLE = (
    ("我们一家五口被困", 5),
    ("一家三口都在房顶", 3),
    ("3个大人2个孩子", 5),
    ("3个大人，还有2个孩子", 5),
    ("两个老人一个婴儿", 3),
    ("大概200多人没吃的", 200),
    ("三百多名村民被困", 300),
    ("车上四十多人", 40),
    ("十几个学生困在教室", 11),
    ("几百人滞留", 200),
    ("上百名工人", 100),
    ("家里46个人，有两位老人", 46),
    ("300人，其中老人50人", 300),
    ("一共12人，8个大人4个孩子", 12),
    ("两位八十多岁的老人", 2),
    ("有6口人", 6),
    ("还有1名孕妇", 1),
    ("困了5个人，真的困了5个人", 5),
    ("family of five on the roof", 5),
    ("12 people and 3 children", 15),
    ("about 40 patients", 40),
    # negatives
    ("", None),
    ("家里有老人和孩子", None),
    ("八十岁的老人", None),
    ("水深两米", None),
    ("3号楼2单元", None),
    ("派出50名消防员，救出20人", None),
    ("需要10名志愿者", None),
    ("已转移300人", None),
    ("等了3个小时", None),
    ("一人一个", None),
    ("几个人在路上", None),
    ("12:30人还没到", None),
    ("编号803\n人数不详", None),
    ("能住20人", None),
    ("转发1000人", None),
)

WHO = (
    ("八十岁的奶奶和孙子", ["elderly", "child"]),
    ("刚出生的婴儿没有奶粉", ["infant"]),
    ("有孕妇快生了", ["pregnant", "in_labour"]),
    ("父亲瘫痪在床", ["immobile"]),
    ("家里有残疾人，坐轮椅", ["disabled", "immobile"]),
    ("外公靠制氧机，停电了", ["elderly", "oxygen"]),
    ("尿毒症病人三天没透析", ["patient", "dialysis"]),
    ("糖尿病患者胰岛素没了", ["patient", "insulin"]),
    ("有两个伤员，骨折", ["injured"]),
    ("my grandma can't walk", ["elderly", "immobile"]),
    # negatives
    ("交通瘫痪", []),
    ("没有老人", []),
    ("无人员受伤", []),
    ("累得动不了车", []),
    ("吓死宝宝了", []),
    ("胰岛素抵抗怎么办", []),
    ("", []),
)

ITEMS = (
    # text, giving, (name, quantity, unit)
    ("急需皮划艇2艘", False, [("皮划艇", 2, "艘")]),
    ("需要三箱矿泉水", False, [("矿泉水", 3, "箱")]),
    ("急需500件雨衣300双雨靴", False, [("雨衣", 500, "件"), ("雨靴", 300, "双")]),
    ("急需雨衣500件雨靴300双", False, [("雨衣", 500, "件"), ("雨靴", 300, "双")]),
    ("急需冲锋舟、救生衣", False, [("冲锋舟", None, None), ("救生衣", None, None)]),
    ("急需物资：冲锋舟5艘，救生衣五十件，绳索若干", False,
     [("冲锋舟", 5, "艘"), ("救生衣", 50, "件"), ("绳索", None, None)]),
    ("需要沙袋1万个", False, [("沙袋", 10000, "个")]),
    ("缺口罩两千只、防护服100套", False, [("口罩", 2000, "只"), ("防护服", 100, "套")]),
    ("求方便面几箱", False, [("方便面", None, "箱")]),
    ("没有奶粉和尿不湿了", False, [("奶粉", None, None), ("尿不湿", None, None)]),
    ("急需皮滑艇两艘", False, [("皮划艇", 2, "艘")]),
    ("氧气瓶快用完了", False, [("氧气瓶", None, None)]),
    ("急需帐篷：50顶，棉被x100", False, [("帐篷", 50, "顶"), ("被子", 100, None)]),
    ("need 20 tents and 50 blankets", False, [("tents", 20, None), ("blankets", 50, None)]),
    ("we need 10 boxes of masks", False, [("masks", 10, "boxes")]),
    ("可以提供热水和方便面200桶", True, [("热水", None, None), ("方便面", 200, "桶")]),
    ("急需退烧药", False, [("退烧药", None, None)]),
    # negatives
    ("", False, []),
    ("请大家戴口罩出门", False, []),
    ("洪水冲垮了堤", False, []),
    ("我们不缺方便面", False, []),
    ("矿泉水已收到，谢谢", False, []),
    ("昨天吃了面包", False, []),
    ("医院没有床位", False, []),
    ("药店都关门了", False, []),
    ("可以提供热水", False, []),
    ("水淹到二楼了", False, []),
)  # fmt: skip

SOURCES = (
    # text, needs, kind
    ("我们一家在屋顶，水还在涨", {"rescue"}, "self"),
    ("我妈在老家联系不上", {"missing_person"}, "self"),
    ("二楼有老人被困，急！", {"rescue"}, "self"),
    ("转发微博 //@某某:我家被困", {"rescue"}, "relay"),
    ("【转】村里被困三百人", {"rescue"}, "relay"),
    ("帮转：我们小区断水两天", {"supplies"}, "relay"),
    ("朋友发来的，村里断粮", {"supplies"}, "relay"),
    ("我们救援队有皮划艇，可以支援", {"offer"}, "volunteer"),
    ("免费提供住宿，有需要的联系", {"offer"}, "volunteer"),
    ("【多地暴雨 已转移千人】记者从现场获悉，水位仍在上涨", set(), "media"),
    ("据新华社报道，大坝出现险情", set(), "media"),
    ("防汛指挥部发布红色预警，请市民不要外出", set(), "official"),
    ("供电公司公告：今晚检修", set(), "official"),
    ("今天好累", set(), "other"),
    ("中午吃什么", set(), "other"),
    ("【紧急求助】我家老人被困", {"rescue"}, "self"),
    ("求记者报道，我们村没人管", {"rescue"}, "self"),
    ("打了防汛指挥部电话没人接，我们被困", {"rescue"}, "self"),
)

STATES = (
    ("我们被困在屋顶，求救援", "open"),
    ("老人被困，如已获救请联系我删", "open"),
    ("等获救后再报平安，先求扩散", "open"),
    ("希望他们都已脱险", "open"),
    ("还没有获救，继续扩散", "open"),
    ("尚未获救", "open"),
    ("若已转移请告知", "open"),
    ("if rescued I will delete this", "open"),
    ("人已获救，谢谢大家", "closed"),
    ("已经全部转移到安全地方", "closed"),
    ("物资已收到，不用转了", "closed"),
    ("外婆找到了，平安", "closed"),
    ("they have been found, all safe now", "closed"),
    ("明火已被扑灭", "closed"),
    ("救出三分之二，仍有几百人", "partial"),
    ("已救出20人，还有5人被困", "partial"),
    ("一部分人已转移", "partial"),
    ("救援队已到，正在转移", "partial"),
    ("物资已送达，仍缺奶粉", "partial"),
    ("some of us rescued, others are still trapped", "partial"),
    ("请问后来获救了吗", "unclear"),
    ("不知道是否获救", "unclear"),
)


@pytest.mark.parametrize(("text", "hazards"), HAZARDS)
def test_hazards(text: str, hazards: list[str]) -> None:
    assert hazards_of(read(text)) == hazards


def test_a_critical_keyword_of_a_site_is_a_hazard() -> None:
    keyword = {"rule": "site", "category": "燃气泄漏", "term": "味道", "critical": True}
    assert hazards_of(read("味道不对"), [keyword]) == ["gas"]
    assert hazards_of(read("味道不对"), [{**keyword, "critical": False}]) == []


@pytest.mark.parametrize(("text", "count"), PEOPLE)
def test_people(text: str, count: int | None) -> None:
    assert count_of(read(text).text) == count


@pytest.mark.parametrize(("text", "names"), WHO)
def test_vulnerable(text: str, names: list[str]) -> None:
    assert vulnerable_of(read(text)) == names
    assert set(names) <= set(VULNERABLE)


@pytest.mark.parametrize(("text", "giving", "expected"), ITEMS)
def test_items(text: str, giving: bool, expected: list[tuple[str, float | None, str | None]]) -> None:
    items, _ = items_of(read(text), giving)
    assert [(item["name"], item["quantity"], item["unit"]) for item in items] == expected


@pytest.mark.parametrize(("text", "needs", "kind"), SOURCES)
def test_source(text: str, needs: set[str], kind: str) -> None:
    assert source_of(read(text), text, frozenset(needs))[0] == kind


@pytest.mark.parametrize(("text", "state"), STATES)
def test_state(text: str, state: str) -> None:
    assert state_of(read(text), frozenset({"rescue"}), [])[0] == state


def test_a_post_without_need_or_hazard_has_no_state() -> None:
    assert state_of(read("早安"), frozenset(), [])[0] == "unclear"


@pytest.mark.parametrize("unit", ["\u3000", " ", "\n", "1", "一", "1 ", "家"])
def test_a_long_run_of_anything_is_counted_in_time(unit):
    """A run of 4,000 spaces took most of a second: each place of it was the beginning of a search over the rest."""
    text = (unit * 60_000)[:60_000] + "被困"
    began = time.process_time()
    count_of(text)
    assert time.process_time() - began < 0.3
