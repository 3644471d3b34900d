"""The posts of an incident inside a generated feed: episodes (somebody needs something at a place), and what is posted
of them. Which post is the first call of which episode stands in `scenario`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from pipelines.feeds.disguise import disguised
from pipelines.feeds.draft import Draft, Facts
from pipelines.feeds.grammar import Dice, Grammar, Mark, Slots, marked
from pipelines.feeds.scenario import PASSED_ON, Plan, plan
from pipelines.feeds.wording import emergencies
from pipelines.feeds.wording.flood import CITY_EN
from pipelines.feeds.wording.kind import Echo, Situation
from pipelines.feeds.wording.words import WORDS, full_name, im_id, mobile_digits, nickname, person, written

__all__ = ["Episode", "Plan", "emergency_post", "episode", "first_post", "plan"]
_GRAMMAR = Grammar(WORDS)
_render = _GRAMMAR.render
_UPDATES = 6
"""Percent of an incident's posts that tell what became of a call."""


@dataclass(frozen=True)
class Episode:
    number: int
    first_call: int
    adcode: str
    county: str
    situation: Situation
    people: int
    author: str
    form: bool
    """Written down by a volunteer, as a form."""
    slots: Slots


@lru_cache(maxsize=8192)
def episode(where: Plan, number: int) -> Episode:
    wording = emergencies.KINDS[where.hazard]
    dice = Dice(*where.key, "episode", number)
    situation = dice.pick(wording.drawn)
    counties = where.city.counties
    if where.county is not None:
        counties = tuple(pair for pair in counties if pair[0] == where.county)
    adcode, county = dice.pick(counties)
    spots, houses = dice.pick(wording.homes if situation.home else wording.public)
    house = _render(dice.pick(houses), dice, {})
    people = dice.between(2, 9) if dice.below(4) else dice.between(10, 60)
    digits = mobile_digits(dice)
    missing = Mark("PERSON", full_name(dice))
    slots: Slots = {
        "province": where.city.province.removesuffix("省"),
        "province_full": where.city.province,
        "city": where.city.short,
        "city_full": where.city.name,
        "county": county,
        "town": dice.pick(wording.towns),
        "spot": Mark("PLACE", dice.pick(spots)),
        "house": Mark("ADDRESS", house) if house else "",
        "full": ("{province_full}{city_full}{county}{town}{spot}", "{city_full}{county}{town}{spot}"),
        "middle": ("{city}{county}{town}{spot}", "{county}{town}{spot}"),
        "near": ("{county}{spot}", "{city}{county}{spot}"),
        "people": str(people),
        "name": person(dice),
        "missing": missing,
        "tel": lambda of: Mark("CN_MOBILE", written(digits, of)),
        "account": im_id(dice),
        "river": dice.pick(where.city.rivers),
        "reservoir": where.city.reservoir,
        "hour": ("{18-23}", "{1-9}"),
    }
    form = not dice.below(4) and wording.form
    return Episode(
        number, where.first_call(number), adcode, county, situation, people, nickname(dice), form, slots
    )  # fmt: skip


@lru_cache(maxsize=16384)
def _call(where: Plan, number: int, version: int) -> str:
    """The text of a call. Version 0 is the first; others say the same of the same with other words around it."""
    wording = emergencies.KINDS[where.hazard]
    told = episode(where, number)
    frame = Dice(*where.key, "frame", number, version)
    situation = Dice(*where.key, "situation", number)
    what = _render(situation.pick(told.situation.templates), situation, told.slots)

    def part(templates: Sequence[str]) -> str:
        return _render(frame.pick(templates), frame, told.slots)

    if told.form and wording.form_parts:
        heading, place, between, tail = ((text,) for text in wording.form_parts)
        text = part(heading) + part(place) + part(between) + what + part(tail)
    else:
        parts = [part(wording.where), what, "。", part(wording.contacts), part(wording.closings)]
        if frame.below(3) == 0:  # what first, then where
            parts[0], parts[1], parts[2] = what, "。", parts[0]
        opening = part(wording.still if version else wording.openings)
        tag = part(wording.tags)
        text = "".join((tag, opening, *parts) if frame.below(2) else (opening, *parts, tag))
    return disguised(text, frame) if where.disguised and frame.chance(where.disguised) else text


def emergency_post(where: Plan, index: int, first_call: int, number: int, dice: Dice) -> Draft:
    """A post of the incident that is no first call; block `number`, whose first call is at `first_call`, is that of
    `index`."""
    last = number if first_call < index else number - 1  # newest episode that has begun; -1: none
    kind = dice.below(100)
    if kind < PASSED_ON * 100 and last >= 0:
        # half of what is passed on is recent; of the rest the early calls have gone round most
        number = last - dice.below(min(12, last + 1)) if dice.below(2) else dice.below(dice.below(last + 1) + 1)
        return _passed_on(where, number, dice)
    if kind < PASSED_ON * 100 + _UPDATES and last >= 3:
        return _update(where, last - 3 - dice.below(min(20, last - 2)), dice)
    return _echo(where, dice)


@lru_cache(maxsize=8192)
def first_post(where: Plan, number: int) -> Draft:
    """The call that opens an episode."""
    told = episode(where, number)
    said = told.situation
    facts = Facts(
        emergencies.KINDS[where.hazard].call,
        "negative",
        said.emotion,
        needs=said.needs,
        hazards=said.hazards,
        vulnerable=said.vulnerable,
        items=said.items,
        source_kind="volunteer" if told.form else "self",
        state="open",
        priority=said.priority,
    )
    return Draft(
        facts,
        _call(where, number, 0),
        "weibo" if Dice(*where.key, "first", number).below(4) else "douyin",
        told.author,
        where.city.province.removesuffix("省"),
        told.adcode,
        told.people,
        f"{number}" if where.number is None else f"{where.number}-{number}",
        where.name,
        first=True,
    )


@lru_cache(maxsize=8192)
def _facts(where: Plan, number: int, kind: str, source_kind: str) -> Facts:
    return replace(first_post(where, number).facts, kind=kind, source_kind=source_kind)


def _passed_on(where: Plan, number: int, dice: Dice) -> Draft:
    wording = emergencies.KINDS[where.hazard]
    told, call = episode(where, number), first_post(where, number)
    kind, platform, repost = "copy", call.platform, False
    own = "volunteer" if told.form else "self"
    form = dice.below(10)
    if form < 4:
        prefix = _render(dice.pick(wording.copied), dice, told.slots)
        own = "relay" if prefix else own
        text = prefix + call.marked
    elif form < 7:
        kind, own, platform, repost = "forward", "relay", "weibo", True
        slots: Slots = {"fire_brigade": Mark("USERNAME", f"@{where.city.short}消防"), "hour": told.slots["hour"]}
        comment = _render(dice.pick(wording.forwarded), dice, slots)
        text = f"{comment}//{marked(Mark('USERNAME', '@' + told.author))}:{call.marked}"
    else:
        # a few versions of each call go round, so near-copies have copies of their own
        kind, text = "near_copy", _call(where, number, 1 + dice.below(6))
    facts = _facts(where, number, kind, own)
    author = nickname(dice)
    return Draft(
        facts, text, platform, author, None, told.adcode, told.people, call.episode, where.name, told.first_call, repost
    )  # fmt: skip


@lru_cache(maxsize=8192)
def _update_facts(where: Plan, number: int, which: int) -> Facts:
    said = episode(where, number).situation
    return Facts(
        "update",
        "negative" if which < 2 else "positive",
        said.emotion if which < 2 else "happy",
        needs=said.needs[:1] if which == 0 else (),
        state=("partial", "unclear")[which] if which < 2 else "closed",
        priority=said.priority if which == 0 else None if which == 1 else 4,
    )


def _update(where: Plan, number: int, dice: Dice) -> Draft:
    wording = emergencies.KINDS[where.hazard]
    told = episode(where, number)
    which = min(dice.below(6), 2)
    templates = (wording.partial, wording.unclear, wording.closed)[which]
    if not templates:
        which, templates = 2, wording.closed
    text = _render(dice.pick(templates), dice, told.slots)
    facts, author = _update_facts(where, number, which), nickname(dice)
    if which == 2 and wording.denies:
        facts, author = wording.denies, where.city.short + "发布"
    return Draft(
        facts, text, "weibo", author, None, told.adcode, told.people,
        f"{number}" if where.number is None else f"{where.number}-{number}", where.name,
    )  # fmt: skip


def _echo(where: Plan, dice: Dice) -> Draft:
    city = where.city
    echo: Echo = dice.pick(emergencies.KINDS[where.hazard].echoed)
    counties = city.counties if where.county is None else [pair for pair in city.counties if pair[0] == where.county]
    slots: Slots = {
        "city": city.short,
        "city_en": CITY_EN[city.adcode],
        "province": city.province.removesuffix("省"),
        "county": dice.pick(counties)[1],
        "river": dice.pick(city.rivers),
        "reservoir": city.reservoir,
        "hour": str(dice.below(24)),
        "tag": emergencies.KINDS[where.hazard].tags,
    }
    text = _render(dice.pick(echo.templates), dice, slots)
    own = echo.source_kind in ("official", "media")
    return Draft(
        echo.facts,
        text,
        echo.platform or ("douyin" if dice.below(4) == 0 else "weibo"),
        city.short + ("发布" if echo.source_kind == "official" else "新闻网") if own else nickname(dice),
        place=city,
        incident=where.name,
    )
