"""What the tests do with elements: leave a mark a time each was done. Imports nothing of the tests, since workers load
it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import structlog


class Mark:
    """Notes its process id for each element; at ``stumble`` it raises, at ``die`` its process dies the first time."""

    def __init__(self, folder: Path, *, stumble: str = "", die: str = "", seconds: float = 0.0) -> None:
        self._folder, self._stumble, self._die, self._seconds = str(folder), stumble, die, seconds

    def open(self) -> None:
        self._note("opened")

    def process(self, element: str) -> str:
        time.sleep(self._seconds)
        if element == self._stumble:
            raise ValueError(f"element {element} cannot be done")
        if element == self._die:
            self._note("died")
            if len(marks(Path(self._folder), "died")) == 1:
                os._exit(9)
        structlog.get_logger().info("done", element=element)
        self._note(f"done-{element}")
        return "even" if int(element) % 2 == 0 else "odd"

    def close(self) -> None:
        self._note("closed")

    def _note(self, what: str) -> None:
        with (Path(self._folder) / what).open("a") as file:
            file.write(f"{os.getpid()}\n")


def marks(folder: Path, what: str) -> list[int]:
    """The processes that noted it, in order."""
    path = folder / what
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def done(folder: Path) -> dict[str, int]:
    """Element -> how often it was done."""
    return {path.name[5:]: len(marks(folder, path.name)) for path in folder.glob("done-*")}
