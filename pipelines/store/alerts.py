"""The stream's side of alerts: which posts raise one, and which posts belong to the same.

Two lanes, so that a slow model never delays a keyword. ``rules`` (before the model): a critical keyword term, outside
hashtags and tails. ``needs`` (after it): priority 1 with a need for help or a hazard, unless the post says it is over.

Folding. One event is told once, however many posts repeat it::

    alert_id = SHA-256(rule, fold key, event-time window)

The fold key is the first of these that the post has:

1. ``place``: its deepest place, if that is a village, road or point of interest. A county or town is no event: folding
   by it would hide a hundred calls behind one;
2. ``phone``: the token of its first phone number; copies of a call carry the caller's number;
3. ``copy``: a near-copy group of the masked text (``copy_group``).

Nothing is remembered between rows, so every engine and every replay finds the same groups. What that costs: an event at
the border of two windows is told twice.

The table holds facts (one row a post and alert); the view ``alerts`` counts distinct posts and callers, so repeats
raise the counts and deliveries of the same post do not.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.store.client import StoreSettings
from pipelines.store.sinks import GIVE_UP_AFTER_S, TIMESTAMP, StoreSink, now_ms, times, versions
from schemas.records import PLACE_LEVELS, rows_of, values_of

Lane = Literal["rules", "needs"]

HOUR_MS = 3_600_000
WINDOW_HOURS = 6
MAX_AGE_HOURS = 24.0
RULE_PRIORITY = 2
"""Of an alert that only a keyword raised: 1 is for what triage has found."""

NEED_RULE = "urgent-need"
"""One name for all needs: rescue and medical help at one place are one alert whose needs are both."""

FOLDING_LEVELS = frozenset({"village", "road", "poi"})
NOT_HELP = frozenset({"none", "offer"})

SHINGLE = 4
HASHES = 4
LONGEST = 1_000
"""Characters of a text that are compared."""


@dataclass(frozen=True)
class Hit:
    """A post that belongs to an alert; ``row`` is its row in the batch."""

    row: int
    alert_id: str
    rule: str
    priority: int
    fold: str
    place: str
    adcode: str
    needs: tuple[str, ...]
    caller_token: str
    reasons: tuple[str, ...]


def find_hits(batch: pa.RecordBatch, lane: Lane, window_ms: int = WINDOW_HOURS * HOUR_MS) -> list[Hit]:
    """The alerts that the posts of ``batch`` belong to: at most one a post and rule.

    Cost: a few microseconds a batch when nothing fires; about 50 us for a post that does.
    """
    return _rule_hits(batch, window_ms) if lane == "rules" else _need_hits(batch, window_ms)


class WriteAlerts(StoreSink):
    """Writes the hits of one lane to ``alert_hits``.

    ``notify`` is 0 (counted, never sent) when ``generation`` > 0, which is a replay, and for posts that were more than
    ``max_age_hours`` old when the reader handed them on.
    """

    name = "alert"
    table = "alert_hits"
    reads = (
        *("id", "platform", "created_at", "updated_at", "ingested_at", "text", "keywords", "places"),
        *("author_token", "phone_tokens"),
    )

    def __init__(
        self,
        settings: StoreSettings,
        lane: Lane = "rules",
        generation: int = 0,
        max_age_hours: float = MAX_AGE_HOURS,
        window_hours: int = WINDOW_HOURS,
        clock: Callable[[], int] = now_ms,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        super().__init__(settings, clock, give_up_after_s)
        if lane not in ("rules", "needs"):
            raise ValueError(f"lane {lane!r} is neither rules nor needs")
        self.lane: Lane = lane
        self.generation = generation
        self.max_age_ms = int(max_age_hours * HOUR_MS)
        self.window_ms = window_hours * HOUR_MS

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        hits = find_hits(batch, self.lane, self.window_ms)
        if hits:
            self.insert(self.rows(batch, hits))
        return batch

    def rows(self, batch: pa.RecordBatch, hits: Sequence[Hit]) -> dict[str, pa.Array]:
        """The columns of ``alert_hits``."""
        posts = batch.select(_STORED).take(pa.array([hit.row for hit in hits], pa.int64()))
        age = pc.subtract(posts.column("ingested_at"), posts.column("created_at"))
        notify = [int(self.generation == 0 and ms is not None and ms <= self.max_age_ms) for ms in age.to_pylist()]
        version = versions(posts.column("updated_at"), self.generation).tolist()
        count = len(hits)
        return {
            "alert_id": pa.array([hit.alert_id for hit in hits], pa.string()),
            "platform": posts.column("platform"),
            "post_id": posts.column("id"),
            "version": pa.array([n << 63 | v for n, v in zip(notify, version, strict=True)], pa.uint64()),
            "lane": pa.array([self.lane] * count, pa.string()),
            "rule": pa.array([hit.rule for hit in hits], pa.string()),
            "priority": pa.array([hit.priority for hit in hits], pa.uint8()),
            "fold": pa.array([hit.fold for hit in hits], pa.string()),
            "place": pa.array([hit.place for hit in hits], pa.string()),
            "adcode": pa.array([hit.adcode for hit in hits], pa.string()),
            "needs": pa.array([list(hit.needs) for hit in hits], pa.list_(pa.string())),
            "caller_token": pa.array([hit.caller_token for hit in hits], pa.string()),
            "reasons": pa.array([list(hit.reasons) for hit in hits], pa.list_(pa.string())),
            "notify": pa.array(notify, pa.uint8()),
            "at": times(posts.column("created_at")),
            "stored_at": pa.array([self.clock()] * count, pa.int64()).cast(TIMESTAMP),
        }


_STORED = ["platform", "id", "created_at", "updated_at", "ingested_at"]
"""Columns of the batch that a hit is stored with; taking the rows of all of them would copy texts and embeddings."""


def _rule_hits(batch: pa.RecordBatch, window_ms: int) -> list[Hit]:
    keywords: pa.ListArray = batch.column("keywords")
    critical = _present(keywords.flatten().field("critical"))
    if not critical.any():
        return []
    rows = np.unique(_present(pc.list_parent_indices(keywords))[critical])
    hits = []
    for post in _posts(batch, rows):
        terms: dict[str, dict[str, None]] = {}  # rule -> its terms, in order of the text
        for keyword in post.values["keywords"]:
            if keyword["critical"]:
                terms.setdefault(keyword["rule"], {})[f"{keyword['term']} ({keyword['category']})"] = None
        hits += [post.hit(rule, RULE_PRIORITY, (), tuple(why), window_ms) for rule, why in terms.items()]
    return hits


def _need_hits(batch: pa.RecordBatch, window_ms: int) -> list[Hit]:
    hits = []
    urgent = _present(pc.equal(batch.column("priority"), 1))
    for post in _posts(batch, urgent.nonzero()[0]):
        told = post.values
        needs = tuple(need["need"] for need in told["needs"] or () if need["need"] not in NOT_HELP)
        hazards = tuple(told["hazards"] or ())
        if told["state"] == "closed" or not (needs or hazards):
            continue
        vulnerable = (told["people"] or {}).get("vulnerable") or ()
        reasons = (
            *("need " + need for need in needs),
            *("hazard " + hazard for hazard in hazards),
            *("vulnerable " + group for group in vulnerable),
        )
        hits.append(post.hit(NEED_RULE, 1, needs, reasons, window_ms))
    return hits


_POST_COLUMNS = (
    *("text", "created_at", "places", "phone_tokens", "author_token"),
    *("keywords", "needs", "hazards", "people", "state"),
)


def _present(values: pa.Array) -> np.ndarray[Any, Any]:
    """As an array of numpy; null is 0 or false."""
    return values.fill_null(0 if pa.types.is_integer(values.type) else False).to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class _Post:
    """What an alert needs of a post that raises one; ``row`` is its row in the batch."""

    row: int
    values: Mapping[str, Any]
    place: Mapping[str, Any] | None
    fold: tuple[str, str]

    def hit(self, rule: str, priority: int, needs: tuple[str, ...], reasons: tuple[str, ...], window_ms: int) -> Hit:
        phones = self.values["phone_tokens"] or ()
        fold, key = self.fold
        return Hit(
            row=self.row,
            alert_id=alert_id(rule, fold, key, (self.values["created_at"] or 0) // window_ms),
            rule=rule,
            priority=priority,
            fold=fold,
            place=self.place["name"] if self.place else "",
            adcode=(self.place["adcode"] or "") if self.place else "",
            needs=needs,
            caller_token=phones[0] if phones else self.values["author_token"] or "",
            reasons=reasons,
        )


_FIELDS = {
    "places": ("name", "level", "adcode"),
    "keywords": ("rule", "category", "term", "critical"),
    "needs": ("need",),
}
"""What is read of lists of structs."""


def _read(column: pa.Array, name: str) -> Sequence[Any]:
    return rows_of(column, *_FIELDS[name]) if name in _FIELDS else values_of(column)


def _posts(batch: pa.RecordBatch, rows: np.ndarray[Any, Any]) -> Iterator[_Post]:
    """Posts of ``rows``: columns are read for all of them at once, which costs a third of reading one by one."""
    there = [name for name in _POST_COLUMNS if name in batch.schema.names]  # before the model: no needs yet
    taken = batch.select(there).take(pa.array(rows, pa.int64()))
    columns = [_read(taken.column(name), name) for name in there]
    for row, values in zip(rows.tolist(), zip(*columns, strict=True), strict=True):
        post = dict(zip(there, values, strict=True))
        place = deepest_place(post["places"] or ())
        yield _Post(row, post, place, fold_key(place, post["phone_tokens"] or (), post["text"] or ""))


def alert_id(rule: str, fold: str, key: str, window: int) -> str:
    """128 bits as hex: the same event gives the same id on every engine."""
    return hashlib.sha256("\x1f".join((rule, fold, key, str(window))).encode()).hexdigest()[:32]


def deepest_place(places: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The place with the narrowest level; of several the one named first."""
    return max(places, key=lambda place: PLACE_LEVELS.index(place["level"]), default=None)


def fold_key(place: Mapping[str, Any] | None, phones: Sequence[str], text: str) -> tuple[str, str]:
    """(kind, key) by which posts fold; see the module text."""
    if place and place["level"] in FOLDING_LEVELS:
        return "place", place["name"]
    if phones:
        return "phone", phones[0]
    return "copy", copy_group(text)


_TAIL = re.compile(r"//\s*@.*$", re.DOTALL)
_NOT_COMPARED = re.compile(r"<[A-Z_]+>|#[^#]{1,64}#|@[\w\-]+|https?://\S+")
_NOT_A_WORD = re.compile(r"[\W\d_]+")


def copy_group(text: str) -> str:
    """A group that near copies of a masked text share, found without memory.

    Tokens, hashtags, mentions, forwarded tails, digits and punctuation are dropped; of the 4-character shingles of what
    is left, the minima of four hash functions together name the group (MinHash, Broder 1997, one band of four rows).
    Two texts whose shingles overlap by J (Jaccard) meet with probability J**4: copies that differ in what was dropped
    always, J = .95 in 81%, two different calls in one phrasing (J = .5) in 6%. A copy that is missed costs a second
    alert; two calls taken for one would hide a call, so the bands lean to that side.
    """
    words = _NOT_A_WORD.sub("", _NOT_COMPARED.sub(" ", _TAIL.sub("", unicodedata.normalize("NFKC", text).lower())))
    words = words[:LONGEST]
    shingles = {words[i : i + SHINGLE] for i in range(max(1, len(words) - SHINGLE + 1))}
    digests = np.frombuffer(b"".join(map(_hashes, shingles)), ">u4").reshape(-1, HASHES)
    return "-".join(f"{value:08x}" for value in digests.min(axis=0).tolist())


@lru_cache(maxsize=1 << 16)
def _hashes(shingle: str) -> bytes:
    """The values of a shingle under all hash functions, big-endian; remembered, since four characters come again."""
    return hashlib.blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=4 * HASHES).digest()
