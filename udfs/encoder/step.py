"""The step `classify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from schemas import records
from schemas.errors import ModelError, UsageError
from schemas.step import Step
from udfs.encoder import decide
from udfs.encoder.bundle import Bundle, load_bundle
from udfs.encoder.load import load_model
from udfs.encoder.memo import DEFAULT as REMEMBERED
from udfs.encoder.memo import Memo
from udfs.encoder.model import Encoded, Model
from udfs.encoder.text import normalise
from udfs.encoder.wide import LANGUAGES

BATCH_TEXTS = 512
"""Texts that a model sees at once unless told otherwise."""
Key = tuple[str, str]
"""All that a result depends on: the normalised text, and a language of `wide.LANGUAGES`."""
Row = tuple[tuple[Any, ...], bytes, decide.Hints | None]
"""What one text gives: the columns from `sentiment` to `needs`, its embedding's bytes, its hints."""
_DECIDED = records.CLASSIFIED.names[: records.CLASSIFIED.names.index("needs") + 1]


class Classify(Step):
    """Sentiment, emotion and needs of every post, its embedding and hints for triage, from the masked text alone.

    A result depends on the normalised text (`text.normalise`, which also says what of a long post is read) and on
    whether `language` is `en`; therefore a memo over exactly that pair changes no result, and a copied post costs a
    dictionary look-up. Texts without a single known n-gram get the model's prior.
    """

    name: ClassVar[str] = "classify"
    reads: ClassVar[tuple[str, ...]] = ("text", "language")
    writes: ClassVar[pa.Schema] = records.CLASSIFIED

    def __init__(
        self,
        bundle: str | None = None,
        cache_size: int = REMEMBERED,
        batch_texts: int = BATCH_TEXTS,
        batch_tokens: int | None = None,
        device: str = "auto",
    ) -> None:
        """``bundle``: a folder, or the name of a shipped one; None is the default. ``cache_size``: texts whose
        results are remembered (`model.memo`; about 1.5 KB each), 0 for none. ``batch_texts``: texts a model sees at
        once at most, and ``batch_tokens``: word pieces an encoder runs over at once (None: what suits the device); both
        bound memory and change no result. ``device``: auto, cpu or cuda, where the bundle's kind can run on either."""
        if batch_texts < 1:
            raise UsageError(f"classify.batch_texts is {batch_texts}: give 1 or more")
        if batch_tokens is not None and batch_tokens < 1:
            raise UsageError(f"classify.batch_tokens is {batch_tokens}: give 1 or more")
        self.bundle = bundle
        self.cache_size = cache_size
        self.batch_texts = batch_texts
        self.batch_tokens = batch_tokens
        self.device = device
        self.loaded: Bundle | None = None
        self._model: Model | None = None
        self._memo: Memo[Key, Row] = Memo(cache_size)

    def open(self) -> None:
        self.loaded = load_bundle(self.bundle)
        self._model = load_model(self.loaded, self.batch_tokens, self.device)
        self._memo.clear()

    def close(self) -> None:
        self._model = None
        self._memo.clear()

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keys = keys_of(batch)
        found = self.classified(keys)
        return written(batch, [found[key] for key in keys], [self.model] * len(keys))

    def counted(self) -> dict[str, int]:
        return self._memo.counted()

    def holds(self, key: Key) -> bool:
        """Whether the result of ``key`` is remembered, and so costs nothing."""
        return key in self._memo

    def classified(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Result of every distinct key, remembered where it is."""
        return self._memo.answers(keys, self._scored)

    def _scored(self, keys: Sequence[Key]) -> list[Row]:
        rows: list[Row] = []
        for at in range(0, len(keys), self.batch_texts):
            rows += self._score(list(keys[at : at + self.batch_texts]))
        return rows

    def _score(self, keys: list[Key]) -> list[Row]:
        bundle, encoded = self._opened(), self._encode(keys)
        found = decide.probabilities(bundle, encoded.logits)
        embeddings = decide.embeddings(bundle, encoded.embedding, len(keys))
        return list(zip(decide.rows(bundle, found), embeddings, decide.hints(bundle, found), strict=True))

    def _encode(self, keys: list[Key]) -> Encoded:
        if self._model is None:
            raise ModelError("classify: open() was not called, or close() was")
        return self._model.encode([text for text, _ in keys], [language for _, language in keys])

    def _opened(self) -> Bundle:
        if self.loaded is None:
            raise ModelError("classify: open() was not called")
        return self.loaded

    @property
    def model(self) -> str:
        """Name and version of the opened bundle, as in the column `model`."""
        return self._opened().model

    def probabilities(self, texts: Sequence[str], languages: Sequence[str]) -> decide.Probabilities:
        """Calibrated probabilities of masked ``texts``, past the cache (explanations, review)."""
        keys = [_key(text, language) for text, language in zip(texts, languages, strict=True)]
        return decide.probabilities(self._opened(), self._encode(keys).logits)

    def decide(self, found: decide.Probabilities, row: int) -> tuple[Any, ...]:
        """The columns of CLASSIFIED from `sentiment` to `needs` that ``row`` of ``found`` gives."""
        return decide.rows(self._opened(), found.row(row))[0]


def keys_of(batch: pa.RecordBatch) -> list[Key]:
    """The key of every row, from `text` and `language`."""
    columns = (records.values_of(batch.column("text")), records.values_of(batch.column("language")))
    return [_key(text, language) for text, language in zip(*columns, strict=True)]


def written(batch: pa.RecordBatch, rows: Sequence[Row], models: Sequence[str]) -> pa.RecordBatch:
    """``batch`` with the columns of CLASSIFIED: a result and the name of the model that gave it for each row."""
    values: dict[str, Any] = {name: [row[k] for row, _, _ in rows] for k, name in enumerate(_DECIDED)}
    values["model"] = models
    values["embedding"] = _embeddings([embedding for _, embedding, _ in rows])
    values["hints"] = [hints for _, _, hints in rows]
    return records.with_columns(batch, records.CLASSIFIED, values)


def _key(text: str | None, language: str | None) -> Key:
    """All that a result depends on."""
    return normalise(text or ""), language if language in LANGUAGES else LANGUAGES[0]


def _embeddings(rows: Sequence[bytes]) -> pa.Array:
    """The column `embedding`; the bytes of a row are its values."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    values = np.frombuffer(b"".join(rows), dtype=np.int8)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values))
