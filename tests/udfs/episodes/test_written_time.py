"""When a post was written, as its words say; posted on 21 July 2021 at 9:30 in Beijing."""

from __future__ import annotations

from datetime import datetime

import pytest

from udfs.episodes.written_time import BEIJING, iso, written_time

POSTED = int(datetime(2021, 7, 21, 9, 30, tzinfo=BEIJING).timestamp() * 1000)

DATED = [
    ("7月20日晚8点，被困在二楼", "07-20 20:00"),
    ("21日凌晨3:40更新：还没人来", "07-21 03:40"),
    ("【7.20 20:30】请转", "07-20 20:30"),
    ("7月20日21点：水到二楼了", "07-20 21:00"),
    ("7/20 23:15 求救", "07-20 23:15"),
    ("20号早上六点半的消息", "07-20 06:30"),
    ("7月20日15时10分核实", "07-20 15:10"),
    ("2021年7月19日下午2点", "07-19 14:00"),
    ("【7月20日】求助", "07-20 12:00"),
    ("刚刚看到，7月19日下午2点发的", "07-19 14:00"),
    ("7月20日20点求救，21日2:10更新：人还在", "07-21 02:10"),
    ("21日9:35更新", "07-21 09:30"),  # a clock that is five minutes fast
    ("7月20日20时30分至今", None),
]
RELATIVE = [
    ("今早水到二楼", "07-21 07:00"),
    ("刚刚核实过", "07-21 09:30"),
    ("14:20更新：还有六个人", "07-20 14:20"),
    ("两小时前接到电话", "07-21 07:30"),
    ("半小时前还在", "07-21 09:00"),
    ("一个半小时前", "07-21 08:00"),
    ("截至6点还没人到", "07-21 06:00"),
    ("8时核实", "07-21 08:00"),
    ("0840更新", "07-21 08:40"),
    ("昨天下午三点半的事", "07-20 15:30"),
    ("昨晚11点40求救", "07-20 23:40"),
    ("晚上11点40", "07-20 23:40"),
    ("前天中午", "07-19 12:00"),
    ("今天9:00最新消息", "07-21 09:00"),
    ("3 hours ago we lost contact", "07-21 06:30"),
    ("１４：２０更新", "07-20 14:20"),
]
NO_TIME_OF_WRITING = [
    "",
    "水到二楼了，快来人",
    "昨晚10点失联，至今没有消息",
    "明天8点前送到",
    "营业时间9:00-18:00",
    "手机只能撑到，联系<CN_MOBILE>6点前手机还有电",
    "7月21日求助",  # of the day itself: nothing new
    "2020年7月20日晚8点",
    "去年7月20日晚8点",
    "1950年3月2日出生",
    "今晚转移",
    "三点建议，一点也不难",
    "比分2:1，水深1.5米",
    "孩子们晚上都在发烧，凌晨更冷",
    "1号楼3单元20楼",
    "5月1日开始停工",
    "12月35日25:70",
    "7月20日前送达",
    "9" * 5_000,
]


@pytest.mark.parametrize(("text", "expected"), DATED)
def test_a_day_that_is_named_holds_for_copies_too(text: str, expected: str | None) -> None:
    found = written_time(text, POSTED)
    assert (iso(found.ms) if found else None) == expected
    if found and "9:35" not in text:
        assert found.dated
        later = written_time(text, POSTED + 2 * 86_400_000)
        assert later is not None
        assert later.ms == found.ms


@pytest.mark.parametrize(("text", "expected"), RELATIVE)
def test_a_time_without_a_day_is_the_last_before_the_posting(text: str, expected: str) -> None:
    found = written_time(text, POSTED)
    assert found is not None
    assert (iso(found.ms), found.dated) == (expected, False)
    assert found.ms <= POSTED


@pytest.mark.parametrize("text", NO_TIME_OF_WRITING)
def test_what_is_no_time_of_writing(text: str) -> None:
    assert written_time(text, POSTED) is None


def test_new_year() -> None:
    posted = int(datetime(2022, 1, 1, 0, 30, tzinfo=BEIJING).timestamp() * 1000)
    for text, expected in (("12月31日23:50", "12-31 23:50"), ("31日23点", "12-31 23:00"), ("23:50更新", "12-31 23:50")):
        found = written_time(text, posted)
        assert found is not None
        assert iso(found.ms) == expected
        assert posted - found.ms < 2 * 3_600_000
