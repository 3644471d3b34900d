"""How much the words of a post speak for a topic, against any post at all.

A post of topic z is taken as drawn word by word from a mixture of the topic's words and the background of the stream
(Jelinek-Mercer smoothing; as in topic detection and tracking, Yamron et al. 1999, and as the likelihood of MStream, Yin
et al. 2018, without its sampling). The evidence is the log of the likelihood ratio to the background alone::

    evidence(post, z) = sum over its words of log(1 - share + share * p(word | z) / p(word))
                      = absent * words + sum over words that z has of log1p(odds * p(word | z) / p(word))

with ``absent = log(1 - share)``. A word that the topic lacks costs the same whatever its size; a word that is common
everywhere speaks for nothing. Both are sparse, so a window against all topics is one sparse product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WORDS = 1 << 20
"""Words are numbered by a hash; with 100,000 distinct words one in ten shares its number with another, mostly rare."""


@dataclass(frozen=True)
class Shape:
    """What was tuned; see docs/topics.md for the sets and for how much each matters."""

    share: float = 0.5
    """Of a post's words that are its topic's, not the stream's."""
    boost: float = 5.0
    """Of what a topic's word says: words of an event come together, which the mixture does not know."""
    shrink: float = 8.0
    """Words added to a topic's total: a topic of one post is not sure of its words."""
    rarest: float = 1e-3
    """A word rarer than this in the stream counts as this rare: one slip that two posts share is no event."""
    seen_before: float = 100.0
    """Words that the background is taken to have seen at the start."""
    size: float = 0.5
    """Evidence in advance for each e-fold of a topic's posts, when topics compete for a post."""
    join: float = 4.0
    """Evidence a post needs to join a topic."""
    merge: float = 2.0
    """Evidence an average post of a topic needs to take the topic into another ..."""
    merge_size: float = 0.5
    """... and how much more for each e-fold of its posts: what is large has shown what it is."""
    rounds: int = 6
    """Of merging and moving posts within a window."""

    @property
    def odds(self) -> float:
        return self.boost * self.share / (1 - self.share)

    @property
    def absent(self) -> float:
        return float(np.log1p(-self.share))


class Background:
    """How often each word stands in the stream, lately: counts are halved at ``most`` words. 8 MB."""

    def __init__(self, most: float = 2e6) -> None:
        self.counts: Floats = np.zeros(WORDS)
        self.total = 0.0
        self.most = most

    def add(self, words: Ints) -> None:
        np.add.at(self.counts, words, 1.0)
        self.total += len(words)
        if self.total > self.most:
            self.counts /= 2
            self.counts[self.counts < 0.5] = 0
            self.total = float(self.counts.sum())

    def frequency(self, words: Ints, shape: Shape) -> Floats:
        found: Floats = self.counts[words] / (self.total + shape.seen_before) + shape.rarest
        return found


def weights(counts: Any, totals: Floats, frequency: Floats, shape: Shape) -> Any:
    """Of topics (rows of the sparse ``counts``) and words: what the word adds to the evidence for the topic.

    ``totals``: words of each topic. ``frequency``: of each column in the stream.
    """
    found = sparse.csr_matrix(counts, dtype=np.float64, copy=True)
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    found.data = word_evidence(found.data, totals[rows], frequency[found.indices], shape)
    return found


def word_evidence(counts: Floats, totals: Floats, frequency: Floats, shape: Shape) -> Floats:
    found: Floats = np.log1p(shape.odds * counts / ((totals + shape.shrink) * frequency))
    return found
