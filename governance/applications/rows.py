"""Rows of `applications` and `application_reviews`, and where their sealed values stand in `pii_vault`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from governance.crypto import context
from governance.vault.rows import VaultRow

PLATFORM = "application"
REASON, SUPPLEMENT, REVIEW = "REASON", "SUPPLEMENT", "REVIEW"
"""``type`` of vault rows that are no field."""


class Column(Protocol):
    """What decides how a value is kept; a column or field of ``udfs.types``."""

    @property
    def kind(self) -> str: ...
    @property
    def data_class(self) -> str: ...
    @property
    def choices(self) -> Mapping[Any, Any]: ...


class Spec(Column, Protocol):
    """A field; ``columns`` of a table."""

    @property
    def columns(self) -> Mapping[str, Column]: ...


class Kind(Protocol):
    """A type of application, as far as it is looked at here."""

    @property
    def fields(self) -> Mapping[str, Spec]: ...


@dataclass(frozen=True)
class ApplicationRow:
    """A row of ``applications``; times in ms. The lists ``field_*`` belong together by place, and so do ``check_*``."""

    application_id: str
    version: int
    type: str
    submitted_at: int | None
    decided_at: int
    decided_on: date
    decision: str
    alone: str
    final: bool
    decided_by: str
    confidence: float
    ocr_confidence: float | None
    seconds: float
    reasons: tuple[str, ...]
    supplement: tuple[str, ...]
    check_rules: tuple[str, ...]
    check_results: tuple[str, ...]
    check_outcomes: tuple[str, ...]
    check_versions: tuple[str, ...]
    field_names: tuple[str, ...]
    field_classes: tuple[str, ...]
    field_kinds: tuple[str, ...]
    field_values: tuple[str, ...]
    field_tokens: tuple[str, ...]
    field_confidences: tuple[float, ...]
    field_files: tuple[str, ...]
    field_pages: tuple[int, ...]
    field_boxes: tuple[tuple[float, ...], ...]
    automatic: bool
    epoch: int
    audit_sample: bool
    duplicate_key: str
    fingerprint: str
    rules: str
    models: str
    report: str


@dataclass(frozen=True)
class Sealed:
    """A decision as the store keeps it."""

    row: ApplicationRow
    vault: tuple[VaultRow, ...]


@dataclass(frozen=True)
class ReviewRow:
    """A row of ``application_reviews``; ``at`` in ms."""

    application_id: str
    at: int
    type: str
    fingerprint: str
    officer: str
    decision: str
    proposed: str
    agreed: bool | None
    signed: bool
    changed: tuple[str, ...]
    overruled: tuple[str, ...]


@dataclass(frozen=True)
class SealedReview:
    """A review as the store keeps it."""

    row: ReviewRow
    vault: tuple[VaultRow, ...]


def field_context(application_id: str, name: str, place: int) -> bytes:
    """Authenticated data of a sealed value: one copied to another application, field or place does not open."""
    return context(PLATFORM, application_id, name, str(place))


def review_place(at: int) -> int:
    """``start`` of a review's row: of its time in ms as much as fits; two of an application meet after 24 days at worst
    by a coincidence of one in 2**31."""
    return at % 2**31
