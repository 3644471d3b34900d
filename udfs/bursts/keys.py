"""Which series a post counts in: (calls, place), (keyword rule, place), (need, place), (topic), posts of a county."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

MINUTE_MS = 60_000
NOT_HELP = frozenset({"none", "offer"})
URGENT = 2
"""The least urgent priority that makes an emergency of a county."""
LIST_OF_PLACES = 3
"""A post that names more counties or cities than this is a table or the news: it counts for the whole feed only."""

CALLS, RULE, NEED, TOPIC, POSTS = "calls", "rule", "need", "topic", "posts"
"""CALLS: posts with a need for help, a hazard or a critical term. The calls of one event differ in rule and need, and
would be too few in each; POSTS: all posts that name a county, for its silence."""


class Series(NamedTuple):
    """What is counted. ``place`` is an adcode: a county's, a city's (its counties together), or "" for the feed."""

    kind: str
    name: str
    place: str


class Sighting(NamedTuple):
    """A post that counts somewhere. ``caller`` (phone token, else author token) and ``copy`` (near-copy group) are
    64-bit hashes, 0 where unknown: they are compared, never shown."""

    platform: str
    post_id: str
    minute: int
    series: tuple[Series, ...]
    post: int
    caller: int
    copy: int
    urgent: bool


def digest(*parts: str) -> int:
    """64 bits that are the same in every process, unlike ``hash``; never 0."""
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") | 1


def sightings(
    posts: pa.RecordBatch, copies: Callable[[str], str], critical: Collection[str] = frozenset()
) -> Iterator[Sighting]:
    """The posts of a batch that count in any series; ``created_at`` is int64 ms, other columns are those of ``posts``.

    ``copies`` names the near-copy group of a text; a batch with a column ``copy`` has it already. ``critical``: rules
    of which only a critical hit counts, since their terms in hashtags are on nearly every post of an emergency. A post
    that says it is over asks for nothing. A column ``topic_id`` adds the topic's series.
    """
    names = [name for name in _READ if name in posts.schema.names]
    counts = pc.greater(pc.list_value_length(posts.column("keywords")), 0)
    for name in ("needs", "hazards", "adcodes"):
        counts = pc.or_kleene(counts, pc.greater(pc.list_value_length(posts.column(name)), 0))
    if "topic_id" in names:
        counts = pc.or_kleene(counts, pc.not_equal(posts.column("topic_id"), ""))
    for row in posts.select(names).filter(counts.fill_null(False)).to_pylist():
        series = tuple(dict.fromkeys(_series(row, critical)))
        if not series or row["created_at"] is None:
            continue
        phones = row["phone_tokens"] or ()
        caller = phones[0] if phones else row["author_token"] or ""
        counted = any(one.kind != POSTS for one in series)
        copy = (row["copy"] if "copy" in row else copies(row["text"] or "")) if counted else ""
        yield Sighting(
            platform=row["platform"],
            post_id=row["post_id"],
            minute=row["created_at"] // MINUTE_MS,
            series=series,
            post=digest(row["platform"], row["post_id"]),
            caller=digest("caller", caller) if caller else 0,
            copy=digest("copy", copy) if copy else 0,
            urgent=(row["priority"] or 4) <= URGENT and row["state"] != "closed" and bool(_needs(row)),
        )


_READ = (
    *("platform", "post_id", "created_at", "keywords", "needs", "hazards", "adcodes", "state", "priority"),
    *("phone_tokens", "author_token", "text", "copy", "topic_id"),
)


def _series(row: dict[str, Any], critical: Collection[str]) -> Iterator[Series]:
    areas, counties = places(row["adcodes"] or ())
    over = row["state"] == "closed"
    if not over and (_needs(row) or row["hazards"] or any(hit["critical"] for hit in row["keywords"] or ())):
        for area in areas:
            yield Series(CALLS, "", area)
    for hit in row["keywords"] or ():
        if hit["critical"] or hit["rule"] not in critical:
            for area in areas:
                yield Series(RULE, hit["rule"], area)
    for need in _needs(row):
        for area in areas:
            yield Series(NEED, need, area)
    if row.get("topic_id"):
        yield Series(TOPIC, row["topic_id"], "")
    for county in counties:
        yield Series(POSTS, "", county)


def _needs(row: dict[str, Any]) -> list[str]:
    if row["state"] == "closed":
        return []
    return [need["need"] for need in row["needs"] or () if need["need"] not in NOT_HELP]


def places(adcodes: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(areas a post counts in: the feed, cities, counties; its counties) from the adcodes of its places."""
    counties = sorted({code for code in adcodes if not code.endswith("00")})
    cities = sorted({city_of(code) for code in adcodes if not code.endswith("0000")})
    if len(counties) > LIST_OF_PLACES or len(cities) > LIST_OF_PLACES:
        return ("",), ()
    return ("", *cities, *counties), tuple(counties)


def city_of(adcode: str) -> str:
    """GB/T 2260: the first four digits name the city; counties directly under a province share one such prefix."""
    return adcode[:4] + "00"
