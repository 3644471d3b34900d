"""Which pages are which document: by headings, by words, and by what the page before was.

1. A page with a document's heading begins that document.
2. A page without one goes on with the document before it in the same file.
3. A file (a photo of page 2, say) without any heading goes by the words of the documents; where it is a lone image and
   several fit, to the document of the file before it. Otherwise it is ``unknown``.
4. A page with two documents one below the other is parted first (``parted``).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from schemas.applications import Document
from udfs.extraction.labels import distance
from udfs.extraction.layout import PageIndex, overlap
from udfs.extraction.plan import Plan

UNKNOWN = "unknown"
_HEADING_LINES = 8
_HEADING_DEPTH = 0.4
"""Headings stand among the first lines, no farther below the first one."""


def documents_of(plan: Plan, pages: Sequence[PageIndex]) -> tuple[list[Document], list[int]]:
    """-> (documents in the pages' order, the place of each page's document among them)."""
    found: list[Document] = []
    places: list[int] = []
    for index in pages:
        page = index.page
        before = found[-1] if found else None
        same = before is not None and before.file == page.file and before.part == page.part
        name, confidence = _heading(plan, index)
        words, share = _words(plan, index)
        if before is not None and same and (name == UNKNOWN or (name == before.id and _goes_on(index))):
            if before.id != UNKNOWN or words == UNKNOWN:
                numbers = before.pages if page.number in before.pages else (*before.pages, page.number)
                sure = min(before.confidence, 0.97)
                found[-1] = Document(before.id, before.file, numbers, before.part, sure)
                places.append(len(found) - 1)
                continue
            name, confidence = words, share
        if name == UNKNOWN:
            name, confidence = words, share
            if name == UNKNOWN and before is not None and before.id != UNKNOWN and _is_next_photo(index, before):
                name, confidence = before.id, 0.6
        found.append(Document(name, page.file, (page.number,), page.part, confidence if name != UNKNOWN else 0.5))
        places.append(len(found) - 1)
    return found, places


def parted(plan: Plan, index: PageIndex) -> list[PageIndex]:
    """The page, or its parts from top to bottom where a second document's heading stands alone in the middle of it.

    Two short papers on one sheet are often scanned together. Such a heading is the title and nothing else, larger than
    the text and in the middle of its row; it must be another document's than the one above it.
    """
    cuts: list[float] = []
    above = _heading(plan, index)[0]
    for line in sorted(range(len(index.texts)), key=lambda line: index.boxes[line][1]):
        name = _title(plan, index, line)
        if name == UNKNOWN:
            continue
        if above not in (UNKNOWN, name) and index.boxes[line][1] > 0.2:
            cuts.append(index.boxes[line][1] - 0.002)
        above = name
    if not cuts:
        return [index]
    edges = [0.0, *cuts, 1.01]
    parts = []
    for low, high in itertools.pairwise(edges):
        page = msgspec.structs.replace(
            index.page,
            lines=tuple(line for line in index.page.lines if low <= line.box[1] < high),
            stamps=tuple(stamp for stamp in index.page.stamps if low <= (stamp[1] + stamp[3]) / 2 < high),
            rules=tuple(rule for rule in index.page.rules if low <= (rule[1] + rule[3]) / 2 < high),
        )
        parts.append(PageIndex(page))
    return parts


def _title(plan: Plan, index: PageIndex, line: int) -> str:
    """The document whose title a line is, standing alone in the middle of its row; UNKNOWN when it is none."""
    text, box = index.texts[line], index.boxes[line]
    if not 3 <= len(text) <= 30 or abs((box[0] + box[2]) / 2 - 0.5) > 0.1 or box[3] - box[1] < 1.1 * index.height:
        return UNKNOWN
    if any(other != line and overlap(box, under) > 0.4 for other, under in enumerate(index.boxes)):
        return UNKNOWN
    score, name = max(
        (_likeness(title, text, index.ocr), document) for document, titles in plan.titles.items() for title in titles
    )
    return name if score > 0.85 else UNKNOWN


def _heading(plan: Plan, index: PageIndex) -> tuple[str, float]:
    """The document whose title the page bears -> (id, confidence)."""
    order = sorted(range(len(index.texts)), key=lambda line: (round(index.boxes[line][1], 2), index.boxes[line][0]))
    top = [line for line in order if index.texts[line]][:_HEADING_LINES]
    depth = _HEADING_DEPTH + (index.boxes[top[0]][1] if top else 0.0)
    heads = [(index.texts[line], at) for at, line in enumerate(top) if index.boxes[line][1] < depth]
    heads += [(one[0] + two[0], one[1]) for one, two in itertools.pairwise(heads) if len(one[0]) + len(two[0]) < 40]
    best, name = (0.0, 0), UNKNOWN
    for document, titles in plan.titles.items():
        for title in titles:
            for text, at in heads:
                score = _likeness(title, text, index.ocr) - 0.01 * at
                if (score, len(title)) > best:
                    best, name = (score, len(title)), document
    if best[0] < 0.6:
        return UNKNOWN, 0.0
    return name, round(min(0.99, 0.75 + 0.25 * best[0]), 3)


def _likeness(title: str, text: str, noisy: bool) -> float:
    """1 for the title alone; less with words around it (郑州市...申请书) or signs read wrong; 0 for a mere mention."""
    if title in text:
        share = len(title) / len(text)
        rest = text.replace(title, "", 1)
        if share < 0.35 or any(mark in rest for mark in ":;。,、《"):
            return 1.0 if rest.strip("《》:()") == "" else 0.0
        return 0.7 + 0.3 * share if share < 1 else 1.0
    if not noisy or len(title) < 4 or not set(title) & set(text):
        return 0.0
    allowed = max(1, len(title) // 4)
    if abs(len(title) - len(text)) > allowed:
        return 0.0
    edits = distance(title, text, allowed)
    return 0.0 if edits > allowed else 1.0 - edits / len(title)


def _words(plan: Plan, index: PageIndex) -> tuple[str, float]:
    """The document whose words the page has, at least two and clearly more than any other's."""
    text = "\n".join(index.texts)
    counts = sorted(((sum(word in text for word in words), name) for name, words in plan.words.items()), reverse=True)
    if not counts or counts[0][0] < 2:
        return UNKNOWN, 0.0
    rival = counts[1][0] if len(counts) > 1 else 0
    if counts[0][0] == rival:
        return UNKNOWN, 0.0
    return counts[0][1], round(min(0.93, 0.6 + 0.08 * (counts[0][0] - rival)), 3)


def _goes_on(index: PageIndex) -> bool:
    """Whether the heading of a page repeats the document's, as a running header does: 第2页, 续, or in small type."""
    text = "".join(index.texts)
    return "续" in text[:60] or any(f"第{number}页" in text for number in "23456789二三四五六七八九")


def _is_next_photo(index: PageIndex, before: Document) -> bool:
    return index.ocr and index.page.number == 1 and before.file != index.page.file and len(before.pages) == 1
