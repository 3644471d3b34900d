"""What a drill is scored by: what was known of each post against alerts, episodes and what people did. Pure.

Times are seconds of the clock on the wall, whatever the speed of the drill: software and people live by that clock. A
time counts from the moment the pipeline was handed the first call of an episode.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

MUST_ALERT = 2
"""Episodes of this priority or a more urgent one are missed when no alert names any of their posts."""
CALLING = frozenset({"call", "copy", "forward", "near_copy"})


@dataclass(frozen=True)
class Hit:
    """A post of an alert, as the store has it."""

    alert_id: str
    rule: str
    priority: int
    post_id: str
    stored_ms: int


@dataclass(frozen=True)
class Act:
    """What a person did about an episode of the software."""

    episode_id: str
    action: str
    at_ms: int


@dataclass(frozen=True)
class Seen:
    """All that the drill's store holds of one drill."""

    handed_ms: Mapping[str, int]
    """post id -> when the pipeline was handed it; posts that were not stored are absent."""
    hits: Sequence[Hit]
    told_ms: Mapping[str, int]
    """alert id -> when it was first delivered."""
    episode_of: Mapping[str, str]
    """post id -> episode of the software."""
    acts: Sequence[Act]


@dataclass
class Known:
    """An episode that really is, and what became of it."""

    episode: str
    priority: int
    needs: tuple[str, ...]
    hazards: tuple[str, ...]
    adcode: str | None
    first_call: str
    called_ms: int
    posts: list[str] = field(default_factory=list)
    alerts: set[str] = field(default_factory=set)
    first_alert_ms: int | None = None


def score(truths: Iterable[Mapping[str, Any]], seen: Seen) -> dict[str, Any]:
    """The sheet as plain values: `summary`, `episodes`, `false_alerts`, `people`. `truths` in the order of the feed."""
    known: dict[str, Known] = {}
    kinds: dict[str, Mapping[str, Any]] = {}
    posts = 0
    for truth in truths:
        handed = seen.handed_ms.get(truth["id"])
        if handed is None:
            continue
        posts += 1
        kinds[truth["id"]] = truth
        name = truth.get("episode")
        if name is None or truth["kind"] not in CALLING | {"update"}:
            continue
        if name not in known and truth["kind"] in CALLING:
            known[name] = Known(
                name,
                truth["priority"] or 4,
                tuple(truth["needs"]),
                tuple(truth["hazards"]),
                truth["adcode"],
                truth["id"],
                handed,
            )
        if name in known:
            known[name].posts.append(truth["id"])
    of_post = {post: episode for episode in known.values() for post in episode.posts}
    alerts: dict[str, list[Hit]] = defaultdict(list)
    for hit in seen.hits:
        if hit.post_id in kinds:
            alerts[hit.alert_id].append(hit)
    for alert, hits in alerts.items():
        for hit in hits:
            if (episode := of_post.get(hit.post_id)) is not None:
                episode.alerts.add(alert)
                episode.first_alert_ms = min(episode.first_alert_ms or hit.stored_ms, hit.stored_ms)
    false = [_false(alert, hits, kinds) for alert, hits in alerts.items() if _is_false(hits, kinds, of_post)]
    acts: dict[str, list[Act]] = defaultdict(list)
    for act in seen.acts:
        acts[act.episode_id].append(act)
    rows = [_row(episode, seen, acts) for episode in known.values()]
    rows.sort(key=lambda row: (row["priority"], row["first_call_ms"]))
    return {
        "summary": _summary(posts, rows, alerts, false),
        "people": _people(rows),
        "episodes": rows,
        "false_alerts": sorted(false, key=lambda row: (row["priority"], row["alert_id"])),
    }


def _row(episode: Known, seen: Seen, acts: Mapping[str, Sequence[Act]]) -> dict[str, Any]:
    found = {seen.episode_of[post] for post in episode.posts if post in seen.episode_of}
    done = sorted((act for name in found for act in acts.get(name, ())), key=lambda act: act.at_ms)
    told = min((seen.told_ms[alert] for alert in episode.alerts if alert in seen.told_ms), default=None)
    until = episode.first_alert_ms
    return {
        "episode": episode.episode,
        "priority": episode.priority,
        "needs": list(episode.needs),
        "hazards": list(episode.hazards),
        "adcode": episode.adcode,
        "first_call": episode.first_call,
        "first_call_ms": episode.called_ms,
        "posts": len(episode.posts),
        "posts_before_alert": sum(seen.handed_ms[post] < until for post in episode.posts) if until else None,
        "alerts": len(episode.alerts),
        "first_alert_s": _since(episode.called_ms, until),
        "told_s": _since(episode.called_ms, told),
        "found_as": len(found),
        "acts": [act.action for act in done],
        "first_act_s": _since(episode.called_ms, done[0].at_ms if done else None),
        "dispatched_s": _since(
            episode.called_ms, next((act.at_ms for act in done if act.action in ("dispatch", "arrive")), None)
        ),
    }


def _since(start_ms: int, end_ms: int | None) -> float | None:
    return None if end_ms is None else max(0.0, (end_ms - start_ms) / 1000)


def _is_false(hits: Sequence[Hit], kinds: Mapping[str, Mapping[str, Any]], of_post: Mapping[str, Known]) -> bool:
    """No post behind it belongs to an episode, and none asks for or tells anything that needs anybody."""
    return not any(
        hit.post_id in of_post
        or kinds[hit.post_id].get("episode") is not None
        or (kinds[hit.post_id].get("priority") or 4) < 4
        for hit in hits
    )


def _false(alert: str, hits: Sequence[Hit], kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "alert_id": alert,
        "rule": hits[0].rule,
        "priority": min(hit.priority for hit in hits),
        "posts": len(hits),
        "kinds": dict(Counter(str(kinds[hit.post_id]["kind"]) for hit in hits)),
    }


def _summary(
    posts: int, rows: Sequence[dict[str, Any]], alerts: Mapping[str, Sequence[Hit]], false: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    by_priority = {}
    for priority in sorted({row["priority"] for row in rows}):
        own = [row for row in rows if row["priority"] == priority]
        by_priority[str(priority)] = {"episodes": len(own)} | _waited(own)
    must = [row for row in rows if row["priority"] <= MUST_ALERT]
    return {
        "posts": posts,
        "episodes": len(rows),
        "must_alert": {"episodes": len(must)} | _waited(must),
        "by_priority": by_priority,
        "alerts": len(alerts),
        "false_alerts": len(false),
    }


def _waited(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    times = sorted(row["first_alert_s"] for row in rows if row["first_alert_s"] is not None)
    return {
        "alerted": len(times),
        "missed": len(rows) - len(times),
        "first_alert_p50_s": median(times) if times else None,
        # the smallest time that at least 95 of 100 do not exceed
        "first_alert_p95_s": times[-(-95 * len(times) // 100) - 1] if times else None,
        "first_alert_max_s": times[-1] if times else None,
    }


def _people(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    must = [row for row in rows if row["priority"] <= MUST_ALERT]
    acted = [row["first_act_s"] for row in must if row["first_act_s"] is not None]
    sent = [row["dispatched_s"] for row in must if row["dispatched_s"] is not None]
    return {
        "episodes": len(must),
        "acted_on": len(acted),
        "first_act_p50_s": median(acted) if acted else None,
        "dispatched": len(sent),
        "dispatched_p50_s": median(sent) if sent else None,
        "untouched": [row["episode"] for row in must if row["first_act_s"] is None],
    }
