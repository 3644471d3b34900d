"""Words, times, and that no code of the store is left without one."""

from __future__ import annotations

import string

import pytest

from schemas.records import HAZARDS, NEEDS
from tests.udfs.brief.made_up import END
from udfs.brief import words as module
from udfs.brief.content import EPISODE_STATES
from udfs.brief.words import Words, figure, number
from udfs.triage.people import VULNERABLE

ZH, EN = Words("zh"), Words("en")


def test_both_languages_have_the_same_blanks():
    blanks = {
        key: [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]
        for key, texts in module._WORDS.items()
    }
    assert {key: found for key, found in blanks.items() if found[0] != found[1]} == {}
    assert all(text for texts in module._WORDS.values() for text in texts)


@pytest.mark.parametrize(
    ("family", "codes"),
    [
        ("need", NEEDS),
        ("hazard", HAZARDS),
        ("vulnerable", VULNERABLE),
        ("state", EPISODE_STATES),
        ("standing", ("unverified", "official", "contested")),
        ("proposed", ("closed", "partial")),
        ("mood", ("negative", "neutral", "positive", "angry", "fear", "happy", "sad", "surprise")),
    ],
)
def test_every_code_has_a_word(family, codes):
    assert [code for code in codes if ZH.code(family, code) == code] == []


def test_an_unknown_code_stands_as_it_is():
    assert ZH.code("need", "boats") == "boats"


@pytest.mark.parametrize(
    ("ms", "zh", "en"),
    [(0, "0 分钟", "0 min"), (-5, "0 分钟", "0 min"), (119 * 60_000, "119 分钟", "119 min"),
     (7_200_000, "2 小时", "2 h"), (48 * 3_600_000, "2 天", "2 days")],
)  # fmt: skip
def test_lengths(ms, zh, en):
    assert (ZH.length(ms), EN.length(ms)) == (zh, en)


def test_times():
    assert ZH.time(END) == "7月21日 02:00"
    assert ZH.time(END, END) == "02:00"
    assert ZH.time(END - 3 * 3_600_000, END) == "7月20日 23:00"
    assert EN.time(END) == "21 Jul 02:00"
    assert ZH.moment(END) == "2026年7月21日 02:00（UTC+08:00）"
    assert Words("zh", -330).moment(END) == "2026年7月20日 12:30（UTC-05:30）"


@pytest.mark.parametrize(
    ("reasons", "zh"),
    [
        (["priority 1", "need rescue", "need medical", "callers 4"], ["优先级 1", "求救援、医疗", "求助者 4"]),
        (["hazard dyke_breach", "standing contested", "denials 2"], ["险情：决堤", "有争议", "2 帖否认"]),
        (["proposed closed"], ["有帖称已获救／已解除"]),
        (["proposed partial, calls since"], ["有帖称部分获救，但其后仍有求助"]),
        (["no place and no number"], ["没有地点也没有号码"]),
        (["same number as 0123456789abcdef"], ["与事件 0123456789ab 号码相同"]),
        (["0 posts in 30 min", "expected 4.2"], ["30 分钟内 0 帖", "通常约 4.2 帖"]),
        (["something new {n}"], ["something new {n}"]),
    ],
)  # fmt: skip
def test_reasons(reasons, zh):
    assert ZH.reasons(reasons) == zh


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("救<CN_MOBILE>命", [("救", False), ("〔手机号〕", True), ("命", False)]),
        ("<US_SSN>", [("〔US_SSN〕", True)]),
        ("<script>", [("<script>", False)]),
        ("a<b", [("a<b", False)]),
    ],
)
def test_what_was_masked(text, pieces):
    assert ZH.masked(text) == pieces


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [(0.625, "share", "62%"), (40_310, "about", "≈40,310"), (2_350, "ms", "2.4 s"), (0, "count", "0")],
)
def test_figures(value, kind, said):
    assert figure(value, kind, ZH) == said
    assert [number(n) for n in (0, 3, 9.55, 12.4, 1234)] == ["0", "3", "9.6", "12", "1,234"]
