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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.store.client import StoreSettings
from pipelines.store.sinks import GIVE_UP_AFTER_S, TIMESTAMP, StoreSink, now_ms, times, versions
from schemas.records import PLACE_LEVELS

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
        posts = batch.take(pa.array([hit.row for hit in hits], pa.int64()))
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


def _rule_hits(batch: pa.RecordBatch, window_ms: int) -> list[Hit]:
    keywords: pa.ListArray = batch.column("keywords")
    critical = keywords.values.field("critical").to_numpy(zero_copy_only=False)
    if not critical.any():
        return []
    hits = []
    offsets = keywords.offsets.to_numpy().tolist()
    for row, (first, last) in enumerate(pairwise(offsets)):
        if not critical[first:last].any():
            continue
        terms: dict[str, dict[str, None]] = {}  # rule -> its terms, in order of the text
        for keyword in keywords[row].as_py():
            if keyword["critical"]:
                terms.setdefault(keyword["rule"], {})[f"{keyword['term']} ({keyword['category']})"] = None
        post = _post(batch, row)
        hits += [_hit(row, post, rule, RULE_PRIORITY, (), tuple(why), window_ms) for rule, why in terms.items()]
    return hits


def _need_hits(batch: pa.RecordBatch, window_ms: int) -> list[Hit]:
    hits = []
    urgent = pc.equal(batch.column("priority"), 1).fill_null(False).to_numpy(zero_copy_only=False)
    for row in urgent.nonzero()[0].tolist():
        post = _post(batch, row)
        needs = tuple(need["need"] for need in post["needs"] or () if need["need"] not in NOT_HELP)
        hazards = tuple(post["hazards"] or ())
        if post["state"] == "closed" or not (needs or hazards):
            continue
        vulnerable = (post["people"] or {}).get("vulnerable") or ()
        reasons = (
            *("need " + need for need in needs),
            *("hazard " + hazard for hazard in hazards),
            *("vulnerable " + group for group in vulnerable),
        )
        hits.append(_hit(row, post, NEED_RULE, 1, needs, reasons, window_ms))
    return hits


_POST_COLUMNS = ["text", "created_at", "places", "phone_tokens", "author_token", "needs", "hazards", "people", "state"]


def _post(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    there = set(batch.schema.names)  # the rules lane comes before the model: no needs yet
    return {name: batch.column(name)[row].as_py() for name in _POST_COLUMNS if name in there}


def _hit(
    row: int,
    post: Mapping[str, Any],
    rule: str,
    priority: int,
    needs: tuple[str, ...],
    reasons: tuple[str, ...],
    window_ms: int,
) -> Hit:
    place = deepest_place(post["places"] or ())
    phones = post["phone_tokens"] or ()
    fold, key = fold_key(place, phones, post["text"] or "")
    window = (post["created_at"] or 0) // window_ms
    return Hit(
        row=row,
        alert_id=alert_id(rule, fold, key, window),
        rule=rule,
        priority=priority,
        fold=fold,
        place=place["name"] if place else "",
        adcode=(place["adcode"] or "") if place else "",
        needs=needs,
        caller_token=phones[0] if phones else post["author_token"] or "",
        reasons=reasons,
    )


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
    lowest = [2**32] * HASHES
    for shingle in shingles:
        digest = hashlib.blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=4 * HASHES).digest()
        for n in range(HASHES):
            lowest[n] = min(lowest[n], int.from_bytes(digest[4 * n : 4 * n + 4], "big"))
    return "-".join(f"{value:08x}" for value in lowest)
