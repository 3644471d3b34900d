"""`bench bursts`: what is injected, when it counts as found, and which alarms are false. Nothing is scored here."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from pipelines.bench import bursts as measure
from pipelines.bench.bursts import Background, Trial, is_false, play
from udfs.bursts.detector import Found
from udfs.bursts.keys import CALLS, NEED, RULE, TOPIC, Series

HELP = {"rule": "flood-help", "category": "灾情求助", "term": "被困", "critical": True}
RESCUE = {"need": "rescue", "score": 0.9}
_KEYWORD = pa.struct(
    [("rule", pa.string()), ("category", pa.string()), ("term", pa.string()), ("critical", pa.bool_())]
)
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("platform", "post_id", "state", "author_token", "copy")),
        *(pa.field(name, pa.int64()) for name in ("created_at", "priority")),
        pa.field("keywords", pa.list_(_KEYWORD)),
        pa.field("needs", pa.list_(pa.struct([("need", pa.string()), ("score", pa.float32())]))),
        *(pa.field(name, pa.list_(pa.string())) for name in ("hazards", "adcodes", "phone_tokens")),
    ]
)


def table(*rows: dict[str, Any]) -> pa.Table:
    default: dict[str, Any] = {"platform": "weibo", "state": "open", "author_token": "", "priority": 4}
    default |= {name: [] for name in ("keywords", "needs", "hazards", "adcodes", "phone_tokens")}
    at = [(measure.START + n * 3_600) * 1_000 for n in range(24)]  # as many by day as by night
    posts = [
        default | {"post_id": f"p{n}", "copy": f"c{n}", "created_at": at[n % 24]} | row for n, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(posts, schema=SCHEMA)


def calls(name: str, county: str, size: int) -> pa.Table:
    return table(
        *(
            {"post_id": f"{name}{n}", "copy": f"{name}{n}", "needs": [RESCUE], "adcodes": [county], "priority": 1}
            for n in range(size)
        )
    )


QUIET = Background(table(*({} for _ in range(48))), frozenset())


@pytest.mark.parametrize(("size", "raised"), [(3, 0), (8, 1)])
def test_an_episode_is_found_from_its_fourth_call_on(size: int, raised: int) -> None:
    trial = Trial(sizes=(size,), each=1, hours=0.5, warm_up=0.7, spread=15)
    report = play(QUIET, [calls("a", "410103", size)], 1_800, trial, frozenset())
    found = report["by_size"][str(size)]
    assert (found["episodes"], found["raised"]) == (1, raised)
    if raised:
        assert found["within_60_s"] == 1
        assert found["p50_s"] <= 0  # in the second of the fifth call, or with the fourth
    assert report["after"] == {"alarms_an_hour": 0, "false_alarms_an_hour": 0}


def test_a_burst_of_the_background_is_an_alarm() -> None:
    burst = [{"needs": [RESCUE], "adcodes": ["500103"]} for _ in range(6)]
    background = Background(table(*({} for _ in range(1_000)), *burst, *({} for _ in range(3_000))), frozenset())
    trial = Trial(sizes=(), each=1, hours=0.5, warm_up=0.5)
    report = play(background, [], 1_800, trial, frozenset())
    told = [report[name]["alarms_an_hour"] for name in ("warm_up", "after")]
    assert sum(told) == pytest.approx(2)  # one in half an hour
    assert [report[name]["false_alarms_an_hour"] for name in ("warm_up", "after")] == told  # no other witness


WITNESSED = Background(
    table(
        {"needs": [RESCUE], "phone_tokens": ["t"]},
        {"needs": [RESCUE], "keywords": [HELP]},
        {"needs": [RESCUE]},
        {"keywords": [HELP]},
        {"keywords": [HELP], "hazards": ["collapse"]},
    ),
    frozenset({"flood-help"}),
)


@pytest.mark.parametrize(
    ("series", "posts", "false"),
    [
        (Series(NEED, "rescue", ""), (0, 1), False),
        (Series(NEED, "rescue", ""), (1, 2), False),
        (Series(NEED, "rescue", ""), (2, 2, 0), True),
        (Series(RULE, "flood-help", ""), (3, 4), False),
        (Series(RULE, "flood-help", ""), (3, 3, 4), True),
        (Series(CALLS, "", ""), (0, 1, 4), False),
        (Series(CALLS, "", ""), (2, 3), True),
        (Series(TOPIC, "t1", ""), (0, 1), True),
    ],
)
def test_false_alarms_are_those_that_no_other_witness_takes_for_calls(
    series: Series, posts: tuple[int, ...], false: bool
) -> None:
    evidence = tuple(("weibo", f"p{n}~3") for n in posts)
    found = Found("burst", series, 0, 1, len(posts), 0.1, 1e-9, 0, evidence, 2)
    assert is_false(found, WITNESSED) == false


def test_each_round_of_the_background_has_other_posts() -> None:
    first, second = (WITNESSED.sighting(number, 7) for number in (0, 5))
    assert first is not None
    assert second is not None
    assert first.post_id == "p0~0"
    assert second.post_id == "p0~1"
    assert len({first.post, second.post, first.copy, second.copy, first.caller, second.caller}) == 6
    assert first.series == second.series


def test_no_two_episodes_have_a_county_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    where = []
    monkeypatch.setattr(
        measure, "_calls", lambda size, seed, city, county: where.append(county) or pa.record_batch({"a": [0] * size})
    )
    monkeypatch.setattr(measure.bursts_feed, "score_raw", lambda raw, settings: pa.Table.from_batches(raw))
    made = measure.episodes(None, Trial(sizes=(2, 3), each=4))
    assert [one.num_rows for one in made] == [2] * 4 + [3] * 4
    assert len(set(where)) == len(where) == 8
