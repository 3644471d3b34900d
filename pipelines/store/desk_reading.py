"""What people see of episodes: the ranked list, one with its evidence, what was done about it, who has phoned.

Text is ``posts.text_l2``, masked with shared places too, as ``v_calls`` shows it. Tokens of callers are compared inside
the store and never leave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated
from schemas.errors import UsageError
from udfs.episodes.fold import split_id
from udfs.export.case import Case, Circle, Quoted

STATES = ("unverified", "verified", "dispatched", "arrived", "closed")
OPEN = STATES[:-1]


@dataclass(frozen=True, order=True)
class Post:
    """A post by its key."""

    platform: str
    post_id: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.post_id}"


@dataclass(frozen=True)
class Event:
    """A row of ``episode_events``; ``at`` and ``deadline`` are epoch ms."""

    event_id: str
    episode_id: str
    at: int
    actor: str
    action: str
    state: str = ""
    unit: str = ""
    deadline: int | None = None
    note: str = ""
    other_id: str = ""
    posts: tuple[Post, ...] = ()


class DeskReader:
    """Reads episodes through ``client`` (user yuqing). Every method asks the store once, ``calls_back`` a few times."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def find(
        self, states: Sequence[str] = OPEN, adcode: str = "", kind: str = "", unit: str = "", limit: int = 100
    ) -> list[dict[str, Any]]:
        """Episodes that nobody has merged away, as columns of the view ``episodes`` by name, the most urgent first.

        ``adcode``: a county, or a city (410100) or province (410000) with all in it.
        """
        sql = """SELECT * FROM episodes
            WHERE merged_into = '' AND has({states:Array(String)}, state) AND startsWith(adcode, {adcode:String})
                AND ({kind:String} = '' OR kind = {kind:String}) AND ({unit:String} = '' OR owner = {unit:String})
            ORDER BY rank DESC, priority, last_at DESC, episode_id LIMIT {limit:UInt32}"""
        return self._rows(
            sql, {"states": list(states), "adcode": division(adcode), "kind": kind, "unit": unit, "limit": limit}
        )

    def episode(self, episode_id: str) -> dict[str, Any]:
        """The row of the view ``episodes``. Raises UsageError when there is none."""
        rows = self._rows("SELECT * FROM episodes WHERE episode_id = {id:String}", {"id": episode_id})
        if not rows:
            raise UsageError(f"there is no episode {episode_id!r}: `yuqing episodes list` shows them")
        return rows[0]

    def full_id(self, start: str) -> str:
        """The id that begins with ``start``. Raises UsageError when there is none, or more than one."""
        sql = """SELECT DISTINCT episode_id FROM episode_facts WHERE startsWith(episode_id, {start:String})
            ORDER BY episode_id LIMIT 3"""
        found = [str(row["episode_id"]) for row in self._rows(sql, {"start": start})] if start else []
        if start in found:
            return start
        if len(found) == 1:
            return found[0]
        why = f"more than one begins so ({', '.join(found)})" if found else "there is none"
        raise UsageError(f"episode {start!r}: {why}; `yuqing episodes list` shows them")

    def events(self, ids: Sequence[str] | None, start: int = 0, end: int = 2**62) -> list[Event]:
        """Events of these episodes (None: of all) from ``start`` until before ``end`` (ms), oldest first."""
        where = "WHERE has({ids:Array(String)}, episode_id)" if ids is not None else ""
        sql = f"""SELECT event_id, any(episode_id), toUnixTimestamp64Milli(min(e.at)) AS ms, any(actor), any(action),
                any(state), any(unit), any(toUnixTimestamp64Milli(deadline)), any(note), any(other_id), any(posts)
            FROM episode_events AS e {where} GROUP BY event_id
            HAVING ms >= {{start:Int64}} AND ms < {{end:Int64}} ORDER BY ms, event_id"""  # noqa: S608 - no words of a user
        rows = self._rows(sql, {"ids": list(ids or ()), "start": start, "end": end})
        return [Event(*values[:-1], tuple(map(_post, values[-1]))) for values in (list(row.values()) for row in rows)]

    def calls_back(self, episode_id: str) -> list[Event]:
        """Who has phoned about this episode, about any that holds one of its phone numbers, and about those that it was
        merged from or split out of: their posts, and so their numbers, have moved since.

        Oldest first. Posters are not compared, only numbers: two calls of one poster may be about two families.
        """
        return [event for event in self.events(self._of_one_caller(episode_id)) if event.action == "called"]

    def evidence(self, episode_id: str) -> list[dict[str, Any]]:
        """The posts behind an episode, in the order of the facts: platform, post_id, role, created_at, priority, state,
        text (masked). A post that the store no longer has keeps its id and has no text."""
        sql = "SELECT platform, post_id, role FROM episode_posts FINAL WHERE episode_id = {id:String}"
        roles = {(row["platform"], row["post_id"]): row["role"] for row in self._rows(sql, {"id": episode_id})}
        keys = [_post(pair) for pair in self.episode(episode_id)["evidence"]]
        return [{"role": roles.get((row["platform"], row["post_id"]), "")} | row for row in self._masked(keys)]

    def offers(self, episode_id: str) -> list[dict[str, Any]]:
        """Offers of help nearby, in the order of the facts: km, and of the post what ``evidence`` gives."""
        found = [_values(offer) for offer in self.episode(episode_id)["offers"]]
        posts = self._masked([Post(platform, post_id) for platform, post_id, _ in found])
        return [row | {"km": km} for row, (_, _, km) in zip(posts, found, strict=True)]

    def _masked(self, keys: Sequence[Post]) -> list[dict[str, Any]]:
        """A row for each key, in that order."""
        sql = """SELECT platform, post_id, created_at, priority, state, text_l2 AS text FROM posts FINAL
            WHERE (platform, post_id) IN (
                SELECT key.1, key.2
                FROM (SELECT arrayJoin(arrayZip({platforms:Array(String)}, {ids:Array(String)})) AS key))"""
        parameters = {"platforms": [key.platform for key in keys], "ids": [key.post_id for key in keys]}
        there = {(row["platform"], row["post_id"]): row for row in self._rows(sql, parameters)} if keys else {}
        gone = {"created_at": None, "priority": None, "state": "", "text": ""}
        return [
            there.get((key.platform, key.post_id), {"platform": key.platform, "post_id": key.post_id} | gone)
            for key in keys
        ]

    def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        """Episode -> distinct phone numbers in its posts; how many, never which."""
        sql = """WITH mine AS (SELECT platform, post_id, episode_id FROM episode_posts FINAL
                WHERE has({ids:Array(String)}, episode_id))
            SELECT mine.episode_id AS id, uniqExact(p.token) AS numbers FROM mine
            INNER JOIN (SELECT platform, post_id, arrayJoin(phone_tokens) AS token FROM posts FINAL
                WHERE (platform, post_id) IN (SELECT platform, post_id FROM mine)) AS p
                ON p.platform = mine.platform AND p.post_id = mine.post_id
            GROUP BY id"""
        return {row["id"]: row["numbers"] for row in self._rows(sql, {"ids": list(ids)})}

    def posts_of(self, episode_id: str) -> set[Post]:
        """Every post of an episode."""
        sql = "SELECT platform, post_id FROM episode_posts FINAL WHERE episode_id = {id:String}"
        return {Post(row["platform"], row["post_id"]) for row in self._rows(sql, {"id": episode_id})}

    def _of_one_caller(self, episode_id: str) -> list[str]:
        sql = """SELECT event_id, any(action) AS what, any(episode_id) AS one, any(other_id) AS into FROM episode_events
            WHERE action IN ('merge', 'split') GROUP BY event_id"""
        origins: dict[str, set[str]] = {}
        for event in self._rows(sql, {}):
            goes_on = event["into"] if event["what"] == "merge" else split_id(event["event_id"])
            origins.setdefault(goes_on, set()).add(event["one"])
        family, more = {episode_id}, {episode_id}
        while more := set().union(*(origins.get(one, ()) for one in more)) - family:
            family |= more
        shared = """SELECT DISTINCT episode_id FROM episode_posts FINAL WHERE caller_token IN (
            SELECT arrayJoin(phone_tokens) FROM posts FINAL WHERE (platform, post_id) IN (
                SELECT platform, post_id FROM episode_posts FINAL WHERE has({ids:Array(String)}, episode_id)))"""
        return sorted(family | {row["episode_id"] for row in self._rows(shared, {"ids": [episode_id]})})

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        with translated("episodes"):
            answer = self._client.query(sql, parameters=dict(parameters))
            return [
                {name: _utc(value) for name, value in zip(answer.column_names, row, strict=True)}
                for row in answer.result_rows
            ]


def case(
    row: Mapping[str, Any],
    numbers: int = 0,
    evidence: Sequence[Mapping[str, Any]] = (),
    county: Circle | None = None,
) -> Case:
    """A row of ``find`` or ``episode`` as exports take it, with what ``numbers`` and ``evidence`` found."""
    return Case(
        episode_id=row["episode_id"],
        kind=row["kind"],
        priority=row["priority"],
        place=row["place"],
        level=row["level"],
        adcode=row["adcode"],
        first_at=_ms(row["first_at"]) or 0,
        last_at=_ms(row["last_at"]) or 0,
        state=row["state"],
        lat=row["lat"],
        lon=row["lon"],
        radius_m=row["radius_m"],
        needs=tuple(row["needs"]),
        hazards=tuple(row["hazards"]),
        items=tuple(row["items"]),
        vulnerable=tuple(row["vulnerable"]),
        people=row["people"],
        callers=row["callers"],
        relays=row["relays"],
        posts=row["posts"],
        standing=row["standing"],
        owner=row["owner"],
        deadline=_ms(row["deadline"]),
        verified_at=_ms(row["verified_at"]),
        numbers=numbers,
        calls=row["calls"],
        called_at=_ms(row["last_called_at"]),
        proposed=row["proposed"],
        proposed_by=str(_post(row["proposed_by"])) if row["proposed"] else "",
        quoted=tuple(Quoted(post["platform"], post["post_id"], post["text"]) for post in evidence if post["text"]),
        county=county,
    )


def division(adcode: str) -> str:
    """What the codes of all counties in ``adcode`` begin with: 410100 is 4101, 410000 is 41, 410103 itself."""
    if adcode and not (len(adcode) == 6 and adcode.isascii() and adcode.isdigit()):
        raise UsageError(f"--adcode {adcode!r}: a code of GB/T 2260 has six digits, like 410103 (or 410100 for a city)")
    return adcode.removesuffix("00").removesuffix("00")


def short(episode_id: str) -> str:
    """The id as lists show it; commands take any unique beginning."""
    return episode_id[:12]


def _post(pair: Any) -> Post:
    return Post(*_values(pair))


def _values(named: Any) -> list[Any]:
    """A named tuple of ClickHouse, which the driver gives as a mapping."""
    return list(named.values() if isinstance(named, Mapping) else named)


def _utc(value: Any) -> Any:
    """The driver gives times of UTC without saying so; Python would take them for those of the machine's zone."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
