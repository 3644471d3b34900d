"""Every name under which a place may stand in a text, by its first two characters.

An entry says what its name may mean (``near``, ``among``, ``alone``: with ever less company) and whether the words
around it have to be looked at. Where names may start is found for a whole batch at once; the few candidates are looked
up one by one. (pyahocorasick takes 1 microsecond a character here: it scans a node's children one by one, and its root
would have 3,000 of them.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from schemas.errors import ModelError
from udfs.places.gazetteer import LEVELS, Division, Gazetteer

NAMES = Path(__file__).with_name("names.yaml")
ALONE, AMONG, NEAR = 0, 1, 2
PROVINCE, CITY, COUNTY, TOWN = 1, 2, 3, 4
"""Values of ``Lexicon.depth``."""
_MUNICIPALITIES = frozenset(("110000", "120000", "310000", "500000", "810000", "820000"))


@dataclass(slots=True)
class Entry:
    """What one name may mean. Numbers are positions in ``Lexicon.nodes``."""

    near: list[int] = field(default_factory=list)
    """With the division above right before it."""
    among: list[int] = field(default_factory=list)
    """With a division above somewhere in the post or in the region field."""
    strong: list[int] = field(default_factory=list)
    """Without any company."""
    bare: bool = False
    """A short name: what follows decides whether the place is meant (北京路, 上海人)."""
    two: bool = False
    """Two characters with the kind (辉县): stands alone at the start of a phrase only."""
    nothing: bool = False
    """A word that only looks like a place."""
    alone: int = -1
    """The one place meant without company, else -1."""


class Lexicon:
    """Nodes (divisions and towns), their ancestors, and the index of their names. Read-only once built."""

    def __init__(self, gazetteer: Gazetteer, names: Path = NAMES) -> None:
        try:
            self.rules: dict[str, Any] = yaml.safe_load(names.read_text("utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ModelError(f"{names.name} is missing or damaged; reinstall yuqing") from error
        self.nodes: list[Division] = []
        self.depth: list[int] = []
        self.above: list[frozenset[int]] = []
        """Ancestors of each node, itself excluded."""
        self.by_code: dict[str, int] = {}
        self.latin: dict[str, int] = {}
        self.bare_towns: dict[int, dict[str, int]] = {}
        """By county: 米河 -> 米河镇; valid right after the county's name only."""
        self._entries: dict[str, Entry] = {}
        self._add_divisions(gazetteer)
        self._add_own_names(gazetteer)
        self._add_latin(gazetteer)
        self._heads: dict[str, list[tuple[str, Entry]]] = {}
        for name, entry in self._entries.items():
            entry.alone = self._alone(entry)
            self._heads.setdefault(name[:2], []).append((name, entry))
        for names_of_head in self._heads.values():
            names_of_head.sort(key=lambda named: -len(named[0]))
        self._slots = np.zeros(1 << 20, dtype=bool)
        pairs = np.array([[ord(head[0]), ord(head[1])] for head in self._heads], dtype=np.uint32)
        self._slots[_slot(pairs[:, 0], pairs[:, 1])] = True

    def starts(self, texts: Sequence[str]) -> list[list[int]]:
        """Where a name may start in each text: one table look-up a character over the whole batch, in numpy.

        A superset (pairs share 2**20 slots), so ``find`` still looks each up.
        """
        joined = "\n".join(texts)
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        if len(codes) < 2:
            return [[] for _ in texts]
        hits = np.nonzero(self._slots[_slot(codes[:-1], codes[1:])])[0]
        ends = np.cumsum([len(text) + 1 for text in texts])
        cuts = np.searchsorted(hits, ends)
        begins = np.concatenate(([0], ends[:-1]))
        return [
            (hits[first:last] - begin).tolist()
            for first, last, begin in zip(np.concatenate(([0], cuts[:-1])), cuts, begins, strict=True)
        ]

    def find(self, text: str, starts: Iterable[int]) -> list[tuple[int, int, Entry]]:
        """-> (start, end, entry) of every name at one of ``starts``, in their order, the longest first."""
        heads = self._heads
        return [
            (start, start + len(name), entry)
            for start in starts
            for name, entry in heads.get(text[start : start + 2], ())
            if text.startswith(name, start)
        ]

    def entry(self, name: str) -> Entry | None:
        """The entry of exactly this name."""
        return self._entries.get(name)

    def narrow(self, node: int) -> bool:
        """Whether a road or an estate can be told apart there: a city or below, or a municipality like Beijing."""
        return self.depth[node] >= CITY or self.nodes[node].adcode in _MUNICIPALITIES

    def _node(self, division: Division, code: str) -> int:
        position = len(self.nodes)
        self.nodes.append(division)
        self.depth.append(LEVELS.index(division.level) + 1)
        parent = self.by_code.get(division.parent or "")
        self.above.append(frozenset() if parent is None else self.above[parent] | {parent})
        if division.level != "town":
            self.by_code[code] = position
        return position

    def _put(self, name: str, node: int, company: int) -> Entry:
        entry = self._entries.setdefault(name, Entry())
        for wanted, listed in ((ALONE, entry.strong), (AMONG, entry.among), (NEAR, entry.near)):
            if company <= wanted and node not in listed:
                listed.append(node)
        return entry

    def _add_divisions(self, gazetteer: Gazetteer) -> None:
        caution = {name: int(level) for level, given in self.rules["cautious"].items() for name in given.split()}
        caution |= dict.fromkeys(self.rules["trusted"].split(), ALONE)
        never = set(self.rules["never_short"].split())
        generic = set(self.rules["generic"].split())
        for code, division in gazetteer.divisions.items():
            node = self._node(division, code)
            two = division.name == division.short
            company = caution.get(division.short, division.caution)
            if division.level == "province":
                company = ALONE
            if two:
                self._put(division.name, node, max(AMONG, company)).two = company < NEAR
                if division.name in caution and company == ALONE:
                    self._put(division.name, node, ALONE)
                continue
            self._put(division.name, node, NEAR if division.name in generic else ALONE)
            if division.short not in never:
                self._put(division.short, node, company).bare = True
            if division.name.endswith("自治州"):
                self._put(division.short + "州", node, NEAR if len(division.short) < 2 else ALONE)
        self._add_towns(gazetteer)

    def _add_towns(self, gazetteer: Gazetteer) -> None:
        """Full names by the index; names without 镇 or 乡 per county, unless three counties have one (太平, 城关)."""
        spread = Counter(town.short for towns in gazetteer.towns.values() for town in towns if town.short != town.name)
        for code, towns in gazetteer.towns.items():
            bare = self.bare_towns.setdefault(self.by_code[code], {})
            for town in towns:
                node = self._node(town, "")
                self._put(town.name, node, AMONG)
                if town.name[-1] in "镇乡" and spread[town.short] < 3 and town.short not in self._entries:
                    bare[town.short] = node

    def _add_own_names(self, gazetteer: Gazetteer) -> None:
        former = gazetteer.former | self.rules["former"]
        for name, code in former.items():
            if code not in self.by_code:
                raise ModelError(f"names.yaml or the gazetteer maps {name} to {code}, which is no division")
            if len(name) > 2:
                self._put(name, self.by_code[code], ALONE)
            else:
                self._put(name, self.by_code[code], AMONG).two = True
        for name, code in self.rules["aliases"].items():
            self._put(name, self.by_code[code], ALONE).bare = not name.endswith(("区", "州", "市"))
        for word in self.rules["not_places"].split():
            if word not in self._entries:
                self._entries[word] = Entry(nothing=True)

    def _add_latin(self, gazetteer: Gazetteer) -> None:
        never = set(self.rules["latin_never"].split())
        spelled: dict[str, list[str]] = {}
        for code, division in gazetteer.divisions.items():
            if division.latin and division.latin not in never and re.fullmatch(r"[a-z]{5,}", division.latin):
                spelled.setdefault(division.latin, []).append(code)
        self.latin = {name: self.by_code[codes[0]] for name, codes in spelled.items() if len(codes) == 1}
        self.latin |= {name: self.by_code[code] for name, code in self.rules["latin"].items()}

    def _alone(self, entry: Entry) -> int:
        """The highest division that needs no company, if there is only one of its level (河南 is the province)."""
        if not entry.strong:
            return -1
        top = min(self.depth[node] for node in entry.strong)
        best = [node for node in entry.strong if self.depth[node] == top]
        if len(best) != 1:
            return -1
        # a namesake of the same level that needs company still makes the name ambiguous
        rivals = [node for node in entry.among if self.depth[node] <= top and node != best[0]]
        return -1 if rivals else best[0]


def _slot(first: npt.NDArray[np.uint32], second: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Slot of a pair of characters, below 2**20 (multiplicative hashing, Knuth 6.4)."""
    slot: npt.NDArray[np.uint32] = ((first * np.uint32(0x9E3779B1)) ^ (second * np.uint32(0x85EBCA77))) >> np.uint32(12)
    return slot
