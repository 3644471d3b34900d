"""The emergency inside a generated feed: episodes (somebody needs something at a place), and what is posted of them.

After the onset the feed is cut into blocks of `Plan.block` posts; in each of them one post, its place drawn from the
seed, is the first call of a new episode. So the first call of any episode, and whether a post is one, are known without
making the posts before it, and a copy knows what it copies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.feeds.cities import City, find_city
from pipelines.feeds.draft import Draft
from pipelines.feeds.grammar import Dice, Mark, Segment, Slots, Writer, joined
from pipelines.feeds.uri import GenerateSource
from pipelines.feeds.wording import flood
from pipelines.feeds.wording.words import WORDS, full_name, im_id, mobile_digits, nickname, person, written

_ONSET_SECONDS = 600
"""Event time before the emergency of an unbounded feed."""
_UNBOUNDED_BLOCK = 400
_MAX_EPISODES = 300
"""In a bounded feed: the night in mind had a few hundred real calls among a million posts an hour."""


@dataclass(frozen=True)
class Plan:
    """Where in a feed what happens."""

    seed: int
    city: City
    onset: int
    """Index of the first post of the emergency."""
    block: int
    """Posts from one new episode to the next, on average."""

    def first_call(self, number: int) -> int:
        """Index of the post that opens episode `number`."""
        # the emergency begins with a call, so that a feed of a hundred posts has one too
        shift = Dice(self.seed, "call", number).below(self.block) if number else 0
        return self.onset + number * self.block + shift


@lru_cache(maxsize=64)
def plan(source: GenerateSource) -> Plan | None:
    """None where there is no emergency."""
    if source.emergency == "none" or not source.share:
        return None
    if source.posts is None:
        onset, block = round(_ONSET_SECONDS * source.event_rate), _UNBOUNDED_BLOCK
    else:
        onset = int(source.posts * source.onset)
        block = (source.posts - onset) // _MAX_EPISODES
    # first calls are at most an eighth of the emergency's posts
    block = max(40, math.ceil(8 / source.share), block)
    return Plan(source.seed, find_city(source.city), onset, min(block, 2**24))


@dataclass(frozen=True)
class Episode:
    number: int
    first_call: int
    adcode: str
    county: str
    situation: flood.Situation
    people: int
    author: str
    form: bool
    """Written down by a volunteer, as a form."""
    slots: Slots


_SITUATIONS = tuple(s for s in flood.SITUATIONS for _ in range(s.weight))
_ECHOES = tuple(e for e in flood.ECHOES for _ in range(e.weight))


@lru_cache(maxsize=4096)
def episode(where: Plan, number: int) -> Episode:
    dice = Dice(where.seed, "episode", number)
    situation = dice.pick(_SITUATIONS)
    adcode, county = dice.pick(where.city.counties)
    kinds: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    if situation.home:
        kinds = ((flood.VILLAGES, flood.HOUSE_VILLAGE), (flood.ESTATES, flood.HOUSE_ESTATE))
    else:
        kinds = ((flood.VILLAGES, ("",)), (flood.PUBLIC, ("",)))
    spots, houses = dice.pick(kinds)
    house = Writer(dice).write(dice.pick(houses)).segment().text
    people = dice.between(2, 9) if dice.below(4) else dice.between(10, 60)
    digits = mobile_digits(dice)
    missing = Mark("PERSON", full_name(dice))
    slots: Slots = {
        "province": where.city.province.removesuffix("省"),
        "province_full": where.city.province,
        "city": where.city.short,
        "city_full": where.city.name,
        "county": county,
        "town": dice.pick(flood.TOWNS),
        "spot": Mark("PLACE", dice.pick(spots)),
        "house": Mark("ADDRESS", house) if house else "",
        "full": ("{province_full}{city_full}{county}{town}{spot}", "{city_full}{county}{town}{spot}"),
        "middle": ("{city}{county}{town}{spot}", "{county}{town}{spot}"),
        "near": ("{county}{spot}", "{city}{county}{spot}"),
        "people": str(people),
        "name": person(dice),
        "missing": missing,
        "tel": lambda of: Mark("CN_MOBILE", written(digits, of)),
        "im": im_id(dice),
        "river": dice.pick(where.city.rivers),
        "reservoir": where.city.reservoir,
        "hour": ("{18-23}", "{1-9}"),
    }
    return Episode(
        number, where.first_call(number), adcode, county, situation, people, nickname(dice), not dice.below(4), slots
    )


@lru_cache(maxsize=4096)
def _call(where: Plan, number: int, version: int) -> Segment:
    """The text of a call. Version 0 is the first; others say the same of the same with other words around it."""
    told = episode(where, number)
    slots = (told.slots, WORDS)
    frame = Dice(where.seed, "frame", number, version)
    what = Writer(Dice(where.seed, "situation", number), *slots)
    what = what.write(what.dice.pick(told.situation.templates))

    def part(templates: Sequence[str]) -> Segment:
        return Writer(frame, *slots).write(frame.pick(templates)).segment()

    if told.form:
        heading, place, between, tail = ((text,) for text in flood.FORM)
        return joined((part(heading), part(place), part(between), what.segment(), part(tail)))
    parts = [part(flood.WHERE), what.segment(), Segment("。"), part(flood.CONTACTS), part(flood.CLOSINGS)]
    if frame.below(3) == 0:  # what first, then where
        parts[0], parts[1], parts[2] = parts[1], Segment("。"), parts[0]
    opening = part(flood.STILL if version else flood.OPENINGS)
    tag = part(flood.TAGS)
    return joined((tag, opening, *parts) if frame.below(2) else (opening, *parts, tag))


def emergency_post(source: GenerateSource, where: Plan, index: int, dice: Dice) -> Draft | None:
    """The post at `index` if it belongs to the emergency, else None. `index` is not before the onset."""
    number = (index - where.onset) // where.block
    first_call = where.first_call(number)
    if first_call == index:
        return _first(where, number)
    if not dice.chance(source.share):
        return None
    last = number if first_call < index else number - 1  # newest episode that has begun; -1: none
    kind = dice.below(100)
    if kind < 36 and last >= 0:
        # half of what is passed on is recent; of the rest the early calls have gone round most
        number = last - dice.below(min(12, last + 1)) if dice.below(2) else dice.below(dice.below(last + 1) + 1)
        return _passed_on(source, where, number, dice)
    if kind < 42 and last >= 3:
        return _update(where, last - 3 - dice.below(min(20, last - 2)), dice)
    return _echo(where, dice)


def _first(where: Plan, number: int) -> Draft:
    told = episode(where, number)
    text = _call(where, number, 0)
    dice = Dice(where.seed, "first", number)
    return Draft(
        kind="call",
        sentiment="negative",
        emotion="fear",
        text=text,
        platform="weibo" if dice.below(4) else "douyin",
        author=told.author,
        region=where.city.province.removesuffix("省"),
        needs=told.situation.needs,
        hazards=told.situation.hazards,
        vulnerable=told.situation.vulnerable,
        items=told.situation.items,
        people=told.people,
        adcode=told.adcode,
        source_kind="volunteer" if told.form else "self",
        state="open",
        priority=told.situation.priority,
        episode=number,
    )


def _passed_on(source: GenerateSource, where: Plan, number: int, dice: Dice) -> Draft:
    told = episode(where, number)
    draft = replace(
        _first(where, number), author=nickname(dice), region=None, copy_of=told.first_call, source_kind="relay"
    )
    fire_brigade = Mark("USERNAME", f"@{where.city.short}消防")
    slots: tuple[Slots, ...] = ({"hour": told.slots["hour"], "fire_brigade": fire_brigade}, WORDS)
    form = dice.below(10)
    if form < 4:
        prefix = Writer(dice, *slots).write(dice.pick(flood.COPIED)).segment()
        kind = draft.source_kind if prefix.text else ("volunteer" if told.form else "self")
        return replace(draft, kind="copy", source_kind=kind, text=joined((prefix, draft.text)))
    if form < 7:
        tail = Writer(dice, {"first": Mark("USERNAME", "@" + told.author)}).write("//{first}:").segment()
        comment = Writer(dice, *slots).write(dice.pick(flood.FORWARDED)).segment()
        return replace(draft, kind="forward", platform="weibo", repost=True, text=joined((comment, tail, draft.text)))
    # a few versions of each call go round, so near-copies have copies of their own
    kind = "volunteer" if told.form else "self"
    return replace(draft, kind="near_copy", source_kind=kind, text=_call(where, number, 1 + dice.below(6)))


def _update(where: Plan, number: int, dice: Dice) -> Draft:
    told = episode(where, number)
    which = dice.below(6)
    templates = flood.PARTIAL if which == 0 else flood.UNCLEAR if which == 1 else flood.CLOSED
    text = Writer(dice, told.slots, WORDS).write(dice.pick(templates)).segment()
    partial = which == 0
    return Draft(
        kind="update",
        sentiment="negative" if which < 2 else "positive",
        emotion="fear" if which < 2 else "happy",
        text=text,
        platform="weibo",
        author=nickname(dice),
        needs=("rescue",) if partial else (),
        people=told.people,
        adcode=told.adcode,
        state=("partial", "unclear")[which] if which < 2 else "closed",
        source_kind="other",
        priority=told.situation.priority if partial else None if which == 1 else 4,
        episode=number,
    )


def _echo(where: Plan, dice: Dice) -> Draft:
    echo = dice.pick(_ECHOES)
    slots: Slots = {
        "city": where.city.short,
        "city_en": flood.CITY_EN[where.city.adcode],
        "province": where.city.province.removesuffix("省"),
        "county": dice.pick(where.city.counties)[1],
        "river": dice.pick(where.city.rivers),
        "reservoir": where.city.reservoir,
        "hour": str(dice.below(24)),
        "tag": flood.TAGS,
    }
    text = Writer(dice, slots, WORDS).write(dice.pick(echo.templates)).segment()
    own = echo.source_kind in ("official", "media")
    return Draft(
        kind=echo.kind,
        sentiment=echo.sentiment,
        emotion=echo.emotion,
        text=text,
        platform=echo.platform or ("douyin" if dice.below(4) == 0 else "weibo"),
        language="en" if echo.kind == "english" else "zh",
        author=where.city.short + ("发布" if echo.source_kind == "official" else "新闻网") if own else nickname(dice),
        needs=echo.needs,
        hazards=echo.hazards,
        adcode=where.city.name_in(text.text),
        source_kind=echo.source_kind,
        state="open" if echo.needs else None,
        priority=echo.priority,
    )
