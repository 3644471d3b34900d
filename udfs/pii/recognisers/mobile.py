"""Mobile numbers of mainland China: eleven digits, 1 then 3 to 9 (numbering plan of MIIT, 2017 edition).

Real posts run numbers into what follows ("…0000" + "24日晚"), into each other, and split them by anything. Each
situation is a pattern of its own, so that a plain eleven-digit rule never has to be loose.
"""

from __future__ import annotations

import re

from udfs.pii.recogniser import SEVEN_DIGITS, IdentifierRecogniser

PHONE_CONTEXT = (
    "电话", "手机", "联系", "致电", "拨打", "来电", "号码", "电联", "打给", "机主", "同号", "热线", "短信", "呼叫",
    "tel", "phone", "mobile", "call", "微信", "本人", "求助人",
)  # fmt: skip
ORDER_CONTEXT = (
    "订单", "单号", "运单", "快递号", "流水", "编号", "序列", "票号", "条码", "isbn", "期号", "时间戳", "timestamp",
    "order", "批号", "货号", "案号", "文号", "播放量", "阅读量", "uid", "代码",
)  # fmt: skip

_N = r"1[3-9]\d{9}"
_START = r"(?<!\d)(?:(?<!\d[.])|(?<=1[3-9]\d{9}[.]))"
_NOT_PRICE = r"(?!元|块|美元|亿|万|%|吨|\.\d(?<!\.1)|\.1(?![3-9]\d{9}))"
_UNIT = r"(?=\d{1,4}(?:[日号点时分月年人个口位名岁户楼层栋米天度斤元]|小时|[:：]\d|[ap]m|\.\d|-\d{1,2}(?!\d)))"
_PREFIX = r"(?:(?:\+|00)?86[- ]{0,3}|[(（]\+?86[)）][- ]?|0)?"
_P = r"[ \-.·~_—/\\|*,:'\ufffc]"
_WORDS = r"点|横?杠|横|空格?|减"
_SIGN = rf"(?P<sign>[\W_]{{1,3}}|{_WORDS})"
_ROOM = "".join(rf"(?<=[楼栋幢元室层户门组队村路街巷弄号院座区庄屯]\d{{{n}}})|" for n in range(1, 5)).rstrip("|")
_LABELLED = r"(?<=[话机号式人]\d[:：.])"
_STOPS = (",，", "、", ":：", "。/")


def _not_in_list(head: str) -> str:
    """Not after a digit and the very sign that follows ``head``: the third of "12、138、1234" is part of a list."""
    apart = "".join(rf"(?:(?<!\d[{stop}])|(?={head}[^{stop}])|{_LABELLED})" for stop in _STOPS)
    return rf"(?<!\d){apart}"


_ALONE_IN_THREES, _ALONE_IN_ONES = _not_in_list(r"1\d\d"), _not_in_list("1")
_GROUPED = r"1[3-9]\d[ \-]\d{4}[ \-]\d{4}"
_NO_MORE = r"(?!\d)(?!(?P=sign)\d(?!\d?[个人位小时点日月岁名楼天号分]))"
_NOT_GROUPED = rf"(?<!\d)(?:(?<!\d{_P})|{_LABELLED})"
_BREAK = r"[ \-]?\r?\n[ \-]{0,4}"
_BROKEN = "|".join(rf"1[3-9]\d{{{n}}}{_BREAK}\d{{{9 - n}}}" for n in range(9))
_SHAPES = frozenset(
    {(3, 4, 4), (3, 8), (7, 4), (3, 3, 5), (4, 4, 3), (4, 3, 4), (5, 3, 3), (5, 6), (6, 5), (3, 5, 3), (4, 7), (8, 3)}
    | {(3, 2, 3, 3), (3, 2, 2, 2, 2), (3, 2, 2, 4), (3, 4, 2, 2), (2, 3, 3, 3), (3, 3, 2, 3), (1,) * 11}
    | {(1, 2, 4, 4), (2, 2, 2, 2, 2, 1), (1, 2, 2, 2, 2, 2), (3, 2, 4, 2), (1, 10), (2, 9), (9, 2), (10, 1), (2, 5, 4)}
)
_RARE_SHAPES = frozenset({(3, 4, 4), (3, 8), (1,) * 11})
"""How people group eleven digits; other groupings by plain separators are scores, dates or draws."""


class MobileRecogniser(IdentifierRecogniser):
    """CN_MOBILE. Has no check digit; what it costs to be sure is the digits around it."""

    ENTITY = "CN_MOBILE"
    AHEAD = r"[+0-9(（]"
    GATES = (SEVEN_DIGITS, r"1(?:\D{0,4}\d){10}")
    NUMERALS = True
    CONTEXT = PHONE_CONTEXT
    AGAINST = ORDER_CONTEXT
    PATTERNS = (
        ("plain", rf"{_START}(?:(?<!/){_PREFIX}){_N}(?!\d){_NOT_PRICE}", 0.9),
        ("after a slash", rf"(?<=/){_N}(?!\d){_NOT_PRICE}", 0.9),
        ("run into a number with its unit", rf"{_START}{_PREFIX}{_N}{_UNIT}", 0.8),
        ("after a house number", rf"(?:{_ROOM}){_N}(?!\d){_NOT_PRICE}", 0.7),
        ("first of several run together", rf"(?<!\d){_N}(?=(?:{_N}){{1,5}}(?!\d))", 0.8),
        ("second of several", rf"(?<=(?<!\d)1[3-9]\d{{9}}){_N}(?=(?:{_N}){{0,4}}(?!\d))", 0.8),
        ("third of several", rf"(?<=(?<!\d)1[3-9]\d{{9}}1[3-9]\d{{9}}){_N}(?=(?:{_N}){{0,3}}(?!\d))", 0.8),
        ("after a resident number", rf"(?<=(?<!\d)[1-9]\d{{16}}[0-9Xx]){_N}(?!\d)", 0.7),
        (
            "3-4-4",
            rf"(?<!\d)(?<!\d[.,]){_PREFIX}1[3-9]\d{_P}{{1,3}}\d{{4}}{_P}{{1,3}}\d{{4}}(?!\d)",
            0.8,
        ),
        (
            "3-4-4 run into a number with its unit",
            rf"(?<!\d){_PREFIX}1[3-9]\d([- .])\d{{4}}\1\d{{4}}{_UNIT}",
            0.7,
        ),
        ("first of two 3-4-4 run together", rf"(?<!\d){_GROUPED}(?={_GROUPED}(?!\d))", 0.8),
        ("second of two 3-4-4", rf"(?<={_GROUPED}){_GROUPED}(?!\d)", 0.8),
        ("3-4-4 in brackets", r"(?<!\d)1[3-9]\d ?[(（【\[]\d{4}[)）】\]] ?-?\d{4}(?!\d)", 0.6),
        ("3 in brackets", r"[(（【\[](?:\+?86 ?-?)?1[3-9]\d[)）】\]] ?-?\d{4}[ \-]?\d{4}(?!\d)", 0.6),
        (
            "3-4-4 by one sign",
            rf"{_ALONE_IN_THREES}{_PREFIX}1[3-9]\d{_SIGN}\d{{4}}(?P=sign)\d{{4}}{_NO_MORE}{_NOT_PRICE}(?![路次股])",
            0.5,
        ),
        (
            "each digit by one sign",
            rf"{_ALONE_IN_ONES}{_PREFIX}1{_SIGN}[3-9](?:(?P=sign)\d){{9}}{_NO_MORE}",
            0.5,
        ),
        (
            "split",
            rf"{_NOT_GROUPED}{_PREFIX}1(?:(?:{_P}|{_WORDS}){{0,3}}[3-9])(?:(?:{_P}|{_WORDS}){{0,3}}\d){{9}}"
            rf"(?!{_P}?\d){_NOT_PRICE}",
            0.6,
        ),
        (
            "over a line break",
            rf"(?<!\d)(?:(?<!\d[.\-:/ \n])|{_LABELLED}){_PREFIX}(?:{_BROKEN})(?!\d)(?![\-.:/]\d){_NOT_PRICE}",
            0.45,
        ),
        ("within a longer run", rf"(?<!\d)\d{{0,6}}?(?P<span>{_N})\d{{1,7}}(?!\d)", 0.15),
        ("at the end of a longer run", rf"(?<!\d)\d{{1,6}}(?P<span>{_N})(?!\d)", 0.15),
    )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for eleven equal digits, for groupings nobody uses and for what is an IP address."""
        digits = re.sub(r"[^0-9]", "", pattern_text)[-11:]
        if len(set(digits[1:])) == 1 and digits[0] == digits[1]:
            return False
        if len(pattern_text) == 11:
            return None
        body = re.sub(r"^(?:[(（]?(?:\+|00)?86[)）]?[- ]{0,3})", "", pattern_text)
        address = re.match(r"\d{1,3}(?:(?: ?\. ?|点)\d{1,3}){3}(?![.点\d])", body)
        if address and max(map(int, re.findall(r"\d+", address[0]))) < 256:
            return False
        if re.search(r"[点杠横空减\ufffc*_~|\\\n]", body):
            return None
        shape = tuple(len(group) for group in re.findall(r"\d+", body))
        if sum(shape) == 12:  # a dialled 0 in front
            shape = (shape[0] - 1, *shape[1:])
        allowed = _RARE_SHAPES if "," in body else _SHAPES
        return None if len(shape) < 2 or shape in allowed else False


class TruncatedMobileRecogniser(IdentifierRecogniser):
    """CN_MOBILE with a digit too few or too many, right after a word that announces a phone number."""

    ENTITY = "CN_MOBILE"
    GATES = (SEVEN_DIGITS, r"1(?:[ \-.]?\d){8}")
    PATTERNS = (
        (
            "announced",
            r"(?:电话|手机号?|联系方式|联系人?|号码|致电|拨打|tel|phone|mobile)[^0-9\n，。,;；]{0,6}"
            r"(?P<span>1[3-9]\d{7,11})(?!\d)(?![日号点时分月人个岁户:：])",
            0.5,
        ),
        (
            "after a form of address",
            r"(?:先生|女士|小姐|老师|主任|医生|师傅|[大阿][姐哥爷妈姨叔婶])[:： ]{0,2}"
            r"(?P<span>1[3-9]\d{8,10})(?!\d)(?![日号点时分月人个岁户元:：])",
            0.5,
        ),
        (
            "announced, grouped",
            r"(?:电话|手机号?|联系方式|号码|致电|拨打|tel|phone|mobile)[^0-9\n，。,;；]{0,3}"
            r"(?P<span>1[3-9]\d[ \-.]\d{3,5}[ \-.]\d{3,5})(?![\d\-])",
            0.5,
        ),
    )
