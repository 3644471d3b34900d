"""The register of people: who they are (by a token of their own) and which roles they were granted.

``HOME/access.json`` (0600) holds names, grants and the SHA-256 of each token, never a token. Tokens are 256 random
bits, so a plain hash is enough: there is nothing to guess (a slow hash protects passwords that people choose).

A token that an administrator made was seen by two people. It opens one door only: making a token of one's own. Should
the administrator go through that door instead, the person's token works no more and the ledger says when it happened.
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
from governance.roles import AccessRefused, Grant, Person, check_grant
from schemas.errors import UsageError

REGISTER = "access.json"
_NAME = re.compile(r"[\w.@-]{1,64}")


@dataclass(frozen=True)
class Entry:
    """A person and the hash of their token ("" : locked out). ``issued_by``: who made it for them; "": they did."""

    person: Person
    token_sha256: str
    issued_by: str = ""


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

    def issued_by(self, name: str) -> str:
        """Who made the person's token for them; "" when they did, or are not in the register."""
        return next((entry.issued_by for entry in self.entries if entry.person.name == name), "")

    def lasting_admins(self, now: int) -> list[str]:
        """Those who can grant roles now and until somebody takes that from them; without one, nobody ever could."""
        return [
            entry.person.name
            for entry in self.entries
            if entry.token_sha256
            and any(one.role == "admin" and one.active(now) and one.until is None for one in entry.person.grants)
        ]

    def founded(self, name: str, founder: str, now: int) -> tuple[Register, str]:
        """The first person of an empty register, admin for good, since else nobody could grant anything to anyone."""
        if self.entries:
            raise AccessRefused("there are people in the register: an admin adds the next")
        register, token = self.with_person(name)
        return register.with_grant(name, Grant("admin", founder, now)), token

    def with_person(self, name: str, issued_by: str = "") -> tuple[Register, str]:
        """Add a person, or give a known one a new token (the old one stops working). Show the token once, keep none.

        ``issued_by``: who asked for it, if not the person: the token then serves only to get one of their own.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no person's name here: letters, digits and . @ - _, at most 64")
        token = "yq_" + secrets.token_urlsafe(32)
        known = next((entry.person for entry in self.entries if entry.person.name == name), Person(name))
        return self._replaced(Entry(known, _digest(token), "" if issued_by == name else issued_by)), token

    def with_grant(self, name: str, grant: Grant) -> Register:
        """Give a role. Raises UsageError when duties would no longer be separated."""
        entry = self._entry(name)
        check_grant(entry.person, grant)
        return self._replaced(replace(entry, person=replace(entry.person, grants=(*entry.person.grants, grant))))

    def revoked(self, name: str, role: str, now: int) -> Register:
        """End every grant of ``role`` that is active or to come. The record that it was held stays.

        Raises UsageError when there is no such grant, AccessRefused for the last admin.
        """
        entry = self._entry(name)
        grants = tuple(
            replace(grant, until=now) if grant.role == role and (grant.until is None or grant.until > now) else grant
            for grant in entry.person.grants
        )
        if grants == entry.person.grants:
            raise UsageError(f"{name} has no grant of {role!r} that could end")
        return self._governed(self._replaced(replace(entry, person=replace(entry.person, grants=grants))), now)

    def locked(self, name: str, now: int) -> Register:
        """Make the person's token useless (lost, stolen, left the office); grants and history stay.

        Raises AccessRefused for the last admin.
        """
        return self._governed(self._replaced(replace(self._entry(name), token_sha256="", issued_by="")), now)

    def _governed(self, after: Register, now: int) -> Register:
        if self.lasting_admins(now) and not after.lasting_admins(now):
            raise AccessRefused("nobody could grant a role any more: make another person admin first, without an end")
        return after

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
            Entry(
                Person(one["name"], tuple(Grant(**grant) for grant in one["grants"])),
                one["token_sha256"],
                one.get("issued_by", ""),
            )
            for one in stored["people"]
        ]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is damaged: restore it from your backup") from None
    return Register(tuple(entries))


def update_register(home: Path, change: Callable[[Register], Register]) -> Register:
    """Apply ``change`` and save, with other processes kept out. ``change`` audits before it returns: what it raises
    leaves the register as it was."""
    lock = os.open(home / f"{REGISTER}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        register = change(load_register(home))
        people = [
            {
                "name": entry.person.name,
                "token_sha256": entry.token_sha256,
                "issued_by": entry.issued_by,
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
