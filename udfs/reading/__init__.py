"""Reading: an application's folder -> pages with lines, boxes, seals and ruling lines (schemas.applications.Reading).

    with Reader(processes=2) as reader:
        reading = reader.read(folder)

Files from outside are decoded in processes of their own (``child``, limited by ``limits``); the reader's process looks
at names, sizes and first bytes only (``opening``). ``pdf`` and ``textlayer``, ``word``, ``image`` and ``scan`` with
``ocr`` are the decoders. ``snippet`` draws the piece of a page that a person is shown. Imports schemas only.
"""

from udfs.reading.limits import Limits
from udfs.reading.reader import Reader, page_picture, snippet

__all__ = ["Limits", "Reader", "page_picture", "snippet"]
