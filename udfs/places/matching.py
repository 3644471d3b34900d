"""From a text to the places it names: find, resolve, merge.

1. *Find*: all names in one pass; from left to right the longest that may stand where it stands.
2. *Resolve*: a name that several divisions bear goes to the one whose parent is in the post (or, failing that, in the
   region field or an @name). No parent, or two equally good ones: it is left out.
3. *Merge*: 河南省 + 郑州市 + 二七区 is one place; a place that lies above another of the post is not repeated.

``docs/places.md`` lists what counts as a place and what does not, with examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from udfs.places.lexicon import COUNTY, Lexicon
from udfs.places.surroundings import OTHER, PLACE, WEAK, Surroundings

_GAPS = frozenset(("", " ", "　", "·", "-", "—", "－", "/", "|", "#", "##", "# #", "的", "（", "("))
_AT_NAME = re.compile(r"@[\w\-·]{1,30}")
_TITLE = re.compile(r"《[^《》]{1,40}》")
_LATIN = re.compile(r"[a-z]+(?:'[a-z]+)?")
_LATIN_WORD = re.compile("[A-Za-z]{4}")
_HAN = re.compile(r"[一-龥]")
_OPENERS = frozenset("在到从去往至向是于自为和与及")
_TOWN_ENDS = re.compile(
    r"[^一-龥]|$|[村的有被需急求断停失洪积发告也又这那和及]|一带|附近|水库|片区|境内|那边|这边|人民|群众"
)
_AREA_OR_MARKET = ("域", "场")


Span = tuple[int, int, int]
"""(node, start, end)"""


@dataclass(slots=True)
class Mention:
    """A name in the text. ``node`` is -1 until it is resolved; ``candidates`` are what it may mean."""

    start: int
    end: int
    node: int
    candidates: tuple[int, ...]
    weak: bool = False
    quoted: bool = False
    """Stands in an @name: helps to resolve others, is no place of the post."""


class Matcher:
    """Finds places in texts; one instance a worker, no state between calls."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.surroundings = Surroundings(lexicon.rules["after"], lexicon.rules["before"])
        latin = sorted((name for name in lexicon.latin if " " in name), key=len, reverse=True)
        self._latin_pairs = re.compile("|".join(map(re.escape, latin)))

    def places(self, text: str, region: Iterable[int] = ()) -> list[Span]:
        """-> (node, start, end) in text order, no node twice, none that lies above another."""
        return self.read(text, region)[0]

    def read(
        self, text: str, region: Iterable[int] = (), starts: Sequence[int] | None = None
    ) -> tuple[list[Span], list[Span]]:
        """``places``, and every resolved mention as it stands, repeated and higher ones too.

        ``starts``: what ``Lexicon.starts`` gave for this text, where it was asked for a batch.
        """
        mentions = self._find(text, self.lexicon.starts([text])[0] if starts is None else starts)
        if not mentions:
            return [], []
        self._resolve(mentions, region)
        resolved = [mention for mention in mentions if mention.node >= 0 and not mention.quoted]
        merged = self._merge(text, resolved)
        return merged, [(mention.node, mention.start, mention.end) for mention in resolved]

    def region(self, region: str) -> tuple[int, ...]:
        """The deepest divisions that a region field names: 河南 郑州 -> Zhengzhou. Empty outside China."""
        return tuple(node for node, _, _ in self.places(region))

    # -- find -------------------------------------------------------------------------------------------------
    def _find(self, text: str, starts: Sequence[int]) -> list[Mention]:
        mentions = self._sweep(text, starts) if starts else []
        if _LATIN_WORD.search(text):
            mentions += self._find_latin(text)
            mentions.sort(key=lambda mention: mention.start)
        if mentions and ("@" in text or "《" in text):
            mentions = self._unquote(text, mentions)
        return mentions

    def _sweep(self, text: str, starts: Sequence[int]) -> list[Mention]:
        above = self.lexicon.above
        mentions: list[Mention] = []
        taken = 0
        last: Mention | None = None
        for start, end, entry in self.lexicon.find(text, starts):
            if start < taken:
                continue
            if entry.nothing:
                taken = end
                continue
            node = -1
            candidates: tuple[int, ...] = ()
            touching = last is not None and text[last.end : start] in _GAPS
            if touching and last is not None:
                parents = (last.node,) if last.node >= 0 else last.candidates
                candidates = tuple(c for c in entry.near if not above[c].isdisjoint(parents))
                if len(candidates) > 1:
                    top = min(len(above[c]) for c in candidates)
                    candidates = tuple(c for c in candidates if len(above[c]) == top)
            if not candidates:
                node = entry.alone
                candidates = tuple(entry.among)
                if node < 0 and not candidates:
                    continue
                if node < 0 and entry.bare and last is not None and last.end == start and self._is_city(last.node):
                    taken = end  # 武汉|天河机场: not the Tianhe of Guangzhou
                    continue
                if node < 0 and entry.two and self._opens_phrase(text, start):
                    node = candidates[0] if len(candidates) == 1 else -1
            elif len(candidates) == 1:
                node = candidates[0]
            verdict = PLACE
            if text[end - 1] in "区市" and text[end : end + 1] in _AREA_OR_MARKET and self._below_city(node):
                continue  # 新建|区域, 沙河|市场
            if entry.bare:
                first = node if node >= 0 else candidates[0]
                county = self.lexicon.depth[first] == COUNTY
                joined = last is not None and last.end == start
                verdict = self.surroundings.verdict(text, start, end, joined, county)
            if verdict == OTHER:
                continue  # what begins inside the name may still be one: 张艺兴|山东
            taken = end
            last = Mention(start, end, node, candidates, weak=verdict == WEAK)
            mentions.append(last)
        return mentions

    def _is_city(self, node: int) -> bool:
        return node >= 0 and self.lexicon.narrow(node)

    def _below_city(self, node: int) -> bool:
        return node < 0 or self.lexicon.depth[node] >= COUNTY

    @staticmethod
    def _opens_phrase(text: str, start: int) -> bool:
        return start == 0 or text[start - 1] in _OPENERS or not _HAN.match(text[start - 1])

    def _find_latin(self, text: str) -> list[Mention]:
        lower = text.lower()
        if len(lower) != len(text):  # a few capitals grow when lowered; offsets would shift
            return []
        known = self.lexicon.latin
        found = [
            Mention(match.start(), match.end(), known[match.group()], ())
            for match in _LATIN.finditer(lower)
            if match.group() in known
        ]
        found += [
            Mention(match.start(), match.end(), known[match.group()], ()) for match in self._latin_pairs.finditer(lower)
        ]
        return found

    @staticmethod
    def _unquote(text: str, mentions: list[Mention]) -> list[Mention]:
        titles = [match.span() for match in _TITLE.finditer(text)]
        handles = [match.span() for match in _AT_NAME.finditer(text)]
        kept = []
        for mention in mentions:
            if any(start < mention.start < end for start, end in titles):
                continue
            mention.quoted = any(start < mention.start < end for start, end in handles)
            kept.append(mention)
        return kept

    # -- resolve ----------------------------------------------------------------------------------------------
    def _resolve(self, mentions: list[Mention], region: Iterable[int]) -> None:
        above = self.lexicon.above
        strong = [m.node for m in mentions if m.node >= 0 and not m.weak and not m.quoted]
        if any(m.weak for m in mentions):
            self._weigh(mentions, strong)
        if all(m.node >= 0 or m.weak for m in mentions):
            return
        named = set(strong)
        implied = {parent for node in strong for parent in above[node]}
        around = {m.node for m in mentions if m.node >= 0} | set(region)
        around |= {parent for node in around for parent in above[node]}
        for context in (named, named | implied, named | implied | around):
            waiting = [m for m in mentions if m.node < 0 and not m.weak]
            for mention in waiting:
                mention.node = self._pick(mention.candidates, context)
                if mention.node >= 0:
                    context |= {mention.node} | above[mention.node]
                    named.add(mention.node)

    def _pick(self, candidates: tuple[int, ...], context: set[int]) -> int:
        """The candidate with the deepest ancestor in the context, if it is the only one; else -1."""
        if not context:
            return -1
        depth, above = self.lexicon.depth, self.lexicon.above
        scores = [max((depth[node] for node in above[c] & context), default=0) for c in candidates]
        best = max(scores)
        if best == 0 or scores.count(best) != 1:
            return -1
        return candidates[scores.index(best)]

    def _weigh(self, mentions: list[Mention], strong: list[int]) -> None:
        """An institution's place counts when nothing else is named, or when it lies inside what is named."""
        above = self.lexicon.above
        for position, mention in enumerate(mentions):
            if not mention.weak:
                continue
            inside = not strong or any(node in above[mention.node] for node in strong)
            following = mentions[position + 1] if position + 1 < len(mentions) else None
            if following is not None and following.start - mention.end <= 12 and following.node >= 0:
                inside = inside and following.node in above[mention.node]  # 北京大学深圳医院 stands in Shenzhen
            if not inside:
                mention.node = -1

    def _extend(self, text: str, mention: Mention) -> None:
        """巩义米河 -> the town 米河镇: a town's bare name right after its county."""
        towns = self.lexicon.bare_towns.get(mention.node)
        if not towns:
            return
        for length in (4, 3, 2):
            town = towns.get(text[mention.end : mention.end + length])
            if town is not None and _TOWN_ENDS.match(text, mention.end + length):
                mention.node, mention.end = town, mention.end + length
                return

    # -- merge ------------------------------------------------------------------------------------------------
    def _merge(self, text: str, mentions: list[Mention]) -> list[Span]:
        above = self.lexicon.above
        spans: dict[int, tuple[int, int]] = {}
        start, last = 0, None
        for mention in mentions:
            joined = last is not None and last.node in above[mention.node] and text[last.end : mention.start] in _GAPS
            if not joined:
                start = mention.start
            self._extend(text, mention)
            spans.setdefault(mention.node, (start, mention.end))
            last = mention
        if len(spans) > 1:
            higher = frozenset().union(*(above[node] for node in spans))
            spans = {node: span for node, span in spans.items() if node not in higher}
        return sorted(((node, *span) for node, span in spans.items()), key=lambda place: place[1])
