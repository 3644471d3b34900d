"""Explanation reports of decisions on applications, and the review that an officer sends back.

    html       the report: one file, nothing loaded, nothing runs
    fields, checks, annex   its parts
    pictures   snippets of pages, with L4 values painted over
    values     how a value is written, L4 only in part
    review     the form for an officer, and what comes back

Called by jobs and the command line. Knows no folder and opens no file: pages come from a function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from udfs.explanations.html import render
from udfs.explanations.pictures import Picture
from udfs.explanations.review import parse_review, review_form

if TYPE_CHECKING:
    from PIL.Image import Image

    from schemas.applications import Page, Reading

__all__ = ["Picture", "parse_review", "pictures_of", "render", "review_form"]


def pictures_of(reading: Reading, show: Callable[[Page], bytes | Image | None]) -> Picture:
    """The pages of ``reading`` by file, number and part, each drawn by ``show``."""
    pages = {(page.file, page.number, page.part): page for page in reading.pages}

    def picture(file: str, number: int, part: int) -> bytes | Image | None:
        page = pages.get((file, number, part))
        return None if page is None else show(page)

    return picture
