"""Denials and what they are about."""

from __future__ import annotations

import pytest

from udfs.episodes.rumours import denies, hazards_denied, structure

DENIALS = [
    "【辟谣】网传“青石沟水库决堤”不实。目前水库运行平稳",
    "水库决堤是谣言，大家不要传了",
    "假的，我就在堤上，没有决堤",
    "刚从大坝回来，没有决口，别信谣言！",
    "大桥并未坍塌，交通正常",
    "化工厂爆炸系谣言",
    "The dam breach is fake news",
    "网传不实信息，请勿转发",
    "不存在任何溃坝风险",
]
NO_DENIALS = [
    "",
    "决堤了快跑",
    "不是谣言！真的决堤了，我亲眼看见",
    "听说决堤了，真的假的？",
    "是不是假的啊",
    "有没有决堤？",
    "官方快出来辟谣啊",
    "说辟谣是假的，水已经进村了",
    "没有船，没有吃的，水还在涨",
    "今天没有下雨",
    "到现在没有人来",
]


@pytest.mark.parametrize("text", DENIALS)
def test_denials(text: str) -> None:
    assert denies(text)


@pytest.mark.parametrize("text", NO_DENIALS)
def test_no_denials(text: str) -> None:
    assert not denies(text)


@pytest.mark.parametrize(
    ("text", "hazards"),
    [
        ("网传“青石沟水库决堤”不实", ["dyke_breach"]),
        ("没有起火，也没有塌方", ["landslide", "fire"]),
        ("谣言", []),
    ],
)
def test_what_is_denied(text: str, hazards: list[str]) -> None:
    assert hazards_denied(text) == hazards


def test_a_structure_has_one_name_whatever_stands_before_it() -> None:
    names = {structure(text) for text in ("听说青石沟水库要决口", "网传“青石沟水库决堤”不实", "青石沟水库已经决堤了")}
    assert names == {"石沟水库"}
    assert structure("水库很大") == ""
