"""The table that is shipped: complete, consistent, in WGS-84."""

import math

import pytest

from schemas.errors import ModelError
from udfs.places.gazetteer import Gazetteer
from udfs.places.lexicon import Lexicon


@pytest.fixture(scope="module")
def gazetteer():
    return Gazetteer.load()


def test_counts_are_those_of_2026(gazetteer):
    levels = [division.level for code, division in gazetteer.divisions.items() if not code.startswith("x")]
    assert (levels.count("province"), levels.count("city"), levels.count("county")) == (34, 333, 2847)
    assert sum(map(len, gazetteer.towns.values())) > 38_000


@pytest.mark.parametrize(
    ("code", "path", "level", "lat", "lon"),
    [
        ("110000", "北京市", "province", 40.2, 116.4),
        ("410100", "河南省郑州市", "city", 34.76, 113.65),
        ("410103", "河南省郑州市二七区", "county", 34.72, 113.64),
        ("440300", "广东省深圳市", "city", 22.55, 114.06),
        ("441900", "广东省东莞市", "city", 23.02, 113.75),
        ("650100", "新疆维吾尔自治区乌鲁木齐市", "city", 43.80, 87.60),
        ("419001", "河南省济源市", "county", 35.09, 112.59),
        ("330113", "浙江省杭州市临平区", "county", 30.42, 120.30),
        ("540481", "西藏自治区林芝市米林市", "county", 29.21, 94.15),
    ],
)
def test_by_adcode(gazetteer, code, path, level, lat, lon):
    division = gazetteer.by_adcode(code)
    assert (division.path, division.level, division.adcode) == (path, level, code)
    reach = 0.4 if level == "province" else 0.12
    assert (division.lat, division.lon) == (pytest.approx(lat, abs=reach), pytest.approx(lon, abs=reach))


def test_unknown_code(gazetteer):
    with pytest.raises(KeyError):
        gazetteer.by_adcode("999999")


def test_children(gazetteer):
    names = [division.name for division in gazetteer.children("410100")]
    assert len(names) == 12
    assert {"二七区", "金水区", "巩义市", "中牟县"} <= set(names)
    assert len(gazetteer.children()) == 34
    assert "米河镇" in [town.name for town in gazetteer.children("410181")]
    assert len(gazetteer.counties("410000")) == 157
    assert [division.name for division in gazetteer.counties("441900")] == ["东莞市"]


def test_every_division_lies_near_its_parent(gazetteer):
    for division in gazetteer.divisions.values():
        assert 3 < division.lat < 54
        assert 73 < division.lon < 136
        assert division.radius_m >= 500
        if division.parent and division.level == "county":
            parent = gazetteer.divisions[division.parent]
            if parent.level == "city" and parent.name != "三沙市":
                north = (division.lat - parent.lat) * 111
                east = (division.lon - parent.lon) * 111 * math.cos(math.radians(parent.lat))
                assert math.hypot(north, east) < 900, division.path


def test_towns_lie_in_reach_of_their_county(gazetteer):
    far = 0
    for code, towns in gazetteer.towns.items():
        county = gazetteer.by_adcode(code)
        for town in towns:
            north = (town.lat - county.lat) * 111_000
            east = (town.lon - county.lon) * 111_000 * math.cos(math.radians(county.lat))
            far += math.hypot(north, east) > 6 * county.radius_m
    assert far == 0


def test_former_names_lead_to_divisions_that_exist(gazetteer):
    assert gazetteer.by_adcode(gazetteer.former["闸北区"]).path == "上海市静安区"
    assert all(code in gazetteer.divisions for code in gazetteer.former.values())


def test_lists_of_names_name_divisions(gazetteer):
    lexicon = Lexicon(gazetteer)
    shorts = {division.short for division in gazetteer.divisions.values()}
    listed = [*lexicon.rules["cautious"].values(), lexicon.rules["trusted"], lexicon.rules["never_short"]]
    assert not {word for words in listed for word in words.split()} - shorts


def test_a_damaged_table_is_a_model_error(tmp_path):
    path = tmp_path / "gazetteer.tsv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(ModelError, match=r"gazetteer\.tsv\.gz"):
        Gazetteer.load(path)
