"""YAML that knows the line of every value, so that an error names file and line.

    root = read(path)                      # Node
    root["levers"]["subsidy_rate"].number()

A key that stands twice is an error, only ``true`` and ``false`` are booleans (YAML 1.2: ``on`` and ``yes`` are words),
dates stay texts. Aliases and anchors are refused: a small file could become a huge one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import NoReturn

import yaml

from schemas.errors import UsageError

LARGEST = 1 << 20
"""Bytes of a file; a rule set of a few hundred variables has a tenth of it."""
DEEPEST = 40
LONGEST_NUMBER = 40
"""Digits; a longer run of them is a text (Python itself refuses to read thousands)."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast, and only for scanning: scalars are read here, nothing is constructed."""
_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?")

Value = "dict[str, Node] | list[Node] | str | float | int | bool | None"


class Node:
    """A value of the file. ``value``: a dict of nodes, a list of nodes, text, number, boolean or None."""

    __slots__ = ("file", "line", "lines", "name", "value")

    def __init__(
        self,
        value: dict[str, Node] | list[Node] | str | float | bool | None,
        file: str,
        line: int,
        name: str = "",
        lines: dict[str, int] | None = None,
    ) -> None:
        self.value = value
        self.file = file
        self.line = line
        self.name = name
        """Where it stands, such as ``variables.income.formula``."""
        self.lines = lines or {}
        """Of a mapping: line of each key."""

    def error(self, message: str) -> UsageError:
        """The error to raise: file, line, name and message."""
        return UsageError(f"{self.file}:{self.line}: {self.name + ': ' if self.name else ''}{message}")

    def fail(self, message: str) -> NoReturn:
        raise self.error(message)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str) -> Node:
        """The value of ``key``; an error when it is missing."""
        found = self.mapping().get(key)
        if found is None:
            self.fail(f"{key!r} is missing")
        return found

    def get(self, key: str) -> Node | None:
        return self.mapping().get(key)

    def mapping(self, allowed: Collection[str] | None = None, required: Collection[str] = ()) -> dict[str, Node]:
        """The mapping; with ``allowed`` no other key may stand in it."""
        if not isinstance(self.value, dict):
            self.fail(f"a mapping of names is wanted, not {self.said()}")
        for key, node in self.value.items():
            if allowed is not None and key not in allowed:
                node.fail(f"there is no {key!r} here; there are {', '.join(sorted(allowed))}")
        for key in required:
            if key not in self.value:
                self.fail(f"{key!r} is missing")
        return self.value

    def items(self) -> Iterator[tuple[str, Node]]:
        yield from self.mapping().items()

    def list(self) -> list[Node]:
        if not isinstance(self.value, list):
            self.fail(f"a list is wanted, not {self.said()}")
        return self.value

    def text(self, one_of: Collection[str] | None = None) -> str:
        """Text; a number or date that stands where text is wanted is taken as it was written."""
        if not isinstance(self.value, str):
            self.fail(f"text is wanted, not {self.said()}")
        if one_of is not None and self.value not in one_of:
            self.fail(f"{self.value!r} is none of {', '.join(one_of)}")
        return self.value

    def number(self, low: float | None = None, high: float | None = None) -> float:
        """A finite number between the bounds (inclusive)."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            self.fail(f"a number is wanted, not {self.said()}")
        if not math.isfinite(self.value):
            self.fail(f"{self.value} is no finite number")
        if (low is not None and self.value < low) or (high is not None and self.value > high):
            bounds = "..".join("" if bound is None else f"{bound:g}" for bound in (low, high))
            self.fail(f"{self.value:g} lies outside {bounds}")
        return float(self.value)

    def integer(self, low: int | None = None, high: int | None = None) -> int:
        found = self.number(low, high)
        if found != int(found):
            self.fail(f"a whole number is wanted, not {found:g}")
        return int(found)

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail(f"true or false is wanted, not {self.said()}")
        return self.value

    def date(self) -> date:
        text = self.text()
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no date: write 2026-01-31")

    def texts(self) -> tuple[str, ...]:
        return tuple(node.text() for node in self.list())

    def numbers(self) -> tuple[float, ...]:
        return tuple(node.number() for node in self.list())

    def plain(self) -> object:
        """Without lines: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def said(self) -> str:
        """What it is, for errors."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, dict | list):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        return repr(self.value)[:60]


def read(path: Path) -> Node:
    """The file's root. Raises UsageError with file and line: not there, too large, no YAML, a key twice."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: cannot be read: {error.strerror}") from None
    return parse(content, path.name)


def parse(content: bytes, file: str) -> Node:
    """As ``read``, of a file's content; ``file`` is how errors name it."""
    if len(content) > LARGEST:
        raise UsageError(f"{file}: {len(content)} bytes; at most {LARGEST} are read")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}:{line}: not UTF-8") from None
    try:
        _refuse_aliases(text, file)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _unreadable(text, file, error) from None
    if root is None:
        raise UsageError(f"{file}:1: the file is empty")
    return _node(root, file, "", _line(root))


def _unreadable(text: str, file: str, error: yaml.YAMLError) -> UsageError:
    """The error with its line. libyaml is often a line off: the slow reader says where it really is."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as exact:
        error = exact
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = int(mark.line) + 1 if isinstance(mark, yaml.Mark) else 1
    return UsageError(f"{file}:{line}: not readable as YAML: {getattr(error, 'problem', None) or error}")


def _refuse_aliases(text: str, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = int(event.start_mark.line) + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UsageError(f"{file}:{line}: anchors and aliases are not read: write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UsageError(f"{file}:{line}: nested deeper than {DEEPEST}")


def _node(node: yaml.Node, file: str, name: str, line: int) -> Node:
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key_node, value in node.value:
            at = _line(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise UsageError(f"{file}:{at}: a name is wanted as key")
            key = key_node.value
            if key in found:
                raise UsageError(f"{file}:{at}: {key!r} stands twice (line {lines[key]} too)")
            lines[key] = at
            found[key] = _node(value, file, f"{name}.{key}" if name else key, at)
        return Node(found, file, line, name, lines)
    if isinstance(node, yaml.SequenceNode):
        nodes = [
            _node(value, file, f"{name}[{number}]", _line(value)) for number, value in enumerate(node.value, start=1)
        ]
        return Node(nodes, file, line, name)
    if not isinstance(node, yaml.ScalarNode):
        raise UsageError(f"{file}:{line}: not readable as YAML")
    return Node(_scalar(node), file, line, name)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1 if node.start_mark else 1


def _scalar(node: yaml.ScalarNode) -> str | float | int | bool | None:
    text: str = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if text in (".nan", ".NaN", ".inf", "-.inf", ".Inf", "-.Inf"):
        return float(text.replace(".", ""))
    if len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text):
        plain = text.replace("_", "")
        return int(plain) if plain.lstrip("+-").isdigit() else float(plain)
    return text
