"""Pictures of pages as they come: turned, skewed, sealed, photographed, blank, two documents in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from schemas.applications import Box, Line, Page
from tests.udfs.reading.making import FONT, LINES, bgr, drawn, needs_font
from udfs.reading import Limits, Reader, drawing, paper, parts, ruling, seals
from udfs.reading.ocr import Ocr, Picture
from udfs.reading.order import in_reading_order
from udfs.reading.scan import Scanner, is_blank

pytestmark = needs_font


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    cv2.setNumThreads(1)
    return Scanner(Ocr(), Limits())


def _sealed(image: Image.Image) -> Image.Image:
    ink = Image.new("RGB", image.size, "white")
    draw = ImageDraw.Draw(ink)
    draw.ellipse((310, 290, 490, 470), outline=(215, 30, 40), width=7)
    draw.regular_polygon((400, 380, 28), 5, fill=(215, 30, 40))
    return ImageChops.multiply(image, ink)


def _photo(image: Image.Image) -> Picture:
    page = bgr(image)
    height, width = page.shape[:2]
    ground = np.full((int(height * 1.3), int(width * 1.3), 3), (60, 75, 90), np.uint8)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[0.12, 0.1], [1.16, 0.16], [1.2, 1.2], [0.07, 1.18]], np.float32) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    photo = cv2.warpPerspective(
        page, matrix, ground.shape[1::-1], dst=ground, borderMode=cv2.BORDER_TRANSPARENT, flags=cv2.INTER_AREA
    )
    shadow = np.linspace(1, 0.6, ground.shape[1])[None, :, None]
    return np.clip(photo * shadow, 0, 255).astype(np.uint8)


TURNED: list[tuple[str, Callable[[], Picture], int, float]] = [
    # name, picture, rotation and skew that set it upright
    ("upright", lambda: bgr(drawn()), 0, 0.0),
    ("clockwise", lambda: drawing.turned(bgr(drawn()), 90, 0.0), 270, 0.0),
    ("counter-clockwise", lambda: drawing.turned(bgr(drawn()), 270, 0.0), 90, 0.0),
    ("on its head", lambda: drawing.turned(bgr(drawn()), 180, 0.0), 180, 0.0),
    ("a little askew", lambda: drawing.turned(bgr(drawn()), 0, 2.0), 0, -2.0),
    ("much askew", lambda: drawing.turned(bgr(drawn()), 0, -9.0), 0, 9.0),
    ("sealed", lambda: bgr(_sealed(drawn())), 0, 0.0),
    ("photo", lambda: _photo(drawn()), 0, 0.0),
]


@pytest.mark.parametrize(("name", "picture", "rotation", "skew"), TURNED, ids=[row[0] for row in TURNED])
def test_lines_of_a_picture(
    scanner: Scanner, name: str, picture: Callable[[], Picture], rotation: int, skew: float
) -> None:
    (page,) = scanner.read(picture(), "a.png", 1)
    assert [line.text for line in page.lines] == list(LINES)
    assert page.rotation == rotation
    assert page.skew == pytest.approx(skew, abs=0.6)
    assert (len(page.stamps) == 1) == (name == "sealed")
    assert all(line.confidence > 0.8 for line in page.lines)
    first, last = page.lines[0].box, page.lines[-1].box
    assert first[1] < first[3] < last[1]


def test_a_seal_is_found_where_it_is_and_faded() -> None:
    sealed = bgr(_sealed(drawn()))
    (box,) = seals.found(sealed)
    assert box == pytest.approx((310 / 800, 290 / 480, 490 / 800, 470 / 480), abs=0.01)
    faded = seals.without(sealed, (box,))
    before, after = (float(np.abs(one.astype(int) - bgr(drawn()).astype(int)).mean()) for one in (sealed, faded))
    assert after < 0.25 * before


@pytest.mark.parametrize(
    ("shape", "count"),
    [((60, 60, 200, 200), 1), ((60, 60, 700, 110), 0), ((60, 60, 70, 66), 0), ((10, 10, 790, 470), 0)],
    ids=["seal", "red headline", "speck", "red frame of the page"],
)
def test_what_is_a_seal(shape: tuple[int, int, int, int], count: int) -> None:
    image = Image.new("RGB", (800, 480), "white")
    ImageDraw.Draw(image).ellipse(shape, outline=(215, 30, 40), width=6)
    assert len(seals.found(bgr(image))) == count


def _noise(stain: bool) -> Picture:
    white = np.full((700, 500, 3), 246.0) + np.random.default_rng(1).normal(0, 4, (700, 500, 3))
    if stain:
        cv2.circle(white, (300, 300), 50, (205, 215, 220), -1)
    return cv2.GaussianBlur(np.clip(white, 0, 255).astype(np.uint8), (5, 5), 0).astype(np.uint8)


@pytest.mark.parametrize("stain", [False, True])
def test_noise_and_a_stain_are_blank(scanner: Scanner, stain: bool) -> None:
    (page,) = scanner.read(_noise(stain), "a.png", 1)
    assert (page.source, page.lines) == ("blank", ())


def test_a_short_line_is_not_blank() -> None:
    assert is_blank(_noise(stain=False))
    assert not is_blank(bgr(drawn(("第一页",), (1240, 1754), 20)))


def _table() -> Image.Image:
    image = Image.new("RGB", (800, 300), "white")
    draw = ImageDraw.Draw(image)
    for y in (40, 120, 200):
        draw.line((40, y, 760, y), fill="black", width=2)
    for x in (40, 300, 760):
        draw.line((x, 40, x, 200), fill="black", width=2)
    for text, at in zip(
        ("一二层建筑面积", "128.50", "同意人数", "36"), ((128, 66), (306, 66), (190, 146), (306, 146)), strict=True
    ):
        draw.text(at, text, font=ImageFont.truetype(str(FONT), 24), fill="black")
    return image


def test_ruling_lines_part_cells(scanner: Scanner) -> None:
    (page,) = scanner.read(bgr(_table()), "a.png", 1)
    assert [line.text for line in page.lines] == ["一二层建筑面积", "128.50", "同意人数", "36"]
    across = sorted(round(rule[1] * 300) for rule in page.rules if rule[1] == rule[3])
    upright = sorted(round(rule[0] * 800) for rule in page.rules if rule[0] == rule[2])
    assert across == pytest.approx([40, 120, 200], abs=3)
    assert upright == pytest.approx([40, 300, 760], abs=3)


def test_a_line_is_cut_only_by_a_rule_through_it() -> None:
    quad = np.array([[100, 50], [300, 50], [300, 70], [100, 70]], np.float32)
    for rule, pieces in (
        ((0.5, 0.0, 0.5, 1.0), 2),
        ((0.5, 0.4, 0.5, 1.0), 1),  # below it
        ((0.26, 0.0, 0.26, 1.0), 1),  # at its edge
        ((0.0, 0.5, 1.0, 0.5), 1),  # a horizontal one
    ):
        assert len(ruling.parted([quad], (rule,), 400, 200)) == pieces, rule


def _cards(framed: bool) -> tuple[Picture, list[Line]]:
    image = Image.new("RGB", (700, 1000), "white")
    draw = ImageDraw.Draw(image)
    lines = []
    for top in (100, 560):
        if framed:
            draw.rounded_rectangle((120, top, 580, top + 290), 16, outline="black", width=2)
        for index in range(3):
            y = top + 40 + 80 * index
            draw.rectangle((150, y, 400, y + 24), fill="black")
            lines.append(Line("某", (150 / 700, y / 1000, 400 / 700, (y + 24) / 1000)))
    return bgr(image), lines


def test_two_framed_cards_are_two_pages_and_two_paragraphs_are_one() -> None:
    upper, lower = parts.found(*_cards(framed=True))
    assert upper[3] == lower[1] == pytest.approx(0.475, abs=0.02)
    assert parts.found(*_cards(framed=False)) == ()
    assert parts.inside(lower, (0.1, lower[1], 0.2, 1.0)) == (0.1, 0.0, 0.2, 1.0)


def test_the_sheet_of_a_photo() -> None:
    assert paper.corners_of(_photo(drawn())) is not None
    assert paper.corners_of(bgr(drawn())) is None
    assert paper.corners_of(np.full((480, 800, 3), 70, np.uint8)) is None


def test_reading_order_does_not_depend_on_the_order_of_finding() -> None:
    lines = [
        Line("甲", (0.1, 0.10, 0.2, 0.12)),
        Line("乙", (0.5, 0.098, 0.6, 0.118)),
        Line("丙", (0.1, 0.20, 0.2, 0.22)),
    ]
    assert [line.text for line in in_reading_order(reversed(lines))] == ["甲", "乙", "丙"]


def test_same_folder_same_pages_whatever_the_number_of_processes(tmp_path: Path) -> None:
    drawn().save(tmp_path / "a.png")
    drawing_of_it = Image.fromarray(drawing.turned(bgr(drawn(LINES[:4])), 180, 0.0)[:, :, ::-1])
    drawing_of_it.save(tmp_path / "b.jpg", quality=92)
    (tmp_path / "alone").mkdir()
    drawn().save(tmp_path / "alone" / "a.png")
    with Reader(processes=2) as reader:
        both = reader.read(tmp_path)
        assert [(one.problem, one.detail) for one in both.files] == [("", "")] * 3
        (alone,) = reader.read(tmp_path / "alone").pages
        first = next(page for page in both.pages if page.file == "a.png")
        assert first.lines == alone.lines
        turned = next(page for page in both.pages if page.file == "b.jpg")
        assert (turned.rotation, len(turned.lines)) == (180, 4)
        assert [one.file for one in both.files] == ["a.png", "alone/a.png", "b.jpg"]
        assert both.model.startswith("rapidocr@")
        _assert_drawn(reader.snippet(tmp_path, turned, turned.lines[0].box, 300), turned, turned.lines[0].box)
        assert reader.snippet(tmp_path, Page("gone.png", 1, "ocr", 1, 1), (0, 0, 1, 1)) is None


def test_one_content_under_two_names_is_two_files(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        drawn(LINES[:2]).save(tmp_path / name)
    with Reader() as reader:
        assert [page.file for page in reader.read(tmp_path).pages] == ["a.png", "b.png"]


def _assert_drawn(content: bytes | None, page: Page, box: Box) -> None:
    """The piece is upright and holds the ink of the line."""
    assert content is not None
    piece = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    original = bgr(drawn(LINES[:4]))
    height, width = original.shape[:2]
    margin = drawing.MARGIN * width
    wanted = original[
        round(box[1] * height - margin) : round(box[3] * height + margin),
        round(box[0] * width - margin) : round(box[2] * width + margin),
    ]
    resized = cv2.resize(wanted, (piece.shape[1], piece.shape[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(resized.astype(int) - piece.astype(int)).mean() < 12
