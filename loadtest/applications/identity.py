"""Papers that several types have: an identity card's copy and a power of attorney."""

from __future__ import annotations

from datetime import date
from typing import Any

from loadtest.applications.invention import Inventor
from loadtest.applications.paper import Pairs, Paper, Signs
from loadtest.applications.writing import LONG
from loadtest.applications.writing import Wording as W

CARD_WORDS = {
    "card_sex": W("text", ("性别",)),
    "card_nation": W("text", ("民族",)),
    "card_born": W("date", ("出生",)),
    "card_home": W("address", ("住址",)),
    "card_office": W("organisation", ("签发机关",)),
}


def card(document: str, name: str, number: str, until: str) -> Paper:
    """Both sides of an identity card on half a sheet. The arguments are names of fields."""
    front = Pairs((name, "card_sex", "card_nation", "card_born", "card_home", number))
    return Paper(document, ("居民身份证", "身份证复印件"), (front, Pairs(("card_office", until))), short=True)


def card_aside(make: Inventor, number: str) -> dict[str, Any]:
    """What stands on the card beside the fields. The sequence 000 is even: a woman's number."""
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {
        "card_sex": "女", "card_nation": "汉", "card_born": born, "card_home": make.home(),
        "card_office": f"{make.city}公安局{make.district.removesuffix('区')}分局",
    }  # fmt: skip


def card_period(make: Inventor, *, expired: bool = False) -> tuple[str, str]:
    """Begin and end of a card's validity: 10 or 20 years, or 长期."""
    years = make.rng.choice((10, 20, 20))
    begin = make.day(-365 * years - 900, -365 * years - 40) if expired else make.day(-365 * years + 400, -200)
    end = date(begin.year + years, begin.month, min(begin.day, 28))
    return begin.isoformat(), LONG if not expired and make.rng.random() < 0.15 else end.isoformat()


def attorney(principal: str, agent: str, more: tuple[str, ...], until: str, signature: str) -> Paper:
    """A power of attorney; the arguments are names of fields."""
    names = tuple(name for name in (principal, agent, *more, "authority_scope", until) if name)
    return Paper("authorisation", ("授权委托书",), (Pairs(names), Signs((signature,) if signature else ())), short=True)


AUTHORITY = "代为提交申请材料、领取批准文件和证照"
