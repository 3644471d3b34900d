"""Approval with a store: what the Beam job does with one application, and where officers find it afterwards.

Values of documents go into the store sealed; the whole decision and its report lie sealed in ``HOME/approval/cases``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from governance.applications import CaseSeal, SealApplications
from governance.audit import Ledger, now_ms
from governance.automation import BREAKER, State, ocr_confidence
from governance.crypto import Sealer
from governance.keys import load_keys
from governance.tokens import Tokeniser
from pipelines.jobs.approval.approver import Approver, Decided
from pipelines.jobs.approval.automation import Automation
from pipelines.jobs.approval.cases import Case, Cases, case_of, render
from pipelines.jobs.approval.files import distinct, key_of
from pipelines.jobs.approval.folders import CHINA, applications, earlier, form_of
from pipelines.jobs.site import Site
from pipelines.store.applications import ApplicationStore
from pipelines.store.client import connect
from schemas.applications import Review
from schemas.errors import ServiceError, StoreUnavailable
from schemas.settings import load as load_settings

DECIDED = "application.decided"
WRITER = "approval"
ALERT_RULE = "approval-stopped"


class Element(msgspec.Struct, frozen=True):
    """An application as the job's source names it. JSON."""

    folder: str
    earlier: tuple[str, ...] = ()
    """Ids of applications before it for the same thing, in this source or in the store."""
    key: str = ""
    """Its duplicate key."""


def elements(site: Site, root: Path, approver: Approver, *, again: bool = False) -> tuple[list[str], int]:
    """Applications under ``root`` that are still to be decided, as elements, and how many are not.

    Not decided again: what an officer has decided, and what stands in the store with the same fingerprint. Raises
    UsageError as `applications` does, StoreUnavailable and StoreError.
    """
    folders = site.settings.approval.types
    found = [(folder, form_of(folder)) for folder in applications(root)]
    distinct(found)
    keys = {form.id: key_of(form, folders) for _, form in found}
    with ApplicationStore(site.store) as store:
        ids = [form.id for _, form in found]
        known, settled = store.decided(ids), store.settled(ids)
        sealing = _sealing(site)
        tokens = {key: sealing.duplicate_token(key) for key in keys.values() if key}
        stored = store.earlier(tokens.values())
    before = earlier(
        [(form.id, keys[form.id], form.submitted_at) for _, form in found]
        + [
            (identity, key, moment)
            for key, token in tokens.items()
            for identity, moment in stored.get(token, ())
            if identity not in keys
        ]
    )
    due = []
    for folder, form in found:
        others = before.get(form.id, [])
        if form.id in settled:
            continue
        if not again and known.get(form.id) == approver.fingerprint(folder, form, others):
            continue
        element = Element(str(folder.absolute()), tuple(others), keys[form.id])
        due.append(msgspec.json.encode(element).decode())
    return due, len(found) - len(due)


class DecideFolder:
    """Decides on one application and stores what came of it; an element again changes nothing. Pickles before `open`.

    The audit entry is written before the row: no decision takes effect unrecorded.
    """

    def __init__(
        self, home: Path, settings_file: Path | None, overrides: Sequence[str], run: str, actor: str, readers: int = 1
    ) -> None:
        """Settings are named, not carried: on Flink this object lies in the run's folder, where no password may be."""
        self._home, self._settings_file, self._overrides = home, settings_file, tuple(overrides)
        self._run, self._actor, self._readers = run, actor, readers

    def open(self) -> None:
        """Load settings, keys and models and connect. Raises UsageError, ModelError, ServiceError."""
        site = self._site = Site(self._home, load_settings(self._settings_file, self._overrides), run=self._run)
        keys = load_keys(site.home, site.settings.keys.master, site.settings.keys.token)
        self._approver = Approver(site.settings, keys.token.secret, self._readers)
        self._approver.open()
        self._sealing = _sealing(site)
        self._cases = sealed_cases(site)
        self._store = ApplicationStore(site.store)
        self._automation = Automation(site.home, site.settings.approval, opened=self._opened)
        self._ledger = Ledger(site.home, WRITER, now_ms)

    def process(self, element: str) -> str:
        """Element -> ``decision``. Raises StoreUnavailable, StoreError, ModelError and JobError: the engine retries."""
        given = msgspec.json.decode(element, type=Element)
        folder = Path(given.folder)
        form = form_of(folder)
        state = self._automation.state()
        today = datetime.now(CHINA).date()
        decided = self._approver.decide(folder, form, earlier=given.earlier, automatic=state.automatic, today=today)
        decision = decided.decision
        detail: dict[str, Any] = {
            "decision": decision.decision, "reasons": [_code(reason) for reason in decision.reasons][:20],
            "fingerprint": decision.fingerprint, "rules": decision.rules, "models": decision.models[:200],
            "run": self._site.run,
        }  # fmt: skip
        self._ledger.append(self._actor, DECIDED, f"application {form.id}", detail)
        case = case_of(decided)
        report = self._cases.put(case, render(case, self._approver.pages(), self._site.settings.approval.types))
        self._write(decided, state, given.key, report)
        self._automation.observe(decided)
        return decision.decision

    def close(self) -> None:
        self._approver.close()
        self._store.close()
        self._ledger.close()

    def _write(self, decided: Decided, state: State, key: str, report: str) -> None:
        submitted = decided.form.submitted_at
        self._store.write([
            self._sealing.seal(
                decided.decision,
                decided.kind,
                decided_at=now_ms(),
                seconds=decided.seconds,
                state=state,
                submitted_at=None if submitted is None else round(submitted.timestamp() * 1000),
                duplicate_key=key,
                ocr_confidence=ocr_confidence(decided.reading),
                report=report,
            )
        ])  # fmt: skip

    def _opened(self, state: State) -> None:
        note_state(self._site, state)


def note_state(site: Site, state: State) -> None:
    """Put the breaker's state into the store; an opening is an alert that the notifier delivers."""
    from pipelines.store.bursts import Alert, Evidence, insert

    with ApplicationStore(site.store) as store:
        store.set_state(state)
    if not state.automatic:
        from pipelines.store.alerts import alert_id

        name = alert_id(ALERT_RULE, "approval", "", state.epoch)
        # what a person gave as the reason may say anything; it stands in the ledger
        why = tuple(state.why) if state.by == BREAKER else ()
        alert = Alert(name, ALERT_RULE, 3, "", "", why, notify=True)
        client = connect(site.store)
        try:
            insert(client, [(alert, Evidence("approval", "", state.at, state.at, (), ""))], now_ms())
        finally:
            client.close()


def tell_store(site: Site, state: State, say: Callable[[str], None]) -> None:
    """`note_state` where a store is up; where none is, ``say`` so: `approve` needs none."""
    try:
        note_state(site, state)
    except (ServiceError, StoreUnavailable):
        say("the store is not up: no alert goes out from it, and dashboards will not show this")


class StoreBook:
    """Decisions as the store has them."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def write(self, case: Case, review: Review, report: str) -> None:
        """Keep what an officer decided; returns after it is acknowledged."""
        del report
        at = round(datetime.fromisoformat(review.at).timestamp() * 1000)
        with ApplicationStore(self._site.store) as store:
            store.write_review(_sealing(self._site).seal_review(review, case.decision, at))

    def rows(self) -> list[dict[str, Any]]:
        """The latest decisions, newest first, and what officers decided since."""
        with ApplicationStore(self._site.store) as store:
            return store.listed(1_000)

    def agreed(self) -> list[tuple[str, bool | None]]:
        """(type, whether the officer agreed) of every application that was reviewed."""
        with ApplicationStore(self._site.store) as store:
            return store.answers()


def sealed_cases(site: Site) -> Cases:
    """Case files of the job, sealed under the site's master key."""
    keys = load_keys(site.home, site.settings.keys.master, site.settings.keys.token)
    return Cases(site.home / "approval" / "cases", CaseSeal(Sealer(keys.master)))


def _sealing(site: Site) -> SealApplications:
    keys = load_keys(site.home, site.settings.keys.master, site.settings.keys.token)
    return SealApplications(Sealer(keys.master), Tokeniser(keys.token))


def _code(reason: str) -> str:
    """A reason without what a file's name or a form may have put into it."""
    from governance.applications import reason_code

    return reason_code(reason)
