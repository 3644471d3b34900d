"""Requests of persons concerned (PIPL articles 44 to 47): what is held about my number, delete it, correct it.

The person brings the number; it becomes a token, and only the token is looked for and written down. Names and authors
are no way in: whoever wants an own post deleted names the post.

A correction seals the right number in place of the wrong one, under the newest key and its own token. Tokens of phone
numbers stand in posts too, to be counted, and follow. Values under a recorded hold stay as they are, token and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from governance.audit import Ledger
from governance.crypto import Sealer
from governance.roles import AccessRefused, Person, authorise
from governance.seal import WITHOUT_TOKEN
from governance.tokens import PHONE_KINDS, Tokeniser, normalise
from governance.vault.rows import VaultRow, VaultStore
from schemas.errors import UsageError

KINDS = ("CN_MOBILE", "CN_LANDLINE", "CN_ID", "BANK_CARD", "CN_PASSPORT", "CN_PERMIT", "CN_PLATE", "CN_USCC",
         "EMAIL_ADDRESS", "IM_ID", "IP_ADDRESS", "PHONE_NUMBER")  # fmt: skip
"""Kinds a number is looked for under when the person does not say which it is."""


@dataclass(frozen=True)
class Held:
    """One place where the number is held; no value in it."""

    platform: str
    post_id: str
    type: str
    token: str
    expires_at: int
    hold_until: int


@dataclass(frozen=True)
class Outcome:
    """What a deletion or correction did. ``held``: values under a recorded hold, left as they are."""

    changed: int
    held: int
    posts: tuple[str, ...]
    """platform/post_id of the changed values."""


class SubjectRequests:
    """Answers requests for an authorised person; each call is audited before it acts."""

    def __init__(
        self, store: VaultStore, ledger: Ledger, sealer: Sealer, tokeniser: Tokeniser, clock: Callable[[], int]
    ) -> None:
        self._store, self._ledger, self._sealer = store, ledger, sealer
        self._tokeniser, self._clock = tokeniser, clock

    def find(self, person: Person, number: str, reason: str, kind: str | None = None) -> list[Held]:
        """Where the number is held."""
        rows = self._rows("subject.find", person, number, reason, kind)
        return [Held(row.platform, row.post_id, row.type, row.token, row.expires_at, row.hold_until) for row in rows]

    def delete(self, person: Person, number: str, reason: str, kind: str | None = None) -> Outcome:
        """Remove every value with this number, but for those under a hold. A replay does not bring them back."""
        rows = self._rows("subject.delete", person, number, reason, kind)
        gone = dict.fromkeys(self._phone_tokens(number, kind), "")
        return self._delete("subject.delete", person, rows, gone)

    def delete_post(self, person: Person, platform: str, post_id: str, reason: str) -> Outcome:
        """Remove everything sealed of one post, its url and author included, and its phone tokens.

        What is under a hold stays, and then so do the tokens.
        """
        subject = f"post {platform}/{post_id}"
        self._decide("subject.delete", person, subject, {"reason": reason})
        now = self._clock()
        rows = [row for row in self._store.rows(platform, post_id) if row.alive(now)]
        outcome = self._delete("subject.delete", person, rows, {})
        if not outcome.held:
            self._store.forget_phones(platform, post_id)
        return outcome

    def correct(self, person: Person, number: str, right: str, reason: str, kind: str | None = None) -> Outcome:
        """Replace the number by the right one wherever it is held. A replay does not bring the wrong one back.

        Raises UsageError when the right one says nothing as a number of that kind, or is the wrong one again.
        """
        rows = self._rows("subject.correct", person, number, reason, kind)
        free, held = self._split(rows)
        changed = [self._corrected(row, right) for row in free]
        if changed:
            self._store.put(changed)
            self._store.purge(changed)
        tokens = self._phone_tokens(number, kind)
        self._retoken({old: self._tokeniser.token(one, right) for old, one in tokens.items()}, held)
        return self._done("subject.correct", person, changed, held)

    def _corrected(self, row: VaultRow, right: str) -> VaultRow:
        token = self._tokeniser.token(row.type, right)
        if not token or token == row.token:
            raise UsageError(f"the right value {'is the same number' if token else 'says nothing'} as a {row.type}")
        sealed = self._sealer.seal(right.encode(), row.context)
        return replace(row, token=token, ciphertext=sealed, key_id=self._sealer.key_id, version=row.next_version)

    def _phone_tokens(self, number: str, kind: str | None) -> dict[str, str]:
        """Token -> kind, for every kind of phone number that ``number`` may be."""
        tokens = {self._tokeniser.token(one, number): one for one in sorted(PHONE_KINDS) if kind in (None, one)}
        return {token: one for token, one in tokens.items() if token}

    def _retoken(self, changes: dict[str, str], held: list[VaultRow]) -> None:
        if changes:
            self._store.retoken(changes, {(row.platform, row.post_id) for row in held})

    def _rows(self, action: str, person: Person, number: str, reason: str, kind: str | None) -> list[VaultRow]:
        if kind in WITHOUT_TOKEN:
            raise UsageError(f"nobody is looked for by {kind}; name the post, or give a number")
        kinds: Iterable[str] = (kind,) if kind else KINDS
        found = {self._tokeniser.token(one, number) for one in kinds if normalise(one, number)}
        tokens = sorted(found - {""})
        if not tokens:
            raise UsageError("the number is empty")
        self._decide(action, person, f"subject {tokens[0]}", {"reason": reason, "tokens": tokens})
        now = self._clock()
        return [row for row in self._store.with_token(tokens) if row.alive(now)]

    def _decide(self, action: str, person: Person, subject: str, detail: dict[str, str | list[str]]) -> None:
        decision = authorise(person, action, self._clock())
        if len(str(detail["reason"]).strip()) < 4:
            raise UsageError("a request needs --reason (at least 4 characters): who asked, and where that is on file")
        if not decision:
            self._ledger.append(person.name, f"{action}.refused", subject, {**detail, "why": decision.reason})
            raise AccessRefused(decision.reason)
        self._ledger.append(person.name, action, subject, {**detail})

    def _delete(self, action: str, person: Person, rows: list[VaultRow], gone: dict[str, str]) -> Outcome:
        free, held = self._split(rows)
        if free:
            erased = [row.erased() for row in free]
            self._store.put(erased)  # from here on nothing reads them, and no replay brings them back
            self._store.purge(erased)
        self._retoken(gone, held)
        return self._done(action, person, free, held)

    def _split(self, rows: list[VaultRow]) -> tuple[list[VaultRow], list[VaultRow]]:
        now = self._clock()
        free = [row for row in rows if row.hold_until <= now]
        return free, [row for row in rows if row.hold_until > now]

    def _done(self, action: str, person: Person, changed: list[VaultRow], held: list[VaultRow]) -> Outcome:
        posts = tuple(sorted({f"{row.platform}/{row.post_id}" for row in changed}))
        detail = {"changed": len(changed), "held": len(held), "posts": len(posts)}
        self._ledger.append(person.name, f"{action}.done", f"{len(posts)} posts", detail)
        return Outcome(len(changed), len(held), posts)
