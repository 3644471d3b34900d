"""Finds bursts and silences in a stream of sightings, in event time, with bounded memory.

A series counts *distinct calls*: a post whose caller already called in the series, or whose text is a near copy of one
seen, adds reach and no call. Minutes stay open for ``HORIZON`` minutes, then the baseline learns them; so a burst never
teaches the baseline that judges it.

A burst is raised when, in a window of 5, 15 or 60 minutes that ends at the newest post, there are at least
``LEAST_CALLS`` calls, ``RATIO`` times what is expected, and the chance of so many under the seasonal rate *and* under
the rate of the last hours is below ``CHANCE``. It is raised with the post that tips it, not when its minute is over.
Bursts that share half their posts with one that was told are the same event under another name: they are told once
less than half is known, or when they are more urgent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from udfs.bursts.baseline import PRIOR_COUNT, Baseline
from udfs.bursts.counts import at_least, at_most
from udfs.bursts.keys import CALLS, NEED, POSTS, RULE, Series, Sighting, city_of, digest
from udfs.bursts.volume import Volume

WINDOWS = (5, 15, 60)
HORIZON = 120
"""Minutes that stay open, and for which posts and callers are remembered."""
FRESH = 60
"""A post older than this by the clock is counted and never raises anything."""
LEAST_CALLS = 4
RATIO = 3.0
CHANCE = 1e-6
LEAST_FEED, MOST_FEED = 0.5, 4.0
"""Bounds of the feed's volume / its usual volume, by which expectations are multiplied."""
OVER = 1.5
"""A burst is over when the last hour had fewer than LEAST_CALLS calls, or than this times what is expected."""
LOOK_AGAIN = 5
"""Minutes from one look at whether it is over to the next."""
LEAST_BEFORE = 15.0
"""Fewest minutes that the rate of the last hours is taken over."""
MOST_SEEN = 1_000_000
MOST_POSTS = 200
"""Evidence kept and reported of one burst."""
LEARNED_OF_A_BURST = 2.0
"""While a burst is on, a minute teaches its hour of day at most this times what was expected."""
ORDINARY_NEEDS = frozenset({"other_help"})

SILENT_AFTER = 2
"""Minutes that posts may still be under way."""
SILENCE_WINDOWS = (30, 60)
BEFORE = 60
"""Minutes before a silence, against which it is abrupt."""
SILENCE_CHANCE = 1e-4
SILENT_MOST, SILENCE_SHARE = 2, 0.05
"""Near zero: at most so many posts, and so small a share of what is expected."""
EMERGENCY_CALLERS = 3
EMERGENCY_MINUTES = 180

_VERSION = 1


@dataclass(frozen=True)
class Found:
    """Something to tell. ``posts``: (platform, post id) that are new evidence; none for a silence.

    ``start`` and ``until``: event minutes of the window. ``first`` is False for further posts of a burst that was told.
    """

    kind: str
    """burst or silence"""
    series: Series
    start: int
    until: int
    observed: int
    expected: float
    chance: float
    copies: int
    posts: tuple[tuple[str, str], ...]
    priority: int
    first: bool = True


@dataclass
class _Burst:
    start: int
    posts: set[int]
    priority: int
    told: int
    """Posts reported; 0 when it is another name of an open one."""
    last: int


@dataclass
class _Active:
    """A series that had a sighting within HORIZON."""

    bins: dict[int, int] = field(default_factory=dict)
    copies: dict[int, int] = field(default_factory=dict)
    posts: deque[tuple[int, str, str, int]] = field(default_factory=lambda: deque(maxlen=MOST_POSTS))
    burst: _Burst | None = None
    silent: bool = False


class Detector:
    """``take`` posts as they come, ``tick`` about once a second. ``critical``: rules whose bursts are urgent."""

    def __init__(self, critical: Iterable[str] = ()) -> None:
        self.critical = frozenset(critical)
        self.baseline = Baseline()
        self.volume = Volume(HORIZON)
        self._active: dict[Series, _Active] = {}
        self._open: dict[Series, _Burst] = {}
        self._touched: dict[Series, list[tuple[int, str, str, int]]] = {}
        self._at: dict[int, set[Series]] = {}
        """Minute -> series that have something in it."""
        self._seen: dict[int, int] = {}
        self._by_minute: dict[int, list[int]] = {}
        self._urgent: dict[str, dict[int, int]] = {}
        """City -> caller -> minute of the last open call for help of priority 1 or 2."""
        self._first: int | None = None
        self._closed: int | None = None
        self._shares: dict[int, float] = {}
        self._windows: dict[tuple[int, int], float] = {}
        self._looked = 0

    # -- taking -------------------------------------------------------------------------------------------------
    def count(self, ids: Iterable[str], minutes: Iterable[int | None], now: int) -> None:
        """Every post of the feed, by event minute: what there is to expect follows from it. ``now``: clock minute."""
        held = [minute if minute is None else min(minute, now) for minute in minutes]
        self.volume.add(ids, held, now - HORIZON + 1, now)
        oldest = min((minute for minute in held if minute is not None and minute > now - HORIZON), default=now)
        self._first = oldest if self._first is None else min(oldest, self._first)
        self._shares.clear()

    def take(self, sighting: Sighting, now: int) -> None:
        """A post that counts in a series. Taking it again changes nothing; one older than HORIZON is left out."""
        minute = min(sighting.minute, now)
        if minute <= now - HORIZON or minute <= (self._closed or 0) or not self._new(sighting.post, minute):
            return
        copy = bool(sighting.copy) and not self._new(sighting.copy, minute)
        fresh: dict[tuple[str, str], bool] = {}
        for series in sighting.series:
            active = self._active.get(series)
            if active is None:
                active = self._active[series] = _Active()
            self._at.setdefault(minute, set()).add(series)
            if series.kind == POSTS:
                active.bins[minute] = active.bins.get(minute, 0) + 1
                continue
            name = series[:2]
            if name not in fresh:  # a caller counts once a rule or need, wherever it is
                known = sighting.caller and not self._new(digest(*name, str(sighting.caller)), minute)
                fresh[name] = not copy and not known
            if not fresh[name]:
                active.copies[minute] = active.copies.get(minute, 0) + 1
                continue
            active.bins[minute] = active.bins.get(minute, 0) + 1
            post = (minute, sighting.platform, sighting.post_id, sighting.post)
            active.posts.append(post)
            if minute > now - FRESH:
                self._touched.setdefault(series, []).append(post)
        if sighting.urgent:
            for city in {city_of(series.place) for series in sighting.series if series.kind == POSTS}:
                self._urgent.setdefault(city, {})[sighting.caller or sighting.copy or sighting.post] = minute

    def _new(self, key: int, minute: int) -> bool:
        if key in self._seen:
            return False
        if len(self._seen) >= MOST_SEEN:
            self._unsee(min(self._by_minute))
        self._seen[key] = minute
        self._by_minute.setdefault(minute, []).append(key)
        return True

    def _unsee(self, minute: int) -> None:
        for key in self._by_minute.pop(minute, ()):
            self._seen.pop(key, None)

    # -- telling ------------------------------------------------------------------------------------------------
    def tick(self, now: int) -> list[Found]:
        """What there is to tell, given everything taken; closes minutes. ``now``: clock minute, never goes back."""
        found: list[Found] = []
        self._windows.clear()
        touched = sorted(self._touched.items(), key=lambda one: (self._priority(one[0]), _width(one[0].place), one[0]))
        self._touched = {}
        for series, posts in touched:
            active = self._active.get(series)
            if active is not None:
                told = self._grown(series, active, posts) if active.burst else self._burst(series, active, posts)
                found += [told] if told else []
        if now > self._looked:
            self._looked = now
            self._close(now)
            found += self._silences(now)
        return found

    def _priority(self, series: Series) -> int:
        if series.kind == CALLS:
            return 2
        if series.kind == NEED:
            return 3 if series.name in ORDINARY_NEEDS else 2
        return 2 if series.kind == RULE and series.name in self.critical else 3

    def _burst(self, series: Series, active: _Active, new: Sequence[tuple[int, str, str, int]]) -> Found | None:
        until = max(post[0] for post in new)
        best: tuple[float, int, int, float] | None = None
        for window in WINDOWS:
            observed = _sum(active.bins, until - window + 1, until)
            if observed < LEAST_CALLS or until - (self._first or until) < 2 * window - 1:
                continue
            expected, chance = self._chance(series, active, until, window, observed)
            if observed >= RATIO * expected and chance < CHANCE and (best is None or chance < best[0]):
                best = (chance, window, observed, expected)
        if best is None:
            return None
        chance, window, observed, expected = best
        evidence = [post for post in active.posts if until - window < post[0] <= until]
        start = min(post[0] for post in evidence)
        hashes = {post[3] for post in evidence}
        priority = self._priority(series)
        known = self._told(hashes, priority, series)
        active.burst = self._open[series] = _Burst(start, hashes, priority, 0 if known else len(hashes), until)
        if known:
            return None
        copies = _sum(active.copies, until - window + 1, until)
        posts = tuple(post[1:3] for post in evidence)
        return Found("burst", series, start, until, observed, expected, chance, copies, posts, priority)

    def _told(self, posts: set[int], priority: int, asking: Series) -> bool:
        """True when the event was told with this urgency: open bursts of this very place hold a quarter of ``posts``
        (one of them told), or told ones here and within it hold half. A city's burst does not stand for its county's:
        where it is matters most."""
        here: set[int] = set()
        within: set[int] = set()
        told_here = False
        for series, burst in self._open.items():
            if series == asking or burst.priority > priority or not _within(series.place, asking.place):
                continue
            if series.place == asking.place:
                here |= posts & burst.posts
                told_here = told_here or bool(burst.told)
            if burst.told:
                within |= posts & burst.posts
        return (told_here and 4 * len(here) >= len(posts)) or 2 * len(within) >= len(posts)

    def _grown(self, series: Series, active: _Active, new: Sequence[tuple[int, str, str, int]]) -> Found | None:
        """Further posts of a burst that is on."""
        burst = active.burst
        assert burst is not None  # noqa: S101 - for mypy
        burst.last = max(burst.last, *(post[0] for post in new))
        room = MOST_POSTS - len(burst.posts)
        more = [post for post in new if post[3] not in burst.posts][: max(0, room)]
        burst.posts.update(post[3] for post in more)
        first = not burst.told
        if not more or (first and self._told(burst.posts, burst.priority, series)):
            return None
        burst.told = len(burst.posts)
        if first:
            more = [post for post in active.posts if post[3] in burst.posts]
        window = burst.last - burst.start + 1
        observed, expected = _sum(active.bins, burst.start, burst.last), self._expected(series, burst.last, window)
        copies, posts = _sum(active.copies, burst.start, burst.last), tuple(post[1:3] for post in more)
        priority = burst.priority
        return Found("burst", series, burst.start, burst.last, observed, expected, 0.0, copies, posts, priority, first)

    # -- what is expected ---------------------------------------------------------------------------------------
    def _chance(self, series: Series, active: _Active, until: int, window: int, observed: int) -> tuple[float, float]:
        """(calls expected, chance of ``observed`` or more) under the more indulgent of two baselines."""
        exposure = window * self._share(until, window)
        rate, weight = self.baseline.rate(series, until)
        phi = self.baseline.phi(series)
        expected, chance = rate * exposure, 0.0
        if observed >= RATIO * expected:
            chance = at_least(observed, expected, 1 / (1 / weight + phi))
        if chance < CHANCE:
            calls, minutes = self._before(series, active, until, window)
            recent = calls / minutes * exposure
            if calls:
                chance = max(chance, at_least(observed, recent, 1 / (1 / calls + phi)))
                expected = max(expected, recent)
        return expected, chance

    def _expected(self, series: Series, until: int, window: int) -> float:
        return self.baseline.rate(series, until)[0] * window * self._share(until, window)

    def _before(self, series: Series, active: _Active, until: int, window: int) -> tuple[float, float]:
        """(calls, minutes of exposure) of the last hours up to the window."""
        calls, minutes = self.baseline.recent(series)
        oldest = max(until - HORIZON + 1, self._first or until)
        minutes += sum(self._feed_share(minute) for minute in range(oldest, until - window + 1))
        return calls + _sum(active.bins, oldest, until - window), max(LEAST_BEFORE, minutes)

    def _share(self, until: int, window: int) -> float:
        """Volume of the feed / its usual volume, over the last minutes that are whole, within bounds."""
        known = self._windows.get((until, window))
        if known is None:
            minutes = range(max(until - max(window, 10), (self._first or until)), until)
            usual = sum(map(self.baseline.feed, minutes))
            known = sum(map(self.volume.posts, minutes)) / usual if usual > 0 else 1.0
            known = self._windows[until, window] = min(MOST_FEED, max(LEAST_FEED, known))
        return known

    def _feed_share(self, minute: int) -> float:
        share = self._shares.get(minute)
        if share is None:
            share = self._shares[minute] = self.baseline.feed_share(self.volume.posts(minute), minute)
        return share

    # -- silence ------------------------------------------------------------------------------------------------
    def _silences(self, now: int) -> list[Found]:
        until = now - SILENT_AFTER
        counties: dict[str, set[Series]] = {}
        if self._urgent:
            for series in (*self._active, *self.baseline.rows):
                if series.kind == POSTS:
                    counties.setdefault(city_of(series.place), set()).add(series)
        found = []
        for city, callers in list(self._urgent.items()):
            for caller in [caller for caller, minute in callers.items() if minute <= now - EMERGENCY_MINUTES]:
                del callers[caller]
            if not callers:
                del self._urgent[city]
            if len(callers) < EMERGENCY_CALLERS:
                continue
            for series in sorted(counties.get(city, ())):
                active = self._active.get(series) or _Active()
                silence = self._silence(series, active, until)
                if silence and not active.silent:
                    found.append(silence)
                active.silent = bool(silence) or (active.silent and not _sum(active.bins, until - 15, until))
                if active.silent:
                    self._active[series] = active
        return found

    def _silence(self, series: Series, active: _Active, until: int) -> Found | None:
        for window in SILENCE_WINDOWS:
            start = until - window + 1
            if self._share(until + 1, window) <= LEAST_FEED or not any(
                map(self.volume.posts, range(until - 4, until + 1))
            ):
                continue  # the feed itself is silent, or nearly: that says nothing of a county
            observed, phi = _sum(active.bins, start, until), self.baseline.phi(series)
            rate, weight = self.baseline.rate(series, until)
            blocks = [_sum(active.bins, at, at + 9) for at in range(start - BEFORE, start, 10)]
            before = sum(blocks) if blocks.count(0) <= 1 else 0  # what came and went was no steady rate
            for expected, size in ((rate * window, weight), (before * window / BEFORE, before + PRIOR_COUNT)):
                chance = at_most(observed, expected, 1 / (1 / size + phi))
                if observed <= SILENCE_SHARE * expected and chance < SILENCE_CHANCE:
                    last = max((minute for minute in active.bins if minute <= until), default=start - 1)
                    return Found("silence", series, min(last + 1, start), until, observed, expected, chance, 0, (), 2)
        return None

    def _alive(self, until: int) -> bool:
        return any(map(self.volume.posts, range(until - 4, until + 1)))

    # -- forgetting ---------------------------------------------------------------------------------------------
    def _close(self, now: int) -> None:
        """Minutes that leave the horizon go into the baseline, what belongs to them is forgotten. Cost: of what leaves,
        not of what is held."""
        newest = now - HORIZON
        for minute in sorted(m for m in {*self._at, *self.volume.minutes_held()} if m <= newest):
            members = self._at.pop(minute, set())
            self.baseline.learn(minute, self.volume.posts(minute), self._counts(minute, members))
            for series in members:
                active = self._active[series]
                active.bins.pop(minute, None)
                active.copies.pop(minute, None)
                while active.posts and active.posts[0][0] <= minute:
                    active.posts.popleft()
                self._drop_if_idle(series)
        self._closed = newest
        for minute in [minute for minute in self._by_minute if minute <= newest]:
            self._unsee(minute)
        self.volume.forget(newest + 1)
        self._shares.clear()
        if now % LOOK_AGAIN == 0:
            for series in [series for series in self._open if self._is_over(series, self._active[series], now)]:
                self._active[series].burst = None
                del self._open[series]
                self._drop_if_idle(series)

    def _drop_if_idle(self, series: Series) -> None:
        active = self._active[series]
        if not (active.bins or active.copies or active.burst or active.silent):
            del self._active[series]

    def _is_over(self, series: Series, active: _Active, now: int) -> bool:
        longest = WINDOWS[-1]
        calls, minutes = self._before(series, active, now, longest)
        expected = max(self._expected(series, now, longest), calls / minutes * longest)
        return _sum(active.bins, now - longest + 1, now) < max(LEAST_CALLS, OVER * expected)

    def _counts(self, minute: int, members: Iterable[Series]) -> dict[Series, tuple[float, float]]:
        """What the baseline learns of a minute: (calls, calls of an ordinary day)."""
        counts: dict[Series, tuple[float, float]] = {}
        for series in members:
            active = self._active[series]
            count = ordinary = float(active.bins.get(minute, 0))
            if count and active.burst and active.burst.start <= minute:
                ordinary = min(count, LEARNED_OF_A_BURST * self.baseline.rate(series, minute)[0])
            if count:
                counts[series] = count, ordinary
        return counts

    # -- snapshot -----------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """Plain values (numbers, strings, bytes, lists, dicts) for a snapshot."""
        return {
            "version": _VERSION,
            "baseline": self.baseline.state(),
            "volume": self.volume.state(),
            "active": [
                [
                    list(series),
                    list(active.bins.items()),
                    list(active.copies.items()),
                    [list(post) for post in active.posts],
                    _packed(active.burst),
                    active.silent,
                ]
                for series, active in self._active.items()
            ],
            "touched": [[list(series), [list(post) for post in posts]] for series, posts in self._touched.items()],
            "seen": list(self._by_minute.items()),
            "urgent": [[city, list(callers.items())] for city, callers in self._urgent.items()],
            "clock": [self._first, self._closed, self._looked],
        }

    def restore(self, state: Mapping[str, Any]) -> bool:
        """Take over what ``state`` gave. False, and nothing taken over, when it is of another version."""
        if state.get("version") != _VERSION:
            return False
        self.baseline.restore(state["baseline"])
        self.volume.restore(state["volume"])
        for series, bins, copies, posts, burst, silent in state["active"]:
            active = _Active(dict(map(tuple, bins)), dict(map(tuple, copies)), silent=silent)
            active.posts.extend((post[0], post[1], post[2], post[3]) for post in posts)
            if burst:
                active.burst = self._open[Series(*series)] = _Burst(burst[0], set(burst[1]), *burst[2:])
            self._active[Series(*series)] = active
            for minute in {*active.bins, *active.copies}:
                self._at.setdefault(minute, set()).add(Series(*series))
        self._touched = {Series(*one): [(p[0], p[1], p[2], p[3]) for p in posts] for one, posts in state["touched"]}
        self._by_minute = {minute: list(keys) for minute, keys in state["seen"]}
        self._seen = {key: minute for minute, keys in self._by_minute.items() for key in keys}
        self._urgent = {city: dict(map(tuple, callers)) for city, callers in state["urgent"]}
        self._first, self._closed, self._looked = state["clock"]
        return True


def _width(place: str) -> int:
    """0 county, 1 city, 2 the feed: of two bursts the narrower is told first."""
    return 2 if not place else int(place.endswith("00"))


def _within(inner: str, outer: str) -> bool:
    return not outer or inner == outer or (bool(inner) and city_of(inner) == outer)


def _packed(burst: _Burst | None) -> list[Any] | None:
    return [burst.start, list(burst.posts), burst.priority, burst.told, burst.last] if burst else None


def _sum(bins: Mapping[int, int], first: int, last: int) -> int:
    return sum(count for minute, count in bins.items() if first <= minute <= last)
