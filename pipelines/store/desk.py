"""What people do about episodes: states, owners, merges, splits, calls back. Each act is a row of ``episode_events``.

    unverified -> verified -> dispatched -> arrived -> closed      verify, dispatch, arrive, close
    any state but closed -> closed                                 close: many are helped before a unit arrives
    closed -> verified                                             reopen

What the software found stays as it is (``episode_facts``); the view ``episodes`` joins both, and the follower of
episodes acts on merges and splits.

Two people at once. An act is checked against the state and written under one lock, a file of the home through which
everybody at a site works: of two officers who dispatch the same episode one gets it, and the other is told who was
first. ``Act.seen`` covers the time between reading and acting. Homes that share a store but no disk have no lock
between them: whoever finds another's act beside their own is told that both stand.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated, with_retries
from pipelines.store.desk_reading import OPEN, DeskReader, Event, Post, short
from schemas.errors import UsageError, YuqingError

TRANSITIONS: Mapping[str, tuple[frozenset[str], str]] = {
    "verify": (frozenset({"unverified"}), "verified"),
    "dispatch": (frozenset({"verified"}), "dispatched"),
    "arrive": (frozenset({"dispatched"}), "arrived"),
    "close": (frozenset(OPEN), "closed"),
    "reopen": (frozenset({"closed"}), "verified"),
}
"""Action -> the states in which it is allowed, and the state after it."""

TAKE_OVER = frozenset({"dispatched", "arrived"})
"""States in which another unit may be sent all the same, when somebody says ``again``."""

GIVE_UP_AFTER_S = 20.0

_COLUMNS = (
    "event_id", "episode_id", "at", "actor", "action", "state", "unit", "deadline", "note", "other_id", "posts",
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """What somebody does. Only what the action knows is set: ``unit`` of a dispatch, ``other`` of a merge, ..."""

    action: str
    episode_id: str
    actor: str
    unit: str = ""
    deadline: int | None = None
    note: str = ""
    other: str = ""
    posts: tuple[Post, ...] = ()
    again: bool = False
    """Said with open eyes: another unit although one was sent, another call although somebody has phoned."""
    seen: str | None = None
    """Id of the last event that the person knew of, or its beginning ("" for none); None: whatever is there."""


class Conflict(YuqingError):
    """Another home wrote about the same episode at the same moment; both acts stand and the message says which."""


class Desk(DeskReader):
    """Writes events through ``client`` (user yuqing). ``lock``: a file of the home, made when missing."""

    def __init__(self, client: Client, lock: Path, clock: Callable[[], int]) -> None:
        super().__init__(client)
        self._lock = lock
        self._clock = clock

    def act(self, act: Act, record: Callable[[Event], None]) -> Event:
        """Check ``act``, hand it to ``record`` (the ledger: what cannot be written down does not happen), write it.

        Raises UsageError that names the state and what is allowed in it, or who was first; Conflict. Guarantee:
        whatever happens to the connection, the act counts once: its id is made of the event before it.
        """
        with self._locked():
            row = self.episode(act.episode_id)
            history = self.events([act.episode_id])
            last = history[-1] if history else None
            _check_seen(act, last)
            state = self._check(act, row, history)
            # clocks of two officers differ: an event is never older than the one that it followed
            at = max(self._clock(), last.at + 1 if last else 0)
            event_id = _event_id(act, last.event_id if last else "")
            event = Event(
                event_id, act.episode_id, at, act.actor, act.action, state, act.unit, act.deadline, act.note, act.other,
                act.posts,
            )  # fmt: skip
            record(event)
            self._write([event])
            known = {event_id, *(earlier.event_id for earlier in history)}
            beside = [other for other in self.events([act.episode_id]) if other.state and other.event_id not in known]
            if state and beside:
                raise Conflict(
                    f"episode {short(act.episode_id)}: your {act.action} stands, and so does what another home wrote "
                    f"at the same moment ({told(beside[-1])}); look at it again"
                )
            return event

    def hand_over(self, ids: Sequence[str], actor: str, note: str, record: Callable[[int], None]) -> int:
        """Write the words of a shift beside each of these episodes, after ``record`` took their count; returns it."""
        with self._locked():
            at = self._clock()
            acts = [Act("handover", episode_id, actor, note=note) for episode_id in ids]
            record(len(acts))
            self._write(
                [Event(_event_id(act, str(at)), act.episode_id, at, actor, "handover", note=note) for act in acts]
            )
        return len(acts)

    def _check(self, act: Act, row: Mapping[str, Any], history: Sequence[Event]) -> str:
        """The state after ``act`` ("" when it changes none). Raises UsageError when it is not allowed."""
        name = short(act.episode_id)
        if row["merged_into"] and act.action != "note":
            raise UsageError(f"episode {name} was merged into {short(row['merged_into'])}: act on that one")
        if act.action in TRANSITIONS:
            return state_after(act, row["state"], history)
        if act.action == "reject" and not row["proposed"]:
            raise UsageError(f"episode {name}: no post proposes that it is over")
        if act.action == "merge":
            self._check_merge(act, name)
        if act.action == "split":
            self._check_split(act, name)
        if act.action == "called" and not act.again and (calls := self.calls_back(act.episode_id)):
            raise UsageError(
                f"episode {name}: somebody has phoned already ({told(calls[-1])}); --again records another call"
            )
        return ""

    def _check_merge(self, act: Act, name: str) -> None:
        if act.other == act.episode_id:
            raise UsageError(f"episode {name} cannot be merged into itself")
        target = self.episode(act.other)
        if target["merged_into"]:
            further = short(target["merged_into"])
            raise UsageError(f"episode {short(act.other)} was itself merged into {further}: merge into that one")
        if target["state"] == "closed":
            raise UsageError(f"episode {short(act.other)} is closed: reopen it first")

    def _check_split(self, act: Act, name: str) -> None:
        there = self.posts_of(act.episode_id)
        strangers = [str(post) for post in act.posts if post not in there]
        if strangers or not act.posts:
            raise UsageError(f"--posts: not of episode {name}: {', '.join(strangers[:5]) or 'none was named'}")
        if there <= set(act.posts):
            raise UsageError(f"--posts: these are all posts of episode {name}; at least one stays")

    def _write(self, events: Sequence[Event]) -> None:
        rows = [
            [
                event.event_id, event.episode_id, _moment(event.at), event.actor, event.action, event.state, event.unit,
                None if event.deadline is None else _moment(event.deadline), event.note, event.other_id,
                [(post.platform, post.post_id) for post in event.posts],
            ]
            for event in events
        ]  # fmt: skip

        def insert() -> None:
            with translated("episode_events", detail=False):
                self._client.insert("episode_events", rows, column_names=_COLUMNS)

        if rows:
            # a row that comes twice counts once: its id is the same
            with_retries(insert, GIVE_UP_AFTER_S)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def possible(state: str) -> list[str]:
    """The actions that change ``state``."""
    return [action for action, (allowed, _) in TRANSITIONS.items() if state in allowed]


def told(event: Event | None) -> str:
    """Who did what and when, in words for an error."""
    if event is None:
        return "nobody has done anything about it"
    unit = f" {event.unit}" if event.unit else ""
    return f"{event.action}{unit} by {event.actor} at {_moment(event.at).strftime('%Y-%m-%d %H:%M:%S UTC')}"


def _check_seen(act: Act, last: Event | None) -> None:
    if act.seen is None:
        return
    there = last.event_id if last else ""
    if there.startswith(act.seen) if act.seen else not there:
        return
    raise UsageError(f"episode {short(act.episode_id)} has changed since you looked: {told(last)}")


def state_after(act: Act, state: str, history: Sequence[Event] = ()) -> str:
    """The state that a transition leads to. Raises UsageError that says what is allowed, and who made it what it is."""
    allowed, after = TRANSITIONS[act.action]
    may_take_over = act.action == "dispatch" and state in TAKE_OVER
    if state in allowed or (may_take_over and act.again):
        return after
    changed = [event for event in history if event.state]
    since = f" ({told(changed[-1])})" if changed else ""
    again = "; --again sends another unit all the same" if may_take_over else ""
    raise UsageError(
        f"episode {short(act.episode_id)} is {state}{since}: {act.action} is not allowed there, "
        f"only {', '.join(possible(state))}{again}"
    )


def _event_id(act: Act, before: str) -> str:
    parts = (act.episode_id, before, act.action, act.actor, act.unit, str(act.deadline), act.note, act.other)
    named = "\x1f".join((*parts, *map(str, act.posts)))
    return hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()[:32]


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
