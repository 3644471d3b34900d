"""The cities in which a generated emergency can happen, with their real districts (adcodes of GB/T 2260).

A table of its own rather than the gazetteer: the truth of a generated post must not come from the code that it tests.
Towns and villages are invented; a few town names may exist all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache


@dataclass(frozen=True)
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
    def _names(self) -> re.Pattern[str]:
        return re.compile("|".join(name for _, name in self.counties))

    @cached_property
    def _adcodes(self) -> dict[str, str]:
        return {name: adcode for adcode, name in self.counties}


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
