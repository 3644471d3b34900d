"""Bursts and silences on made-up feeds, minute by minute; the clock is the loop's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count

import msgspec
import pytest

from udfs.bursts import detector as detecting
from udfs.bursts.detector import HORIZON, Detector, Found
from udfs.bursts.keys import CALLS, NEED, POSTS, RULE, Series, Sighting, city_of

COUNTY, NEIGHBOUR, ELSEWHERE = "410103", "410105", "500103"
NOON = 26_300_000 // 1_440 * 1_440 + 4 * 60  # 04:00 UTC is noon in China
DAY, HALF = 1_440, 720
_ids = count(10)


def call(minute: int, place: str = COUNTY, **changes: object) -> Sighting:
    """A call for rescue with its own caller and wording."""
    n = next(_ids)
    areas = ("", city_of(place), place)
    series = (*(Series(kind, name, area) for kind, name in ((CALLS, ""), (NEED, "rescue")) for area in areas),)
    series += (Series(POSTS, "", place),)
    return Sighting("weibo", f"p{n}", minute, series, 3 * n, 3 * n + 1, 3 * n + 2, True)._replace(**changes)  # type: ignore[arg-type]


def report(minute: int, place: str = COUNTY) -> Sighting:
    """A post that fires a rule that is not critical."""
    n = next(_ids)
    series = (Series(RULE, "rain", ""), Series(POSTS, "", place))
    return Sighting("weibo", f"p{n}", minute, series, 3 * n, 3 * n + 1, 3 * n + 2, False)


def other(minute: int, place: str = COUNTY) -> Sighting:
    n = next(_ids)
    return Sighting("weibo", f"p{n}", minute, (Series(POSTS, "", place),), 3 * n, 0, 0, False)


class Feed:
    """Plays minutes: ``size`` posts in all, and the sightings that ``posts(minute)`` gives."""

    def __init__(self, posts: Callable[[int], list[Sighting]] = lambda minute: [], size: int = 8) -> None:
        self.posts, self.size = posts, size
        self.detector = Detector(critical={"flood-help"})
        self.minute = NOON
        self._ids = count()

    def play(self, minutes: int, extra: Callable[[int], list[Sighting]] = lambda minute: []) -> list[Found]:
        found: list[Found] = []
        for _ in range(minutes):
            minute = self.minute
            ids = [f"b{next(self._ids)}" for _ in range(self.size)]
            self.detector.count(ids, [minute] * self.size, minute)
            for sighting in [*(self.posts(minute) if self.size else []), *extra(minute)]:
                self.detector.take(sighting, minute)
            found += self.detector.tick(minute)
            self.minute += 1
        return found


@cache
def _after(minutes: int, posts: Callable[[int], list[Sighting]] | None) -> bytes:
    feed = Feed(posts or (lambda minute: []))
    assert [one for one in feed.play(minutes) if one.kind == "burst"] == []
    return msgspec.msgpack.encode(feed.detector.state())


def fed(minutes: int, posts: Callable[[int], list[Sighting]] | None = None) -> Feed:
    """A feed that has had ``posts`` for so many minutes; played once for all tests."""
    feed = Feed(posts or (lambda minute: []))
    assert feed.detector.restore(msgspec.msgpack.decode(_after(minutes, posts), strict=False))
    feed.minute += minutes
    return feed


def first(found: list[Found]) -> list[tuple[str, str, str, str]]:
    return [(one.kind, *one.series) for one in found if one.first]


def every(minutes: int, make: Callable[[int], Sighting]) -> Callable[[int], list[Sighting]]:
    return lambda minute: [make(minute)] if minute % minutes == 0 else []


def several(number: int, make: Callable[[int], Sighting]) -> Callable[[int], list[Sighting]]:
    return lambda minute: [make(minute) for _ in range(number)]


STEADY = every(4, call)


def test_the_fourth_call_of_an_unknown_county_is_a_burst_in_the_minute_it_comes() -> None:
    feed = fed(HALF)
    begin = feed.minute
    found = feed.play(30, every(2, call))
    assert first(found) == [("burst", CALLS, "", COUNTY)]
    assert found[0].until - begin <= 8
    assert (found[0].observed, found[0].priority) == (4, 2)
    assert len(found[0].posts) == found[0].observed
    assert sum(len(one.posts) for one in found) == 15  # later posts are told as such


def test_a_new_feed_is_judged_with_less_confidence() -> None:
    feed = Feed()
    assert first(feed.play(8, every(2, call))) == []  # too young for any window
    assert first(feed.play(40, every(2, call))) == []  # so it is what this feed has


# what happens to a feed that has had a call every four minutes for a day: nothing of it is a burst
@pytest.mark.parametrize(
    ("size", "posts"),
    [
        pytest.param(8, every(4, call), id="goes on"),
        pytest.param(0, every(4, call), id="stops"),
        pytest.param(16, every(2, call), id="doubles"),
        pytest.param(8, lambda minute: [], id="has none"),
    ],
)
def test_no_burst(size: int, posts: Callable[[int], list[Sighting]]) -> None:
    feed = fed(DAY, STEADY)
    feed.size, feed.posts = size, posts
    assert [one for one in feed.play(3 * 60) if one.kind == "burst"] == []
    feed.size, feed.posts = 8, STEADY
    assert [one for one in feed.play(90) if one.kind == "burst"] == []


def test_a_feed_that_stopped_taught_no_zeros() -> None:
    feed = fed(DAY, STEADY)
    series = Series(CALLS, "", COUNTY)
    before = feed.detector.baseline.rate(series, feed.minute)[0]
    feed.size = 0
    feed.play(6 * 60)
    assert feed.detector.baseline.rate(series, feed.minute - 360)[0] == pytest.approx(before, rel=0.15)


def test_three_times_the_calls_of_a_steady_county_are_a_burst() -> None:
    feed = fed(DAY, STEADY)
    assert first(feed.play(60, several(2, call)))[0] == ("burst", CALLS, "", COUNTY)


def test_old_posts_never_fire() -> None:
    feed = fed(HALF)
    assert feed.play(30, lambda minute: [call(minute - 61)]) == []
    assert feed.play(30, lambda minute: [call(minute - HORIZON - 5), call(minute - 9 * DAY)]) == []


def test_a_post_counts_once_however_often_it_comes() -> None:
    feed = fed(HALF)
    same = [call(feed.minute, caller=0, copy=0) for _ in range(3)]  # known by its id alone
    assert feed.play(60, lambda minute: [post._replace(minute=minute) for post in same]) == []


@pytest.mark.parametrize("same", ["copy", "caller"])
def test_copies_and_repeated_callers_are_reach_not_calls(same: str) -> None:
    feed = fed(HALF)
    assert feed.play(60, lambda minute: [call(minute, **{same: 7})]) == []
    found = feed.play(20, every(2, call))
    assert first(found) == [("burst", CALLS, "", COUNTY)]
    assert found[0].copies > 0


def test_a_copy_counts_nowhere_even_where_its_first_did_not() -> None:
    feed = fed(HALF)
    feed.play(1, lambda minute: [call(minute, ELSEWHERE, copy=7)])
    assert feed.play(30, lambda minute: [call(minute, copy=7)]) == []


def test_it_learns_the_hour_of_day() -> None:
    noon = Feed(lambda minute: several(2, report)(minute) if (minute // 60 + 8) % 24 == 12 else [])
    noon.play(2 * DAY)
    assert [one for one in noon.play(60) if one.kind == "burst"] == []  # the third noon
    noon.play(11 * 60)
    at_midnight = noon.play(30, several(2, report))
    assert first(at_midnight) == [("burst", RULE, "rain", "")]
    assert at_midnight[0].priority == 3


def test_one_event_is_told_once_and_at_its_narrowest_place() -> None:
    feed = fed(HALF)
    found = feed.play(40, lambda minute: [call(minute)])
    assert first(found) == [("burst", CALLS, "", COUNTY)]
    wide = feed.play(40, lambda minute: [call(minute), *(call(minute, place) for place in ("410104", "410106"))])
    assert ("burst", CALLS, "", "410104") in first(wide)
    assert ("burst", CALLS, "", COUNTY) not in first(wide)


def test_a_burst_that_is_over_can_come_again() -> None:
    feed = fed(HALF)
    assert len(first(feed.play(30, every(2, call)))) == 1
    assert feed.play(3 * 60) == []
    assert len(first(feed.play(60, lambda minute: [call(minute)]))) == 1


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 9])
def test_a_snapshot_anywhere_changes_nothing(cut: int) -> None:
    def told(restart: bool) -> list[tuple[object, ...]]:
        feed = fed(HALF)
        found = feed.play(cut, every(1, call))
        if restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(feed.detector.state()), strict=False)
            feed.detector = Detector(critical={"flood-help"})
            assert feed.detector.restore(state)
        found += feed.play(20 - cut, every(1, call))
        return [(one.kind, one.series, one.observed, len(one.posts), one.first) for one in found]

    assert told(restart=True) == told(restart=False) != []


def test_another_version_begins_anew() -> None:
    detector = Detector()
    assert not detector.restore({"version": 0})


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("udfs.bursts.baseline.MOST_SERIES", 300)
    monkeypatch.setattr(detecting, "MOST_SEEN", 2_000)
    names = (Series(RULE, f"r{n}", "") for n in count())

    def new(names: Iterator[Series], minute: int) -> Sighting:
        return call(minute, series=(next(names),))

    feed = Feed(several(5, lambda minute: new(names, minute)))
    feed.play(4 * 60)
    assert len(feed.detector.baseline.rows) <= 300
    assert len(feed.detector._seen) <= 2_000
    assert len(feed.detector._active) <= 5 * HORIZON
    size = len(msgspec.msgpack.encode(feed.detector.state()))
    feed.play(60)
    assert len(msgspec.msgpack.encode(feed.detector.state())) < 1.1 * size


def emergency(minute: int) -> list[Sighting]:
    return [call(minute, NEIGHBOUR)] if minute % 10 == 0 else []


TALK = several(1, other)
SILENCE = ("silence", POSTS, "", COUNTY)


# what a county that has a post a minute does after a day, and whether its silence is told
@pytest.mark.parametrize(
    ("size", "extra", "told"),
    [
        pytest.param(8, emergency, True, id="silent in an emergency of the city"),
        pytest.param(8, lambda minute: [], False, id="silent on a quiet day"),
        pytest.param(0, emergency, False, id="the whole feed is silent"),
        pytest.param(8, lambda minute: [*emergency(minute), other(minute)], False, id="goes on"),
        pytest.param(8, lambda minute: [call(minute, ELSEWHERE)] if minute % 10 == 0 else [], False, id="elsewhere"),
    ],
)
def test_silence(size: int, extra: Callable[[int], list[Sighting]], told: bool) -> None:
    feed = fed(HALF, TALK)
    feed.size, feed.posts = size, lambda minute: []
    found = feed.play(100, extra)
    assert [one for one in first(found) if one[0] == "silence"] == ([SILENCE] if told else [])


def test_a_county_that_speaks_again_may_fall_silent_again() -> None:
    feed = fed(HALF, TALK)
    for _ in range(2):
        feed.posts = lambda minute: []
        assert SILENCE in first(feed.play(80, emergency))
        feed.posts = several(1, other)
        assert SILENCE not in first(feed.play(100, emergency))
