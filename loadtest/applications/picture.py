"""Sheets as pictures: what a scanner would give of a clean sheet."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFont

from loadtest.applications.faces import Face
from loadtest.applications.placing import WIDTH, Rule, Seal, Sheet, Text

RED = (205, 38, 38)


@lru_cache(256)
def font(face: Face, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(face.file), pixels, index=face.index, layout_engine=ImageFont.Layout.BASIC)


def render(
    sheet: Sheet, face: Face, hand: Face, dpi: int, *, filled: Face | None = None, ink: int = 20, paper: int = 255
) -> Image.Image:
    """RGB picture of the sheet. ``filled``: face of the values (handwriting-like on forms filled by hand); ``ink`` and
    ``paper`` are grey levels."""
    scale = dpi / 72
    size = (round(WIDTH * scale), round(sheet.height * scale))
    grey = Image.new("L", size, paper)
    pen = ImageDraw.Draw(grey)
    faces = {"title": face, "label": face, "value": filled or face, "hand": hand}
    for mark in sheet.marks:
        if isinstance(mark, Text):
            write(pen, mark, faces[mark.role], scale, ink)
        elif isinstance(mark, Rule):
            pen.line(
                [v * scale for v in (mark.x0, mark.y0, mark.x1, mark.y1)],
                fill=ink + 30,
                width=max(1, round(mark.width * scale * 0.8)),
            )
    picture = Image.merge("RGB", (grey, grey, grey))
    for mark in sheet.marks:
        if isinstance(mark, Seal):
            press(picture, mark, face, scale)
    return picture


def write(pen: ImageDraw.ImageDraw, mark: Text, face: Face, scale: float, ink: int) -> None:
    """A run of text. ☑ and ☐ are drawn: few fonts have them."""
    pixels = round(mark.size * scale)
    letters = font(face, pixels)
    x, y = mark.x * scale, mark.y * scale
    # a heading is printed bold
    bold = max(1, pixels // 30) if mark.role == "title" else 0
    run = ""
    for c in mark.text + "\0":
        if c not in "☑☐\0":
            run += c
            continue
        if run:
            pen.text((x, y), run, font=letters, fill=ink, anchor="ls", stroke_width=bold // 2)
            x += letters.getlength(run)
            run = ""
        if c != "\0":
            side = pixels * 0.74
            pen.rectangle(
                (x + 2, y - side * 1.02, x + 2 + side, y - side * 0.02), outline=ink, width=max(1, pixels // 16)
            )
            if c == "☑":
                tick = [
                    (x + side * 0.25, y - side * 0.55),
                    (x + side * 0.5, y - side * 0.2),
                    (x + side * 1.05, y - side * 0.9),
                ]
                pen.line(tick, fill=ink, width=max(2, pixels // 10))
            x += pixels


def press(picture: Image.Image, mark: Seal, face: Face, scale: float) -> None:
    """Presses a seal onto the picture: red over paper, black stays black."""
    radius = round(mark.radius * scale)
    stamp = Image.new("RGB", (2 * radius + 4, 2 * radius + 4), (255, 255, 255))
    pen = ImageDraw.Draw(stamp)
    middle = radius + 2
    pen.ellipse((2, 2, 2 * radius, 2 * radius), outline=RED, width=max(3, radius // 14))
    star = []
    for point in range(10):
        reach, angle = radius * (0.32 if point % 2 == 0 else 0.13), -math.pi / 2 + point * math.pi / 5
        star.append((middle + reach * math.cos(angle), middle + reach * math.sin(angle)))
    pen.polygon(star, fill=RED)
    letters = font(face, max(9, round(radius * 0.27)))
    step = min(math.radians(28), math.radians(280) / max(1, len(mark.text)))
    for place, c in enumerate(mark.text):
        angle = -math.pi / 2 + (place - (len(mark.text) - 1) / 2) * step
        glyph = Image.new("L", (letters.size * 2, letters.size * 2), 0)
        ImageDraw.Draw(glyph).text((letters.size, letters.size), c, font=letters, fill=255, anchor="mm")
        glyph = glyph.rotate(-math.degrees(angle + math.pi / 2), resample=Image.Resampling.BICUBIC)
        x, y = middle + radius * 0.76 * math.cos(angle), middle + radius * 0.76 * math.sin(angle)
        stamp.paste(RED, (round(x - letters.size), round(y - letters.size)), glyph)
    corner = (round(mark.x * scale - middle), round(mark.y * scale - middle))
    box = (corner[0], corner[1], corner[0] + stamp.width, corner[1] + stamp.height)
    picture.paste(ImageChops.multiply(picture.crop(box), stamp), corner)
