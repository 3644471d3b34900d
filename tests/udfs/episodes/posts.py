"""Stored posts for the tests, as the follower reads them."""

from __future__ import annotations

from typing import Any

T0 = 1_626_789_600_000
"""20 July 2021, 22:00 in Beijing."""
MINUTE, HOUR = 60_000, 3_600_000
GONGYI, XINMI = ("河南省郑州市巩义市", "410181", 34.75, 112.98), ("河南省郑州市新密市", "410183", 34.54, 113.39)


def place(
    county: tuple[str, str, float, float], own: str = "", level: str = "village", start: int = 0
) -> dict[str, Any]:
    name, adcode, lat, lon = county
    level = level if own else "county"
    where = {"lat": lat, "lon": lon, "radius_m": 20_000, "start": start, "end": start + 4}
    return {"name": name + own, "level": level, "adcode": adcode, **where}


def post(post_id: str, text: str, *places: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A call for rescue by its author, half a minute after T0 unless said otherwise."""
    row = {
        "platform": "weibo",
        "post_id": post_id,
        "created_at": T0 + 30_000,
        "text": text,
        "places": list(places),
        "phone_tokens": [],
        "author_token": f"author {post_id}",
        "needs": [{"need": "rescue", "score": 0.9}],
        "help_score": 0.9,
        "hazards": [],
        "items": [],
        "people": {"count": None, "vulnerable": []},
        "source_kind": "self",
        "state": "open",
        "priority": 1,
        "repost_of": "",
        **values,
    }
    row.setdefault("stored_at", row["created_at"] + 1_000)
    return row
