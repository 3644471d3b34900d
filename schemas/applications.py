"""What crosses boundaries in the approval of applications: pages as read, values as found, checks and decisions.

    folder -> Reading (udfs.reading) -> Extraction (udfs.extraction) -> checks, Decision (udfs.decisions)
           -> report (udfs.explanations), sealed values (governance), rows of `applications` (pipelines.store)

Everything is a frozen msgspec struct: it pickles, compares, and becomes JSON with ``msgspec.json``. Boxes are shares of
the upright page, (left, top, right, bottom) in 0..1, so that they hold at any resolution. Confidence is the estimated
probability that the thing is right, 0..1.
"""

from __future__ import annotations

from typing import Any

import msgspec

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares (0..1) of the upright page's width and height."""

APPROVE, REFER, PROPOSE_REJECT = "approve", "refer", "propose_reject"
DECISIONS = (APPROVE, REFER, PROPOSE_REJECT)


class Line(msgspec.Struct, frozen=True):
    """A run of text on one line of a page; a table's cells are lines of their own."""

    text: str
    box: Box
    confidence: float = 1.0


class Page(msgspec.Struct, frozen=True):
    """One upright page. ``lines`` are in reading order: top to bottom, then left to right."""

    file: str
    """Path relative to the application's folder."""
    number: int
    """1-based in its file."""
    source: str
    """``text`` (a text layer or DOCX), ``ocr`` or ``blank``."""
    width: float
    height: float
    """Of the upright page, in pixels (OCR) or points (text)."""
    lines: tuple[Line, ...] = ()
    rotation: int = 0
    """Degrees clockwise (0, 90, 180, 270) by which the stored page was turned to stand upright."""
    skew: float = 0.0
    """Degrees clockwise by which it was turned besides."""
    stamps: tuple[Box, ...] = ()
    """Red seals found on the page."""
    rules: tuple[tuple[float, float, float, float], ...] = ()
    """Ruling lines of tables (x0, y0, x1, y1 in shares), horizontal or vertical, where they were found."""
    part: int = 0
    """Number of the piece when one scan held two documents side by side or one above the other (0: the whole page);
    ``region`` says where on the stored page it lies."""
    region: Box = (0.0, 0.0, 1.0, 1.0)
    """The part of the upright stored page that this page is; boxes are shares of this part."""


class FileReading(msgspec.Struct, frozen=True):
    """A file of an application: its pages, or why it could not be read."""

    file: str
    sha256: str
    bytes: int
    kind: str
    """By content: ``pdf``, ``png``, ``jpeg``, ``docx``, ``unknown``."""
    pages: tuple[Page, ...] = ()
    problem: str = ""
    """"" or a code of PROBLEMS: pages may still hold what could be read before it."""
    detail: str = ""
    """What was found, with figures, without any text of the file."""


PROBLEMS: dict[str, str] = {
    "missing": "文件不存在或无法打开",
    "empty": "文件为空",
    "encrypted": "文件已加密或设有打开密码",
    "broken": "文件已损坏，无法解析",
    "unsupported": "文件格式不受支持（支持 PDF、PNG、JPEG、DOCX）",
    "extension": "文件扩展名与内容不符",
    "too_large": "文件过大",
    "too_many_pages": "页数过多",
    "too_many_pixels": "图像像素过多",
    "archive_bomb": "压缩内容展开后过大",
    "timeout": "读取超时",
    "memory": "读取所需内存超出限制",
    "link": "材料是指向别处的链接",
}
"""Why a file could not be read, as the applicant is told. ``extension`` alone does not stop reading."""


class Reading(msgspec.Struct, frozen=True):
    """Everything read from an application's folder."""

    files: tuple[FileReading, ...]
    model: str
    """Name and version of the OCR models, e.g. ``rapidocr@3.10.0``."""
    seconds: float = 0.0

    @property
    def pages(self) -> tuple[Page, ...]:
        return tuple(page for file in self.files for page in file.pages)


class Found(msgspec.Struct, frozen=True):
    """A value found on a page (or declared), normalised by its kind."""

    value: Any
    """str, int, float, bool; dates as ISO strings, money in yuan, areas in square metres, shares in percent."""
    text: str
    """As read."""
    confidence: float
    file: str = ""
    """"" for a declared value."""
    page: int = 0
    part: int = 0
    box: Box = (0.0, 0.0, 0.0, 0.0)
    document: str = ""
    """Id of the type's document in which it stands."""
    faults: tuple[str, ...] = ()
    """Identifier checks it failed: ``check_digit``, ``length``, ``date``, ``capitals_differ``, ``district``, ..."""


class Field(msgspec.Struct, frozen=True):
    """A field of the type with everything that was found for it."""

    name: str
    best: Found | None
    """The value that counts, from a document; None when nothing was found in any."""
    declared: Found | None = None
    """From application.json; confidence 1."""
    found: tuple[Found, ...] = ()
    """From each document in which it stands, best first."""
    rows: tuple[dict[str, Found], ...] = ()
    """Of a table field: one dictionary (column name -> cell) a row; ``best`` is then None."""
    declared_rows: tuple[dict[str, Any], ...] = ()


class Document(msgspec.Struct, frozen=True):
    """Consecutive pages that are one document of the type."""

    id: str
    """Id in the type's documents, or ``unknown``."""
    file: str
    pages: tuple[int, ...]
    part: int = 0
    confidence: float = 1.0


class Extraction(msgspec.Struct, frozen=True):
    """Documents and fields of an application."""

    documents: tuple[Document, ...]
    fields: dict[str, Field]


class Evidence(msgspec.Struct, frozen=True):
    """Where a check's answer can be seen."""

    field: str
    text: str
    file: str = ""
    page: int = 0
    part: int = 0
    box: Box = (0.0, 0.0, 0.0, 0.0)
    document: str = ""


class Check(msgspec.Struct, frozen=True):
    """A rule's answer. ``passed`` is None when it could not be judged: that refers the application."""

    rule: str
    title: str
    passed: bool | None
    outcome: str
    """What follows when it does not pass: ``supplement`` (the applicant can mend it), ``refer`` or ``reject``."""
    reason: str = ""
    """In Chinese, with the figures; empty when passed."""
    remedy: str = ""
    evidence: tuple[Evidence, ...] = ()
    legal_basis: str = ""
    version: str = ""
    """Version of the rule that was in force on the day of the application."""


class Decision(msgspec.Struct, frozen=True):
    """What the machine decided and why. An application that could not be judged is referred, never lost."""

    application_id: str
    type: str
    decision: str
    confidence: float
    reasons: tuple[str, ...]
    """Why it is not approved (codes: ``check:RULE``, ``uncertain:FIELD``, ``unreadable:FILE``, ``missing:DOCUMENT``,
    ``duplicate``, ``audit_sample``, ``breaker``, ``form``, ``internal``), empty when approved."""
    checks: tuple[Check, ...]
    supplement: tuple[str, ...]
    """Everything that is missing or to be mended, in Chinese, told at once."""
    extraction: Extraction
    fingerprint: str
    """SHA-256 over inputs, rules and models: the same fingerprint gives the same decision."""
    rules: str
    """Type, version and digest of its rules: ``food_business_licence@1.0.0#12ab34cd``."""
    models: str
    """OCR models and calibration."""
    decided_on: str
    """ISO date for which rules and validity periods were judged."""


REJECT, SUPPLEMENT = "reject", "supplement"
VERDICTS = (APPROVE, SUPPLEMENT, REJECT)
"""What an officer can decide: grant, ask the applicant to mend, refuse. Only an officer refuses."""


class Change(msgspec.Struct, frozen=True):
    """A value that an officer corrected."""

    field: str
    """Name of a field, or of a table's cell: ``shareholders[2].capital``, rows counted from 1."""
    before: Any
    """As the machine read it; an L4 value only partly, as the report shows it."""
    after: Any
    """As the officer read it, in the form of its kind; None: it does not stand there."""


class Overruling(msgspec.Struct, frozen=True):
    """A check that an officer judged otherwise, and why."""

    rule: str
    """Id of the rule, and where several checks share it what it is about: ``generic.identifier:applicant_uscc``."""
    passed: bool
    """What the officer says, whatever the machine said."""
    reason: str


class Review(msgspec.Struct, frozen=True):
    """What an officer decided on an application; comes back through ``approve review`` and is kept.

    Holds values of L3 and L4 (``changes``, ``reason``, ``comment``): sealed where it is stored.
    """

    application_id: str
    fingerprint: str
    """Of the decision that was looked at: a review does not count for an application that has changed since."""
    officer: str
    at: str
    """RFC 3339."""
    decision: str
    """One of VERDICTS."""
    reason: str = ""
    """For the applicant; never empty for a refusal."""
    changes: tuple[Change, ...] = ()
    overruled: tuple[Overruling, ...] = ()
    comment: str = ""
    """For the file, not for the applicant."""
    signed: bool = False
    """A refusal that is not signed is none."""
