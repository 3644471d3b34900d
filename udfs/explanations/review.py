"""An officer's decision as JSON: the skeleton that is filled in, and what comes back, checked.

    {"application_id": ..., "fingerprint": ..., "officer": "", "decision": "", "reason": "", "signed": false,
     "fields": {"applicant_name": {"title": "申请人", "read": "...", "corrected": null}},
     "checks": {"capital.sum": {"title": "...", "passed": false, "overrule": null, "reason": ""}}, ...}

A field is corrected by ``corrected`` (``{"corrected": null, "absent": true}``: it does not stand there), a table's
cell under the key ``shareholders[2].capital``; a check is overruled by ``overrule`` true or false with a reason. What
is left as it was changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from schemas.applications import REJECT, VERDICTS, Change, Decision, Overruling, Review
from schemas.errors import UsageError
from udfs.explanations import wording
from udfs.explanations.values import Veil, restricted

if TYPE_CHECKING:
    from udfs.types import Type

MOST_BYTES = 1 << 20
_FORM = "give the form that was made for the application, filled in"
_NAMES = "use the names of the form; a cell is table[row].column, rows from 1"
_NUMBERS = frozenset({"amount", "number", "area", "percent"})
_CELL = re.compile(r"(\w+)\[([1-9]\d{0,4})\]\.(\w+)\Z")
_KEYS = frozenset(
    {"application_id", "type", "fingerprint", "proposed", "officer", "at", "decision", "reason", "comment", "signed",
     "fields", "checks"}
)  # fmt: skip


def review_form(decision: Decision, kind: Type) -> dict[str, Any]:
    """The skeleton for an officer; L4 values stand in it only in part, as in the report."""
    veil = Veil(kind, decision.extraction)
    fields: dict[str, Any] = {}
    for name, spec in kind.fields.items():
        found = decision.extraction.fields.get(name)
        if spec.kind == "table":
            continue
        best = found.best if found is not None else None
        read = best.value if best is not None else None
        if restricted(spec) and read is not None:
            read = veil.value(str(read), True)
        fields[name] = {"title": spec.title, "read": read, "corrected": None}
    return {
        "application_id": decision.application_id,
        "type": decision.type,
        "fingerprint": decision.fingerprint,
        "proposed": decision.decision,
        "officer": "",
        "at": "",
        "decision": "",
        "reason": "",
        "comment": "",
        "signed": False,
        "fields": fields,
        "checks": {
            key: {"title": check.title, "passed": check.passed, "overrule": None, "reason": ""}
            for key, check in wording.keys(decision.checks).items()
        },
    }


def parse_review(
    raw: bytes | str, kind: Type, *, rules: Collection[str] | None = None, now: datetime | None = None
) -> Review:
    """What an officer filled in. ``rules``: ids of the decision's checks (or their keys in the form), where known;
    ``now`` (with an offset) stands for an ``at`` that was left empty.

    Raises UsageError that names the key and the remedy, never a value of the application.
    """
    if len(raw) > MOST_BYTES:
        _wrong("the file", f"is larger than {MOST_BYTES >> 20} MiB", _FORM)
    try:
        given = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _wrong("the file", "is no JSON", f"{_FORM}, in UTF-8")
    if not isinstance(given, dict):
        _wrong("the file", "is no JSON object", _FORM)
    for key in given:
        if key not in _KEYS:
            _wrong(_name(key), "is no key of a review", f"use {', '.join(sorted(_KEYS))}")
    if given.get("type") not in (None, "", kind.type):
        _wrong("type", f"is not {kind.type}", "review an application with the form that was made for it")
    decision, reason = _text(given, "decision"), _text(given, "reason").strip()
    officer, signed = _text(given, "officer").strip(), given.get("signed", False)
    if decision not in VERDICTS:
        _wrong("decision", f"is not one of {', '.join(VERDICTS)}", "set it to what was decided")
    if not officer:
        _wrong("officer", "is empty", "name the officer who decided")
    if not isinstance(signed, bool):
        _wrong("signed", "is neither true nor false", "set it to true when the decision is signed")
    if decision == REJECT and not reason:
        _wrong("reason", "is empty though decision is reject", "say why, for the applicant")
    if decision == REJECT and not signed:
        _wrong("signed", "is false though decision is reject", "only a signed refusal counts: set it to true")
    return Review(
        application_id=_needed(given, "application_id"),
        fingerprint=_needed(given, "fingerprint"),
        officer=officer,
        at=_moment(_text(given, "at"), now),
        decision=decision,
        reason=reason,
        changes=_changes(_object(given, "fields"), kind),
        overruled=_overruled(_object(given, "checks"), rules),
        comment=_text(given, "comment").strip(),
        signed=signed,
    )


def _changes(fields: Mapping[str, Any], kind: Type) -> tuple[Change, ...]:
    changes = []
    for name, said in fields.items():
        key = f"fields.{_name(name)}"
        spec: Any = kind.fields.get(name)
        if (cell := _CELL.match(name)) is not None:
            table = kind.fields.get(cell[1])
            spec = table.columns.get(cell[3]) if table is not None else None
        if spec is None or spec.kind == "table":
            _wrong(
                key,
                f"is no field of {kind.type}",
                _NAMES,
            )
        if not isinstance(said, dict):
            _wrong(key, "is no object", 'give {"corrected": value}')
        after, absent = said.get("corrected"), said.get("absent", False)
        if after is None and absent is not True:
            continue
        if after is not None:
            _fits(key, spec, after)
        changes.append(Change(name, said.get("read"), after))
    return tuple(changes)


def _fits(key: str, spec: Any, value: object) -> None:
    if spec.kind in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _wrong(f"{key}.corrected", "is no number", "give digits without quotes and unit")
    elif spec.kind == "date":
        try:
            date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            _wrong(f"{key}.corrected", "is no date", "write it as 2026-03-05")
    elif spec.kind == "choice":
        if not isinstance(value, str | bool) or value not in spec.choices:
            choices = ", ".join(str(choice) for choice in spec.choices)
            _wrong(f"{key}.corrected", "is no choice of this field", f"use one of {choices}")
    elif not isinstance(value, str):
        _wrong(f"{key}.corrected", "is no text", "put it in quotes")


def _overruled(checks: Mapping[str, Any], rules: Collection[str] | None) -> tuple[Overruling, ...]:
    overruled = []
    for rule, said in checks.items():
        key = f"checks.{_name(rule)}"
        if rules is not None and rule not in rules and rule.partition(":")[0] not in rules:
            _wrong(key, "is no check of this application", "use the names of the form")
        if not isinstance(said, dict):
            _wrong(key, "is no object", 'give {"overrule": true, "reason": "..."}')
        passed = said.get("overrule")
        if passed is None:
            continue
        if not isinstance(passed, bool):
            _wrong(f"{key}.overrule", "is neither true, false nor null", "set it to what the check should say")
        reason = said.get("reason", "")
        if not isinstance(reason, str) or not reason.strip():
            _wrong(f"{key}.reason", "is empty", "say why the check is overruled")
        overruled.append(Overruling(rule, passed, reason.strip()))
    return tuple(overruled)


def _moment(given: str, now: datetime | None) -> str:
    if not given and now is not None:
        return now.isoformat(timespec="seconds")
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        _wrong("at", "is no time with an offset", "write it as 2026-03-05T10:00:00+08:00")
    return at.isoformat()


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        _wrong(key, "is no text", "put it in quotes")
    return value


def _needed(given: Mapping[str, Any], key: str) -> str:
    return _text(given, key) or _wrong(key, "is missing", "leave it as the form has it")


def _object(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = given.get(key) or {}
    if not isinstance(value, dict):
        _wrong(key, "is no object", "leave its shape as the form has it")
    return value


def _name(key: str) -> str:
    """A key as it may stand in a message: names only, since a value put in the wrong place must not be told."""
    return key if re.fullmatch(r"[\w.\[\]:#]{1,80}", key, re.ASCII) else "(a key)"


def _wrong(key: str, what: str, remedy: str) -> NoReturn:
    raise UsageError(f"review: {key} {what}; {remedy}")
