"""Read and check a folder of keyword rule files.

A file is YAML with two keys, both optional: `lists` (named lists of words, usable as `$name` in every file of the
folder) and `rules`. docs/keywords.md describes the keys of a rule. Every problem is a UsageError that names the
file, the rule and the remedy; nothing is guessed and unknown keys are refused, since a misspelt `exclude` would
silently raise false alarms.
"""

from __future__ import annotations

import hashlib
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas import yaml_files
from schemas.errors import UsageError
from udfs.keywords.normalise import normalise

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LIST_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_RULE_KEYS = {
    "id",
    "category",
    "critical",
    "priority",
    "weight",
    "terms",
    "variants",
    "exclude",
    "near",
    "within",
    "all_of",
    "min_hits",
    "single_characters",
}
_EXCLUDE_KEYS = {"overlap", "adjacent", "before", "after", "near", "anywhere", "within"}
_MAX_WORD = 40
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2
_short = _SHORT.repr
"""What an error shows of a value that should be a word or a number: it may be anything."""


@dataclass(frozen=True)
class Exclude:
    """Contexts in which a term does not count; words in normal form."""

    overlap: tuple[str, ...] = ()  # a phrase that shares a character with the hit: "作业救救我"
    adjacent: tuple[str, ...] = ()  # ends where the hit begins: "没有人|被困"
    before: tuple[str, ...] = ()  # in the same clause, at most `within` characters before the hit
    after: tuple[str, ...] = ()  # in the same clause, at most `within` characters after it
    near: tuple[str, ...] = ()  # in the same clause, at most `within` characters away on either side
    anywhere: tuple[str, ...] = ()  # anywhere in the post
    within: int = 6


@dataclass(frozen=True)
class Rule:
    """One rule; `terms` maps each spelling in normal form to the term that is reported for it."""

    id: str
    category: str
    terms: Mapping[str, str]
    critical: bool = False
    priority: int = 3
    weight: float = 1.0
    exclude: Exclude = field(default_factory=Exclude)
    near: tuple[str, ...] = ()
    within: int = 20
    all_of: tuple[tuple[str, ...], ...] = ()
    min_hits: int = 1


@dataclass(frozen=True)
class RuleFile:
    """What was read from one file, for the echo."""

    name: str
    rules: int
    terms: int
    sha256: str


@dataclass(frozen=True)
class Rules:
    """Checked rules in stable order (folder, file name, position), and the hash of what they were read from."""

    rules: tuple[Rule, ...]
    files: tuple[RuleFile, ...]
    version: str  # SHA-256 over the names and contents of all files

    @property
    def terms(self) -> int:
        """Number of spellings over all rules."""
        return sum(len(rule.terms) for rule in self.rules)


def rule_paths(folders: Sequence[Path]) -> list[Path]:
    """Return the rule files of ``folders`` in load order; raises UsageError when there are none."""
    paths: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"rules: {folder} is not a folder; name a folder that holds *.yaml rule files")
        paths += sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    if not paths:
        raise UsageError(
            f"rules: no *.yaml file in {', '.join(map(str, folders))}; add a rule file or name another folder"
        )
    return paths


def read_files(folders: Sequence[Path]) -> list[tuple[Path, bytes]]:
    """Return the rule files of ``folders`` with their contents, in load order."""
    files = []
    for path in rule_paths(folders):
        try:
            files.append((path, path.read_bytes()))
        except OSError as error:
            raise UsageError(
                f"rules: {path} cannot be read ({error.strerror}); make it readable or remove it"
            ) from error
    return files


def version_of(files: Sequence[tuple[Path, bytes]]) -> str:
    """Return the SHA-256 over names and contents of ``files``, in order."""
    digest = hashlib.sha256()
    for path, content in files:
        name = path.name.encode()
        digest.update(b"%d:%s%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def check_rules(files: Sequence[tuple[Path, bytes]]) -> Rules:
    """Return the checked rules of ``files``; raises UsageError with file, rule and remedy."""
    documents = [(path, content, _parse(path, content)) for path, content in files]
    lists = _Lists()
    for path, _, document in documents:
        lists.add(path, document.get("lists"))
    rules: list[Rule] = []
    owners: dict[str, str] = {}
    read: list[RuleFile] = []
    for path, content, document in documents:
        first = len(rules)
        for position, raw in enumerate(_entries(path, document), 1):
            rule = _RuleReader(path, position, raw, lists).read()
            if rule.id in owners:
                raise UsageError(
                    f"{path.name}: rule {rule.id}: the id is used in {owners[rule.id]} too; give each rule its own"
                )
            owners[rule.id] = path.name
            rules.append(rule)
        terms = sum(len(rule.terms) for rule in rules[first:])
        read.append(RuleFile(path.name, len(rules) - first, terms, hashlib.sha256(content).hexdigest()))
    if not rules:
        raise UsageError("rules: the files hold no rule; add an entry under `rules:`")
    return Rules(tuple(rules), tuple(read), version_of(files))


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document = yaml_files.read(content)
    except yaml_files.NotYaml as error:
        line = f" line {error.line}" if error.line else ""
        raise UsageError(f"{path.name}:{line} {error.problem}; correct the YAML there") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(
            f"{path.name}: the file is a {type(document).__name__}; it must have the keys `lists` and `rules`"
        )
    for key in document:
        if key not in ("lists", "rules"):
            raise UsageError(f"{path.name}: unknown key {_short(key)} at the top; use `lists` and `rules`")
    return document


def _entries(path: Path, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = document.get("rules") or []
    if not isinstance(entries, list):
        raise UsageError(f"{path.name}: `rules` is a {type(entries).__name__}; write one `- id: ...` entry per rule")
    for position, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise UsageError(f"{path.name}: rule number {position} is a {type(entry).__name__}; write `- id: ...`")
    return entries


def _word(where: str, key: str, value: Any) -> str:
    """Return ``value`` in normal form; ``where`` names file and rule."""
    if not isinstance(value, str):
        raise UsageError(
            f"{where}: `{key}` holds {_short(value)}, which YAML reads as {type(value).__name__}; put it in quotes"
        )
    word = normalise(value)
    if not word.strip():
        raise UsageError(f"{where}: `{key}` holds an empty word; remove it")
    if len(word) > _MAX_WORD:
        raise UsageError(
            f"{where}: `{key}` holds a word of {len(word)} characters; at most {_MAX_WORD}, rules hold words"
        )
    if any(ord(character) < 32 for character in word):
        raise UsageError(f"{where}: `{key}` holds a control character; remove it")
    return word


class _Lists:
    """Named word lists of all files; `$name` stands for the list's words."""

    def __init__(self) -> None:
        self._words: dict[str, list[Any]] = {}
        self._files: dict[str, str] = {}

    def add(self, path: Path, raw: Any) -> None:
        if raw is None:
            return
        if not isinstance(raw, dict):
            raise UsageError(
                f"{path.name}: `lists` is a {type(raw).__name__}; write `name: [word, ...]` lines under it"
            )
        for name, words in raw.items():
            if not isinstance(name, str) or not _LIST_NAME.fullmatch(name):
                raise UsageError(f"{path.name}: list name {_short(name)}; use lower-case letters, digits and -")
            if not isinstance(words, list):
                raise UsageError(f"{path.name}: list {name} is a {type(words).__name__}; write [word, ...]")
            if name in self._words:
                raise UsageError(f"{path.name}: list {name} is defined in {self._files[name]} too; rename one")
            self._words[name] = words
            self._files[name] = path.name

    def words(self, where: str, key: str, raw: Any, seen: tuple[str, ...] = ()) -> list[str]:
        """Return the words of ``raw`` in normal form, `$name` entries replaced, doubles dropped, order kept."""
        if not isinstance(raw, list):
            raise UsageError(f"{where}: `{key}` is {type(raw).__name__}; write a list: [word, ...]")
        words: dict[str, None] = {}
        for item in raw:
            if isinstance(item, str) and item.startswith("$"):
                name = item[1:]
                if name not in self._words:
                    raise UsageError(
                        f"{where}: `{key}` names ${name[:60]}, which no file defines; add it under `lists`"
                    )
                if name in seen:
                    raise UsageError(f"{where}: list {name} contains itself; break the circle")
                words.update(dict.fromkeys(self.words(where, key, self._words[name], (*seen, name))))
            else:
                words[_word(where, key, item)] = None
        return list(words)


class _RuleReader:
    """Checks one entry under `rules`."""

    def __init__(self, path: Path, position: int, raw: Mapping[str, Any], lists: _Lists) -> None:
        self._raw = raw
        self._lists = lists
        name = raw.get("id")
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise UsageError(
                f"{path.name}: rule number {position}: id {_short(name)}; "
                "give it an id of lower-case letters, digits and -"
            )
        self._id = name
        self._where = f"{path.name}: rule {name}"

    def read(self) -> Rule:
        for key in self._raw:
            if key not in _RULE_KEYS:
                raise UsageError(f"{self._where}: unknown key {_short(key)}; keys are {', '.join(sorted(_RULE_KEYS))}")
        category = self._raw.get("category")
        if not isinstance(category, str) or not category.strip():
            raise UsageError(f"{self._where}: `category` is {_short(category)}; name one, for example 灾情求助")
        terms = self._terms()
        min_hits = self._number("min_hits", 1, 1, 20)
        if min_hits > len(set(terms.values())):
            raise UsageError(
                f"{self._where}: `min_hits` is {min_hits} but there are fewer terms; lower it or add terms"
            )
        all_of = self._raw.get("all_of", [])
        if not isinstance(all_of, list) or not all(isinstance(group, list) for group in all_of):
            raise UsageError(f"{self._where}: `all_of` must be a list of lists; write [[word, ...], [word, ...]]")
        return Rule(
            id=self._id,
            category=category.strip(),
            terms=terms,
            critical=self._flag("critical"),
            priority=self._number("priority", 3, 1, 4),
            weight=self._weight(),
            exclude=self._exclude(),
            near=self._list("near", self._raw),
            within=self._number("within", 20, 1, 200),
            all_of=tuple(tuple(self._lists.words(self._where, "all_of", group)) for group in all_of),
            min_hits=min_hits,
        )

    def _terms(self) -> dict[str, str]:
        raw = self._raw.get("terms")
        if not raw:
            raise UsageError(f"{self._where}: `terms` is missing or empty; list at least one word")
        terms = {word: word for word in self._lists.words(self._where, "terms", raw)}
        variants = self._raw.get("variants", {})
        if not isinstance(variants, dict):
            raise UsageError(
                f"{self._where}: `variants` is {type(variants).__name__}; write `term: [spelling, ...]` lines"
            )
        for term, spellings in variants.items():
            canonical = _word(self._where, "variants", term)
            if canonical not in terms:
                raise UsageError(f"{self._where}: `variants` names a term that is not under `terms`; add it there")
            for spelling in self._lists.words(self._where, "variants", spellings):
                terms.setdefault(spelling, canonical)
        for word in list(terms):
            if len(word) < 2 and not self._flag("single_characters"):
                raise UsageError(
                    f"{self._where}: `terms` holds a single character; use a word, or say single_characters: true"
                )
            if 2 <= len(word) <= 4 and not any(character.isascii() for character in word):
                terms.setdefault(" ".join(word), terms[word])  # "救 命", spaced to slip past filters
        return terms

    def _exclude(self) -> Exclude:
        raw = self._raw.get("exclude", {})
        if isinstance(raw, list):  # the common case: phrases that contain the term
            raw = {"overlap": raw}
        if not isinstance(raw, dict):
            raise UsageError(
                f"{self._where}: `exclude` is {type(raw).__name__}; write a list or {sorted(_EXCLUDE_KEYS)}"
            )
        for key in raw:
            if key not in _EXCLUDE_KEYS:
                raise UsageError(
                    f"{self._where}: `exclude` has the unknown key {_short(key)}; "
                    f"keys are {', '.join(sorted(_EXCLUDE_KEYS))}"
                )
        within = raw.get("within", 6)
        if isinstance(within, bool) or not isinstance(within, int) or not 0 <= within <= 200:
            raise UsageError(f"{self._where}: `exclude.within` is {_short(within)}; write a number from 0 to 200")
        return Exclude(
            **{
                key: self._list(key, raw, "exclude.")
                for key in ("overlap", "adjacent", "before", "after", "near", "anywhere")
            },
            within=within,
        )

    def _list(self, key: str, raw: Mapping[str, Any], prefix: str = "") -> tuple[str, ...]:
        return tuple(self._lists.words(self._where, prefix + key, raw[key])) if key in raw else ()

    def _flag(self, key: str) -> bool:
        value = self._raw.get(key, False)
        if not isinstance(value, bool):
            raise UsageError(f"{self._where}: `{key}` is {_short(value)}; write true or false")
        return value

    def _number(self, key: str, default: int, low: int, high: int) -> int:
        value = self._raw.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise UsageError(f"{self._where}: `{key}` is {_short(value)}; write a number from {low} to {high}")
        return value

    def _weight(self) -> float:
        value = self._raw.get("weight", 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise UsageError(f"{self._where}: `weight` is {_short(value)}; write a number above 0 and up to 1")
        return float(value)
