"""Priority: the contract's levels, and the step end to end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from udfs.checks import check_udf, sample_batch
from udfs.triage.priority import Facts, decide
from udfs.triage.step import Triage

NONE: frozenset[str] = frozenset()
SUPPLIES = frozenset({"supplies"})
RESCUE = frozenset({"rescue"})
RESPONDERS = frozenset({"responders"})

DECISIONS = (
    # what is known, priority
    (Facts(NONE), 4),
    (Facts(NONE, urgency=frozenset({"trapped", "danger"}), vulnerable=frozenset({"infant", "oxygen"})), 4),
    (Facts(frozenset({"rescue"}), ["flood_rising"], frozenset({"trapped"})), 1),
    (Facts(frozenset({"rescue"}), ["collapse"], frozenset({"trapped"})), 1),
    (Facts(frozenset({"rescue"}), ["landslide"], frozenset({"trapped"})), 1),
    # the model named no need: the rules must see a call, and the model must not rule it out
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True), 1),
    (Facts(NONE, [], frozenset({"trapped", "boats"}), rescue_by_rule=True), 1),
    (Facts(NONE, ["flood_rising"], frozenset({"deep_water"}), half_sure=True), 1),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"})), 3),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True, likely=False), 3),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True, unreal=True), 3),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True, state="unclear"), 3),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True, state="closed"), 4),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), rescue_by_rule=True, source_kind="media"), 3),
    (Facts(NONE, ["road_cut"], half_sure=True), 3),
    (Facts(NONE, half_sure=True), 4),
    # rescue is 1 until something speaks against it
    (Facts(RESCUE), 1),
    (Facts(RESCUE, ["flood_rising"]), 1),
    (Facts(RESCUE, source_kind="media"), 1),
    (Facts(RESCUE, unreal=True, disaster=True), 1),
    (Facts(RESCUE, unreal=True), 2),
    (Facts(RESCUE, state="partial"), 1),
    (Facts(RESCUE, state="closed"), 4),
    (Facts(RESCUE, urgency=RESPONDERS, item_kinds=frozenset({"responder"})), 3),
    (Facts(RESCUE, urgency=RESPONDERS | {"trapped"}, item_kinds=frozenset({"responder"})), 1),
    (Facts(RESCUE, faint=True), 3),
    (Facts(RESCUE, ["flood_rising"], faint=True), 1),
    # other needs are 1 with evidence of danger
    (Facts(frozenset({"shelter"}), ["flood_rising"], frozenset({"trapped"})), 1),
    (Facts(frozenset({"transport"}), [], frozenset({"deep_water"})), 1),
    (Facts(frozenset({"other_help"}), ["flood_rising"], frozenset({"high_place"})), 1),
    (Facts(frozenset({"transport"}), ["fire"], vulnerable=frozenset({"elderly"})), 1),
    (Facts(frozenset({"transport"}), ["fire"]), 2),
    (Facts(frozenset({"transport"}), ["fire"], vulnerable=frozenset({"elderly"}), source_kind="official"), 2),
    (Facts(frozenset({"shelter"}), ["flood_rising"], vulnerable=frozenset({"elderly"})), 2),
    (Facts(frozenset({"shelter"}), ["flood_rising"], vulnerable=frozenset({"immobile"})), 2),
    (Facts(SUPPLIES, ["flood_rising"], vulnerable=frozenset({"infant"}), item_kinds=frozenset({"survival"})), 2),
    (Facts(SUPPLIES, ["flood_rising"], frozenset({"deep_water"}), source_kind="volunteer"), 2),
    (Facts(frozenset({"other_help"}), ["flood_rising"], frozenset({"deep_water"}), source_kind="volunteer"), 3),
    (Facts(frozenset({"offer"}), ["flood_rising"], frozenset({"trapped", "deep_water"})), 3),
    (Facts(frozenset({"medical"}), urgency=frozenset({"critical"})), 1),
    (Facts(frozenset({"medical"}), urgency=frozenset({"cut_off"}), vulnerable=frozenset({"pregnant"})), 1),
    (Facts(frozenset({"medical"}), vulnerable=frozenset({"patient"})), 1),
    (Facts(frozenset({"medical"}), item_kinds=frozenset({"medical"})), 2),
    (Facts(frozenset({"medical"}), source_kind="official"), 2),
    (Facts(frozenset({"medical", "supplies"}), urgency=frozenset({"critical"})), 1),
    (Facts(frozenset({"medical", "supplies"}), urgency=frozenset({"critical"}), group=True), 2),
    (Facts(frozenset({"medical", "supplies"}), urgency=frozenset({"danger"}), group=True), 1),
    (Facts(frozenset({"rescue"}), ["flood_rising"], frozenset({"trapped"}), state="closed"), 4),
    (Facts(frozenset({"rescue"}), ["flood_rising"], frozenset({"trapped"}), state="partial"), 1),
    (Facts(frozenset({"medical"}), vulnerable=frozenset({"oxygen"})), 1),
    (Facts(frozenset({"supplies"}), vulnerable=frozenset({"dialysis"})), 1),
    (Facts(frozenset({"transport"}), vulnerable=frozenset({"in_labour", "pregnant"})), 1),
    (Facts(frozenset({"offer"}), vulnerable=frozenset({"oxygen"})), 3),
    (Facts(frozenset({"rescue"}), vulnerable=frozenset({"immobile"}), urgency=frozenset({"cut_off"})), 1),
    (Facts(frozenset({"other_help"}), vulnerable=frozenset({"immobile"})), 3),
    (Facts(frozenset({"missing_person"}), ["flood_rising"]), 1),
    (Facts(frozenset({"missing_person"}), ["flood_rising"], frozenset({"long_ago"})), 2),
    (Facts(frozenset({"missing_person"}), disaster=True), 1),
    (Facts(frozenset({"missing_person"}), disaster=True, urgency=frozenset({"long_ago"})), 2),
    (Facts(frozenset({"missing_person"}), urgency=frozenset({"lately"})), 1),
    (Facts(frozenset({"missing_person"}), vulnerable=frozenset({"child"})), 1),
    (Facts(frozenset({"missing_person"})), 1),
    (Facts(frozenset({"missing_person"}), faint=True), 3),
    (Facts(frozenset({"missing_person"}), state="closed"), 4),
    (Facts(NONE, ["dyke_breach"], settled=True), 1),
    (Facts(NONE, ["dyke_breach"]), 3),
    (Facts(NONE, ["dyke_breach"], settled=True, state="unclear"), 3),
    (Facts(NONE, ["dyke_breach"], settled=True, state="closed"), 4),
    (Facts(NONE, ["dyke_breach"], settled=True, unreal=True), 3),
    (Facts(frozenset({"other_help"}), ["dyke_breach"], settled=True), 1),
    (Facts(frozenset({"other_help"}), ["dyke_breach"], settled=True, source_kind="volunteer"), 3),
    (Facts(frozenset({"supplies"}), urgency=frozenset({"hunger"})), 2),
    (Facts(frozenset({"supplies"}), item_kinds=frozenset({"survival"})), 2),
    (Facts(frozenset({"supplies"}), item_kinds=frozenset({"responder"})), 3),
    (Facts(SUPPLIES, urgency=frozenset({"responders"}), item_kinds=frozenset({"responder", "medical"})), 3),
    (Facts(frozenset({"transport"}), urgency=frozenset({"stranded"})), 2),
    (Facts(frozenset({"transport"})), 3),
    (Facts(frozenset({"shelter"})), 2),
    (Facts(frozenset({"medical"})), 1),
    (Facts(frozenset({"medical", "supplies"})), 2),
    (Facts(frozenset({"other_help"})), 3),
    (Facts(frozenset({"offer"})), 3),
    (Facts(NONE, ["road_cut"]), 3),
)  # fmt: skip

POSTS = (
    # text, needs, priority
    ("我们一家五口被困在屋顶，水还在涨", ["rescue"], 1),
    ("奶奶瘫痪在床，一楼进水了，出不去", ["rescue"], 1),
    ("姥爷靠制氧机，停电八小时", ["medical"], 1),
    ("我爸失联了，昨晚洪水进村", ["missing_person"], 1),
    ("大堤决口了，下游的村子赶快撤", [], 1),
    ("我们七个人在树上抱着，天快黑了", ["rescue"], 1),
    ("妈妈坐在衣柜顶上，说水凉", ["rescue"], 1),
    ("门推不开了，外面都是水，就她一个人", ["rescue"], 1),
    ("床板漂起来了，谁能把我接走", ["transport"], 1),
    ("#河南暴雨互助# 有人见过我弟弟吗，黑框眼镜", ["missing_person"], 1),
    ("昨天傍晚下班后我姐再没消息", ["missing_person"], 1),
    ("圩子破了，下游三个村的人还没走", ["other_help"], 1),
    ("子堤开了个口子，水正往村里灌", [], 1),
    ("山火翻过来了，养老院的老人还等着车", ["transport"], 1),
    ("爸爸突发脑梗，嘴歪了，桥断了出不去", ["medical"], 1),
    ("他腿上的血止不住", ["medical"], 1),
    ("#河南暴雨互助# 断水断粮两天，村里还有孩子", ["supplies"], 2),
    ("安置点三百多人发烧的越来越多，缺退烧药和口服补液盐", ["medical", "supplies"], 2),
    ("房子被淹了，带着老人没地方住", ["shelter"], 2),
    ("失散三十年，找我的双胞胎哥哥", ["missing_person"], 2),
    ("降压药吃完了，谁能买到", ["medical"], 2),
    ("我们救援队缺柴油抽水泵，地库水深两米", ["supplies"], 3),
    ("#郑州暴雨# 我们有皮划艇，困在家里的联系我", ["offer"], 3),
    ("#河南暴雨互助# #被困# 今天的晚霞真好看", [], 4),
    ("孩子找到了，在同学家打游戏", ["missing_person"], 4),
    ("下副本被困塔下，队友快来救我，水都漫上来了", [], 4),
    ("电梯进水被困时先别喊，按警铃", [], 3),
    ("愿今夜没有人被困在水里", [], 4),
    ("断水断粮两天，村里还有孩子", ["supplies"], 2),
    ("滞留在高铁站三百人没吃没喝", ["supplies", "transport"], 2),
    ("救援队急需冲锋舟5艘、救生衣50件", ["supplies"], 3),
    ("抽水需要人手", ["other_help"], 3),
    ("免费提供住宿，有需要的联系", ["offer"], 3),
    ("前面桥断了，绕行", [], 3),
    ("人都已获救，谢谢", ["rescue"], 4),
    ("作业写不完了救救我", [], 4),
    ("老人孩子被困屋顶的电影真好看", [], 4),
)


@pytest.mark.parametrize(("facts", "priority"), DECISIONS)
def test_decide(facts: Facts, priority: int) -> None:
    decided, reasons = decide(facts)
    assert decided == priority
    assert reasons
    assert all(reasons)


def run(texts: list[str], needs: list[list[str]], **columns: Any) -> list[dict[str, Any]]:
    batch = sample_batch(texts, {"needs": [[{"need": need, "score": 0.9} for need in row] for row in needs], **columns})
    step = Triage()
    step.open()
    rows: list[dict[str, Any]] = step.apply(batch).select([field.name for field in Triage.writes]).to_pylist()
    return rows


@pytest.mark.parametrize(("text", "needs", "priority"), POSTS)
def test_posts(text: str, needs: list[str], priority: int) -> None:
    assert run([text], [needs])[0]["priority"] == priority


def test_a_row_in_full() -> None:
    row = run(["【转】村里一家5口被困二楼，有老人和七个月的婴儿，水还在涨，急需皮划艇2艘"], [["rescue", "supplies"]])[0]
    assert row == {
        "hazards": ["flood_rising"],
        "items": [{"name": "皮划艇", "quantity": 2.0, "unit": "艘"}],
        "people": {"count": 5, "vulnerable": ["elderly", "infant"]},
        "source_kind": "relay",
        "state": "open",
        "priority": 1,
    }


def test_everyday_posts_carry_nothing() -> None:
    rows = run(["买了三箱矿泉水和500件雨衣", "我和奶奶一家五口吃饭", ""], [[], [], []])
    assert all(row["items"] == [] and row["people"] == {"count": None, "vulnerable": []} for row in rows)
    assert all(row["priority"] == 4 for row in rows)


def test_goods_are_read_although_the_model_saw_no_need() -> None:
    row = run(["我们村急需冲锋舟2艘，老人被困，水到腰了"], [[]], help_score=[0.2])[0]
    assert row["items"][0]["name"] == "冲锋舟"
    assert row["priority"] == 1


def test_a_call_that_the_model_rules_out_is_only_a_hazard() -> None:
    text = "我们村急需冲锋舟2艘，老人被困，水到腰了"
    assert run([text], [[]], help_score=[0.05])[0]["priority"] == 3
    assert run([text], [["supplies"]], help_score=[0.05])[0]["priority"] == 1


def test_a_need_the_model_hardly_sees_is_not_believed_without_a_word() -> None:
    faint = [[{"need": "missing_person", "score": 0.2}]]
    texts = ["她比他大了十三岁", "她从昨晚起不接电话"]
    step = Triage()
    step.open()
    rows = step.apply(sample_batch(texts, {"needs": faint * 2})).column("priority").to_pylist()
    assert rows == [3, 1]


def test_a_village_makes_a_breach_urgent() -> None:
    place = {
        "name": "河南省鹤壁市浚县", "level": "village", "adcode": "410621", "lat": 35.7, "lon": 114.5, "radius_m": 900,
        "start": 0, "end": 2,
    }  # fmt: skip
    text = "河坝溃口，水很大"
    assert run([text], [[]])[0]["priority"] == 3
    assert run([text], [[]], places=[[place]])[0]["priority"] == 1


@pytest.mark.parametrize("unit", ["五人", "1", "急需雨衣500件、", "一", "#a#被困", "如果被困", " "])
def test_a_junk_post_costs_no_square(unit: str) -> None:
    """16 times the text may cost 16 times the time, with slack for a busy machine, not 256 times."""

    def seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        batch = sample_batch([text], {"needs": [[{"need": "rescue", "score": 0.9}]]})
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            step.apply(batch)
            best = min(best, time.process_time() - began)
        return best

    step = Triage()
    step.open()
    assert seconds(64_000) < 80 * max(seconds(4_000), 0.002)


def test_explanations_hold_no_words_of_the_post() -> None:
    text = "绝密标记张三的奶奶瘫痪在床，一楼进水了，出不去，急需轮船二号"
    step = Triage(reasons=True)
    step.open()
    batch = sample_batch([text], {"needs": [[{"need": "rescue", "score": 0.9}]]})
    reasons = step.apply(batch).column("triage_reasons")[0].as_py()
    assert any("priority 1" in reason for reason in reasons)
    assert not any(secret in reason for reason in reasons for secret in ("绝密", "张三", "二号"))


def test_the_contract_of_steps() -> None:
    check_udf(Triage())
    many = sample_batch()
    needs = [[{"need": "rescue", "score": 0.9}]] * many.num_rows
    check_udf(Triage(), sample_batch(columns={"needs": needs, "help_score": [0.9] * many.num_rows}))
