"""The brief as one HTML file: nothing is loaded, nothing runs, and it prints on A4.

The first page is for the duty officer: what is most urgent, where, what is needed, who has it. The rest is for whoever
asks further; the annex says where each number is from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udfs.brief import areamap, charts, phrases, style
from udfs.brief.content import Brief, Episode, Figure, Hazard, Query, Quote
from udfs.brief.markup import Markup, join, tag
from udfs.brief.phrases import LISTED, TOP, Cell, Table
from udfs.brief.words import Words, figure, number

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Should a mark of a post ever get through as an element: no script runs and nothing is fetched."""


def render(brief: Brief, language: str = "zh") -> str:
    """The whole file. Raises ValueError for a language that is neither zh nor en."""
    words = Words(language, brief.offset_min)
    body: list[object] = [_head(brief, words)]
    if brief.empty:
        body.append(tag("div", tag("p", words["nothing"]), class_="calm"))
        body += [_health(brief, words)]
    else:
        body += [part(brief, words) for part in _PARTS]
    body += [_unknown(brief, words), _versions(brief, words), _annex(brief, words)]
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", f"{words['title']} {words.moment(brief.end)}"),
            tag("style", Markup(style.CSS)),
        ),
        tag("body", *body),
        lang="zh-CN" if language == "zh" else "en",
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _head(brief: Brief, words: Words) -> Markup:
    secret = words["internal" if brief.places_shown else "internal.no-places"]
    return join(
        tag(
            "div",
            tag("div", tag("h1", words["title"]), tag("div", words.period(brief.start, brief.end))),
            tag(
                "div",
                f"{words['generated']} {words.moment(brief.generated)}",
                tag("br"),
                f"{words['by']} {brief.by}",
            ),
            class_="head",
        ),
        tag("p", secret, class_="secret"),
    )


# -- the first page ---------------------------------------------------------------------------------------------------
def _figures(brief: Brief, words: Words) -> Markup:
    return join(_numbers(brief.figures, words), tag("p", words["decides"], class_="note"))


def _numbers(figures: Sequence[Figure], words: Words) -> Markup:
    items = [
        tag(
            "li",
            tag("b", "—" if one.value is None else figure(one.value, one.kind, words)),
            tag("span", words[f"figure.{one.name}"], " ", tag("span", one.query, class_="q", style="display:inline")),
            tag("span", words[one.why]) if one.why else None,
        )
        for one in figures
    ]
    return tag("ul", items, class_="figures")


def _top(brief: Brief, words: Words) -> Markup:
    waiting = phrases.waiting(brief)
    shown = waiting[:TOP]
    if not shown:
        return join(_heading(words["top.fewer"], brief.asked("about.episodes")), tag("p", words["top.none"]))
    title = words["top"] if len(shown) == TOP else words["top.fewer"]
    more = len(waiting) - len(shown)
    return join(
        _heading(title, brief.asked("about.episodes", "about.evidence")),
        [_card(n, one, brief, words) for n, one in enumerate(shown, 1)],
        tag("p", words.say("top.more", n=more), class_="note") if more else None,
    )


def _card(rank: int, one: Episode, brief: Brief, words: Words) -> Markup:
    main = tag(
        "div",
        tag("div", where(one, words), class_="place"),
        tag("div", phrases.wants(one, words), class_="want"),
        tag("div", phrases.who(one, words), class_="who"),
        tag("p", f"{words['why']}{words.colon}{phrases.why(one, words)}", class_="why") if one.reasons else None,
        [
            quoted(phrases.shortened(quote), words, f"{words['also']} {phrases.others(one)}" if one.quotes[1:] else "")
            for quote in one.quotes[:1]
        ],
        tag("p", tag("b", phrases.proposal(one, words)), class_="why") if one.proposed else None,
    )
    side = tag(
        "div",
        tag("p", _state(one.state, words), " ", tag("b", _standing(one, words))),
        tag("p", tag("b", one.owner or words["owner.none"])),
        tag("p", _deadline(one, brief, words)),
        tag(
            "p",
            words["last"],
            " ",
            tag("b", words.time(one.last_at, brief.end)),
            tag("br"),
            phrases.age(one, brief, words),
        ),
        tag("p", phrases.called(one, words)),
        tag("p", words.say("offers.n", n=one.offers)) if one.offers else None,
        tag("p", one.id[:12], class_="id"),
        class_="side",
    )
    number_ = tag("div", rank, tag("span", charts.sign(one.priority), f" P{one.priority}"), class_="rank")
    return tag("div", number_, main, side, class_=f"card p{one.priority}")


def where(one: Episode, words: Words) -> Markup:
    """The place, what lies above its county in small letters."""
    above, named = phrases.place(one, words)
    return join(tag("span", above, class_="above") if above else None, named)


def _deadline(one: Episode, brief: Brief, words: Words) -> Markup:
    if one.deadline is None:
        return join(words["deadline.none"])
    said = join(words["deadline"], " ", tag("b", words.time(one.deadline, brief.end)))
    return join(said, " ", tag("span", words["overdue"], class_="late")) if phrases.late(one, brief) else said


def _state(state: str, words: Words) -> Markup:
    return tag("span", words.code("state", state), class_=f"state {state}")


def _standing(one: Episode, words: Words) -> str:
    return words.code("standing", one.standing) if one.standing else ""


def quoted(quote: Quote, words: Words, more: str = "") -> Markup:
    """Masked text, what was masked in brackets, the post's id, and ``more`` behind it."""
    pieces = [tag("span", piece, class_="masked") if masked else piece for piece, masked in words.masked(quote.text)]
    at = words.time(quote.at) if quote.at is not None else None
    return tag(
        "p",
        join("“", pieces, "”") if pieces else words["no-text"],
        " ",
        tag("span", " ".join(part for part in (at, f"{quote.platform}/{quote.post_id}", more) if part), class_="id"),
        class_="quote",
    )


# -- the rest -------------------------------------------------------------------------------------------------------
def _timeline(brief: Brief, words: Words) -> Markup | None:
    if not any(step.posts or step.calls or step.alerts for step in brief.bins):
        return None
    step = words.say("timeline.step", step=words.length(brief.bin_ms))
    return tag(
        "div",
        _heading(words["timeline"], brief.asked("about.timeline", "about.alerts")),
        tag("p", step, class_="note"),
        charts.timeline(brief.bins, brief.bin_ms, words),
        class_="drawn",
    )


def _map(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["map"], brief.asked("about.episodes", "about.offers"))
    nowhere = sum(not one.adcode for one in brief.episodes if one.state != "closed")
    if not brief.districts:
        return join(heading, tag("p", words["map.none"]))
    layout = areamap.lay_out(brief.districts, brief.around)
    keys = join([join(charts.sign(n), f" P{n}　") for n in (1, 2, 3, 4)])
    outside = words.list_([f"{one.name} {one.open}" for one in layout.outside])
    return join(
        tag(
            "div",
            heading,
            areamap.draw(layout, words),
            tag("p", keys, words["map.note"], class_="note"),
            class_="drawn",
        ),
        tag("p", words["map.outside"], outside) if outside else None,
        tag("p", words["map.cities"], phrases.cities(brief, words)) if brief.cities else None,
        tag("p", words.say("map.nowhere", n=nowhere), class_="note") if nowhere else None,
        table(phrases.districts(brief, words)),
    )


def _episodes(brief: Brief, words: Words) -> Markup | None:
    waiting = phrases.waiting(brief)
    if len(waiting) <= TOP:
        return None
    return join(
        _heading(words["episodes"], brief.asked("about.episodes")),
        tag("p", words.say("episodes.cut", n=LISTED), class_="note") if len(waiting) > LISTED else None,
        table(phrases.episodes(brief, words)),
    )


def _hazards(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["hazards"], brief.asked("about.episodes", "about.claims"))
    if not brief.hazards:
        return join(heading, tag("p", words["hazards.none"]))
    return join(heading, [_hazard(one, brief, words) for one in brief.hazards])


def _hazard(one: Hazard, brief: Brief, words: Words) -> Markup:
    title = [words.codes("hazard", one.hazards), one.place or words["no-place"]]
    sides = [
        tag(
            "div",
            tag("p", tag("b", f"{words[side]} {count}")),
            [quoted(quote, words) for quote in quotes] if quotes else tag("p", "—"),
        )
        for side, count, quotes in (("claims", one.claimed, one.claims), ("denials", one.denied, one.denials))
    ]
    return tag(
        "div",
        tag("h3", " · ".join(title), "　", tag("span", words.code("standing", one.standing), class_="state"),
            f"　{words['last']} {words.time(one.last_at, brief.end)}"),
        tag("div", sides, class_="half"),
        class_="drawn",
    )  # fmt: skip


def _supplies(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["supplies"], brief.asked("about.episodes", "about.offers"))
    if not brief.supplies:
        return join(heading, tag("p", words["supplies.none"]))
    offers = tag("p", words.say("supplies.offers", n=number(brief.offers)), class_="note")
    return join(heading, table(phrases.supplies(brief, words)), offers)


def _silences(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["silences"], brief.asked("about.alerts"))
    if not brief.silences:
        return join(heading, tag("p", words["silences.none"]))
    return join(heading, table(phrases.silences(brief, words)))


def _moods(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["moods"], brief.asked("about.moods"))
    if not brief.moods:
        return tag("div", heading, tag("p", words["moods.none"]))
    kinds = {mood.kind: [other for other in brief.moods if other.kind == mood.kind] for mood in brief.moods}
    drawn = charts.mood_bar(kinds["sentiment"], words) if "sentiment" in kinds else None
    shares = [tag("p", phrases.shares(kinds["emotion"], words))] if "emotion" in kinds else None
    return tag("div", heading, drawn, shares, tag("p", words["moods.note"], class_="note"), class_="drawn")


def _topics(brief: Brief, words: Words) -> Markup:
    heading = _heading(words["topics"], brief.asked("about.topics"))
    if not brief.topics:
        return join(heading, tag("p", words["topics.none"]))
    return join(heading, table(phrases.topics(brief, words)))


def _quotes(brief: Brief, words: Words) -> Markup | None:
    if not brief.places_shown:
        return None
    heading = _heading(words["quotes"], brief.asked("about.quotes"))
    if not brief.quotes:
        return join(heading, tag("p", words["quotes.none"]))
    return join(heading, tag("p", words["quotes.note"], class_="note"), [quoted(one, words) for one in brief.quotes])


def _forecasts(brief: Brief, words: Words) -> Markup | None:
    if "forecasts" in brief.absent:
        return None
    heading = _heading(words["forecasts"], brief.asked("about.forecasts"))
    if not brief.forecasts:
        return join(heading, tag("p", words["forecasts.none"]))
    return join(heading, table(phrases.forecasts(brief, words)))


def _health(brief: Brief, words: Words) -> Markup:
    return join(
        _heading(words["health"], brief.asked("about.metrics", "about.dead", "about.shed")),
        _numbers(brief.health, words),
    )


def _unknown(brief: Brief, words: Words) -> Markup:
    return join(
        _heading(words["unknown"]),
        tag("ul", [tag("li", said) for said in phrases.unknowns(brief, words)], class_="note"),
    )


def _versions(brief: Brief, words: Words) -> Markup | None:
    if not brief.versions:
        return None
    return join(_heading(words["versions"], brief.asked("about.models")), table(phrases.versions(brief)))


def _annex(brief: Brief, words: Words) -> Markup:
    return join(
        _heading(words["annex"]),
        tag("p", words["annex.note"], class_="note"),
        tag("p", tag("span", brief.command, class_="id")) if brief.command else None,
        [_query(query, words) for query in brief.queries],
    )


def _query(query: Query, words: Words) -> Markup:
    title, asked = phrases.query(query, words)
    return join(tag("h3", f"{title}　", tag("span", asked, class_="q")), tag("pre", phrases.statement(query, words)))


def _heading(text: str, asked: str = "") -> Markup:
    return tag("h2", text, tag("span", asked, class_="q") if asked else None)


def table(made: Table) -> Markup:
    """A table; it may break between rows, and repeats its heads on each page."""
    numeric = [head.startswith("#") for head in made.heads]
    heads = [
        tag("th", head.removeprefix("#") or "#", class_="n" if right else None)
        for head, right in zip(made.heads, numeric, strict=True)
    ]
    rows = [
        tag(
            "tr", [tag("td", _cell(cell), class_="n" if numeric and numeric[n] else None) for n, cell in enumerate(row)]
        )
        for row in made.rows
    ]
    return tag("table", tag("thead", tag("tr", heads)) if heads else None, tag("tbody", rows))


def _cell(cell: str | Cell) -> Markup:
    if isinstance(cell, str):
        return join(cell)
    return join(
        join(charts.sign(cell.priority), " ") if cell.priority is not None else None,
        tag("span", cell.above, class_="above") if cell.above else None,
        tag("b", cell.text) if cell.strong else cell.text,
        tag("div", cell.below, class_="below") if cell.below else None,
    )


_PARTS: Sequence[Callable[[Brief, Words], Markup | None]] = (
    _figures, _top, _timeline, _map, _episodes, _hazards, _supplies, _silences, _moods, _topics, _quotes, _forecasts,
    _health,
)  # fmt: skip
