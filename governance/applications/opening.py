"""Opening what is sealed of an application: decide, write the audit entry, then decrypt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from governance.applications.rows import (
    PLATFORM,
    REASON,
    REVIEW,
    SUPPLEMENT,
    ApplicationRow,
    ReviewRow,
    field_context,
    review_place,
)
from governance.audit import AuditEntry, Ledger
from governance.crypto import CannotOpen, Sealer
from governance.roles import AccessRefused, Person, authorise
from governance.vault.rows import GOVERNED, VaultRow
from schemas.applications import Review
from schemas.errors import YuqingError

SEE = "application.see"
MIN_REASON = 4
_NOT_FIELDS = frozenset({REASON, SUPPLEMENT, REVIEW})


@dataclass(frozen=True)
class Opened:
    """What was sealed of an application, in clear; never to be logged. ``entry`` was written before it was opened."""

    entry: AuditEntry
    values: Mapping[str, str]
    """Name as in ``field_names`` -> value. What was deleted or has expired is not there."""
    reasons: Mapping[str, tuple[str, str]]
    """Rule -> (reason, remedy)."""
    supplement: tuple[str, ...]
    reviews: Mapping[int, Review]
    """By ``ReviewRow.at``."""
    failed: int = 0
    """Values that did not open (key lost, value altered); the ledger has a second entry then."""

    def __repr__(self) -> str:
        return f"Opened({self.entry.id}, {len(self.values)} values, {self.failed} failed)"


class Rows(Protocol):
    """What is asked of the vault's store (``pipelines.store.vault.ClickHouseVault``)."""

    def rows(self, platform: str, post_id: str) -> Sequence[VaultRow]: ...


class Applications:
    """Opens what is sealed of applications, for officers: decide, write the audit entry, then open."""

    def __init__(self, vault: Rows, ledger: Ledger, sealer: Sealer) -> None:
        self._vault, self._ledger, self._sealer = vault, ledger, sealer

    def open(
        self,
        person: Person,
        row: ApplicationRow,
        reason: str,
        purpose: str,
        now: int,
        reviews: Sequence[ReviewRow] = (),
    ) -> Opened:
        """Everything sealed of one application. Raises AccessRefused, which is written down too."""
        entry = may_see(self._ledger, person, row.application_id, reason, purpose, now)
        live = [one for one in self._vault.rows(PLATFORM, row.application_id) if one.alive(now)]
        # of an earlier decision with other values at the same places, unless a person's decision stands on it since
        current = [one for one in live if one.version >= row.version or one.type == REVIEW]
        fields = {one.start: one for one in sorted(current, key=lambda one: one.version) if one.type not in _NOT_FIELDS}
        special = {(one.type, one.start): one for one in current if one.type in _NOT_FIELDS}
        opening = _Opening(self._sealer, row.application_id)
        values = {
            name: opening.text(fields[place], name) for place, name in enumerate(row.field_names) if place in fields
        }
        reasons = {
            rule: opening.text(special[REASON, place], REASON)
            for place, rule in enumerate(row.check_rules)
            if (REASON, place) in special
        }
        told = [opening.text(one, SUPPLEMENT) for (what, _), one in sorted(special.items()) if what == SUPPLEMENT]
        said = {
            one.at: opening.text(special[REVIEW, review_place(one.at)], REVIEW)
            for one in reviews
            if (REVIEW, review_place(one.at)) in special
        }
        if opening.failed:
            self._ledger.append(
                person.name, f"{SEE}.failed", entry.id, {"values": opening.failed[:10], "count": len(opening.failed)}
            )
        return Opened(
            entry,
            {name: text for name, text in values.items() if text is not None},
            {
                rule: msgspec.json.decode(text, type=tuple[str, str])
                for rule, text in reasons.items()
                if text is not None
            },
            tuple(text for text in told if text is not None),
            {at: msgspec.json.decode(text, type=Review) for at, text in said.items() if text is not None},
            len(opening.failed),
        )


def may_see(
    ledger: Ledger, person: Person, application_id: str, reason: str, purpose: str, now: int
) -> AuditEntry:  # fmt: skip
    """Decide whether ``person`` may see an application in clear, and write it down; to be called before anything is
    opened, be it of the vault or a case file. Raises AccessRefused, audited, also without purpose and reason."""
    subject = f"application {application_id}"
    decision = authorise(person, SEE, now)
    why = decision.reason if not decision else ""
    if not why and (len(reason.strip()) < MIN_REASON or not purpose.strip()):
        why = f"needs a purpose and --reason (at least {MIN_REASON} characters)"
    if why:
        ledger.append(person.name, f"{SEE}.refused", subject, {"why": why, "reason": reason[:500]})
        raise AccessRefused(why)
    return ledger.append(
        person.name, SEE, subject, {"reason": reason[:500], "purpose": purpose[:500], "authority": decision.reason}
    )


class _Opening:
    """Opens values one by one and notes which did not open, without saying what they are."""

    def __init__(self, sealer: Sealer, identity: str) -> None:
        self._sealer, self._identity = sealer, identity
        self.failed: list[str] = []

    def text(self, row: VaultRow, name: str) -> str | None:
        try:
            return self._sealer.open(row.ciphertext, field_context(self._identity, name, row.start)).decode()
        except CannotOpen as error:
            if row.version >= GOVERNED:
                try:  # corrected at a person's request: sealed anew as the vault seals
                    return self._sealer.open(row.ciphertext, row.context).decode()
                except YuqingError:
                    pass
            self.failed.append(f"{row.type}@{row.start}: {error}")
            return None
