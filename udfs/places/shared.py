"""Shared places by rule: villages, roads, and estates, schools, hospitals, stations and bridges (level poi).

Towns that the gazetteer does not know are found here too, right after their county.

Only where the text makes them sure: a strong suffix (村, 小区, 路, 医院, 大桥, ...) on a short name that begins right
after a place already found (巩义市米河镇|小里河村) or at the start of a phrase (被困在|阳光花园小区). Names without
such a suffix (富士康) are left to the PII tagger: ``Locate`` takes its spans through the column ``place_spans``.

Cost: one regular expression a post that has a place and such a suffix, else one search; about 10 microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOWN, VILLAGE, ROAD, POI = "town", "village", "road", "poi"

_VILLAGES = "行政村|自然村|村委会|社区|嘎查|村|屯"
_ROADS = "大道|大街|胡同|高速公路|高速|国道|省道|快速路|高架桥(?!面)|高架|二环|三环|四环|五环|环路|路|街|巷"
_POIS = (
    "小区|花园|家园|公寓|嘉园|佳苑|雅苑|名苑|新苑|公馆|华庭|家属院|宿舍楼|宿舍|安置区|"
    "卫生院|卫生室|医院|幼儿园|小学|初中|高中|中学|大学|学院|学校|分校|校区|校园|养老院|敬老院|福利院|月子中心|"
    "火车站|高铁站|客运站|汽车站|地铁站|路站|街站|桥站|门站|加油站|收费站|服务区|机场|码头|渡口|"
    "大桥|立交桥|立交|隧道|水库|大坝|大堤|电厂|水厂|煤矿|工业园|产业园|物流园|园区|厂区|"
    "广场|大厦|商场|批发市场|市场|超市|酒店|宾馆|公园|体育馆|体育场|会展中心|图书馆|博物馆"
)
_KINDS = dict.fromkeys(_VILLAGES.split("|"), VILLAGE)
_KINDS |= dict.fromkeys(_ROADS.split("|"), ROAD) | dict.fromkeys(_POIS.split("|"), POI)
_SUFFIXES = "|".join(sorted(_KINDS, key=len, reverse=True))
_LONG = "|".join(suffix for suffix in sorted(_KINDS, key=len, reverse=True) if len(suffix) > 1)

_LAST = re.compile(rf"(?:{_SUFFIXES})$")
_HINT = re.compile(
    r"[村屯路街巷道站校桥镇乡苑园邸]|社区|嘎查|小区|花园|家园|公寓|苑|公馆|华庭|院|小学|[初高中]中|中学|大学|高[速架]|隧道|"
    r"立交|水库|大[坝堤厦]|[电水]厂|煤矿|园区|厂区|广场|市场|超市|酒店|宾馆|公园|体育|馆|机场|码头|渡口|服务区"
)
# characters that no name of a place holds, so a name never runs across a verb or a particle
_NAME = (
    r"[^\W\d_的了是在有与或也都就被把给让请需要求我你您他她它们这那哪没不很到从等已还又将其对向为但而个某各该何吗吧啊呢呀太好谢"
    r"困淹救停断缺]"
)
_ESTATE = re.compile(rf"({_NAME}{{2,5}}?)(苑|名邸|府邸|豪庭|新城|名都|庄(?![严稼园])|(?<![公校])园(?![区林丁长艺方]))")
_TOWN = re.compile(rf"({_NAME}{{1,5}}?)(?:镇|街道|乡(?![村下亲土镇]))(?![长委干])")
_SHARED = re.compile(rf"((?:{_NAME}|\d(?=[^\W\d_]))" + r"{1,8}?)" + rf"((?:{_SUFFIXES})(?:{_LONG})*)")
_DIRECT = re.compile(
    r"(?:人民|中心|第[一二三四五六七八九十]人民|中医|妇幼保健|妇幼|县|市)?(?:医院|卫生院)|(?:火车|高铁|客运|汽车)站|[东南西北]站|机场|"
    r"敬老院|养老院|福利院|幼儿园|中学|小学"
)
_NAMESAKE = re.compile(
    r"大学(?!路)|学院(?!路)|(?:火车|高铁|客运|汽车)?站|[东南西北]站|机场|敬老院|养老院|福利院|幼儿园|中学|小学"
)
_GAP = re.compile(r"[ 　·、,，\-]|和(?![平谐义睦顺])|与|及|地铁\d+号线")
_PHRASE = re.compile(r"(?:^|[^一-龥A-Za-z0-9<>@#]|(?:位于|地址|住址|[在到往去住]))(?=[一-龥])")
_AFTER = re.compile(
    r"民警|民警察|民政|[路街](?:灯|况|网|费|演|程|径|障)|村(?:淘|官|超|镇银行)|站(?:在|着|立|起|出来|长)|桥段|场景|市场(?:价|化|监管)|"
    r"学校?(?:生|期|费|历)|大学生|院(?:士|线|长)|社区(?:团购|传播|感染)|小区(?:别|域)|超市(?:抢|囤)|广场舞|高速(?:增|发展|度)"
)
# words that make a run of characters a clause or a kind of thing, not a name
_COMMON = re.compile(
    r"下雨|暴雨|大雨|积水|洪水|洪灾|水灾|灾情|疫情|发现|发生|发布|出现|进行|开展|志愿|支援|捐|告急|居民|村民|群众|市民|附近|周边|大量|部分|"
    r"所有|全部|整个|每个|多个|几个|一个|两个|很多|许多|多处|老旧|今天|昨天|明天|昨晚|现在|目前|凌晨|上午|下午|晚上|孩子|老人|家里|朋友|同学|老师|"
    r"物资|救援|转移|安置|道路|公路|马路|铁路|网络|农村|乡村|城市|城中|山村|我市|我县|全市|全县|全省|本地|当地|本村|全村|周围|旁边|隔离|封闭|封控|"
    r"读大学|上大学|考大学|扫街|逛街|部队|回应|探访|网传|包括|抢建|致敬|最|严格|首家|首个|第一家|定点|省级|市级|县级|接受|^附属|隔壁|多家|各大|顶级|坍塌|三大|第.轮|再次|属大|部门|知名|著名|一家|两家|这家|旗下|入驻|转至|检查|拍摄|串|民警|呼吁|否认|物业|继|出门|一路|"
    r"快递|外卖|司机|记者|视频|街道和|分发|外来|居住|医学院|管理|管控|消毒|排查|关闭|开放|恢复|取消|延迟|返回|回家|滞留|前往|抵达|离开|经过|通往|连接|沿|靠近|走出|进入|医务|医护|建设|组织|领导|干部"
)
_KINDS_ONLY = frozenset(
    (
        "方舱医院",
        "定点医院",
        "附属医院",
        "隔离酒店",
        "菜市场",
        "农贸市场",
        "高速路",
        "中小学",
        "大医院",
        "医学院",
        "商学院",
    )
)
_DEEP_ONLY = frozenset(("医院", "敬老院", "养老院", "福利院", "幼儿园", "中学", "小学"))
_NO_TOWN = frozenset("城乡村集古小全各本两三多")
_NEED = re.compile(
    r"求助|求救|被困|救援|急需|需要|告急|失联|转移|停[水电气]|断[水电粮网]|进水|淹|塌|滑坡|决堤|缺[水粮药食]|帮帮|救救|SOS|sos"
)
_BARE = frozenset(
    "东西南北中前后上下大小新老旧乡山渔同邻全半一二三四五六七八九十两双此本进出回走修让带问通思套网沿水马公铁道"
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A division's mention in the text, after which a shared place may begin."""

    start: int
    end: int
    narrow: bool = True
    """A city or below (or Beijing): a whole province says nothing about a road."""
    deep: bool = False
    """A county or below: 医院 alone names one there."""
    county: bool = False
    """A county itself: a town may follow."""
    bare: bool = False
    """Without its kind: 郑州 in 郑州东站 belongs to the station's name, 巩义市 in 巩义市人民医院 does not."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A place in the text: its span and its level (village, road or poi; town)."""

    start: int
    end: int
    kind: str


def may_hold_shared(text: str) -> bool:
    """Whether any suffix stands in the text at all: the cheap look before the dear one."""
    return _HINT.search(text) is not None


def kind_of(name: str) -> str:
    """village, road or poi by the ending of a name; poi where the ending says nothing (富士康)."""
    match = _LAST.search(name)
    return _KINDS.get(match.group(), POI) if match else POI  # some keys are patterns


def find_shared(text: str, places: Sequence[Anchor]) -> list[Shared]:
    """Shared places of ``text`` in its order, beside the ``places`` already found in it."""
    if not may_hold_shared(text):
        return []
    inside = [(place.start, place.end) for place in places]
    anchors: dict[int, Anchor | None] = {place.end: place for place in places if place.narrow}
    # at the start of a phrase only where help is the matter and it is clear which division the name belongs to
    lone = len({text[start:end] for start, end in inside}) <= 1 and _NEED.search(text)
    for match in _PHRASE.finditer(text) if lone else ():
        if not any(start <= match.end() < end for start, end in inside):
            anchors.setdefault(match.end(), None)
    found: list[Shared] = []
    taken = 0
    for anchor, division in sorted(anchors.items(), key=lambda item: item[0]):
        at, direct = anchor, division is not None
        while at >= taken:
            at = _skip_gap(text, at) if direct else at
            town = _town(text, at) if division is not None and division.county else None
            place = town or _at(text, at, direct, division is not None and division.deep)
            if place is None or any(start < place.end and place.start < end for start, end in inside):
                break
            if division is not None and division.bare and place.start == division.end and _NAMESAKE.match(text, anchor):
                place = Shared(division.start, place.end, place.kind)  # 郑州东站, 郑州大学第一附属医院
            if found and found[-1].end == place.start and found[-1].kind == place.kind == VILLAGE:
                place = Shared(found.pop().start, place.end, VILLAGE)  # 块村营村
            found.append(place)
            at = taken = place.end
            direct, division = True, None
    return found


def _town(text: str, at: int) -> Shared | None:
    match = _TOWN.match(text, at)
    if match is None or match.group(1) in _NO_TOWN or _COMMON.search(match.group()):
        return None
    return Shared(at, match.end(), TOWN)


def _skip_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _at(text: str, at: int, direct: bool, deep: bool) -> Shared | None:
    """The shared place that begins at ``at``. ``direct``: a place ends there, so 火车站 alone is a name too."""
    if direct:
        known = _DIRECT.match(text, at)
        if known and (deep or known.group() not in _DEEP_ONLY):
            return Shared(at, known.end(), POI)
    match = _SHARED.match(text, at) or (_ESTATE.match(text, at) if direct else None)
    if match is None or _COMMON.search(match.group()):
        return None
    name, suffix = match.group(1), match.group(2)
    if _AFTER.match(text, match.end() - 1) or _AFTER.match(text, match.start(2)):
        return None
    if (
        (len(name) == 1 and (name in _BARE or not direct))
        or (len(name) > 5 and not direct)
        or match.group() in _KINDS_ONLY
    ):
        return None
    last = _LAST.search(suffix)
    return Shared(at, match.end(), _KINDS.get(last.group(), ROAD) if last else VILLAGE if suffix == "庄" else POI)
