"""One application, from its folder to a decision and its report.

    with Approver(settings, secret) as approver:
        decided = approver.decide(folder, form, earlier=[], automatic=True, today=date.today())

Guarantees: whatever lies in the folder, `decide` returns a decision; what could not be read or judged refers the
application to a person, with the reason. Same folder, rules, models and day: same decision. Only errors that no
application causes (a missing model, no memory, a full disk) are raised.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from pipelines.jobs.approval.folders import Form, fingerprint
from schemas.applications import REFER, Check, Decision, Extraction, Reading
from schemas.errors import ModelError, UsageError
from schemas.settings import Settings

if TYPE_CHECKING:
    from udfs.reading import Reader
    from udfs.types import Type

log = structlog.get_logger()


@dataclass(frozen=True)
class Decided:
    """A decision with what it was made from."""

    form: Form
    folder: Path
    decision: Decision
    kind: Type | None
    """None when the form names no type."""
    reading: Reading
    seconds: float


class Approver:
    """Reads, extracts and decides; keeps the OCR models warm. One thread.

    ``secret`` seeds the audit sample, so that nobody outside can tell who is in it.
    """

    def __init__(self, settings: Settings, secret: bytes, processes: int | None = None) -> None:
        self._settings = settings.approval
        self._secret = secret
        self._processes = processes or self._settings.readers
        self._reader: Reader | None = None

    def __enter__(self) -> Approver:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Start the reading processes. Raises ModelError when the OCR models are not there, UsageError for a type whose
        folder does not hold together."""
        from udfs import types
        from udfs.reading import Reader

        for name in types.names(self._settings.types):
            types.load(name, self._settings.types)
        if self._reader is None:
            self._reader = Reader(self._limits(), processes=self._processes)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def fingerprint(self, folder: Path, form: Form, earlier: Sequence[str]) -> str:
        """Of all that a decision depends on, but the breaker's state, the sample's share and the day."""
        kind, _ = self._kind(form)
        rules = kind.digest if kind else ""
        limits = repr(self._settings.reading)
        return fingerprint(folder, rules, self._models(), limits, *sorted(earlier))

    def decide(
        self, folder: Path, form: Form, *, earlier: Sequence[str] = (), automatic: bool = True, today: date
    ) -> Decided:
        """Decide on one application. ``earlier``: ids of those before it for the same thing."""
        if self._reader is None:
            raise RuntimeError("open() was not called")
        began = time.perf_counter()
        kind, problem = self._kind(form)
        mark = self.fingerprint(folder, form, earlier)
        reading = Reading((), self._models())
        try:
            if kind is None:
                decision = referred(form, problem or "form", mark, self._models(), form.day(today))
            else:
                reading = self._reader.read(folder)
                decision = self._judge(kind, form, reading, earlier, automatic, mark, form.day(today))
        except (ModelError, MemoryError):
            raise
        except Exception as error:  # a foreign file may trip anything; the message may quote it, so only type and line
            log.error("approval failed, the application is referred", application=form.id, error=_where(error))
            decision = referred(form, "internal", mark, self._models(), form.day(today))
        return Decided(form, folder, decision, kind, reading, time.perf_counter() - began)

    def pages(self) -> Reader:
        """The reader, to draw pages for a report."""
        if self._reader is None:
            raise RuntimeError("open() was not called")
        return self._reader

    def _judge(
        self,
        kind: Type,
        form: Form,
        reading: Reading,
        earlier: Sequence[str],
        automatic: bool,
        mark: str,
        on: date,
    ) -> Decision:
        from udfs.decisions import decide
        from udfs.extraction import extract

        extraction = extract(kind, form.fields, reading)
        return decide(
            kind,
            form.id,
            form.fields,
            reading,
            extraction,
            on=on,
            earlier=earlier,
            audit=self._sampled(form.id, mark),
            automatic=automatic,
            fingerprint=mark,
        )

    def _sampled(self, identity: str, mark: str) -> bool:
        """Whether an application is in the audit sample: by a keyed hash, so the same every time it is decided."""
        drawn = hmac.digest(self._secret, f"audit\0{identity}\0{mark}".encode(), "sha256")
        return int.from_bytes(drawn[:8], "big") / 2**64 < self._settings.audit_share

    def _kind(self, form: Form) -> tuple[Type | None, str]:
        from udfs import types

        if form.problem:
            return None, f"form:{form.problem}"
        try:
            return types.load(form.type, folders=self._settings.types), ""
        except UsageError:
            return (
                None,
                f"form:没有事项类型“{form.type[:40]}”；可用的有：{'、'.join(types.names(self._settings.types))}",
            )

    def _models(self) -> str:
        from udfs.extraction import confidence

        if self._reader is None:
            raise RuntimeError("open() was not called")
        return f"{self._reader.model} {confidence.version()}"

    def _limits(self) -> Any:
        from udfs.reading import Limits

        return Limits(**self._settings.reading.model_dump())


def referred(form: Form, reason: str, mark: str, models: str, on: date) -> Decision:
    """A decision on an application that could not be judged at all: a person looks at it.

    ``reason``: ``form:WHY`` for a form that cannot be used, or ``internal``.
    """
    code, _, why = reason.partition(":")
    told = why or "处理时发生内部错误，请人工审查"
    check = Check(
        rule=f"generic.{code}", title="申请表单可用" if code == "form" else "处理过程正常", passed=None,
        outcome="supplement" if code == "form" else "refer", reason=told,
    )  # fmt: skip
    return Decision(
        application_id=form.id,
        type=form.type,
        decision=REFER,
        confidence=0.0,
        reasons=(code,),
        checks=(check,),
        supplement=(told,) if code == "form" else (),
        extraction=Extraction((), {}),
        fingerprint=mark,
        rules="",
        models=models,
        decided_on=on.isoformat(),
    )


def _where(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f" at {Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at is not None else ""
    return type(error).__name__ + place
