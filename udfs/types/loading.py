"""Reads a type's folder: YAML and decision tables in, a checked ``Type`` out. Adding a type is adding a folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from schemas.errors import UsageError
from udfs.types.checking import check
from udfs.types.operators import OPERATORS
from udfs.types.spec import Confidence, DocumentSpec, Fact, FieldSpec, Rule, Type

FOLDER = Path(__file__).parent
"""The types that come with the software."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FILES = ("type.yaml", "fields.yaml", "documents.yaml")
_CASES = "cases.yaml"


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """type.yaml as it is written."""

    type: str
    title: str
    version: str
    scope: str
    aliases: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    confidence: Confidence = Confidence()
    duplicates: tuple[str, ...] = ()


def names(folders: Sequence[Path] = ()) -> tuple[str, ...]:
    """Types there are, sorted; ``folders`` are further folders whose sub-folders are types."""
    return tuple(sorted(_folders(folders)))


def load(name: str, folders: Sequence[Path] = ()) -> Type:
    """The type of that name, alias or title.

    Raises UsageError, with file, key and remedy, when there is no such type or its folder does not hold together.
    Cost: 50 to 150 ms the first time, then 1 ms until a file of the folder changes.
    """
    known = _folders(folders)
    if name in known:
        return _read(known[name])
    wanted = [folder for folder in known.values() if name in _called(folder)]
    if len(wanted) == 1:
        return _read(wanted[0])
    if wanted:
        raise UsageError(f"the types {sorted(f.name for f in wanted)} both go by this name: give one of them instead")
    raise UsageError(f"no type of application {name[:40]!r}; there are {', '.join(sorted(known))}")


def _folders(folders: Sequence[Path]) -> dict[str, Path]:
    """Folder of each type. A further folder may be a type itself or hold types; the first of a name counts."""
    found: dict[str, Path] = {}
    for top in (*folders, FOLDER):
        if not top.is_dir():
            raise UsageError(f"no folder of types {str(top)!r}: give one whose sub-folders hold type.yaml")
        for folder in [top, *sorted(top.iterdir())]:
            if (folder / "type.yaml").is_file():
                found.setdefault(folder.name, folder)
    return found


def _called(folder: Path) -> tuple[str, ...]:
    path = folder / "type.yaml"
    return _called_once(path, path.stat().st_size, path.stat().st_mtime_ns)


@lru_cache(256)
def _called_once(path: Path, _size: int, _changed: int) -> tuple[str, ...]:
    head = _struct(_yaml(path), _Head, path)
    return (head.title, *head.aliases)


def _read(folder: Path) -> Type:
    """The type in a folder; read again only when a file's size or time of change is another."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".json"))
    return _read_once(folder, tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@lru_cache(64)
def _read_once(folder: Path, _files: tuple[tuple[Path, int, int], ...]) -> Type:
    for name in _FILES:
        if not (folder / name).is_file():
            raise UsageError(f"{folder.name}: {name} is missing: a type needs {', '.join(_FILES)}")
    head = _struct(_yaml(folder / "type.yaml"), _Head, folder / "type.yaml")
    if head.type != folder.name:
        raise UsageError(f"{folder.name}/type.yaml: type is {head.type!r}: name the folder and the type alike")
    fields = _entries(folder / "fields.yaml", FieldSpec)
    documents = _entries(folder / "documents.yaml", DocumentSpec)
    kind = Type(
        type=head.type,
        title=head.title,
        version=head.version,
        scope=head.scope,
        fields={name: _named(name, field) for name, field in fields.items()},
        documents={name: msgspec.structs.replace(document, id=name) for name, document in documents.items()},
        facts=_facts(folder / "facts.yaml"),
        rules=_rules(folder),
        lists={path.stem: _list(path) for path in sorted((folder / "lists").glob("*.yaml"))},
        digest=_digest(folder),
        aliases=head.aliases,
        out_of_scope=head.out_of_scope,
        texts=head.texts,
        confidence=head.confidence,
        duplicates=head.duplicates,
    )
    for name in (*kind.fields, *kind.documents, *(fact.name for fact in kind.facts)):
        if not _NAME.fullmatch(name):
            raise UsageError(f"{folder.name}: {name!r} is no name: small letters, digits and _ only")
    check(kind)
    return kind


def _named(name: str, field: FieldSpec) -> FieldSpec:
    columns = {key: msgspec.structs.replace(column, name=key) for key, column in field.columns.items()}
    return msgspec.structs.replace(field, name=name, declared=field.declared or name, columns=columns)


def _facts(path: Path) -> tuple[Fact, ...]:
    facts = []
    for name, entry in _mapping(path).items():
        if not isinstance(entry, dict):
            raise UsageError(f"{_where(path)}: {name}: give one operator with its argument, such as {{rows: table}}")
        operators = [key for key in entry if key in OPERATORS]
        if len(operators) != 1:
            raise UsageError(f"{_where(path)}: {name}: one operator of {', '.join(OPERATORS)}, not {sorted(entry)}")
        options = {key: value for key, value in entry.items() if key != operators[0]}
        facts.append(Fact(name=name, operator=operators[0], argument=entry[operators[0]], options=options))
    return tuple(facts)


def _rules(folder: Path) -> tuple[Rule, ...]:
    path = folder / "rules.yaml"
    if not path.is_file():
        return ()
    rules = []
    for rule in _struct(_yaml(path) or [], tuple[Rule, ...], path):
        versions = []
        for version in rule.versions:
            table = folder / "rules" / version.table
            if not table.is_file() or table.parent != folder / "rules":
                raise UsageError(f"{_where(path)}: {rule.rule}: no table rules/{version.table}: add it or name another")
            versions.append(msgspec.structs.replace(version, content=table.read_text(encoding="utf-8")))
        rules.append(msgspec.structs.replace(rule, versions=tuple(versions)))
    return tuple(rules)


def _list(path: Path) -> dict[str, dict[str, Any]]:
    """A list file: terms alone (a YAML list) or terms with what is known of them (a mapping)."""
    content = _yaml(path)
    if isinstance(content, list):
        content = dict.fromkeys(content)
    if not isinstance(content, dict):
        raise UsageError(f"{_where(path)}: terms are a list or a mapping")
    entries = {term: {} if value is None else value for term, value in content.items()}
    terms: dict[str, dict[str, Any]] = _struct(entries, dict[str, dict[str, Any]], path)
    return terms


def _digest(folder: Path) -> str:
    """SHA-256 over names and bytes of the folder's YAML and JSON files; line ends count.

    Test cases are left out: with another case the type decides as before.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".yaml", ".json") and path != folder / _CASES:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error (the second would silently win) and only true and false are
    booleans, as in YAML 1.2: ``on`` is the day of the application, ``yes`` and ``no`` are names of choices."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - that is how yaml keeps them
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tfTF"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _no_repeats(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        key = key_node.value
        if key in seen:
            line = key_node.start_mark.line + 1
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands twice (line {line})", None)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _no_repeats)


def _yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{_where(path)}: not readable as YAML: {error}") from None


def _mapping(path: Path) -> dict[str, Any]:
    """A file that is a mapping; one that is not there is empty."""
    content = _yaml(path) if path.is_file() else {}
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{_where(path)}: a mapping of names is wanted")
    return content


def _struct(content: Any, kind: Any, path: Path, name: str = "") -> Any:
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{_where(path)}: {name and name + ': '}{error}") from None


def _entries(path: Path, kind: Any) -> dict[str, Any]:
    """A file's entries, each made a ``kind`` on its own, so that an error names the entry."""
    return {name: _struct(entry, kind, path, str(name)) for name, entry in _mapping(path).items()}


def _where(path: Path) -> str:
    """Type and file, without the machine's folders."""
    return "/".join(path.parts[-3:] if path.parent.name in ("rules", "lists") else path.parts[-2:])
