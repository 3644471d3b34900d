"""Priority: the contract's levels, and the step end to end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from udfs.checks import check_udf, sample_batch
from udfs.triage.priority import Facts, decide
from udfs.triage.step import Triage, explain

NONE: frozenset[str] = frozenset()
SUPPLIES = frozenset({"supplies"})

DECISIONS = (
    # what is known, priority
    (Facts(NONE), 4),
    (Facts(NONE, urgency=frozenset({"trapped", "danger"}), vulnerable=frozenset({"infant", "oxygen"})), 4),
    (Facts(frozenset({"rescue"}), ["flood_rising"], frozenset({"trapped"})), 1),
    (Facts(frozenset({"rescue"}), ["collapse"], frozenset({"trapped"})), 1),
    (Facts(frozenset({"rescue"}), ["landslide"], frozenset({"trapped"})), 1),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"})), 1),
    (Facts(NONE, ["flood_rising"], frozenset({"trapped"}), source_kind="media"), 3),
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
    (Facts(frozenset({"missing_person"})), 2),
    (Facts(NONE, ["dyke_breach"], settled=True), 1),
    (Facts(NONE, ["dyke_breach"]), 3),
    (Facts(frozenset({"supplies"}), urgency=frozenset({"hunger"})), 2),
    (Facts(frozenset({"supplies"}), item_kinds=frozenset({"survival"})), 2),
    (Facts(frozenset({"supplies"}), item_kinds=frozenset({"responder"})), 3),
    (Facts(SUPPLIES, urgency=frozenset({"responders"}), item_kinds=frozenset({"responder", "medical"})), 3),
    (Facts(frozenset({"transport"}), urgency=frozenset({"stranded"})), 2),
    (Facts(frozenset({"transport"})), 3),
    (Facts(frozenset({"shelter"})), 2),
    (Facts(frozenset({"rescue"})), 2),
    (Facts(frozenset({"medical"})), 2),
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
    row = run(["我们村急需冲锋舟2艘，老人被困，水到腰了"], [[]])[0]
    assert row["items"][0]["name"] == "冲锋舟"
    assert row["priority"] == 1


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
    reasons = explain(text, ["rescue"])
    assert any("priority 1" in reason for reason in reasons)
    assert not any(secret in reason for reason in reasons for secret in ("绝密", "张三", "二号"))


def test_the_contract_of_steps() -> None:
    check_udf(Triage())
    many = sample_batch()
    needs = [[{"need": "rescue", "score": 0.9}]] * many.num_rows
    check_udf(Triage(), sample_batch(columns={"needs": needs, "help_score": [0.9] * many.num_rows}))
