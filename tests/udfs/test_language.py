import pytest

from udfs.checks import check_udf, sample_batch
from udfs.language import Language

CASES = [
    ("今天雨真大", "zh"),
    ("被困了 please help", "zh"),
    ("iPhone 15 Pro Max 真好用", "zh"),
    ("#河南暴雨#", "zh"),
    ("加油💪", "zh"),
    ("We are trapped on the second floor, please send a boat", "en"),
    ("so happy today", "en"),
    ("RT @user: flooding in the city center http://t.co/x", "en"),
    ("", "und"),
    ("😂😂😂", "und"),
    ("12345", "und"),
    ("http://t.co/abc", "und"),
    ("今日は雨がひどいですね", "und"),
    ("오늘 비가 많이 와요", "und"),
    ("Сегодня сильный дождь", "und"),
    ("Estamos atrapados en el segundo piso, necesitamos ayuda", "und"),
    ("Nous sommes bloqués au deuxième étage", "und"),
]


@pytest.mark.parametrize(("text", "language"), CASES)
def test_language(text, language):
    step = Language()
    step.open()
    assert step.apply(sample_batch([text])).column("language").to_pylist() == [language]


def test_contract():
    check_udf(Language())
