"""Shared places: what the rules find, what they leave, and the spans that the PII tagger gives."""

import pyarrow as pa
import pytest

from udfs.places.shared import Anchor, Shared, find_shared
from udfs.places.step import PLACE_SPANS, Locate

SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("score", pa.float32())]))


@pytest.fixture(scope="module")
def step():
    locate = Locate()
    locate.open()
    yield locate
    locate.close()


def places(step, text, region=None, spans=None):
    columns = {"text": [text], "region": pa.array([region], pa.string())}
    if spans is not None:
        columns[PLACE_SPANS] = pa.array([spans], SPANS)
    return step.apply(pa.RecordBatch.from_pydict(columns)).column("places").to_pylist()[0]


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        (
            "巩义市米河镇小里河村，8人被困",
            None,
            [("河南省郑州市巩义市米河镇", "town"), ("河南省郑州市巩义市米河镇小里河村", "village")],
        ),
        (
            "卫辉市顿坊店乡焦庄村、东庄村需要船",
            None,
            [
                ("河南省新乡市卫辉市顿坊店乡", "town"),
                ("河南省新乡市卫辉市顿坊店乡焦庄村", "village"),
                ("河南省新乡市卫辉市顿坊店乡东庄村", "village"),
            ],
        ),
        (
            "新乡凤泉区大块镇块村营村断电",
            None,
            [("河南省新乡市凤泉区大块镇", "town"), ("河南省新乡市凤泉区大块镇块村营村", "village")],
        ),
        (
            "被困在郑州市阳光花园小区3号楼",
            None,
            [("河南省郑州市", "city"), ("河南省郑州市阳光花园小区", "poi")],
        ),
        (
            "郑州中原路与京广路交叉口积水",
            None,
            [("河南省郑州市", "city"), ("河南省郑州市中原路", "road"), ("河南省郑州市京广路", "road")],
        ),
        ("郑州京广路隧道被淹", None, [("河南省郑州市", "city"), ("河南省郑州市京广路隧道", "poi")]),
        ("郑州东站滞留", None, [("河南省郑州市", "city"), ("河南省郑州市郑州东站", "poi")]),
        (
            "郑州大学第一附属医院停电",
            None,
            [("河南省郑州市", "city"), ("河南省郑州市郑州大学第一附属医院", "poi")],
        ),
        (
            "巩义市人民医院断电",
            None,
            [("河南省郑州市巩义市", "county"), ("河南省郑州市巩义市人民医院", "poi")],
        ),
        (
            "鹤壁浚县彭村决堤",
            None,
            [("河南省鹤壁市浚县", "county"), ("河南省鹤壁市浚县彭村", "village")],
        ),
        # a town that the gazetteer does not know, right after its county
        (
            "登封市桃园乡上坡村缺水",
            None,
            [("河南省郑州市登封市桃园乡", "town"), ("河南省郑州市登封市桃园乡上坡村", "village")],
        ),
        # no place in the text, but help is the matter: the region field says where
        ("求助！小里河村，8人被困", "河南 郑州", [("河南省郑州市小里河村", "village"), ("河南省郑州市", "city")]),
        # without a division at all a name says nothing
        ("求助！小里河村，8人被困", None, []),
        # kinds of things, not names
        ("我们村停电了，郑州的小区都停水", None, [("河南省郑州市", "city")]),
        ("郑州市区道路积水，学校停课", None, [("河南省郑州市", "city")]),
        ("武汉市民在超市抢购", None, [("湖北省武汉市", "city")]),
        ("河南农村的路", None, [("河南省", "province")]),
        ("武汉定点医院", None, [("湖北省武汉市", "city")]),
        ("涿州的桥段", None, [("河北省保定市涿州市", "county")]),
        ("荥阳市城镇居民", None, [("河南省郑州市荥阳市", "county")]),
        ("荥阳市解放路路面塌陷", None, [("河南省郑州市荥阳市", "county"), ("河南省郑州市荥阳市解放路", "road")]),
    ],
)
def test_rules(step, text, region, expected):
    assert [(place["name"], place["level"]) for place in places(step, text, region)] == expected


def test_code_is_the_countys_or_unknown(step):
    county, village = places(step, "浚县彭村决堤")
    assert (village["adcode"], village["lat"]) == ("410621", county["lat"])
    _, road = places(step, "郑州京广路积水")
    assert road["adcode"] is None


def test_spans_cut_exactly_the_name(step):
    text = "求助：巩义市米河镇小里河村3组<PERSON>"
    village = places(step, text)[-1]
    assert text[village["start"] : village["end"]] == "小里河村"


def test_the_taggers_spans_are_taken_and_named_after_their_county(step):
    text = "郑州市二七区富士康北门有人被困"
    start = text.index("富士康")
    found = places(step, text, spans=[{"start": start, "end": start + 3, "score": 1.0}])
    assert [(place["name"], place["level"]) for place in found] == [
        ("河南省郑州市二七区", "county"),
        ("河南省郑州市二七区富士康", "poi"),
    ]
    assert found[1]["adcode"] == "410103"


def test_a_taggers_span_outside_the_text_is_ignored(step):
    assert places(step, "短", spans=[{"start": 5, "end": 9, "score": 1.0}]) == []


def test_no_suffix_no_work():
    assert find_shared("今天下雨了", [Anchor(0, 2)]) == []


def test_find_shared_gives_spans():
    assert find_shared("某县彭村决堤", [Anchor(0, 2, deep=True, county=True)]) == [Shared(2, 4, "village")]


def test_a_tag_inside_a_division_is_that_division(step):
    text = "郑州市二七区马寨镇进水了"
    start = text.index("马寨")
    found = places(step, text, spans=[{"start": start, "end": start + 2, "score": 1.0}])
    assert [place["name"] for place in found] == ["河南省郑州市二七区马寨镇"]
