"""A feed of its own: Chinese-first posts of an ordinary day, with an emergency that begins in the middle of it.

Post i is a pure function of the source's values and i, so any split can be made anywhere, again and in any order. What
each post really is stands in `truth`, never in the post. The texts come from templates written for this project: good
for demonstration, load and faults; no classifier may be trained or judged on them, they are far easier than people are.

Cost: 30 to 60 microseconds a post (see docs/feeds.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from pipelines.feeds.cities import CITIES, City, find_city
from pipelines.feeds.draft import Draft
from pipelines.feeds.emergency import emergency_post, plan
from pipelines.feeds.grammar import Dice, Mark, Slots, Writer
from pipelines.feeds.lines import MAX_LINE
from pipelines.feeds.pace import Clock, wall_ms
from pipelines.feeds.uri import GenerateSource, parse
from pipelines.feeds.wording.everyday import EVERYDAY
from pipelines.feeds.wording.words import WORDS, nickname
from schemas.records import RAW

SOURCE = "generate"
POSTS_PER_SPLIT = 512
_BEIJING = timezone(timedelta(hours=8))
_SUBJECTS = tuple(subject for subject in EVERYDAY for _ in range(subject.weight))
_PLATFORMS = ("weibo",) * 13 + ("douyin",) * 4 + ("xiaohongshu",) * 3
_REGIONS = ("北京", "上海", "广东 深圳", "江苏 南京", "浙江 杭州", "四川 成都", "湖北 武汉", "陕西 西安", "海外", None)
_DEVICES = ("iPhone客户端", "Android客户端", "网页版", "HarmonyOS设备")
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
    source = _source(split.uri)
    indices = range(split.first, split.first + split.count)
    lines = [line(source, index) for index in indices]
    return pa.RecordBatch.from_arrays(
        [
            pa.array([SOURCE] * split.count, pa.string()),
            pa.array([str(source.seed)] * split.count, pa.string()),
            pa.array(indices, pa.int64()),
            pa.array([created_at(source, index) for index in indices], pa.int64()),
            pa.array([clock()] * split.count, pa.int64()),
            pa.array(lines, pa.binary()),
        ],
        schema=RAW,
    )


@lru_cache(maxsize=16)
def _source(uri: str) -> GenerateSource:
    source = parse(uri)
    assert isinstance(source, GenerateSource)  # noqa: S101  (GenerateSplit holds no other)
    return source


def created_at(source: GenerateSource, index: int) -> int:
    """Event time of a post in epoch milliseconds."""
    return source.start + round(index * 1000 / source.event_rate)


def post_id(source: GenerateSource, index: int) -> str:
    return f"g{source.seed}-{index}"


def line(source: GenerateSource, index: int) -> bytes:
    """The post as a line of JSON, without line end, as the contract's "A post, in"; or a malformed line (`bad`)."""
    reason = _bad(source, index)
    draft = draft_of(source, index)
    dice = Dice(source.seed, "fields", index)
    created = created_at(source, index)
    post: dict[str, Any] = {"id": post_id(source, index), "platform": draft.platform, "text": draft.text.text}
    if draft.author:
        post["author"] = draft.author
    post["created_at"] = _time(draft.platform, created)
    if draft.region:
        post["region"] = draft.region
    if draft.repost and draft.copy_of is not None:
        post["repost_of"] = post_id(source, draft.copy_of)
    if draft.platform != "rss":
        # a heavy tail: half of the posts get 2 likes or fewer, one in a thousand gets 7,000
        post["likes"] = int(2.0 ** (13 * (dice.below(1000) / 1000) ** 3)) - 1
        post["reposts"] = post["likes"] // dice.between(3, 20)
        post["comments"] = post["likes"] // dice.between(2, 12)
    if draft.platform == "weibo":
        post["url"] = f"https://weibo.example.com/{source.seed}/{index}"
        post["device"] = dice.pick(_DEVICES)
    return _BAD[reason](post) if reason else _encode(post)


def truth(source: GenerateSource, index: int) -> dict[str, Any]:
    """What is known of a post; keys as in the contract's scored post where there is one.

    `identifiers` and `places` have type, start, end, value with Python string offsets in the text; `is_copy_of` is the
    id of the post that it repeats. A malformed line has only id, kind "bad" and the reason.
    """
    if reason := _bad(source, index):
        return {"id": post_id(source, index), "kind": "bad", "reason": reason}
    draft = draft_of(source, index)
    spans = [span._asdict() for span in draft.text.spans]
    return {
        "id": post_id(source, index),
        "kind": draft.kind,
        "language": draft.language,
        "sentiment": draft.sentiment,
        "emotion": draft.emotion,
        "needs": list(draft.needs),
        "hazards": list(draft.hazards),
        "vulnerable": list(draft.vulnerable),
        "items": list(draft.items),
        "people": draft.people,
        "adcode": draft.adcode,
        "source_kind": draft.source_kind,
        "state": draft.state,
        "priority": draft.priority,
        "identifiers": [span for span in spans if span["type"] != "PLACE"],
        "places": [span for span in spans if span["type"] == "PLACE"],
        "episode": None if draft.episode is None else f"e{source.seed}-{draft.episode}",
        "is_copy_of": None if draft.copy_of is None else post_id(source, draft.copy_of),
    }


def draft_of(source: GenerateSource, index: int) -> Draft:
    """The post with all that is known of it."""
    dice = Dice(source.seed, "post", index)
    where = plan(source)
    if where is not None and index >= where.onset and (draft := emergency_post(source, where, index, dice)):
        return draft
    return _everyday(source, dice)


def _everyday(source: GenerateSource, dice: Dice) -> Draft:
    subject = dice.pick(_SUBJECTS)
    city = find_city(source.city) if dice.below(3) else dice.pick(CITIES)
    slots: Slots = {
        "city": city.short,
        "county": dice.pick(city.counties)[1],
        "plate": lambda of: _plate(city, of),
    }
    text = Writer(dice, slots, WORDS).write(dice.pick(subject.templates)).segment()
    region = f"{city.province.removesuffix('省')} {city.short}" if dice.below(2) else dice.pick(_REGIONS)
    return Draft(
        kind=subject.kind,
        sentiment=subject.sentiment,
        emotion=subject.emotion,
        text=text,
        platform=subject.platform or dice.pick(_PLATFORMS),
        author="" if dice.below(50) == 0 else nickname(dice),
        language=subject.language,
        region=None if subject.language == "en" else region,
        adcode=city.name_in(text.text),
        source_kind="media" if subject.kind == "news" else "other",
    )


def _plate(city: City, dice: Dice) -> Mark:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I, no O
    if dice.below(3) == 0:  # a new-energy car has six
        return Mark("CN_PLATE", f"{city.plate}D{dice.below(10**5):05d}")
    return Mark("CN_PLATE", f"{city.plate}{dice.below(1000):03d}{dice.pick(letters)}{dice.below(10)}")


def _time(platform: str, created: int) -> int | str:
    """Platforms write times in their own ways; the contract takes them all."""
    if platform == "rss":
        return datetime.fromtimestamp(created / 1000, _BEIJING).isoformat(timespec="seconds")
    if platform == "twitter":
        return datetime.fromtimestamp(created / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    return created


# -- malformed lines ---------------------------------------------------------------------------------------------------
def _bad(source: GenerateSource, index: int) -> str:
    """Which of the contract's faults the line has; "" for a sound one."""
    if not source.bad:
        return ""
    dice = Dice(source.seed, "bad", index)
    return dice.pick(tuple(_BAD)) if dice.chance(source.bad) else ""


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
