"""Opening sealed values: decide, write the audit entry, then decrypt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from governance.audit import AuditEntry, Ledger
from governance.classes import DAY_MS
from governance.crypto import CannotOpen, Sealer
from governance.roles import AccessRefused, Person, authorise
from governance.vault.emergency import HOUR_MS, Emergencies, Emergency, recent
from governance.vault.holds import Holds
from governance.vault.policy import RevealPolicy
from governance.vault.rows import PostFacts, VaultStore
from schemas.errors import UsageError, YuqingError

REVEAL, FAILED, REVIEWED = "reveal", "reveal.failed", "reveal.reviewed"
NORMAL, EMERGENCY, LIFE_AT_RISK = "normal", "emergency", "priority-1"
MIN_REASON = 4
_REVIEW_WINDOW_MS = 90 * DAY_MS


@dataclass(frozen=True)
class RevealedValue:
    """One identifier in clear; never to be logged."""

    type: str
    start: int
    end: int
    value: str

    def __repr__(self) -> str:
        return f"RevealedValue({self.type}, {self.start}, {self.end})"


@dataclass(frozen=True)
class Revealed:
    """What was opened of one post. ``entry`` is the audit entry that was written before."""

    post: PostFacts
    values: tuple[RevealedValue, ...]
    entry: AuditEntry
    failed: int = 0
    """Values that did not open (key lost, value altered); the ledger has a second entry then."""


@dataclass(frozen=True)
class _Request:
    """Who asks, why, on what authority; ``session``: the running emergency that covers the post."""

    person: Person
    reason: str
    purpose: str
    authority: str
    approved_by: Person | None
    session: Emergency | None


class Vault:
    """Reveals for authorised people. One ledger writer (``vault``) for all processes of a home: limits count there."""

    def __init__(
        self, store: VaultStore, ledger: Ledger, sealer: Sealer, policy: RevealPolicy, clock: Callable[[], int]
    ) -> None:
        self._store, self._ledger, self._sealer = store, ledger, sealer
        self._policy, self._clock = policy, clock
        self.emergencies = Emergencies(store, ledger, policy, clock)
        self.holds = Holds(store, ledger, policy, clock)

    def reveal(
        self,
        person: Person,
        post_id: str,
        reason: str,
        purpose: str,
        platform: str | None = None,
        approved_by: Person | None = None,
    ) -> Revealed:
        """Open what one post holds. Raises AccessRefused (audited), UsageError for missing or ambiguous arguments."""
        asked = f"post {platform or '?'}/{post_id}"
        authority = self._check(person, asked, reason, purpose)
        posts = self._store.facts(post_id, platform)
        if len(posts) > 1:
            raise UsageError(f"post {post_id} exists on {', '.join(post.platform for post in posts)}: add --platform")
        if not posts:
            # guessing ids must leave a trace
            self._refuse(person, asked, reason, "no such post in the store")
        running = self.emergencies.active(posts[0].adcodes) if posts[0].adcodes else []
        request = _Request(person, reason, purpose, authority, approved_by, running[0] if running else None)
        return self._open(request, posts[0])

    def reveal_region(
        self,
        person: Person,
        emergency_id: str,
        reason: str,
        purpose: str,
        approved_by: Person | None = None,
        limit: int | None = None,
    ) -> Iterator[Revealed]:
        """Open the open calls of a running emergency's region, most urgent first, each with its own audit entry.

        Lazy: what is not taken is not revealed. Stops when the session ends. Raises AccessRefused as ``reveal``.
        """
        authority = self._check(person, emergency_id, reason, purpose)
        session = next((one for one in self.emergencies.active() if one.id == emergency_id), None)
        if session is None:
            self._refuse(person, emergency_id, reason, "batch reveals need a running emergency")
        request = _Request(person, reason, purpose, authority, approved_by, session)
        most = self._policy.emergency_batch
        for post in self._store.open_posts(session.region, min(limit or most, most)):
            if self._clock() >= session.until:
                return
            self._check(person, post.subject, reason, purpose)  # a grant may end in the middle of a batch
            if any(code.startswith(session.region) for code in post.adcodes):
                yield self._open(request, post)

    def pending_reviews(self) -> list[AuditEntry]:
        """Reveals of the last 90 days that were let through for a life at risk and that nobody has reviewed yet."""
        reviewed: set[str] = set()
        pending = []
        for entry in recent(self._ledger, self._clock() - _REVIEW_WINDOW_MS):
            if entry.action == REVIEWED:
                reviewed.add(entry.subject)
            elif entry.action == REVEAL and entry.detail.get("review") and entry.id not in reviewed:
                pending.append(entry)
        return pending

    def reviews(self, auditor: Person) -> list[AuditEntry]:
        """``pending_reviews`` for an auditor, the newest first. Audited; raises AccessRefused."""
        self._may_review(auditor, "pending reviews", None)
        self._ledger.append(auditor.name, "review.list", "pending reviews")
        return self.pending_reviews()

    def review(self, auditor: Person, entry_id: str, justified: bool, remark: str) -> AuditEntry:
        """Record what an auditor thinks of a reveal that was let through. Raises AccessRefused, UsageError."""
        if len(remark.strip()) < MIN_REASON:
            raise UsageError(f"a review needs a note (at least {MIN_REASON} characters): what was found")
        self._may_review(auditor, entry_id, None)
        entry = next((one for one in self.pending_reviews() if one.id == entry_id), None)
        if entry is None:
            raise UsageError(f"{entry_id!r} is no reveal that waits for a review")
        self._may_review(auditor, entry_id, entry.actor)
        return self._ledger.append(auditor.name, REVIEWED, entry_id, {"justified": justified, "remark": remark})

    def _may_review(self, auditor: Person, subject: str, about: str | None) -> None:
        decision = authorise(auditor, "reveal.review", self._clock(), about)
        if not decision:
            self._refuse(auditor, subject, "", decision.reason, "reveal.review")

    def _check(self, person: Person, subject: str, reason: str, purpose: str) -> str:
        """Role, reason and purpose, before anything is looked up; returns the authority. Raises AccessRefused."""
        decision = authorise(person, REVEAL, self._clock())
        if not decision:
            self._refuse(person, subject, reason, decision.reason)
        if len(reason.strip()) < MIN_REASON or not purpose.strip():
            self._refuse(person, subject, reason, f"needs a purpose and --reason (at least {MIN_REASON} characters)")
        return decision.reason

    def _open(self, request: _Request, post: PostFacts) -> Revealed:
        now, session, person = self._clock(), request.session, request.person
        regime = EMERGENCY if session else LIFE_AT_RISK if post.priority == 1 else NORMAL
        with self._ledger.exclusive():  # nobody may count the same free place twice
            over = "" if session else self._over_limit(person, now)
            unapproved = self._unapproved(request, now)
            stopped = "; ".join(filter(None, (over, unapproved)))
            if stopped and post.priority != 1:
                self._refuse(person, post.subject, request.reason, stopped)
            entry = self._ledger.append(
                person.name,
                REVEAL,
                post.subject,
                {
                    "reason": request.reason,
                    "purpose": request.purpose,
                    "authority": request.authority,
                    "regime": regime,
                    "emergency": session.id if session else None,
                    "approved_by": request.approved_by.name if request.approved_by and not unapproved else None,
                    "priority": post.priority,
                    # a life at risk is never delayed: what would have stopped it is looked at afterwards
                    "review": regime == LIFE_AT_RISK or bool(stopped),
                    "passed": stopped,
                },
            )
        return self._decrypt(person, post, entry, now)

    def _decrypt(self, person: Person, post: PostFacts, entry: AuditEntry, now: int) -> Revealed:
        values, failed = [], []
        for row in self._store.rows(post.platform, post.post_id):
            if not row.alive(now):
                continue
            try:
                clear = self._sealer.open(row.ciphertext, row.context).decode()
            except CannotOpen as error:
                failed.append(f"{row.type}@{row.start}: {error}")
                continue
            values.append(RevealedValue(row.type, row.start, row.end, clear))
        if failed:
            self._ledger.append(person.name, FAILED, entry.id, {"values": failed[:10], "count": len(failed)})
            if not values:
                raise YuqingError(f"nothing of {post.subject} opens: {failed[0]} (audit entry {entry.id})")
        return Revealed(post, tuple(sorted(values, key=lambda value: value.start)), entry, len(failed))

    def _over_limit(self, person: Person, now: int) -> str:
        """Why one more reveal outside an emergency is too many; "" when it is not."""
        times = [
            entry.at
            for entry in recent(self._ledger, now - HOUR_MS)
            if entry.actor == person.name and entry.action == REVEAL and entry.detail.get("regime") == NORMAL
        ]
        if len(times) < self._policy.reveals_per_hour:
            return ""
        minutes = (min(times, default=now) + HOUR_MS - now) // 60_000 + 1
        return (
            f"{person.name} has revealed {len(times)} posts within an hour, the policy allows "
            f"{self._policy.reveals_per_hour}: wait {minutes} minutes, or have an emergency declared"
        )

    def _unapproved(self, request: _Request, now: int) -> str:
        """Why the second person's approval is missing or does not count; "" when none is needed."""
        rule = self._policy.second_person
        if rule == "never" or (rule == "outside_emergency" and request.session):
            return ""
        if request.approved_by is None:
            return f"the policy (second_person: {rule}) needs another person's approval"
        decision = authorise(request.approved_by, "reveal.approve", now, about=request.person.name)
        return "" if decision else decision.reason

    def _refuse(self, person: Person, subject: str, reason: str, why: str, action: str = REVEAL) -> NoReturn:
        self._ledger.append(person.name, f"{action}.refused", subject, {"why": why, "reason": reason[:500]})
        raise AccessRefused(why)
