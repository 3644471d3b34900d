"""The register of people: who they are (by a token of their own) and which roles they were granted.

``HOME/access.json`` (0600) holds names, grants and the SHA-256 of each token, never a token. Tokens are 256 random
bits, so a plain hash is enough: there is nothing to guess (a slow hash protects passwords that people choose).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from governance.keys import write_private
from governance.roles import Grant, Person, check_grant
from schemas.errors import UsageError

REGISTER = "access.json"
_NAME = re.compile(r"[\w.@-]{1,64}")


@dataclass(frozen=True)
class Entry:
    """A person and the hash of their token ("" : locked out)."""

    person: Person
    token_sha256: str


@dataclass(frozen=True)
class Register:
    """Everyone who has a token. Immutable: each change returns a new register."""

    entries: tuple[Entry, ...] = ()

    def person(self, name: str) -> Person:
        """The person of that name; raises UsageError when there is none."""
        return self._entry(name).person

    def identify(self, token: str) -> Person | None:
        """Whose token this is; None for nobody's. Takes the same time whether or not there is one."""
        digest, found = _digest(token), None
        for entry in self.entries:
            if entry.token_sha256 and hmac.compare_digest(entry.token_sha256, digest):
                found = entry.person
        return found

    def with_person(self, name: str) -> tuple[Register, str]:
        """Add a person, or give a known one a new token (the old one stops working). Show the token once, keep none."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no person's name here: letters, digits and . @ - _, at most 64")
        token = "yq_" + secrets.token_urlsafe(32)
        known = next((entry.person for entry in self.entries if entry.person.name == name), Person(name))
        return self._replaced(Entry(known, _digest(token))), token

    def with_grant(self, name: str, grant: Grant) -> Register:
        """Give a role. Raises UsageError when duties would no longer be separated."""
        entry = self._entry(name)
        check_grant(entry.person, grant)
        return self._replaced(replace(entry, person=replace(entry.person, grants=(*entry.person.grants, grant))))

    def revoked(self, name: str, role: str, now: int) -> Register:
        """End every grant of ``role`` that is active or to come. The record that it was held stays."""
        entry = self._entry(name)
        grants = tuple(
            replace(grant, until=now) if grant.role == role and (grant.until is None or grant.until > now) else grant
            for grant in entry.person.grants
        )
        return self._replaced(replace(entry, person=replace(entry.person, grants=grants)))

    def locked(self, name: str) -> Register:
        """Make the person's token useless (lost, stolen, left the office); grants and history stay."""
        return self._replaced(replace(self._entry(name), token_sha256=""))

    def _entry(self, name: str) -> Entry:
        for entry in self.entries:
            if entry.person.name == name:
                return entry
        raise UsageError(f"nobody is called {name!r} in the register of people")

    def _replaced(self, new: Entry) -> Register:
        others = tuple(entry for entry in self.entries if entry.person.name != new.person.name)
        return Register(tuple(sorted((*others, new), key=lambda entry: entry.person.name)))


def load_register(home: Path) -> Register:
    """The register of a home; empty when nobody was added. Raises UsageError when it is damaged or cannot be read."""
    path = home / REGISTER
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Register()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}): use the account it belongs to") from None
    try:
        stored = json.loads(content)
        entries = [
            Entry(Person(one["name"], tuple(Grant(**grant) for grant in one["grants"])), one["token_sha256"])
            for one in stored["people"]
        ]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is damaged: restore it from your backup") from None
    return Register(tuple(entries))


def update_register(home: Path, change: Callable[[Register], Register]) -> Register:
    """Apply ``change`` and save, with other processes kept out. The caller audits it (``access.grant``)."""
    lock = os.open(home / f"{REGISTER}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        register = change(load_register(home))
        people = [
            {
                "name": entry.person.name,
                "token_sha256": entry.token_sha256,
                "grants": [asdict(grant) for grant in entry.person.grants],
            }
            for entry in register.entries
        ]
        content = json.dumps({"version": 1, "people": people}, ensure_ascii=False, indent=1).encode()
        os.replace(write_private(home, content), home / REGISTER)
        return register
    finally:
        os.close(lock)


def _digest(token: str) -> str:
    return hashlib.sha256(b"yuqing person token\x00" + token.encode()).hexdigest()
