"""The follower `topics`: puts stored posts into topics as they come, and keeps a portrait of each.

    yuqing submit topics

What it gave out stays: a post that comes again (a replay, an edit, posts since the last snapshot after a crash) keeps
the topic that the store has for it. Which of those the snapshot does not hold yet is told by the version of the row in
``post_topics``, the number of posts taken until then; they are learned with their old place.

It reads ``text_l2``: shared places and people are masked there, so none becomes part of a topic's name. The portrait
of a topic is written once it has two posts, at most every two seconds.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.jobs import traced
from pipelines.jobs.following import Following, follow, only_one
from pipelines.jobs.run import new_run
from pipelines.jobs.site import Site
from pipelines.jobs.topic_filter import LAWFUL_BASIS, PURPOSE
from pipelines.store import topics as store
from pipelines.store.shed import HoldBack
from pipelines.store.sinks import now_ms as wall_clock
from schemas.settings import OverloadSection, Settings
from udfs.topics import snapshot
from udfs.topics.clusterer import Clusterer, Placed, Post
from udfs.topics.portrait import Portrait, Spoken, rows_of, terms

NAME = "topics"
WRITE_MS = 2_000
_SEPARATOR = "\x1f"
_MOST_PORTRAITS = 20_000
_Rows = dict[tuple[str, str], tuple[Post, Spoken]]
"""By (platform, post_id)."""


class _State(msgspec.Struct):
    clusterer: bytes
    portraits: list[Portrait]
    changed: list[str]
    taken: int


class Topics:
    """See the module text. Not for more than one process: topics are one memory."""

    name = NAME
    reads = ("text_l2", "created_at", "author_token", "sentiment", "reposts", "adcodes")

    def __init__(self) -> None:
        self._clusterer = Clusterer()
        self._portraits: dict[str, Portrait] = {}
        self._changed: dict[str, None] = {}
        self._taken = 0
        self._written_at = 0
        self._client: Client | None = None

    def open(self, client: Client, state: bytes | None) -> None:
        """Raises ValueError for a state that ``state`` did not give."""
        self.__init__()  # type: ignore[misc]
        self._client = client
        if state is not None:
            try:
                held = msgspec.msgpack.decode(state, type=_State)
            except msgspec.DecodeError as error:
                raise ValueError(f"not a snapshot of topics ({type(error).__name__})") from None
            snapshot.load(self._clusterer, held.clusterer)
            self._portraits = {portrait.topic_id: portrait for portrait in held.portraits}
            self._changed = dict.fromkeys(held.changed)
            self._taken = held.taken
        for other, into in store.merges(client):
            self._clusterer.learn_merge(other, into)
            self._absorb(other)

    def take(self, posts: pa.RecordBatch) -> None:
        client = self._connected()
        rows = _rows(posts)
        known = store.known(client, list(rows))
        before = self._taken
        again = [key for key in rows if key in known and known[key].version > before]
        if again:
            self._learn(rows, {key: known[key] for key in again})
        new = [key for key in rows if key not in known]
        if not new:
            return
        placed = self._clusterer.take([rows[key][0] for key in new])
        now = wall_clock()
        members = [
            store.Member(*key, rows[key][0].at_ms, place, _post_id(place.copy_of), self._taken + 1 + at)
            for at, (key, place) in enumerate(zip(new, placed, strict=True))
        ]
        store.write_members(client, members, now)
        store.write_changes(client, self._clusterer.changes, now)
        self._taken += len(new)
        for change in self._clusterer.changes:
            self._absorb(change.other_id)
        for key, place in zip(new, placed, strict=True):
            self._add(rows[key][1], place)
        self._forget()

    def _learn(
        self, rows: dict[tuple[str, str], tuple[Post, Spoken]], known: dict[tuple[str, str], store.Known]
    ) -> None:
        places = [
            Placed(row.topic_id, f"{row.platform}{_SEPARATOR}{row.copy_of}" if row.copy_of else "", row.similarity)
            for row in known.values()
        ]
        self._clusterer.learn([rows[key][0] for key in known], places)
        for key, place in zip(known, places, strict=True):
            self._add(rows[key][1], place)
        self._taken = max(self._taken, *(row.version for row in known.values()))

    def _add(self, post: Spoken, place: Placed) -> None:
        topic = self._clusterer.standing(place.topic_id)
        portrait = self._portraits.get(topic)
        if portrait is None:
            portrait = self._portraits[topic] = Portrait(topic, post.at_ms, post.at_ms)
        portrait.add(post, place)
        self._changed[topic] = None

    def _absorb(self, other: str) -> None:
        """Of a topic that was merged: its portrait goes into the one that went on."""
        into = self._clusterer.standing(other)
        gone = self._portraits.get(other)
        if gone is None or gone.merged_into or into == other:
            return
        target = self._portraits.get(into)
        if target is None:
            target = self._portraits[into] = Portrait(into, gone.first_ms, gone.last_ms)
        target.absorb(gone)
        self._changed[into] = None
        for portrait in self._portraits.values():  # what went into `other` before is in `into` now: one step for views
            if portrait is gone or portrait.merged_into == other:
                portrait.merged_into = into
                self._changed[portrait.topic_id] = None

    def tick(self, now_ms: int) -> None:
        if now_ms - self._written_at < WRITE_MS or not self._changed:
            return
        self._written_at = now_ms
        self._write()

    def finish(self) -> None:
        """Portraits wait up to two seconds; a run that ends meanwhile writes them now."""
        if self._changed:
            self._write()

    def _write(self) -> None:
        rows = rows_of(self._clusterer)
        found = [self._portraits[topic] for topic in self._changed if topic in self._portraits]
        found = [portrait for portrait in found if portrait.reach > 1]
        store.write_topics(
            self._connected(),
            found,
            {one.topic_id: terms(self._clusterer, rows, one.topic_id) for one in found},
            self._taken,
            wall_clock(),
        )
        self._changed.clear()

    def _forget(self) -> None:
        """Portraits of topics that are no longer live go, the oldest first, once they were written."""
        if len(self._portraits) <= _MOST_PORTRAITS:
            return
        self._write()
        live = set(self._clusterer.ids)
        old = sorted((p.last_ms, topic) for topic, p in self._portraits.items() if topic not in live)
        for _, topic in old[: len(self._portraits) - _MOST_PORTRAITS // 2]:
            del self._portraits[topic]

    def state(self) -> bytes:
        return msgspec.msgpack.encode(
            _State(snapshot.dump(self._clusterer), list(self._portraits.values()), list(self._changed), self._taken)
        )

    def _connected(self) -> Client:
        if self._client is None:
            raise ValueError("topics: open() was not called")
        return self._client


class _GivesWay(Following):
    """Follows only while the stream keeps up: topics are the first thing to wait when it does not."""

    def __init__(self, home: Path, settings: OverloadSection) -> None:
        super().__init__(home, NAME, lambda: [Topics()])
        self._hold = HoldBack(NAME, settings.lag_s, settings.back_s)
        self._asks: Client | None = None

    def open(self, client: Client) -> None:
        super().open(client)
        self._asks = client

    def round(self) -> int:
        if self._asks is not None and self._hold(self._asks, wall_clock()):
            return 0
        return super().round()


def run(home: Path, settings: Settings, stop: threading.Event, actor: str, *, once: bool = False) -> int:
    """Follow until ``stop``, or with ``once`` to the end of what is stored; returns how many posts were taken.

    Start and end stand in the ledger, with what it is for and who asked. Raises UsageError when another process of this
    home does so already, and with ``once`` StoreUnavailable.
    """
    lock = only_one(home, NAME)
    try:
        # who wants what is stored now does not wait for the stream
        following = Following(home, NAME, lambda: [Topics()]) if once else _GivesWay(home, settings.overload)
        subject, purpose = f"run {new_run(NAME)}", {"purpose": PURPOSE, "lawful_basis": LAWFUL_BASIS}
        traced.note(home, actor, traced.START, subject, {"job": NAME, **purpose})
        follow(following, lambda: Site(home, settings).store, stop, once=once)
        traced.note(home, actor, traced.END, subject, {"state": "ended", "posts": following.posts})
        return following.posts
    finally:
        os.close(lock)


def _post_id(key: str) -> str:
    return key.partition(_SEPARATOR)[2]


def _rows(posts: pa.RecordBatch) -> _Rows:
    """By (platform, post_id); of a post that comes twice in one batch the first."""
    found: _Rows = {}
    row: dict[str, Any]
    for row in posts.select(["platform", "post_id", *Topics.reads]).to_pylist():
        key = (row["platform"], row["post_id"])
        post = Post(_SEPARATOR.join(key), row["text_l2"], row["created_at"])
        spoken = Spoken(*key, row["created_at"], row["author_token"], row["sentiment"], row["reposts"], row["adcodes"])
        found.setdefault(key, (post, spoken))
    return found
