"""The files of an application's folder, opened so that nothing outside it and nothing but a plain file is read.

Runs in the reader's own process and parses nothing: it looks at names, kinds of file, sizes and the first bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from schemas.applications import FileReading
from udfs.reading.limits import Limits

FORM = "application.json"
HEAD = 8192
KINDS = {".pdf": "pdf", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".docx": "docx"}
_SUFFIXES = {"pdf": (".pdf",), "png": (".png",), "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "docx": (".docx",)}


def files_of(folder: Path) -> Iterator[str]:
    """Paths relative to ``folder``, by name; hidden files and folders and the form are no documents.

    A link to a folder is yielded like a file and refused when opened: it is not followed."""

    def walk(at: Path, prefix: str) -> Iterator[str]:
        with os.scandir(at) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from walk(Path(entry.path), name + "/")
                elif name != FORM:
                    yield name

    return walk(folder, "")


def kind_of(head: bytes) -> str:
    """``pdf``, ``png``, ``jpeg``, ``docx``, ``ole`` or ``unknown`` by the first bytes. ``docx`` is any ZIP archive: the
    child looks at what is in it."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "docx"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "ole"
    return "pdf" if b"%PDF-" in head[:1024] else "unknown"


def opened(folder: Path, name: str, limits: Limits) -> tuple[int, FileReading]:
    """A file descriptor (-1 when there is a problem; the caller closes it) and what is known before it is decoded.

    Every part of the path is opened without following links, the last without waiting (a FIFO would block)."""

    def refused(problem: str, detail: str, size: int = 0) -> tuple[int, FileReading]:
        return -1, FileReading(name, "", size, "unknown", problem=problem, detail=detail)

    try:
        descriptor = _open_inside(folder, name)
    except OSError as error:
        if error.errno in (40, 20):  # ELOOP, ENOTDIR: a link stands where a file or folder was promised
            return refused("link", "a symbolic link, not followed")
        return refused("missing", type(error).__name__)
    handed_over = False
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return refused("unsupported", "not a regular file")
        if found.st_size == 0:
            return refused("empty", "0 bytes")
        if found.st_size > limits.file_bytes:
            return refused("too_large", f"{found.st_size} bytes, allowed {limits.file_bytes}", found.st_size)
        digest, head, size = hashlib.sha256(), b"", 0
        while block := os.read(descriptor, 1 << 20):
            head = head or block[:HEAD]
            digest.update(block)
            size += len(block)
            if size > limits.file_bytes:  # it grows while it is read
                return refused("too_large", f"over {limits.file_bytes} bytes", size)
        kind = kind_of(head)
        known = FileReading(name, digest.hexdigest(), size, "unknown" if kind == "ole" else kind)
        if kind == "unknown":
            return -1, _with(known, "unsupported", "neither PDF, PNG, JPEG nor DOCX by its first bytes")
        if kind == "ole":
            return -1, _ole(descriptor, known)
        suffix = os.path.splitext(name)[1].lower()
        if suffix not in _SUFFIXES[kind]:
            known = _with(known, "extension", f"named {suffix or 'without a suffix'}, holds {kind}"[:60])
        handed_over = True
        return descriptor, known
    except OSError as error:
        return refused("missing", type(error).__name__)
    finally:
        if not handed_over:
            os.close(descriptor)


def _open_inside(folder: Path, name: str) -> int:
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    *parents, last = name.split("/")
    try:
        for parent in parents:
            inner = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=at)
    finally:
        os.close(at)


def _ole(descriptor: int, known: FileReading) -> FileReading:
    """An OLE container is an old .doc, or the envelope of an encrypted DOCX ([MS-OFFCRYPTO] 2.3: EncryptedPackage)."""
    content = os.pread(descriptor, known.bytes, 0)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return _with(known, "encrypted", "an encrypted Office document")
    return _with(known, "unsupported", "an Office document of before 2007")


def _with(known: FileReading, problem: str, detail: str) -> FileReading:
    return FileReading(known.file, known.sha256, known.bytes, known.kind, known.pages, problem, detail)
