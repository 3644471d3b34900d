"""Tokens: one for every spelling of a number, none that links two kinds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.keys import Key
from governance.tokens import TOKEN_HEX, Tokeniser, normalise

TOKENS = Tokeniser(Key(b"t" * 32))

SAME = {
    ("CN_MOBILE", "13812345678"): [
        "138 1234 5678",
        "138-1234-5678",
        "+8613812345678",
        "+86 138 1234 5678",
        "（+86）138-1234-5678",
        "+86 13812345678",
        "008613812345678",
        "8613812345678",
        "013812345678",
        "１３８１２３４５６７８",
        "一三八一二三四五六七八",
        "幺三八幺两三四五六拐八",
        "壹叁捌壹贰叁肆伍陆柒捌",
        "壹參捌壹貳參肆伍陸柒捌",
        "138点1234点5678",
        "138😀1234😀5678",
        "1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣",
        "①③⑧①②③④⑤⑥⑦⑧",
        "1 3 8 1 2 3 4 5 6 7 8",
        "138一二三四5678",
        "138\u200b1234\u200b5678",
    ],
    ("CN_MOBILE", "13800000000"): ["138〇〇〇〇〇〇〇〇", "138零零零零○○○○", "一三八洞洞洞洞洞洞洞洞"],
    ("CN_LANDLINE", "037112345678"): ["0371-12345678", "(0371)12345678", "+86 371 12345678", "86-371-12345678"],
    ("CN_LANDLINE", "01012345678"): ["010-12345678", "+86 10 1234 5678", "0086 10 12345678", "（010）1234 5678"],
    ("CN_LANDLINE", "12345678"): ["1234-5678", "1234 5678"],
    ("CN_LANDLINE", "4001234567"): ["400-123-4567", "400 1234 567", "+86 400 123 4567"],
    ("CN_ID", "11010119900101123X"): ["11010119900101123x", "110101 19900101 123Ｘ", "１１０１０１19900101123x"],
    ("BANK_CARD", "6222020200112233445"): ["6222 0202 0011 2233 445", "6222-0202-0011-2233-445"],
    ("CN_PLATE", "豫A12345"): ["豫A·12345", "豫a 12345", "豫Ａ１２３４５"],
    ("CN_PASSPORT", "E12345678"): ["e12345678", "E 1234 5678"],
    ("EMAIL_ADDRESS", "someone@example.com"): ["Someone@Example.com", "ｓomeone＠example.com", " someone@example.com "],
    ("IM_ID", "abc_123"): ["ABC_123", "abc_１２３"],
}


@pytest.mark.parametrize(
    ("kind", "value", "spelling"),
    [(kind, value, spelling) for (kind, value), spellings in SAME.items() for spelling in spellings],
)
def test_one_token_for_every_spelling(kind: str, value: str, spelling: str) -> None:
    assert normalise(kind, spelling) == value
    assert TOKENS.token(kind, spelling) == TOKENS.token(kind, value)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("CN_MOBILE", "13812345678"), ("CN_MOBILE", "13812345679")),
        (("CN_MOBILE", "13812345678"), ("BANK_CARD", "13812345678")),
        (("CN_LANDLINE", "037112345678"), ("CN_LANDLINE", "12345678")),
        (("CN_LANDLINE", "010-12345678"), ("CN_LANDLINE", "021-12345678")),
        (("CN_PLATE", "豫A12345"), ("CN_PLATE", "京A12345")),
        (("CN_ID", "11010119900101123X"), ("CN_ID", "110101199001011230")),
        (("IM_ID", "abc_123"), ("IM_ID", "abc123")),
        (("AB", "C"), ("A", "BC")),
    ],
)
def test_different_values_and_kinds_have_different_tokens(one: tuple[str, str], two: tuple[str, str]) -> None:
    assert TOKENS.token(*one) != TOKENS.token(*two)


def test_the_key_decides_the_token() -> None:
    other = Tokeniser(Key(b"u" * 32))
    assert TOKENS.token("CN_MOBILE", "13812345678") != other.token("CN_MOBILE", "13812345678")
    assert TOKENS.token("CN_MOBILE", "13812345678") == Tokeniser(Key(b"t" * 32)).token("CN_MOBILE", "13812345678")


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (("weibo", "张三"), ("weibo", "张三"), True),
        (("weibo", " 张三 "), ("weibo", "张三"), True),
        (("weibo", "Ann"), ("weibo", "ann"), False),
        (("weibo", "张三"), ("douyin", "张三"), False),
        (("weibo1", "1"), ("weibo", "11"), False),
    ],
)
def test_an_author_is_a_name_on_a_platform(one: tuple[str, str], two: tuple[str, str], same: bool) -> None:
    assert (TOKENS.author(*one) == TOKENS.author(*two)) is same


@pytest.mark.parametrize(("kind", "value"), [("CN_MOBILE", ""), ("CN_MOBILE", "电话"), ("PERSON", "  "), ("IM_ID", "")])
def test_nothing_has_no_token(kind: str, value: str) -> None:
    assert TOKENS.token(kind, value) == ""
    assert TOKENS.author("weibo", "  ") == ""


KINDS = ["CN_MOBILE", "CN_LANDLINE", "CN_ID", "BANK_CARD", "CN_PLATE", "EMAIL_ADDRESS", "PERSON", "OTHER"]


@given(st.sampled_from(KINDS), st.text(max_size=40))
def test_any_text_gives_a_token_of_the_stated_shape(kind: str, value: str) -> None:
    token = TOKENS.token(kind, value)
    assert token == "" or (len(token) == TOKEN_HEX and set(token) <= set("0123456789abcdef"))


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.lists(st.sampled_from(" -·. \u3000"), min_size=11))
def test_separators_anywhere_in_a_mobile_number_change_nothing(number: str, separators: list[str]) -> None:
    spelled = "".join(digit + separator for digit, separator in zip(number, separators, strict=False))
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in number)
    assert normalise("CN_MOBILE", spelled) == normalise("CN_MOBILE", wide) == number
    assert unicodedata.normalize("NFKC", wide) == number
