"""Envelope encryption of single values: AES-256-GCM under a data key, the data key wrapped by a master key.

Layout of a sealed value (version 1); everything needed to open it but the master key stands in it::

    magic "YQ" | version 1 | master key id 8 | wrapped data key 60 | nonce 12 | ciphertext n | tag 16
                                              (nonce 12, key 32, tag 16)

``OVERHEAD`` is 99 bytes a value; the 71-byte header repeats through a batch, so a compressed column hardly shows it.
The *context* (which post, which type, which offset) and the header are authenticated, not stored: a value copied to
another row, or a changed byte, does not open.

Nonces are synthetic: 96 bits of HMAC-SHA-256 over context and value, under a nonce key that is made with the data key
and never leaves the process (opening does not need it). So a repeated nonce cannot come from a weak random source, a
fork or a restored snapshot, and a worker seals the same row to the same bytes, which is what a step promises; a reader
without keys learns no more than that the same row came twice (deterministic authenticated encryption: Rogaway and
Shrimpton 2006). Bounds: NIST SP 800-38D, section 8.3, allows 2**32 values a key with nonces of this length; a fresh
data key is taken after ``VALUES_PER_DATA_KEY`` = 2**24, which keeps the odds that two rows share a nonce below 2**-49.

Cost: 3 us to seal a short value, 1.3 us to open one, 10 us for a data key (once a worker); see docs/governance.md.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.keys import KEY_BYTES, KEY_ID_BYTES, Key
from schemas.errors import UsageError, YuqingError

MAGIC = b"YQ"
VERSION = 1
NONCE = 12
TAG = 16
WRAPPED = NONCE + KEY_BYTES + TAG
HEADER = len(MAGIC) + 1 + KEY_ID_BYTES + WRAPPED
OVERHEAD = HEADER + NONCE + TAG
VALUES_PER_DATA_KEY = 2**24
_CACHED_DATA_KEYS = 4096


class CannotOpen(YuqingError):
    """A sealed value does not open: not ours, altered, moved to another row, or its master key is not loaded."""


def context(*parts: str) -> bytes:
    """Which row a value belongs to, for ``seal`` and ``open``: the parts with their lengths, so no two rows read alike.

    Vault values: ``vault, platform, post id, type, start``. Dead letters: ``dead_letter, source, partition, offset``.
    """
    return "".join([f"{len(part)}:{part}" for part in parts]).encode()


class Sealer:
    """Seals and opens values. One a worker; not for sharing between threads. ``master[0]`` encrypts."""

    def __init__(self, master: Sequence[Key], values_per_data_key: int = VALUES_PER_DATA_KEY) -> None:
        if not master:
            raise UsageError("keys.master gives no key; there must be at least one")
        self._master = {bytes.fromhex(key.id): AESGCM(key.secret) for key in master}
        self._newest = bytes.fromhex(master[0].id)
        self._limit = values_per_data_key
        self._left = 0
        self._header = b""
        self._nonce_key = b""
        self._data_key: AESGCM | None = None
        self._opened: dict[bytes, AESGCM] = {}

    @property
    def key_id(self) -> str:
        """Id of the master key that new values are sealed under."""
        return self._newest.hex()

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt ``plain``, bound to ``context``. Until the data key changes, equal arguments give equal bytes."""
        key = self._data_key
        if key is None or self._left <= 0:
            key = self._fresh_data_key()
        self._left -= 1
        message = len(context).to_bytes(4, "big") + context + plain
        nonce = hmac.digest(self._nonce_key, message, "sha256")[:NONCE]
        return self._header + nonce + key.encrypt(nonce, plain, self._header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt a value sealed under any of the master keys. Raises CannotOpen, naming the key that is missing."""
        if len(sealed) < OVERHEAD or sealed[:2] != MAGIC:
            raise CannotOpen(f"not a sealed value ({len(sealed)} bytes without the mark)")
        if sealed[2] != VERSION:
            raise CannotOpen(f"sealed by format version {sealed[2]}; this program opens version {VERSION}")
        header = sealed[:HEADER]
        key = self._opened.get(header) or self._unwrap(header)
        nonce = sealed[HEADER : HEADER + NONCE]
        try:
            return key.decrypt(nonce, sealed[HEADER + NONCE :], header + context)
        except InvalidTag:
            raise CannotOpen("the sealed value was altered or belongs to another row") from None

    def _fresh_data_key(self) -> AESGCM:
        secret, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE)
        head = MAGIC + bytes([VERSION]) + self._newest
        self._header = head + nonce + self._master[self._newest].encrypt(nonce, secret, head)
        self._nonce_key = os.urandom(KEY_BYTES)
        self._left = self._limit
        self._data_key = AESGCM(secret)
        return self._data_key

    def _unwrap(self, header: bytes) -> AESGCM:
        split = HEADER - WRAPPED
        head, nonce, wrapped = header[:split], header[split : split + NONCE], header[split + NONCE :]
        master = self._master.get(head[-KEY_ID_BYTES:])
        if master is None:
            raise CannotOpen(
                f"sealed under master key {head[-KEY_ID_BYTES:].hex()}, which is not loaded: add it to "
                "keys.master or restore it from your backup"
            )
        try:
            key = AESGCM(master.decrypt(nonce, wrapped, head))
        except InvalidTag:
            raise CannotOpen("the data key of the sealed value was altered") from None
        if len(self._opened) >= _CACHED_DATA_KEYS:
            self._opened.clear()
        self._opened[header] = key
        return key
