"""The step keeps the contract, and the region field does what docs/places.md says."""

import pyarrow as pa
import pytest

from schemas import records
from udfs.checks import check_udf
from udfs.places.step import Locate


@pytest.fixture(scope="module")
def step():
    locate = Locate()
    locate.open()
    yield locate
    locate.close()


def places(step, text, region=None):
    batch = pa.RecordBatch.from_pydict({"text": [text], "region": pa.array([region], pa.string())})
    return step.apply(batch).column("places").to_pylist()[0]


def test_contract_of_steps():
    check_udf(Locate())


def test_a_place_has_every_field_of_the_contract(step):
    text = "求助：河南省郑州市二七区水深一米"
    (place,) = places(step, text)
    assert list(place) == [field.name for field in records.PLACE]
    assert (place["name"], place["level"], place["adcode"]) == ("河南省郑州市二七区", "county", "410103")
    assert text[place["start"] : place["end"]] == "河南省郑州市二七区"
    assert place["lat"] == pytest.approx(34.72, abs=0.05)
    assert place["lon"] == pytest.approx(113.64, abs=0.05)
    assert 5_000 < place["radius_m"] < 15_000


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("水进屋了", "河南 郑州", [("河南省郑州市", -1)]),
        ("水进屋了", "广东", [("广东省", -1)]),
        ("水进屋了", "郑州市金水区", [("河南省郑州市金水区", -1)]),
        ("水进屋了", "美国", []),
        ("水进屋了", "海外 其他", []),
        ("水进屋了", "", []),
        ("水进屋了", None, []),
        # the text wins: the account is in Shanghai, the need is in Xinxiang
        ("新乡的朋友需要皮划艇", "上海", [("河南省新乡市", 0)]),
        # and is not made finer than it says
        ("河南的雨太大了", "河南 郑州", [("河南省", 0)]),
        # but the field decides between namesakes
        ("鼓楼区停水", "江苏 南京", [("江苏省南京市鼓楼区", 0)]),
        ("鼓楼区停水", "河南 开封", [("河南省开封市鼓楼区", 0)]),
        ("鼓楼区停水", "江苏", [("江苏省", -1)]),
        ("鼓楼区停水", None, []),
        ("", "湖北 武汉", [("湖北省武汉市", -1)]),
    ],
)
def test_region_field(step, text, region, expected):
    assert [(place["name"], place["start"]) for place in places(step, text, region)] == expected


def test_a_null_text_is_no_error(step):
    batch = pa.RecordBatch.from_pydict(
        {"text": pa.array([None, "在武汉"], pa.string()), "region": pa.array([None, None], pa.string())}
    )
    assert [len(row) for row in step.apply(batch).column("places").to_pylist()] == [0, 1]
