"""What surrounds a planted identifier: ordinary posts, odd Unicode, runs that make patterns backtrack."""

from __future__ import annotations

import random
from collections.abc import Callable

from loadtest.hostile.planted import Planted, planted

CANARY = "槐序初三"
"""Stands in every generated text and in nothing of the product: where it turns up outside the rows, text has leaked."""

LARGEST = 60_000
"""Bytes of UTF-8 in a generated text; what is longer comes from the cases of length."""

_SENTENCES = (
    "郑州二七区一楼进水，老人和孩子被困，急需皮划艇。",
    "转发扩散！求助信息已核实，请大家帮忙。",
    "今天天气真好，出去走走。",
    "村里停电停水两天了，没有吃的，三十多人。",
    "We are trapped on the second floor, water is rising. ",
    "#河南暴雨互助# //@某某: 已联系救援队",
    "药快用完了，需要胰岛素，路断了进不去。",
    "这家店的外卖太难吃了，差评！",
    "听说水库要泄洪，是真的吗？",
    "哈哈哈哈哈哈笑死我了[doge]",
)
_ODD = (
    "\u0301\u0489\u0300", "\u200b", "\u200d", "\ufeff", "\u202e", "\u2066", "\u2069", "\u061c", "ﷺ", "𒐫", "🏳️‍🌈",
    "👨‍👩‍👧‍👦", "👍🏿", "🇨🇳", "\ufe0f", "①②③", "１２３", "٣٤٥", "०१२", "𝟙𝟚", "ℍ𝕖𝕝𝕡", "Ⅻ", "㍿", "㊙", "İ", "ß",
    "ǅ", "ﬁ",
    "\x01", "\x7f", "\x85", "\u2028", "\u2029", "\u3164", "\uffff", "\U0010ffff", "\ue000",
    "（((【[{", "〗』」]})】", "<PERSON>", "<CN_MOBILE>", "%s{0}${x}", "'; DROP TABLE posts;--",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>", "\\u0000", "\\", '"', "\t", "\r", "\x1b[31m", "\x08",
)  # fmt: skip
_KILLERS = (
    "1", "0", "１", "9 ", "1-", "1.", "13", "138", "一", "零、", "@", "@a", "@a ", "a@", "a.", "a@a.", "://",
    "http://",
    "http://a/", "www.", "v", "微信", "微信:a", "V:", "-", "_", " ", "\u3000", "\n", "(", "（", "[", "]", "【",
    "<", "号",
    "1号", "1号楼", "村", "路", "组", "A1", "京A", "E1", "::", "f:", "1:", "#", "##", "//@", "//@a:", "《", "“",
    "\u0301",
    "\u200b", "😀", "👨‍👩‍👧", "6222", "62 ", "X", "张", "李先生", "联系人", "救命", "被困", "救 命", "哈", "，",
    "。", "!", "a",
    "Aa1 ", "0x", "1e", "1/", "1:1 ", "2021-07-20", "二十", "百千万", "第", "3人", "老人", "\u202e", "北京市",
    "郑州市二七区",
)  # fmt: skip


def ordinary(r: random.Random) -> str:
    return "".join(r.choices(_SENTENCES, k=r.randint(1, 3)))


def odd(r: random.Random) -> str:
    """An ordinary post with odd characters at any place."""
    text = ordinary(r)
    for _ in range(r.randint(1, 12)):
        at = r.randint(0, len(text))
        text = text[:at] + r.choice(_ODD) + text[at:]
    return text


def any_characters(r: random.Random) -> str:
    planes = ((0x20, 0x250), (0x300, 0x370), (0x2000, 0x2100), (0x3000, 0x3100), (0x4E00, 0x4F00), (0xFE00, 0xFFFE))
    chosen = [r.choice(planes) for _ in range(r.randint(1, 60))]
    return "".join(chr(r.randrange(*plane)) for plane in chosen) + chr(r.randrange(0x1F000, 0x1FB00))


def killer(r: random.Random) -> str:
    """A unit, or two in turn, many times: mostly some hundred characters, now and then all a line may hold."""
    unit = r.choice(_KILLERS) + (r.choice(_KILLERS) if r.random() < 0.5 else "")
    size = LARGEST if r.random() < 0.02 else int(2 ** r.uniform(5, 11))
    return unit * max(1, size // len(unit.encode())) + (r.choice(_ODD) if r.random() < 0.3 else "")


_MAKERS: tuple[tuple[Callable[[random.Random], str], float], ...] = (
    (ordinary, 0.35),
    (odd, 0.3),
    (any_characters, 0.15),
    (killer, 0.2),
)


def surroundings(r: random.Random) -> str:
    makers, weights = zip(*_MAKERS, strict=True)
    made: str = r.choices(makers, weights)[0](r)
    return made


def text(r: random.Random) -> tuple[str, list[Planted]]:
    """A text with up to two planted identifiers; their offsets are those in the text."""
    parts, found, at = [CANARY, "。"], [], len(CANARY) + 1
    for _ in range(r.choice((0, 1, 1, 1, 2))):
        around = surroundings(r)[: LARGEST // 8] + "\n"
        one = planted(r)
        parts += [around, one.text]
        at += len(around)
        found.append(one._replace(text=one.text[one.start : one.end], start=at + one.start, end=at + one.end))
        at += len(one.text)
    last = surroundings(r)
    whole = "".join(parts)
    return whole + "\n" + last[: max(0, LARGEST - len(whole.encode())) // 4 if len(last) > 9_000 else None], found
