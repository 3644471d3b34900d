"""From a decision or a review to rows: what is sealed, what has a token, what may stand in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

from governance.applications.rows import (
    PLATFORM,
    REASON,
    REVIEW,
    SUPPLEMENT,
    ApplicationRow,
    Column,
    Kind,
    ReviewRow,
    Sealed,
    SealedReview,
    field_context,
    review_place,
)
from governance.automation import State, would
from governance.classes import DAY_MS, DataClass, ttl_days
from governance.crypto import Sealer, context
from governance.tokens import Tokeniser, normalise
from governance.vault.rows import VaultRow
from schemas.applications import APPROVE, PROPOSE_REJECT, REFER, REJECT, Check, Decision, Field, Found, Review

MACHINE = "machine"
CLEAR_KINDS = frozenset({"date", "amount", "number", "area", "percent", "choice"})
LARGEST_CLEAR = 10**10
"""A mobile number read as a number is larger than this, and so are card and identity numbers."""
TOKENED = {"id_number": "CN_ID", "uscc": "CN_USCC"}
"""Kinds with a token beside the sealed value, under the types by which persons are looked for; phones are another."""
_NAMED_REASONS = frozenset({"check", "uncertain", "missing"})
_BARE_REASONS = frozenset({"unreadable", "duplicate", "audit_sample", "breaker", "form", "internal"})
"""Codes of ``Decision.reasons``. After the colon of ``unreadable`` stands a file's name, after that of ``form`` and
``internal`` free words: those are cut off."""
EARLIEST, LATEST = date(1970, 1, 1), date(2106, 2, 7)
"""Days that the store can hold: that of an application is an applicant's word."""
_NAME = re.compile(r"[a-z][a-z0-9_]*(\[\d{1,6}\])?([._-][a-z0-9_]+)*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class SealApplications:
    """Makes rows of decisions and reviews. One a worker, as the sealer is."""

    def __init__(self, sealer: Sealer, tokeniser: Tokeniser, days: int | None = None) -> None:
        """``days``: how long sealed values live; a site may shorten the 30 of L4. Raises UsageError beyond them."""
        self._sealer, self._tokeniser = sealer, tokeniser
        self._ttl = (ttl_days(DataClass.L4, None if days is None else {"L4": days}) or 30) * DAY_MS

    def duplicate_token(self, key: str) -> str:
        """What ``ApplicationRow.duplicate_key`` is made of: a key that only we can make. "" stays ""."""
        return self._tokeniser.token("DUPLICATE", key) if key else ""

    def seal(
        self,
        decision: Decision,
        kind: Kind | None,
        *,
        decided_at: int,
        seconds: float,
        state: State,
        submitted_at: int | None = None,
        duplicate_key: str = "",
        ocr_confidence: float | None = None,
        report: str = "",
    ) -> Sealed:
        """Rows of a decision. ``kind``: its type, None when the form names none (then no value is kept in clear).

        ``decided_at``, ``submitted_at`` in ms; ``duplicate_key`` as the form gives it, not yet a token. Equal arguments
        give equal rows while a worker lives. Cost: some 5 us a value.
        """
        identity = clean(decision.application_id)
        values = list(_values(decision, kind))
        kept = [_kept(found, spec) for _, found, spec in values]
        vault, tokens = [], []
        for place, ((name, found, spec), clear) in enumerate(zip(values, kept, strict=True)):
            plain = "" if clear else _text(found.value)
            what = _vault_type(spec.kind if spec else "", plain)
            token = self._tokeniser.token(what, plain) if plain and what.startswith("CN_") else ""
            tokens.append(token)
            if plain:
                vault.append(self._row(identity, name, place, what, plain, decided_at, token))
        for place, check in enumerate(decision.checks):
            if check.reason or (check.remedy and check.passed is not True):
                words = msgspec.json.encode((clean(check.reason), clean(check.remedy))).decode()
                vault.append(self._row(identity, REASON, place, REASON, words, decided_at))
        for place, words in enumerate(decision.supplement):
            vault.append(self._row(identity, SUPPLEMENT, place, SUPPLEMENT, clean(words), decided_at))
        row = ApplicationRow(
            application_id=identity,
            version=decided_at,
            type=_name(decision.type),
            submitted_at=submitted_at,
            decided_at=decided_at,
            decided_on=min(max(date.fromisoformat(decision.decided_on), EARLIEST), LATEST),
            decision=decision.decision,
            alone=would(decision.decision, decision.reasons),
            final=decision.decision == APPROVE,
            decided_by=MACHINE,
            confidence=decision.confidence,
            ocr_confidence=ocr_confidence,
            seconds=seconds,
            reasons=tuple(dict.fromkeys(map(reason_code, decision.reasons))),
            supplement=tuple(_name(one.rule) for one in decision.checks if one.passed is False and one.remedy),
            check_rules=tuple(_name(one.rule) for one in decision.checks),
            check_results=tuple(_result(one) for one in decision.checks),
            check_outcomes=tuple(one.outcome for one in decision.checks),
            check_versions=tuple(one.version for one in decision.checks),
            field_names=tuple(name for name, _, _ in values),
            field_classes=tuple(_class(spec) for _, _, spec in values),
            field_kinds=tuple(spec.kind if spec else "" for _, _, spec in values),
            field_values=tuple(kept),
            field_tokens=tuple(tokens),
            field_confidences=tuple(found.confidence for _, found, _ in values),
            field_files=tuple(clean(found.file) for _, found, _ in values),
            field_pages=tuple(found.page for _, found, _ in values),
            field_boxes=tuple(tuple(found.box) for _, found, _ in values),
            automatic=state.automatic,
            epoch=state.epoch,
            audit_sample="audit_sample" in decision.reasons,
            duplicate_key=self.duplicate_token(duplicate_key),
            fingerprint=decision.fingerprint,
            rules=decision.rules,
            models=decision.models,
            report=clean(report),
        )
        return Sealed(row, tuple(vault))

    def seal_review(self, review: Review, decision: Decision, at: int) -> SealedReview:
        """Rows of a review of ``decision``, made at ``at`` (ms); the whole review is sealed as one value."""
        alone = would(decision.decision, decision.reasons)
        row = ReviewRow(
            application_id=clean(review.application_id),
            at=at,
            type=_name(decision.type),
            fingerprint=review.fingerprint,
            officer=review.officer,
            decision=review.decision,
            proposed=alone,
            agreed=agrees(alone, review.decision),
            signed=review.signed,
            changed=tuple(_name(one.field) for one in review.changes),
            overruled=tuple(_name(one.rule) for one in review.overruled),
        )
        words = msgspec.json.encode(review).decode()
        return SealedReview(row, (self._row(row.application_id, REVIEW, review_place(at), REVIEW, words, at),))

    def _row(
        self, identity: str, name: str, place: int, kind: str, plain: str, at: int, token: str = ""
    ) -> VaultRow:  # fmt: skip
        sealed = self._sealer.seal(plain.encode(), field_context(identity, name, place))
        return VaultRow(
            PLATFORM, identity, place, place, kind, token, sealed, self._sealer.key_id, at, at + self._ttl
        )  # fmt: skip


class CaseSeal:
    """Encrypts case files and reports of applications at rest, under the same master keys, bound to their name."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, identity: str, content: bytes) -> bytes:
        """``identity``: what the file is called; another file's content does not open in its place."""
        return self._sealer.seal(content, context("application.case", identity))

    def open(self, identity: str, sealed: bytes) -> bytes:
        """Raises CannotOpen: altered, moved from another application, or its master key is not loaded."""
        return self._sealer.open(sealed, context("application.case", identity))


def agrees(alone: str, verdict: str) -> bool | None:
    """Whether an officer decided as the machine would have alone; None where it took no side."""
    if alone == REFER:
        return None
    return verdict == (REJECT if alone == PROPOSE_REJECT else APPROVE)


def reason_code(reason: str) -> str:
    """A reason of a decision without anything that a document, a form or a file's name may have put into it."""
    code, _, about = reason.partition(":")
    if code in _BARE_REASONS:
        return code
    if code in _NAMED_REASONS:
        return f"{code}:{_name(about)}"
    return "other"


def _values(decision: Decision, kind: Kind | None) -> Iterator[tuple[str, Found, Column | None]]:
    """Every value found, or declared where nothing was found, with the name under which it is kept."""
    specs = kind.fields if kind is not None else {}
    for name, field in decision.extraction.fields.items():
        spec = specs.get(name)
        if field.rows or field.declared_rows:
            columns = spec.columns if spec is not None else {}
            for number, cells in enumerate(_rows(field, columns), 1):
                for column, cell in cells.items():
                    yield _name(f"{name}[{number}].{column}"), cell, columns.get(column)
        elif (found := field.best or field.declared) is not None:
            yield _name(name), found, spec


def _rows(field: Field, columns: Mapping[str, Column]) -> Iterator[Mapping[str, Found]]:
    if field.rows:
        yield from field.rows
        return
    for row in field.declared_rows:
        # its keys are an applicant's words
        yield {name: Found(value, "", 1.0) for name, value in row.items() if name in columns}


def _kept(found: Found, spec: Column | None) -> str:
    """The value as it may stand in clear; "" when it must be sealed."""
    if spec is None or spec.data_class not in (DataClass.L1, DataClass.L2) or spec.kind not in CLEAR_KINDS:
        return ""
    value = found.value
    if spec.kind == "choice":
        return _text(value) if isinstance(value, str | bool) and value in spec.choices else ""
    if spec.kind == "date":
        return value if isinstance(value, str) and _DATE.fullmatch(value) else ""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_CLEAR
    return _text(value) if number else ""


def _class(spec: Column | None) -> str:
    """What is not known to be harmless is not."""
    known = spec.data_class if spec is not None else ""
    return known if known in list(DataClass) else DataClass.L4.value


def _vault_type(kind: str, plain: str) -> str:
    """``type`` of the vault row: for numbers that of ``pii_vault``, so that requests of persons find them."""
    if kind == "phone":
        return "CN_LANDLINE" if normalise("CN_LANDLINE", plain).startswith("0") else "CN_MOBILE"
    return TOKENED.get(kind) or (kind.upper() if kind else "UNKNOWN")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return msgspec.json.encode(value).decode()


def clean(text: str) -> str:
    """Without lone surrogates, which names of files have that are no UTF-8: neither store nor cipher takes them."""
    return text.encode("utf-8", "replace").decode()


def _name(name: str) -> str:
    """A name of ours, or ``other``: names come out of types' files, but officers' files and forms have them too."""
    return name if len(name) <= 120 and _NAME.fullmatch(name) else "other"


def _result(check: Check) -> str:
    return {True: "passed", False: "failed", None: "unjudged"}[check.passed]
