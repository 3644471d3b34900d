"""Work orders and the note of a shift, as they are opened and read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from udfs.export.case import GROUPS, HAZARDS, NEEDS, Case, Circle, Quoted, title
from udfs.export.handover import Change, Shift, note, overdue
from udfs.export.ticket import FIELDS, as_csv, as_json, harmless, ticket

NOW = 1_790_000_000_000
"""2026-09-21 22:13:20 in Beijing."""
MINUTE = 60_000
CASE = Case(
    episode_id="ab12" * 8, kind="help", priority=1, place="河南省郑州市巩义市某镇某村", level="village",
    adcode="410181", first_at=NOW - 60 * MINUTE, last_at=NOW - MINUTE, lat=34.7, lon=113.0, radius_m=900,
    needs=("rescue", "medical"),
    vulnerable=("elderly", "infant"), people=5, callers=2, relays=9, posts=11, numbers=2,
    quoted=(Quoted("weibo", "p1", "<PLACE>三楼被困，<PERSON>家"), Quoted("weibo", "p2", "水还在涨")),
)  # fmt: skip


def test_a_work_order() -> None:
    assert ticket(replace(CASE, owner="消防救援支队", deadline=NOW + 30 * MINUTE, items=("皮划艇",))) == {
        "工单编号": "YQ-ab12ab12ab12ab12",
        "工单来源": "网络舆情",
        "诉求类别": "求助-救援、医疗",
        "紧急程度": "特急",
        "优先级": "一级",
        "标题": "河南省郑州市巩义市某镇某村求助：救援、医疗，约5人",
        "诉求内容": "网民反映（已脱敏，原帖11条，其中转发转述9条）：“<PLACE>三楼被困，<PERSON>家”（weibo/p1）"
        "“水还在涨”（weibo/p2）所需物品：皮划艇。",
        "区划代码": "410181",
        "事发地点": "河南省郑州市巩义市某镇某村",
        "经度": 113.0,
        "纬度": 34.7,
        "定位误差（米）": 900,
        "首次反映时间": "2026-09-21 21:13:20",
        "最近反映时间": "2026-09-21 22:12:20",
        "反映人数": 2,
        "涉及人数": 5,
        "重点人群": "老人、婴幼儿",
        "联系方式": "原帖留有电话2个，加密存放，需授权查看；尚未回电",
        "办理状态": "待核实",
        "核实时间": "",
        "承办单位": "消防救援支队",
        "办理期限": "2026-09-21 22:43:20",
        "依据": "weibo/p1 weibo/p2",
    }


# what the case has, field, value
FIELD_CASES = [
    ({"numbers": 0}, "联系方式", "原帖未留电话"),
    (
        {"calls": 2, "called_at": NOW},
        "联系方式",
        "原帖留有电话2个，加密存放，需授权查看；已回电2次，最近2026-09-21 22:13:20",
    ),
    ({"needs": (), "hazards": ("dyke_breach",), "kind": "hazard"}, "诉求类别", "险情-堤坝险情"),
    (
        {"needs": (), "hazards": ("dyke_breach",), "kind": "hazard"},
        "标题",
        "河南省郑州市巩义市某镇某村险情：堤坝险情，约5人",
    ),
    ({"priority": 2}, "紧急程度", "紧急"),
    ({"priority": 3}, "紧急程度", "一般"),
    ({"verified_at": NOW, "state": "dispatched"}, "核实时间", "2026-09-21 22:13:20"),
    ({"verified_at": NOW, "state": "dispatched"}, "办理状态", "已派出"),
    ({"lat": None, "lon": None}, "经度", None),
]


@pytest.mark.parametrize(("has", "field", "value"), FIELD_CASES)
def test_fields_of_a_work_order(has: dict[str, object], field: str, value: object) -> None:
    assert ticket(replace(CASE, **has))[field] == value  # type: ignore[arg-type]


def test_the_table_opens_in_excel() -> None:
    document = as_csv([CASE, replace(CASE, place="a\r\nb\x00", people=None)])
    assert document.startswith(b"\xef\xbb\xbf")
    assert document.count(b"\r\n") == 3
    assert b"\n" not in document.replace(b"\r\n", b"")
    rows = list(csv.reader(io.StringIO(document.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(FIELDS)
    assert {len(row) for row in rows} == {len(FIELDS)}
    assert (rows[2][FIELDS.index("事发地点")], rows[2][FIELDS.index("涉及人数")]) == ("a b", "")


# a cell as a stranger may have written it, whether it is a formula for some spreadsheet
CELLS = [
    ("=1+1", True), ("+861234", True), ("-1+1|x", True), ("@SUM(A1)", True), ("＝1", True), ("  =1", True),
    ("\t=1", True), ("|calc", True), ("%0A=1", True), ("1=1", False), ("被困=急", False), ("", False), ("'=1", False),
    (-1.5, False), (None, False),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "formula"), CELLS)
def test_no_cell_is_a_formula(cell: str | float | None, formula: bool) -> None:
    assert harmless(cell) == (f"'{cell}" if formula else cell)


def test_no_cell_of_a_table_begins_a_formula() -> None:
    bad = "=HYPERLINK(1)"
    case = replace(CASE, place=bad, adcode=bad, owner=bad, items=(bad,), quoted=(Quoted(bad, bad, bad),))
    for cell in list(csv.reader(io.StringIO(as_csv([case]).decode("utf-8-sig"), newline="")))[1]:
        assert not cell.startswith(("=", "+", "-", "@"))


def test_json_has_the_same_fields_with_numbers_and_nulls() -> None:
    (order,) = json.loads(as_json([replace(CASE, people=None)]))
    assert list(order) == list(FIELDS)
    assert (order["经度"], order["涉及人数"], order["标题"]) == (113.0, None, title(replace(CASE, people=None)))
    assert "求助" in as_json([CASE]).decode()


def test_every_label_that_may_come_has_a_word() -> None:
    from udfs.triage.people import VULNERABLE

    assert set(VULNERABLE) <= set(GROUPS)
    assert {"rescue", "medical", "supplies", "shelter", "transport", "missing_person", "other_help", "offer"} == set(
        NEEDS
    )
    assert {"dyke_breach", "collapse", "landslide", "flood_rising", "electric", "gas", "fire", "road_cut"} == set(
        HAZARDS
    )


def test_the_note_of_a_shift() -> None:
    late = replace(
        CASE, state="dispatched", owner="冲锋舟队", deadline=NOW - MINUTE, calls=1, called_at=NOW - 10 * MINUTE
    )
    county = Circle("河南省郑州市巩义市", 34.7, 113.0, 20_000)
    second = replace(
        CASE, episode_id="cd34" * 8, priority=2, place="", county=county, proposed="closed", proposed_by="weibo/p9"
    )
    changes = [
        Change("ab12" * 8, NOW - 30 * MINUTE, "张三", "dispatch", "冲锋舟队", NOW - MINUTE, "带橡皮艇"),
        Change("ef56" * 8, NOW - 20 * MINUTE, "李四", "merge", other="ab12" * 8),
        Change("0099" * 8, NOW - 5 * MINUTE, "李四", "close", note="已转移"),
    ]
    text = note(Shift(NOW - 60 * MINUTE, NOW, "张三", words="看好水库"), [late, second], changes)
    assert text == (
        "突发事件交接班说明\n"
        "时段：2026-09-21 21:13 至 2026-09-21 22:13（北京时间）\n"
        "交班人：张三　承办单位：全部\n"
        "交班留言：看好水库\n"
        "\n"
        "一、概况\n"
        "  未办结2起（待核实1，已派出1），其中一级1起、超过期限1起；本班办结1起。\n"
        "  留有电话而尚未回电：1起。\n"
        "\n"
        "二、未办结事项（按紧急程度）\n"
        "1. [一级] 河南省郑州市巩义市某镇某村　救援、医疗　约5人　老人、婴幼儿\n"
        "   编号 ab12ab12ab12　已派出　冲锋舟队　期限09-21 22:12【超期】　不同来电2　转发9　最近09-21 22:12　"
        "已回电1次，最近09-21 22:03\n"
        "2. [二级] 河南省郑州市巩义市　救援、医疗　约5人　老人、婴幼儿\n"
        "   编号 cd34cd34cd34　待核实　无承办单位　不同来电2　转发9　最近09-21 22:12　未回电\n"
        "\n"
        "三、本班变动\n"
        "  09-21 21:43　ab12ab12ab12　张三　派出　冲锋舟队　期限09-21 22:12：带橡皮艇\n"
        "  09-21 21:53　ef56ef56ef56　李四　并入另一起　→ ab12ab12ab12\n"
        "  09-21 22:08　009900990099　李四　办结：已转移\n"
        "\n"
        "四、待人决定的办结提议（软件只提议，不改状态）\n"
        "  cd34cd34cd34　帖文 weibo/p9 称已解决，请核对后办结或不采纳\n"
        "\n"
        "交班签字：＿＿＿＿＿＿　　接班签字：＿＿＿＿＿＿\n"
    )


def test_the_note_of_a_quiet_shift() -> None:
    text = note(Shift(NOW - MINUTE, NOW, "张三", "水务局"), [], [])
    assert "承办单位：水务局" in text
    assert text.count("  无\n") == 3
    assert "未办结0起，其中一级0起" in text


@pytest.mark.parametrize(
    ("deadline", "state", "late"),
    [(None, "verified", False), (NOW - 1, "dispatched", True), (NOW, "arrived", False), (NOW - 1, "closed", False)],
)
def test_overdue(deadline: int | None, state: str, late: bool) -> None:
    assert overdue(replace(CASE, deadline=deadline, state=state), NOW) is late
