"""Several who sign at one place, and values over two lines beside a label that is centred between them."""

from __future__ import annotations

import pytest

from tests.udfs.extraction.drawing import grid, page, reading
from udfs.extraction import extract, normalise
from udfs.extraction.folding import folded
from udfs.extraction.kinds import Hints, read
from udfs.types import load

COMPANY = load("enterprise_registration")
FOOD = load("food_business_licence")
QUARTER = load("neighbourhood_renovation")
ARTICLES = ("郑州某某餐饮有限公司章程", 0.3, 0.05)
RULES = ("食品安全管理制度", 0.4, 0.05)
CONSENT = ("业主表决及公示情况", 0.3, 0.05)


def _value(kind, name, *lines, **more):
    best = extract(kind, {}, reading(page(lines, **more))).fields[name].best
    return None if best is None else best.value


@pytest.mark.parametrize(
    ("text", "several", "expected"),
    [
        ("王小明、李文华、欧阳某某", True, "王小明、李文华、欧阳某某"),
        ("王小明，李文华；张三", True, "王小明、李文华、张三"),
        ("王小明、王小明", True, "王小明"),
        ("王小明、郑州某某餐饮有限公司（盖章）", True, "王小明、郑州某某餐饮有限公司"),
        # what is no name ends them; before them it is passed over
        ("王小明、李文华 2026年3月5日、张三", True, "王小明、李文华"),
        ("王小明、地址、张三", True, "王小明"),
        ("（签字）、王小明", True, "王小明"),
        ("日期、地址", True, None),
        # where one signs, one is read
        ("王小明、李文华", False, "王小明"),
    ],
)
def test_names_that_are_signed(text, several, expected):
    value = read("signature", folded(text), Hints(several=several))
    assert (value and value.value) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("全体股东签字：王小明、李文华", 0.1, 0.5)], "王小明、李文华"),
        ([("全体股东签字：", 0.1, 0.5), ("王小明、李文华", 0.4, 0.5)], "王小明、李文华"),
        # parted by gaps, as they are in a scan
        ([("全体股东签字：", 0.1, 0.5), ("王小明", 0.4, 0.5), ("李文华", 0.6, 0.5)], "王小明、李文华"),
        ([("全体股东签字：王小明", 0.1, 0.5), ("李文华", 0.6, 0.5)], "王小明、李文华"),
        ([("全体股东签字：王小明  李文华  张三", 0.1, 0.5)], "王小明、李文华、张三"),
        # over two lines, a name broken
        ([("全体股东签字：王小明、李", 0.1, 0.5), ("文华、张三", 0.235, 0.52)], "王小明、李文华、张三"),
        ([("全体股东签字：王小明、李文华", 0.1, 0.5), ("日期：2026年3月5日", 0.235, 0.52)], "王小明、李文华"),
        ([("全体股东签字：王小明、李文华", 0.1, 0.5), ("2026年3月5日", 0.235, 0.52)], "王小明、李文华"),
        ([("全体股东签字：王小明、李文华", 0.1, 0.5), ("以上共2人。", 0.235, 0.52)], "王小明、李文华"),
    ],
)
def test_all_who_sign(lines, expected):
    assert _value(COMPANY, "articles_signature", ARTICLES, *lines) == expected


def test_one_who_signs_takes_nobody_beside_or_below():
    form = ("公司登记（备案）申请书", 0.3, 0.05)
    lines = [("法定代表人签字：王明", 0.1, 0.5), ("李文华", 0.5, 0.5), ("张三", 0.25, 0.518)]
    assert _value(COMPANY, "form_signature", form, *lines) == "王明"


def test_a_truth_of_several_names_stays_whole():
    assert normalise("signature", "王小明、李文华") == "王小明、李文华"


def test_a_seal_of_an_organisation_over_two_lines():
    lines = [("居民委员会盖章：郑州市某某区某某社区居民委员", 0.4, 0.5), ("会", 0.54, 0.518)]
    assert _value(QUARTER, "committee_seal", CONSENT, *lines) == "郑州市某某区某某社区居民委员会"
    other = [lines[0], ("附件：公示照片", 0.54, 0.518)]
    assert _value(QUARTER, "committee_seal", CONSENT, *other) != "郑州市某某区某某社区居民委员会"


FIRST, SECOND, THIRD = "食品安全自查制度、进货查验记录", "制度、清洗消毒制度、投诉处", "理制度"


def _centred(text, y):
    return (text, 0.6 - 0.009 * len(text), y)


@pytest.mark.parametrize("place", [lambda text, y: (text, 0.35, y), _centred])
@pytest.mark.parametrize("size", [1.0, 1.4])
def test_a_label_centred_beside_the_lines_of_its_value(place, size):
    tall = [("制度名称", 0.1, 0.109, size), (*place(FIRST, 0.1), size), (*place(SECOND, 0.1 + 0.017 * size), size)]
    assert _value(FOOD, "rules_listed", RULES, *tall) == FIRST + SECOND


@pytest.mark.parametrize("place", [lambda text, y: (text, 0.35, y), _centred])
def test_three_lines_beside_a_label(place):
    value = [place(FIRST, 0.1), place(SECOND, 0.117), place(THIRD, 0.134)]
    assert _value(FOOD, "rules_listed", RULES, ("制度名称", 0.1, 0.117), *value) == FIRST + SECOND + THIRD
    # the label at the top: what stands above is no part of its value
    top = [place("见另页说明", 0.1), place(FIRST, 0.117), place(SECOND, 0.134), place(THIRD, 0.151)]
    assert _value(FOOD, "rules_listed", RULES, ("制度名称", 0.1, 0.117), *top) == FIRST + SECOND + THIRD


def test_a_row_below_is_another_field():
    lines = [
        ("制度名称", 0.1, 0.109), _centred(FIRST, 0.1), _centred(SECOND, 0.117),
        ("备注", 0.1, 0.145), _centred("自查制度每年修订一次，由安全管理", 0.136), _centred("人员负责", 0.153),
    ]  # fmt: skip
    assert _value(FOOD, "rules_listed", RULES, *lines) == FIRST + SECOND


def test_a_clause_ends_without_its_full_stop():
    clause = ("第四条 公司经营范围：餐饮管理；家具销售。", 0.1, 0.1)
    assert _value(COMPANY, "business_scope", ARTICLES, clause) == "餐饮管理；家具销售"
    lines, rules = grid([0.1, 0.3, 0.9], [0.1, 0.14], [["经营范围", "餐饮管理；家具销售"]])
    form = page([("公司登记（备案）申请书", 0.3, 0.05), *lines], rules=rules, file="b.pdf")
    found = extract(COMPANY, {}, reading(page([ARTICLES, clause]), form)).fields["business_scope"].found
    assert [one.value for one in found] == ["餐饮管理；家具销售"] * 2
