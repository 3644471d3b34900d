"""Inside a decoding process: which decoder answers a task. Keeps the document open that was asked for last."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Protocol

import cv2

from schemas.applications import Page
from udfs.reading import drawing
from udfs.reading.failures import Refused
from udfs.reading.image import Image
from udfs.reading.limits import Limits
from udfs.reading.messages import Answer, Ask
from udfs.reading.ocr import Ocr, Picture
from udfs.reading.pdf import Pdf
from udfs.reading.scan import Scanner
from udfs.reading.word import Word


class Document(Protocol):
    """An open file. Every method may raise Refused, MemoryError or whatever its library raises."""

    def count(self) -> int:
        """Number of pages."""
        ...

    def read(self, number: int, scanner: Scanner) -> tuple[Page, ...]:
        """The page (1-based) as pages: several when one scan holds two documents."""
        ...

    def picture(self, number: int, side: int) -> Picture | None:
        """The stored page drawn with ``side`` pixels on its longer side at most; None: it has no picture."""
        ...


_KINDS: dict[str, Callable[[bytes, str, Limits], Document]] = {"pdf": Pdf, "png": Image, "jpeg": Image, "docx": Word}


class Decoder:
    """Answers asks one after another."""

    def __init__(self, limits: Limits) -> None:
        cv2.setNumThreads(1)
        cv2.ocl.setUseOpenCL(False)
        self._limits = limits
        self._scanner = Scanner(Ocr(), limits)
        self._key = ("", "")
        self._document: Document | None = None

    def answer(self, ask: Ask, file: io.FileIO) -> Answer:
        document = self._opened(ask, file)
        if ask.what == "open":
            return Answer(count=document.count())
        if ask.what == "read":
            return Answer(pages=document.read(ask.number, self._scanner))
        if ask.what == "draw" and ask.page is not None:
            return Answer(picture=drawing.drawn(document, ask.page, ask.box, ask.width))
        raise Refused("unsupported", "no such task")

    def _opened(self, ask: Ask, file: io.FileIO) -> Document:
        key = (ask.file, ask.key)  # the name too: pages carry it, and a folder may hold one content under two names
        if self._document is None or self._key != key:
            self._document = None  # let go of the last one before the next is read
            size = os.fstat(file.fileno()).st_size
            if size > self._limits.file_bytes:
                raise Refused("too_large", f"{size} bytes")
            # pread: the offset of the descriptor is shared with other processes that read the same file
            content = bytearray()
            while block := os.pread(file.fileno(), 1 << 20, len(content)):
                content += block
            self._document = _KINDS[ask.kind](bytes(content), ask.file, self._limits)
            self._key = key
        return self._document
