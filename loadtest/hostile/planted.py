"""Identifiers in the plain and disguised forms that docs/pii.md says are masked. All made up, values and places known.

Written apart from the recognisers and from the generator of their tests, so that it asks other questions than they do.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

Form = Callable[[random.Random], str]


class Planted(NamedTuple):
    """Words with an identifier in them: ``text[start:end]`` must not survive masking."""

    kind: str
    text: str
    start: int
    end: int


_WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
_BOLD = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
_SPOKEN = str.maketrans("0123456789", "零一二三四五六七八九")
_CAPITAL = str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")
_SCRIPTS = (_WIDE, _CIRCLED, _BOLD, _SPOKEN, _CAPITAL)
_SIGNS = (" ", "-", "—", "－", "·", ".", "/", "_", "~", "😀", "\u200b", "\u3000", "\xa0", "\u202e", "\u2060")


def _digits(r: random.Random, count: int) -> str:
    return "".join(r.choices("0123456789", k=count))


def mobile(r: random.Random) -> str:
    """Eleven digits, not all alike (those are nobody's)."""
    return "1" + r.choice("3456789") + "".join(r.sample("0123456789", 9))


def _resident(r: random.Random) -> str:
    day = f"{r.randint(1935, 2019)}{r.randint(1, 12):02}{r.randint(1, 28):02}"
    body = r.choice(("110101", "310115", "410105", "440106", "510107")) + day + _digits(r, 3)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def _card(r: random.Random) -> str:
    body = r.choice(("622848", "621700", "622588", "436742")) + _digits(r, r.choice((9, 12)))
    total = 0
    for place, char in enumerate(reversed(body)):  # ISO/IEC 7812-1, annex B
        value = int(char) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def _cut(value: str, sign: str, *sizes: int) -> str:
    parts = []
    for size in sizes:
        parts.append(value[:size])
        value = value[size:]
    return sign.join([*parts, value])


def _any_script(form: Form) -> Form:
    return lambda r: form(r).translate(r.choice(_SCRIPTS))


_MOBILE: tuple[Form, ...] = (
    mobile,
    mobile,
    _any_script(mobile),
    lambda r: r.choice(("+86", "+86 ", "86-", "0086", "(+86)")) + mobile(r),
    lambda r: _cut(mobile(r), r.choice(_SIGNS), 3, 4),
    lambda r: "\u200b".join(mobile(r)),
    lambda r: "".join(char + "\ufe0f\u20e3" for char in mobile(r)),
    lambda r: _cut(mobile(r), "\n", r.randint(3, 8)),
    lambda r: (lambda n: n[:3] + n[3:7].translate(r.choice(_SCRIPTS)) + n[7:])(mobile(r)),
)
_ID: tuple[Form, ...] = (
    _resident,
    lambda r: _resident(r)[:17] + r.choice("0123456789"),
    lambda r: _cut(_resident(r), r.choice((" ", "-", ".", "\u200b")), 6, 8),
    lambda r: (_resident(r)[:17] + r.choice("0123456789")).translate(r.choice(_SCRIPTS[:1])),
    lambda r: _resident(r).lower(),
)
_CARD: tuple[Form, ...] = (
    _card,
    lambda r: _cut(_card(r), r.choice((" ", "-", "\u3000", "\u200b")), 4, 4, 4),
    lambda r: _card(r).translate(_WIDE),
)
_MAIL: tuple[Form, ...] = (
    lambda r: f"li{_digits(r, 5)}@{r.choice(('qq.com', '163.com', 'example.org'))}",
    lambda r: f"wang.{_digits(r, 4)}＠example.com",
    lambda r: f"zhao_{_digits(r, 3)}(at)163.com",
)
_WECHAT: tuple[Form, ...] = (
    lambda r: f"lily_{_digits(r, 4)}",
    lambda r: f"wxid_{_digits(r, 6)}ab",
    lambda r: f"chen-{_digits(r, 5)}",
)
_NAMES = ("王建国", "李秀英", "陈志强", "刘海燕", "赵春梅", "孙立军", "周玉兰", "吴国平")
_PARTS: tuple[tuple[str, tuple[Form, ...], tuple[str, ...]], ...] = (
    ("mobile", _MOBILE, ("电话：", "手机号", "请拨", "联系电话", "tel:", "求助，")),
    ("landline", (lambda r: f"0371-{r.randint(2, 8)}{_digits(r, 7)}", lambda r: "0106" + _digits(r, 7)), ("座机：",)),
    ("id", _ID, ("身份证号：", "身份证", "公民身份号码")),
    ("card", _CARD, ("银行卡号：", "卡号", "账号：")),
    ("mail", _MAIL, ("邮箱：", "发到 ", "E-mail: ")),
    ("wechat", _WECHAT, ("微信号：", "微信：", "加微信", "VX:", "wx：", "v信：")),
    ("qq", (lambda r: r.choice("123456789") + _digits(r, r.randint(6, 9)),), ("QQ：", "加Q", "扣扣", "QQ群：")),
    (
        "plate",
        (
            lambda r: r.choice("京沪豫粤川") + r.choice("ABCDE") + _digits(r, 5),
            lambda r: r.choice("京沪豫粤川") + r.choice("ABCDE") + "·" + _digits(r, 5),
            lambda r: r.choice("京沪豫粤川") + "AD" + _digits(r, 5),
        ),
        ("车牌：", "车牌号", "一辆车 "),
    ),
    ("passport", (lambda r: r.choice("EG") + _digits(r, 8),), ("护照：", "护照号", "passport number: ")),
    ("permit", (lambda r: r.choice("HCM") + _digits(r, 8),), ("通行证：", "港澳通行证号码：")),
    ("ip", (lambda r: f"{r.randint(11, 99)}.{r.randint(10, 99)}.{_digits(r, 1)}.{r.randint(1, 9)}",), ("IP：", "ip ")),
    ("url", (lambda r: "https://a.cn/" + _digits(r, 9), lambda r: "http://t.cn/A" + _digits(r, 5)), ("链接：", "")),
    (
        "address",
        (
            lambda r: f"{r.randint(1, 40)}号楼{r.randint(1, 6)}单元{r.randint(101, 2805)}室",
            lambda r: f"{r.randint(1, 299)}号院{r.randint(1, 40)}号楼{r.randint(101, 999)}",
        ),
        ("地址：建设路", "人在幸福小区"),
    ),
    ("name", (lambda r: r.choice(_NAMES),), ("联系人：", "联系人:", "我叫")),
    ("title", (lambda r: r.choice("王李张刘陈赵") + r.choice(("女士", "先生", "大爷", "阿姨")),), ("请找", "联系")),
    ("mention", (lambda r: f"lin_{_digits(r, 5)}",), ("求扩散@", "麻烦转发 @")),
)  # fmt: skip


def planted(r: random.Random) -> Planted:
    """One identifier with the word that announces it and a full stop after it."""
    kind, forms, words = _PARTS[0] if r.random() < 0.3 else r.choice(_PARTS)
    word, value = r.choice(words), r.choice(forms)(r)
    after = r.choice(("。", "，谢谢。", "\n", " "))
    return Planted(kind, word + value + after, len(word), len(word) + len(value))
