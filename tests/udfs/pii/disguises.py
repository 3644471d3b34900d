"""Posts by an adversary: identifiers of every type in the disguises people use, where they stand known. All made up.

A form takes a random source and returns the identifier as written; the words announce it; ``posts`` puts both into the
wording of help posts. What needs a word (a local number, an old passport) always gets one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.udfs.pii import identifiers as make

Form = Callable[[random.Random], str]

FULL_WIDTH, CIRCLED, RAISED, BOLD = "０１２３４５６７８９", "⓪①②③④⑤⑥⑦⑧⑨", "⁰¹²³⁴⁵⁶⁷⁸⁹", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"
NUMERALS, CAPITALS, SPOKEN = "零一二三四五六七八九", "〇壹贰叁肆伍陆柒捌玖", "零幺二三四五六七八九"
SIGNS = [
    *(" ", "  ", "\u3000", "\xa0", "\t", "\n", "\u200b", "\ufeff", " - ", "--", "——", "点", "杠", "横", "横杠", "空格"),
    "减",
    *("-—－–.·~_/*，,、|+…。→:：\\=#^😀❤"),
    "☎️",
]  # fmt: skip


def written(table: str, value: str) -> str:
    return "".join(table[int(char)] if char.isdigit() else char for char in value)


def grouped(value: str, sign: str, *sizes: int) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    return sign.join([*parts, value[at:]] if at < len(value) else parts)


def broken(r: random.Random, value: str) -> str:
    at = r.randint(2, len(value) - 2)
    return value[:at] + r.choice(["\n", "\r\n", " \n"]) + value[at:]


def _mobile(r: random.Random) -> str:
    while len(set(number := make.mobile(r))) < 4:
        pass
    return number


MOBILE: list[Form] = [
    _mobile,
    lambda r: r.choice(["+86", "+86 ", "+86-", "86", "0086", "(+86)", "（+86）", "0", "＋８６"]) + _mobile(r),
    lambda r: grouped(_mobile(r), r.choice(SIGNS), 3, 4),
    lambda r: grouped(_mobile(r), " ", *r.choice([(4, 4), (3, 3), (3,), (7,), (5,), (6,)])),
    lambda r: r.choice([" ", "-", "。", ".", "、", "，", "😀", "\u200b", "|", "\n"]).join(_mobile(r)),
    lambda r: written(r.choice([FULL_WIDTH, CIRCLED, RAISED, BOLD, NUMERALS, CAPITALS, SPOKEN]), _mobile(r)),
    lambda r: "".join(char + "\ufe0f\u20e3" for char in _mobile(r)),
    lambda r: grouped(written(NUMERALS, _mobile(r)), r.choice([" ", "-"]), 3, 4),
    lambda r: (lambda n: n[:3] + written(NUMERALS, n[3:7]) + n[7:])(_mobile(r)),
    lambda r: (n := _mobile(r))[:1] + n[1:].replace("0", r.choice("Oo〇")),
    lambda r: broken(r, _mobile(r)),
    lambda r: (lambda n: r.choice([f"{n[:3]}({n[3:7]}){n[7:]}", f"({n[:3]}){n[3:]}"]))(_mobile(r)),
]
ANNOUNCED_MOBILE: list[Form] = [
    lambda r: r.choice("lI") + _mobile(r)[1:],
    lambda r: _mobile(r).replace("1", "l").replace("0", "O"),
]
LANDLINE: list[Form] = [
    make.landline,
    lambda r: make.landline(r).replace("-", r.choice(["", ")", "）", " ", "—", "——", " - ", "/", "📞"])),
    lambda r: r.choice(["+86-", "+86 ", "0086-", "86-"]) + make.landline(r)[1:],
    lambda r: make.landline(r) + r.choice(["转", "-", " 转", "转分机", "ext."]) + make.digits(r, 3),
    lambda r: (lambda n: n[:-4] + r.choice(" -") + n[-4:])(make.landline(r)),
    lambda r: written(r.choice([FULL_WIDTH, CIRCLED, NUMERALS]), make.landline(r)),
    lambda r: r.choice("2345678") + make.digits(r, r.choice([6, 7])),
]
RESIDENT_ID: list[Form] = [
    make.resident_id,
    lambda r: make.resident_id(r, right=False),
    make.resident_id_15,
    lambda r: make.resident_id(r)[:17] + r.choice("Xx×"),
    lambda r: grouped(make.resident_id(r), r.choice([" ", "-", ".", "😀", "\n"]), *r.choice([(6, 8), (6, 4, 4)])),
    lambda r: grouped(make.resident_id(r), " ", *r.choice([(3, 3, 3, 3, 3), (4, 4, 4, 4)])),
    lambda r: written(r.choice([FULL_WIDTH, CIRCLED, NUMERALS]), make.resident_id(r)[:17] + "1"),
    lambda r: "\u200b".join(make.resident_id(r)),
    lambda r: broken(r, make.resident_id(r)),
]
PASSPORT: list[Form] = [
    make.passport,
    lambda r: r.choice(["P", "S", "D", "SE", "DE", "PE", "MA", "14", "15"]) + make.digits(r, 7),
    lambda r: r.choice(["K", "H", "E ", "e", "Ｅ"]) + make.digits(r, 8),
    lambda r: grouped("E" + make.digits(r, 8), " ", 5),
]
PERMIT: list[Form] = [
    make.permit,
    lambda r: r.choice(["H", "M"]) + make.digits(r, 10),
    lambda r: r.choice(["C", "CA", "W", "T", "L", "H "]) + make.digits(r, 8)[: r.choice([8])],
]
REGIONAL: list[Form] = [
    lambda r: f"{r.choice('ABCDRKYZ')}{make.digits(r, 6)}({r.choice('0123456789A')})",
    lambda r: f"{r.choice('ABCDRKYZ')}{make.digits(r, 7)}",
]
PLATE: list[Form] = [
    make.plate,
    lambda r: (lambda p: p[:2] + r.choice(["·", ".", " ", "-", "●", "😀", "\u200b"]) + p[2:])(make.plate(r)),
    lambda r: "粤Z" + make.digits(r, 4) + r.choice("港澳"),
    lambda r: r.choice("豫京沪") + "A" + make.digits(r, 4) + r.choice("学警领"),
    lambda r: r.choice("滬遼魯蘇") + "B" + make.digits(r, 5),
    lambda r: r.choice("豫京") + "A临" + make.digits(r, 5),
]
USCC: list[Form] = [
    make.uscc,
    lambda r: make.uscc(r, right=False),
    lambda r: make.uscc(r).lower(),
    lambda r: grouped(make.uscc(r), " ", *r.choice([(8,), (4, 4, 4, 4)])),
    lambda r: "\u200b".join(make.uscc(r)),
    lambda r: "410100" + make.digits(r, 9),
]
CARD: list[Form] = [
    lambda r: make.bank_card(r, length=r.choice([16, 17, 18, 19]), right=r.random() < 0.7),
    lambda r: grouped(make.bank_card(r), r.choice([" ", "-", ".", "😀"]), 4, 4, 4, 4),
    lambda r: grouped(make.bank_card(r), " ", 6),
    lambda r: written(r.choice([FULL_WIDTH, CIRCLED, NUMERALS]), make.bank_card(r)),
    lambda r: broken(r, make.bank_card(r)),
    lambda r: r.choice("1234") + make.digits(r, r.randint(11, 19)),
]
AT = ["@", " @ ", "(at)", "[at]", "{at}", "_at_", "#", "艾特", "＠", "ⓐ"]
EMAIL: list[Form] = [
    make.email,
    lambda r: f"abc{make.digits(r, 3)}{r.choice(AT)}qq.com",
    lambda r: (
        f"abc{make.digits(r, 3)}{r.choice(['@163点com', '(at)163(dot)com', 'at163点com', ' at qq dot com', '@qq'])}"
    ),
]
IP: list[Form] = [
    make.ip_address,
    lambda r: written(FULL_WIDTH, make.ip_address(r)),
    lambda r: "fe80::" + ":".join(f"{r.randint(256, 65535):x}" for _ in range(4)),
    lambda r: ":".join(f"{r.randint(4096, 65535):x}" for _ in range(8)),
]
URL: list[Form] = [
    make.url,
    lambda r: r.choice(["https://weibo.com/u/", "hxxp://example.com/", "http：//t.cn/", "dwz.cn/"]) + make.digits(r, 8),
    lambda r: r.choice(["www.example.com", "help.example.org.cn", "HTTP://T.CN/AbC12"]),
]
WECHAT: list[Form] = [
    lambda r: r.choice(["wang_xm", "wxid_abc", "abc-", "Zhangsan", "m1357", "xiaohong"]) + make.digits(r, 3)
]
QQ: list[Form] = [lambda r: r.choice("123456789") + make.digits(r, r.randint(5, 9))]


class Kind(NamedTuple):
    type: str
    forms: list[Form]
    words: list[str]


_WORDS: list[tuple[str, list[Form], str]] = [
    *[("CN_MOBILE", MOBILE, "||电话|电话：|手机号|联系人张三|请拨|☎️|求助！|tel:|电话1:")] * 5,
    ("CN_MOBILE", ANNOUNCED_MOBILE, "电话：|手机号|联系电话|tel:"),
    ("CN_LANDLINE", LANDLINE, "电话：|座机：|值班电话|传真：|Tel：|热线|联系电话："),
    ("CN_ID", RESIDENT_ID, "身份证号|身份证号码为|公民身份号码：|证件号码：|身分證|sfz|ID number: "),
    ("CN_PASSPORT", PASSPORT, "护照|护照号码为|護照號：|passport number: |Passport No. "),
    ("CN_PERMIT", PERMIT, "港澳通行证|往来港澳通行证号码为|回乡证号：|通行证号码：|台湾通行证"),
    ("CN_PERMIT", REGIONAL, "香港身份证|香港永久性居民身份证号码：|HKID: "),
    ("CN_PLATE", PLATE, "车牌|车牌号：|车牌号码为|一辆|停在路边的|"),
    ("CN_USCC", USCC, "统一社会信用代码：|信用代码为|税号|纳税人识别号：|营业执照注册号："),
    ("BANK_CARD", CARD, "卡号：|银行卡号为|账号：|银行账号：|銀行卡號"),
    ("EMAIL_ADDRESS", EMAIL, "邮箱：|电子邮件|发到|E-mail："),
    ("IP_ADDRESS", IP, "IP|IP地址为|ip:|IPv6地址"),
    ("URL", URL, "|详情|链接：|登记表："),
    ("IM_ID", WECHAT, "微信|微信号：|vx|VX:|wx：|薇信|威信|微❤|+v：|加V |加微：|卫星：|V:"),
    ("IM_ID", WECHAT, "v信：|徽：|➕微|v.x |V-X:|微 信：|绿泡泡|抖音号：|小红书号："),
    ("IM_ID", QQ, "QQ|qq号：|扣扣|企鹅号|加Q|Q：|🐧|叩叩|秋秋|QQ群：|加扣|qq/"),
]
KINDS = [Kind(kind, forms, words.split("|")) for kind, forms, words in _WORDS]
BEFORE = ["", "", "河南郑州告急，", "我妈妈还在家里。", "【求助】", "We need help. ", "2021年7月20日20:00，"]
AFTER = [
    "",
    "。",
    "，谢谢",
    "）",
    "求助",
    "（张先生）",
    "急！",
    "🙏",
    "转发",
    "！！！",
    "\n位置：米河镇",
    "，3个人",
    "；",
]


class Post(NamedTuple):
    text: str
    type: str
    start: int
    end: int


def posts(count: int, seed: int) -> Iterator[Post]:
    """Yield ``count`` posts with one identifier each."""
    r = random.Random(seed)
    for _ in range(count):
        kind = r.choice(KINDS)
        before = r.choice(BEFORE)
        word, value, after = r.choice(kind.words), r.choice(kind.forms)(r), r.choice(AFTER)
        if before.endswith(" ") or not word:
            before = before and before + "请看："
        start = len(before + word)
        yield Post(before + word + value + after, kind.type, start, start + len(value))
