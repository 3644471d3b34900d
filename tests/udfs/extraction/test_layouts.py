"""The same values in many layouts: beside, below, wrapped, ruled or not, in running text, as OCR reads them."""

from __future__ import annotations

import pytest

from tests.udfs.extraction.drawing import grid, page, reading
from udfs.extraction import extract, extract_with_records
from udfs.extraction.kinds import credit_code
from udfs.types import load

ROAD = load("temporary_road_occupation")
COMPANY = load("enterprise_registration")
LIFT = load("lift_installation")
CODE = "91410100MA40ABCD1" + credit_code.check_character("91410100MA40ABCD1")
TITLE = ("临时占用城市道路申请表", 0.35, 0.05)


def _values(kind, *pages, form=None):
    fields = extract(kind, form or {}, reading(*pages)).fields
    return {name: field.best.value for name, field in fields.items() if field.best is not None}


def _road(*lines, **more):
    return _values(ROAD, page([TITLE, *lines], **more))


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        # beside: one line, spaces in the label, no colon, a cell apart
        ([("联系电话：13800138000", 0.1, 0.1)], "contact_phone", "13800138000"),
        ([("联 系 电 话 13800138000", 0.1, 0.1)], "contact_phone", "13800138000"),
        ([("联系电话", 0.1, 0.1), ("13800138000", 0.3, 0.1)], "contact_phone", "13800138000"),
        ([("３．联系电话：", 0.1, 0.1), ("138 0013 8000", 0.4, 0.1)], "contact_phone", "13800138000"),
        # two on a line; the longer label wins
        ([("法定代表人：张三　联系电话：13800138000", 0.1, 0.1)], "legal_representative", "张三"),
        ([("法定代表人身份证号：110101199003070038", 0.1, 0.1)], "legal_representative", None),
        ([("法定代表人电话 13800138000", 0.1, 0.1)], "legal_representative", None),
        (
            [("被申请人：郑州某某餐饮有限公司", 0.1, 0.1), ("申请人：某某建设有限公司", 0.1, 0.13)],
            "applicant_name",
            "某某建设有限公司",
        ),
        ([("占用道路部门：城管", 0.1, 0.1)], "road_name", None),
        # below
        ([("占用长度", 0.1, 0.1), ("占用宽度", 0.5, 0.1), ("12.5米", 0.1, 0.12), ("3米", 0.5, 0.12)], "width", 3),
        ([("占用长度", 0.1, 0.1), ("占用宽度", 0.5, 0.1), ("12.5米", 0.1, 0.12), ("3米", 0.5, 0.12)], "length", 12.5),
        # over several lines
        (
            [("占用地点：河南省郑州市金水区花园路三十九号院门前北侧人行", 0.1, 0.1), ("道北段", 0.1, 0.117)],
            "occupation_address",
            "河南省郑州市金水区花园路三十九号院门前北侧人行道北段",
        ),
        (
            [("占用地点", 0.1, 0.11), ("河南省郑州市金水区花园路", 0.3, 0.102), ("三十九号院门前", 0.3, 0.118)],
            "occupation_address",
            "河南省郑州市金水区花园路三十九号院门前",
        ),
        # a label wrapped in its cell
        ([("占用起始", 0.1, 0.1), ("日期", 0.118, 0.116), ("2026年3月5日", 0.4, 0.108)], "begins_on", "2026-03-05"),
        # choices
        ([("占用部位", 0.1, 0.1), ("□行车道", 0.3, 0.1), ("☑人行道", 0.5, 0.1)], "road_part", "pavement"),
        # a unit in the label
        ([("预计占用费（万元）：1.5", 0.1, 0.1)], "fee", 15_000),
        # an empty field takes nothing from its neighbours
        ([("联系电话：", 0.1, 0.1), ("占用长度：", 0.1, 0.13), ("12.5", 0.3, 0.13)], "contact_phone", None),
        ([("占用面积：", 0.1, 0.1), ("占用长度：12.5米", 0.1, 0.118)], "area", None),
        # no label at all
        ([("13800138000", 0.1, 0.1)], "contact_phone", None),
    ],
)  # fmt: skip
def test_a_field_by_its_layout(lines, name, expected):
    assert _road(*lines).get(name) == expected


def test_ruled_cells_hold_what_stands_in_them():
    lines, rules = grid(
        [0.1, 0.3, 0.5, 0.7, 0.95],
        [0.1, 0.14, 0.2, 0.24],
        [
            ["申请人", "郑州某某建设工程\n有限公司", "联系电话", "13800138000"],
            ["占用地点", "河南省郑州市\n金水区花园路\n39号门前", "占用部位", "□行车道\n☑人行道"],
            ["占用长度", "", "占用宽度", "3"],
        ],
    )
    found = _road(*lines, rules=rules)
    assert found["applicant_name"] == "郑州某某建设工程有限公司"
    assert found["contact_phone"] == "13800138000"
    assert found["occupation_address"] == "河南省郑州市金水区花园路39号门前"
    assert found["road_part"] == "pavement"
    assert found["width"] == 3
    assert "length" not in found


@pytest.mark.parametrize("lost", [0, 1, 4, 5, 6])
def test_in_a_scan_a_ruling_line_may_be_missed(lost):
    lines, rules = grid([0.1, 0.3, 0.9], [0.1, 0.14, 0.18], [["联系电话", "13800138000"], ["占用宽度", "3米"]])
    found = _road(*lines, rules=[rule for at, rule in enumerate(rules) if at != lost], source="ocr", confidence=0.9)
    assert (found["contact_phone"], found["width"]) == ("13800138000", 3)


def test_in_a_scan_a_ruling_line_may_be_torn():
    lines, rules = grid([0.1, 0.3, 0.9], [0.1, 0.14, 0.18], [["联系电话", "13800138000"], ["占用宽度", "3米"]])
    torn = [rule for rule in rules if rule != (0.1, 0.14, 0.9, 0.14)]
    found = _road(*lines, rules=[*torn, (0.31, 0.14, 0.36, 0.14)], source="ocr", confidence=0.9)
    assert (found["contact_phone"], found["width"]) == ("13800138000", 3)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("统一社会信用弋码：" + CODE, "applicant_uscc", CODE),
        ("占用起始曰期：2026年3月5日", "begins_on", "2026-03-05"),
        ("占用起姶日期：2O26年3月5日", "begins_on", "2026-03-05"),
        ("占用亊由 门店装修", "reason", "门店装修"),
        # two signs of four wrong: another label
        ("占角亊由 门店装修", "reason", None),
    ],
)
def test_labels_as_ocr_reads_them(text, name, expected):
    assert _road((text, 0.1, 0.1), source="ocr", confidence=0.95).get(name) == expected


def test_in_a_text_layer_labels_are_exact():
    assert "begins_on" not in _road(("占用起姶日期：2026年3月5日", 0.1, 0.1))


def test_running_text():
    articles = page(
        [
            ("郑州某某餐饮有限公司章程", 0.3, 0.05),
            ("第一章 总则", 0.4, 0.08),
            ("第一条 公司名称为郑州某某餐饮有限公司。", 0.1, 0.11),
            ("第二条 公司住所设在河南省郑州市金水区花园路39号，以登记为准。", 0.1, 0.14),
            ("第三条 公司注册资本为人民币伍拾万元，由股东认缴。", 0.1, 0.17),
        ]
    )
    found = _values(COMPANY, articles)
    assert found["registered_capital"] == 500_000
    assert found["company_name"] == "郑州某某餐饮有限公司"
    assert found["address"] == "河南省郑州市金水区花园路39号"


ROWS = [
    ["101", "1", "89.5", "王五", "同意", "王五"],
    ["102", "1", "90", "李四", "☑同意 □不同意", ""],
    ["201", "2", "89.5", "欧阳\n娜娜", "不同意", "欧阳娜娜"],
]
HEAD = ["房号", "楼层", "建筑面积\n（㎡）", "业主姓名", "表决意见", "签名"]
XS = [0.08, 0.2, 0.3, 0.43, 0.6, 0.78, 0.95]
EXPECTED = [
    {"unit": "101", "floor": 1, "area": 89.5, "owner": "王五", "opinion": "agree", "signature": "王五"},
    {"unit": "102", "floor": 1, "area": 90, "owner": "李四", "opinion": "agree"},
    {"unit": "201", "floor": 2, "area": 89.5, "owner": "欧阳娜娜", "opinion": "object", "signature": "欧阳娜娜"},
]
ROSTER = ("加装电梯业主意见表", 0.35, 0.05)


def _rows(*pages):
    found = extract(LIFT, {}, reading(*pages)).fields["roster"].rows
    return [{column: cell.value for column, cell in row.items()} for row in found]


def _ys(count, start=0.1, step=0.042):
    return [start + step * at for at in range(count + 1)]


@pytest.mark.parametrize("ruled", [True, False])
def test_a_table_with_wrapped_cells_and_totals(ruled):
    lines, rules = grid(XS, _ys(5), [HEAD, *ROWS, ["合计", "", "269", "", "", ""]])
    assert _rows(page([ROSTER, *lines], rules=rules if ruled else ())) == EXPECTED


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("repeated", [True, False])
def test_a_table_goes_on_on_the_next_page(ruled, repeated):
    first, first_rules = grid(XS, _ys(3, 0.8), [HEAD, *ROWS[:2]])
    second, second_rules = grid(XS, _ys(1 + repeated, 0.05), [*([HEAD] if repeated else []), ROWS[2]])
    rows = _rows(
        page([ROSTER, *first], rules=first_rules if ruled else ()),
        page(second, number=2, rules=second_rules if ruled else ()),
    )
    assert rows == EXPECTED


@pytest.mark.parametrize("lost", range(1, 11))
def test_a_scanned_table_may_lack_a_ruling_line(lost):
    lines, rules = grid(XS, _ys(3), [["房号", "楼层", "建筑面积", "业主姓名", "表决意见", "签名"], *ROWS[:2]])
    kept = [rule for at, rule in enumerate(rules) if at != lost]
    assert _rows(page([ROSTER, *lines], rules=kept, source="ocr", confidence=0.9)) == EXPECTED[:2]


def test_cells_of_other_widths_are_another_table():
    lines, rules = grid(XS, _ys(2), [["房号", "楼层", "建筑面积", "业主姓名", "表决意见", "签名"], ROWS[0]])
    more, other = grid([0.08, 0.25, 0.5, 0.7, 0.95], [0.19, 0.23], [["202", "2", "80", "赵六"]])
    assert _rows(page([ROSTER, *lines, *more], rules=[*rules, *other])) == EXPECTED[:1]


def test_a_row_of_a_form_is_no_header():
    lines, rules = grid([0.1, 0.3, 0.5, 0.7, 0.95], [0.1, 0.14], [["房号", "101", "楼层", "1"]])
    assert _rows(page([ROSTER, *lines], rules=rules)) == []


def test_a_table_does_not_lend_its_labels():
    lines, rules = grid(
        [0.1, 0.3, 0.5, 0.7, 0.95],
        _ys(2),
        [
            ["股东姓名", "证件号码", "认缴出资额（万元）", "出资期限"],
            ["张三", "110101199003070038", "50", "2030-01-01"],
        ],
    )
    pages = page([("公司登记（备案）申请书", 0.3, 0.05), *lines], rules=rules)
    fields = extract(COMPANY, {}, reading(pages)).fields
    assert fields["legal_representative_id"].best is None
    assert {column: cell.value for column, cell in fields["shareholders"].rows[0].items()} == {
        "name": "张三", "id_number": "110101199003070038", "capital": 500_000, "paid_by": "2030-01-01",
    }  # fmt: skip


# -- documents ---------------------------------------------------------------------------------------------------------
def _documents(*pages):
    return [(one.id, one.file, one.pages) for one in extract(ROAD, {}, reading(*pages)).documents]


LICENCE = ("营业执照", 0.45, 0.05)
BIG = ("公安交通管理部门意见", 0.41, 0.5, 1.4)
"""A heading in larger type, in the middle of the page."""


def _p(number, *texts, file="a.pdf", **more):
    return page([(text, 0.2, 0.05 + 0.03 * at) for at, text in enumerate(texts)], number, file, **more)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([_p(1, "临时占用城市道路申请表"), _p(2, "占用事由：装修")], [("application_form", "a.pdf", (1, 2))]),
        (
            [_p(1, "临时占用城市道路申请表"), _p(2, "营业执照")],
            [("application_form", "a.pdf", (1,)), ("licence", "a.pdf", (2,))],
        ),
        ([_p(1, "郑州市", "临时占用城市道路申请书")], [("application_form", "a.pdf", (1,))]),
        ([_p(1, "临时占用城市", "道路申请表")], [("application_form", "a.pdf", (1,))]),
        ([_p(1, "临时占甩城市道路申情表", source="ocr")], [("application_form", "a.pdf", (1,))]),
        # without a heading: by words; nothing known: unknown
        ([_p(1, "剩余通行宽度：3米", "警示标志：已设置", "绕行：有")], [("traffic_plan", "a.pdf", (1,))]),
        ([_p(1, "风景照片")], [("unknown", "a.pdf", (1,))]),
        # a mention is no heading
        ([_p(1, "风景照片", "附件：营业执照、临时占用城市道路申请表")], [("unknown", "a.pdf", (1,))]),
        # page 2 of the form is a photo of its own
        (
            [
                _p(1, "临时占用城市道路申请表", file="1.jpg", source="ocr"),
                _p(1, "占用事由：装修", "占用面积：30", "占用部位：人行道", file="2.jpg", source="ocr"),
            ],
            [("application_form", "1.jpg", (1,)), ("application_form", "2.jpg", (1,))],
        ),
        # two short papers scanned on one sheet; the same title in a corner, or beside something, is none
        (
            [page([LICENCE, ("住所：某某路1号", 0.1, 0.1), BIG, ("有效期至：2026年9月2日", 0.1, 0.6)])],
            [("licence", "a.pdf", (1,)), ("police_consent", "a.pdf", (1,))],
        ),
        (
            [page([LICENCE, ("住所：某某路1号", 0.1, 0.1), ("公安交通管理部门意见", 0.1, 0.5)])],
            [("licence", "a.pdf", (1,))],
        ),
        (
            [page([LICENCE, ("住所：某某路1号", 0.1, 0.1), BIG, ("同意", 0.8, 0.5)])],
            [("licence", "a.pdf", (1,))],
        ),
        # a blank page between
        (
            [_p(1, "临时占用城市道路申请表"), page([], 2, source="blank"), _p(3, "占用事由：装修")],
            [("application_form", "a.pdf", (1, 3))],
        ),
    ],
)  # fmt: skip
def test_documents(pages, expected):
    assert _documents(*pages) == expected


# -- confidence --------------------------------------------------------------------------------------------------------
def _confidence(text, form=None, source="ocr", sure=0.97):
    found = extract(ROAD, form or {}, reading(page([TITLE, (text, 0.1, 0.1)], source=source, confidence=sure)))
    return found.fields["contact_phone"].best


def test_confidence_follows_what_is_known():
    text = "联系电话：13800138000"
    plain = _confidence(text).confidence
    assert _confidence(text, source="text").confidence > plain
    assert _confidence(text, sure=0.7).confidence < plain
    assert _confidence(text, {"contact_phone": "13800138000"}).confidence > plain
    assert _confidence(text, {"contact_phone": "13800138001"}).confidence < plain
    assert _confidence("联系电话：l38OO138000").confidence < plain


def test_a_different_form_never_mends_the_value():
    found = _confidence("联系电话：13800138000", {"contact_phone": "13800138001"})
    assert found.value == "13800138000"


def test_two_documents_confirm_each_other():
    one = page([TITLE, ("法定代表人：张三", 0.1, 0.1)])
    same = page([("营业执照", 0.4, 0.05), ("法定代表人：张三", 0.1, 0.1)], number=2)
    other = page([("营业执照", 0.4, 0.05), ("法定代表人：李四", 0.1, 0.1)], number=2)

    def of(*pages):
        return extract(ROAD, {}, reading(*pages)).fields["legal_representative"]

    assert of(one, same).best.confidence > of(one).best.confidence > of(one, other).best.confidence
    assert {found.document for found in of(one, other).found} == {"application_form", "licence"}


def test_a_seal_stands_for_a_name_nobody_can_read():
    lines = [TITLE, ("申请人签章：", 0.5, 0.8)]
    assert "applicant_signature" not in _road(*lines[1:])
    assert _road(*lines[1:], stamps=[(0.6, 0.75, 0.8, 0.88)])["applicant_signature"] == "印章"
    assert "applicant_signature" not in _road(*lines[1:], stamps=[(0.6, 0.1, 0.8, 0.2)])


def test_boxes_are_around_the_value():
    found = extract(ROAD, {}, reading(page([TITLE, ("联系电话：13800138000", 0.1, 0.1)]))).fields["contact_phone"].best
    left, top, right, bottom = found.box
    assert found.text == "13800138000"
    assert 0.18 < left < 0.2
    assert (top, bottom) == (0.1, 0.114)
    assert right == pytest.approx(0.1 + 5 * 0.018 + 11 * 0.009)


def test_records_tell_what_confidence_was_made_of():
    extraction, records = extract_with_records(ROAD, {}, reading(page([TITLE, ("联系电话：13800138000", 0.1, 0.1)])))
    assert [(r.field, r.value, r.confidence) for r in records] == [
        ("contact_phone", "13800138000", extraction.fields["contact_phone"].best.confidence)
    ]
    assert records[0].features["ocr"] == 0.0


def test_an_empty_application():
    extraction = extract(ROAD, {"applicant_name": "某某公司"}, reading())
    assert extraction.documents == ()
    assert extraction.fields["applicant_name"].best is None
    assert extraction.fields["applicant_name"].declared.value == "某某公司"
    assert set(extraction.fields) == set(ROAD.fields)


CONSENT = ("公安交通管理部门意见", 0.35, 0.05)


@pytest.mark.parametrize(
    "lines",
    [
        # one sign short of the label 同意占用至, and a choice's word
        [("交管部门意见", 0.1, 0.1), ("同意占用", 0.3, 0.1)],
        # boxes of OCR have a margin: the value's begins before the label's ends
        [("审查意见：", 0.1, 0.1), ("☑同意占用 ☐不同意占用", 0.18, 0.1), ("有效期至：", 0.5, 0.1)],
    ],
)
def test_a_choice_read_by_ocr_is_no_label_and_may_touch_its_own(lines):
    found = _values(ROAD, page([CONSENT, *lines, ("道路名称：和坊路", 0.5, 0.08)], source="ocr", confidence=0.9))
    assert found.get("police_opinion") == "consent"
