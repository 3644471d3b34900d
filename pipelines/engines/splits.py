"""Splits as text, so that any engine can ship them: a worker turns each into one record batch.

Files and the generated feed are read by the worker itself, a split at a time. A split is small (512 lines), so it is
the unit of work, of back-pressure and of recovery; which splits are done is what a checkpoint remembers.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from pipelines.feeds import files, generate
from pipelines.feeds.lines import SourceError
from pipelines.feeds.uri import FileSource, GenerateSource
from schemas.records import DEAD_LETTER

LINES = 512


def splits_of(source: FileSource | GenerateSource) -> Iterator[str]:
    """The splits of a bounded source, in order."""
    if isinstance(source, FileSource):
        for split in files.index(source.path, LINES, source.name):
            yield encode(split)
    else:
        for part in generate.splits(source, LINES):
            yield encode(part)


def encode(split: files.FileSplit | generate.GenerateSplit) -> str:
    kind = "file" if isinstance(split, files.FileSplit) else "generate"
    return msgspec.json.encode({"kind": kind} | dataclasses.asdict(split)).decode()


def unreadable(split: str, error: SourceError) -> pa.RecordBatch:
    """The dead letter that stands for the lines of a split that cannot be read: its first position, no raw bytes.

    A damaged file must neither stop a stream nor vanish from its books; the reason names the file and the line.
    """
    values = msgspec.json.decode(split)
    position = [values["source"], os.path.basename(values["path"]), values["first_line"]]
    columns = [[value] for value in (*position, "read", str(error), b"")]
    return pa.RecordBatch.from_pydict(dict(zip(DEAD_LETTER.names, columns, strict=True)), schema=DEAD_LETTER)


class SplitReader:
    """Reads encoded splits of any kind. Raises SourceError for a file that is damaged, gone or changed."""

    def __init__(self) -> None:
        self._files = files.FileReader()

    def read(self, split: str) -> pa.RecordBatch:
        """A batch of RAW; raises SourceError."""
        values = msgspec.json.decode(split)
        if values.pop("kind") == "file":
            return self._files.read(files.FileSplit(**values))
        return generate.read(generate.GenerateSplit(**values))

    def close(self) -> None:
        self._files.close()
