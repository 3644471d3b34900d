from __future__ import annotations

import pytest

from schemas.errors import UsageError
from udfs.forecast.themes import OTHER, Themes

CASES = [
    ("晚上烧烤摊油烟太大，噪音也大", "环境保护"),
    ("公交线路停运，站台也拆了", "交通运输"),
    ("老板拖欠工资三个月", "劳动和社会保障"),
    ("学校补课还收学费", "教育文体"),
    ("医院看病排不上号，医生说没床位", "卫生计生"),
    ("小区物业不修电梯", "城乡建设"),
    ("旅行社导游强制消费", "商贸旅游"),
    ("今天天气不错", OTHER),
    ("", OTHER),
]


@pytest.mark.parametrize(("text", "theme"), CASES)
def test_themes_by_words(text, theme):
    assert Themes.load().of(text) == theme


def test_different_words_count_and_a_tie_goes_to_the_first():
    themes = Themes({"甲": ["山"], "乙": ["水", "河"]})
    assert themes.of("山山山，水和河") == "乙"
    assert themes.of("山水") == "甲"
    assert Themes({"甲": ["高速", "高速公路"], "乙": ["公路", "高速路"]}).of("高速公路") == "甲"


@pytest.mark.parametrize("text", ["[]", "甲: 词", "甲: []", "甲: [1]", "甲: [词", ""])
def test_a_table_that_is_none_is_refused_by_name(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"own\.yaml"):
        Themes.load(path)
