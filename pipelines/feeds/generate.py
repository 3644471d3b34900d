"""A feed of its own: posts of ordinary days, Chinese first, with an emergency (or several) that begins in the middle.

Post i is a pure function of the source's values and i, so any split can be made anywhere, again and in any order. What
each post really is stands in `truth`, never in the post. The texts come from templates written for this project: good
for demonstration, load and faults; no classifier may be trained or judged on them, they are far easier than people are.

How fast it is: see docs/feeds.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.feeds import counters
from pipelines.feeds.cities import City
from pipelines.feeds.curve import times
from pipelines.feeds.draft import Draft
from pipelines.feeds.emergency import emergency_post, first_post
from pipelines.feeds.grammar import END, SIGNS
from pipelines.feeds.lines import MAX_LINE
from pipelines.feeds.ordinary import Ordinary
from pipelines.feeds.pace import Clock, wall_ms
from pipelines.feeds.scenario import plans
from pipelines.feeds.uri import GenerateSource, parse
from schemas.records import RAW

SOURCE = "generate"
POSTS_PER_SPLIT = 512
_BEIJING = timezone(timedelta(hours=8))
_DEVICES = ("iPhone客户端", "Android客户端", "网页版", "HarmonyOS设备")
_REGARD = 4096


def _regard(at: int) -> tuple[int, int, int]:
    """Likes, reposts and comments: half of the posts get 2 likes or fewer, one in a thousand gets 7,000."""
    likes = int(2.0 ** (13 * (at / _REGARD) ** 3)) - 1
    return likes, likes // (3 + at * 7 % 18), likes // (2 + at * 5 % 11)


_REGARDS = tuple(map(_regard, range(_REGARD)))
_BAD_WORD, _WHICH_BAD, _SHARE_WORD = 0, 1, 2
"""Words of a post's row that decide what it is; `ordinary` has the next ones."""
_SIGNS = SIGNS.sub
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class GenerateSplit:
    """Posts `first` to `first + count - 1` of a feed. Plain values."""

    uri: str
    """`GenerateSource.uri`, which has all its values."""
    first: int
    count: int


def splits(source: GenerateSource, posts_per_split: int = POSTS_PER_SPLIT, first: int = 0) -> Iterator[GenerateSplit]:
    """The splits from post `first` on, in order; without end for an unbounded feed."""
    uri = source.uri
    while source.posts is None or first < source.posts:
        count = posts_per_split if source.posts is None else min(posts_per_split, source.posts - first)
        yield GenerateSplit(uri, first, count)
        first += count


def read(split: GenerateSplit, clock: Clock = wall_ms) -> pa.RecordBatch:
    """The records of a split: a batch of RAW. `timestamp` is the post's event time, `offset` its index."""
    feed = _of_uri(split.uri)
    created = feed.times.at(split.first, split.count)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([SOURCE] * split.count, pa.string()),
            pa.array([str(feed.source.seed)] * split.count, pa.string()),
            pa.array(range(split.first, split.first + split.count), pa.int64()),
            pa.array(created),
            pa.array([clock()] * split.count, pa.int64()),
            pa.array(feed.lines(split.first, split.count), pa.binary()),
        ],
        schema=RAW,
    )


def created_at(source: GenerateSource, index: int) -> int:
    """Event time of a post in epoch milliseconds."""
    return int(times(source).at(index)[0])


def post_id(source: GenerateSource, index: int) -> str:
    return f"g{source.seed}-{index}"


def lines(source: GenerateSource, first: int, count: int) -> list[bytes]:
    """`count` posts from `first` on, each a line of JSON without line end, as the contract's "A post, in"; or a
    malformed line (`bad`)."""
    return _feed(source).lines(first, count)


def line(source: GenerateSource, index: int) -> bytes:
    """One post of `lines`."""
    feed = _feed(source)
    return feed.line(index, feed.row(index), int(feed.times.at(index)[0]))


def truth(source: GenerateSource, index: int) -> dict[str, Any]:
    """What is known of a post; keys as in the contract's scored post where there is one.

    `identifiers` and `places` have type, start, end, value with Python string offsets in the text, and `disguised`
    where they are; `first` opens its `episode`; `is_copy_of` is the id of the post that it repeats. A malformed line
    has only id, kind "bad" and the reason.
    """
    feed = _feed(source)
    return feed.truth(index, feed.row(index))


def draft_of(source: GenerateSource, index: int) -> Draft:
    """The post with all that is known of it."""
    feed = _feed(source)
    return feed.draft(index, feed.row(index))


class Feed:
    """A generated feed with its tables. Make it once: `lines` is for speed, a thousand posts a call."""

    def __init__(self, source: GenerateSource) -> None:
        self.source = source
        self.times = times(source)
        self._start = counters.base(source.seed, "post")
        self._plans = plans(source)
        self._onset = min((where.onset for where in self._plans), default=2**62)
        self._bad = round(source.bad * 2**counters.BITS)
        self._ordinary = Ordinary(source, self._start, self._is_ordinary)
        self._by_hour = source.curve == "day"
        self.row = lru_cache(maxsize=256)(self._row)

    def lines(self, first: int, count: int) -> list[bytes]:
        rows = counters.rows(self._start, first, count)
        created = self.times.at(first, count).tolist()
        return list(map(self.line, range(first, first + count), rows, created))

    def truths(self, first: int, count: int) -> list[dict[str, Any]]:
        return list(map(self.truth, range(first, first + count), counters.rows(self._start, first, count)))

    def _row(self, index: int) -> list[int]:
        return counters.rows(self._start, index, 1)[0]

    # -- what a post is ------------------------------------------------------------------------------------------------
    def draft(self, index: int, row: list[int], created: int | None = None) -> Draft:
        if index >= self._onset and (draft := self._of_incident(index, row)) is not None:
            return draft
        hour = -1
        if self._by_hour:
            hour = self.times.hour(int(self.times.at(index)[0]) if created is None else created)
        return self._ordinary.draft(index, row, hour)

    def _of_incident(self, index: int, row: list[int]) -> Draft | None:
        left = row[_SHARE_WORD] & 0xFFFFF
        chosen = None
        for where in self._plans:
            if where.onset <= index < where.end:
                number = (index - where.onset) // where.block
                first_call = where.first_call(number)
                if first_call == index:
                    return first_post(where, number)
                if 0 <= left < where.bar:
                    chosen = where, first_call, number
                left -= where.bar
        if chosen is None:
            return None
        where, first_call, number = chosen
        return emergency_post(
            where, index, first_call, number, counters.dice(self._start, index, row, _SHARE_WORD + 1)
        )  # fmt: skip

    def _is_ordinary(self, index: int) -> bool:
        """And sound."""
        if counters.word(self._start, index, _BAD_WORD) < self._bad:
            return False
        left = counters.word(self._start, index, _SHARE_WORD) & 0xFFFFF
        for where in self._plans:
            if where.onset <= index < where.end:
                if 0 <= left < where.bar or where.first_call((index - where.onset) // where.block) == index:
                    return False
                left -= where.bar
        return True

    def _fault(self, row: list[int]) -> str:
        """Which of the contract's faults the line has; "" for a sound one."""
        return _FAULTS[row[_WHICH_BAD] % len(_FAULTS)] if row[_BAD_WORD] < self._bad else ""

    # -- a line --------------------------------------------------------------------------------------------------------
    def line(self, index: int, row: list[int], created: int) -> bytes:
        _, marked, platform, author, region, _, _, _, _, copy_of, repost, _ = self.draft(index, row, created)
        name = f"g{self.source.seed}-{index}"
        text = _SIGNS("", marked) if END in marked else marked
        # another part of the word that says whether a line is bad: what a post is liked tells nothing of what it is
        likes, reposts, comments = _REGARDS[row[_BAD_WORD] % _REGARD]
        post: dict[str, Any]
        if platform == "weibo":
            post = {
                "id": name, "platform": platform, "text": text, "author": author, "created_at": created,
                "region": region, "likes": likes, "reposts": reposts, "comments": comments,
                "url": f"https://weibo.example.com/{self.source.seed}/{index}",
                "device": _DEVICES[row[_WHICH_BAD] & 3],
            }  # fmt: skip
        elif platform == "rss":
            post = {
                "id": name, "platform": platform, "text": text, "author": author,
                "created_at": _time(platform, created), "region": region,
            }  # fmt: skip
        else:
            post = {
                "id": name, "platform": platform, "text": text, "author": author,
                "created_at": _time(platform, created) if platform == "twitter" else created,
                "region": region, "likes": likes, "reposts": reposts, "comments": comments,
            }  # fmt: skip
        if not author:
            del post["author"]
        if not region:
            del post["region"]
        if repost:
            post["repost_of"] = f"g{self.source.seed}-{copy_of}"
        if self._bad and (reason := self._fault(row)):
            return _BAD[reason](post)
        return _encode(post)

    def truth(self, index: int, row: list[int]) -> dict[str, Any]:
        source = self.source
        if reason := self._fault(row):
            return {"id": post_id(source, index), "kind": "bad", "reason": reason}
        draft = self.draft(index, row)
        facts, text = draft.facts, draft.text
        spans = [_known(span._asdict()) for span in text.spans]
        place = draft.place
        return {
            "id": post_id(source, index),
            "kind": facts.kind,
            "manner": draft.platform,
            "language": facts.language,
            "sentiment": facts.sentiment,
            "emotion": facts.emotion,
            "sarcasm": facts.sarcasm,
            "needs": list(facts.needs),
            "hazards": list(facts.hazards),
            "vulnerable": list(facts.vulnerable),
            "items": list(facts.items),
            "people": draft.people,
            "adcode": place.name_in(text.text) if isinstance(place, City) else place,
            "source_kind": facts.source_kind,
            "state": facts.state,
            "priority": facts.priority,
            "identifiers": [span for span in spans if span["type"] != "PLACE"],
            "places": [span for span in spans if span["type"] == "PLACE"],
            "disguised": any("disguised" in span for span in spans),
            "episode": None if draft.episode is None else f"e{source.seed}-{draft.episode}",
            "incident": draft.incident,
            "first": draft.first,
            "is_copy_of": None if draft.copy_of is None else post_id(source, draft.copy_of),
        }


@lru_cache(maxsize=16)
def _feed(source: GenerateSource) -> Feed:
    return Feed(source)


@lru_cache(maxsize=16)
def _of_uri(uri: str) -> Feed:
    source = parse(uri)
    assert isinstance(source, GenerateSource)  # noqa: S101  (GenerateSplit holds no other)
    return _feed(source)


def _known(span: dict[str, Any]) -> dict[str, Any]:
    if not span["disguised"]:
        del span["disguised"]
    return span


def _time(platform: str, created: int) -> int | str:
    """Platforms write times in their own ways; the contract takes them all."""
    if platform == "rss":
        return datetime.fromtimestamp(created // 1000, _BEIJING).isoformat(timespec="seconds")
    if platform == "twitter":
        return datetime.fromtimestamp(created / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    return created


# -- malformed lines ---------------------------------------------------------------------------------------------------
def _without(post: dict[str, Any], key: str) -> bytes:
    return _encode({name: value for name, value in post.items() if name != key})


_BAD: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "not JSON": lambda post: _encode(post)[:-1],
    "not an object": lambda post: _encode([post["id"], post["text"]]),
    "wrong type": lambda post: _encode(post | {"text": 5}),
    "missing id": lambda post: _without(post, "id"),
    "empty id": lambda post: _encode(post | {"id": ""}),
    "missing text": lambda post: _without(post, "text"),
    "invalid UTF-8": lambda post: _encode(post).replace(b'"text":"', b'"text":"\xc4\xe3', 1),
    "NUL": lambda post: _encode(post).replace(b'"text":"', b'"text":"\\u0000', 1),
    "lone surrogate": lambda post: _encode(post).replace(b'"text":"', b'"text":"\\ud83d', 1),
    "over-long": lambda post: _encode(post | {"padding": "长" * (MAX_LINE // 3 + 1)}),
}
_FAULTS = tuple(_BAD)
