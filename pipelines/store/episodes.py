"""What the software finds of episodes, in the store: `episode_facts`, `episode_posts`, and what it reads back of them.

Every row has a version that only grows; the latest counts, so writing again changes nothing. What people did stands in
`episode_events` and is only read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from pipelines.store.client import translated
from pipelines.store.sinks import times
from udfs.episodes.episode import Episode, PostKey
from udfs.episodes.fold import WINDOW_MS, Placement
from udfs.episodes.offers import Offer
from udfs.episodes.ranking import rank, reasons
from udfs.episodes.reading import COLUMNS

KEYS_AT_ONCE = 500
BYTES_AT_ONCE = 100_000
"""Of ids in one question: they travel in its address."""
EPISODES_AT_ONCE = 100
_MOST_RECOVERED = 5_000
_PLAIN = {"output_format_arrow_low_cardinality_as_dictionary": 0, "output_format_arrow_string_as_string": 1}

POST = pa.struct([("platform", pa.string()), ("post_id", pa.string())])
OFFER = pa.struct([("platform", pa.string()), ("post_id", pa.string()), ("km", pa.float32())])


class Event(NamedTuple):
    """A merge or split by hand. ``posts`` leave on a split; on a merge all go into ``other_id``."""

    event_id: str
    episode_id: str
    action: str
    other_id: str
    posts: tuple[PostKey, ...]


def write_posts(client: Client, placements: Sequence[Placement], version: int) -> None:
    """Which post belongs to which episode; returns after the acknowledgement."""
    if not placements:
        return
    columns = {
        "platform": [one.key[0] for one in placements],
        "post_id": [one.key[1] for one in placements],
        "episode_id": [one.episode_id for one in placements],
        "role": [one.role for one in placements],
        "caller_token": [one.caller_token for one in placements],
        "at": times(pa.array([one.at for one in placements], pa.int64())),
        "version": pa.array([version] * len(placements), pa.uint64()),
    }
    _insert(client, "episode_posts", columns)


def write_facts(client: Client, changed: Sequence[tuple[Episode, list[tuple[Offer, float]]]], version: int) -> None:
    """What the episodes are by now, with offers nearby; returns after the acknowledgement."""
    if not changed:
        return
    episodes = [episode for episode, _ in changed]
    sites = [episode.site for episode in episodes]
    strings = pa.list_(pa.string())

    def numbers(name: str) -> pa.Array:
        return pa.array([getattr(episode, name) for episode in episodes], pa.uint32())

    def moments(name: str) -> pa.Array:
        return times(pa.array([getattr(episode, name) for episode in episodes], pa.int64()))

    def lists(name: str) -> pa.Array:
        return pa.array([getattr(episode, name) for episode in episodes], strings)

    columns = {
        "episode_id": [episode.episode_id for episode in episodes],
        "version": pa.array([version] * len(episodes), pa.uint64()),
        "kind": [episode.kind for episode in episodes],
        "place": [site.name if site else "" for site in sites],
        "level": [site.level if site else "" for site in sites],
        "adcode": [site.adcode if site else "" for site in sites],
        "lat": pa.array([site.lat if site else None for site in sites], pa.float64()),
        "lon": pa.array([site.lon if site else None for site in sites], pa.float64()),
        "radius_m": pa.array([site.radius_m if site else None for site in sites], pa.int32()),
        **{name: lists(name) for name in ("needs", "hazards", "items", "vulnerable")},
        "people": pa.array([episode.people for episode in episodes], pa.int32()),
        "priority": pa.array([episode.priority for episode in episodes], pa.uint8()),
        **{name: numbers(name) for name in ("callers", "relays", "posts", "claims", "denials")},
        **{name: moments(name) for name in ("first_at", "last_at", "last_posted_at", "proposed_at")},
        "standing": [episode.standing for episode in episodes],
        "proposed": [episode.proposed for episode in episodes],
        "proposed_by": pa.array([_post(episode.proposed_by) for episode in episodes], POST),
        "rank": pa.array([rank(episode) for episode in episodes], pa.float64()),
        "reasons": pa.array([reasons(episode) for episode in episodes], strings),
        "evidence": pa.array([[_post(e[2:]) for e in episode.evidence] for episode in episodes], pa.list_(POST)),
        "offers": pa.array(
            [[{"platform": o.platform, "post_id": o.post_id, "km": km} for o, km in offers] for _, offers in changed],
            pa.list_(OFFER),
        ),
    }
    _insert(client, "episode_facts", columns)


def known(client: Client, keys: Sequence[PostKey]) -> dict[PostKey, str]:
    """Those of ``keys`` that belong to an episode, and which. Cost: a few milliseconds a thousand."""
    found: dict[PostKey, str] = {}
    for part in _parts(keys):
        with translated("episode_posts"):
            answer = client.query(
                "SELECT platform, post_id, episode_id FROM episode_posts FINAL WHERE (platform, post_id) IN "
                "(SELECT arrayJoin(arrayZip({platforms:Array(String)}, {ids:Array(String)})))",
                {"platforms": [key[0] for key in part], "ids": [key[1] for key in part]},
            )
        found.update({(platform, post_id): episode for platform, post_id, episode in answer.result_rows})
    return found


def written_after(client: Client, version: int) -> list[str]:
    """Episodes with posts of a version above ``version``, of the time in which posts fold; newest first, bounded."""
    with translated("episode_posts"):
        answer = client.query(
            "SELECT episode_id FROM episode_posts FINAL WHERE version > {version:UInt64} "
            "AND stored_at > (SELECT max(stored_at) FROM episode_posts) - INTERVAL {hours:UInt32} HOUR "
            "GROUP BY episode_id ORDER BY max(version) DESC, episode_id LIMIT {most:UInt32}",
            {"version": version, "hours": WINDOW_MS // 3_600_000, "most": _MOST_RECOVERED},
        )
    return [row[0] for row in answer.result_rows]


def latest_version(client: Client) -> int:
    """The greatest version written so far, 0 without any."""
    with translated("episode_posts"):
        answer = client.query(
            "SELECT greatest((SELECT max(version) FROM episode_posts), (SELECT max(version) FROM episode_facts))"
        )
    return int(answer.first_row[0] or 0)


def posts_of(client: Client, episode_ids: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(episode, row of `posts`) of each episode's posts, as `udfs.episodes.reading` reads them, in order of storing."""
    names = ("platform", "post_id", "stored_at", *COLUMNS)
    moments = {"stored_at", "created_at"}
    select = ", ".join(
        f"toUnixTimestamp64Milli(p.{name}) AS {name}_" if name in moments else f"p.{name} AS {name}_" for name in names
    )
    for at in range(0, len(episode_ids), EPISODES_AT_ONCE):
        part = list(episode_ids[at : at + EPISODES_AT_ONCE])
        sql = (
            f"SELECT e.episode_id AS episode, {select} FROM "  # noqa: S608 - names of our own columns
            "(SELECT platform, post_id, episode_id FROM episode_posts FINAL WHERE episode_id IN "
            "{episodes:Array(String)}) AS e INNER JOIN "
            "(SELECT * FROM posts FINAL WHERE (platform, post_id) IN (SELECT platform, post_id FROM "
            "episode_posts WHERE episode_id IN {episodes:Array(String)})) AS p "
            "ON p.platform = e.platform AND p.post_id = e.post_id ORDER BY p.stored_at, p.platform, p.post_id"
        )
        with translated("posts of episodes", detail=False):
            found = client.query_arrow(sql, {"episodes": part}, settings=_PLAIN)
        for row in found.rename_columns(["episode", *names]).to_pylist():
            yield row.pop("episode"), row


def merges_and_splits(client: Client) -> list[Event]:
    """All that people merged or split, in the order in which they did."""
    with translated("episode_events"):
        answer = client.query(
            "SELECT event_id, any(episode_id), any(action), any(other_id), any(posts), min(at) AS first FROM "
            "episode_events WHERE action IN ('merge', 'split') GROUP BY event_id ORDER BY first, event_id"
        )
    return [
        Event(event_id, episode_id, action, other_id, tuple((p[0], p[1]) for p in map(_values, posts)))
        for event_id, episode_id, action, other_id, posts, _ in answer.result_rows
    ]


def members(client: Client, episode_id: str) -> list[Placement]:
    """Where the posts of an episode stand."""
    with translated("episode_posts"):
        answer = client.query(
            "SELECT platform, post_id, episode_id, role, caller_token, toUnixTimestamp64Milli(at) FROM episode_posts "
            "FINAL WHERE episode_id = {episode:String} ORDER BY at, platform, post_id",
            {"episode": episode_id},
        )
    return [Placement((row[0], row[1]), *row[2:]) for row in answer.result_rows]


def _values(pair: Any) -> tuple[Any, ...]:
    return tuple(pair.values()) if isinstance(pair, Mapping) else tuple(pair)


def _post(key: Iterable[str]) -> dict[str, str]:
    platform, post_id = key
    return {"platform": platform, "post_id": post_id}


def _parts(keys: Sequence[PostKey]) -> Iterator[list[PostKey]]:
    part: list[PostKey] = []
    size = 0
    for key in keys:
        part.append(key)
        size += 3 * (len(key[0]) + len(key[1])) + 10
        if len(part) >= KEYS_AT_ONCE or size > BYTES_AT_ONCE:
            yield part
            part, size = [], 0
    if part:
        yield part


def _insert(client: Client, table: str, columns: Mapping[str, Any]) -> None:
    with translated(f"insert into {table}", detail=False):
        client.insert_arrow(table, pa.table(dict(columns)))
