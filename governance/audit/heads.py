"""Heads: the newest hash of every writer, sealed together, signed and chained."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.audit.journal import Journal, canonical, newest
from governance.keys import create_once, read_private, write_private
from schemas.errors import UsageError

HEADS = "heads"
SIGNING_KEY = "audit.key"
ANCHOR = "audit-head.json"
GENESIS = "0" * 64


@dataclass(frozen=True)
class Head:
    """State of the whole ledger at one moment. ``writers``: name -> (seq, hash) of its newest entry."""

    number: int  # from 0, without gaps
    at: int  # ms since the epoch, UTC
    writers: dict[str, tuple[int, str]]
    prev_hash: str  # hash of head number - 1; zeros for the first
    hash: str
    signature: str  # Ed25519 over ``hash``, base64

    def signed_by(self, key: Ed25519PublicKey) -> bool:
        """Whether hash and signature are those of this very content."""
        if self.hash != _hash(vars(self)):
            return False
        try:
            key.verify(base64.b64decode(self.signature), bytes.fromhex(self.hash))
        except (InvalidSignature, ValueError):
            return False
        return True


def seal_heads(home: Path, now: int, anchor: Path | None = None) -> Head | None:
    """Sign the newest hash of every writer and append it to HOME/audit/heads.jsonl; then renew the anchor.

    Returns the newest head (an older one when nothing was written since), None for an empty ledger. ``anchor`` is
    where the newest head is kept besides, HOME/keys/audit-head.json if None: put it where whoever can write the ledger
    cannot. A process killed between the two leaves an anchor one head behind, which still proves everything up to it.
    """
    folder = home / "audit"
    key = _signing_key(home)
    with contextlib.closing(Journal(folder / f"{HEADS}.jsonl")) as journal, journal:
        journal.repair()
        last = next(journal.newest_first(), None)
        head = parse_head(last) if last else None
        tips: dict[str, tuple[int, str]] = {}
        for path in sorted(folder.glob("*.jsonl")):
            entry = newest(path) if path.stem != HEADS else None
            if entry:
                tips[path.stem] = (entry["seq"], entry["hash"])
        if not tips or (head and head.writers == tips):
            return head
        number, prev_hash = (head.number + 1, head.hash) if head else (0, GENESIS)
        digest = _hash({"number": number, "at": now, "writers": tips, "prev_hash": prev_hash})
        signature = base64.b64encode(key.sign(bytes.fromhex(digest))).decode()
        head = Head(number, now, tips, prev_hash, digest, signature)
        journal.append(vars(head), sync=True)
        _renew_anchor(anchor or home / "keys" / ANCHOR, head, journal)
        return head


def public_key(home: Path) -> bytes:
    """The 32 bytes with which anyone can check heads; note them outside this machine. Makes a missing key."""
    return _signing_key(home).public_key().public_bytes_raw()


def parse_head(record: Mapping[str, Any]) -> Head:
    """A head from its JSON form. Raises KeyError, TypeError or ValueError when it is none."""
    tips = {str(writer): (int(seq), str(digest)) for writer, (seq, digest) in record["writers"].items()}
    return Head(**{**record, "writers": tips})


def read_anchor(path: Path) -> Head | None:
    """The head kept outside the ledger; None when there is none. Raises UsageError when it is damaged."""
    if not path.exists():
        return None
    try:
        return parse_head(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"the kept audit head {path} is damaged: restore it, or name another copy") from None


def _hash(fields: Mapping[str, Any]) -> str:
    signed = {name: fields[name] for name in ("number", "at", "writers", "prev_hash")}
    return hashlib.sha256(canonical(signed)).hexdigest()


def _signing_key(home: Path) -> Ed25519PrivateKey:
    create_once(home, SIGNING_KEY, lambda: base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()))
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(read_private(home, SIGNING_KEY), validate=True))
    except ValueError:
        raise UsageError(f"{home / 'keys' / SIGNING_KEY} is damaged: restore it from your backup") from None


def _renew_anchor(path: Path, head: Head, journal: Journal) -> None:
    """Replace the kept head, but only by one that continues it: else heads were cut off, and it is the proof."""
    try:
        kept = read_anchor(path)
    except UsageError:
        return  # damaged: verify says so
    if kept:
        older = (parse_head(record) for record in journal.newest_first())
        same = next((one for one in older if one.number <= kept.number), None)
        if same is None or same.hash != kept.hash:
            return
    temporary = write_private(path.parent, canonical(vars(head)))
    os.replace(temporary, path)
