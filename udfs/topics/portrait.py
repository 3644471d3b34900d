"""What a command centre sees of a topic: size, reach, mood, growth, counties, representatives, name."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from udfs.topics.clusterer import Clusterer, Placed

MINUTE_MS = 60_000
AUTHORS = 21
"""Counted up to: more than 20 is all that a view asks."""
COUNTIES = 50
REPRESENTATIVES = 5
NAME_TERMS = 3
TERMS = 12
_AT_LEAST = 2.0
"""Posts that a term stands in: what one person alone wrote is no name."""


class Spoken(msgspec.Struct, frozen=True):
    """What a portrait takes of a post besides its text."""

    platform: str
    post_id: str
    at_ms: int
    author: str
    """Token; compared, never shown."""
    sentiment: str
    reposts: int
    adcodes: list[str]


class Portrait(msgspec.Struct):
    """Of one topic; ``add`` its posts in order. About 1 KB."""

    topic_id: str
    first_ms: int
    last_ms: int
    posts: int = 0
    reach: int = 0
    authors: list[str] = []
    moods: dict[str, int] = {}
    minutes: dict[int, int] = {}
    """Posts by minute of the last two hours up to ``last_ms``."""
    counties: dict[str, int] = {}
    nearest: list[tuple[float, str, str]] = []
    """(similarity, platform, post_id), the most similar first."""
    merged_into: str = ""
    """The topic that took it over."""

    def add(self, post: Spoken, place: Placed) -> None:
        """A copy counts as reach; its author and hour count, its mood and counties are the original's."""
        self.first_ms = min(self.first_ms, post.at_ms)
        self.reach += 1 + max(post.reposts, 0)
        if post.author and len(self.authors) < AUTHORS and post.author not in self.authors:
            self.authors.append(post.author)
        self.last_ms = max(self.last_ms, post.at_ms)
        if place.copy_of:
            return
        self._count(post.at_ms // MINUTE_MS, 1)
        self.posts += 1
        self.moods[post.sentiment] = self.moods.get(post.sentiment, 0) + 1
        for adcode in post.adcodes:
            if adcode in self.counties or len(self.counties) < COUNTIES:
                self.counties[adcode] = self.counties.get(adcode, 0) + 1
        self._near((place.similarity, post.platform, post.post_id))

    def absorb(self, other: Portrait) -> None:
        """Take over a topic that was merged into this one."""
        self.first_ms, self.last_ms = min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms)
        self.posts += other.posts
        self.reach += other.reach
        self.authors = list(dict.fromkeys([*self.authors, *other.authors]))[:AUTHORS]
        for mine, theirs in ((self.moods, other.moods), (self.counties, other.counties)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for minute, count in other.minutes.items():
            self._count(minute, count)
        for found in other.nearest:
            self._near(found)

    def _count(self, minute: int, count: int) -> None:
        self.minutes[minute] = self.minutes.get(minute, 0) + count
        if len(self.minutes) > 240:
            newest = self.last_ms // MINUTE_MS
            self.minutes = {at: held for at, held in self.minutes.items() if newest - 120 < at <= newest}

    def _near(self, found: tuple[float, str, str]) -> None:
        # a first post explains itself: 1.0, so the earlier wins among equals
        self.nearest = sorted([*self.nearest, found], key=lambda held: -held[0])[:REPRESENTATIVES]

    def hours(self) -> tuple[int, int]:
        """Posts of the hour up to the last post, and of the hour before that."""
        newest = self.last_ms // MINUTE_MS
        last = sum(count for at, count in self.minutes.items() if newest - 60 < at <= newest)
        return last, sum(count for at, count in self.minutes.items() if newest - 120 < at <= newest - 60)

    @property
    def growth(self) -> float:
        last, before = self.hours()
        return (last + 1) / (before + 1)


def terms(clusterer: Clusterer, rows: dict[str, int], topic: str) -> list[str]:
    """Strongest terms of a live topic by class-based TF-IDF (Grootendorst 2022): its posts' share with the word times
    log(1 + 1 / the word's share in the stream). Empty when no word stands in two posts.

    ``rows``: row of each live topic (``rows_of``).
    """
    row = rows.get(topic)
    if row is None:
        return []
    first, last = clusterer.counts.indptr[row], clusterer.counts.indptr[row + 1]
    words: Any = clusterer.counts.indices[first:last].astype(np.int64)
    counts: Any = clusterer.counts.data[first:last]
    common = clusterer.background.counts[words] / max(clusterer.background.total, 1.0)
    strength = np.where(counts >= _AT_LEAST, counts * np.log1p(1 / np.maximum(common, 1e-6)), 0.0)
    found: list[str] = []
    for at in np.lexsort((words, -strength)).tolist():
        word = clusterer.spelling.get(int(words[at]))
        if strength[at] <= 0 or len(found) == TERMS:
            break
        if word and not any(word.lstrip("#") == held.lstrip("#") for held in found):
            found.append(word)
    return found


def rows_of(clusterer: Clusterer) -> dict[str, int]:
    return {topic: row for row, topic in enumerate(clusterer.ids)}
