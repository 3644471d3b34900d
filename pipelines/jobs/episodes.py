"""The follower ``episodes``: folds calls and hazards over all posts and writes what became of them.

Which post belongs to which episode is written before anything else and never changes again but by hand: a post that
comes again (after a crash, edited, replayed) is looked up and counted no second time. The memory is in the snapshot;
what was written after the snapshot is read back from the store at the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from clickhouse_connect.driver.client import Client

from pipelines.metrics import declared
from pipelines.store import episodes as store
from pipelines.store.sinks import now_ms
from schemas.errors import StoreUnavailable
from udfs.episodes.closing import MAY_CLOSE
from udfs.episodes.fold import Folder, Placement, split_id
from udfs.episodes.ranking import over
from udfs.episodes.reading import COLUMNS
from udfs.episodes.rumours import MAY_DENY

_MOST_APPLIED = 10_000
log = structlog.get_logger("episodes")


class _State(msgspec.Struct):
    version: int
    """Of the last row written."""
    applied: list[str]
    """Merges and splits that were carried out."""
    folder: bytes


class Episodes:
    """See `pipelines.jobs.following.Follower`. Cost: docs/episodes.md."""

    name = "episodes"
    reads = COLUMNS

    def __init__(self, folder: Callable[[], Folder] = Folder, clock: Callable[[], int] = now_ms) -> None:
        self._new_folder, self._clock = folder, clock
        self._client: Client | None = None
        self._folder = folder()
        self._version = 0
        self._applied: dict[str, None] = {}

    @property
    def client(self) -> Client:
        if self._client is None:
            raise StoreUnavailable("episodes: open() was not called")
        return self._client

    def open(self, client: Client, state: bytes | None) -> None:
        """Begin from a snapshot or anew; either way the store says what was written since."""
        self._client = client
        self._folder = self._new_folder()
        self._version, self._applied = 0, {}
        if state is not None:
            saved = msgspec.msgpack.decode(state, type=_State)
            self._folder.load(saved.folder)
            self._version, self._applied = saved.version, dict.fromkeys(saved.applied)
        since = self._version
        self._version = max(self._version, store.latest_version(client))
        self._read_back(store.written_after(client, since))

    def take(self, posts: pa.RecordBatch) -> None:
        """Fold what is a call, a claim, a denial, a closing or an offer; returns once it stands in the store."""
        rows = self._candidates(posts)
        if not rows:
            return
        keys = list(dict.fromkeys((row["platform"], row["post_id"]) for row in rows))
        known = store.known(self.client, keys)
        placements: list[Placement] = []
        for row in rows:
            key = (row["platform"], row["post_id"])
            placement = self._folder.take(row, known.get(key, ""))
            if placement is not None:
                known[key] = placement.episode_id
                placements.append(placement)
        placements += self._folder.late()
        store.write_posts(self.client, placements, self._next_version())

    def tick(self, now_ms: int) -> None:
        """Carry out what people merged and split; then one row for each episode that changed."""
        for event in store.merges_and_splits(self.client):
            if event.event_id not in self._applied:
                self._apply(event)
                self._applied[event.event_id] = None
        while len(self._applied) > _MOST_APPLIED:
            del self._applied[next(iter(self._applied))]
        store.write_facts(self.client, self._folder.fetch(), self._next_version())
        if declared.OPEN_EPISODES.counts:
            found = Counter(one.priority for one in self._folder.episodes.values() if not over(one))
            for priority in declared.PRIORITIES:
                declared.OPEN_EPISODES.set(found[int(priority)], priority=priority)

    def finish(self) -> None:
        """Nothing waits longer than a tick."""

    def state(self) -> bytes:
        """At most about 1.5 KiB an open episode."""
        return msgspec.msgpack.encode(_State(self._version, list(self._applied), self._folder.state()))

    def _next_version(self) -> int:
        self._version = max(self._version + 1, self._clock())
        return self._version

    def _candidates(self, posts: pa.RecordBatch) -> list[dict[str, Any]]:
        """The rows that may be something to episodes; most posts of a feed are not."""
        text = posts.column("text")
        placed = pc.or_(_some(posts.column("places")), _some(posts.column("phone_tokens")))
        wanted = pc.or_(_some(posts.column("needs")), _some(posts.column("hazards")))
        closing = pc.or_(pc.equal(posts.column("state"), "closed"), pc.match_substring_regex(text, MAY_CLOSE))
        wanted = pc.or_(wanted, pc.and_(placed, closing))
        wanted = pc.or_(wanted, pc.match_substring_regex(text, MAY_DENY))
        flags = wanted.fill_null(False).to_pylist()
        reposts = posts.column("repost_of").to_pylist()
        platforms = posts.column("platform").to_pylist()
        for at, of in enumerate(reposts):
            if of and not flags[at] and self._folder.remembers((platforms[at], of)):
                flags[at] = True
        return posts.filter(pa.array(flags, pa.bool_())).to_pylist()  # type: ignore[no-any-return]  # pyarrow has no types

    def _apply(self, event: store.Event) -> None:
        if event.action == "merge":
            moved, target = store.members(self.client, event.episode_id), event.other_id
            there = target in self._folder.episodes or store.members(self.client, target)
            if not there or target == event.episode_id:
                log.warning("merge into an episode that is none", event=event.event_id, episode=event.episode_id)
                return
        else:
            wanted = set(event.posts)
            moved = [one for one in store.members(self.client, event.episode_id) if one.key in wanted]
            target = split_id(event.event_id)
        rows = [Placement(one.key, target, one.role, one.caller_token, one.at) for one in moved]
        store.write_posts(self.client, rows, self._next_version())
        self._read_back([event.episode_id, target])

    def _read_back(self, episode_ids: list[str]) -> None:
        """Make the memory of these episodes again from their posts, in the order in which those came."""
        self._folder.forget(episode_ids)
        for episode_id, row in store.posts_of(self.client, episode_ids):
            self._folder.put(row, episode_id)


def _some(lists: pa.Array) -> pa.Array:
    return pc.greater(pc.list_value_length(lists).fill_null(0), 0)
