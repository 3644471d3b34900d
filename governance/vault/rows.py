"""What goes into the vault and what the vault asks of a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from governance.classes import DAY_MS, ttl_days
from governance.seal import AUTHOR_FIELD, URL_FIELD, vault_context

CONTACT = frozenset({AUTHOR_FIELD, URL_FIELD})
"""Rows that lead to the post or its author: kept only of posts that ask, offer or warn."""

GOVERNED = 2**62
"""Versions from here on are set by people's decisions (hold, expiry, correction, deletion), those below by the stream.
So a replay or a redelivery of the post can never undo a decision. The price: an edit of the post that puts another
value at the same offset comes too late for the vault."""

PII_VAULT = pa.schema(
    [
        pa.field("platform", pa.string()),
        pa.field("post_id", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("type", pa.string()),
        pa.field("token", pa.string()),
        pa.field("ciphertext", pa.binary()),
        pa.field("key_id", pa.string()),
        pa.field("version", pa.int64()),
        pa.field("expires_at", pa.int64()),
        pa.field("hold_until", pa.int64()),
    ]
)
"""Rows of ``pii_vault``; unique by (platform, post_id, start, type), the highest version counts."""


@dataclass(frozen=True)
class VaultRow:
    """One sealed value. ``start``, ``end``: span in the text as posted, -1 for the author and the url of the post."""

    platform: str
    post_id: str
    start: int
    end: int
    type: str
    token: str
    ciphertext: bytes
    key_id: str
    version: int
    expires_at: int  # ms; the store deletes it then, and nothing reveals it from then on
    hold_until: int = 0  # ms; until then it is neither deleted nor expired (a recorded hold)

    @property
    def context(self) -> bytes:
        return vault_context(self.platform, self.post_id, self.type, self.start)

    @property
    def next_version(self) -> int:
        """Version of a row that replaces this one by a decision."""
        return max(self.version, GOVERNED) + 1

    def erased(self) -> VaultRow:
        """A newer version without value and token: it keeps a replay from bringing the value back."""
        return replace(self, token="", ciphertext=b"", key_id="", hold_until=0, version=self.next_version)

    def expiring(self, at: int) -> VaultRow:
        """A newer version that ends at ``at``; a hold still counts."""
        return replace(self, expires_at=at, version=self.next_version)

    def held(self, until: int) -> VaultRow:
        """A newer version that stays readable until ``until`` at least."""
        return replace(self, hold_until=max(until, self.hold_until), version=self.next_version)

    def released(self) -> VaultRow:
        """A newer version without a hold: from now its own end counts again."""
        return replace(self, hold_until=0, version=self.next_version)

    def alive(self, now: int) -> bool:
        """Whether it may still be opened: not erased, not expired or held."""
        return bool(self.ciphertext) and (now < self.expires_at or now < self.hold_until)


@dataclass(frozen=True)
class PostFacts:
    """What decides about revealing a post; no text."""

    platform: str
    post_id: str
    priority: int
    state: str
    adcodes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """How the post is named in the audit ledger."""
        return f"post {self.platform}/{self.post_id}"


class VaultStore(Protocol):
    """What the vault needs of a store. Every call sees all writes that were acknowledged before it.

    May raise StoreError and StoreUnavailable; the vault lets them through (an entry without a reveal does no harm).
    """

    def facts(self, post_id: str, platform: str | None = None) -> Sequence[PostFacts]:
        """The post; several when the id exists on several platforms and none is given; empty when unknown."""

    def rows(self, platform: str, post_id: str) -> Sequence[VaultRow]:
        """The newest version of each sealed value of a post."""

    def with_token(self, tokens: Iterable[str]) -> Sequence[VaultRow]:
        """The newest versions of all values that have one of the tokens."""

    def open_posts(self, region: str, limit: int) -> Sequence[PostFacts]:
        """Posts of open episodes whose adcode begins with ``region``, one per episode and caller, most urgent first."""

    def rows_in_region(self, region: str, since: int, until: int) -> Sequence[VaultRow]:
        """Values of posts with an adcode in ``region`` that were stored in [since, until]."""

    def held(self, now: int) -> Sequence[VaultRow]:
        """The newest versions of all values under a hold that lasts beyond ``now``."""

    def retoken(self, changes: Mapping[str, str], but: Iterable[tuple[str, str]] = ()) -> None:
        """Replace phone tokens of posts by others ("": by none), but not in the posts (platform, id) of ``but``."""

    def forget_phones(self, platform: str, post_id: str) -> None:
        """Take every phone token out of a post."""

    def put(self, rows: Sequence[VaultRow]) -> None:
        """Write new versions; returns after they are acknowledged."""

    def purge(self, rows: Sequence[VaultRow]) -> None:
        """Remove from the disk every version of these values below ``row.version``; returns when that is done."""


def vault_rows(batch: pa.RecordBatch, now: int, ttl: int | None = None) -> pa.RecordBatch:
    """Rows for ``pii_vault`` from a batch as it reaches the sink (after ``seal`` and triage).

    Contact rows (AUTHOR, URL_FIELD) are kept only where the post asks for help, offers it, reports a hazard or hit a
    critical rule: nobody has to find the other authors. ``ttl``: days, at most those of class L4. Missing columns
    ``needs``, ``hazards``, ``keywords`` count as nothing found; without ``version`` that of the event counts
    (``updated_at``, else ``now``). Cost: about 2 us a value.
    """
    days = ttl_days("L4", None if ttl is None else {"L4": ttl}) or 0
    vault = batch.column("vault")
    values, post = vault.flatten(), pc.list_parent_indices(vault)
    kept = pc.or_(
        pc.invert(pc.is_in(values.field("type"), value_set=pa.array(sorted(CONTACT)))), pc.take(_asks(batch), post)
    )
    values, post = values.filter(kept), post.filter(kept)
    fixed = {
        "platform": pc.take(batch.column("platform"), post),
        "post_id": pc.take(batch.column("id"), post),
        "version": pc.take(_version(batch, now), post),
        "expires_at": pa.repeat(pa.scalar(now + DAY_MS * days, pa.int64()), len(post)),
        "hold_until": pa.repeat(pa.scalar(0, pa.int64()), len(post)),
    }
    columns = [fixed[name] if name in fixed else values.field(name) for name in PII_VAULT.names]
    return pa.RecordBatch.from_arrays(columns, schema=PII_VAULT)


def _asks(batch: pa.RecordBatch) -> pa.BooleanArray:
    """Per post: does it ask, offer or warn?"""
    asks = pa.repeat(pa.scalar(False), batch.num_rows)
    names = batch.schema.names
    for name in ("needs", "hazards"):
        if name in names:
            asks = pc.or_(asks, pc.fill_null(pc.greater(pc.list_value_length(batch.column(name)), 0), False))
    if "keywords" in names:
        keywords = batch.column("keywords")
        critical = keywords.flatten().field("critical").fill_null(False)
        found = np.zeros(batch.num_rows, bool)
        found[pc.list_parent_indices(keywords).filter(critical).to_numpy()] = True
        asks = pc.or_(asks, pa.array(found))
    return asks


def _version(batch: pa.RecordBatch, now: int) -> pa.Int64Array:
    there = [batch.column(name).cast(pa.int64()) for name in ("version", "updated_at") if name in batch.schema.names]
    return pc.coalesce(*there, pa.scalar(now, pa.int64())) if there else pa.array([now] * batch.num_rows, pa.int64())
