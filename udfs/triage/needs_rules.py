"""Needs by rule: a source of weak labels and features, not the classifier.

Each rule of `lexicon/needs/needs.yaml` says one way in which people ask (or offer), with the context that must or
must not stand near it. Rules that fire add up by noisy or; figurative speech, news, thanks and drills (`context.yaml`)
leave a part of the strength. Words in hashtags and @names do not count; words in a forwarded tail count half, since
they are another post's ask. Precision is better than recall on everyday text; strengths are not probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from schemas.records import NEEDS
from udfs.keywords.quoted import TAIL
from udfs.keywords.ruleset import Hit, RuleSet, load_rules

LEXICON = Path(__file__).parent / "lexicon"
CONTEXT = "context"
_TAIL_SHARE = 0.5
_GENERAL_CALL = "help-sos"


@cache
def lexicon() -> RuleSet:
    """Return the compiled need lexicon; one copy a process."""
    return load_rules(LEXICON / "words", LEXICON / "needs")


def need_hits(text: str) -> dict[str, float]:
    """Return need -> strength (0-1, strongest first) for the needs whose rules fire on ``text``. About 20 us."""
    return need_hits_many([text])[0]


def need_hits_many(texts: Sequence[str]) -> list[dict[str, float]]:
    """Return `need_hits` of each of ``texts``; one automaton pass for all, about 8 microseconds a post."""
    return [strengths(hits) for hits in lexicon().scan(texts)]


def strengths(hits: Sequence[Hit]) -> dict[str, float]:
    """Return need -> strength from the lexicon hits of one post."""
    rules: dict[str, tuple[str, float]] = {}  # rule id -> need, strongest share
    left = 1.0
    contexts: set[str] = set()
    for hit in hits:
        rule = hit.rule
        if rule.category == CONTEXT:
            if rule.id not in contexts:
                contexts.add(rule.id)
                left *= rule.weight
        elif rule.category in NEEDS and hit.quoted in ("", TAIL):
            share = rule.weight * (_TAIL_SHARE if hit.quoted else 1.0)
            if share > rules.get(rule.id, ("", 0.0))[1]:
                rules[rule.id] = (rule.category, share)
    if any(need not in ("offer", "other_help") for need, _ in rules.values()):
        rules.pop(_GENERAL_CALL, None)  # "求助" says that help is asked for; the other rules say which
    missed: dict[str, float] = {}
    for need, share in rules.values():
        missed[need] = missed.get(need, 1.0) * (1.0 - share)
    found = {need: round((1.0 - miss) * left, 4) for need, miss in missed.items()}
    order = {need: at for at, need in enumerate(NEEDS)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], order[item[0]])))
