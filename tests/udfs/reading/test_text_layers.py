"""Text that need not be recognised: PDF text layers and DOCX, and the layers that must not be believed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from schemas.applications import Page
from tests.udfs.reading.making import FONT, docx, drawn, needs_font
from udfs.reading import Limits
from udfs.reading.failures import Refused
from udfs.reading.ocr import Picture
from udfs.reading.pdf import Pdf, _check_streams
from udfs.reading.word import Word

OCR = (Page("", 1, "ocr", 1, 1),)


class Recognised:
    """Stands for the scanner: says that a page went to the OCR."""

    def read(self, picture: Picture, file: str, number: int) -> tuple[Page, ...]:
        return OCR


def _pdf(draw: Callable[[Canvas], None]) -> bytes:
    pdfmetrics.registerFont(TTFont("hei", str(FONT)))
    whole = io.BytesIO()
    canvas = Canvas(whole, pagesize=(595, 842))
    canvas.setFont("hei", 12)
    draw(canvas)
    canvas.save()
    return whole.getvalue()


def _read(content: bytes) -> tuple[Page, ...]:
    return Pdf(content, "a.pdf", Limits()).read(1, Recognised())  # type: ignore[arg-type]


def _form(canvas: Canvas) -> None:
    canvas.rect(60, 600, 400, 40)
    canvas.line(150, 600, 150, 640)
    canvas.drawString(138.5, 615, "甲")  # touches the line: only the line parts it from the next
    canvas.drawString(151, 615, "示例公司")
    canvas.drawString(60, 500, "电话：010     日期：2024")
    canvas.drawString(60, 480, "姓    名")
    canvas.drawString(60, 460, "No. A 12")


@needs_font
def test_lines_end_at_gaps_and_ruling_lines() -> None:
    (page,) = _read(_pdf(_form))
    assert [line.text for line in page.lines] == ["甲", "示例公司", "电话：010", "日期：2024", "姓 名", "No. A 12"]
    assert page.source == "text"
    left, top, _, bottom = page.lines[1].box
    assert left * 595 == pytest.approx(151, abs=1)
    assert top * 842 < 842 - 620 < bottom * 842
    assert any(rule[0] * 595 == pytest.approx(150, abs=1) and rule[0] == rule[2] for rule in page.rules)


def _hidden(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 500, "经营面积一百平方米")


def _mostly_seen(canvas: Canvas) -> None:
    for row in range(10):
        canvas.drawString(60, 700 - 20 * row, "申请单位示例建设有限公司")
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 100, "面积一百")


def _invisible(canvas: Canvas) -> None:
    text = canvas.beginText(60, 500)
    text.setTextRenderMode(3)
    text.textLine("经营面积一百平方米")
    canvas.drawText(text)


def _covered(canvas: Canvas) -> None:
    canvas.drawString(60, 500, "经营面积一百平方米")
    canvas.drawImage(ImageReader(drawn()), 0, 100, 595, 700)


def _few(canvas: Canvas) -> None:
    canvas.drawString(300, 20, "第1页")


def _sideways(canvas: Canvas) -> None:
    canvas.rotate(90)
    for row in range(3):
        canvas.drawString(60, -200 - 30 * row, "申请单位示例建设有限公司")


@needs_font
@pytest.mark.parametrize("draw", [_hidden, _invisible, _covered, _few, _sideways])
def test_a_layer_that_a_person_does_not_see_goes_to_the_ocr(draw: Callable[[Canvas], None]) -> None:
    assert _read(_pdf(draw)) == OCR


@needs_font
def test_a_hidden_line_among_others_is_left_out() -> None:
    (page,) = _read(_pdf(_mostly_seen))
    assert {line.text for line in page.lines} == {"申请单位示例建设有限公司"}


@needs_font
def test_text_on_its_head_goes_to_the_ocr() -> None:
    import pypdf

    writer, whole = pypdf.PdfWriter(io.BytesIO(_pdf(_form))), io.BytesIO()
    writer.pages[0].rotate(180)
    writer.write(whole)
    assert _read(whole.getvalue()) == OCR


@needs_font
def test_a_page_that_is_shown_turned_has_boxes_as_shown() -> None:
    """Text on its side on a page that is itself turned by a quarter stands upright."""
    import pypdf

    writer, whole = pypdf.PdfWriter(io.BytesIO(_pdf(_sideways))), io.BytesIO()
    writer.pages[0].rotate(90)
    writer.write(whole)
    (page,) = _read(whole.getvalue())
    assert [line.text for line in page.lines] == ["申请单位示例建设有限公司"] * 3
    assert (page.width, page.height) == (842, 595)
    assert all(line.box[2] - line.box[0] > line.box[3] - line.box[1] for line in page.lines)


def _paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def _cell(text: str, span: int = 1) -> str:
    return f'<w:tc><w:tcPr><w:gridSpan w:val="{span}"/></w:tcPr>{_paragraph(text)}</w:tc>'


TABLE = (
    '<w:tbl><w:tblGrid><w:gridCol w:w="1000"/><w:gridCol w:w="3000"/></w:tblGrid>'
    f"<w:tr>{_cell('表头', 2)}</w:tr><w:tr>{_cell('面积')}{_cell('128.5')}</w:tr></w:tbl>"
)
WORDS: list[tuple[str, str, list[list[str]]]] = [
    # name, body, lines of each page
    ("paragraphs", _paragraph("甲") + _paragraph("乙"), [["甲", "乙"]]),
    ("table", _paragraph("甲") + TABLE + _paragraph("乙"), [["甲", "表头", "面积", "128.5", "乙"]]),
    ("hidden", _paragraph("甲", "<w:vanish/>") + _paragraph("乙"), [["乙"]]),
    ("deleted", f"<w:p><w:del><w:r><w:delText>甲</w:delText></w:r></w:del></w:p>{_paragraph('乙')}", [["乙"]]),
    ("control", f"<w:sdt><w:sdtContent>{_paragraph('甲')}</w:sdtContent></w:sdt>", [["甲"]]),
    ("tab", "<w:p><w:r><w:t>甲</w:t><w:tab/><w:t>乙</w:t></w:r></w:p>", [["甲", "乙"]]),
    ("break", f'{_paragraph("甲")}<w:p><w:r><w:br w:type="page"/><w:t>乙</w:t></w:r></w:p>', [["甲"], ["乙"]]),
]


@pytest.mark.parametrize(("name", "body", "pages"), WORDS, ids=[row[0] for row in WORDS])
def test_lines_of_a_word_document(name: str, body: str, pages: list[list[str]]) -> None:
    word = Word(docx(body.encode()), "a.docx", Limits())
    found = [word.read(number, Recognised())[0] for number in range(1, word.count() + 1)]  # type: ignore[arg-type]
    assert [[line.text for line in page.lines] for page in found] == pages


def test_cells_keep_their_rows_and_columns() -> None:
    (page,) = Word(docx(TABLE.encode()), "a.docx", Limits()).read(1, Recognised())  # type: ignore[arg-type]
    head, label, value = (line.box for line in page.lines)
    assert label[1] == value[1] > head[1]
    assert label[0] == head[0] < value[0]
    assert any(rule[0] == rule[2] and label[2] <= rule[0] <= value[0] for rule in page.rules)


@pytest.mark.timeout(20)
def test_what_follows_a_large_stream_is_not_unpacked_for_ever() -> None:
    """zlib goes on naming what follows the end of a stream as unconsumed when it was unpacked in several goes."""
    packed = zlib.compress(bytes(3 << 20))
    content = b"%PDF-1.4\n1 0 obj << /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream endobj\n" + b"x" * 1000
    _check_streams(content, Limits())
    with pytest.raises(Refused, match="archive_bomb"):
        _check_streams(content, Limits(archive_bytes=1 << 20))
