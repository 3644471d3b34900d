"""Pictures for DOCX, which takes no SVG: shades of grey, filled shapes and digits, as PNG. No library, no font.

Words stay in the document around the picture: only digits and a few signs can be drawn, so that nothing depends on the
fonts of whoever opens it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

WHITE, BLACK = 255, 0

_GLYPHS = {
    "0": "0e11131519110e", "1": "040c040404040e", "2": "0e11010204081f", "3": "1f02040201110e", "4": "02060a121f0202",
    "5": "1f101e0101110e", "6": "0608101e11110e", "7": "1f010204080808", "8": "0e11110e11110e", "9": "0e11110f01020c",
    ":": "00040400040400", ",": "00000000060408", ".": "00000000000c0c", "-": "0000001f000000", "/": "01020204080810",
    "k": "1010121418141a", "m": "00001a15151515", "N": "11191915131311", " ": "00000000000000",
}  # fmt: skip
"""Seven rows of five pixels, a byte a row, the highest bit on the left."""


class Canvas:
    """A grey picture of ``width`` x ``height`` pixels, white at first. What lies outside is cut off."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray([WHITE]) * width for _ in range(height)]

    def rect(self, left: float, top: float, right: float, bottom: float, shade: int = BLACK) -> None:
        """A filled rectangle; right and bottom are outside."""
        first, last = max(0, round(left)), min(self.width, round(right))
        if last <= first:
            return
        for y in range(max(0, round(top)), min(self.height, round(bottom))):
            self._rows[y][first:last] = bytes([shade]) * (last - first)

    def frame(self, left: float, top: float, right: float, bottom: float, thick: int = 2, shade: int = BLACK) -> None:
        """The edges of a rectangle."""
        self.rect(left, top, right, top + thick, shade)
        self.rect(left, bottom - thick, right, bottom, shade)
        self.rect(left, top, left + thick, bottom, shade)
        self.rect(right - thick, top, right, bottom, shade)

    def polygon(self, points: Sequence[tuple[float, float]], shade: int = BLACK) -> None:
        """A filled polygon, by the crossings of each row."""
        for y in range(max(0, int(min(p[1] for p in points))), min(self.height, int(max(p[1] for p in points)) + 1)):
            crossings = []
            for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
                if (y1 <= y + 0.5) != (y2 <= y + 0.5):
                    crossings.append(x1 + (y + 0.5 - y1) * (x2 - x1) / (y2 - y1))
            crossings.sort()
            for left, right in zip(crossings[::2], crossings[1::2], strict=True):
                self.rect(left, y, right, y + 1, shade)

    def disc(self, x: float, y: float, radius: float, shade: int = BLACK) -> None:
        """A filled circle."""
        for row in range(int(y - radius), int(y + radius) + 1):
            half = radius * radius - (row + 0.5 - y) ** 2
            if half > 0 and 0 <= row < self.height:
                self.rect(x - half**0.5, row, x + half**0.5, row + 1, shade)

    def write(self, x: float, y: float, text: str, size: int = 3, shade: int = BLACK) -> None:
        """Digits and ``: , . - / k m N`` from (x, y), the upper left; ``size`` pixels a dot. Others are left blank."""
        for n, char in enumerate(text):
            rows = bytes.fromhex(_GLYPHS.get(char, _GLYPHS[" "]))
            for down, bits in enumerate(rows):
                for right in range(5):
                    if bits & (16 >> right):
                        at_x, at_y = x + (n * 6 + right) * size, y + down * size
                        self.rect(at_x, at_y, at_x + size, at_y + size, shade)

    def png(self, dots_per_inch: int = 200) -> bytes:
        """The picture as PNG, 8 bits a pixel."""
        per_metre = round(dots_per_inch / 0.0254)
        data = b"".join(b"\0" + bytes(row) for row in self._rows)
        return b"".join(
            [
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 0, 0, 0, 0)),
                _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
                _chunk(b"IDAT", zlib.compress(data, 9)),
                _chunk(b"IEND", b""),
            ]
        )


def text_width(text: str, size: int = 3) -> int:
    """Pixels that ``write`` takes."""
    return max(0, len(text) * 6 - 1) * size


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
