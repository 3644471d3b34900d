"""A site's labelled posts: one JSON object a line, read and checked.

    {"text": "水到二楼了", "sentiment": "negative", "emotion": "fear", "needs": ["rescue"]}

`text` is required; of the labels a row has what it has: `sentiment`, `emotion`, `needs` (a list, empty for none) or
`need` (one, or none), `hazards` (a list), `source_kind` (or `source`), `state`. Other fields are ignored.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from schemas.errors import UsageError
from schemas.records import NEEDS
from udfs.encoder.bundle import LABELS, MULTI_LABEL, OPTIONAL
from udfs.encoder.text import normalise

HEADS = {**LABELS, **OPTIONAL}
"""Every head with its labels, in the order of a bundle's outputs."""
_FIELDS = {"source": ("source_kind", "source")}
"""Names under which a row may give a head's label, where they are not the head's own."""
_BATCH = 512


@dataclass(slots=True)
class Row:
    """A post with the labels it has."""

    text: str
    """As given, or masked."""
    language: str
    labels: dict[str, Any]
    """head -> a label, or a sorted list of labels for heads of several; `help` is [] or ["help"]."""
    normal: str = ""
    """The form that a model sees."""
    ids: list[int] = field(default_factory=list)

    def flags(self, head: str) -> list[int] | None:
        """1 for each label of a head of several that holds; None when the row does not say."""
        held = self.labels.get(head)
        return None if held is None else [int(label in held) for label in HEADS[head]]

    def number(self, head: str) -> int:
        """Number of a one-of head's label; -1 when the row does not say."""
        held = self.labels.get(head)
        return -1 if held is None else HEADS[head].index(held)

    def as_given(self) -> dict[str, Any]:
        """The row as `udfs.encoder.evaluate` takes it."""
        return {
            "text": self.text,
            "language": self.language,
            **{name: value for name, value in self.labels.items() if name != "help"},
        }


def read(path: Path, mask: bool = False) -> list[Row]:
    """Rows of ``path``, .gz is read; with ``mask`` personal data is masked first, as the opinion job does.

    Raises UsageError with the line's number and the remedy for the first line that does not fit.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read ({error}); give JSON lines, or JSON lines in .gz") from None
    rows = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            try:
                rows.append(_row(msgspec.json.decode(line)))
            except msgspec.DecodeError:
                raise UsageError(f"{path}, line {number}: not JSON; write one JSON object a line") from None
            except ValueError as error:
                raise UsageError(f"{path}, line {number}: {error}") from None
    if not rows:
        raise UsageError(f"{path} has no row; give one JSON object a line, with text and labels")
    if mask:
        _mask(rows)
    for row in rows:
        row.normal = normalise(row.text)
    return rows


def _row(given: Any) -> Row:
    """Raises ValueError with what is wrong and what to do; never with a post's text."""
    if not isinstance(given, dict):
        raise ValueError("not an object; write {\"text\": ..., \"sentiment\": ...}")  # fmt: skip
    if not isinstance(given.get("text"), str):
        raise ValueError("text is missing or no string; every row needs one")
    language = given.get("language") or ""
    if not isinstance(language, str):
        raise ValueError("language is no string; write zh or en, or leave it out")
    labels: dict[str, Any] = {}
    for head, names in HEADS.items():
        if head in ("needs", "help"):
            continue
        for key in _FIELDS.get(head, (head,)):
            if given.get(key) is not None:
                labels[head] = _many(key, given[key], names) if head in MULTI_LABEL else _one(key, given[key], names)
                break
    needs = given.get("needs")
    if needs is None and given.get("need") is not None:
        needs = [_one("need", given["need"], (*NEEDS, "none"))]
        needs = [] if needs == ["none"] else needs
    if needs is not None:
        labels["needs"] = _many("needs", needs, NEEDS)
        labels["help"] = ["help"] if set(labels["needs"]) - {"offer"} else []
    return Row(given["text"], language, labels)


def _one(key: str, value: Any, names: tuple[str, ...]) -> str:
    if value not in names:
        raise ValueError(f"{key} {value!r} is none of {', '.join(names)}; correct it, or leave it out where unknown")
    return str(value)


def _many(key: str, value: Any, names: tuple[str, ...]) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list; write [] for none, or leave it out where unknown")
    return sorted({_one(f"{key}:", part, names) for part in value})


def _mask(rows: list[Row]) -> None:
    from udfs.language import Language
    from udfs.pii.step import Mask

    language, mask = Language(), Mask()
    language.open()
    mask.open()
    for at in range(0, len(rows), _BATCH):
        part = rows[at : at + _BATCH]
        batch = mask.apply(language.apply(pa.RecordBatch.from_pydict({"text": [row.text for row in part]})))
        for row, text, found in zip(
            part, batch.column("text").to_pylist(), batch.column("language").to_pylist(), strict=True
        ):
            row.text, row.language = text, row.language or found
    mask.close()


def split(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Training rows and, by a hash of the text, a tenth for validation: equal texts go the same way."""
    training: list[Row] = []
    validation: list[Row] = []
    for row in rows:
        digest = hashlib.sha256(row.normal.encode("utf-8", "replace")).digest()
        (validation if digest[0] * 256 + digest[1] < 6554 else training).append(row)
    return training, validation


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Labelled rows of every head."""
    found = dict.fromkeys(HEADS, 0)
    for row in rows:
        for head in row.labels:
            found[head] += 1
    return found
