"""What a brief says. Times are ms since the epoch; texts are masked already; names are codes that `words` turns into
language, except places, topics and units, which stand as the store has them.

Nothing here names an author, a caller or a token, and there is no field for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EPISODE_STATES = ("unverified", "verified", "dispatched", "arrived", "closed")


@dataclass(frozen=True)
class Query:
    """Where numbers come from: one statement, as it was asked."""

    id: str
    """Q1, Q2, ...: what stands beside the numbers."""
    about: str
    """Key of `words`: what it answers."""
    account: str
    """The store's user that asked."""
    sql: str
    parameters: Mapping[str, str | int]
    rows: int


@dataclass(frozen=True)
class Figure:
    """One headline number. ``value`` None: it cannot be told, and ``why`` (key of `words`) says why."""

    name: str
    value: float | None
    kind: str = "count"
    """count, share (0-1) or about (rounded to the nearest five)."""
    query: str = ""
    why: str = ""


@dataclass(frozen=True)
class Quote:
    """A post that is quoted: masked text, "" where it may not be shown; always with its id."""

    platform: str
    post_id: str
    at: int | None = None
    text: str = ""
    priority: int = 4
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Episode:
    """One thing that happens at one place. ``place`` is as deep as the reader may see."""

    id: str
    place: str
    district: str
    adcode: str
    priority: int
    state: str
    first_at: int
    last_at: int
    above: str = ""
    """What of ``place`` lies above its county: 河南省郑州市. Written small, since a whole brief may share it."""
    kind: str = "help"
    """help or hazard."""
    needs: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    people: int | None = None
    vulnerable: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    posts: int = 0
    callers: int = 0
    relays: int = 0
    owner: str = ""
    deadline: int | None = None
    proposed: str = ""
    """closed or partial: what a post proposes and nobody has taken up."""
    proposed_by: str = ""
    """Id of that post."""
    called: int = 0
    """How often somebody has phoned back."""
    standing: str = ""
    """Of a hazard: unverified, official or contested."""
    reasons: tuple[str, ...] = ()
    offers: int = 0
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True)
class Topic:
    """``moods``: sentiment -> share, empty where fewer than 20 authors wrote."""

    id: str
    name: str
    posts: int
    reach: int
    first_at: int
    growth: float | None = None
    moods: Mapping[str, float] = field(default_factory=dict)
    districts: tuple[str, ...] = ()


@dataclass(frozen=True)
class District:
    """A county on the map. ``priority``: of its most urgent open episode."""

    name: str
    adcode: str
    lat: float
    lon: float
    radius_m: int = 0
    episodes: int = 0
    open: int = 0
    priority: int = 4
    people: int = 0
    offers: int = 0


@dataclass(frozen=True)
class Hazard:
    """Claims and denials side by side; the software decides nothing."""

    episode: str
    place: str
    hazards: tuple[str, ...]
    standing: str
    last_at: int
    claims: tuple[Quote, ...] = ()
    denials: tuple[Quote, ...] = ()
    claimed: int = 0
    denied: int = 0


@dataclass(frozen=True)
class Supply:
    """One need: open episodes that ask for it, the people they speak of, and how many have an offer nearby."""

    need: str
    open: int
    people: int
    matched: int


@dataclass(frozen=True)
class Silence:
    """A district that fell silent in an emergency."""

    district: str
    since: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """A forecast that the count has left."""

    theme: str
    district: str
    week: int
    observed: float
    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """A step of the time line."""

    at: int
    posts: int
    calls: int
    alerts: int


@dataclass(frozen=True)
class Mood:
    """``label`` of ``kind`` (sentiment or emotion), posts to the nearest five, cells of at least 20 authors only."""

    kind: str
    label: str
    posts: int


@dataclass(frozen=True)
class Brief:
    """All of it. ``queries`` is the annex; ``absent`` names parts whose table is not there or not readable."""

    start: int
    end: int
    generated: int
    by: str
    command: str = ""
    """How to make it again."""
    offset_min: int = 480
    """Minutes east of UTC in which times are written: 480 is China."""
    places_shown: bool = True
    """False: places down to the county only, and no text of posts."""
    figures: tuple[Figure, ...] = ()
    episodes: tuple[Episode, ...] = ()
    """Ranked, the most urgent first."""
    districts: tuple[District, ...] = ()
    cities: tuple[District, ...] = ()
    """Cities with episodes that name no county: listed, not drawn."""
    around: tuple[District, ...] = ()
    """Districts of the same cities without an episode, drawn pale."""
    bins: tuple[Bin, ...] = ()
    bin_ms: int = 0
    moods: tuple[Mood, ...] = ()
    topics: tuple[Topic, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    supplies: tuple[Supply, ...] = ()
    offers: int = 0
    """Posts of the period that offer help."""
    silences: tuple[Silence, ...] = ()
    quotes: tuple[Quote, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    health: tuple[Figure, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    queries: tuple[Query, ...] = ()
    absent: tuple[str, ...] = ()
    """Parts that cannot be told, because no job or table of this site provides them."""

    def asked(self, *about: str) -> str:
        """Ids of the queries about these, as they stand behind a heading."""
        return " ".join(query.id for query in self.queries if query.about in about)

    @property
    def empty(self) -> bool:
        """Nothing happened: no post, no episode, no alert."""
        return not (self.episodes or self.quotes or any(b.posts or b.calls or b.alerts for b in self.bins))
