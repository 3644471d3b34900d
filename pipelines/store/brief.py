"""A brief's content, asked of the store: ``gather`` asks every statement of ``brief_questions`` once and keeps it for
the annex.

Two kinds. With places: for whoever answers calls; places as deep as the store has them, masked text of calls with ids.
Without: places down to the county, ids without text. Both ask as ``operator``; the difference is in what is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from clickhouse_connect.driver.client import Client

from pipelines.store import brief_questions as questions
from pipelines.store.client import StoreSettings, connect, translated
from schemas.errors import StoreError
from udfs.brief.content import (
    Bin,
    Brief,
    District,
    Episode,
    Figure,
    Forecast,
    Hazard,
    Mood,
    Query,
    Quote,
    Silence,
    Supply,
    Topic,
)
from udfs.places.gazetteer import Division, Gazetteer

Row = Mapping[str, Any]

OPERATOR, PIPELINE = "operator", "yuqing"
MINUTE_MS = 60_000
STEPS = tuple(minutes * MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 7 * 1440))
"""Steps that a time line may have, in ms; the smallest that gives at most ``BINS`` is taken."""
BINS = 60
QUOTED = 12
HAZARDS = 8
EVIDENCE = 2
"""Posts quoted of each of the first episodes."""
TOP = 5
_MISSING = ("60 UNKNOWN_TABLE", "497 ACCESS_DENIED", "47 UNKNOWN_IDENTIFIER")
_SHOWN = 6


class Asking:
    """Asks, and remembers what was asked. One client an account, open while this is."""

    def __init__(self, account: Callable[[str], StoreSettings], **fixed: int) -> None:
        self._account = account
        self._fixed = fixed
        self._stack = ExitStack()
        self._clients: dict[str, Client] = {}
        self.queries: list[Query] = []

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, about: str, sql: str, account: str = OPERATOR, **more: Any) -> list[dict[str, Any]]:
        """Rows by column name. ``about`` is the key of what it answers. Raises StoreError and StoreUnavailable."""
        statement = sql.strip()
        given = {**self._fixed, **more}
        used = {name: value for name, value in given.items() if f"{{{name}:" in statement}
        if account not in self._clients:
            self._clients[account] = self._stack.enter_context(connect(self._account(account)))
        with translated(f"brief, {about}"):
            answer = self._clients[account].query(statement, parameters=used)
        rows = [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]
        shown = {name: _short(value) for name, value in used.items()}
        self.queries.append(Query(f"Q{len(self.queries) + 1}", f"about.{about}", account, statement, shown, len(rows)))
        return rows

    def ask_if_there(self, about: str, sql: str, account: str = OPERATOR, **more: Any) -> list[dict[str, Any]] | None:
        """``ask``, or None where the table or view is not there, or not for this account."""
        try:
            return self.ask(about, sql, account, **more)
        except StoreError as error:
            if any(code in str(error) for code in _MISSING):
                return None
            raise

    @property
    def last(self) -> str:
        """Id of the statement asked last."""
        return self.queries[-1].id


def gather(
    account: Callable[[str], StoreSettings],
    start: int,
    end: int,
    now: int,
    by: str,
    *,
    places: bool = True,
    command: str = "",
    versions: Mapping[str, str] | None = None,
    offset_min: int = 480,
) -> Brief:
    """The brief of [start, end), asked at ``now`` (all ms). ``account`` gives the store's settings for a user's name.

    Raises StoreError, StoreUnavailable. Nothing that is returned holds a token or an author; without ``places`` none
    holds a text or a place below the county either.
    """
    step = step_of(start, end)
    with Asking(account, start=start, end=end, step=step, now=now) as asking:
        posts, alerts = asking.ask("timeline", questions.TIMELINE), asking.ask("alerts", questions.ALERTS)
        figures = [*_figures(asking, posts, alerts)]
        episodes = asking.ask("episodes", questions.EPISODES if places else questions.EPISODES_WITHOUT_PLACES)
        waiting = [row for row in episodes if row["state"] != "closed"]
        hazards = [row for row in waiting if row["kind"] == "hazard" or row["standing"]]
        # those that somebody denies or confirms first
        hazards = sorted(hazards, key=lambda row: row["standing"] in ("", "unverified"))[:HAZARDS]
        claims = asking.ask("claims", questions.CLAIMS, ids=[row["episode_id"] for row in hazards]) if hazards else []
        wanted = [tuple(post) for row in waiting[:TOP] for post in row["evidence"]]
        wanted += [(row["platform"], row["post_id"]) for row in claims]
        texts = _texts(asking, wanted) if places else {}
        shown = {(one["platform"], one["post_id"]) for one in texts.values()}
        quotes = [row for row in asking.ask("quotes", questions.QUOTES) if _id(row) not in shown] if places else []
        offers = {row["adcode"]: row["offers"] for row in asking.ask("offers", questions.OFFERS)}
        places_known = _districts(asking.ask("episodes", questions.DISTRICTS), offers)
        districts = tuple(one for one in places_known if _county(one.adcode, "county"))
        topics, absent = _topics(asking), []
        if topics is None:
            absent.append("topics")
        forecasts = _forecasts(asking)
        if forecasts is None:
            absent.append("forecasts")
        health = _health(asking, start, min(end, now), absent)
        models = ", ".join(f"{row['name']} ({row['posts']:,})" for row in asking.ask("models", questions.MODELS))
        return Brief(
            start=start,
            end=end,
            generated=now,
            by=by,
            command=command,
            offset_min=offset_min,
            places_shown=places,
            figures=tuple(figures),
            episodes=tuple(_episode(row, texts, n < TOP) for n, row in enumerate([*waiting, *_closed(episodes)])),
            districts=districts,
            cities=tuple(one for one in places_known if one not in districts),
            around=_around(districts),
            bins=_bins(start, end, step, posts, alerts),
            bin_ms=step,
            moods=_moods(asking.ask("moods", questions.MOODS)),
            topics=topics or (),
            hazards=tuple(_hazard(row, claims, texts) for row in hazards),
            supplies=tuple(
                Supply(row["need"], row["open"], row["people"] or 0, row["matched"])
                for row in asking.ask("episodes", questions.NEEDS)
            ),
            offers=sum(row["offers"] for row in posts),
            silences=tuple(
                Silence(row["place"], row["since"], tuple(row["reasons"]))
                for row in asking.ask("alerts", questions.SILENCES)
            ),
            quotes=tuple(_quote(row) for row in quotes[:QUOTED]),
            forecasts=forecasts or (),
            health=health,
            versions={**(versions or {}), **({"model": models} if models else {})},
            queries=tuple(asking.queries),
            absent=tuple(absent),
        )


def step_of(start: int, end: int) -> int:
    """The time line's step in ms."""
    return next((step for step in STEPS if (end - start) <= BINS * step), STEPS[-1])


def _figures(asking: Asking, posts: Sequence[Row], alerts: Sequence[Row]) -> Iterable[Figure]:
    timeline, told = (query.id for query in asking.queries)
    total = sum(row["posts"] for row in posts)
    yield Figure("posts", total, query=timeline)
    people = asking.ask("people", questions.PEOPLE, PIPELINE)[0]
    why = "" if people["authors"] is not None else "few"
    yield Figure("authors", people["authors"], "about", asking.last, why)
    verbatim = asking.last
    near = asking.ask("copies", questions.COPIES)[0]
    grouped = near["originals"] + near["copies"]
    if grouped >= 0.9 * total > 0:  # else the topics follower did not run, or lags
        yield Figure("copies", near["copies"] / grouped, "share", asking.last)
    else:
        share = 1 - people["originals"] / people["posts"] if people["posts"] else None
        yield Figure("copies-verbatim", share, "share", verbatim)
    yield Figure("calls", sum(row["calls"] for row in posts), query=timeline)
    yield Figure("urgent", sum(row["urgent"] for row in posts), query=timeline)
    yield Figure("alerts", sum(row["alerts"] for row in alerts), query=told)
    yield Figure("acknowledged", sum(row["taken"] for row in alerts), query=told)
    totals = asking.ask("episodes", questions.TOTALS)[0]
    yield Figure("open", totals["open"], query=asking.last)
    yield Figure("p1-open", totals["urgent"], query=asking.last)
    yield Figure("overdue", totals["overdue"], query=asking.last)


def _bins(start: int, end: int, step: int, posts: Sequence[Row], alerts: Sequence[Row]) -> tuple[Bin, ...]:
    by_bin = {row["bin"]: row for row in posts}
    told = {row["bin"]: row["alerts"] for row in alerts}
    nothing = {"posts": 0, "calls": 0}
    found = []
    for n in range(-(-(end - start) // step)):
        row = by_bin.get(n, nothing)
        found.append(Bin(start + n * step, row["posts"], row["calls"], told.get(n, 0)))
    return tuple(found)


def _texts(asking: Asking, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    if not wanted:
        return {}
    platforms, posts = sorted({platform for platform, _ in wanted}), sorted({post for _, post in wanted})
    rows = asking.ask("evidence", questions.TEXTS, platforms=platforms, posts=posts)
    return {_id(row): row for row in rows if _id(row) in set(wanted)}


def _id(row: Row) -> tuple[str, str]:
    return row["platform"], row["post_id"]


def _quote(row: Row) -> Quote:
    return Quote(
        row["platform"], row["post_id"], row["at"], row.get("text_l2", ""), row.get("priority", 4),
        tuple(row.get("needs", ())),
    )  # fmt: skip


def _closed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["state"] == "closed"]


def _episode(row: Row, texts: Mapping[tuple[str, str], Row], quoted: bool) -> Episode:
    county = _county(row["adcode"])
    above = county.path.removesuffix(county.name) if county else ""
    evidence = [tuple(post) for post in row["evidence"]]
    # those whose text may be shown first; the others are named by id
    evidence.sort(key=lambda post: post not in texts)
    return Episode(
        id=row["episode_id"],
        place=row["place"] or (county.path if county else ""),
        district=county.name if county else "",
        above=above,
        adcode=row["adcode"],
        priority=row["priority"],
        state=row["state"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        kind=row["kind"],
        needs=tuple(need for need in row["needs"] if need != "none"),
        hazards=tuple(row["hazards"]),
        people=row["people"],
        vulnerable=tuple(row["vulnerable"]),
        items=tuple(row["items"]),
        posts=row["posts"],
        callers=row["callers"],
        relays=row["relays"],
        owner=row["owner"],
        deadline=row["deadline"],
        proposed=row["proposed"],
        proposed_by=row["proposed_by"],
        called=row["calls"],
        standing=row["standing"],
        reasons=tuple(row["reasons"]),
        offers=row["offers"],
        quotes=tuple(
            _quote(texts[post]) if post in texts else Quote(*post) for post in (evidence[:EVIDENCE] if quoted else ())
        ),
    )


def _hazard(row: Row, claims: Sequence[Row], texts: Mapping[tuple[str, str], Row]) -> Hazard:
    sides: dict[str, tuple[Quote, ...]] = {
        role: tuple(
            _quote({**one, **texts.get(_id(one), {}), "at": one["at"]})
            for one in claims
            if one["episode_id"] == row["episode_id"] and one["role"] == role
        )
        for role in ("claim", "denial")
    }
    county = _county(row["adcode"])
    place = row["place"] or (county.path if county else "")
    return Hazard(
        row["episode_id"], place, tuple(row["hazards"]), row["standing"] or "unverified", row["last_at"],
        sides["claim"], sides["denial"], row["claims"], row["denials"],
    )  # fmt: skip


def _districts(rows: Sequence[Row], offers: Mapping[str, int]) -> tuple[District, ...]:
    found = []
    for row in rows:
        county = _county(row["adcode"])
        if county is None:
            continue  # an episode that names no county, or a code the table does not know
        found.append(
            District(
                county.name,
                row["adcode"],
                county.lat,
                county.lon,
                county.radius_m,
                row["episodes"],
                row["open"],
                row["urgent"] if row["open"] else row["any"],
                row["people"] or 0,
                offers.get(row["adcode"], 0),
            )
        )
    return tuple(found)


def _around(districts: Sequence[District]) -> tuple[District, ...]:
    """The other counties of the same cities."""
    gazetteer = Gazetteer.load()
    taken = {one.adcode for one in districts}
    cities = {gazetteer.divisions[code].parent for code in taken}
    found = [county for city in sorted(filter(None, cities)) for county in gazetteer.counties(city)]
    return tuple(
        District(one.name, one.adcode or "", one.lat, one.lon, one.radius_m)
        for one in found
        if one.level == "county" and one.adcode not in taken
    )


def _county(adcode: str, level: str = "") -> Division | None:
    found = Gazetteer.load().divisions.get(adcode) if adcode else None
    return found if found is not None and level in ("", found.level) else None


def _moods(rows: Sequence[Row]) -> tuple[Mood, ...]:
    order = ("negative", "neutral", "positive", "fear", "angry", "sad", "surprise", "happy")
    found = [Mood(row["kind"], row["label"], row["posts"]) for row in rows if row["posts"]]
    return tuple(sorted(found, key=lambda mood: (order.index(mood.label) if mood.label in order else 9, mood.label)))


def _topics(asking: Asking) -> tuple[Topic, ...] | None:
    """None where no topic was ever written."""
    rows = asking.ask_if_there("topics", questions.TOPICS)
    if rows is None or (not rows and not asking.ask("topics", questions.TOPICS_EVER)[0]["topics"]):
        return None
    return tuple(
        Topic(
            row["topic_id"],
            row["name"],
            row["posts"],
            row["reach"],
            row["first_at"],
            row["growth"],
            _mix(row),
            tuple(county.name for code in row["counties"][:3] if (county := _county(code))),
        )
        for row in rows
    )


def _mix(row: Row) -> dict[str, float]:
    moods = {name: row[name] for name in ("negative", "neutral", "positive")}
    total = sum(value or 0 for value in moods.values())
    if None in moods.values() or not total:
        return {}
    return {name: value / total for name, value in moods.items()}


def _forecasts(asking: Asking) -> tuple[Forecast, ...] | None:
    """None where nothing was ever forecast."""
    rows = asking.ask_if_there("forecasts", questions.FORECASTS)
    if rows is None or (not rows and not asking.ask("forecasts", questions.FORECASTS_EVER)[0]["forecasts"]):
        return None
    return tuple(
        Forecast(
            row["theme"],
            place.name if (place := _county(row["district"])) else row["district"],
            row["monday"],
            row["observed"],
            row["expected"],
            row["lower95"],
            row["upper95"],
        )
        for row in rows
    )


def _health(asking: Asking, start: int, until: int, absent: list[str]) -> tuple[Figure, ...]:
    metrics = asking.ask("metrics", questions.METRICS)[0]
    query = asking.last
    stored = bool(metrics["stored"])
    quiet = max(0, (until - start) // MINUTE_MS - metrics["minutes"])
    found = [
        Figure("stored", metrics["stored"], query=query),
        Figure("lag-median", metrics["median"] if stored else None, "ms", query),
        Figure("lag", metrics["worst"] if stored else None, "ms", query),
        Figure("quiet", quiet, query=query),
        Figure("dead", asking.ask("dead", questions.DEAD)[0]["dead"], query=asking.last),
    ]
    shed = asking.ask_if_there("shed", questions.SHED)
    if shed is None:
        absent.append("shed")
    else:
        found.append(Figure("shed", shed[0]["shed"], query=asking.last))
    return tuple(found)


def _short(value: Any) -> str | int:
    if isinstance(value, list):
        more = f", ... ({len(value)})" if len(value) > _SHOWN else ""
        return "[" + ", ".join(repr(one) for one in value[:_SHOWN]) + more + "]"
    return value if isinstance(value, int) else str(value)
