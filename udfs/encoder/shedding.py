"""`classify` above capacity: posts that cannot be calls get their labels from a light model, until the stream is back.

What is given up is the encoder's sentiment, emotion and embedding of everyday posts; masking, rules and places come
before this step and cost what they always cost, and every post that may be a call gets the same labels as always. A
post may be a call when any of these holds:

* a keyword rule fired on it, in a hashtag too;
* the lexicons of triage find a hazard in it, in a hashtag too, or a need of whatever strength;
* the light model names a need (an offer too) or gives a `help_score` of at least FAINT.

Nothing is shed silently: the row's `model` names the light model and ends in SHED, and the log says when shedding
begins and ends, and of how many posts. docs/operating.md has what it saves and what changes.

A stream is overloaded by the age of its records (`lag_ms`): from `lag_s` on, until the lag is below `back_s`. A bounded
file or a replay is old by nature: such jobs take plain `Classify`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import structlog

from schemas.errors import UsageError
from udfs.encoder.step import Classify, Row, keys_of, written
from udfs.keywords.ruleset import Hit
from udfs.triage.evidence import gate_hits, gate_rules
from udfs.triage.needs_rules import strengths

SHED = "+shed"
"""End of the column `model` of a row whose labels are the light model's because of overload."""
LIGHT = "wide"
"""The shipped bundle that is the light model."""
FAINT = 0.05
"""`help_score` of the light model from which a post may be a call. No labelled or generated call of priority 1 or 2 was
lost below .2 (docs/operating.md); a quarter of that is the margin."""
_HELP, _NEEDS = 6, 7
"""Places of `help_score` and `needs` in what a model decides."""

log = structlog.get_logger()


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def lag_ms(batch: pa.RecordBatch, now_ms: int) -> int | None:
    """How long the records of ``batch`` had been published by ``now_ms``: the median of their `timestamp`, so that a
    few records with a clock of their own count for nothing. None when none of them has one; never negative."""
    published = batch.column("timestamp").drop_null().to_numpy(zero_copy_only=False)
    published = published[published > 0]
    return max(0, now_ms - int(np.median(published))) if len(published) else None


class Overload:
    """Whether a stream is behind, with two thresholds, so that it does not flicker: from ``lag_s`` on, until the lag is
    below ``back_s``. Raises UsageError unless 0 <= back_s < lag_s."""

    def __init__(self, lag_s: float, back_s: float) -> None:
        if not 0 <= back_s < lag_s:
            raise UsageError(f"overload.back_s is {back_s:g} and overload.lag_s {lag_s:g}: give 0 <= back_s < lag_s")
        self._on_ms, self._off_ms = lag_s * 1000, back_s * 1000
        self.on = False

    def see(self, lag: int | None) -> bool:
        """Take the lag of now in ms (None: not known, nothing changes) and return whether the stream is behind."""
        if lag is not None:
            self.on = lag >= (self._off_ms if self.on else self._on_ms)
        return self.on


class SheddingClassify(Classify):
    """`classify` for a live stream. While the stream keeps up it is `Classify`, row for row.

    Behind, a row's result depends on the clock too: that breaks the contract of steps on purpose, and so this class is
    for streams only. What still holds then: a post that may be a call has the result of `Classify`; so has a copy of a
    post that is remembered. A bundle of kind "wide" is as light as can be: nothing is shed.
    """

    reads: ClassVar[tuple[str, ...]] = ("text", "language", "keywords", "timestamp")

    def __init__(
        self,
        bundle: str | None = None,
        lag_s: float = 30.0,
        back_s: float = 10.0,
        clock: Callable[[], int] = wall_ms,
        **options: Any,
    ) -> None:
        """``clock`` gives epoch milliseconds; ``options`` are those of `Classify`."""
        super().__init__(bundle, **options)
        self._overload = Overload(lag_s, back_s)
        self._clock = clock
        self._light = Classify(LIGHT, cache_size=self.cache_size, batch_texts=self.batch_texts)
        self._since_ms = 0
        self._shed = self._posts = 0

    def open(self) -> None:
        super().open()
        gate_rules()
        self._light.open()

    def close(self) -> None:
        self._light.close()
        super().close()

    def counted(self) -> dict[str, int]:
        return super().counted() | {f"light {name}": count for name, count in self._light.counted().items()}

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self._opened().kind == LIGHT or not self._behind(batch):
            return super().apply(batch)
        keys = keys_of(batch)
        keywords = batch.column("keywords").to_pylist()
        found = gate_hits(tuple(text or "" for text in batch.column("text").to_pylist()))
        light = self._light.classified([key for key in keys if not self.holds(key)])
        shed = {
            at
            for at, key in enumerate(keys)
            if key in light and not (keywords[at] or _suspects(light[key]) or _reads_like_a_call(found[at]))
        }
        whole = self.classified([key for at, key in enumerate(keys) if at not in shed])
        name = self._light.model + SHED
        self._shed += len(shed)
        self._posts += batch.num_rows
        return written(
            batch,
            [light[key] if at in shed else whole[key] for at, key in enumerate(keys)],
            [name if at in shed else self.model for at in range(batch.num_rows)],
        )

    def _behind(self, batch: pa.RecordBatch) -> bool:
        now = self._clock()
        lag = lag_ms(batch, now)
        was = self._overload.on
        on = self._overload.see(lag)
        if on and not was:
            self._since_ms, self._shed, self._posts = now, 0, 0
            log.warning("overload: shedding begins", step=self.name, lag_s=(lag or 0) // 1000, model=self._light.model)
        elif was and not on:
            seconds = (now - self._since_ms) // 1000
            log.warning("overload: shedding ends", step=self.name, seconds=seconds, posts=self._posts, shed=self._shed)
        return on


def _suspects(row: Row) -> bool:
    """Whether the light model holds the post for a call, however faintly."""
    decided = row[0]
    return bool(decided[_NEEDS]) or bool(decided[_HELP] >= FAINT)


def _reads_like_a_call(hits: Sequence[Hit]) -> bool:
    """Whether the lexicons of triage find a hazard or a need."""
    return any(hit.rule.category == "hazard" for hit in hits) or bool(strengths(hits))
