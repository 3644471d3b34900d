"""A folder as an unbounded source: files are finished when they appear, so write aside and rename in.

Names that begin with '.' or end in .tmp or .part are not looked at, nor are sub-folders. A file is known by its name,
inode, size and modification time; one that is replaced under the same name is a new file and read from its beginning,
which is harmless: a post that comes twice is one row in the store.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipelines.feeds.files import LINES_PER_SPLIT, FileSplit, index
from pipelines.feeds.lines import SourceError
from schemas.errors import UsageError

Seen = dict[str, list[int]]
"""File name -> [inode, size, mtime in ns]: plain data, for an engine to keep in its checkpoint."""
UNFINISHED = (".tmp", ".part")


def scan(
    folder: str | Path,
    seen: Seen,
    *,
    source: str = "",
    lines_per_split: int = LINES_PER_SPLIT,
    max_files: int = 64,
) -> tuple[list[FileSplit], Seen]:
    """The splits of files that are not in `seen`, by file name, and the new state; `seen` itself is left as it is.

    At most `max_files` new files a call, so that neither the list nor the time of a call grows with a backlog: call
    again until nothing comes. Files that went are forgotten. A file that changes or goes while it is indexed is left
    for the next call; one that may not be read gives a split with `damage`. Raises UsageError when the folder is not
    there.
    """
    folder = os.fspath(folder)
    present: Seen = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        raise UsageError(f"the folder {folder} is not there; make it, or check the path of the source") from None
    except NotADirectoryError:
        raise UsageError(f"{folder} is not a folder; write file://{os.path.abspath(folder)}") from None
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(UNFINISHED):
            continue
        try:
            about = entry.stat()
        except FileNotFoundError:  # renamed meanwhile, or a link to nowhere
            continue
        if stat.S_ISREG(about.st_mode):
            present[entry.name] = [about.st_ino, about.st_size, about.st_mtime_ns]
    splits: list[FileSplit] = []
    state: Seen = {}
    taken = 0
    for name, key in present.items():
        if seen.get(name) == key:
            state[name] = key
        elif taken < max_files:
            path = os.path.join(folder, name)
            try:
                new = index(path, lines_per_split, source)
            except SourceError:
                continue
            except UsageError as error:
                if not os.path.exists(path):
                    continue
                new = [FileSplit(path, source or os.path.abspath(folder), 0, 0, 0, 0, key[1], key[2], str(error))]
            if new and [new[0].size, new[0].mtime_ns] != key[1:]:
                continue
            splits += new
            state[name] = key
            taken += 1
    return splits, state
