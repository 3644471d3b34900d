"""`yuqing topics`: masked posts with their topic, in stream order, without a store.

The encoder takes no part: its embedding says what a post feels and asks for, not which event it is of (docs/topics.md
has the figures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.engines.job import Job
from pipelines.jobs.dead_letters import CountedDeadLetters
from udfs.language import Language
from udfs.parse import Parse
from udfs.pii.step import Mask
from udfs.topics.clusterer import Clusterer, Post

PURPOSE = "Group published posts by what they speak of, so that a city sees what moves people, never who."
LAWFUL_BASIS = "public_information, statutory_duty"

WINDOW = 2_000
"""Posts that are looked at together; how long an answer may have to wait."""
COMPARED = frozenset({"PERSON", "PLACE"})
"""Masks whose words are compared inside this process, though they are not shown: who and where tell events apart."""

Rows = list[dict[str, Any]]


def job(dead_letters: CountedDeadLetters) -> Job:
    """Masking as in `yuqing mask`."""
    return Job("topics", PURPOSE, LAWFUL_BASIS, (Parse(), Language(), Mask(mask_places=True)), dead_letters)


def with_topics(
    batches: Iterable[pa.RecordBatch], shown: Callable[[pa.RecordBatch], Rows], window: int = WINDOW
) -> Iterator[Rows]:
    """Rows of ``shown`` with `topic_id`, window by window, in order."""
    clusterer = Clusterer()
    rows: Rows = []
    posts: list[Post] = []
    for batch in batches:
        rows += shown(batch)
        posts += _posts(batch)
        while len(posts) >= window:
            yield _placed(clusterer, rows[:window], posts[:window])
            rows, posts = rows[window:], posts[window:]
    yield _placed(clusterer, rows, posts)


def _placed(clusterer: Clusterer, rows: Rows, posts: list[Post]) -> Rows:
    for row, place in zip(rows, clusterer.take(posts), strict=True):
        row["topic_id"] = place.topic_id
    return rows


def _posts(batch: pa.RecordBatch) -> list[Post]:
    columns = (batch.column(name).to_pylist() for name in ("platform", "id", "text", "created_at", "identifiers"))
    return [
        Post(f"{platform}\x1f{post_id}", _compared(text, identifiers), at or 0)
        for platform, post_id, text, at, identifiers in zip(*columns, strict=True)
    ]


def _compared(text: str, identifiers: list[dict[str, Any]]) -> str:
    hidden = [held["value"] for held in identifiers or () if held["type"] in COMPARED]
    return " ".join([text, *hidden]) if hidden else text
