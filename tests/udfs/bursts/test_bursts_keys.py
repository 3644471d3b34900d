"""Which series a post counts in."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from udfs.bursts.keys import CALLS, NEED, POSTS, RULE, TOPIC, Series, Sighting, sightings

CRITICAL = frozenset({"flood-help"})
HELP = {"rule": "flood-help", "category": "灾情求助", "term": "被困", "critical": True}
IN_HASHTAG = HELP | {"critical": False}
REPORT = {"rule": "flood-report", "category": "洪涝内涝", "term": "积水", "critical": False}
RESCUE, OFFER = {"need": "rescue", "score": 0.9}, {"need": "offer", "score": 0.9}
COUNTY, CITY = "410103", "410100"
MANY = ["410102", "410103", "410104", "410105"]
ALL = ("", CITY, COUNTY)

_KEYWORD = pa.struct(
    [("rule", pa.string()), ("category", pa.string()), ("term", pa.string()), ("critical", pa.bool_())]
)
_NEED = pa.struct([("need", pa.string()), ("score", pa.float32())])
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("platform", "post_id", "state", "author_token", "text", "topic_id")),
        pa.field("created_at", pa.int64()),
        pa.field("priority", pa.int8()),
        pa.field("keywords", pa.list_(_KEYWORD)),
        pa.field("needs", pa.list_(_NEED)),
        *(pa.field(name, pa.list_(pa.string())) for name in ("hazards", "adcodes", "phone_tokens")),
    ]
)
DEFAULTS: dict[str, Any] = {
    "platform": "weibo", "post_id": "1", "state": "open", "author_token": "a", "text": "在屋顶等人来接", "topic_id": "",
    "created_at": 600_000, "priority": 4, "keywords": [], "needs": [], "hazards": [], "adcodes": [], "phone_tokens": [],
}  # fmt: skip


def seen(*posts: dict[str, Any]) -> list[Sighting]:
    batch = pa.RecordBatch.from_pylist([DEFAULTS | post for post in posts], schema=SCHEMA)
    return list(sightings(batch, lambda text: text, CRITICAL))


def of(kind: str, name: str, places: tuple[str, ...] = ALL) -> set[Series]:
    return {Series(kind, name, place) for place in places}


SERIES = [
    ({}, set()),
    ({"keywords": [HELP]}, of(CALLS, "", ("",)) | of(RULE, "flood-help", ("",))),
    ({"keywords": [IN_HASHTAG]}, set()),  # nearly every post of an emergency has it
    ({"keywords": [REPORT]}, of(RULE, "flood-report", ("",))),
    ({"needs": [RESCUE], "adcodes": [COUNTY]}, of(CALLS, "") | of(NEED, "rescue") | of(POSTS, "", (COUNTY,))),
    ({"needs": [RESCUE], "adcodes": [CITY]}, of(CALLS, "", ("", CITY)) | of(NEED, "rescue", ("", CITY))),
    ({"needs": [RESCUE], "adcodes": ["410000"]}, of(CALLS, "", ("",)) | of(NEED, "rescue", ("",))),
    ({"needs": [OFFER]}, set()),
    ({"needs": [RESCUE], "state": "closed"}, set()),
    ({"hazards": ["collapse"]}, of(CALLS, "", ("",))),
    ({"adcodes": [COUNTY]}, of(POSTS, "", (COUNTY,))),
    ({"adcodes": MANY, "needs": [RESCUE]}, of(CALLS, "", ("",)) | of(NEED, "rescue", ("",))),
    ({"topic_id": "t1"}, of(TOPIC, "t1", ("",))),
    ({"created_at": None, "needs": [RESCUE]}, set()),
]  # fmt: skip


@pytest.mark.parametrize(("post", "series"), SERIES)
def test_series(post: dict[str, Any], series: set[Series]) -> None:
    assert {one for sighting in seen(post) for one in sighting.series} == series


def test_callers_are_phones_before_authors_and_compared_only() -> None:
    posts = seen(
        {"needs": [RESCUE], "phone_tokens": ["p"]},
        {"needs": [RESCUE], "phone_tokens": ["p"], "author_token": "b", "post_id": "2"},
        {"needs": [RESCUE], "author_token": "b", "post_id": "3"},
        {"needs": [RESCUE], "author_token": "", "post_id": "4"},
    )
    callers = [post.caller for post in posts]
    assert callers[0] == callers[1] != callers[2]
    assert callers[3] == 0
    assert len({post.post for post in posts}) == 4
    assert len({post.copy for post in posts}) == 1


@pytest.mark.parametrize(
    ("post", "urgent"),
    [
        ({"needs": [RESCUE], "priority": 1}, True),
        ({"needs": [RESCUE], "priority": 2}, True),
        ({"needs": [RESCUE], "priority": 3}, False),
        ({"needs": [RESCUE], "priority": 1, "state": "closed", "adcodes": [COUNTY]}, False),
    ],
)
def test_urgent(post: dict[str, Any], urgent: bool) -> None:
    assert [sighting.urgent for sighting in seen(post)] == [urgent]
