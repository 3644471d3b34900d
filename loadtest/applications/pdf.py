"""Sheets as a PDF with a text layer (reportlab), and pictures as a scanned one."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL.Image import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from loadtest.applications.faces import Face
from loadtest.applications.placing import WIDTH, Rule, Seal, Sheet, Text

# streams as bytes, not as ASCII 85: a third smaller, and faster
rl_config.useA85 = 0


def registered(face: Face) -> str:
    """The font's name in reportlab; parsed once a process (.2 s)."""
    if face.name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(face.name, str(face.file), subfontIndex=face.index))
    return face.name


def text_pdf(pages: Sequence[Sheet | Image | None], face: Face, hand: Face, quality: int = 80) -> bytes:
    """Pages with a text layer; a picture among them becomes a scanned page, None a blank one."""
    out = io.BytesIO()
    # invariant: no date and no random id in the file, the same seed gives the same bytes
    canvas = Canvas(out, pageCompression=1, invariant=1)
    for page in pages:
        if isinstance(page, Sheet):
            canvas.setPageSize((WIDTH, page.height))
            draw(canvas, page, registered(face), registered(hand))
        elif page is not None:
            width, height = page.size
            scale = WIDTH / min(width, height)
            canvas.setPageSize((width * scale, height * scale))
            packed = io.BytesIO()
            page.save(packed, "JPEG", quality=quality)
            packed.seek(0)
            canvas.drawImage(ImageReader(packed), 0, 0, width * scale, height * scale)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def draw(canvas: Canvas, sheet: Sheet, font: str, hand: str) -> None:
    for mark in sheet.marks:
        if isinstance(mark, Text):
            canvas.setFont(hand if mark.role == "hand" else font, mark.size)
            # boxes are glyphs here: a box that is drawn is not in the text layer
            canvas.drawString(mark.x, sheet.height - mark.y, mark.text.replace("☑", "■").replace("☐", "□"))
        elif isinstance(mark, Rule):
            canvas.setLineWidth(mark.width)
            canvas.line(mark.x0, sheet.height - mark.y0, mark.x1, sheet.height - mark.y1)
        else:
            seal(canvas, mark, sheet.height, font)


def seal(canvas: Canvas, mark: Seal, height: float, font: str) -> None:
    """Ring and star only: the words of a seal are not part of a text layer."""
    x, y = mark.x, height - mark.y
    canvas.saveState()
    canvas.setStrokeColorRGB(0.85, 0.1, 0.1, alpha=0.6)
    canvas.setFillColorRGB(0.85, 0.1, 0.1, alpha=0.6)
    canvas.setLineWidth(2)
    canvas.circle(x, y, mark.radius)
    path = canvas.beginPath()
    for point in range(10):
        radius = mark.radius * (0.3 if point % 2 == 0 else 0.12)
        angle = math.pi / 2 + point * math.pi / 5
        (path.lineTo if point else path.moveTo)(x + radius * math.cos(angle), y + radius * math.sin(angle))
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
