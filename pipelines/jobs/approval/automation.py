"""The circuit breaker of automatic approval, as a home keeps it: one state for `approve`, the job and every worker.

``HOME/approval/automation.json`` holds the state and what was decided lately (no personal data: decisions, seconds and
confidences). Each decision and each review is added under a lock and judged at once by ``governance.automation``; when
it opens, the audit entry is written before the state, and whoever watches is told.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from governance import automation as breaker
from governance.audit import now_ms
from governance.automation import Outcome, State, Verdict
from governance.roles import AccessRefused, Person
from pipelines.jobs.approval.approver import Decided
from pipelines.jobs.approval.reviews import agreed
from schemas.applications import Decision, Review
from schemas.errors import JobError
from schemas.settings import ApprovalSection

_KEPT = 2_000
"""Outcomes: some 200 KB, written again for each application, which takes 100 times as long."""


class _Held(msgspec.Struct):
    state: State = State()
    history: list[tuple[str, Outcome]] = []
    """(application, what came of it), oldest first."""


class Automation:
    """The breaker's state of one home. Any number of processes may have one."""

    def __init__(
        self,
        home: Path,
        settings: ApprovalSection,
        told: Callable[[str], None] = lambda words: None,
        opened: Callable[[State], None] = lambda state: None,
    ) -> None:
        """``told``: gets a line for people when it opens. ``opened``: called after it opened, to raise an alert."""
        self._home, self._bands = home, settings.bands
        self._told, self._opened = told, opened
        self._path = home / "approval" / "automation.json"

    def state(self) -> State:
        """As it is now. Raises JobError for a damaged file: the machine then approves nothing."""
        return self._read().state

    def automatic(self) -> bool:
        """Whether the machine may approve now."""
        return self.state().automatic

    def observe(self, decided: Decided) -> None:
        """Add what was decided; opens the breaker when a band is left."""
        decision = decided.decision
        outcome = Outcome(
            decision=breaker.would(decision.decision, decision.reasons),
            seconds=round(decided.seconds, 3),
            ocr_confidence=breaker.ocr_confidence(decided.reading),
            epoch=self.state().epoch,
            at=now_ms(),
        )
        self._add(decision.application_id, outcome)

    def observe_review(self, decision: Decision, review: Review) -> None:
        """Add what an officer said of it; nothing where the machine took no side."""
        same = agreed(decision, review)
        if same is None:
            return
        with self._locked() as held:
            held.history = [
                (name, replace(one, agreed=same) if name == review.application_id else one)
                for name, one in held.history
            ]
            if all(name != review.application_id for name, _ in held.history):
                side = breaker.would(decision.decision, decision.reasons)
                held.history.append(
                    (review.application_id, Outcome(side, 0.0, agreed=same, epoch=held.state.epoch, at=now_ms()))
                )
            verdict = self._judge(held)
        self._tell(verdict)

    def stop(self, person: Person, reason: str) -> State:
        """Stop automatic approval by hand. Raises AccessRefused (written down) and UsageError."""
        with self._locked() as held:
            state = self._asked(breaker.STOPPED, person, lambda: breaker.stop(held.state, person, reason, now_ms()))
            breaker.note_opening(self._home, state)
            held.state = state
        return state

    def close(self, person: Person, reason: str) -> State:
        """Let the machine approve again. Raises AccessRefused (written down) and UsageError."""
        with self._locked() as held:
            state = self._asked(breaker.RESUMED, person, lambda: breaker.close(held.state, person, reason, now_ms()))
            breaker.note_closing(self._home, state)
            held.state = state
        return state

    def figures(self) -> list[dict[str, object]]:
        """Each band that there is enough history for: hits, of how many, limit."""
        held = self._read()
        seen = [one for _, one in held.history if one.epoch == held.state.epoch]
        return [
            {"band": band.name, "hits": band.hits, "of": band.of, "limit": band.limit, "probability": band.doubt()}
            for band in breaker.watched(seen, self._bands)
        ]

    def _add(self, identity: str, outcome: Outcome) -> None:
        with self._locked() as held:
            others = [pair for pair in held.history if pair[0] != identity]
            held.history = [*others[-_KEPT + 1 :], (identity, outcome)]
            verdict = self._judge(held)
        self._tell(verdict)

    def _judge(self, held: _Held) -> Verdict:
        verdict = breaker.judge(held.state, [one for _, one in held.history], self._bands, now_ms())
        if verdict.opens:
            breaker.note_opening(self._home, verdict.state)
            held.state = verdict.state
        return verdict

    def _tell(self, verdict: Verdict) -> None:
        if verdict.opens:
            self._told(f"automatic approval stops, everything is referred from now: {'; '.join(verdict.why)}")
            self._opened(verdict.state)

    def _asked(self, action: str, person: Person, change: Callable[[], State]) -> State:
        try:
            return change()
        except AccessRefused as error:
            breaker.note_refusal(self._home, person, action, error)
            raise

    def _read(self) -> _Held:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Held)
        except FileNotFoundError:
            return _Held()
        except (OSError, msgspec.DecodeError) as error:
            raise JobError(
                f"{self._path} cannot be read ({type(error).__name__}), so nothing may be approved: look at the ledger "
                "(`yuqing audit show`), then remove the file"
            ) from None

    @contextmanager
    def _locked(self) -> Iterator[_Held]:
        """What is held, alone; written when the block ends without an error."""
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise JobError(f"{folder} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self._read()
            yield held
            aside = self._path.with_suffix(".tmp")
            aside.write_bytes(msgspec.json.encode(held))
            aside.chmod(0o600)
            aside.replace(self._path)
        finally:
            os.close(lock)
