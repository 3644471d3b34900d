"""Recorded holds: an auditor keeps a post's sealed values from expiry and from deletion, with a reason and an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from governance.audit import AuditEntry, Ledger
from governance.classes import DAY_MS
from governance.roles import AccessRefused, Person, authorise
from governance.vault.policy import RevealPolicy
from governance.vault.rows import VaultStore
from schemas.errors import UsageError

SET, LIFT, LIST = "hold.set", "hold.lift", "hold.list"
MIN_REASON = 4


@dataclass(frozen=True)
class Hold:
    """A post under a hold. ``entry``: what set it last; None: the ledger knows nothing of it, which an auditor should
    ask about."""

    platform: str
    post_id: str
    until: int
    values: int
    entry: AuditEntry | None


class Holds:
    """Sets, lifts and lists holds. ``ledger`` must be the vault's own writer.

    Values that reach the vault later (the post is edited) are not under a hold that was set before.
    """

    def __init__(self, store: VaultStore, ledger: Ledger, policy: RevealPolicy, clock: Callable[[], int]) -> None:
        self._store, self._ledger, self._policy, self._clock = store, ledger, policy, clock

    def hold(self, auditor: Person, post_id: str, days: int, reason: str, platform: str | None = None) -> Hold:
        """Hold what the vault has of a post for ``days`` from now; the longer of two holds counts.

        The entry is written first. Raises AccessRefused, audited; UsageError for the days, a missing reason, a post
        that is unknown or on several platforms, or one of which the vault holds nothing.
        """
        if not 1 <= days <= self._policy.hold_max_days:
            raise UsageError(f"--days is {days}; the policy allows 1 to {self._policy.hold_max_days}")
        post = self._may(SET, auditor, post_id, reason, platform)
        now = self._clock()
        rows = [row.held(now + days * DAY_MS) for row in self._store.rows(*post) if row.alive(now)]
        if not rows:
            raise UsageError(f"the vault holds nothing of {_subject(*post)}")
        until = max(row.hold_until for row in rows)
        entry = self._ledger.append(
            auditor.name, SET, _subject(*post), {"until": until, "reason": reason, "values": len(rows)}
        )
        self._store.put(rows)
        return Hold(*post, until, len(rows), entry)

    def lift(self, auditor: Person, post_id: str, reason: str, platform: str | None = None) -> int:
        """End a post's hold; its values have their own end again, which may be past. Returns how many values.

        Raises AccessRefused, audited; UsageError for a missing reason or a post that is under no hold.
        """
        post = self._may(LIFT, auditor, post_id, reason, platform)
        now = self._clock()
        rows = [row for row in self._store.rows(*post) if row.hold_until > now]
        if not rows:
            raise UsageError(f"{_subject(*post)} is under no hold; see `yuqing hold list`")
        expired = sum(row.expires_at <= now for row in rows)
        self._ledger.append(
            auditor.name, LIFT, _subject(*post), {"reason": reason, "values": len(rows), "expired": expired}
        )
        self._store.put([row.released() for row in rows])
        return len(rows)

    def active(self, auditor: Person) -> list[Hold]:
        """Every hold that lasts, the nearest end first, with the entry that set it. Audited; raises AccessRefused.

        Cost: reads the vault's ledger back to the oldest hold.
        """
        self._decide(LIST, auditor, "holds", {})
        self._ledger.append(auditor.name, LIST, "holds")
        found: dict[tuple[str, str], list[int]] = {}
        for row in self._store.held(self._clock()):
            found.setdefault((row.platform, row.post_id), []).append(row.hold_until)
        entries: dict[str, AuditEntry] = {}
        missing = {_subject(*post) for post in found}
        for entry in self._ledger.newest_first() if missing else ():
            if entry.action == SET and entry.subject in missing:
                entries[entry.subject] = entry
                missing.discard(entry.subject)
                if not missing:
                    break
        holds = [Hold(*post, max(ends), len(ends), entries.get(_subject(*post))) for post, ends in found.items()]
        return sorted(holds, key=lambda hold: (hold.until, hold.platform, hold.post_id))

    def _may(self, action: str, auditor: Person, post_id: str, reason: str, platform: str | None) -> tuple[str, str]:
        """Decide first, look up then: guessing ids must need the role and leave a trace."""
        if len(reason.strip()) < MIN_REASON:
            raise UsageError(f"a hold needs --reason (at least {MIN_REASON} characters): whose order, and where it is")
        self._decide(action, auditor, _subject(platform or "?", post_id), {"reason": reason[:500]})
        posts = self._store.facts(post_id, platform)
        if len(posts) > 1:
            raise UsageError(f"post {post_id} exists on {', '.join(post.platform for post in posts)}: add --platform")
        if not posts:
            raise UsageError(f"there is no post {post_id} in the store")
        return posts[0].platform, posts[0].post_id

    def _decide(self, action: str, auditor: Person, subject: str, detail: dict[str, str]) -> None:
        decision = authorise(auditor, action, self._clock())
        if not decision:
            self._ledger.append(auditor.name, f"{action}.refused", subject, {**detail, "why": decision.reason})
            raise AccessRefused(decision.reason)


def _subject(platform: str, post_id: str) -> str:
    return f"post {platform}/{post_id}"
