"""Match with the shipped rules: calls that must fire a critical rule, everyday speech that must not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from udfs.checks import check_udf
from udfs.keywords.step import Match, shipped_rules

CALLS = (
    # flood
    "水已经淹到二楼，家里有老人，联系不上救援",
    "我们一家五口被困在屋顶，水还在涨，求救援",
    "村里三百多人被洪水围住了，没有船",
    "卫河边上的村子进水了，老人小孩都在房顶上，快来人救救我们",
    "地铁五号线车厢进水，水到胸口了，快喘不过气了",
    "隧道里还有车被淹，有人没出来",
    "四周都是水，船进不来，屋里还有八十岁的老人",
    "孩子被水冲走了，找不到人",
    "山洪来了，露营的几个人被困在河中间的石头上",
    "没水没电被困三天了，村里老人撑不住了",
    # dyke, collapse, landslide
    "大堤决口了，下游的村子赶快撤",
    "楼塌了，下面压着人",
    "泥石流冲下来了，半个村都没了，好多人联系不上",
    "地震，房子倒了，我弟被埋在下面",
    # fire, gas, electricity
    "三楼着火了，有人在窗口喊救命",
    "楼道里全是煤气味，疑似燃气泄漏",
    "积水里漏电，有人触电倒下了",
    "化工厂爆炸，刺鼻气味，附近居民往外跑",
    # medical
    "姥爷靠制氧机，停电八小时，氧气瓶快用完了",
    "我妻子羊水破了，小区积水救护车进不来",
    "尿毒症患者三天没透析了，出不去",
    "老母亲呼吸困难，打120没有车，求救",
    "食堂吃完几十个学生上吐下泻，疑似食物中毒",
    # supplies, crowd
    "断水断粮两天了，村里还有婴儿，奶粉没了",
    "出口太挤了，有人被踩倒，快喘不过气",
    # how people type
    "水已經淹到二樓，家裡有老人，求救",
    "我们被 困 在屋顶，水还在涨",
    "ＷＥ ＡＲＥ ＴＲＡＰＰＥＤ, water is rising",
    # no word of the usual ones: a disaster, people, and that they are stuck
    "矿上冒顶了，我哥在里面",
    "全家被洪水冲散，我妈和妹妹找不到了",
    "水库放水，我们庄没人通知，现在房顶上站了四十多人",
    "村小学塌了半边，老师和娃在里头",
    "餐馆后厨爆燃，师傅烧得不成样子",
    "冷库漏氨，工人熏倒三个",
    "台风天渔船没回来，船上六个人没消息",
    "救援通道断了，两天没水喝，村民都在山顶，桥冲没了",
    # English
    "we are trapped on the second floor, water rising, please send a boat",
    "building collapsed, people under the rubble",
    "help!! gas leak in our building",
    "my grandma is on oxygen and the power is out, please help",
)

NOT_CALLS = (
    "作业救救我",
    "救命！这件衣服也太好看了吧",
    "被困在办公室加班到十二点",
    "没有人员被困，道路已恢复",
    "洪水已退，未发现人员被困",
    "情绪决堤，哭了一晚上",
    "今天消防演练，浓烟滚滚，大家从楼梯撤离",
    "电影里他们被困在洪水中的屋顶",
    "如果遇到洪水被困，请拨打119",
    "手机进水了，急需修手机",
    "我要爆炸了，作业太多",
    "回忆淹没了我",
    "宿舍停电了，热死",
    "踩踏草坪罚款五十",
    "股市踩踏行情，基金抛售",
    "平安就好，愿所有被困的人都能获救",
    "小心燃气泄漏，出门记得关阀门",
    "触电般的感觉，这部剧太上头",
    "水果都没到货，急死了",
    "梦到自己被洪水冲走，吓醒了",
    "去年的今天我们被困在积水里",
    "口罩问题解决口径不一致",
    "股票跌穿，账户决堤，求救",
    "被高数淹没了，救救我",
    "附近被雨困住的朋友可以来我们店里过夜，不收钱",
    "听说水库决堤了，真的假的",
    "气炸了，快递员把货掉下去了",
    "陪外婆看海，今天水位正常",
    "stuck in traffic again lol",
    "this song is fire",
    "entrapped by my own homework, water is rising in the novel",
)

QUOTED = (
    # post, is the critical rule reported at all
    ("#一家五口被困屋顶水还在涨# 愿平安", True),
    ("//@某某:我们一家被困在屋顶，水还在涨，求救援", True),
    ("转发 // @某某：老人被困在二楼，水还在涨", True),
    ("救救他们//@某某:我们一家被困在屋顶，水还在涨", True),
    ("RT @someone: trapped on the roof, water is rising", True),
    ("@被困屋顶的水 早安", False),
    ("#河南暴雨互助# 加油", False),
)


@pytest.fixture(scope="module")
def match() -> Match:
    step = Match()
    step.open()
    return step


def keywords(step: Match, text: str) -> list[dict[str, object]]:
    batch = pa.RecordBatch.from_pydict({"text": [text]})
    result: list[dict[str, object]] = step.apply(batch).column("keywords").to_pylist()[0]
    return result


@pytest.mark.parametrize("text", CALLS)
def test_a_call_fires_a_critical_rule(match: Match, text: str) -> None:
    assert any(hit["critical"] for hit in keywords(match, text))


@pytest.mark.parametrize("text", NOT_CALLS)
def test_everyday_speech_fires_none(match: Match, text: str) -> None:
    assert [hit for hit in keywords(match, text) if hit["critical"]] == []


@pytest.mark.parametrize(("text", "reported"), QUOTED)
def test_quoted_words_never_fire_alone(match: Match, text: str, reported: bool) -> None:
    hits = keywords(match, text)
    assert not any(hit["critical"] for hit in hits)
    critical_rules = {rule.id for rule in match.rules.rules if rule.critical}
    assert any(hit["rule"] in critical_rules for hit in hits) is reported


def test_own_words_beside_a_hashtag_fire(match: Match) -> None:
    assert any(hit["critical"] for hit in keywords(match, "#河南暴雨互助# 老人被困在二楼，水还在涨 //@某某:转"))


def test_a_house_number_is_no_hashtag(match: Match) -> None:
    assert any(hit["critical"] for hit in keywords(match, "小区3#楼老人被困，水已经到二楼，5#楼也进水了"))


def test_each_rule_and_term_once_in_rule_order(match: Match) -> None:
    hits = keywords(match, "被困！被困！洪水来了，一家人被困在二楼，求救援，村里停电三天了")
    pairs = [(hit["rule"], hit["term"]) for hit in hits]
    assert len(pairs) == len(set(pairs))
    order = [rule.id for rule in match.rules.rules]
    places = [order.index(str(rule)) for rule, _ in pairs]
    assert places == sorted(places)
    assert {"flood-help", "flood-report", "outage"} <= {rule for rule, _ in pairs}


def test_the_contract_of_steps() -> None:
    check_udf(Match())


def test_null_text_has_no_keywords(match: Match) -> None:
    batch = pa.RecordBatch.from_pydict({"text": pa.array([None, "洪水，老人被困"], pa.string())})
    rows = match.apply(batch).column("keywords").to_pylist()
    assert rows[0] == []
    assert rows[1]


def test_several_folders_add_up(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("rules:\n- {id: site-fair, category: 踩踏拥挤, terms: [灯会封园]}\n", "utf-8")
    step = Match((shipped_rules(), tmp_path))
    step.open()
    assert keywords(step, "灯会封园了")[0]["rule"] == "site-fair"
    assert len(step.rules.rules) > 30
