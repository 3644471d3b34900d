"""What `bench bursts` feeds the detector: posts scored by the job's own steps, once, in the columns of the store.

No text is kept: keywords, needs, counties, tokens of phone numbers under a key that is thrown away, and the near-copy
group. They may lie in a file (``--scored``), so that the model runs once for many trials.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa

from governance.keys import Key
from governance.tokens import PHONE_KINDS, Tokeniser
from pipelines.engines import inline
from pipelines.engines.splits import SplitReader, splits_of
from pipelines.feeds.uri import FileSource, GenerateSource
from pipelines.jobs.dead_letters import CountedDeadLetters
from pipelines.jobs.opinion import score
from pipelines.store.alerts import copy_group
from pipelines.store.sinks import distinct
from schemas.errors import UsageError
from schemas.settings import Settings

KEPT = ("created_at", "keywords", "needs", "state", "source_kind", "priority", "help_score", "hazards")


def scored(
    feed: FileSource | GenerateSource, settings: Settings, keep: Path | None = None, say: Callable[[str], None] = print
) -> pa.Table:
    """The posts of ``feed`` that could be scored, in its order. ``keep``: read from this Arrow file if it is there,
    else written to it. Raises UsageError for a file that is none of ours."""
    if keep is not None and keep.exists():
        try:
            with pa.memory_map(str(keep)) as source:
                return pa.ipc.open_file(source).read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise UsageError(f"--scored {keep} is no file that this command wrote ({type(error).__name__})") from None
    reader = SplitReader()
    table = _score((reader.read(split) for split in splits_of(feed)), settings, say)
    reader.close()
    if keep is not None:
        with pa.OSFile(str(keep), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return table


def score_raw(batches: Iterable[pa.RecordBatch], settings: Settings) -> pa.Table:
    """The same for batches of RAW."""
    return _score(batches, settings, lambda _: None)


def _score(batches: Iterable[pa.RecordBatch], settings: Settings, say: Callable[[str], None]) -> pa.Table:
    tokeniser = Tokeniser(Key(secrets.token_bytes(32)))
    done, rows = 0, []
    for batch in inline.run(score(settings, CountedDeadLetters()), batches):
        rows.append(_columns(batch, tokeniser))
        if (done + batch.num_rows) // 20_000 > done // 20_000:
            say(f"scored {done + batch.num_rows:,} posts")
        done += batch.num_rows
    return pa.Table.from_batches(rows)


def _columns(batch: pa.RecordBatch, tokeniser: Tokeniser) -> pa.RecordBatch:
    phones, authors = [], []
    for found in batch.column("identifiers").to_pylist():
        tokens = (tokeniser.token(one["type"], one["value"]) for one in found or () if one["type"] in PHONE_KINDS)
        phones.append(list(dict.fromkeys(filter(None, tokens))))
    for platform, author in zip(batch.column("platform").to_pylist(), batch.column("author").to_pylist(), strict=True):
        authors.append(tokeniser.author(platform or "", author) if author else "")
    columns = {
        "platform": batch.column("platform"),
        "post_id": batch.column("id"),
        **{name: batch.column(name) for name in KEPT},
        "adcodes": distinct(batch.column("places"), "adcode"),
        "phone_tokens": pa.array(phones, pa.list_(pa.string())),
        "author_token": pa.array(authors, pa.string()),
        "copy": pa.array([copy_group(text or "") for text in batch.column("text").to_pylist()], pa.string()),
    }
    return pa.RecordBatch.from_pydict(columns)
