"""Rules compiled to Aho-Corasick automata, and the scan that applies them.

Aho and Corasick, "Efficient string matching", CACM 18(6), 1975. A first automaton finds the terms of all rules in one
pass over the whole batch; only posts in which one stands see the second, which knows the context words too (there
are several times as many, and they are everyday words). Cost: docs/keywords.md.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick

from udfs.keywords.normalise import join
from udfs.keywords.quoted import TAIL, kind_at, quoted_spans
from udfs.keywords.rules import Rule, RuleFile, Rules, check_rules, read_files

_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_CLAUSE = re.compile(r"[,。!?;、\n:…]|(?<=[一-鿿])\s")
_Span = tuple[int, int]


class Hit(NamedTuple):
    """One place where a rule's term counts; the span is in code points of the text as given."""

    rule: Rule
    term: str
    start: int
    end: int
    quoted: str  # "" the author's own words, else `tag`, `name` or `tail`

    @property
    def critical(self) -> bool:
        """Whether this hit alone may raise an alert."""
        return self.rule.critical and not self.quoted


@dataclass(frozen=True)
class _Compiled:
    """A rule with its word lists replaced by their numbers in the automaton."""

    rule: Rule
    overlap: int
    adjacent: int
    before: int
    after: int
    exclude_near: int
    anywhere: int
    near: int
    all_of: tuple[int, ...]


class _Entry:
    """What a word of the automaton means: (rule, term) pairs and numbers of context lists."""

    __slots__ = ("length", "lists", "terms", "word_end", "word_start")

    def __init__(self, word: str) -> None:
        self.length = len(word)
        self.word_start = word[0] in _WORD
        self.word_end = word[-1] in _WORD
        self.terms: list[tuple[int, str]] = []
        self.lists: list[int] = []


class RuleSet:
    """Compiled rules. Not picklable on purpose: it is built in `open`, once per worker."""

    def __init__(self, rules: Rules) -> None:
        self.rules: tuple[Rule, ...] = rules.rules
        self.files: tuple[RuleFile, ...] = rules.files
        self.version: str = rules.version
        self.terms: int = rules.terms
        self._entries: dict[str, _Entry] = {}
        self._list_numbers: dict[tuple[str, ...], int] = {}
        self._compiled = [self._compile(number, rule) for number, rule in enumerate(rules.rules)]
        self._terms = _automaton({word: entry for word, entry in self._entries.items() if entry.terms})
        self._all = _automaton(self._entries)

    def _compile(self, number: int, rule: Rule) -> _Compiled:
        for spelling, term in rule.terms.items():
            self._entry(spelling).terms.append((number, term))
        exclude = rule.exclude
        return _Compiled(
            rule,
            overlap=self._list(exclude.overlap),
            adjacent=self._list(exclude.adjacent),
            before=self._list(exclude.before),
            after=self._list(exclude.after),
            exclude_near=self._list(exclude.near),
            anywhere=self._list(exclude.anywhere),
            near=self._list(rule.near),
            all_of=tuple(self._list(group) for group in rule.all_of),
        )

    def _entry(self, word: str) -> _Entry:
        entry = self._entries.get(word)
        if entry is None:
            entry = self._entries[word] = _Entry(word)
        return entry

    def _list(self, words: tuple[str, ...]) -> int:
        """Return the number of the list of ``words``, -1 for the empty one; equal lists share a number."""
        if not words:
            return -1
        number = self._list_numbers.get(words)
        if number is None:
            number = self._list_numbers[words] = len(self._list_numbers)
            for word in words:
                self._entry(word).lists.append(number)
        return number

    def scan(self, texts: Sequence[str]) -> list[list[Hit]]:
        """Return for each text the hits that count, ordered by rule (load order), then by place."""
        result: list[list[Hit]] = [[] for _ in texts]
        if not texts:
            return result
        normal, starts = join(texts)
        starts.append(len(normal))
        for post in self._with_terms(normal, starts):
            own = normal[starts[post] : starts[post + 1]]  # ends with the NUL, so there is a character after each hit
            found = [hit for hit in self._words(own) if _bounded(own, *hit)]
            result[post] = self._judge(texts[post], own, found)
        return result

    def _with_terms(self, normal: str, starts: list[int]) -> list[int]:
        """Return the numbers of the posts in which a term stands, whatever its context."""
        posts: list[int] = []
        border = 0  # where the next post begins that was not named yet
        for last, entry in self._terms.iter(normal):
            if last < border or not _bounded(normal, last + 1 - entry.length, last + 1, entry):
                continue
            post = bisect_right(starts, last) - 1
            posts.append(post)
            border = starts[post + 1]
        return posts

    def _words(self, normal: str) -> list[tuple[int, int, _Entry]]:
        return [(last + 1 - entry.length, last + 1, entry) for last, entry in self._all.iter(normal)]

    def _judge(self, text: str, normal: str, found: list[tuple[int, int, _Entry]]) -> list[Hit]:
        """Return the hits of one post for which all conditions of their rule hold."""
        by_rule: dict[int, list[tuple[int, int, str]]] = {}
        lists: dict[int, list[_Span]] = {}
        for start, end, entry in found:
            for number, term in entry.terms:
                by_rule.setdefault(number, []).append((start, end, term))
            for listed in entry.lists:
                lists.setdefault(listed, []).append((start, end))  # ends ascend
        hits: list[Hit] = []
        quoted = quoted_spans(text)
        tail = quoted[-1].start if quoted and quoted[-1].kind == TAIL else len(text)
        for number in sorted(by_rule):
            compiled = self._compiled[number]
            if compiled.anywhere in lists or any(group not in lists for group in compiled.all_of):
                continue
            near = own = lists.get(compiled.near, [])
            whole = all(any(start < tail for start, _ in lists[group]) for group in compiled.all_of)
            if quoted and near:
                # nearly every post of a flood carries the same hashtags, and "save them //@name: ..." forwards what
                # another post said: quoted words are no context for the author's own
                own = [span for span in near if not kind_at(quoted, *span)]
            kept = []
            for start, end, term in by_rule[number]:
                kind = kind_at(quoted, start, end)
                if not (kind or whole) or not _allowed(compiled, start, end, lists, normal):
                    continue
                if compiled.near < 0 or _apart(near if kind else own, start, end, compiled.rule.within):
                    kept.append((start, end, term, kind))
            minimum = compiled.rule.min_hits
            if not kept or (minimum > 1 and len({term for _, _, term, _ in kept}) < minimum):
                continue
            rule = compiled.rule
            hits += [Hit(rule, term, start, end, kind) for start, end, term, kind in kept]
        return hits


def _automaton(entries: dict[str, _Entry]) -> Any:
    automaton = ahocorasick.Automaton()
    for word, entry in entries.items():
        automaton.add_word(word, entry)
    automaton.make_automaton()
    return automaton


def _bounded(normal: str, start: int, end: int, entry: _Entry) -> bool:
    """Whether a word that begins or ends with a Latin letter or digit stands alone there."""
    if entry.word_start and start and normal[start - 1] in _WORD:
        return False
    return not (entry.word_end and normal[end] in _WORD)


def _allowed(rule: _Compiled, start: int, end: int, lists: dict[int, list[_Span]], normal: str) -> bool:
    """Whether the hit ``start``-``end`` stands in no context that ``rule`` excludes."""
    exclude = rule.rule.exclude
    if rule.overlap in lists and any(s < end and start < e for s, e in _around(lists[rule.overlap], start, end, 0)):
        return False
    if rule.adjacent in lists and any(e == start for _, e in _around(lists[rule.adjacent], start, end, 0)):
        return False
    for listed, looks_before, looks_after in (
        (rule.before, True, False),
        (rule.after, False, True),
        (rule.exclude_near, True, True),
    ):
        if listed in lists:
            for s, e in _around(lists[listed], start, end, exclude.within):
                if looks_before and e <= start and not _CLAUSE.search(normal, e, start):
                    return False
                if looks_after and s >= end and not _CLAUSE.search(normal, end, s):
                    return False
    return True


def _around(spans: list[_Span], start: int, end: int, within: int) -> list[_Span]:
    """Return the spans that touch the window of ``within`` characters around ``start``-``end``. Spans end-sorted."""
    around = []
    for at in range(bisect_left(spans, start - within, key=_end_of), len(spans)):
        span = spans[at]
        if span[0] <= end + within:
            around.append(span)
        elif span[1] > end + within + 64:  # longer than any word: nothing further on can begin in the window
            break
    return around


def _apart(spans: list[_Span], start: int, end: int, within: int) -> bool:
    """Whether a span beside (not inside) ``start``-``end`` stands at most ``within`` characters away."""
    return any(e <= start or s >= end for s, e in _around(spans, start, end, within))


def _end_of(span: _Span) -> int:
    return span[1]


def load_rules(*folders: Path | str) -> RuleSet:
    """Return the compiled rules of ``folders``; raises UsageError with file, rule and remedy. About 0.1 s."""
    return RuleSet(check_rules(read_files([Path(folder) for folder in folders])))
