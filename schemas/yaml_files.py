"""YAML that a person writes, read strictly: whatever is wrong with the bytes is one error, which knows its line.

PyYAML's safe loader lets ValueError, TypeError, KeyError and RecursionError through (a date that does not exist, a tag
that does not fit, deep nesting, which may end the process in C) and keeps the last of a key that is written twice.
"""

from __future__ import annotations

from typing import Any

import yaml

DEEPEST = 40
"""Levels of nesting; settings and rules have less than ten."""
LARGEST = 8 << 20
"""Bytes: a folder of keyword rules of a province has a tenth of it."""


class NotYaml(Exception):
    """``line`` from 1, None where it cannot be told; ``problem`` in words that quote no more than a key."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


class _Loader(yaml.CSafeLoader):
    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (yaml.YAMLError, NotYaml):
            raise
        except Exception:
            # no matter which: what the constructors of PyYAML raise on bad values differs by tag
            kind = str(node.tag).rpartition(":")[2][:40]
            raise NotYaml(f"a value cannot be read as {kind}; put it in quotes", node.start_mark.line + 1) from None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise NotYaml("a mapping of names is wanted", node.start_mark.line + 1)
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                raise NotYaml(f"key {key[:60]!r} is written twice", key_node.start_mark.line + 1)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read(content: bytes, *, aliases: bool = True) -> Any:
    """The document, None for an empty one. Raises NotYaml.

    Without ``aliases`` anchors are refused: a few lines of them stand for millions of values, over which a validator
    takes minutes.
    """
    if len(content) > LARGEST:
        raise NotYaml(f"{len(content)} bytes; at most {LARGEST} are read")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise NotYaml(f"byte {error.start} is not UTF-8; save the file as UTF-8", line) from None
    try:
        _refuse(text, aliases)
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise NotYaml(str(problem)[:200], mark.line + 1 if mark else None) from None


def _refuse(text: str, aliases: bool) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if not aliases and (isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)):
            line = event.start_mark.line + 1 if event.start_mark else None
            raise NotYaml("anchors and aliases are not read: write it out", line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise NotYaml(f"nested deeper than {DEEPEST}", event.start_mark.line + 1 if event.start_mark else None)
