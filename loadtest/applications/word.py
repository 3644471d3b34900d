"""Papers as DOCX: tables for forms, paragraphs for the rest. Word lays them out itself, so there are no sheets."""

from __future__ import annotations

import io
import random
import zipfile

import docx
from docx.shared import Pt

from loadtest.applications.layouts import Layout
from loadtest.applications.paper import Case, Pairs, Paper, Prose, Rows
from loadtest.applications.writing import Style, write


def document(papers: list[Paper], case: Case, layout: Layout, rng: random.Random) -> bytes:
    """The papers one after the other, a page break between them."""
    file = docx.Document()
    for number, paper in enumerate(papers):
        if number:
            file.add_page_break()
        style = Style.draw(rng, dates=layout.dates, choices=tuple(name for name in layout.choices if name != "boxes"))
        heading = file.add_paragraph()
        heading.alignment = 1
        run = heading.add_run(rng.choice(paper.titles))
        run.bold, run.font.size = True, Pt(18)
        for block in paper.blocks:
            if isinstance(block, Pairs):
                pairs(file, [said(paper, case, name, style, rng) for name in block.fields], layout)
            elif isinstance(block, Rows):
                if block.heading:
                    file.add_paragraph(block.heading)
                words, rows = case.columns[block.table], case.rows(paper.document, block.table)
                lines = [[rng.choice(words[name].labels) for name in block.columns]]
                lines += [[write(words[name], row[name], style) for name in block.columns] for row in rows]
                table(file, lines)
            elif isinstance(block, Prose):
                for paragraph in block.paragraphs:
                    text = paragraph
                    for name in (part.split("}")[0] for part in paragraph.split("{")[1:]):
                        text = text.replace("{" + name + "}", said(paper, case, name, style, rng)[1])
                    file.add_paragraph(text)
            else:
                for name in block.fields:
                    file.add_paragraph("：".join(said(paper, case, name, style, rng)))
    out = io.BytesIO()
    file.save(out)
    return repacked(out.getvalue())


def said(paper: Paper, case: Case, name: str, style: Style, rng: random.Random) -> tuple[str, str]:
    text = case.text(paper.document, name, style).replace("☑", "■").replace("☐", "□")
    return rng.choice(case.wording(paper.document, name).labels), text


def pairs(file: docx.document.Document, found: list[tuple[str, str]], layout: Layout) -> None:
    if layout.family in ("lines", "underlined"):
        for label, text in found:
            file.add_paragraph(f"{label}：{text}")
        return
    table(
        file,
        [
            [text for pair in found[i : i + layout.columns] for text in pair]
            for i in range(0, len(found), layout.columns)
        ],
    )


def table(file: docx.document.Document, lines: list[list[str]]) -> None:
    width = max(map(len, lines))
    made = file.add_table(rows=0, cols=width)
    made.style = "Table Grid"
    for line in lines:
        for cell, text in zip(made.add_row().cells, line, strict=False):
            cell.text = text
    file.add_paragraph()


def repacked(data: bytes) -> bytes:
    """The same archive without the time of day, so that the same seed gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()
