"""Folder -> Reading. Names, order and limits are looked after here; every byte is decoded in other processes."""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import msgspec

from schemas.applications import Box, FileReading, Page, Reading
from udfs.reading.children import Children, Task
from udfs.reading.limits import Limits
from udfs.reading.messages import Answer, Ask
from udfs.reading.ocr import model_name
from udfs.reading.opening import files_of, opened

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


class Reader:
    """Reads applications' folders with ``processes`` decoding processes, which are kept between folders.

    The processes share the pages of a folder. Memory: ``limits.memory_bytes`` of address space each at most. Not for
    several threads at once. Close it, or use it as a context manager."""

    def __init__(self, limits: Limits | None = None, processes: int = 1) -> None:
        self.limits = limits or Limits()
        self.model = model_name()
        self._children = Children(self.limits, processes)

    def read(self, folder: Path) -> Reading:
        """Everything in the folder, in order of names. A file that cannot be read has a ``problem`` and the pages that
        could be read; no file stops the others. Raises OSError: the folder itself cannot be listed."""
        began = time.monotonic()
        files: list[FileReading] = []
        descriptors: list[int] = []
        try:
            for name in files_of(folder):
                if len(files) >= self.limits.files:
                    detail = f"a folder of more than {self.limits.files} files: this and later ones are not read"
                    files.append(FileReading(name, "", 0, "unknown", problem="too_large", detail=detail))
                    break
                descriptor, known = opened(folder, name, self.limits)
                if descriptor >= 0:
                    descriptors.append(descriptor)
                files.append(known)
                if descriptor < 0:
                    descriptors.append(-1)
            files = self._read(files, descriptors, began + self.limits.seconds)
        finally:
            for descriptor in descriptors:
                if descriptor >= 0:
                    os.close(descriptor)
        return Reading(tuple(files), self.model, round(time.monotonic() - began, 3))

    def _read(self, files: list[FileReading], descriptors: list[int], until: float) -> list[FileReading]:
        gathered = _Gathered(files, self.limits)
        places = {known.file: index for index, known in enumerate(files)}

        def done(task: Task, answer: Answer) -> Iterable[Task]:
            index = places[task.ask.file]
            if task.ask.what == "open":
                numbers = gathered.opened(index, answer)
                return [
                    Task(msgspec.structs.replace(task.ask, what="read", number=at), task.descriptor) for at in numbers
                ]
            gathered.read(index, task.ask.number, answer)
            return ()

        tasks = [
            Task(Ask("open", known.file, known.sha256, known.kind), descriptor)
            for known, descriptor in zip(files, descriptors, strict=False)
            if descriptor >= 0
        ]
        self._children.run(tasks, done, until)
        return gathered.files()

    def page_picture(self, folder: Path, page: Page, width: int = 1000) -> bytes | None:
        """The whole upright page as PNG; None when it has no picture (DOCX) or can no longer be read."""
        return self.snippet(folder, page, WHOLE, width)

    def snippet(self, folder: Path, page: Page, box: Box, width: int = 480) -> bytes | None:
        """The piece of the upright page inside ``box`` with a little margin, as PNG at most ``width`` pixels wide; None
        when the page has no picture (DOCX) or can no longer be read."""
        descriptor, known = opened(folder, page.file, self.limits)
        if descriptor < 0:
            return None
        pictures: list[bytes] = []

        def done(task: Task, answer: Answer) -> Iterable[Task]:
            pictures.append(answer.picture)
            return ()

        try:
            bare = msgspec.structs.replace(page, lines=(), rules=(), stamps=())
            ask = Ask("draw", page.file, known.sha256, known.kind, page.number, bare, box, width)
            self._children.run([Task(ask, descriptor)], done, time.monotonic() + self.limits.page_seconds)
        finally:
            os.close(descriptor)
        return pictures[0] or None

    def close(self) -> None:
        """Ends the decoding processes. The reader may be used again: it starts others."""
        self._children.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Gathered:
    """Answers of all files, in whatever order they come, put together in the order of files and pages."""

    def __init__(self, files: list[FileReading], limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._pages: list[dict[int, tuple[Page, ...]]] = [{} for _ in files]
        self._problems: list[dict[int, tuple[str, str]]] = [{} for _ in files]
        self._left = limits.pages

    def opened(self, index: int, answer: Answer) -> range:
        """Numbers of the pages to read."""
        if answer.problem:
            self._problems[index][0] = (answer.problem, answer.detail)
            return range(0)
        if answer.count > self._left:
            detail = f"{answer.count} pages, {self._left} left of {self._limits.pages} for the folder"
            self._problems[index][0] = ("too_many_pages", detail)
            return range(0)
        self._left -= answer.count
        return range(1, answer.count + 1)

    def read(self, index: int, number: int, answer: Answer) -> None:
        self._pages[index][number] = answer.pages
        if answer.problem:
            self._problems[index][number] = (answer.problem, f"page {number}: {answer.detail}")

    def files(self) -> list[FileReading]:
        whole = []
        for known, pages, problems in zip(self._files, self._pages, self._problems, strict=True):
            found = tuple(page for number in sorted(pages) for page in pages[number])
            problem, detail = problems[min(problems)] if problems else (known.problem, known.detail)
            if len(problems) > 1:
                detail += f" (and {len(problems) - 1} more pages)"
            whole.append(msgspec.structs.replace(known, pages=found, problem=problem, detail=detail))
        return whole


_shared: list[Reader] = []


def _reader() -> Reader:
    if not _shared:
        _shared.append(Reader())
        atexit.register(_shared[0].close)
    return _shared[0]


def snippet(folder: Path, page: Page, box: Box, width: int = 480) -> bytes | None:
    """``Reader.snippet`` with a reader of default limits that this process keeps."""
    return _reader().snippet(folder, page, box, width)


def page_picture(folder: Path, page: Page, width: int = 1000) -> bytes | None:
    """``Reader.page_picture`` with a reader of default limits that this process keeps."""
    return _reader().page_picture(folder, page, width)
