"""What a folder from outside may cost. Everything above a limit is refused with a code, never tried."""

from __future__ import annotations

import msgspec

MEGABYTE = 1 << 20


class Limits(msgspec.Struct, frozen=True):
    """Limits of an application's folder, and of the processes that decode its files."""

    files: int = 300
    file_bytes: int = 50 * MEGABYTE
    file_pages: int = 200
    pages: int = 500
    """Of all files together."""
    pixels: int = 60_000_000
    """Of an image, by its header or by the dictionary of an image in a PDF, before anything is decoded."""
    archive_bytes: int = 200 * MEGABYTE
    """Of a DOCX when unpacked; also of what a PDF's streams may become."""
    archive_ratio: int = 200
    """Unpacked to packed, for members above a megabyte."""
    archive_members: int = 2000
    page_seconds: float = 60.0
    """Wall clock for a page; half of it is the limit of CPU seconds."""
    seconds: float = 150.0
    """Wall clock for an application: what is not read by then has timed out (an answer is due within three minutes)."""
    memory_bytes: int = 3 << 30
    """Address space (RLIMIT_AS) of a decoding process: the libraries and models take 1 to 1.5 GiB of it."""
    working_side: int = 2200
    """Pixels of the longer side at which a page is read; A4 at 190 dpi."""
