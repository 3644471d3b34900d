"""Files for the tests, made from nothing: pictures of pages, PDFs by hand, archives."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

FONT = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
needs_font = pytest.mark.skipif(not FONT.exists(), reason="fonts-wqy-microhei is not installed")
LINES = ("临时占用城市道路申请书", "申请单位", "示例建设有限公司", "占用面积", "128.5平方米", "2024年3月15日")
AT = ((250, 40), (60, 160), (330, 160), (60, 260), (330, 260), (330, 360))


def drawn(lines: tuple[str, ...] = LINES, size: tuple[int, int] = (800, 480), points: int = 26) -> Image.Image:
    """A page with the lines at AT."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONT), points)
    for text, at in zip(lines, AT, strict=False):
        draw.text(at, text, font=font, fill="black")
    return image


def bgr(image: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


def png(width: int, height: int, rows: int = 1) -> bytes:
    """A PNG whose header promises width x height and which holds ``rows`` white rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * (3 * width)
    packed = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def pdf(content: bytes, entries: bytes = b"", resources: bytes = b"<<>>", more: tuple[bytes, ...] = ()) -> bytes:
    """A PDF of one A4 page with a content stream; ``more``: objects from number 5."""
    stream = b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(content), content)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources %s>>" % resources
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream, *more]
    whole, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(whole))
    return whole + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def docx(body: bytes = b"", name: str = "word/document.xml", packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A DOCX as python-docx makes it, with ``body`` inside w:body of the member ``name``."""
    import docx as word

    blank, whole = io.BytesIO(), io.BytesIO()
    word.Document().save(blank)
    space = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    xml = b'<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (space, body)
    with zipfile.ZipFile(blank) as old, zipfile.ZipFile(whole, "w", packing) as new:
        for member in old.namelist():
            if member == "word/document.xml":
                new.writestr(name, xml)
            else:
                new.writestr(member, old.read(member))
    return whole.getvalue()
