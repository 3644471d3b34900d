"""Topics in the store: what each post was put into, what each topic looks like, which topics became one.

Each write is of whole rows under a version, so that writing them again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated
from pipelines.store.sinks import times
from udfs.topics.clusterer import Change, Placed
from udfs.topics.portrait import Portrait

_KNOWN = """
SELECT platform, post_id, topic_id, copy_of, similarity, version
FROM post_topics FINAL WHERE (platform, post_id) IN {ids:Array(Tuple(String, String))}
"""
_MERGES = """
SELECT other_id, topic_id FROM topic_changes FINAL WHERE kind = 'merge' ORDER BY at, stored_at, other_id
"""


class Known(NamedTuple):
    """A row of post_topics. ``version``: how many posts the follower had taken, this one too."""

    platform: str
    post_id: str
    topic_id: str
    copy_of: str
    similarity: float
    version: int


class Member(NamedTuple):
    """A post and its place, to be written."""

    platform: str
    post_id: str
    at_ms: int
    place: Placed
    copy_of: str
    version: int


def known(client: Client, ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    """What ``post_topics`` has of these (platform, post_id)."""
    if not ids:
        return {}
    with translated("post_topics", detail=False):
        rows = client.query(_KNOWN, {"ids": list(ids)}).result_rows
    return {(row[0], row[1]): Known(*row) for row in rows}


def merges(client: Client) -> list[tuple[str, str]]:
    """(other, into) of every merge the store has, in order."""
    with translated("topic_changes"):
        return [(str(row[0]), str(row[1])) for row in client.query(_MERGES).result_rows]


def write_members(client: Client, members: Sequence[Member], now_ms: int) -> None:
    """Returns after the acknowledgement, like every write here."""
    _insert(
        client,
        "post_topics",
        {
            "platform": [member.platform for member in members],
            "post_id": [member.post_id for member in members],
            "topic_id": [member.place.topic_id for member in members],
            "copy_of": [member.copy_of for member in members],
            "similarity": pa.array([member.place.similarity for member in members], pa.float32()),
            "at": _times([member.at_ms for member in members]),
            "version": pa.array([member.version for member in members], pa.uint64()),
            "stored_at": _times([now_ms] * len(members)),
        },
    )


def write_changes(client: Client, changes: Sequence[Change], now_ms: int) -> None:
    _insert(
        client,
        "topic_changes",
        {
            "topic_id": [change.topic_id for change in changes],
            "kind": [change.kind for change in changes],
            "other_id": [change.other_id for change in changes],
            "at": _times([change.at_ms for change in changes]),
            "posts": pa.array([change.posts for change in changes], pa.uint64()),
            "similarity": pa.array([change.similarity for change in changes], pa.float32()),
            "stored_at": _times([now_ms] * len(changes)),
        },
    )


def write_topics(
    client: Client,
    portraits: Iterable[Portrait],
    terms: Mapping[str, Sequence[str]],
    version: int,
    now_ms: int,
) -> None:
    """``terms``: of each topic, strongest first."""
    found = list(portraits)
    counts = {
        "posts": [one.posts for one in found],
        "reach": [one.reach for one in found],
        "hour_posts": [one.hours()[0] for one in found],
        "hour_before": [one.hours()[1] for one in found],
        **{mood: [one.moods.get(mood, 0) for one in found] for mood in ("negative", "neutral", "positive")},
    }
    _insert(
        client,
        "topics",
        {
            "topic_id": [one.topic_id for one in found],
            "version": pa.array([version] * len(found), pa.uint64()),
            "name": [" ".join(terms.get(one.topic_id, ())[:3]) for one in found],
            "terms": pa.array([list(terms.get(one.topic_id, ())) for one in found], pa.list_(pa.string())),
            "first_at": _times([one.first_ms for one in found]),
            "last_at": _times([one.last_ms for one in found]),
            "authors": pa.array([len(one.authors) for one in found], pa.uint8()),
            **{name: pa.array(values, pa.uint64()) for name, values in counts.items()},
            "growth": [one.growth for one in found],
            "counties": pa.array([_counties(one) for one in found], pa.list_(_COUNTY)),
            "representatives": pa.array(
                [[{"platform": near[1], "post_id": near[2]} for near in one.nearest] for one in found], pa.list_(_POST)
            ),
            "merged_into": [one.merged_into for one in found],
            "stored_at": _times([now_ms] * len(found)),
        },
    )


_COUNTY = pa.struct([("adcode", pa.string()), ("posts", pa.uint64())])
_POST = pa.struct([("platform", pa.string()), ("post_id", pa.string())])


def _counties(one: Portrait) -> list[dict[str, Any]]:
    ordered = sorted(one.counties.items(), key=lambda held: (-held[1], held[0]))
    return [{"adcode": adcode, "posts": posts} for adcode, posts in ordered]


def _times(values: Sequence[int]) -> pa.Array:
    return times(pa.array(values, pa.int64()))


def _insert(client: Client, table: str, columns: Mapping[str, Any]) -> None:
    rows = pa.table(dict(columns))
    if rows.num_rows:
        with translated(f"insert into {table}", detail=False):
            client.insert_arrow(table, rows)
