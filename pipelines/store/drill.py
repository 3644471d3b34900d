"""What a drill's store holds of one drill, for its score sheet. Ids, times and counts only; no text."""

from __future__ import annotations

from typing import Any

from pipelines.store.client import StoreSettings, connect, translated

_POSTS = (
    "SELECT post_id, toUnixTimestamp64Milli(ingested_at) FROM posts FINAL WHERE startsWith(post_id, {prefix:String})"
)
_HITS = """
SELECT alert_id, any(rule), min(priority), post_id, toUnixTimestamp64Milli(min(stored_at)) FROM alert_hits
WHERE startsWith(post_id, {prefix:String}) AND notify = 1 GROUP BY alert_id, post_id ORDER BY alert_id, post_id
"""
_TOLD = """
SELECT alert_id, toUnixTimestamp64Milli(min(at)) FROM alert_deliveries WHERE status = 'done' GROUP BY alert_id
"""
_EPISODES = "SELECT post_id, episode_id FROM episode_posts FINAL WHERE startsWith(post_id, {prefix:String})"
_ACTS = """
SELECT episode_id, any(action), toUnixTimestamp64Milli(min(at)) AS moment FROM episode_events
GROUP BY event_id, episode_id ORDER BY moment
"""


def seen(settings: StoreSettings, prefix: str) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of posts, hits, told, episodes and acts, for ids that begin with `prefix`. Raises as `connect` does."""
    questions = {"posts": _POSTS, "hits": _HITS, "told": _TOLD, "episodes": _EPISODES, "acts": _ACTS}
    with connect(settings) as client, translated("the drill's score"):
        return {
            name: [tuple(row) for row in client.query(sql, {"prefix": prefix}).result_rows]
            for name, sql in questions.items()
        }
