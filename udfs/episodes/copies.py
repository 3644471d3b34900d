"""Near-copies of a call, whatever stands around it: MinHash (Broder 1997) with an index of bands.

Compared are the 3-character shingles of the text without masks, hashtags, mentions, digits and punctuation; of a
forwarded post ("comment//@user:text") the longest part. Whether two texts that meet are copies is decided by the share
of equal minima, which estimates their Jaccard similarity (standard error .07 with 48 hash functions).

Copies whose place was changed look the same here: that is for `fold` to tell, by the places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

BANDS, ROWS = 16, 3
HASHES = BANDS * ROWS
SHINGLE = 3
SHORTEST = 12
"""Shingles below which a text says too little to be a copy of another."""
LONGEST = 600
"""Characters that are compared."""
ALIKE = 0.7
"""Share of equal minima from which two texts are copies."""

Signature = npt.NDArray[np.uint32]

_PARTS = re.compile(r"//\s*@[^:：]{0,40}[:：]?")
_NOT_COMPARED = re.compile(r"<[A-Z_]+>|#[^#]{1,64}#|@[\w\-]+|https?://\S+|\[[^\[\]]{1,6}\]")
_NOT_A_WORD = re.compile(r"[\W\d_]+")
_random = np.random.default_rng(20210720)  # fixed: signatures stand in snapshots
_FACTORS = _random.integers(1, 2**63, HASHES, dtype=np.uint64) | np.uint64(1)
_TERMS = _random.integers(0, 2**63, HASHES, dtype=np.uint64)
_BASE = np.uint64(0x9E3779B97F4A7C15)


def compared(text: str) -> str:
    """The characters that are compared."""
    text = unicodedata.normalize("NFKC", text).lower()
    part = max(_PARTS.split(text), key=len)
    return _NOT_A_WORD.sub("", _NOT_COMPARED.sub(" ", part))[:LONGEST]


def signature(text: str) -> Signature | None:
    """The minima of ``HASHES`` hash functions, or None for a text too short to compare. Cost: about 60 us."""
    words = compared(text)
    if len(words) < SHORTEST + SHINGLE - 1:
        return None
    points = np.frombuffer(words.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    shingles = points[:-2]
    for shift in range(1, SHINGLE):
        shingles = shingles * _BASE + points[shift : len(points) - SHINGLE + 1 + shift]
    shingles = np.unique(shingles ^ (shingles >> np.uint64(29)))
    mixed = np.multiply.outer(shingles, _FACTORS) + _TERMS
    lowest: Signature = (mixed >> np.uint64(32)).min(axis=0).astype(np.uint32)
    return lowest


class CopyIndex:
    """Signatures of at most ``capacity`` texts and whose they are; the oldest leave first.

    Memory: about 2 KiB a text (its bands), bounded by ``capacity``.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        self.capacity = capacity
        self._owners: dict[int, str] = {}
        self._signatures: dict[int, Signature] = {}
        self._bands: dict[bytes, list[int]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, signature: Signature, owner: str) -> None:
        """Remember a text as ``owner``'s."""
        number = self._next
        self._next += 1
        self._owners[number], self._signatures[number] = owner, signature
        for band in _bands(signature):
            self._bands.setdefault(band, []).append(number)
        while len(self._owners) > self.capacity:
            self._drop(next(iter(self._owners)))

    def alike(self, signature: Signature) -> list[tuple[float, str]]:
        """(share of equal minima, owner) of texts that are near-copies: the best of each owner, best first."""
        near: dict[int, None] = {}
        for band in _bands(signature):
            for number in self._bands.get(band, ())[-50:]:  # a template that all use must not cost its square
                near[number] = None
        found: dict[str, float] = {}
        for number in near:
            share = float(np.count_nonzero(self._signatures[number] == signature)) / HASHES
            owner = self._owners[number]
            if share >= ALIKE and share > found.get(owner, 0.0):
                found[owner] = share
        return sorted(((share, owner) for owner, share in found.items()), key=lambda pair: (-pair[0], pair[1]))

    def rename(self, old: str, new: str) -> None:
        """What was ``old``'s is ``new``'s."""
        for number, owner in self._owners.items():
            if owner == old:
                self._owners[number] = new

    def keep(self, owners: set[str] | dict[str, Any]) -> None:
        """Forget the texts of all others."""
        for number in [number for number, owner in self._owners.items() if owner not in owners]:
            self._drop(number)

    def state(self) -> tuple[list[str], bytes]:
        """Owners and signatures, oldest first."""
        rows = list(self._signatures.values())
        return list(self._owners.values()), np.array(rows, "<u4").tobytes()

    def load(self, owners: list[str], signatures: bytes) -> None:
        """Take over what `state` gave. Raises ValueError for what it did not give."""
        rows = np.frombuffer(signatures, "<u4").astype(np.uint32).reshape(len(owners), HASHES)
        for owner, row in zip(owners, rows, strict=True):
            self.add(row, owner)

    def _drop(self, number: int) -> None:
        for band in _bands(self._signatures.pop(number)):
            numbers = self._bands[band]
            numbers.remove(number)
            if not numbers:
                del self._bands[band]
        del self._owners[number]


def _bands(signature: Signature) -> Iterator[bytes]:
    raw = signature.tobytes()
    size = 4 * ROWS
    for band in range(BANDS):
        yield bytes((band,)) + raw[band * size : (band + 1) * size]
