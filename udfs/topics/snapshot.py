"""A clusterer as bytes and back: arrays as npz, the rest as msgpack. Holds words and ids of posts, no text.

About 60 bytes a remembered word and original: 3 MB for a full clusterer.
"""

from __future__ import annotations

import io
from collections import OrderedDict

import msgspec
import numpy as np
from scipy import sparse

from udfs.topics.clusterer import Clusterer
from udfs.topics.evidence import WORDS


class _Names(msgspec.Struct):
    ids: list[str]
    spelling: dict[int, str]
    copies: list[tuple[str, bytes]]
    topic_of: list[tuple[str, str]]
    merged: list[tuple[str, str]]
    taken: int


def dump(clusterer: Clusterer) -> bytes:
    c = clusterer
    names = _Names(c.ids, c.spelling, c.copies.state(), list(c._topic_of.items()), list(c._merged.items()), c.taken)
    seen = np.flatnonzero(c.background.counts)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        names=np.frombuffer(msgspec.msgpack.encode(names), np.uint8),
        seen=seen,
        seen_counts=c.background.counts[seen],
        background_total=np.array([c.background.total]),
        data=c.counts.data,
        indices=c.counts.indices,
        indptr=c.counts.indptr,
        totals=c.totals,
        posts=c.posts,
        last_ms=c.last_ms,
        last_post=c.last_post,
    )
    return file.getvalue()


def load(clusterer: Clusterer, state: bytes) -> None:
    """Fill a new clusterer. Raises ValueError for bytes that ``dump`` did not write."""
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as held:
            names = msgspec.msgpack.decode(held["names"].tobytes(), type=_Names)
            clusterer.background.counts[held["seen"]] = held["seen_counts"]
            clusterer.background.total = float(held["background_total"][0])
            shape = (len(names.ids), WORDS)
            clusterer.counts = sparse.csr_matrix((held["data"], held["indices"], held["indptr"]), shape=shape)
            clusterer.totals, clusterer.posts = held["totals"], held["posts"]
            clusterer.last_ms, clusterer.last_post = held["last_ms"], held["last_post"]
    except (OSError, KeyError, EOFError, msgspec.DecodeError) as error:
        raise ValueError(f"not a snapshot of topics ({type(error).__name__})") from None
    clusterer.ids, clusterer.spelling, clusterer.taken = names.ids, names.spelling, names.taken
    clusterer.copies.restore(names.copies)
    clusterer._topic_of = OrderedDict(names.topic_of)
    clusterer._merged = OrderedDict(names.merged)
