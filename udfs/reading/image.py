"""PNG and JPEG files: one page. The header is looked at before anything is decoded."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile, ImageOps, UnidentifiedImageError

from schemas.applications import Page
from udfs.reading.failures import Refused
from udfs.reading.limits import Limits
from udfs.reading.ocr import Picture
from udfs.reading.scan import Scanner

FORMATS = ("PNG", "JPEG", "MPO")  # MPO: what some phones write as .jpg, a JPEG with a second picture behind it


class Image:
    """A picture file. Raises Refused: too many pixels, broken, truncated."""

    def __init__(self, content: bytes, file: str, limits: Limits) -> None:
        self._content = content
        self._file = file
        self._limits = limits
        Pillow.MAX_IMAGE_PIXELS = None  # our own limit is checked below, and a warning would not stop anything
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        with self._opened() as image:
            width, height = image.size
        if width * height > limits.pixels:
            raise Refused("too_many_pixels", f"{width} x {height} pixels, allowed {limits.pixels}")

    def count(self) -> int:
        return 1

    def read(self, number: int, scanner: Scanner) -> tuple[Page, ...]:
        picture = self.picture(number, self._limits.working_side)
        return scanner.read(picture, self._file, number)

    def picture(self, number: int, side: int) -> Picture:
        """Upright as its EXIF data say, on white where it is transparent."""
        with self._opened() as image:
            image.draft("RGB", (side, side))  # a JPEG is decoded at a half, quarter or eighth where that suffices
            try:
                image.load()
            except (OSError, SyntaxError, ValueError, EOFError) as error:
                raise Refused("broken", f"the picture cannot be decoded ({type(error).__name__})") from None
            turned = ImageOps.exif_transpose(image)
            if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
                layer = turned.convert("RGBA")
                turned = Pillow.new("RGBA", layer.size, "white")
                turned.alpha_composite(layer)
            elif turned.mode.startswith(("I", "F")):  # 16 bits a pixel: convert() would clip it to white
                deep = np.asarray(turned, np.float32)
                turned = Pillow.fromarray((deep / max(1.0, float(deep.max())) * 255).astype(np.uint8))
            pixels = np.asarray(turned.convert("RGB"), np.uint8)[:, :, ::-1]
        return shrunk(np.ascontiguousarray(pixels), side)

    def _opened(self) -> Pillow.Image:
        try:
            return Pillow.open(io.BytesIO(self._content), formats=FORMATS)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise Refused("broken", f"not a picture ({type(error).__name__})") from None


def shrunk(picture: Picture, side: int) -> Picture:
    """The picture with ``side`` pixels on its longer side at most."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
