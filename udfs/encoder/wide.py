"""The wide model: TF-IDF over hashed character n-grams, one linear layer for all heads, in integers.

Arithmetic is exact (int8 weights times integer TF-IDF, summed in int32), so a logit does not depend on the batch, the
order of summation or the CPU. Cost: see `yuqing bench`; about 10,000 posts of 40 characters a CPU-second.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from udfs.encoder import ngrams
from udfs.encoder.model import Encoded

Floats = npt.NDArray[np.float64]
LANGUAGES = ("zh", "en")
"""Rows of the bias; any other language takes the first."""
TFIDF_SCALE = 16
"""TF-IDF values are rounded to sixteenths."""
_CHUNK = 256


class WideModel:
    """Weights of the wide model. ``logits`` gives one row a text, one column an output of the bundle's heads."""

    def __init__(self, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
        """``arrays``: weights int8 [buckets, outputs], scale f32 [outputs], bias f32 [languages, outputs],
        idf u8 [buckets] in twentieths, fingerprint u16 [buckets]."""
        self.weights = arrays["weights"].astype(np.int8)
        self.scale = arrays["scale"].astype(np.float64)
        self.bias = arrays["bias"].astype(np.float64)
        self.idf = arrays["idf"].astype(np.float64) / 20
        self.fingerprint = arrays["fingerprint"].astype(np.uint16)
        self.bits = len(self.fingerprint).bit_length() - 1

    @classmethod
    def load(cls, path: Path) -> WideModel:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(dict(arrays))

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[1])

    def values(self, texts: Sequence[str]) -> tuple[ngrams.Ints, ngrams.Ints, ngrams.Ints]:
        """(row, bucket, value) of the known n-grams of normalised ``texts``; rows ascending, value in 1/TFIDF_SCALE."""
        row, hashes = ngrams.hashed(texts)
        bucket, fingerprint = ngrams.split(hashes, self.bits)
        known = self.fingerprint[bucket] == fingerprint
        keys = np.sort(row[known] << self.bits | bucket[known])
        first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.empty(0, np.int64)
        count = np.diff(np.append(first, len(keys)))
        keys = keys[first]
        bucket = keys & ((1 << self.bits) - 1)
        value = np.rint((1 + np.log(count)) * self.idf[bucket] * TFIDF_SCALE).astype(np.int64)
        return keys >> self.bits, bucket, value

    def encode(self, texts: list[str], languages: list[str]) -> Encoded:
        """The logits of normalised ``texts``; n-grams give no embedding."""
        return Encoded(self.logits(texts, languages), None)

    def logits(self, texts: Sequence[str], languages: Sequence[str]) -> Floats:
        """Logits [texts, outputs] of normalised ``texts``; a row's bits depend on that text and language only."""
        bias = self.bias[[LANGUAGES.index(code) if code in LANGUAGES else 0 for code in languages]]
        result = np.zeros((len(texts), self.outputs))
        for at in range(0, len(texts), _CHUNK):
            self._add(texts[at : at + _CHUNK], result[at : at + _CHUNK])
        return result + bias

    def _add(self, texts: Sequence[str], result: Floats) -> None:
        row, bucket, value = self.values(texts)
        if not len(row):
            return
        first = np.flatnonzero(np.concatenate(([True], row[1:] != row[:-1])))
        # at most 512 characters * 5 features * 2**11 (value) * 2**7 (weight) < 2**31
        sums = np.add.reduceat(self.weights[bucket] * value[:, None].astype(np.int32), first, axis=0, dtype=np.int32)
        norm = np.sqrt(np.add.reduceat(value * value, first).astype(np.float64))
        result[row[first]] = sums / norm[:, None] * self.scale
