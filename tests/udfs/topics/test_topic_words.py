import pytest

from udfs.topics.words import LONGEST, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("the of and 的 了", []),
        ("Bridges near Elmton collapsed", ["bridge", "near", "elmton", "collapsed"]),
        ("RT @someone: Elmton's bridge http://t.co/x1", ["elmton", "bridge"]),
        ("#ElmtonFlood help", ["#elmtonflood", "elmton", "flood", "help"]),
        ("#elmtonflood", ["#elmtonflood", "elmtonflood"]),
        ("#榆桥大桥垮塌#现场", ["榆桥", "大桥", "垮塌", "现场"]),
        ("电话<CN_MOBILE>求助", ["电话", "求助"]),
        ("call <PERSON> 12 or 2024", ["call", "2024"]),
        ("原文 //@某人:转发的内容", ["原文"]),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


def test_a_long_post_is_not_read_to_its_end():
    assert "zebra" not in words("a " * LONGEST + "zebra")


@pytest.mark.parametrize("text", ["😀" * 16_000, "急" * 21_845, "a" * 65_536, "#" * 5_000, "\ud800 x", "\x00"])
def test_awkward_texts_pass(text):
    assert len(words(text)) < 1_000
