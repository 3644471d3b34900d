"""Batches for an encoder: tokenise once, sort by length, fill batches by a token budget, scatter results back in order.

The cost of an encoder is that of the padded tokens, so texts of like length go together: padding everything to the
longest text costs two to three times as much. Pure numpy; the backends (`onnx_model`, `torch_model`) share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Tokens = Sequence[Sequence[int]]
"""One list of token ids a text."""
BUCKET = 8
"""A text is padded to a multiple of this: few shapes, and what tensor cores and int8 kernels like."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that go through the encoder together."""

    rows: list[int]
    """Their numbers among the texts given."""
    length: int
    """Tokens that each is padded to; a multiple of BUCKET."""


def rounded(tokens: int) -> int:
    """``tokens`` up to the next multiple of BUCKET."""
    return -(-tokens // BUCKET) * BUCKET


def equal(tokens: Tokens, budget: int) -> Iterator[Batch]:
    """Batches in which all texts have the same padded length, which therefore depends on the text alone.

    A batch holds at most ``budget`` padded tokens, and at least one text. A text without a token is in no batch.
    """
    found: dict[int, list[int]] = {}
    for row, ids in enumerate(tokens):
        if len(ids):
            found.setdefault(rounded(len(ids)), []).append(row)
    for length, rows in found.items():
        size = max(1, budget // length)
        for at in range(0, len(rows), size):
            yield Batch(rows[at : at + size], length)


def sorted_by_length(tokens: Tokens, budget: int) -> Iterator[Batch]:
    """The fewest batches of texts in order of length, longest first; each padded to its longest.

    Longest first, so that memory that does not suffice is found at once. A batch holds at most ``budget`` padded
    tokens, and at least one text. A text without a token is in no batch.
    """
    order = sorted((row for row, ids in enumerate(tokens) if len(ids)), key=lambda row: -len(tokens[row]))
    at = 0
    while at < len(order):
        length = rounded(len(tokens[order[at]]))
        size = max(1, budget // length)
        yield Batch(order[at : at + size], length)
        at += size


def padded(tokens: Tokens, batch: Batch, pad: int) -> tuple[Ints, Ints]:
    """Token ids and mask (1 where a token stands), both [texts of the batch, batch.length]."""
    ids = np.full((len(batch.rows), batch.length), pad, dtype=np.int64)
    mask = np.zeros((len(batch.rows), batch.length), dtype=np.int64)
    for at, row in enumerate(batch.rows):
        count = len(tokens[row])
        ids[at, :count] = tokens[row]
        mask[at, :count] = 1
    return ids, mask


def scattered(
    texts: int, width: int, parts: Sequence[tuple[Batch, npt.NDArray[np.generic]]], filling: float | Floats = 0.0
) -> Floats:
    """Results of batches as one array [texts, width] in the order given; ``filling`` where no batch had the text."""
    result = np.empty((texts, width))
    result[:] = filling
    for batch, values in parts:
        result[batch.rows] = values
    return result


def unit(rows: Floats, blank: npt.NDArray[np.bool_]) -> Floats:
    """``rows`` of length one; zeros where ``blank`` (or where a row is zero)."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.where(blank[:, None] | (lengths == 0), 0.0, rows / np.maximum(lengths, 1e-12))


def blank(tokens: Tokens, marks: int) -> npt.NDArray[np.bool_]:
    """Which texts have no token of their own, ``marks`` being what the tokenizer adds to every text."""
    return np.fromiter((len(ids) <= marks for ids in tokens), np.bool_, len(tokens))
