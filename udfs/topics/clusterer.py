"""The clusterer: windows of posts in, a topic for each post out.

A window (up to some thousand posts, or what came in a few seconds) is looked at as a whole, the past only through the
topics it left. In a window

1. near copies take the topic of their original and say no more;
2. each post joins the topic for which its words are the strongest evidence (``evidence``), or stands alone;
3. in rounds, groups of the window go into larger ones, and posts move to where they fit better;
4. two groups of one topic that have nothing to say for each other are a split.

What was given out does not change: later windows can merge topics, and say so (``Change``), but no post gets another
topic. Deterministic: the same windows give the same topics. A topic's id is a hash of its first post.

Cost: .2 to .5 ms a post at 2,000 posts a window, rising with live topics, bounded by ``live`` topics of at most
twice ``TERMS`` words; what is not spoken of goes first.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse

from udfs.topics.copies import Copies
from udfs.topics.evidence import WORDS, Background, Floats, Ints, Shape, weights, word_evidence
from udfs.topics.words import words

LIVE = 2_000
TERMS = 60
"""Words kept of a topic when it has twice as many."""
IDLE_MS = 14 * 86_400_000
"""A topic that nobody spoke of for so long is over: the same again is another event."""
_A_POST_COUNTS = 4_000.0
"""For how many later posts a topic is kept longer when it doubles."""
_SPLIT_POSTS = 30
"""Posts of a topic, before and in a window, from which a split is looked for."""
_SPLIT_SHARE = 0.3
_SPLIT_EVIDENCE = 0.0
"""Evidence of an average post of either side for the other, at most; below what merges by far, so it does not swing."""
_NONE = -1


@dataclass(frozen=True)
class Post:
    key: str
    """Names the post: platform and id."""
    text: str
    """Masked."""
    at_ms: int


@dataclass(frozen=True)
class Placed:
    topic_id: str
    copy_of: str
    """Key of the original when the post is a near copy, else empty."""
    similarity: float
    """Share of its words that its topic explains better than the stream, 0 to 1; 1 for a copy and a first post."""


@dataclass(frozen=True)
class Change:
    topic_id: str
    """Went on."""
    kind: Literal["merge", "split"]
    other_id: str
    """Went into it, or came out of it."""
    at_ms: int
    posts: int
    """Of the other."""
    similarity: float


def topic_id(key: str) -> str:
    """Of the topic whose first post has ``key``."""
    return hashlib.sha256(b"topic\x1f" + key.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Clusterer:
    """See the module text. ``take`` windows in stream order; ``changes`` holds what the last window changed."""

    def __init__(self, shape: Shape | None = None, live: int = LIVE, remembered: int = 20_000) -> None:
        self.shape = shape or Shape()
        self.live = live
        self.background = Background()
        self.copies = Copies(remembered)
        self.changes: list[Change] = []
        self.ids: list[str] = []
        self.counts: Any = sparse.csr_matrix((0, WORDS))
        self.totals: Floats = np.zeros(0)
        self.posts: Floats = np.zeros(0)
        self.last_ms: Ints = np.zeros(0, np.int64)
        self.last_post: Ints = np.zeros(0, np.int64)
        self.taken = 0
        self.spelling: dict[int, str] = {}
        """Of the words of live topics, and of the last window."""
        self._topic_of: OrderedDict[str, str] = OrderedDict()
        self._merged: OrderedDict[str, str] = OrderedDict()

    # -- a window ---------------------------------------------------------------------------------------------------

    def take(self, posts: Sequence[Post]) -> list[Placed]:
        """Put ``posts`` (distinct keys) into topics. Cost beside that of each post: about 20 ms a window."""
        self.changes = []
        if not posts:
            return []
        numbers = [self._numbers(post.text) for post in posts]
        self._close_idle(int(np.median([post.at_ms for post in posts])))
        originals = [self.copies.original(post.key, found) for post, found in zip(posts, numbers, strict=True)]
        fresh = [at for at, original in enumerate(originals) if original is None]
        placed: list[Placed | None] = [None] * len(posts)
        if fresh:
            window = _Window(self, [posts[at] for at in fresh], [numbers[at] for at in fresh])
            window.cluster()
            window.split()
            for at, place in zip(fresh, window.close(), strict=True):
                placed[at] = place
                self._topic_of[posts[at].key] = place.topic_id
        while len(self._topic_of) > 2 * self.copies.remembered:
            self._topic_of.popitem(last=False)
        for at, original in enumerate(originals):
            if original is not None:
                topic = self._topic_of.get(original) or topic_id(original)
                placed[at] = Placed(self.standing(topic), original, 1.0)
        self.taken += len(posts)
        return [place for place in placed if place is not None]

    def standing(self, topic: str) -> str:
        """The topic that ``topic`` has gone into, or itself."""
        while topic in self._merged:
            topic = self._merged[topic]
        return topic

    def learn(self, posts: Sequence[Post], places: Sequence[Placed]) -> None:
        """Take ``posts`` whose places are known already: what a process before this one gave out stays as it is."""
        numbers = [self._numbers(post.text) for post in posts]
        row_of = {topic: row for row, topic in enumerate(self.ids)}
        added: list[tuple[int, Ints]] = []
        for post, place, found in zip(posts, places, numbers, strict=True):
            topic = self.standing(place.topic_id)
            self._topic_of[post.key] = topic
            self.taken += 1
            if place.copy_of:
                continue
            self.copies.original(post.key, found)
            self.background.add(found)
            if topic not in row_of:
                row_of[topic] = len(row_of)
                self.ids.append(topic)
                for name in ("totals", "posts", "last_ms", "last_post"):
                    setattr(self, name, np.append(getattr(self, name), 0))
            row = row_of[topic]
            self.totals[row] += len(found)
            self.posts[row] += 1
            self.last_ms[row] = max(int(self.last_ms[row]), post.at_ms)
            self.last_post[row] = self.taken
            added.append((row, found))
        rows = np.concatenate([np.zeros(0, np.int64), *(np.full(len(found), row) for row, found in added)])
        columns = np.concatenate([np.zeros(0, np.int64), *(found for _, found in added)])
        old = self.counts
        shape = (len(self.ids), WORDS)
        padded = sparse.csr_matrix(
            (old.data, old.indices, np.append(old.indptr, np.full(shape[0] - old.shape[0], old.indptr[-1]))), shape
        )
        self.counts = (padded + sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)).tocsr()
        self._bound()

    def learn_merge(self, other: str, into: str) -> None:
        """Of a merge that was given out before: ``other`` has gone into ``into``."""
        into = self.standing(into)
        if self.standing(other) == into:
            return
        self.merged(other, into)
        if other not in self.ids:
            return
        row = self.ids.index(other)
        if into in self.ids:
            target = self.ids.index(into)
            fold = sparse.identity(len(self.ids), format="lil")
            fold[target, row] = 1
            self.counts = (fold.tocsr() @ self.counts).tocsr()
            for name in ("totals", "posts"):
                getattr(self, name)[target] += getattr(self, name)[row]
            for name in ("last_ms", "last_post"):
                getattr(self, name)[target] = max(getattr(self, name)[target], getattr(self, name)[row])
            self._keep(np.array([at for at in range(len(self.ids)) if at != row], np.int64))
        else:
            self.ids[row] = into

    def _numbers(self, text: str) -> Ints:
        found = {}
        for word in words(text):
            number = zlib.crc32(word.encode("utf-8", "surrogatepass")) % WORDS
            found[number] = word
        self.spelling.update(found)
        return np.array(sorted(found), np.int64)

    def _close_idle(self, now_ms: int) -> None:
        idle = self.last_ms < now_ms - IDLE_MS
        if idle.any():
            self._keep(np.flatnonzero(~idle))

    def _keep(self, rows: Ints) -> None:
        self.ids = [self.ids[row] for row in rows.tolist()]
        self.counts = self.counts[rows]
        for name in ("totals", "posts", "last_ms", "last_post"):
            setattr(self, name, getattr(self, name)[rows])

    def _bound(self) -> None:
        """Evict the topics least spoken of, cut long rows, forget spellings that nothing needs."""
        if len(self.ids) > self.live:
            worth = self.last_post + _A_POST_COUNTS * np.log2(self.posts)
            self._keep(np.sort(np.argsort(-worth, kind="stable")[: self.live]))
        sizes = np.diff(self.counts.indptr)
        if (sizes > 2 * TERMS).any():
            keep = np.ones(self.counts.nnz, bool)
            for row in np.flatnonzero(sizes > 2 * TERMS).tolist():
                first, last = self.counts.indptr[row], self.counts.indptr[row + 1]
                held = self.counts.data[first:last]
                common = self.background.frequency(self.counts.indices[first:last].astype(np.int64), self.shape)
                says = held * word_evidence(held, np.full(len(held), self.totals[row]), common, self.shape)
                order = np.argsort(-says, kind="stable")
                keep[first + order[TERMS:]] = False
            rows = np.repeat(np.arange(len(sizes)), sizes)[keep]
            indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(sizes)))])
            self.counts = sparse.csr_matrix(
                (self.counts.data[keep], self.counts.indices[keep], indptr), shape=self.counts.shape
            )
        if len(self.spelling) > 2 * (self.counts.nnz + 10_000):
            needed = np.unique(self.counts.indices).tolist()
            self.spelling = {number: self.spelling[number] for number in needed if number in self.spelling}
        while len(self._merged) > 4 * self.live:
            self._merged.popitem(last=False)

    def merged(self, other: str, into: str) -> None:
        self._merged[other] = into


class _Window:
    """The work on one window of posts that are no copies.

    Columns are the words of the window and of live topics. Labels: 0..old-1 are live topics, old + i is a group that
    began with post i.
    """

    def __init__(self, clusterer: Clusterer, posts: Sequence[Post], numbers: Sequence[Ints]) -> None:
        self.c, self.shape, self.posts = clusterer, clusterer.shape, posts
        flat = np.concatenate([*numbers, np.zeros(0, np.int64)])
        clusterer.background.add(flat)
        here = np.zeros(WORDS, bool)
        here[flat] = True
        here[clusterer.counts.indices] = True
        self.columns = np.flatnonzero(here)
        place = np.cumsum(here) - 1
        self.frequency = clusterer.background.frequency(self.columns, self.shape)
        lengths = np.array([len(found) for found in numbers], np.int64)
        self.lengths = lengths.astype(np.float64)
        self.x = self._csr(np.ones(len(flat)), place[flat], np.concatenate([[0], np.cumsum(lengths)]))
        old = clusterer.counts
        self.old = old.shape[0]
        self.old_counts = self._csr(old.data, place[old.indices], old.indptr)
        self.old_totals, self.old_posts = clusterer.totals.copy(), clusterer.posts.copy()
        self.into = np.arange(self.old)
        """Where live topics have gone."""
        self.labels = np.arange(self.old, self.old + len(posts))
        self.left: list[tuple[int, int]] = []
        """(topic, group that came out of it)."""

    def _csr(self, data: Any, columns: Any, indptr: Any) -> Any:
        return sparse.csr_matrix((data, columns, indptr), shape=(len(indptr) - 1, len(self.columns)))

    def cluster(self) -> None:
        for at in range(self.shape.rounds):
            before = self.labels.copy()
            if at:
                self._merge_groups()
            self._move_posts(alone_stay=at == 0)
            if at > 1 and np.array_equal(before, self.labels):
                break

    def split(self) -> None:
        """Find live topics whose posts of this window fall into two groups that say nothing for each other."""
        sizes = np.bincount(self.labels, minlength=self.old)[: self.old]
        for topic in np.flatnonzero((sizes >= _SPLIT_POSTS) & (self.old_posts >= _SPLIT_POSTS)).tolist():
            mine = np.flatnonzero(self.labels == topic)
            inner = self._inside(mine)
            inner.cluster()
            sides = np.bincount(inner.labels)
            two = np.argsort(-sides, kind="stable")[:2]
            if len(two) < 2 or sides[two[1]] < max(_SPLIT_SHARE * len(mine), _SPLIT_POSTS // 2):
                continue
            parts = [mine[inner.labels == side] for side in two.tolist()]
            if max(self._speaks_for(*parts), self._speaks_for(*reversed(parts))) > _SPLIT_EVIDENCE:
                continue
            old = self.old_counts[topic], float(self.old_totals[topic])
            stays = [self._evidence_of(part, *old) for part in parts]
            leaves = parts[0] if stays[1] > stays[0] else parts[1]
            self.labels[leaves] = self.old + int(leaves[0])
            self.left.append((topic, self.old + int(leaves[0])))

    def _inside(self, mine: Ints) -> _Window:
        inner = _Window.__new__(_Window)
        inner.c, inner.shape, inner.posts = self.c, self.shape, [self.posts[at] for at in mine.tolist()]
        inner.columns, inner.frequency = self.columns, self.frequency
        inner.x, inner.lengths = self.x[mine], self.lengths[mine]
        inner.old, inner.old_counts = 0, self._csr([], [], [0])
        inner.old_totals, inner.old_posts, inner.into = np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
        inner.labels, inner.left = np.arange(len(mine)), []
        return inner

    def _speaks_for(self, part: Ints, other: Ints) -> float:
        return self._evidence_of(part, sparse.csr_matrix(self.x[other].sum(axis=0)), float(self.lengths[other].sum()))

    def _evidence_of(self, part: Ints, counts: Any, total: float) -> float:
        """Evidence of an average post of ``part`` for a topic with these counts."""
        model = weights(counts, np.array([total]), self.frequency, self.shape)
        return float((self.x[part] @ model.T).sum() / len(part) + self.shape.absent * self.lengths[part].mean())

    def _groups(self) -> tuple[Ints, Any, Floats, Floats]:
        """Labels of all topics and groups there are, their counts, words and posts."""
        size = self.old + len(self.posts)
        members = sparse.csr_matrix(
            (np.ones(len(self.posts)), (self.labels, np.arange(len(self.posts)))), shape=(size, len(self.posts))
        )
        there = np.zeros(size, bool)
        there[self.labels] = True
        there[: self.old] = there[: self.old] | (self.old_posts > 0)
        labels: Ints = np.flatnonzero(there).astype(np.int64)
        counts = sparse.csr_matrix(members[labels] @ self.x)
        known = labels[labels < self.old]
        padded = sparse.vstack(
            [self.old_counts[known], sparse.csr_matrix((len(labels) - len(known), len(self.columns)))], format="csr"
        )
        counts = (counts + padded).tocsr()
        totals = np.bincount(self.labels, weights=self.lengths, minlength=size).astype(np.float64)
        totals[: self.old] += self.old_totals
        posts = np.bincount(self.labels, minlength=size).astype(np.float64)
        posts[: self.old] = posts[: self.old] + self.old_posts
        return labels, counts, np.asarray(totals[labels], np.float64), np.asarray(posts[labels], np.float64)

    def _merge_groups(self) -> None:
        labels, counts, totals, posts = self._groups()
        shape = self.shape
        model = weights(counts, totals, self.frequency, shape)
        touched = np.flatnonzero(np.isin(labels, self.labels))
        size = posts[touched]
        average = sparse.diags(1 / size) @ counts[touched]
        found = sparse.csr_matrix(average @ model.T)
        rows, columns, evidence = _over(found, shape.absent * totals[touched] / size, shape.merge)
        mine = touched[rows]
        larger = (posts[columns] > posts[mine]) | ((posts[columns] == posts[mine]) & (columns < mine))
        kept = (labels[mine] >= self.old) | (labels[columns] < self.old)  # what has an id goes into what has one
        enough = evidence > shape.merge + shape.merge_size * np.log(size)[rows]
        fits = (mine != columns) & larger & kept & enough
        best = _best(len(touched), rows[fits], columns[fits], evidence[fits])
        goes = np.arange(len(labels))
        for row in np.argsort(-size, kind="stable").tolist():  # the largest stay, and only what stays takes others in
            into = int(best[row])
            if into != _NONE and goes[into] == into:
                goes[touched[row]] = into
        self._follow(labels, goes, posts, counts)

    def _follow(self, labels: Ints, goes: Ints, posts: Floats, counts: Any) -> None:
        moved = np.flatnonzero(goes != np.arange(len(goes)))
        if not len(moved):
            return
        table = np.arange(self.old + len(self.posts))
        table[labels] = labels[goes]
        self.labels = table[self.labels]
        known = moved[labels[moved] < self.old]
        if not len(known):
            return
        for row in known.tolist():
            other, into = int(labels[row]), int(labels[goes[row]])
            self.into[other] = into
            last = max(self.posts[at].at_ms for at in range(len(self.posts)) if self.labels[at] == into)
            self.c.changes.append(
                Change(
                    self.c.ids[into], "merge", self.c.ids[other], last, int(posts[row]), _cosine(counts, row, goes[row])
                )
            )
        fold = sparse.csr_matrix(
            (np.ones(self.old), (table[: self.old], np.arange(self.old))), shape=(self.old, self.old)
        )
        self.old_counts = (fold @ self.old_counts).tocsr()
        self.old_totals, self.old_posts = fold @ self.old_totals, fold @ self.old_posts

    def _move_posts(self, *, alone_stay: bool) -> None:
        """Each post to the group it fits best; its own group is asked as if the post were not in it."""
        shape = self.shape
        labels, counts, totals, posts = self._groups()
        if alone_stay:  # at first nobody is together: posts look at live topics only
            old = labels < self.old
            labels, counts, totals, posts = labels[old], counts[np.flatnonzero(old)], totals[old], posts[old]
        if not len(labels):
            return
        found = sparse.csr_matrix(self.x @ weights(counts, totals, self.frequency, shape).T)
        rows, columns, speaks = _over(found, shape.absent * self.lengths, shape.join)
        evidence = speaks + shape.size * np.log1p(posts[columns])  # size decides between topics, not whether
        fits = (labels[columns] != self.labels[rows]) & ((posts[columns] > 1) | (labels[columns] < self.old))
        rows, columns, evidence = rows[fits], columns[fits], evidence[fits]
        best = _best(len(self.posts), rows, columns, evidence)
        strongest = np.full(len(self.posts), -np.inf)
        np.maximum.at(strongest, rows, evidence)
        home = self._at_home(labels, counts, totals, posts)
        moves = (best != _NONE) & (strongest > home)
        target = labels[np.where(best == _NONE, 0, best)]
        result = np.where(moves, target, self.labels)
        # a post that fits nowhere stands alone again, unless the group is named after it
        alone = self.old + np.arange(len(self.posts))
        leaves = ~moves & (home < shape.join - 1) & (self.labels != alone) & ~np.isin(alone, result)
        self.labels = np.where(leaves, alone, result)

    def _at_home(self, labels: Ints, counts: Any, totals: Floats, posts: Floats) -> Floats:
        """Evidence of each post for its own group without it; -inf where it is alone."""
        shape = self.shape
        found = np.full(len(self.posts), -np.inf)
        row_of = np.full(self.old + len(self.posts), _NONE)
        row_of[labels] = np.arange(len(labels))
        mine = row_of[self.labels]
        there = np.flatnonzero((mine != _NONE) & (posts[mine] > 1))
        if not len(there):
            return found
        mine = mine[there]
        held = sparse.csr_matrix(counts[mine].multiply(self.x[there]))
        rows = np.repeat(np.arange(len(there)), np.diff(held.indptr))
        rest = np.maximum(held.data - 1, 0)
        remaining = totals[mine] - self.lengths[there]
        speaks = word_evidence(rest, remaining[rows], self.frequency[held.indices], shape)
        found[there] = (
            np.bincount(rows, weights=speaks, minlength=len(there))
            + shape.absent * self.lengths[there]
            + shape.size * np.log(posts[mine])
        )
        return found

    def close(self) -> list[Placed]:
        """Hand the window's topics to the clusterer; returns where each post went."""
        c = self.c
        labels, counts, totals, posts = self._groups()
        similarity = self._similarity(labels, counts, totals)
        ids, taken = dict(enumerate(c.ids)), set(c.ids)
        for at, label in enumerate(self.labels.tolist()):
            if label not in ids:
                ids[label] = _unused(topic_id(self.posts[at].key), taken)
                taken.add(ids[label])
        size = self.old + len(self.posts)
        last_ms = np.full(size, np.iinfo(np.int64).min)
        last_ms[: self.old], last_post = c.last_ms, np.zeros(size, np.int64)
        last_post[: self.old] = c.last_post
        for other, into in enumerate(self.into.tolist()):
            if other != into:
                c.merged(c.ids[other], c.ids[into])
                last_ms[into] = max(last_ms[into], last_ms[other])
        np.maximum.at(last_ms, self.labels, np.array([post.at_ms for post in self.posts], np.int64))
        last_post[self.labels] = c.taken + np.arange(len(self.posts))
        placed = [
            Placed(ids[label], "", float(share)) for label, share in zip(self.labels.tolist(), similarity, strict=True)
        ]
        c.ids = [ids[label] for label in labels.tolist()]
        c.counts = sparse.csr_matrix(
            (counts.data, self.columns[counts.indices], counts.indptr), shape=(len(labels), WORDS)
        )
        c.totals, c.posts, c.last_ms, c.last_post = totals, posts, last_ms[labels], last_post[labels]
        for topic, group in self.left:
            self._share_past(topic, group, ids, {label: row for row, label in enumerate(labels.tolist())})
        c._bound()
        return placed

    def _share_past(self, topic: int, group: int, ids: dict[int, str], row_of: dict[int, int]) -> None:
        """The past of a split topic goes with the words that took part, else the two would be one again at once."""
        c, members = self.c, np.flatnonzero(self.labels == group)
        stay = np.asarray(self.x[np.flatnonzero(self.labels == topic)].sum(axis=0)).ravel()
        leave = np.asarray(self.x[members].sum(axis=0)).ravel()
        share = leave / np.maximum(stay + leave, 1.0)
        past = self.old_counts[topic]
        moved = past.multiply(share[None, :]).tocsr()
        moved = sparse.csr_matrix((moved.data, self.columns[moved.indices], moved.indptr), shape=(1, WORDS))
        there, here = row_of[topic], row_of[group]
        turn = sparse.csr_matrix(([-1.0, 1.0], ([there, here], [0, 0])), shape=(len(c.ids), 1))
        similarity = _cosine(c.counts, there, here)
        c.counts = (c.counts + turn @ moved).tocsr()
        part = float(moved.sum()) / max(float(past.sum()), 1.0)
        for values, old in ((c.totals, self.old_totals[topic]), (c.posts, self.old_posts[topic])):
            values[there] -= part * old
            values[here] += part * old
        at = self.posts[int(members[0])].at_ms
        c.changes.append(Change(ids[topic], "split", ids[group], at, len(members), similarity))

    def _similarity(self, labels: Ints, counts: Any, totals: Floats) -> Floats:
        row_of = np.zeros(self.old + len(self.posts), np.int64)
        row_of[labels] = np.arange(len(labels))
        mine = row_of[self.labels]
        held = sparse.csr_matrix(counts[mine].multiply(self.x))
        rows = np.repeat(np.arange(len(self.posts)), np.diff(held.indptr))
        speaks = word_evidence(held.data, totals[mine][rows], self.frequency[held.indices], self.shape)
        explained = np.bincount(rows, weights=-np.expm1(-speaks), minlength=len(self.posts))
        shares: Floats = np.where(self.lengths > 0, explained / np.maximum(self.lengths, 1), 1.0)
        return shares


def _unused(topic: str, taken: set[str]) -> str:
    """A feed may use an id twice; its second post that begins a topic begins another one."""
    while topic in taken:
        topic = topic_id(topic)
    return topic


def _over(found: Any, absent: Floats, least: float) -> tuple[Ints, Ints, Floats]:
    """(row, column, evidence) of the cells of ``found`` that with ``absent`` of their row are more than ``least``."""
    whole = found.data + np.repeat(absent, np.diff(found.indptr))
    over = np.flatnonzero(whole > least)
    rows = np.searchsorted(found.indptr, over, side="right") - 1
    return rows, found.indices[over].astype(np.int64), whole[over]


def _best(count: int, rows: Any, columns: Any, values: Any) -> Ints:
    """For each of ``count`` rows the column with the greatest value, the first of equal ones; -1 without any."""
    best = np.full(count, _NONE)
    order = np.lexsort((-columns, values))
    best[rows[order]] = columns[order]
    return best


def _cosine(counts: Any, one: int, other: int) -> float:
    a, b = counts[one], counts[other]
    norm = np.sqrt(a.multiply(a).sum() * b.multiply(b).sum())
    return float(a.multiply(b).sum() / norm) if norm else 0.0
