"""The report as DOCX, for whoever must edit it or fill in its forms: the same blocks as the page, in its order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from schemas.policy import Simulation
from udfs.brief.document import FONT
from udfs.brief.markup import plain
from udfs.policy_report import content, drawing
from udfs.policy_report.blocks import Block, Box, Cell, Facts, Figure, Form, Heading, Points, Table, Text
from udfs.policy_report.written import moment

_WIDTH = Mm(182)
_GREY = RGBColor(0x55, 0x5D, 0x66)
_STYLES = (("Normal", 10.0), ("Title", 20.0), ("Heading 1", 14.0), ("Heading 2", 11.0), ("List Bullet", 10.0))


def render(simulation: Simulation) -> bytes:
    """The whole file."""
    page = _Page(simulation)
    for block in content.made(simulation):
        page.add(block)
    return page.saved()


class _Page:
    """A document under way."""

    def __init__(self, simulation: Simulation) -> None:
        self._document = docx.Document()
        section = self._document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(14)
        section.top_margin = section.bottom_margin = Mm(15)
        for name, based in (("Cell", 8.0), ("Answer", 10.0)):  # a style costs less than a size on every run
            self._document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = self._document.styles["Normal"]
            self._style(name, based)
            self._document.styles[name].paragraph_format.space_after = Pt(0)
        small = self._document.styles.add_style("Below", WD_STYLE_TYPE.CHARACTER)
        small.font.size, small.font.color.rgb = Pt(7), _GREY
        for name, size in _STYLES:
            self._style(name, size)
        about = self._document.core_properties
        about.title, about.author, about.comments, about.language = plain(simulation.plan.title), "", "", "zh-CN"
        about.created = about.modified = _moment(simulation.made_at)
        shown = "　·　方法演示" if simulation.population.demonstration else ""
        self._paragraph(f"政策推演报告{shown}", small=True)
        self._document.add_heading(plain(simulation.plan.title), 0)
        self._paragraph(f"{moment(simulation.made_at)}　·　运行 {simulation.run}", small=True)

    def _style(self, name: str, size: float) -> None:
        style = self._document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in ("w:ascii", "w:hAnsi", "w:eastAsia"):
            fonts.set(qn(key), FONT)
        for key in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(key), None)  # a theme's font would win
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.paragraph_format.space_after = Pt(3)

    def add(self, block: Block) -> None:
        match block:
            case Heading(text, level, page):
                self._document.add_heading(plain(text), level).paragraph_format.page_break_before = page or None
            case Text(text, kind):
                made = self._paragraph(text, bold=kind == "lead", small=kind == "note")
                if kind == "lead":
                    made.runs[0].font.size = Pt(13)
            case Points(items):
                for item in items:
                    self._paragraph(item, style="List Bullet")
            case Box(title, lines):
                cell = self._grid((1,)).add_row().cells[0]
                self._run(cell.paragraphs[0], title, bold=True).font.size = Pt(12)
                for line in lines:
                    self._run(cell.add_paragraph(), line)
                self._gap()
            case Facts(rows):
                self._rows(
                    self._grid((33, 149)),
                    [(asked, Cell(said, about, strong=True)) for asked, said, about in rows],
                    frozenset(),
                    "Answer",
                )
                self._gap()
            case Table():
                self._table(block)
            case Figure():
                self._caption(block.number, block.title)
                picture = drawing.png(block.drawing)
                self._document.add_picture(io.BytesIO(picture), width=_WIDTH)
                self._document.paragraphs[-1].paragraph_format.keep_with_next = True
                for line in block.legend:
                    self._paragraph(line, small=True)
            case Form():
                self._form(block)

    # -- small parts
    def _paragraph(self, text: str = "", bold: bool = False, small: bool = False, style: str | None = None) -> Any:
        made = self._document.add_paragraph(style=style)
        if text:
            self._run(made, text, bold, small)
        return made

    def _run(self, paragraph: Any, text: str, bold: bool = False, small: bool = False) -> Any:
        run = paragraph.add_run(plain(text))
        run.bold = bold or None
        if small:
            run.font.size = Pt(8)
            run.font.color.rgb = _GREY
        return run

    def _gap(self) -> None:
        self._paragraph().paragraph_format.space_after = Pt(2)

    def _caption(self, number: str, title: str) -> None:
        made = self._paragraph(f"{number}　{title}" if number else title, bold=True)
        made.paragraph_format.keep_with_next = True
        made.paragraph_format.space_before = Pt(8)

    def _grid(self, shares: Sequence[int]) -> Any:
        """A table without rows whose columns share the page so; rows that are added take the widths of the grid."""
        table = self._document.add_table(rows=0, cols=len(shares), style="Table Grid")
        table.autofit = False
        for column, share in zip(table.columns, shares, strict=True):
            column.width = round(_WIDTH * share / sum(shares))
        return table

    def _table(self, table: Table) -> None:
        self._caption(table.number, table.title)
        made = self._grid(table.widths)
        if any(table.heads):
            row = made.add_row()
            _mark(row, "w:tblHeader")
            for n, (cell, head) in enumerate(zip(row.cells, table.heads, strict=True)):
                self._align(cell.paragraphs[0], n in table.right)
                cell.paragraphs[0]._p.style = "Cell"
                self._run(cell.paragraphs[0], head, bold=True)
        self._rows(made, table.rows, table.right, "Cell")
        if table.note:
            self._paragraph(table.note, small=True)
        self._gap()

    def _rows(self, made: Any, rows: Sequence[Sequence[str | Cell]], right: frozenset[int], style: str) -> None:
        for values in rows:
            row = made.add_row()
            _mark(row, "w:cantSplit")
            for n, (cell, value) in enumerate(zip(row.cells, values, strict=True)):
                paragraph = cell.paragraphs[0]
                paragraph._p.style = style  # by its id: looking a style up by name takes longer than all else
                self._align(paragraph, n in right)
                if isinstance(value, str):
                    paragraph.add_run(plain(value))
                    continue
                run = paragraph.add_run(plain(value.text))
                run.bold = value.strong or None
                if value.pale:
                    run.font.color.rgb = _GREY
                if value.below:
                    run.add_break()
                    paragraph.add_run(plain(value.below))._r.style = "Below"

    def _align(self, paragraph: Any, right: bool) -> None:
        if right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT

    def _form(self, form: Form) -> None:
        self._document.add_heading(plain(form.title), 2)
        self._paragraph(form.about, small=True).paragraph_format.keep_with_next = True
        table = self._grid((40, 142))
        for label, lines in form.blanks:
            row = table.add_row()
            _mark(row, "w:cantSplit")
            row.height = Mm(8 * lines + 2)
            self._run(row.cells[0].paragraphs[0], label)
        signed = table.add_row()
        _mark(signed, "w:cantSplit")
        signed.height = Mm(14)
        self._run(signed.cells[0].paragraphs[0], "签名")
        self._run(signed.cells[1].paragraphs[0], "　　　　　　　　".join(f"{who}：" for who in form.signatures))
        self._gap()

    def saved(self) -> bytes:
        out = io.BytesIO()
        self._document.save(out)
        return out.getvalue()


def _mark(row: Any, name: str) -> None:
    """``w:tblHeader``: the row stands again on each page; ``w:cantSplit``: it is not broken between pages."""
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _moment(text: str) -> datetime:
    """The run's time for the file's properties; a fixed day when it cannot be read, so that the same run gives the same
    file."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return datetime(2000, 1, 1)
