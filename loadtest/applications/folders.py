"""Makes one application's folder and its line of truth."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from loadtest.applications import faces, wear
from loadtest.applications.faces import Face
from loadtest.applications.hostile import HOSTILE
from loadtest.applications.invention import dice
from loadtest.applications.layouts import LAYOUTS, Layout
from loadtest.applications.paper import Case
from loadtest.applications.pdf import text_pdf
from loadtest.applications.picture import render
from loadtest.applications.placing import SHORT, WIDTH, Seal, Sheet, place
from loadtest.applications.plan import Options, Plan, invented, plan
from loadtest.applications.word import document

BLANK = "blank"
TOGETHER = "+"


@dataclass
class Files:
    """Files of a folder with the documents on their pages."""

    data: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, list[str]] = field(default_factory=dict)
    effects: set[str] = field(default_factory=set)

    def add(self, name: str, data: bytes, pages: list[str]) -> None:
        self.data[name], self.pages[name] = data, pages


@dataclass(frozen=True)
class Look:
    """Layout and faces of an application: one clerk, one printer, one pen."""

    layout: Layout
    face: Face
    hand: Face
    filled: Face | None
    dpi: int


def make(options: Options, index: int, output: Path) -> str:
    """Writes the folder (all of it or nothing) and returns its line of truth."""
    wanted = plan(options, index)
    case = invented(options, wanted)
    rng = dice(options.seed, options.split, index, "look")
    look = drawn(options.split, wanted.kind, rng)
    files = Files()
    if wanted.kind in ("clean", "poor"):
        scanned(files, case, look, rng, poor=wanted.kind == "poor")
    else:
        texts(files, case, look, rng, hostile=wanted.kind == "hostile")
    defects = [asdict(defect) for defect in case.defects]
    expected = case.expected
    form = case.form()
    if wanted.defect.startswith("hostile."):
        name = spoil(files, wanted.defect.removeprefix("hostile."), rng)
        defects = [{"rule": "generic.unreadable", "outcome": "refer", "field": "", "document": "", "file": name}]
        expected = "refer"
        left = {content for pages in files.pages.values() for content in pages}
        # what stood in the lost file can no longer be found
        case.papers = [paper for paper in case.papers if paper.document in left]
    save(output, wanted, form, options, files)
    fields, tables = case.printed()
    truth = {
        "id": wanted.id, "type": wanted.type, "split": options.split, "kind": wanted.kind, "expected": expected,
        "defects": defects, "fields": fields, "tables": tables, "documents": files.pages, "layout": look.layout.name,
        "fonts": sorted({face.name for face in (look.face, look.hand, look.filled) if face}),
        "effects": sorted(files.effects),
    }  # fmt: skip
    if wanted.values != index:
        truth["duplicate_of"] = plan(options, wanted.values).id
    return json.dumps(truth, ensure_ascii=False)


def drawn(split: str, kind: str, rng: random.Random) -> Look:
    textual = kind in ("text", "hostile")
    hands = faces.handwritten(split)
    layout = rng.choice(LAYOUTS[split])
    face = rng.choice(faces.printed(split, embedded=textual))
    # every other font in a PDF costs as much as the first: signatures of text layers are set in the same face
    hand = face if textual else rng.choice(hands)
    filled = rng.choice(hands) if kind == "poor" and rng.random() < 0.4 else None
    return Look(layout, face, hand, filled, rng.choice((150, 150, 150, 175, 200)))


def save(output: Path, wanted: Plan, declared: dict[str, Any], options: Options, files: Files) -> None:
    """A folder that is there is whole: it is written beside and renamed."""
    final, partial = output / "applications" / wanted.id, output / ".partial" / wanted.id
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    form = {
        "type": wanted.type, "id": wanted.id, "submitted_at": f"{options.on}T09:30:00+08:00", "fields": declared,
    }  # fmt: skip
    (partial / "application.json").write_text(json.dumps(form, ensure_ascii=False, indent=1), encoding="utf-8")
    for name, data in files.data.items():
        (partial / name).write_bytes(data)
    final.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(partial, final)


def named(rng: random.Random, style: int, number: int, title: str, suffix: str) -> str:
    """What applicants call their files; unique by its number."""
    shapes = (
        f"{number:02}_{title}",
        f"scan_{number:04}",
        f"材料{number}",
        f"{title}{number}",
        f"IMG_20260{rng.randint(401, 531)}_{number:03}",
    )
    return shapes[style].replace("/", "") + suffix


def texts(files: Files, case: Case, look: Look, rng: random.Random, *, hostile: bool = False) -> None:
    """PDFs with a text layer, one for all papers or one each, or a DOCX (not where a PDF is wanted to be spoilt)."""
    style, way = rng.randrange(5), rng.choices(("one", "each", "docx"), (50, 35, 0 if hostile else 15))[0]
    if way == "docx":
        name = named(rng, style, 1, "申请材料", ".docx")
        # Word's pages are not known before Word has laid them out: a paper counts as one
        files.add(name, document(case.papers, case, look.layout, rng), [paper.document for paper in case.papers])
        return
    stacks = [place(paper, case, look.layout, rng) for paper in case.papers]
    if way == "one":
        stacks = [[sheet for stack in stacks for sheet in stack]]
    for number, stack in enumerate(stacks, 1):
        name = named(rng, style, number, "申请材料", ".pdf")
        files.add(name, text_pdf(stack, look.face, look.hand), [sheet.document for sheet in stack])


def scanned(files: Files, case: Case, look: Look, rng: random.Random, *, poor: bool) -> None:
    """Pictures: PNG or JPEG a page, scanned PDFs, or a PDF of scanned and typed pages."""
    style, way = rng.randrange(5), rng.choices(("images", "each", "one", "mixed"), (50, 20, 20, 10))[0]
    stacks = [place(paper, case, look.layout, rng) for paper in case.papers]
    if poor and rng.random() < 0.35:
        over_text(rng.choice(stacks)[0], rng)
    typed: set[int] = set()
    if way == "mixed" and look.face.embeds:
        typed = {id(sheet) for sheet in stacks[0]}
    pages: list[tuple[str, Sheet | Image.Image | None]] = []
    ends: list[int] = []
    for stack in together(stacks, rng):
        for sheets in stack:
            if id(sheets[0]) in typed:
                pages.append((sheets[0].document, sheets[0]))
            else:
                picture = scan(sheets, look, rng, files.effects, poor=poor)
                pages.append((TOGETHER.join(sheet.document for sheet in sheets), picture))
        ends.append(len(pages))
    if way != "images" and rng.random() < 0.2:
        spot = rng.randint(1, len(pages))
        pages.insert(spot, (BLANK, None if way == "mixed" else empty_page(look, rng, poor=poor)))
        ends = [end + (end >= spot) for end in ends]
    quality = rng.randint(60, 75) if poor else rng.randint(80, 92)
    if way == "images":
        suffix = rng.choice((".png", ".jpg", ".jpg"))
        for number, (content, picture) in enumerate(pages, 1):
            if isinstance(picture, Image.Image):
                files.add(
                    named(rng, style, number, content, suffix), packed(picture, suffix, quality, look.dpi), [content]
                )
        return
    begins = [0, *ends[:-1]] if way == "each" else [0]
    stops = ends if way == "each" else [len(pages)]
    for number, (begin, stop) in enumerate(zip(begins, stops, strict=True), 1):
        part = pages[begin:stop]
        name = named(rng, style, number, "扫描件", ".pdf")
        files.add(
            name, text_pdf([page for _, page in part], look.face, look.hand, quality), [content for content, _ in part]
        )


def together(stacks: list[list[Sheet]], rng: random.Random) -> list[list[list[Sheet]]]:
    """Files -> pages -> sheets on the page: two short papers may lie in one scan, one above the other."""
    grouped: list[list[list[Sheet]]] = []
    waiting: list[Sheet] = []
    share = rng.random() < 0.4
    for stack in stacks:
        if share and len(stack) == 1 and stack[0].height == SHORT:
            waiting.append(stack[0])
            if len(waiting) == 2:
                grouped.append([waiting])
                waiting = []
        else:
            grouped.append([[sheet] for sheet in stack])
    if waiting:
        grouped.append([waiting])
    return grouped


def scan(sheets: list[Sheet], look: Look, rng: random.Random, effects: set[str], *, poor: bool) -> Image.Image:
    """One page of a scan: sheets one above the other, then what the scanner did."""
    ink, paper = (rng.randint(10, 60), rng.randint(244, 255)) if poor else (rng.randint(0, 30), 255)
    pictures = [
        render(sheet, look.face, look.hand, look.dpi, filled=look.filled, ink=ink, paper=paper) for sheet in sheets
    ]
    page = pictures[0]
    if len(pictures) > 1:
        page = Image.new("RGB", (page.width, sum(picture.height for picture in pictures)), (paper,) * 3)
        top = 0
        for picture in pictures:
            page.paste(picture, (0, top))
            top += picture.height
    if not poor:
        return wear.lightly(page, rng)
    worn, done = wear.badly(page, rng)
    effects.update(done)
    return worn


def over_text(sheet: Sheet, rng: random.Random) -> None:
    """A seal in the middle of the text."""
    sheet.marks.append(
        Seal(rng.uniform(0.35, 0.75) * WIDTH, rng.uniform(0.35, 0.6) * sheet.height, 44, "示范专用章示范")
    )


def empty_page(look: Look, rng: random.Random, *, poor: bool) -> Image.Image:
    page = Image.new("RGB", (round(WIDTH * look.dpi / 72), round(842 * look.dpi / 72)), (252, 252, 252))
    return wear.lightly(page, rng) if poor else page


def packed(picture: Image.Image, suffix: str, quality: int, dpi: int) -> bytes:
    out = io.BytesIO()
    if suffix == ".png":
        picture.save(out, "PNG", compress_level=1, dpi=(dpi, dpi))
    else:
        picture.save(out, "JPEG", quality=quality, dpi=(dpi, dpi))
    return out.getvalue()


def spoil(files: Files, way: str, rng: random.Random) -> str:
    """One PDF is replaced by a hostile file; its new name."""
    name = rng.choice(sorted(files.data))
    suffix, data = HOSTILE[way](files.data[name], rng)
    pages = files.pages.pop(name)
    del files.data[name]
    new = name.rpartition(".")[0] + suffix
    files.add(new, data, pages if way == "extension" else [])
    return new
