"""The brief as DOCX, for whoever must edit it or pass it on by hand: the same parts as the HTML page, in its order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from udfs.brief import areamap, phrases, pictures
from udfs.brief.content import Brief, Episode, Figure, Quote
from udfs.brief.markup import plain
from udfs.brief.phrases import LISTED, TOP, Cell, Table
from udfs.brief.words import Words, figure, number

FONT = "Microsoft YaHei"
SIGNS = {1: "■", 2: "◆", 3: "▲", 4: "○"}
"""Priorities by shape, as in the drawings."""
_WIDTH = Mm(180)
_GREY = RGBColor(0x44, 0x44, 0x44)


def render(brief: Brief, language: str = "zh") -> bytes:
    """The whole file. Raises ValueError for a language that is neither zh nor en."""
    words = Words(language, brief.offset_min)
    page = _Page(brief, words)
    page.head()
    if brief.empty:
        page.paragraph(words["nothing"], bold=True)
    else:
        page.numbers(brief.figures)
        page.paragraph(words["decides"], small=True)
        page.top()
        page.timeline()
        page.map()
        page.list()
        page.hazards()
        page.others()
    page.end()
    return page.saved()


class _Page:
    """A document under way."""

    def __init__(self, brief: Brief, words: Words) -> None:
        self._brief, self._words = brief, words
        self._document = docx.Document()
        section = self._document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(15)
        section.top_margin = section.bottom_margin = Mm(14)
        for name in ("Normal", "Title", "Heading 1", "Heading 2"):
            style = self._document.styles[name]
            style.font.name = FONT
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for key in ("w:ascii", "w:hAnsi", "w:eastAsia"):
                fonts.set(qn(key), FONT)
            for key in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
                fonts.attrib.pop(qn(key), None)  # a theme's font would win
            style.font.color.rgb = RGBColor(0, 0, 0)
            style.paragraph_format.space_after = Pt(2)
        self._document.styles["Normal"].font.size = Pt(9.5)
        self._document.styles["Heading 1"].font.size = Pt(13)
        self._document.styles["Heading 2"].font.size = Pt(10.5)
        about = self._document.core_properties
        about.author, about.title = plain(brief.by), words["title"]
        about.created = about.modified = datetime.fromtimestamp(brief.generated / 1000, UTC).replace(tzinfo=None)
        about.comments, about.language = "", words.language

    # -- small parts --
    def paragraph(self, text: str = "", bold: bool = False, small: bool = False, style: str | None = None) -> Any:
        made = self._document.add_paragraph(style=style)
        if text:
            self._run(made, text, bold, small)
        return made

    def heading(self, key: str, *about: str, level: int = 1) -> None:
        made = self._document.add_heading(plain(self._words[key]), level)
        asked = self._brief.asked(*about)
        if asked:
            self._run(made, f"  {asked}", small=True)

    def _run(self, paragraph: Any, text: str, bold: bool = False, small: bool = False) -> Any:
        run = paragraph.add_run(plain(text))
        run.bold = bold
        if small:
            run.font.size = Pt(7.5)
            run.font.color.rgb = _GREY
        return run

    def _picture(self, png: bytes) -> None:
        self._document.add_picture(io.BytesIO(png), width=_WIDTH)

    def _columns(self, shares: Sequence[int]) -> Any:
        """A table without rows whose columns share the page so; rows that are added take the widths of the grid."""
        table = self._document.add_table(rows=0, cols=len(shares), style="Table Grid")
        table.autofit = False
        for column, share in zip(table.columns, shares, strict=True):
            column.width = round(_WIDTH * share / sum(shares))
        return table

    def table(self, made: Table) -> None:
        if not made.rows:
            return
        columns = len(made.rows[0])
        table = self._columns(made.widths or (1,) * columns)
        if made.heads:
            row = table.add_row()
            _repeat(row)
            for cell, head in zip(row.cells, made.heads, strict=True):
                self._run(cell.paragraphs[0], head.removeprefix("#") or "#", bold=True)
        numeric = [head.startswith("#") for head in made.heads] or [False] * columns
        for values in made.rows:
            for cell, value, right in zip(table.add_row().cells, values, numeric, strict=True):
                paragraph = cell.paragraphs[0]
                if right:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                self._cell(paragraph, value)
        self.paragraph()

    def _cell(self, paragraph: Any, value: str | Cell) -> None:
        if isinstance(value, str):
            self._run(paragraph, value)
            return
        if value.priority is not None:
            self._run(paragraph, f"{SIGNS.get(value.priority, '○')} ")
        if value.above:
            self._run(paragraph, value.above, small=True)
        self._run(paragraph, value.text, bold=value.strong)
        if value.below:
            paragraph.add_run().add_break()
            self._run(paragraph, value.below, small=True)

    def quote(self, quote: Quote, paragraph: Any = None) -> None:
        words = self._words
        made = paragraph or self.paragraph()
        pieces = words.masked(quote.text)
        if pieces:
            self._run(made, "“")
            for piece, masked in pieces:
                run = self._run(made, piece)
                if masked:
                    run.font.color.rgb = _GREY
            self._run(made, "” ")
        else:
            self._run(made, words["no-text"] + " ")
        at = f"{words.time(quote.at)} " if quote.at is not None else ""
        self._run(made, f"{at}{quote.platform}/{quote.post_id}", small=True)

    # -- the parts --
    def head(self) -> None:
        brief, words = self._brief, self._words
        self._document.add_heading(words["title"], 0)
        self.paragraph(words.period(brief.start, brief.end))
        self.paragraph(f"{words['generated']} {words.moment(brief.generated)} · {words['by']} {brief.by}")
        self.paragraph(words["internal" if brief.places_shown else "internal.no-places"], bold=True)

    def numbers(self, figures: Sequence[Figure]) -> None:
        words = self._words
        made = self.paragraph()
        for n, one in enumerate(figures):
            value = "—" if one.value is None else figure(one.value, one.kind, words)
            self._run(made, f"{' · ' if n else ''}{words[f'figure.{one.name}']} ")
            self._run(made, value, bold=True)
            self._run(made, f" {words[one.why] if one.why else one.query}", small=True)

    def top(self) -> None:
        brief, words = self._brief, self._words
        waiting = phrases.waiting(brief)
        self.heading("top" if len(waiting) >= TOP else "top.fewer", "about.episodes", "about.evidence")
        if not waiting:
            self.paragraph(words["top.none"])
        if waiting:
            table = self._columns((16, 118, 46))
            for n, one in enumerate(waiting[:TOP], 1):
                row = table.add_row()
                _whole(row)
                self._run(row.cells[0].paragraphs[0], str(n), bold=True).font.size = Pt(18)
                sign = f"{SIGNS.get(one.priority, '○')} P{one.priority}"
                self._run(row.cells[0].add_paragraph(), sign, bold=True)
                self._main(row.cells[1], one)
                self._side(row.cells[2], one)
        if len(waiting) > TOP:
            self.paragraph(words.say("top.more", n=len(waiting) - TOP), small=True)

    def _main(self, cell: Any, one: Episode) -> None:
        words = self._words
        above, named = phrases.place(one, words)
        first = cell.paragraphs[0]
        if above:
            self._run(first, above)
        self._run(first, named, bold=True).font.size = Pt(12)
        self._run(cell.add_paragraph(), phrases.wants(one, words), bold=True)
        self._run(cell.add_paragraph(), phrases.who(one, words))
        if one.reasons:
            self._run(cell.add_paragraph(), f"{words['why']}{words.colon}{phrases.why(one, words)}", small=True)
        for quote in one.quotes[:1]:
            self.quote(phrases.shortened(quote), cell.add_paragraph())
        if one.quotes[1:]:
            self._run(cell.add_paragraph(), f"{words['also']} {phrases.others(one)}", small=True)
        if one.proposed:
            self._run(cell.add_paragraph(), phrases.proposal(one, words), bold=True)

    def _side(self, cell: Any, one: Episode) -> None:
        brief, words = self._brief, self._words
        standing = words.code("standing", one.standing) if one.standing else ""
        self._run(cell.paragraphs[0], f"【{words.code('state', one.state)}】 {standing}", bold=True)
        self._run(cell.add_paragraph(), one.owner or words["owner.none"], bold=True)
        until = phrases.deadline(one, brief, words)
        said = f"{words['deadline']} {until}" if until else words["deadline.none"]
        self._run(cell.add_paragraph(), said, bold=phrases.late(one, brief))
        last = f"{words['last']} {words.time(one.last_at, brief.end)} {words.bracketed(phrases.age(one, brief, words))}"
        self._run(cell.add_paragraph(), last)
        self._run(cell.add_paragraph(), phrases.called(one, words))
        if one.offers:
            self._run(cell.add_paragraph(), words.say("offers.n", n=one.offers))
        self._run(cell.add_paragraph(), one.id[:12], small=True)

    def timeline(self) -> None:
        brief, words = self._brief, self._words
        if not any(step.posts or step.calls or step.alerts for step in brief.bins):
            return
        self.heading("timeline", "about.timeline", "about.alerts")
        step = self.paragraph(words.say("timeline.step", step=words.length(brief.bin_ms)), small=True)
        step.paragraph_format.keep_with_next = True
        for name in ("posts", "calls", "alerts"):
            values = [getattr(step, name) for step in brief.bins]
            made = self.paragraph(words[f"figure.{name}"], bold=True)
            if any(values):
                made.paragraph_format.keep_with_next = True
                at = brief.bins[values.index(max(values))].at
                self._run(made, "  " + words.say("timeline.peak", n=number(max(values)), at=words.time(at)), small=True)
                self._picture(pictures.panel(brief.bins, brief.bin_ms, values, words))
            else:
                self._run(made, "  0")

    def map(self) -> None:
        brief, words = self._brief, self._words
        self.heading("map", "about.episodes", "about.offers")
        if not brief.districts:
            self.paragraph(words["map.none"])
            return
        layout = areamap.lay_out(brief.districts, brief.around)
        self._picture(pictures.area(layout, [one.adcode for one in brief.districts]))
        keys = " ".join(f"{sign} P{priority}" for priority, sign in SIGNS.items())
        self.paragraph(f"{keys}  {words['map.numbers']} {words['map.note']}", small=True)
        outside = words.list_([f"{one.name} {one.open}" for one in layout.outside])
        if outside:
            self.paragraph(words["map.outside"] + outside)
        if brief.cities:
            self.paragraph(words["map.cities"] + phrases.cities(brief, words))
        self.table(phrases.numbered(phrases.districts(brief, words)))

    def list(self) -> None:
        brief, words = self._brief, self._words
        waiting = phrases.waiting(brief)
        if len(waiting) > TOP:
            self.heading("episodes", "about.episodes")
            if len(waiting) > LISTED:
                self.paragraph(words.say("episodes.cut", n=LISTED), small=True)
            self.table(phrases.episodes(brief, words))

    def hazards(self) -> None:
        brief, words = self._brief, self._words
        self.heading("hazards", "about.episodes", "about.claims")
        if not brief.hazards:
            self.paragraph(words["hazards.none"])
        for one in brief.hazards:
            title = f"{words.codes('hazard', one.hazards)} · {one.place or words['no-place']}"
            state = f"【{words.code('standing', one.standing)}】"
            self.paragraph(f"{title} {state} {words['last']} {words.time(one.last_at, brief.end)}", bold=True)
            table = self._document.add_table(rows=1, cols=2, style="Table Grid")
            sides = (("claims", one.claimed, one.claims), ("denials", one.denied, one.denials))
            for cell, (name, count, quotes) in zip(table.rows[0].cells, sides, strict=True):
                self._run(cell.paragraphs[0], f"{words[name]} {count}", bold=True)
                for quote in quotes:
                    self.quote(quote, cell.add_paragraph())
            self.paragraph()

    def others(self) -> None:
        brief, words = self._brief, self._words
        self._part("supplies", phrases.supplies(brief, words), "about.episodes", "about.offers")
        if brief.supplies:
            self.paragraph(words.say("supplies.offers", n=number(brief.offers)), small=True)
        self._part("silences", phrases.silences(brief, words), "about.alerts")
        self.heading("moods", "about.moods")
        for kind in ("sentiment", "emotion"):
            moods = [mood for mood in brief.moods if mood.kind == kind]
            if moods:
                self.paragraph(phrases.shares(moods, words))
        self.paragraph(words["moods.note" if brief.moods else "moods.none"], small=bool(brief.moods))
        self._part("topics", phrases.topics(brief, words), "about.topics")
        if brief.places_shown:
            self.heading("quotes", "about.quotes")
            self.paragraph(words["quotes.note" if brief.quotes else "quotes.none"], small=bool(brief.quotes))
            for quote in brief.quotes:
                self.quote(quote)
        if "forecasts" not in brief.absent:
            self._part("forecasts", phrases.forecasts(brief, words), "about.forecasts")

    def _part(self, name: str, table: Table, *about: str) -> None:
        self.heading(name, *about)
        if table.rows:
            self.table(table)
        else:
            self.paragraph(self._words[f"{name}.none"])

    def end(self) -> None:
        brief, words = self._brief, self._words
        self.heading("health", "about.metrics", "about.dead", "about.shed")
        self.numbers(brief.health)
        self.heading("unknown")
        for said in phrases.unknowns(brief, words):
            self.paragraph(said, style="List Bullet")
        if brief.versions:
            self.heading("versions", "about.models")
            self.table(phrases.versions(brief))
        self.heading("annex")
        self.paragraph(words["annex.note"], small=True)
        if brief.command:
            self.paragraph(brief.command, small=True)
        for query in brief.queries:
            title, asked = phrases.query(query, words)
            self._run(self.paragraph(title, bold=True), f"  {asked}", small=True)
            for line in phrases.statement(query, words).splitlines():
                made = self.paragraph()
                made.paragraph_format.space_after = Pt(0)
                run = self._run(made, line, small=True)
                run.font.name = "Consolas"

    def saved(self) -> bytes:
        out = io.BytesIO()
        self._document.save(out)
        return out.getvalue()


def _repeat(row: Any) -> None:
    """The row stands again on each page that the table goes on."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _whole(row: Any) -> None:
    """The row is not broken between pages."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
