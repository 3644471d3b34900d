"""Running records again: dead letters after a mend, stored posts with newer rules and models. Neither sends alerts anew
for what is old: `replay` writes a higher generation, and a retried dead letter is as old as its own event time says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from governance.crypto import CannotOpen, Sealer
from governance.keys import load_keys
from pipelines.engines.chain import Chain
from pipelines.engines.job import Job
from pipelines.jobs.dead_letters import StoredDeadLetters, position
from pipelines.jobs.opinion import opinion
from pipelines.jobs.site import Site
from pipelines.store import query
from schemas.records import RAW, with_columns

NOT_REPLAYED = frozenset({"parse", "mask", "seal", "settle", "vault"})
"""Stored text is masked already, and its identifiers are in the vault."""


@dataclass
class Outcome:
    """Records tried, and how many of them became posts."""

    tried: int = 0
    stored: int = 0


def retry_dead_letters(site: Site, step: str | None = None) -> Outcome:
    """Run open dead letters through the opinion job; those that come through are marked `retried`, the rest stay open.

    Raises StoreUnavailable, and UsageError for a missing key. A dead letter without bytes (an unreadable file) stays.
    """
    job = opinion(site)
    sealer = Sealer(load_keys(site.home, site.settings.keys.master).master)
    outcome = Outcome()
    letters = list(query.dead_letters_to_retry(site.store, step))
    with job.opened(breaker=False) as chain:
        for batch in letters:
            _retry(chain, sealer, batch, outcome)
    return outcome


def _retry(chain: Chain, sealer: Sealer, batch: pa.RecordBatch, outcome: Outcome) -> None:
    letters = []
    for row in batch.to_pylist():
        where = (row["source"], row["partition"], row["offset"])
        try:
            raw = sealer.open(row["raw"], position(*where))
        except CannotOpen:
            continue  # sealed under a key that is gone: stays open, and `dlq list` still shows it
        if raw:
            letters.append((*where, row["step"], row["reason"], raw, row["stored_at"]))
    if not letters:
        return
    columns = list(zip(*letters, strict=True))
    stored_ms = [round(at.timestamp() * 1000) for at in columns[6]]
    now = [time.time_ns() // 1_000_000] * len(letters)
    values = [*columns[:3], stored_ms, now, columns[5]]
    arrays = [pa.array(value, column.type) for value, column in zip(values, RAW, strict=True)]
    through = chain.run(pa.RecordBatch.from_arrays(arrays, schema=RAW))
    outcome.tried += len(letters)
    outcome.stored += through.num_rows
    came = set(zip(*(through.column(name).to_pylist() for name in ("source", "partition", "offset")), strict=True))
    done = [letter[:6] for letter in letters if letter[:3] in came]
    writer = chain.dead_letters
    if done and isinstance(writer, StoredDeadLetters):
        writer.mark_retried(done)


def replay_stored(site: Site, from_ms: int, to_ms: int) -> Outcome:
    """Run posts created in [from, to) again from their stored, masked text, as a new generation."""
    site = replace(site, generation=query.next_generation(site.store))
    job = stored_job(site)
    outcome = Outcome()
    with job.opened(breaker=True) as chain:
        for batch in _posts(site, from_ms, to_ms):
            outcome.tried += batch.num_rows
            outcome.stored += chain.run(batch).num_rows
    return outcome


def stored_job(site: Site) -> Job:
    """The opinion job less the steps that need the post as it came."""
    job = opinion(site)
    return replace(job, steps=tuple(step for step in job.steps if step.name not in NOT_REPLAYED))


def _posts(site: Site, from_ms: int, to_ms: int) -> Iterator[pa.RecordBatch]:
    # read first, write then: rows of the new generation must not come back into the same replay
    for batch in list(query.stored_posts(site.store, from_ms, to_ms)):
        regions = [
            next((place["name"] for place in places if place["start"] < 0), None)
            for places in batch.column("places").to_pylist()
        ]
        schema = pa.schema([("region", pa.string()), ("raw", pa.binary()), ("timestamp", pa.int64())])
        yield with_columns(
            batch, schema, {"region": regions, "raw": [b""] * len(regions), "timestamp": batch.column("created_at")}
        )
