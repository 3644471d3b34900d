"""Measured sentiment beside a run, in words: what was read, and only what would change."""

import pytest
from msgspec.structs import replace

from schemas.policy import Column, Mood, Option, Reading, Sentiment, Standing
from tests.udfs.policy_report import made_up
from udfs.policy_report import sentiment

DISTRICTS = Column("district", "district", "category", categories=("a", "b", "c"), titles=("甲片", "乙片", "丙片"))
ASKED = Sentiment(0.5, 30, {"a": "410102", "b": "410103", "c": "410102"})
TITLES = ("现状", "一", "二", "三")
NAMES = ("baseline", "one", "two", "three")
PLAN = replace(made_up.simulation().plan, options=tuple(map(Option, NAMES, TITLES, ({},) * 4)))


def standings(states: str, ranks: tuple[int, ...]) -> list[Standing]:
    words = {"o": "open", "i": "infeasible", "x": "intercepted"}
    return [Standing(name, words[state], rank=rank) for name, state, rank in zip(NAMES, states, ranks, strict=True)]


BEFORE = standings("oooo", (4, 1, 2, 3))


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (BEFORE, ["若计入，各方案的状态和名次都不变。"]),
        (
            standings("oooo", (4, 1, 3, 2)),
            ["若计入，2 个方案的名次会变：「二」由第 2 名变为第 3 名；「三」由第 3 名变为第 2 名。"],
        ),
        (
            standings("oioo", (3, 0, 1, 2)),
            [
                "若计入，排第一的由「一」变为「二」。",
                "若计入，1 个方案的状态会变：「一」由可选变为不可行。",
                "若计入，3 个方案的名次会变：「二」由第 2 名变为第 1 名；「三」由第 3 名变为第 2 名；"
                "「现状」由第 4 名变为第 3 名。",
            ],
        ),
        (
            standings("oooo", (4, 1, 2, 0)),
            ["若计入，1 个方案的名次会变：「三」由第 3 名变为不参加排序。"],
        ),
        (
            standings("oooo", (3, 1, 1, 3)),
            [
                "若计入，排第一的由「一」变为「一」、「二」。",
                "若计入，2 个方案的名次会变：「二」由第 2 名变为第 1 名；「现状」由第 4 名变为第 3 名。",
            ],
        ),
    ],
)
def test_only_what_would_change_is_told(after: list[Standing], told: list[str]) -> None:
    note = ["比较的是推演完成时的状态和名次，不含其后的放行。"] if after is not BEFORE else []
    assert sentiment.changes(PLAN, BEFORE, after) == [*told, *note]


def test_eight_are_named_of_many() -> None:
    names = [f"o{n}" for n in range(10)]
    plan = replace(PLAN, options=tuple(Option(name, name, {}) for name in names))
    before, after = (
        [Standing(name, "open", rank=rank) for name, rank in zip(names, ranks, strict=True)]
        for ranks in (range(1, 11), range(10, 0, -1))
    )
    (ranks,) = (line for line in sentiment.changes(plan, before, after) if "名次会变" in line)
    assert "10 个方案" in ranks
    assert ranks.endswith("等。")
    assert ranks.count("变为") == 8


def test_what_was_read() -> None:
    reading = Reading({"410102": Mood(20, 40, 60)}, "2026-10-29", "2026-11-28")
    first, about, *rest = sentiment.beside(PLAN, ASKED, reading, DISTRICTS, BEFORE, BEFORE).split("\n")
    assert first == "实测舆情没有参与排序，只另作敏感性分析：发帖的人不等于居民。"
    assert about == (
        "读取 2026-10-29 至 2026-11-28（30 天）的帖子计数，只取每小时、每平台、每种情感不少于 20 位发帖人的汇总，"
        "共约 120 帖；计划列出的 3 个片区中 2 个有数据，正面减负面占全部：甲片 -0.33、丙片 -0.33；"
        "没有数据的片区按 0 计：乙片；对同意的作用系数取 0.5，其余假设取中心值。"
    )
    assert rest == ["若计入，各方案的状态和名次都不变。"]


def test_what_was_not_done_is_told() -> None:
    nothing = sentiment.beside(PLAN, ASKED, Reading({}, "2026-10-29", "2026-11-28"), DISTRICTS, BEFORE, None)
    assert "3 个片区中 0 个有数据；" in nothing
    assert nothing.endswith("没有可用的数据，未做敏感性分析。")
    for text in (nothing, sentiment.left_out()):
        assert "没有参与排序" in text
        assert "发帖的人不等于居民" in text
    assert "没有连接数据库，未做" in sentiment.left_out()
