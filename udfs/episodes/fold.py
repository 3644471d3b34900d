"""The memory over posts: which episode a post belongs to, and what each episode is by now.

A call joins the open episode with which it agrees most: on the place below the county (site), a number, or as a near
copy, whichever it has; never one whose place contradicts its own. A new place in a known county is a new episode,
whatever the wording and whoever's number: volunteers give one number for many villages, and calls are copied with
other names put in. The need is no key: it changes between copies of one call. Patients of one hospital are no episode.

A post that names no site joins a number or a copy. With a division only (a town, a county) it folds within the hour
with calls from there for the same: wider would hide a call behind another.

Hazards without a call are episodes of their own kind, by structure (a reservoir, a dyke), site, or hazard and county.

Nothing folds after ``window_ms`` without a post. Memory is bounded: at most ``capacity`` episodes, those that nobody
posts about leaving first, each with bounded parts. The same posts in the same order give the same episodes with the
same ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from udfs.episodes.copies import CopyIndex
from udfs.episodes.episode import MOST_CALLERS, Episode, PostKey
from udfs.episodes.offers import Offer, Offers
from udfs.episodes.reading import Reading, offer_of, read
from udfs.episodes.site import Site, conflict, same

HOUR_MS = 3_600_000
WINDOW_MS = 48 * HOUR_MS
SHALLOW_MS = HOUR_MS
"""For calls that name no more than a town or county."""
CAPACITY = 5_000
REMEMBERED_POSTS = 20_000
"""Posts by which reposts find their episode."""
BUSY_NUMBER = 4
"""Episodes elsewhere with one number from which it is a go-between's: it folds nothing any more."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a post went. ``role``: call, relay, copy, claim, denial or closing."""

    key: PostKey
    episode_id: str
    role: str
    caller_token: str
    at: int


class _Saved(msgspec.Struct):
    version: int
    episodes: list[Episode]
    changed: list[str]
    posts: list[tuple[str, str, str]]
    owners: list[str]
    signatures: bytes
    offers: list[Offer]
    denials: list[tuple[PostKey, int, str, str, list[str]]]


class Folder:
    """Takes posts in the order of the store. Not thread-safe.

    Cost: see docs/episodes.md. ``changed`` are the episodes that differ from what was last fetched with `fetch`.
    """

    def __init__(self, window_ms: int = WINDOW_MS, capacity: int = CAPACITY) -> None:
        self.window_ms, self.capacity = window_ms, capacity
        self.episodes: dict[str, Episode] = {}
        self.changed: dict[str, None] = {}
        self._found: dict[str, list[str]] = {}
        self._posts: dict[PostKey, str] = {}
        self._copies = CopyIndex(2 * capacity)
        self._offers = Offers()
        self._denials: dict[PostKey, tuple[PostKey, int, str, str, list[str]]] = {}
        self._late: list[Placement] = []

    # -- taking ------------------------------------------------------------------------------------------------------
    def take(self, post: Mapping[str, Any], known: str = "") -> Placement | None:
        """Put a post (see `reading.read`) where it belongs; None when it belongs nowhere.

        ``known``: the episode in which the store has it already. Then nothing is counted again; only a closing that
        was edited into it is heard.
        """
        reading = read(post)
        if reading is None:
            return None
        if reading.kind == "offer":
            if (offer := offer_of(post)) is not None:
                self._offer(offer)
            return None
        if known:
            if reading.kind == "closing" and known in self.episodes:
                self._propose(self.episodes[known], reading)
            return None
        if reading.kind == "denial":
            return self._deny(reading)
        if reading.kind == "closing":
            return self._close(reading)
        if reading.kind == "repost":
            return self._repost(reading)
        episode, copied = self._best(reading)
        if episode is None:
            if not reading.opens:
                return None
            episode = self._open(reading)
        return self._join(episode, reading, copied)

    def put(self, post: Mapping[str, Any], episode_id: str) -> Placement | None:
        """Put a post into an episode, whatever it says: what people decided, and what was decided before a restart."""
        reading = read(post)
        if reading is None or reading.kind == "offer":
            return None
        episode = self.episodes.get(episode_id)
        if reading.kind in ("denial", "closing", "repost"):
            if episode is None:
                return None
            if reading.kind == "repost":
                return self._relay(episode, reading)
            if reading.kind == "denial":
                return self._denied(episode, reading.key, reading.at, reading)
            self._propose(episode, reading)
            return self._placed(episode, reading, "closing", reading.at)
        if episode is None:
            episode = self._open(reading, episode_id)
        site = reading.site
        sites = episode.sites
        if site is not None and 0 < len(sites) <= 20 and all(conflict(known, site) for known in sites):
            episode.also.append(site)
        copied = next((owner for owner in self._copied(reading) if owner == episode_id), "")
        return self._join(episode, reading, copied)

    def remembers(self, key: PostKey) -> bool:
        """Whether a repost of the post ``key`` would find its episode."""
        return key in self._posts

    def forget(self, episode_ids: Iterable[str]) -> None:
        """Drop episodes from memory."""
        gone = [one for one in dict.fromkeys(episode_ids) if one in self.episodes]
        for episode_id in gone:
            for key in self.episodes.pop(episode_id).keys:
                self._unlist(key, episode_id)
            self.changed.pop(episode_id, None)
        if gone:
            self._posts = {post: owner for post, owner in self._posts.items() if owner in self.episodes}
            self._copies.keep(self.episodes)

    def fetch(self) -> list[tuple[Episode, list[tuple[Offer, float]]]]:
        """The episodes that changed since the last call, each with offers nearby."""
        changed = [self.episodes[one] for one in self.changed if one in self.episodes]
        self.changed = {}
        self._trim()
        return [(episode, self._nearby(episode)) for episode in changed]

    # -- finding -----------------------------------------------------------------------------------------------------
    def _best(self, reading: Reading) -> tuple[Episode | None, str]:
        """The episode with which a call or claim agrees most, and whether that has a near copy of it (its id)."""
        scores: dict[str, int] = {}
        for episode_id in self._at_site(reading):
            scores[episode_id] = scores.get(episode_id, 0) + 4
        for episode_id in self._by_phone(reading):
            scores[episode_id] = scores.get(episode_id, 0) + 3
        copied = self._copied(reading)
        for episode_id in copied:
            scores[episode_id] = scores.get(episode_id, 0) + 2
        source = self._posts.get((reading.key[0], reading.repost_of)) if reading.repost_of else None
        if source is not None:
            scores[source] = scores.get(source, 0) + 3
        fits = [
            self.episodes[one] for one in scores if one in self.episodes and self._fits(self.episodes[one], reading)
        ]
        if not fits:
            fits = self._shallow(reading)
            scores = {one.episode_id: 1 for one in fits}
        if not fits:
            return None, ""
        best = max(fits, key=lambda one: (scores[one.episode_id], one.last_posted_at, one.episode_id))
        return best, best.episode_id if best.episode_id in copied else ""

    def _fits(self, episode: Episode, reading: Reading) -> bool:
        if episode.kind != _kind_of(reading):
            return False
        if not episode.first_posted_at - self.window_ms <= reading.posted <= episode.last_posted_at + self.window_ms:
            return False
        if reading.structure and f"structure {reading.structure}" in episode.keys:
            return _same_city(episode.site, reading.site)  # other counties are those that shall flee
        by_number = any(phone in episode.phones for phone in reading.phones)
        return _placed_alike(episode, reading, 2 if by_number else 3)

    def _at_site(self, reading: Reading) -> Iterator[str]:
        if _of_a_patient(reading):
            return
        for key in _site_keys(reading):
            for episode_id in self._found.get(key, ()):
                deep = [site for site in self.episodes[episode_id].sites if site.deep]
                here = reading.site
                if key.startswith("structure") or not deep or here is None or not here.deep:
                    yield episode_id  # by structure, or hazard and county
                elif any(same(site, here) for site in deep):
                    yield episode_id

    def _by_phone(self, reading: Reading) -> Iterator[str]:
        for phone in reading.phones:
            episodes = self._found.get(f"phone {phone}", ())
            if len(episodes) < BUSY_NUMBER:
                yield from episodes

    def _copied(self, reading: Reading) -> dict[str, None]:
        """Episodes with a near copy. One that gives another number is another caller's, in the words of a form."""
        if reading.signature is None or reading.a_list:
            return {}
        found: dict[str, None] = {}
        for _, owner in self._alike(reading):
            episode = self.episodes.get(owner)
            if episode is None:
                continue
            deep = reading.site is not None and reading.site.deep and episode.site is not None and episode.site.deep
            if not deep and reading.phones and episode.phones and not set(reading.phones) & set(episode.phones):
                continue
            found[owner] = None
        return found

    def _alike(self, reading: Reading) -> list[tuple[float, str]]:
        if reading.near is None:
            reading.near = self._copies.alike(reading.signature) if reading.signature is not None else []
        return reading.near

    def _shallow(self, reading: Reading) -> list[Episode]:
        key = _shallow_key(reading)
        fits = []
        for episode_id in self._found.get(key, ()) if key else ():
            episode = self.episodes[episode_id]
            near = abs(reading.posted - episode.last_posted_at) <= SHALLOW_MS
            other_number = reading.phones and episode.phones and not set(reading.phones) & set(episode.phones)
            if near and not other_number and set(episode.needs) & set(reading.needs):
                fits.append(episode)
        return fits

    # -- joining -----------------------------------------------------------------------------------------------------
    def _open(self, reading: Reading, episode_id: str = "") -> Episode:
        # a post that a split by hand took out of its episode opens another: then the caller gives the id
        episode_id = episode_id or first_id(reading.key)
        episode = Episode(
            episode_id,
            _kind_of(reading),
            first_at=reading.at,
            last_at=reading.at,
            first_posted_at=reading.posted,
            last_posted_at=reading.posted,
        )
        self.episodes[episode_id] = episode
        return episode

    def _join(self, episode: Episode, reading: Reading, copied: str) -> Placement:
        first = episode.posts == 0
        role = self._role(episode, reading, bool(copied))
        # a copy brings no news: it keeps the time of what it copies, unless it names a day itself
        at = reading.at
        if role == "copy" and not (reading.written and reading.written.dated):
            at = episode.last_call_at or episode.last_at
        if role != "copy" or at > episode.last_at:
            episode.last_at = at if first else max(episode.last_at, at)
        episode.first_at = min(episode.first_at, at)
        if role == "call":
            episode.last_call_at = max(episode.last_call_at, at)
        episode.priority = min(episode.priority, reading.priority) if not first else reading.priority
        _extend(episode.needs, reading.needs)
        _extend(episode.hazards, reading.hazards)
        _extend(episode.items, reading.items)
        _extend(episode.vulnerable, reading.vulnerable)
        if reading.people is not None:
            episode.people = max(episode.people or 0, reading.people)
        self._settle(episode, reading)
        for phone in reading.phones:
            if len(episode.phones) < MOST_CALLERS:
                episode.phones.setdefault(phone, reading.author)
            episode.add_caller(phone)
        if role == "call" and not reading.phones and reading.source_kind == "self":
            episode.add_caller(reading.author)
        if role in ("relay", "copy"):
            episode.relays += 1
        if role == "claim":
            episode.claims += 1
            episode.official |= reading.source_kind == "official"
        self._list(episode, reading)
        weight = {"call": 3, "claim": 3, "relay": 2, "copy": 1}[role]
        placement = self._placed(episode, reading, role, at, weight)
        if first and episode.kind == "hazard":
            self._denied_before(episode, reading)
        return placement

    def _role(self, episode: Episode, reading: Reading, copied: bool) -> str:
        if episode.kind == "hazard":
            return "claim"
        if reading.relays:
            return "copy" if copied else "relay"
        author = next((episode.phones[phone] for phone in reading.phones if phone in episode.phones), None)
        if author is not None and author != reading.author:
            return "copy" if copied else "relay"  # most who pass on a number keep the first person
        mine = author is not None or reading.author in episode.caller_tokens
        return "copy" if copied and not mine else "call"

    def _settle(self, episode: Episode, reading: Reading) -> None:
        """Take over the place of a post that says it more closely."""
        site, known = reading.site, episode.site
        if site is None or (reading.a_list and known is not None):
            return
        if known is None or _closeness(site) > _closeness(known):
            episode.site = site
        elif site.level == known.level and site.own != known.own and site.own.endswith(known.own) and known.own:
            episode.site = site  # the first name was cut: 庙村 of 三官庙村

    def _list(self, episode: Episode, reading: Reading) -> None:
        keys = list(_site_keys(reading))
        keys += [f"phone {phone}" for phone in reading.phones]
        if (key := _shallow_key(reading)) and not (episode.site and episode.site.deep):
            keys.append(key)
        if episode.kind == "help" and reading.site is not None and reading.site.adcode:
            keys.append(f"county {reading.site.adcode}")  # for offers
        for key in keys:
            if key not in episode.keys and len(episode.keys) < 100:
                if key.startswith("phone "):
                    self._relate(episode, self._found.get(key, ()))
                episode.keys.append(key)
                self._found.setdefault(key, []).append(episode.episode_id)
        there = any(owner == episode.episode_id and share >= 0.95 for share, owner in self._alike(reading))
        if reading.signature is not None and not reading.a_list and not there:
            self._copies.add(reading.signature, episode.episode_id)

    def _relate(self, episode: Episode, others: Iterable[str]) -> None:
        for other in others:
            if other != episode.episode_id and other not in episode.related and len(episode.related) < 3:
                episode.related.append(other)

    def _placed(self, episode: Episode, reading: Reading, role: str, at: int, weight: int = 2) -> Placement:
        episode.posts += 1
        episode.first_posted_at = min(episode.first_posted_at, reading.posted)
        episode.last_posted_at = max(episode.last_posted_at, reading.posted)
        episode.taken_at = max(episode.taken_at, reading.stored)
        episode.add_evidence(weight, at, reading.key)
        self.changed[episode.episode_id] = None
        self._posts[reading.key] = episode.episode_id
        if len(self._posts) > REMEMBERED_POSTS:
            del self._posts[next(iter(self._posts))]
        caller = reading.phones[0] if reading.phones else reading.author
        return Placement(reading.key, episode.episode_id, role, caller, at)

    # -- what is not a call ------------------------------------------------------------------------------------------
    def _repost(self, reading: Reading) -> Placement | None:
        source = self._posts.get((reading.key[0], reading.repost_of), "")
        episode = self.episodes.get(source)
        return None if episode is None else self._relay(episode, reading)

    def _relay(self, episode: Episode, reading: Reading) -> Placement:
        episode.relays += 1
        return self._placed(episode, reading, "relay", reading.at, 1)

    def _close(self, reading: Reading) -> Placement | None:
        """A closing belongs to the open call with its number or its site; without either it says nothing here."""
        found: dict[str, int] = {}
        if reading.site is not None and reading.site.deep:
            found.update(dict.fromkeys(self._at_site(reading), 1))
        for episode_id in self._by_phone(reading):
            found[episode_id] = 2
        fits = [
            episode
            for one in found
            if (episode := self.episodes[one]).kind == "help"
            and episode.first_posted_at <= reading.posted <= episode.last_posted_at + self.window_ms
            and _placed_alike(episode, reading)
        ]
        if not fits:
            return None
        episode = max(fits, key=lambda one: (found[one.episode_id], one.last_posted_at, one.episode_id))
        self._propose(episode, reading)
        return self._placed(episode, reading, "closing", reading.at)

    def _propose(self, episode: Episode, reading: Reading) -> None:
        if reading.at >= episode.proposed_at:
            episode.proposed, episode.proposed_by, episode.proposed_at = "closed", reading.key, reading.at
            self.changed[episode.episode_id] = None

    def _deny(self, reading: Reading) -> Placement | None:
        """A denial stands beside the claims it is about; one that comes before them waits for them."""
        hazards = (one for one in self.episodes.values() if one.kind == "hazard")
        for episode in sorted(hazards, key=lambda one: (-one.last_posted_at, one.episode_id)):
            if self._about(episode, reading.posted, reading.structure, reading.site, reading.hazards):
                return self._denied(episode, reading.key, reading.at, reading)
        place = reading.site.name if reading.site else ""
        if reading.structure or place:
            self._denials[reading.key] = (reading.key, reading.posted, reading.structure, place, list(reading.hazards))
            if len(self._denials) > 200:
                del self._denials[next(iter(self._denials))]
        return None

    def _about(
        self, episode: Episode, posted: int, structure: str, site: Site | None, hazards: Iterable[str], place: str = ""
    ) -> bool:
        """Whether a denial is about an episode: the same structure; else the same place and hazard."""
        if episode.kind != "hazard" or abs(posted - episode.last_posted_at) > self.window_ms:
            return False
        if structure and f"structure {structure}" in episode.keys:
            return _same_city(episode.site, site)
        if not set(hazards) & set(episode.hazards) or (
            structure and any(k.startswith("structure") for k in episode.keys)
        ):
            return False
        if site is not None and site.deep:
            return episode.site is not None and episode.site.deep and same(site, episode.site)
        name = site.name if site is not None and site.level in ("county", "town") else place
        return bool(name) and episode.site is not None and episode.site.name == name

    def _denied(self, episode: Episode, key: PostKey, at: int, reading: Reading | None = None) -> Placement:
        episode.denials += 1
        self.changed[episode.episode_id] = None
        if reading is not None:
            return self._placed(episode, reading, "denial", at)
        episode.posts += 1
        episode.add_evidence(2, at, key)
        return Placement(key, episode.episode_id, "denial", "", at)

    def _denied_before(self, episode: Episode, reading: Reading) -> None:
        for key, (_, posted, structure, place, hazards) in list(self._denials.items()):
            if self._about(episode, posted, structure, None, hazards, place):
                del self._denials[key]
                self._late.append(self._denied(episode, key, posted))

    def late(self) -> list[Placement]:
        """Denials that found their episode after they were taken, since the last call."""
        found, self._late = self._late, []
        return found

    # -- offers ------------------------------------------------------------------------------------------------------
    def _offer(self, offer: Offer) -> None:
        if not self._offers.add(offer):
            return
        for episode_id in self._found.get(f"county {offer.adcode}", ())[-200:]:
            episode = self.episodes[episode_id]
            if set(offer.serves) & set(episode.needs) or set(offer.items) & set(episode.items):
                self.changed[episode_id] = None

    def _nearby(self, episode: Episode) -> list[tuple[Offer, float]]:
        site = episode.site
        if episode.kind != "help" or site is None or site.lat is None or site.lon is None or site.level == "province":
            return []
        where = {"adcode": site.adcode, "lat": site.lat, "lon": site.lon, "at": episode.last_posted_at}
        return self._offers.nearby(needs=episode.needs, items=episode.items, **where)  # type: ignore[arg-type]  # text and numbers in one dict

    # -- keeping it bounded ------------------------------------------------------------------------------------------
    def _trim(self) -> None:
        if not self.episodes:
            return
        newest = max(episode.taken_at for episode in self.episodes.values())
        gone = [one for one, episode in self.episodes.items() if episode.taken_at < newest - self.window_ms]
        room = self.capacity
        if len(self.episodes) - len(gone) > room:
            oldest = sorted(self.episodes.values(), key=lambda one: (one.taken_at, one.episode_id))
            gone = [one.episode_id for one in oldest[: len(self.episodes) - room * 9 // 10]]  # in one go: it costs
        self.forget(gone)

    def _unlist(self, key: str, episode_id: str) -> None:
        owners = self._found.get(key, [])
        if episode_id in owners:
            owners.remove(episode_id)
        if not owners:
            self._found.pop(key, None)

    # -- snapshots ---------------------------------------------------------------------------------------------------
    def state(self) -> bytes:
        """All of it, as msgpack: no text of a post; about 1.5 KiB an episode."""
        owners, signatures = self._copies.state()
        posts = [(*post, owner) for post, owner in self._posts.items()]
        return msgspec.msgpack.encode(
            _Saved(
                VERSION,
                list(self.episodes.values()),
                list(self.changed),
                posts,
                owners,
                signatures,
                list(self._offers),
                list(self._denials.values()),
            )
        )

    def load(self, state: bytes) -> None:
        """Go on from what `state` gave. Raises ValueError for another version or what is none."""
        saved = msgspec.msgpack.decode(state, type=_Saved)
        if saved.version != VERSION:
            raise ValueError(f"a snapshot of version {saved.version}, not {VERSION}")
        self.__init__(self.window_ms, self.capacity)  # type: ignore[misc]
        for episode in saved.episodes:
            self.episodes[episode.episode_id] = episode
            for key in episode.keys:
                self._found.setdefault(key, []).append(episode.episode_id)
        self.changed = dict.fromkeys(saved.changed)
        self._posts = {(platform, post_id): owner for platform, post_id, owner in saved.posts}
        self._copies.load(saved.owners, saved.signatures)
        self._offers = Offers(saved.offers)
        self._denials = {denial[0]: denial for denial in saved.denials}


def first_id(key: PostKey) -> str:
    """The id of an episode that the post ``key`` opens: 128 bits as hex."""
    return hashlib.sha256("\x1f".join(("episode", *key)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def split_id(event_id: str) -> str:
    """The id of the episode that a split by hand makes."""
    return hashlib.sha256(f"split\x1f{event_id}".encode()).hexdigest()[:32]


def _kind_of(reading: Reading) -> str:
    return "help" if reading.kind == "call" else "hazard"


def _placed_alike(episode: Episode, reading: Reading, shortest: int = 3) -> bool:
    """Whether no place of the post contradicts the episode's, or another of its places is that of the episode
    ("XX镇汽车站, 石桥旁")."""
    sites = episode.sites
    if not sites or any(not conflict(known, reading.site, shortest) for known in sites):
        return True
    return any(same(site, known) for known in sites if known.deep for site in reading.sites)


_HOSPITAL = re.compile(r"(?:医院|卫生院|院区)$")


def _of_a_patient(reading: Reading) -> bool:
    """Whether it asks for medical help from a hospital: of those who lie there each is a call of his own, unless the
    hospital itself is in danger."""
    site = reading.site
    return site is not None and "medical" in reading.needs and not reading.hazards and bool(_HOSPITAL.search(site.own))


def _same_city(one: Site | None, other: Site | None) -> bool:
    if one is None or other is None or not one.adcode or not other.adcode:
        return True
    return one.adcode[:4] == other.adcode[:4]


def _site_keys(reading: Reading) -> Iterator[str]:
    """Under which keys a post finds its place. Names that begin alike meet; `site.same` decides."""
    site = reading.site
    if reading.kind in ("claim", "denial"):
        if reading.structure:
            yield f"structure {reading.structure}"
        if site is not None and site.deep:
            yield f"hazard {site.scope} {site.own[:3]}"
        elif site is not None and reading.hazards and not reading.structure:
            yield f"hazard {reading.hazards[0]} {site.name}"
        return
    if site is not None and site.deep:
        yield f"site {site.scope} {site.own[:2]}"
        if len(site.own) >= 3:
            yield f"site {site.scope} …{site.own[-3:]}"


def _shallow_key(reading: Reading) -> str:
    site = reading.site
    if reading.kind != "call" or site is None or not site.said or site.deep or site.level in ("province", "city"):
        return ""
    return f"division {site.name}"


def _closeness(site: Site) -> int:
    order = ("province", "city", "county", "town", "road", "poi", "village")
    return (order.index(site.level) * 2 + bool(site.town)) if site.said else -1


def _extend(known: list[str], new: Iterable[str]) -> None:
    for value in new:
        if value not in known and len(known) < 20:
            known.append(value)
