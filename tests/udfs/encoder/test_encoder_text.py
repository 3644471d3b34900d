"""The normal form every model sees."""

import pytest

from udfs.encoder.text import HEAD_CHARS, OTHER_TOKEN, TAIL_CHARS, TOKEN_CHARS, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  a \t\r\n b ", "a b"),
        ("ＡＢＣ１２３", "abc123"),
        ("HELP Me", "help me"),
        ("啊啊啊啊啊啊啊", "啊啊啊"),
        ("啊啊啊", "啊啊啊"),
        ("急！！！！！", "急!!!"),
        ("打<CN_MOBILE>", "打" + TOKEN_CHARS["CN_MOBILE"]),
        ("<US_SSN>", OTHER_TOKEN),
        ("<cn_mobile>", "<cn_mobile>"),
        ("3<5>2", "3<5>2"),
        (f"装作{TOKEN_CHARS['PERSON']}的", "装作的"),  # a private-use character in a post is no mask token
        ("\x02a\x03", "a"),  # nor are the n-grams' borders of a text
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_long_texts_keep_head_and_tail() -> None:
    text = "".join(chr(0x4E00 + i % 5000) for i in range(3000))
    found = normalise(text)
    assert found == text[:HEAD_CHARS] + text[-TAIL_CHARS:]


def test_64_kib_is_cut_before_the_costly_part() -> None:
    assert len(normalise("水" * 21_845)) == 3
    head = "头" + "ab" * 40_000 + "尾"
    found = normalise(head)
    assert found.startswith("头ab")
    assert found.endswith("ab尾")
    assert len(found) == HEAD_CHARS + TAIL_CHARS


def test_mask_tokens_are_distinct_and_single() -> None:
    assert len({*TOKEN_CHARS.values(), OTHER_TOKEN}) == len(TOKEN_CHARS) + 1
    assert all(len(mark) == 1 and "\ue000" <= mark <= "\uf8ff" for mark in TOKEN_CHARS.values())
