"""PDF files with PDFium: the text layer where there is one, a drawing for the OCR where there is none.

PDFium as built into pypdfium2 has neither JavaScript nor XFA."""

from __future__ import annotations

import ctypes
import re
import zlib
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from schemas.applications import Page
from udfs.reading import textlayer, visible
from udfs.reading.failures import Refused
from udfs.reading.image import shrunk
from udfs.reading.limits import Limits
from udfs.reading.ocr import Picture
from udfs.reading.scan import Scanner

MOST_OBJECTS = 20_000
"""Of a page, looked at for pictures and ruling lines: drawings of maps have a hundred times as many."""

SHOWN = 900
"""Pixels of the longer side of the drawing on which a text layer must be seen."""
_STREAM = re.compile(rb"stream\r?\n(?=[\x08\x18\x28\x38\x48\x58\x68\x78])")
"""What may be a deflated stream, by its first byte (RFC 1950, 2.2)."""


class Pdf:
    """An open PDF. Raises Refused: encrypted, broken, too many pages or pixels."""

    def __init__(self, content: bytes, file: str, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        _check_streams(content, limits)
        try:
            self._document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
                raise Refused("encrypted", "a password is needed to open it") from None
            raise Refused("broken", f"PDFium error {getattr(error, 'err_code', '')}") from None
        if len(self._document) > limits.file_pages:
            raise Refused("too_many_pages", f"{len(self._document)} pages, allowed {limits.file_pages}")
        if len(self._document) == 0:
            raise Refused("broken", "0 pages")

    def count(self) -> int:
        return len(self._document)

    def read(self, number: int, scanner: Scanner) -> tuple[Page, ...]:
        page = self._page(number)
        try:
            found = textlayer.read(page, self._file, number)
            if found is not None:
                found = visible.only(found, self._drawn(page, SHOWN))
            if found is not None:
                return (found,)
            return scanner.read(self._drawn(page, self._limits.working_side), self._file, number)
        finally:
            page.close()

    def picture(self, number: int, side: int) -> Picture:
        page = self._page(number)
        try:
            return self._drawn(page, side)
        finally:
            page.close()

    def _page(self, number: int) -> Any:
        try:
            page = self._document[number - 1]
        except pypdfium2.PdfiumError as error:
            raise Refused(
                "broken", f"page {number} cannot be loaded (error {getattr(error, 'err_code', '')})"
            ) from None
        if pdfium.FPDFPage_GetAnnotCount(page):
            # what is filled into a form's fields becomes part of the page: PDFium shows no text of annotations
            pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
            page.close()
            page = self._document[number - 1]
        self._check_pixels(page, number)
        return page

    def _check_pixels(self, page: Any, number: int) -> None:
        width, height = ctypes.c_uint(), ctypes.c_uint()
        for index in range(min(MOST_OBJECTS, pdfium.FPDFPage_CountObjects(page))):
            found = pdfium.FPDFPage_GetObject(page, index)
            if pdfium.FPDFPageObj_GetType(found) != pdfium.FPDF_PAGEOBJ_IMAGE:
                continue
            if (
                pdfium.FPDFImageObj_GetImagePixelSize(found, width, height)
                and width.value * height.value > self._limits.pixels
            ):
                page.close()
                detail = f"page {number} holds {width.value} x {height.value} pixels, allowed {self._limits.pixels}"
                raise Refused("too_many_pixels", detail)

    def _drawn(self, page: Any, side: int) -> Picture:
        """With ``side`` pixels on the longer side, at 200 dots an inch at most."""
        width, height = page.get_size()
        if width <= 0 or height <= 0:
            raise Refused("broken", "a page without area")
        bitmap = page.render(scale=min(200 / 72, side / max(width, height)), rev_byteorder=False)
        pixels = bitmap.to_numpy()
        picture = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        return shrunk(np.ascontiguousarray(picture[:, :, :3], np.uint8), side)


def _check_streams(content: bytes, limits: Limits) -> None:
    """Refuses a deflated stream that unpacks to more than ``archive_bytes``: an image within the limit of pixels stays
    below that, and PDFium unpacks a page's content whole, before anything can stop it. 64 KiB are fed at a time, so
    that no more than some megabytes of it are ever held."""
    for match in _STREAM.finditer(content):
        unpacker = zlib.decompressobj()
        unpacked, at = 0, match.end()
        try:
            while at < len(content) and not unpacker.eof:
                piece = content[at : at + 65536]
                at += len(piece)
                while piece and not unpacker.eof:  # at its end zlib calls what follows the stream unconsumed, for ever
                    unpacked += len(unpacker.decompress(piece, 1 << 20))
                    piece = unpacker.unconsumed_tail
                    if unpacked > limits.archive_bytes:
                        detail = f"a stream unpacks to more than {limits.archive_bytes} bytes"
                        raise Refused("archive_bomb", detail)
        except zlib.error:
            continue  # no deflated stream after all, or a damaged one: PDFium says which
