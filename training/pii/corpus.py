"""The training texts of the tagger: gold names, weak labels of a teacher, and sentences made from templates."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from udfs.pii.names import SURNAME_AND_TITLE, refine_person, refine_place
from udfs.pii.tagger import TAGS

Example = tuple[str, list[int]]
"""A text and one tag a character (an index into ``TAGS``)."""

GOLD_PERSON = frozenset({"name", "NAME", "PER.NAM"})


def held_out(row: dict[str, Any]) -> bool:
    """Whether a row of ``zh_ner`` is kept for measuring: the dev parts, and a tenth of CLUENER's train part."""
    source = row["source"]
    if source.endswith("-dev"):
        return True
    return source == "cluener" and hashlib.sha256(row["text"].encode()).digest()[0] < 26


def gold_people(row: dict[str, Any]) -> list[tuple[int, int]]:
    """Spans of PERSON in a row of ``zh_ner`` by the contract's rules (a bare surname takes its title along)."""
    text = row["text"]
    spans = []
    for entity in row["entities"]:
        if entity["type"] in GOLD_PERSON:
            span = refine_person(text, entity["start"], entity["end"])
            if span is not None:
                spans.append(span)
    return sorted(set(spans))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON-lines file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def tagged(text: str, people: Iterable[tuple[int, int]], places: Iterable[tuple[str, int, int]]) -> Example:
    """Return tags for ``text``. People win over places; places become PLACE or LOC by their names."""
    tags = [0] * len(text)
    for kind, start, end in places:
        shared = refine_place(text, start, end)
        if shared is None and kind == "ORG":
            continue
        if shared is not None:
            _set(tags, "PLACE", *shared)
            start, end = start, shared[0]
        if start < end:
            _set(tags, "LOC", start, end)
    for start, end in people:
        for at in range(start, end):
            tags[at] = 0
        if end < len(text) and tags[end] and tags[end] % 2 == 0 and TAGS[tags[end]].startswith("I-"):
            tags[end] -= 1
        _set(tags, "PERSON", start, end)
    return text, tags


def _set(tags: list[int], kind: str, start: int, end: int) -> None:
    first = TAGS.index(f"B-{kind}")
    tags[start:end] = [first, *[first + 1] * (end - start - 1)]


def weak(path: Path, gold: dict[str, list[tuple[int, int]]] | None = None) -> Iterator[Example]:
    """Yield examples from the teacher's labels; where ``gold`` knows a text, its people count instead."""
    seen = set()
    for row in read(path):
        text = row["text"]
        if text in seen:
            continue
        seen.add(text)
        places = [(kind, a, b) for kind, a, b in row["entities"] if kind != "PER"]
        if gold is not None:
            if text in gold:
                yield tagged(text, gold[text], places)
            continue
        people = [refine_person(text, a, b) for kind, a, b in row["entities"] if kind == "PER"]
        people += [match.span() for match in SURNAME_AND_TITLE.finditer(text)]
        yield tagged(text, _disjoint(span for span in people if span), places)


def _disjoint(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


class Templates:
    """Sentences as people write them in an emergency, filled from lists and from the names the corpus holds."""

    def __init__(self, names: list[str], seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a reproducible draw
        held = yaml.safe_load(Path(__file__).with_name("templates.yaml").read_text(encoding="utf-8"))
        self._words = {key: value if isinstance(value, list) else value.split() for key, value in held.items()}
        self._names = names
        chinese = [name for name in names if 2 <= len(name) <= 3]
        self._surnames = [name[0] for name in chinese]
        self._given = [name[1:] for name in chinese]

    def person(self) -> str:
        r = self._random
        draw = r.random()
        if draw < 0.35:
            return r.choice(self._names)
        if draw < 0.7:
            return r.choice(self._surnames) + r.choice(self._given)
        if draw < 0.76:
            return r.choice(self._surnames) + "".join(r.choice(r.choice(self._given)) for _ in range(r.choice([1, 2])))
        if draw < 0.93:
            return r.choice(self._surnames) + r.choice(self._words["titles"])
        if draw < 0.97:
            return r.choice("小老阿大") + r.choice(self._surnames)
        return r.choice(self._surnames) + r.choice(["某某", "某", "XX"])

    def place(self) -> tuple[str, str]:
        """Return the part of provinces to towns (may be empty), and the shared place."""
        r = self._random
        admin = r.choice(self._words["admin"]) if r.random() < 0.6 else ""
        draw = r.random()
        if draw < 0.3:
            return admin, r.choice(self._words["villages"]) + r.choice(
                [*self._words["villages"], "家", "各", "楼"]
            ) + r.choice(self._words["village_endings"])
        if draw < 0.5:
            return admin, r.choice(self._words["places"]) + r.choice(self._words["roads"])
        if draw < 0.75:
            return admin, r.choice(self._words["places"]) + r.choice(["", r.choice(self._words["places"])]) + r.choice(
                self._words["estates"]
            )
        return admin, r.choice([*self._words["places"], *self._words["admin"][-6:]]) + r.choice(self._words["shared"])

    def example(self) -> Example:
        r = self._random
        draw = r.random()
        line = r.choice(self._words[f"{'person' if draw < 0.6 else 'place' if draw < 0.88 else 'none'}_lines"])
        text, people, places = "", [], []
        for part in line.replace("{", "\0{").replace("}", "}\0").split("\0"):
            if part == "{P}":
                name = self.person()
                people.append((len(text), len(text) + len(name)))
                text += name
            elif part == "{L}":
                admin, shared = self.place()
                if admin:
                    places.append(("LOC", len(text), len(text) + len(admin)))
                at = len(text) + len(admin)
                places.append(("LOC", at, at + len(shared)))
                text += admin + shared
            elif part == "{D}":
                text += r.choice(self._words["details"])
            else:
                text += part
        return tagged(text, people, places)
