"""What proposes that a call is over, and what never does."""

from __future__ import annotations

import pytest

from udfs.episodes.closing import proposes_closed

OVER = [
    "人已全部获救，谢谢大家",
    "更新：五个人都平安，之前的求助已解决，感谢每一位转发的人",
    "河东村的七人已全部转移到安全的地方，请停止转发，电话不要再打了",
    "救援队到了，消防把人接出来了，大人孩子都平安！",
    "老人已经找到了，谢谢各位",
    "已获救，不用再转了",
    "全家已安全转移，谢谢蓝天救援队[祈祷]",
    "平安了！//@<USERNAME>: 水到二楼了，还有五个人没出来",  # the tail is what was before
    "All five rescued and safe now, thank you",
]
NOT_OVER = [
    "",
    "水到二楼了，五个人被困",
    "如已获救联系我删",
    "若已获救请告知，我好删帖",
    "如果人已经找到了请说一声",
    "救出三分之二，仍有几百人",
    "部分村民已转移，还有老人没出来",
    "救出来一半人了，继续扩散",
    "已获救三人，还有两人在屋顶",
    "人还没获救",
    "不是已获救，是联系不上了",
    "未能获救，请继续关注",
    "希望都平安",
    "愿他们都获救了",
    "他们获救了吗？",
    "有没有人知道是否已获救",
    "听说已经获救了",
    "请把老人转移到安全的地方",
    "准备转移，等救援",
    "正在转移中",
    "什么时候才能获救",
    "求平安",
    "已获救？谁能核实",
    "Not rescued yet, please help",
    "hope they are safe now",
]


@pytest.mark.parametrize("text", OVER)
def test_over(text: str) -> None:
    assert proposes_closed(text, (), ())


@pytest.mark.parametrize("text", NOT_OVER)
def test_not_over(text: str) -> None:
    assert not proposes_closed(text, (), ())
