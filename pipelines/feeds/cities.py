"""The cities in which a generated emergency can happen, with their real districts (adcodes of GB/T 2260).

A table of its own rather than the gazetteer: the truth of a generated post must not come from the code that it tests.
Towns and villages are invented; a few town names may exist all the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256


@dataclass(frozen=True, eq=False)
class City:
    adcode: str
    province: str
    name: str
    landline: str
    """Area code of its telephone numbers."""
    plate: str
    """First two characters of its number plates."""
    counties: tuple[tuple[str, str], ...]
    """(adcode, name), districts and counties."""
    rivers: tuple[str, ...]
    reservoir: str
    """Invented."""

    @cached_property
    def short(self) -> str:
        return self.name.removesuffix("市")

    def name_in(self, text: str) -> str | None:
        """Adcode of the smallest division of this city that is named in a generated text, which names one at most."""
        if found := self._names.search(text):
            return self._adcodes[found.group()]
        return self.adcode if self.short in text else None

    @cached_property
    def streets(self) -> tuple[str, ...]:
        """Roads; like all names below they are put together from parts, the same in every run."""
        return _named(self.adcode, _ROAD_NAMES, ("路", "大道", "街", "北路", "东路"), 60)

    @cached_property
    def estates(self) -> tuple[str, ...]:
        return _named(self.adcode, _ESTATE_NAMES, ("花园", "家园", "小区", "苑", "新城", "名邸", "里"), 80)

    @cached_property
    def schools(self) -> tuple[str, ...]:
        return _named(self.adcode, _ROAD_NAMES, ("小学", "中学", "实验学校", "幼儿园"), 50)

    @cached_property
    def hospitals(self) -> tuple[str, ...]:
        return _named(self.adcode, _ROAD_NAMES, ("医院", "中医院", "社区卫生服务中心"), 30)

    def towns(self, county: str) -> tuple[str, ...]:
        """Six towns of a county. Not personal, so without marks."""
        return _named(county, _TOWN_NAMES, ("镇", "乡", "街道"), 6)

    @cached_property
    def _names(self) -> re.Pattern[str]:
        return re.compile("|".join(name for _, name in self.counties))

    @cached_property
    def _adcodes(self) -> dict[str, str]:
        return {name: adcode for adcode, name in self.counties}


_ROAD_NAMES = (
    "朝阳 和平 团结 文昌 迎宾 青年 长青 光华 兴业 振兴 永安 丰收 新华 胜利 育才 春风 晨曦 望江 云台 凤鸣 槐荫 桐柏 百花"
).split()
_ESTATE_NAMES = (
    "碧水 锦绣 康乐 逸景 翡翠 书香 御景 天鹅 梧桐 香樟 枫林 明珠 祥和 金色 世纪 阳光 幸福 观澜 湖畔 龙腾"
).split()
_TOWN_NAMES = ("白鹭 红旗 大榆 清泉 马鞍 双河 柿园 石磨 青枫 安乐 永兴 枣阳坡 黄花 银杏 龙潭 三里").split()


def _named(key: str, fronts: Sequence[str], ends: Sequence[str], count: int) -> tuple[str, ...]:
    """`count` different combinations, which the key chooses."""
    every = [front + end for front in fronts for end in ends]
    return tuple(sorted(every, key=lambda name: sha256((key + name).encode()).digest())[:count])


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((code, name) for code, name in (pair.split(":") for pair in text.split()))


CITIES = (
    City(
        "410100",
        "河南省",
        "郑州市",
        "0371",
        "豫A",
        _pairs(
            "410102:中原区 410103:二七区 410104:管城回族区 410105:金水区 410106:上街区 410108:惠济区 "
            "410122:中牟县 410181:巩义市 410182:荥阳市 410183:新密市 410184:新郑市 410185:登封市"
        ),
        ("贾鲁河", "索须河", "汜水河"),
        "青石沟水库",
    ),
    City(
        "430100",
        "湖南省",
        "长沙市",
        "0731",
        "湘A",
        _pairs(
            "430102:芙蓉区 430103:天心区 430104:岳麓区 430105:开福区 430111:雨花区 430112:望城区 "
            "430121:长沙县 430181:浏阳市 430182:宁乡市"
        ),
        ("浏阳河", "捞刀河", "沩水"),
        "枫树坳水库",
    ),
)


@lru_cache(maxsize=64)
def find_city(text: str) -> City:
    """The city of an adcode or a name (with or without 市). KeyError with the names that are known."""
    for city in CITIES:
        if text in (city.adcode, city.name, city.short):
            return city
    raise KeyError("one of " + ", ".join(f"{city.short} ({city.adcode})" for city in CITIES))
