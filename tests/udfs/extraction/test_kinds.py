"""Tables of cases, a kind each; None is what must not be taken for a value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.extraction.folding import fold, folded
from udfs.extraction.kinds import Hints, credit_code, identity, normalise, read
from udfs.extraction.kinds.address import district_of
from udfs.extraction.kinds.amount import plain
from udfs.extraction.kinds.dates import FOREVER
from udfs.extraction.kinds.numerals import capitals, whole

# numbers of nobody: sequence codes with a right check character
ID = "110101199003070038"
ID_X = "11010119900307029X"
CODE = "91410100MA40ABCD1" + credit_code.check_character("91410100MA40ABCD1")
WRONG_CODE = CODE[:17] + ("1" if CODE[17] != "1" else "2")
OCR = {"ocr": True}


def _value(kind, text, **hints):
    value = read(kind, folded(text), Hints(**hints))
    return None if value is None else (value.value, value.faults, value.repaired)


def test_the_numbers_used_here_are_right():
    assert identity.check_character(ID[:17]) == ID[17]
    assert identity.check_character(ID_X[:17]) == "X"


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        (ID, {}, (ID, (), 0)),
        ("公民身份号码 1101 0119 9003 0700 38", {}, (ID, (), 0)),
        (ID_X.lower(), {}, (ID_X, (), 0)),
        ("１１０１０１１９９００３０７００３８", {}, (ID, (), 0)),
        (ID[:17] + "9", {}, (ID[:17] + "9", ("check_digit",), 0)),
        (ID[:17], {}, (ID[:17], ("length",), 0)),
        ("110101199002300038", {}, ("110101199002300038", ("date", "check_digit"), 0)),
        ("990101199003070038", {}, ("990101199003070038", ("district", "check_digit"), 0)),
        # letters that look like digits: with OCR only
        ("11O1O1199003O70038", OCR, (ID, (), 3)),
        ("11O1O1199003O70038", {}, None),
        # a wrong digit is not repaired, OCR or not
        (ID[:5] + "7" + ID[6:], OCR, (ID[:5] + "7" + ID[6:], ("check_digit",), 0)),
        ("13800138000", {}, None),
        ("身份证号码", {}, None),
        ("", {}, None),
    ],
)
def test_id_number(text, hints, expected):
    assert _value("id_number", text, **hints) == expected


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        (CODE, {}, (CODE, (), 0)),
        (CODE.lower(), {}, (CODE, (), 0)),
        (WRONG_CODE, {}, (WRONG_CODE, ("check_digit",), 0)),
        (CODE.replace("0", "O"), OCR, (CODE, (), CODE.count("0"))),
        (CODE.replace("0", "O"), {}, (CODE.replace("0", "O"), ("characters",), 0)),
        (CODE.replace("D", "0"), OCR, (CODE, (), 2)),
        (CODE[:17], {}, (CODE[:17], ("length",), 0)),
        ("统一社会信用代码", {}, None),
        ("13800138000", {}, None),
    ],
)  # fmt: skip
def test_uscc(text, hints, expected):
    assert _value("uscc", text, **hints) == expected


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("13800138000", {}, ("13800138000", (), 0)),
        ("138-0013-8000", {}, ("13800138000", (), 0)),
        ("+86 138 0013 8000", {}, ("13800138000", (), 0)),
        ("（0371）6666 8888", {}, ("0371-66668888", (), 0)),
        ("010-66668888", {}, ("010-66668888", (), 0)),
        ("400-123-4567", {}, ("4001234567", (), 0)),
        ("1380013800", {}, ("1380013800", ("length",), 0)),
        ("12800138000", {}, ("12800138000", ("number",), 0)),
        ("I38OO138000", OCR, ("13800138000", (), 3)),
        ("I38OO138000", {}, None),
        (ID, {}, None),
    ],
)
def test_phone(text, hints, expected):
    assert _value("phone", text, **hints) == expected


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("2026年3月5日", {}, ("2026-03-05", (), 0)),
        ("2026 年 03 月 05 日", {}, ("2026-03-05", (), 0)),
        ("2026-03-05", {}, ("2026-03-05", (), 0)),
        ("2026.3.5", {}, ("2026-03-05", (), 0)),
        ("2026/3/5", {}, ("2026-03-05", (), 0)),
        ("20260305", {}, ("2026-03-05", (), 0)),
        ("二〇二六年三月五日", {}, ("2026-03-05", (), 0)),
        ("二○二六年十二月三十一日", {}, ("2026-12-31", (), 0)),
        ("2026年2月30日", {}, ("2026-02-30", ("date",), 0)),
        ("2026年13月1日", {}, ("2026-13-01", ("date",), 0)),
        ("2026年3月5日至2026年4月5日", {}, ("2026-03-05", (), 0)),
        ("2026年3月5日至2026年4月5日", {"last": True}, ("2026-04-05", (), 0)),
        ("2016.05.20-2036.05.20", {"last": True}, ("2036-05-20", (), 0)),
        ("2016.05.20-长期", {"last": True}, (FOREVER, (), 0)),
        ("长期", {}, (FOREVER, (), 0)),
        ("2O26年3月l5曰", OCR, ("2026-03-15", (), 3)),
        ("2O26年3月l5日", {}, None),
        ("2026年", {}, None),
        ("三年", {}, None),
        ("410101199003074610", {}, None),
    ],
)
def test_date(text, hints, expected):
    assert _value("date", text, **hints) == expected


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        ("伍拾万元整", {}, (500_000, (), 0)),
        ("人民币伍拾万圆整", {}, (500_000, (), 0)),
        ("500,000.00元", {}, (500_000, (), 0)),
        ("¥500，000", {}, (500_000, (), 0)),
        ("50万元", {}, (500_000, (), 0)),
        ("1.5亿元", {}, (150_000_000, (), 0)),
        ("50", {"unit": "万元"}, (500_000, (), 0)),
        ("500000元", {"unit": "万元"}, (500_000, (), 0)),
        ("1020.5元", {}, (1020.5, (), 0)),
        ("壹仟零贰拾元伍角", {}, (1020.5, (), 0)),
        ("人民币伍拾万元整（¥500,000.00）", {}, (500_000, (), 0)),
        ("人民币伍拾万元整（¥50,000.00）", {}, (50_000, ("capitals_differ",), 0)),
        ("5O0,000元", OCR, (500_000, (), 1)),
        ("元整", {}, None),
        ("注册资本", {}, None),
    ],
)
def test_amount(text, hints, expected):
    assert _value("amount", text, **hints) == expected


@pytest.mark.parametrize(
    ("kind", "text", "hints", "expected"),
    [
        ("number", "6层", {}, (6, (), 0)),
        ("number", "六层", {}, (6, (), 0)),
        ("number", "二十三户", {}, (23, (), 0)),
        ("number", "1,234.5", {}, (1234.5, (), 0)),
        ("number", "l2", OCR, (12, (), 1)),
        ("number", "若干", {}, None),
        ("area", "128.5㎡", {}, (128.5, (), 0)),
        ("area", "128.5平方米", {}, (128.5, (), 0)),
        ("area", "128.5m²", {}, (128.5, (), 0)),
        ("area", "2亩", {}, (1333.3333, (), 0)),
        ("area", "1.2万平方米", {}, (12_000, (), 0)),
        ("area", "89.5", {"unit": "平方米"}, (89.5, (), 0)),
        ("area", "3号楼120平方米", {}, (120, (), 0)),
        ("percent", "66.7%", {}, (66.7, (), 0)),
        ("percent", "百分之六十六点七", {}, (66.7, (), 0)),
        ("percent", "40", {}, (40, (), 0)),
        ("percent", "140%", {}, (140, ("range",), 0)),
        ("percent", "全部", {}, None),
    ],
)
def test_quantities(kind, text, hints, expected):
    assert _value(kind, text, **hints) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("person", "张三", "张三"),
        ("person", "欧阳 娜娜", "欧阳娜娜"),
        ("person", "买买提•阿不都拉", "买买提·阿不都拉"),
        ("person", "张三先生", "张三"),
        ("person", "张月", "张月"),
        ("person", "王五 男", "王五"),
        ("person", "身份证号码", None),
        ("person", "联系电话", None),
        ("person", "同意", None),
        ("person", "2026年3月5日", None),
        ("person", "河南某某建设工程有限公司", None),
        ("organisation", "郑州某某（河南）餐饮有限公司", "郑州某某（河南）餐饮有限公司"),
        ("organisation", "郑州某某(河南)餐饮有限公司（盖章）", "郑州某某（河南）餐饮有限公司"),
        ("organisation", "金水区老王面馆", "金水区老王面馆"),
        ("organisation", "电话13800138000", None),
        ("signature", "张三", "张三"),
        ("signature", "（签字）张三 2026年3月5日", "张三"),
        ("signature", "（签字）", None),
        ("signature", "年 月 日", None),
        ("signature", "郑州某某餐饮有限公司（公章）", "郑州某某餐饮有限公司"),
        ("address", "河南省郑州市金水区花园路39号", "河南省郑州市金水区花园路39号"),
        ("address", "郑州市金水区花园路39号 邮政编码：450000", "郑州市金水区花园路39号"),
        ("address", "13800138000", None),
        ("text", "：餐饮服务；食品销售", "餐饮服务；食品销售"),
        ("text", "", None),
    ],
)
def test_names_and_addresses(kind, text, expected):
    value = _value(kind, text)
    assert (value and value[0]) == expected


_ROAD = {"carriageway": ("行车道", "车行道"), "pavement": ("人行道",)}
_YES = {True: ("是",), False: ("否",)}
_VOTE = {"agree": ("同意",), "object": ("不同意", "反对"), "abstain": ("弃权",)}


@pytest.mark.parametrize(
    ("text", "choices", "ocr", "expected"),
    [
        ("□行车道 ☑人行道", _ROAD, False, "pavement"),
        ("√行车道 □人行道", _ROAD, False, "carriageway"),
        ("[ ] 行车道 [x] 人行道", _ROAD, False, "pavement"),
        ("（√）行车道（ ）人行道", _ROAD, False, "carriageway"),
        ("行车道（√） 人行道（ ）", _ROAD, False, "carriageway"),
        ("■是 □否", _YES, False, True),
        ("□是 ■否", _YES, False, False),
        ("人行道", _ROAD, False, "pavement"),
        ("不同意", _VOTE, False, "object"),
        ("同意", _VOTE, False, "agree"),
        ("□同意 ☑不同意 □弃权", _VOTE, False, "object"),
        # OCR: an empty box is 口, a ticked one 区 or lost
        ("口行车道 区人行道", _ROAD, True, "pavement"),
        ("口行车道 人行道", _ROAD, True, "pavement"),
        # nothing ticked, two ticked, no word at all
        ("□行车道 □人行道", _ROAD, False, None),
        ("☑行车道 ☑人行道", _ROAD, False, None),
        ("行车道 人行道", _ROAD, False, None),
        ("其他", _ROAD, False, None),
    ],
)
def test_choice(text, choices, ocr, expected):
    value = _value("choice", text, choices=choices, ocr=ocr)
    assert (value and value[0]) == expected


@pytest.mark.parametrize(
    ("address", "adcode"),
    [
        ("河南省郑州市金水区花园路39号", "410105"),
        ("郑州市金水区花园路39号", "410105"),
        ("北京市海淀区中关村大街1号", "110108"),
        ("浙江杭州市西湖区文三路90号", "330106"),
        ("花园路39号", None),
        ("河南省郑州市花园路39号", None),
    ],
)
def test_district(address, adcode):
    assert district_of(address) == adcode


@pytest.mark.parametrize(
    ("kind", "value", "choices", "expected"),
    [
        ("amount", "50万元", {}, 500_000),
        ("amount", 500_000, {}, 500_000),
        ("amount", 500_000.0, {}, 500_000),
        ("date", "2026年3月5日", {}, "2026-03-05"),
        ("choice", "人行道", _ROAD, "pavement"),
        ("choice", "pavement", _ROAD, "pavement"),
        ("choice", True, _YES, True),
        ("organisation", "某某(河南)有限公司", {}, "某某（河南）有限公司"),
        ("phone", "138 0013 8000", {}, "13800138000"),
        ("date", "不详", {}, "不详"),
        ("text", None, {}, None),
    ],
)
def test_normalise(kind, value, choices, expected):
    assert normalise(kind, value, choices) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=1, max_value=10**12 - 1))
def test_capitals_and_back(cents):
    amount = Decimal(cents) / 100
    value = read("amount", capitals(amount), Hints())
    assert value is not None
    assert (value.value, value.end) == (plain(amount), len(capitals(amount)))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_folding_knows_the_way_back(text):
    there = fold(text)
    assert len(there.text) == len(there.origin)
    assert folded(there.text) == there.text
    assert list(there.origin) == sorted(set(there.origin))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("二〇二六", 2026),
        ("十", 10),
        ("二十三", 23),
        ("一百零五", 105),
        ("叁万贰仟", 32_000),
        ("壹亿零伍万", 100_050_000),
        ("五六十", None),
        ("万一啊", None),
    ],
)
def test_numerals(text, number):
    assert whole(text) == number
