"""The `match` step: which keyword rules fire on a post, before any model is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow as pa

from schemas.records import MATCHED, values_of, with_columns
from schemas.step import Step
from udfs.keywords.reload import FollowedRules
from udfs.keywords.ruleset import Hit, RuleSet


def shipped_rules() -> Path:
    """Return the folder of rule files that comes with the product."""
    return Path(str(files("schemas"))) / "rules"


class Match(Step):
    """Write `keywords`: each (rule, term) that counts, once, in rule order.

    `critical` is true when a critical rule's term stands in the author's own words at least once; terms that stand
    only in hashtags, @names or a forwarded tail are reported with false. `clock` gives seconds (tests pass their own);
    `changed` is told of the rules before they come into force (it pickles: whoever audits passes it).
    Cost: docs/keywords.md.
    """

    name = "match"
    reads = ("text",)
    writes = MATCHED

    def __init__(
        self,
        rules: str | Path | Sequence[str | Path] | None = None,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[RuleSet], None] | None = None,
    ) -> None:
        if rules is None:
            folders: Sequence[str | Path] = (shipped_rules(),)
        else:
            folders = (rules,) if isinstance(rules, str | Path) else rules
        self._folders = tuple(str(folder) for folder in folders)
        self._clock = clock
        self._changed = changed
        self._followed: FollowedRules | None = None

    def open(self) -> None:
        """Load and check the rules. Raises UsageError that names file, rule and remedy."""
        self._followed = FollowedRules(
            [Path(folder) for folder in self._folders], self._clock, self._changed or (lambda rules: None)
        )

    @property
    def rules(self) -> RuleSet:
        """The rules in force; `open` comes first."""
        if self._followed is None:
            raise RuntimeError("match: open() was not called")
        return self._followed.current

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self._followed is None:
            raise RuntimeError("match: open() was not called")
        texts = [text or "" for text in values_of(batch.column("text"))]
        found = self._followed.refresh().scan(texts)
        return with_columns(batch, MATCHED, {"keywords": [_keywords(hits) if hits else [] for hits in found]})

    def close(self) -> None:
        self._followed = None


def _keywords(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return one entry per (rule, term), critical if any of its hits is."""
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    for hit in hits:
        entry = entries.get((hit.rule.id, hit.term))
        if entry is None:
            entries[hit.rule.id, hit.term] = {
                "rule": hit.rule.id,
                "category": hit.rule.category,
                "term": hit.term,
                "critical": hit.critical,
            }
        elif hit.critical:
            entry["critical"] = True
    return list(entries.values())
