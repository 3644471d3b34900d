"""What HTML and DOCX say alike: an episode's words, and the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from udfs.brief.content import Brief, Episode, Mood, Query, Quote
from udfs.brief.words import Words, number

TOP = 5
QUOTED = 50
"""Characters of a post on a card."""
LISTED = 50
"""Open episodes in the list; the map and the totals know all of them."""


def wants(one: Episode, words: Words) -> str:
    """救援、物资；决堤（艇 2 艘）."""
    said = [words.codes("need", one.needs), words.codes("hazard", one.hazards)]
    text = words.semicolon.join(part for part in said if part)
    return text + (words.bracketed(words.list_(one.items)) if one.items else "")


def who(one: Episode, words: Words) -> str:
    """12 人（老人、婴儿） · 求助者 3 · 转发 40."""
    people = words["people.unknown"] if one.people is None else words.say("people.n", n=number(one.people))
    if one.vulnerable:
        people += words.bracketed(words.codes("vulnerable", one.vulnerable))
    parts = [people, words.say("callers.n", n=one.callers), words.say("relays.n", n=one.relays)]
    return " · ".join(parts)


_SHOWN_ABOVE = ("need ", "hazard ", "people ", "relays ", "standing ")
"""Reasons that a card says in its other lines already; five cards have to fit on a page."""


def why(one: Episode, words: Words) -> str:
    """The reasons of the ranking that do not stand on the card already, in words where they have some."""
    told = [reason for reason in one.reasons if not reason.startswith(_SHOWN_ABOVE)]
    if one.proposed:
        told = [reason for reason in told if reason != f"proposed {one.proposed}"]
    return words.semicolon.join(words.reasons(told))


def age(one: Episode, brief: Brief, words: Words) -> str:
    """How long before the end of the period (or its making, if that was earlier) it was last heard of."""
    until = min(brief.end, brief.generated)
    return words.say("ago", age=words.length(until - one.last_at))


def cities(brief: Brief, words: Words) -> str:
    """Cities whose episodes name no county, with their open ones."""
    return words.list_([f"{one.name} {one.open}" for one in brief.cities])


def shortened(quote: Quote) -> Quote:
    """As much of the text as a card has room for; never half of what stands for a masked identity."""
    if len(quote.text) <= QUOTED:
        return quote
    cut = quote.text[:QUOTED]
    mark = cut.rfind("<")
    if mark > cut.rfind(">"):
        cut = cut[:mark]
    return replace(quote, text=cut + "……")


def others(one: Episode) -> str:
    """Ids of the evidence beyond the first post."""
    return " ".join(f"{quote.platform}/{quote.post_id}" for quote in one.quotes[1:])


def late(one: Episode, brief: Brief) -> bool:
    """Past its deadline when the brief was made."""
    return one.deadline is not None and one.state not in ("arrived", "closed") and one.deadline < brief.generated


def proposal(one: Episode, words: Words) -> str:
    """What a post proposes, and which."""
    return words.say("proposed", what=words.code("proposed", one.proposed), post=one.proposed_by)


def called(one: Episode, words: Words) -> str:
    """Whether somebody phoned back already."""
    return words.say("called.n", n=one.called) if one.called else words["called.none"]


def shares(moods: Sequence[Mood], words: Words) -> str:
    """恐惧 25% · 悲伤 14%, the most frequent first."""
    total = sum(mood.posts for mood in moods) or 1
    ordered = sorted(moods, key=lambda mood: -mood.posts)
    return " · ".join(f"{words.code('mood', mood.label)} {mood.posts / total:.0%}" for mood in ordered)


def unknowns(brief: Brief, words: Words) -> list[str]:
    """What a reader must not take from the brief."""
    said = [words[f"unknown.{key}"] for key in ("feed", "true", "place", "model", "old")]
    if brief.absent:
        said.append(words.say("unknown.absent", parts=words.list_([words.code("part", part) for part in brief.absent])))
    return said


def query(one: Query, words: Words) -> tuple[str, str]:
    """Title of a statement in the annex, and who asked with how many rows."""
    rows = words.say("query.rows", n=number(one.rows))
    return f"{one.id}　{words[one.about]}", f"{words['query.account']} {one.account} · {rows}"


def statement(one: Query, words: Words) -> str:
    """The SQL, with its parameters as a comment."""
    given = ", ".join(f"{name} = {value}" for name, value in one.parameters.items())
    return f"{one.sql}\n-- {words['query.parameters']}: {given}" if given else one.sql


@dataclass(frozen=True)
class Cell:
    """A cell of a table with more than plain words."""

    text: str
    priority: int | None = None
    """Its sign stands before the text."""
    above: str = ""
    """In small letters before the text."""
    below: str = ""
    """In small letters under it."""
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Heads and rows; a head that begins with # is a column of numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    widths: tuple[int, ...] = ()
    """Shares of the width, for DOCX; a browser finds its own."""


def districts(brief: Brief, words: Words) -> Table:
    """The table beside the map."""
    rows = tuple(
        (Cell(one.name, one.priority), str(one.open), str(one.episodes), _some(one.people), _some(one.offers))
        for one in (*brief.districts, *brief.cities)
    )
    heads = (words["district"], *(f"#{words[name]}" for name in ("open", "total", "people", "offers")))
    return Table(heads, rows, (30, 15, 15, 20, 15))


def numbered(table: Table) -> Table:
    """The same with a first column 1, 2, 3, ..."""
    rows = tuple((str(n), *row) for n, row in enumerate(table.rows, 1))
    return Table(("#", *table.heads), rows, (5, *table.widths))


def waiting(brief: Brief) -> list[Episode]:
    """Episodes that nobody closed, the most urgent first."""
    return [one for one in brief.episodes if one.state != "closed"]


def place(one: Episode, words: Words) -> tuple[str, str]:
    """What lies above the county, and the rest of the place."""
    named = one.place or one.district or words["no-place"]
    if one.above and named.startswith(one.above) and named != one.above:
        return one.above, named[len(one.above) :]
    return "", named


def deadline(one: Episode, brief: Brief, words: Words) -> str:
    """限时 02:20, 限时 01:25 已超时 or nothing."""
    if one.deadline is None:
        return ""
    return f"{words.time(one.deadline, brief.end)}{' ' + words['overdue'] if late(one, brief) else ''}"


def episodes(brief: Brief, words: Words) -> Table:
    """All open ones, at most ``LISTED``."""
    rows = []
    for n, one in enumerate(waiting(brief)[:LISTED], 1):
        above, named = place(one, words)
        rows.append(
            (
                str(n),
                Cell(f"P{one.priority}", one.priority),
                Cell(named, above=above, below=one.id[:12]),
                wants(one, words),
                who(one, words),
                Cell(words.code("state", one.state), below=one.owner or words["owner.none"]),
                Cell(deadline(one, brief, words), strong=late(one, brief)),
                words.time(one.last_at, brief.end),
            )
        )
    names = ("priority", "place", "needs", "people", "state", "deadline", "last")
    return Table(("#", *(words[name] for name in names)), tuple(rows), (4, 7, 24, 17, 17, 12, 9, 10))


def supplies(brief: Brief, words: Words) -> Table:
    """Needs against offers."""
    rows = tuple(
        (words.code("need", one.need), str(one.open), _some(one.people), str(one.matched)) for one in brief.supplies
    )
    return Table((words["need"], *(f"#{words[name]}" for name in ("open", "people", "matched"))), rows)


def silences(brief: Brief, words: Words) -> Table:
    """Districts that fell silent."""
    rows = tuple(
        (one.district, words.time(one.since, brief.end), words.semicolon.join(words.reasons(one.reasons)))
        for one in brief.silences
    )
    return Table((words["district"], words["since"], words["reason"]), rows)


def topics(brief: Brief, words: Words) -> Table:
    """Topics with their moods where enough people speak."""
    rows = tuple(
        (
            Cell(one.name, below=one.id[:12], strong=True),
            number(one.posts),
            number(one.reach),
            "" if one.growth is None else words.say("growth.n", n=number(one.growth)),
            " / ".join(f"{one.moods.get(mood, 0):.0%}" for mood in ("negative", "neutral", "positive"))
            if one.moods
            else words["mix.none"],
            words.time(one.first_at, brief.end),
            words.list_(one.districts),
        )
        for one in brief.topics
    )
    numbers = tuple(f"#{words[name]}" for name in ("posts", "reach", "growth"))
    return Table((words["topic"], *numbers, words["mix"], words["first"], words["districts"]), rows)


def forecasts(brief: Brief, words: Words) -> Table:
    """Counts that left their band."""
    rows = tuple(
        (
            one.theme,
            one.district,
            words.day(one.week),
            number(one.observed),
            number(one.expected),
            f"{number(one.low)}–{number(one.high)}",
        )
        for one in brief.forecasts
    )
    numbers = tuple(f"#{words[name]}" for name in ("observed", "expected", "band"))
    return Table((words["theme"], words["district"], words["week"], *numbers), rows)


def versions(brief: Brief) -> Table:
    """Program, rules, model."""
    return Table((), tuple((name, value) for name, value in brief.versions.items()))


def _some(value: float) -> str:
    return number(value) if value else ""
