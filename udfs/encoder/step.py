"""The step `classify`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas import records
from schemas.errors import ModelError, UsageError
from schemas.step import Step
from udfs.encoder import decide
from udfs.encoder.bundle import Bundle, load_bundle
from udfs.encoder.text import normalise
from udfs.encoder.wide import LANGUAGES, WideModel


class Model(Protocol):
    """Logits [texts, outputs] of normalised texts; a row must not depend on the others."""

    def logits(self, texts: list[str], languages: list[str]) -> npt.NDArray[np.float64]: ...


def load_model(bundle: Bundle, batch_tokens: int = 4096) -> Model:
    """The model of ``bundle``, ready to run on one thread. Raises ModelError when a file does not fit."""
    if bundle.kind == "encoder":
        from udfs.encoder.deep import DeepModel  # onnxruntime takes a second to import: only where it is used

        return DeepModel(bundle.path, bundle.meta["mix"], batch_tokens)
    model = WideModel.load(bundle.path / "wide.npz")
    if model.outputs != bundle.size:
        raise ModelError(
            f"{bundle.path / 'wide.npz'} has {model.outputs} outputs, its labels are {bundle.size}; retrain it"
        )
    return model


class Classify(Step):
    """Sentiment, emotion and needs of every post, from the masked text alone.

    A result depends on the normalised text (`text.normalise`, which also says what of a long post is read) and on
    whether `language` is `en`; therefore a cache over exactly that pair changes no result, and a copied post costs a
    dictionary look-up. Texts without a single known n-gram get the model's prior.
    """

    name: ClassVar[str] = "classify"
    reads: ClassVar[tuple[str, ...]] = ("text", "language")
    writes: ClassVar[pa.Schema] = records.CLASSIFIED

    def __init__(
        self, bundle: str | None = None, cache_size: int = 20_000, batch_texts: int = 512, batch_tokens: int = 4096
    ) -> None:
        """``bundle``: a folder, or the name of a shipped one; None is the default. ``cache_size``: posts kept in the
        least-recently-used cache (about 1 KB each), 0 for none. ``batch_texts``: texts a model sees at once at most,
        and ``batch_tokens``: word pieces an encoder runs over at once; both bound memory and change no result."""
        if cache_size < 0:
            raise UsageError(f"classify.cache_size is {cache_size}: give 0 (no cache) or more")
        if batch_texts < 1:
            raise UsageError(f"classify.batch_texts is {batch_texts}: give 1 or more")
        if batch_tokens < 1:
            raise UsageError(f"classify.batch_tokens is {batch_tokens}: give 1 or more")
        self.bundle = bundle
        self.cache_size = cache_size
        self.batch_texts = batch_texts
        self.batch_tokens = batch_tokens
        self.loaded: Bundle | None = None
        self._model: Model | None = None
        self._cache: OrderedDict[tuple[str, str], tuple[Any, ...]] = OrderedDict()

    def open(self) -> None:
        self.loaded = load_bundle(self.bundle)
        self._model = load_model(self.loaded, self.batch_tokens)
        self._cache.clear()

    def close(self) -> None:
        self._model = None
        self._cache.clear()

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        model = self.model
        columns = (batch.column("text").to_pylist(), batch.column("language").to_pylist())
        keys = [_key(text, language) for text, language in zip(*columns, strict=True)]
        found = self._classified(keys)
        rows = [found[key] for key in keys]
        values = {name: [row[k] for row in rows] for k, name in enumerate(self.writes.names[:-1])}
        values["model"] = [model] * len(rows)
        return records.with_columns(batch, self.writes, values)

    def _classified(self, keys: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Result of every distinct key, from the cache where it is there."""
        found: dict[tuple[str, str], tuple[Any, ...]] = {}
        fresh: list[tuple[str, str]] = []
        for key in dict.fromkeys(keys):
            if key in self._cache:
                self._cache.move_to_end(key)
                found[key] = self._cache[key]
            else:
                fresh.append(key)
        for at in range(0, len(fresh), self.batch_texts):
            part = fresh[at : at + self.batch_texts]
            found.update(zip(part, self._score(part), strict=True))
        if self.cache_size:
            for key in fresh:
                self._cache[key] = found[key]
            while len(self._cache) > self.cache_size:
                self._cache.popitem(last=False)
        return found

    def _score(self, keys: list[tuple[str, str]]) -> list[tuple[Any, ...]]:
        return decide.rows(self._opened(), self._probabilities(keys))

    def _probabilities(self, keys: list[tuple[str, str]]) -> decide.Probabilities:
        if self._model is None:
            raise ModelError("classify: open() was not called, or close() was")
        logits = self._model.logits([text for text, _ in keys], [language for _, language in keys])
        return decide.probabilities(self._opened(), logits)

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
        return self._probabilities([_key(text, language) for text, language in zip(texts, languages, strict=True)])

    def decide(self, found: decide.Probabilities, row: int) -> tuple[Any, ...]:
        """The columns of CLASSIFIED, less `model`, that ``row`` of ``found`` gives."""
        return decide.rows(self._opened(), found.row(row))[0]


def _key(text: str | None, language: str | None) -> tuple[str, str]:
    """All that a result depends on."""
    return normalise(text or ""), language if language in LANGUAGES else LANGUAGES[0]
