"""What one stored post is to the episodes: a call, a claim, a denial, a closing, an offer, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from udfs.episodes.closing import MAY_CLOSE, proposes_closed
from udfs.episodes.copies import Signature, signature
from udfs.episodes.episode import PostKey
from udfs.episodes.offers import Offer, serves
from udfs.episodes.rumours import denies, hazards_denied, structure
from udfs.episodes.site import Site, site_of, sites_named, sites_of
from udfs.episodes.written_time import DAY_MS, WrittenTime, written_time

Kind = Literal["call", "claim", "denial", "closing", "offer", "repost"]

RELAYING = frozenset({"relay", "volunteer", "media"})
MANY_SITES, MANY_PHONES = 4, 4
"""A post that names so many is a list of calls: it folds by its first place only, and bridges none."""

_MAY_CLOSE = re.compile(MAY_CLOSE)

COLUMNS = (
    *("created_at", "text", "places", "phone_tokens", "author_token", "needs", "hazards", "items", "people"),
    *("source_kind", "state", "priority", "repost_of"),
)
"""Columns of ``posts`` that are read, besides platform, post_id and stored_at."""


@dataclass(slots=True)
class Reading:
    """A post, read. Times in ms; ``posted`` is never later than the store got it."""

    key: PostKey
    kind: Kind
    posted: int
    stored: int
    written: WrittenTime | None
    site: Site | None
    phones: tuple[str, ...]
    author: str
    repost_of: str
    needs: tuple[str, ...]
    hazards: tuple[str, ...]
    items: tuple[str, ...]
    people: int | None
    vulnerable: tuple[str, ...]
    source_kind: str
    priority: int
    state: str
    a_list: bool = False
    signature: Signature | None = None
    structure: str = ""
    sites: tuple[Site, ...] = ()
    """All that are named below the town, `site` among them."""
    near: list[tuple[float, str]] | None = None
    """What the index of copies said of it; asked once."""

    @property
    def relays(self) -> bool:
        """Whether it says itself that it passes on."""
        return self.source_kind in RELAYING or bool(self.repost_of)

    @property
    def at(self) -> int:
        """When it was written, as it says itself, else when it was posted."""
        return self.written.ms if self.written else self.posted

    @property
    def opens(self) -> bool:
        """Whether it can be the first of an episode: somebody could act on it.

        Priority 1 always; 2 with a number or a place below the county; 3 (goods, manpower) with a number and a county
        or below.
        """
        if self.kind == "claim":
            near = self.site is not None and self.site.said and self.site.level not in ("province", "city")
            return near or bool(self.structure)
        if self.kind != "call":
            return False
        site, told = self.site, self.source_kind in ("media", "official")
        deep = site is not None and site.deep
        if told:
            return deep and self.priority <= 2
        if self.priority == 1:
            return True
        if self.priority == 2:
            return bool(self.phones) or deep or (site is not None and site.level == "town")
        near = site is not None and site.said and site.level not in ("province", "city")
        return self.priority == 3 and near and bool(self.phones)


def read(post: Mapping[str, Any]) -> Reading | None:
    """Read a row of ``posts`` (COLUMNS, platform, post_id, stored_at; times in ms). None: it is nothing to episodes.

    Cost: about 0.2 ms for a call (half of it the signature), a few microseconds for an everyday post.
    """
    named = [need["need"] for need in post["needs"] or ()]
    asks = tuple(need for need in named if need != "offer")
    hazards = tuple(post["hazards"] or ())
    text = post["text"] or ""
    kind = _kind(post, text, asks, "offer" in named, hazards)
    if kind is None:
        return None
    stored = post["stored_at"]
    posted = min(post["created_at"] or stored, stored)
    places = post["places"] or ()
    phones = tuple(dict.fromkeys(post["phone_tokens"] or ()))
    many = sites_named(places) >= MANY_SITES or len(phones) >= MANY_PHONES
    people = post["people"] or {}
    call = kind == "call"
    return Reading(
        key=(post["platform"], post["post_id"]),
        kind=kind,
        posted=posted,
        stored=stored,
        written=written_time(text, posted),
        site=site_of(places),
        phones=() if many else phones,
        author=post["author_token"] or "",
        repost_of=post["repost_of"] or "",
        needs=asks,
        hazards=tuple(hazards_denied(text)) if kind == "denial" else hazards,
        items=tuple(dict.fromkeys(item["name"] for item in post["items"] or ())),
        people=people.get("count") if call else None,
        vulnerable=tuple(people.get("vulnerable") or ()) if call else (),
        source_kind=post["source_kind"] or "other",
        priority=post["priority"] or 4,
        state=post["state"] or "",
        a_list=many,
        signature=signature(text) if kind in ("call", "claim") else None,
        structure=structure(text) if kind in ("claim", "denial") else "",
        sites=() if many else sites_of(places),
    )


def _kind(
    post: Mapping[str, Any], text: str, asks: tuple[str, ...], offers: bool, hazards: tuple[str, ...]
) -> Kind | None:
    may_close = post["state"] == "closed" or (not asks and post["state"] != "partial" and _MAY_CLOSE.search(text))
    if may_close and (post["places"] or post["phone_tokens"]) and proposes_closed(text, asks, hazards):
        return "closing"
    if not asks and denies(text) and (hazards or hazards_denied(text)):
        return "denial"
    if asks:
        return "call"
    if offers:
        return "offer"
    if hazards:
        return "claim"
    return "repost" if post["repost_of"] else None


def offer_of(post: Mapping[str, Any]) -> Offer | None:
    """The offer that a post makes; None when it does not say what, or where."""
    site = site_of(post["places"] or ())
    if site is None or site.lat is None or site.lon is None or site.level in ("province",):
        return None
    given = serves(post["text"] or "")
    items = tuple(dict.fromkeys(item["name"] for item in post["items"] or ()))
    if not given and not items:
        return None
    posted = min(post["created_at"] or post["stored_at"], post["stored_at"])
    return Offer(post["platform"], post["post_id"], posted, site.adcode, site.lat, site.lon, given, items)


__all__ = ["COLUMNS", "DAY_MS", "Reading", "offer_of", "read"]
