"""What a post says, before anything is decided: the text in normal form and the lexicon hits by what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from udfs.keywords.normalise import normalise
from udfs.keywords.quoted import NAME, TAG
from udfs.keywords.ruleset import Hit, RuleSet, load_rules
from udfs.triage.needs_rules import LEXICON

MOST_READ = 4_000
"""Characters in which people and goods are looked for; a call is never longer, and a junk post must not cost more."""

NEEDS_FOLDERS = (LEXICON / "words", LEXICON / "needs")


@cache
def gate_rules() -> RuleSet:
    """Return the lexicons that every post is read with: needs, hazards, who speaks."""
    return load_rules(*NEEDS_FOLDERS, LEXICON / "gate")


@lru_cache(maxsize=1)
def gate_hits(texts: tuple[str, ...]) -> Sequence[Sequence[Hit]]:
    """Return what `gate_rules` finds in each of ``texts``, to be read only.

    The answer for the last batch is kept: above capacity `classify` asks for it just before triage does."""
    return gate_rules().scan(texts)


@cache
def fact_rules() -> RuleSet:
    """Return the lexicons that posts with a need or hazard are read with."""
    return load_rules(LEXICON / "words", LEXICON / "facts")


@cache
def _kind(rule_id: str) -> str:
    """Return what a rule stands for: "flood-rising-2" is a second rule for flood_rising."""
    return re.sub(r"-\d+$", "", rule_id).replace("-", "_")


class Finding(NamedTuple):
    """What a rule answers and why, in lexicon words only."""

    label: str
    why: str
    evident: bool = True
    """False: nothing in the post speaks for it, it is the default of its like; a model may know better."""


DISASTER = "disaster"
"""Category of words that say what a post is about, not what it reports: they count in hashtags too."""


class Evidence:
    """The lexicon hits of one post, without those in hashtags and @names; a forwarded tail counts as text."""

    def __init__(self, text: str, hits: Sequence[Hit]) -> None:
        self.text = normalise(text)
        self._hits: dict[str, dict[str, list[Hit]]] = {}
        for hit in hits:
            if hit.quoted not in (TAG, NAME) or (hit.quoted == TAG and hit.rule.category == DISASTER):
                kinds = self._hits.setdefault(hit.rule.category, {})
                kinds.setdefault(_kind(hit.rule.id), []).append(hit)

    def kinds(self, category: str) -> dict[str, list[Hit]]:
        """Return kind -> hits of ``category``."""
        return self._hits.get(category, {})

    def of(self, category: str, kind: str) -> list[Hit]:
        """Return the hits of one kind, in order of place."""
        return self.kinds(category).get(kind, [])

    def words(self, category: str, kind: str, limit: int = 3) -> str:
        """Return the lexicon's terms (never the post's own words) that were found, for explanations."""
        terms = list(dict.fromkeys(hit.term for hit in self.of(category, kind)))
        return ", ".join(terms[:limit])


def read(text: str) -> Evidence:
    """Return everything the lexicons find in ``text``."""
    return Evidence(text, gate_rules().scan([text])[0] + fact_rules().scan([text])[0])
