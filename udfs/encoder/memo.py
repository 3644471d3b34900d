"""Results that a model need not give twice: copies within a batch fold to one, and the latest results are remembered.

Nothing is changed by it: the key is all that a result depends on, and the shipped models give the same bits in any
batch, so a remembered result is the one that the model would give again. (A bundle of kind "torch" on a GPU rounds by
its batch, as docs/models.md says: there the first of its results stands for all copies.)

What it saves is counted, since a figure measured with it holds for a feed with as many copies only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from schemas.errors import UsageError

DEFAULT = 20_000
"""Results remembered unless told otherwise (`model.memo`). About 1.5 KB each, so 30 MB a worker. Of the posts of a real
stream of everyday Weibo that repeat an earlier one, so many find most; ten times as many find little more
(docs/models.md has the figures)."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """The ``size`` results that were last asked for; 0 remembers nothing and still folds copies within a batch.

    One thread. Values are shared, not copied: callers must not change them.
    """

    def __init__(self, size: int = DEFAULT) -> None:
        if size < 0:
            raise UsageError(f"model.memo is {size}: give 0 (nothing is remembered) or more")
        self.size = size
        self.texts = 0
        """Asked for since `clear`, copies too."""
        self.remembered = 0
        """Of these, answered by what an earlier batch left."""
        self.folded = 0
        """Of these, answered by another text of the same batch."""
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget everything, the counts too."""
        self._kept.clear()
        self.texts = self.remembered = self.folded = 0

    def answers(self, keys: Sequence[K], model: Callable[[Sequence[K]], Sequence[V]]) -> dict[K, V]:
        """The result of every distinct key. ``model`` is called once at most, with the distinct keys that are not
        remembered, in the order of ``keys``; what it raises passes through, and then nothing is counted or kept."""
        found: dict[K, V] = {}
        fresh: list[K] = []
        for key in dict.fromkeys(keys):
            if key in self._kept:
                self._kept.move_to_end(key)
                found[key] = self._kept[key]
            else:
                fresh.append(key)
        if fresh:
            found.update(zip(fresh, model(fresh), strict=True))
        asked = len(fresh)
        new = set(fresh)
        remembered = sum(key not in new for key in keys)
        self.texts += len(keys)
        self.remembered += remembered
        self.folded += len(keys) - remembered - asked
        for key in fresh[-self.size :] if self.size else ():
            self._kept[key] = found[key]
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return found

    def counted(self) -> dict[str, int]:
        """texts, remembered, folded: since `clear`, so attempts where an engine tries a batch again."""
        return {"texts": self.texts, "remembered": self.remembered, "folded": self.folded}
