"""Files that cannot be read, or that attack who reads them. Each takes a good PDF and gives (suffix, bytes)."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from pypdf import PdfReader, PdfWriter


def encrypted(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A PDF that wants a password."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt(user_password=f"{rng.random()}", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return ".pdf", out.getvalue()


def truncated(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A PDF whose upload broke off early: no page is left whole."""
    return ".pdf", pdf[: min(rng.randint(200, 600), len(pdf) // 2)]


def extension(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A PDF that calls itself a picture or a Word file."""
    return rng.choice((".jpg", ".png", ".docx")), pdf


def unsupported(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Something else that calls itself a PDF."""
    return ".pdf", b"Rar!\x1a\x07\x01\x00" + rng.randbytes(4096)


def empty(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    return rng.choice((".pdf", ".png", ".docx")), b""


def bomb(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A DOCX of a megabyte that unpacks to 256 MiB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("[Content_Types].xml"), "<Types/>", zipfile.ZIP_DEFLATED)
        archive.writestr(zipfile.ZipInfo("word/document.xml"), bytes(256 << 20), zipfile.ZIP_DEFLATED, 1)
    return ".docx", out.getvalue()


def pixels(pdf: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A PNG of 12,000 x 9,000 = 108 megapixels, one bit each, white: 20 kB."""
    width, height = 12_000, 9_000
    body = zlib.compress((b"\0" + b"\xff" * (width // 8)) * height, 9)
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b""))
    made = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return ".png", b"\x89PNG\r\n\x1a\n" + made


HOSTILE: dict[str, Callable[[bytes, random.Random], tuple[str, bytes]]] = {
    "encrypted": encrypted,
    "truncated": truncated,
    "extension": extension,
    "unsupported": unsupported,
    "empty": empty,
    "bomb": bomb,
    "pixels": pixels,
}
