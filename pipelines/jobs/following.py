"""Followers: what needs memory over posts reads them back from the store, in a process of its own.

The stream's steps know one batch; topics, episodes and bursts grow over hours. A follower takes posts in the order in
which the store got them and writes what it makes of them. Its snapshot (HOME/follow/NAME.state) is of one moment with
the position in ``posts``, so after a crash it goes on from there; what it had written since is written again, the same.

Any error throws the memory away and begins again at the last snapshot: there is one way to recover, and every start
tests it. When a follower itself fails, posts since the snapshot are given to it one by one; the one at which it fails
again is left out for this follower, said in the log by its id, and the others go on: one odd post stops no watch.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import structlog
from clickhouse_connect.driver.client import Client

from pipelines.metrics import declared
from pipelines.store.client import StoreSettings, connect
from pipelines.store.sinks import now_ms
from pipelines.store.tail import ALWAYS, ROWS_AT_ONCE, Position, PostTail
from schemas.errors import ServiceError, StoreError, StoreUnavailable, UsageError, YuqingError

POLL_S = 0.5
SAVE_S = 15.0
LONGEST_WAIT_S = 10.0
MOST_FAILURES = 20
"""Of followers, after which a run that is to end gives up; each odd post takes two."""

log = structlog.get_logger("follow")


class Follower(Protocol):
    """Takes posts, and writes to the store what it makes of them.

    At-least-once: posts since the last snapshot come again after a crash, and an edited or replayed post
    (``generation`` > 0) comes again at any time. Neither may change what was reported before.
    """

    name: str
    """Of its snapshot."""
    reads: tuple[str, ...]
    """Columns of ``posts`` besides ``pipelines.store.tail.ALWAYS``."""

    def open(self, client: Client, state: bytes | None) -> None:
        """Begin from a snapshot of this or an older version, or anew. Raises ValueError for one it cannot read."""

    def take(self, posts: pa.RecordBatch) -> None:
        """At most 2,000 posts. Returns once what follows from them was acknowledged, or is in ``state``."""

    def tick(self, now_ms: int) -> None:
        """Called about once a second, also when nothing comes."""

    def finish(self) -> None:
        """After the last tick of a bounded run: write what would wait for a later one."""

    def state(self) -> bytes:
        """A snapshot of all that was taken; of bounded size. No text of a post in it."""


class FollowerFailed(YuqingError):
    """A follower raised what no store's error is; ``open`` again."""


class _Snapshot(msgspec.Struct, frozen=True):
    position: Position
    states: dict[str, bytes]


class Following:
    """One process's followers over one tail. ``since_ms``: where it begins without a snapshot (``stored_at``)."""

    def __init__(
        self,
        home: Path,
        name: str,
        followers: Callable[[], Sequence[Follower]],
        since_ms: int = 0,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._path = home / "follow" / f"{name}.state"
        self._make, self._since_ms, self._clock = followers, since_ms, clock
        self._followers: Sequence[Follower] = ()
        self._tail: PostTail | None = None
        self._ticked_at = self._saved_at = 0
        self._one_by_one_until = 0
        self._left_out: set[tuple[str, str, str]] = set()
        self.posts = 0
        """Taken since this process began."""

    def open(self, client: Client) -> None:
        """Begin from the snapshot, or anew. Raises UsageError for a snapshot that cannot be read."""
        snapshot = self._load()
        self._followers = self._make()
        for follower in self._followers:
            try:
                follower.open(client, snapshot.states.get(follower.name))
            except (ValueError, KeyError) as error:
                raise UsageError(
                    f"{self._path}: not a snapshot of {follower.name} ({type(error).__name__}); move it away and posts "
                    "are read again"
                ) from None
        columns = dict.fromkeys(column for follower in self._followers for column in follower.reads)
        self._tail = PostTail(client, [c for c in columns if c not in ALWAYS], snapshot.position, self._clock)
        self._saved_at = self._clock()
        declared.FOLLOWER_STARTS.add()

    def round(self) -> int:
        """Take what is new once; returns how many posts.

        Raises StoreUnavailable, StoreError or FollowerFailed: ``open`` again then.
        """
        if self._tail is None:
            raise StoreUnavailable("posts: the tail is not open")
        taken = 0
        for posts in self._tail.read():
            at_once = 1 if posts.column("stored_at")[0].as_py() <= self._one_by_one_until else posts.num_rows
            for first in range(0, posts.num_rows, at_once):
                self._take(posts.slice(first, at_once))
            taken += posts.num_rows
            declared.FOLLOWER_LAG.set((self._clock() - posts.column("stored_at")[-1].as_py()) / 1000)
        self.posts += taken
        if not taken:
            declared.FOLLOWER_LAG.set(0)
        now = self._clock()
        if now - self._ticked_at >= 1_000:
            self._tick(now)
        if now - self._saved_at >= SAVE_S * 1_000:
            self.save()
        return taken

    def _tick(self, now: int) -> None:
        self._ticked_at = now
        declared.TICKS.add()
        for follower in self._followers:
            with self._blamed(follower):
                follower.tick(now)

    def finish(self) -> None:
        """The end of a bounded run: a last tick, however short ago one was, and nothing is left to write."""
        self._tick(self._clock())
        for follower in self._followers:
            with self._blamed(follower):
                follower.finish()
        self.save()

    def _take(self, posts: pa.RecordBatch) -> None:
        for follower in self._followers:
            if self._left_out and posts.num_rows == 1 and self._id(follower, posts) in self._left_out:
                continue
            try:
                with self._blamed(follower):
                    follower.take(posts)
                declared.POSTS_TAKEN.add(posts.num_rows, follower=follower.name)
            except FollowerFailed:
                self._one_by_one_until = max(self._one_by_one_until, posts.column("stored_at")[-1].as_py())
                if posts.num_rows == 1:
                    name, platform, post_id = self._id(follower, posts)
                    self._left_out.add((name, platform, post_id))
                    declared.POSTS_LEFT_OUT.add(follower=name)
                    log.error("a post is left out", follower=name, platform=platform, post_id=post_id)
                raise

    @contextmanager
    def _blamed(self, follower: Follower) -> Iterator[None]:
        try:
            yield
        except YuqingError:
            raise
        except Exception as error:
            declared.FOLLOWER_FAILURES.add(follower=follower.name)
            line = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(line.filename).name}:{line.lineno}"  # never the message: it may quote a post
            log.error("a follower failed", follower=follower.name, error=type(error).__name__, at=where)
            raise FollowerFailed(f"{follower.name} failed: {type(error).__name__} at {where}") from None

    @staticmethod
    def _id(follower: Follower, post: pa.RecordBatch) -> tuple[str, str, str]:
        return follower.name, post.column("platform")[0].as_py(), post.column("post_id")[0].as_py()

    def save(self) -> None:
        """Write the snapshot aside, then in its place, readable by its owner only."""
        if self._tail is None:
            return
        snapshot = _Snapshot(self._tail.position, {f.name: f.state() for f in self._followers})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._path.with_suffix(".tmp")
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.msgpack.encode(snapshot))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)
        self._saved_at = self._clock()
        declared.SNAPSHOT_AT.set(self._saved_at / 1000)

    def _load(self) -> _Snapshot:
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=_Snapshot)
        except FileNotFoundError:
            return _Snapshot(Position(self._since_ms), {})
        except (OSError, msgspec.DecodeError) as error:
            raise UsageError(
                f"{self._path}: not a snapshot ({type(error).__name__}); move it away and posts are read again"
            ) from None


def follow(
    following: Following,
    settings: Callable[[], StoreSettings],
    stop: threading.Event,
    *,
    once: bool = False,
    poll_s: float = POLL_S,
) -> None:
    """Follow until ``stop`` is set, or with ``once`` until nothing is new; the snapshot is saved at the end.

    While the store is away it waits, up to 10 s at a time, and begins again at the snapshot; with ``once`` the error is
    raised, and that of a follower which fails time after time.
    ``settings`` is asked at each connection: a restarted store may have moved.
    """
    wait_s, failures = poll_s, 0
    while not stop.is_set():
        try:
            with connect(settings()) as client:
                following.open(client)
                while not stop.is_set():
                    began = time.monotonic()
                    taken = following.round()
                    wait_s = poll_s
                    if once and not taken:
                        following.finish()
                        return
                    if not once and taken < ROWS_AT_ONCE:  # all there was: a round costs much the same for few posts
                        stop.wait(poll_s - (time.monotonic() - began))
                following.save()
        except FollowerFailed:
            failures += 1
            if once and failures >= MOST_FAILURES:
                raise
            stop.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)
        except (StoreUnavailable, StoreError, ServiceError) as error:
            if once:
                raise
            declared.STORE_AWAY.add()
            log.warning("store is away", reason=str(error), wait_s=wait_s)
            stop.wait(wait_s)
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)


def only_one(home: Path, name: str) -> int:
    """Lock ``name`` of this home for the life of the process; raises UsageError when another has it."""
    (home / "follow").mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home / "follow" / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UsageError(f"another process follows posts as {name!r} in {home}: stop that one first") from None
    return descriptor
