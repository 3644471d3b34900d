"""Key material: where it comes from, how it is made once, how it rotates.

Two kinds of secret, 256 bits each:

* *master keys* (key-encryption keys) wrap the data keys with which vault values and dead letters are encrypted. There
  may be several: the newest encrypts, all decrypt, so rotation rewrites nothing. **A master key lost is data gone**:
  no other way leads back to the values sealed under it.
* the *token key* (HMAC) makes the deterministic tokens. It does not rotate: a new one would give every phone number a
  new token, and counts across the change would be wrong.

The default source is ``HOME/keys/keyring.json`` (folder 0700, file 0600), made by the first `yuqing up`. Each of the
two can instead come from an environment variable (``env:NAME``) or a command (``command:kms-client get yuqing``):
base64, several master keys separated by white space or commas, newest first.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from schemas.errors import UsageError

KEY_BYTES = 32
KEY_ID_BYTES = 8
KEYRING = "keyring.json"
DISK_KEY = "disk.key"
COMMAND_TIMEOUT_S = 30
LOSS_WARNING = (
    "New encryption keys were made in {folder}. Back this folder up in a safe place: if the keys are lost, every "
    "phone number in the vault, every encrypted dead letter and all that the embedded store holds is gone for good."
)
ROTATION_WARNING = (
    "Back {folder} up again now, old keys too: if a key is lost, every number in the vault and every dead letter that "
    "was sealed under it is gone for good."
)


@dataclass(frozen=True)
class Key:
    """One secret and its public name. The secret stays out of ``repr`` and refuses to be pickled."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise UsageError(f"a key must have {KEY_BYTES} bytes, this one has {len(self.secret)}")

    @property
    def id(self) -> str:
        """16 hexadecimal digits, a one-way hash of the secret: safe to store and to print."""
        return hashlib.sha256(b"yuqing key id\x00" + self.secret).digest()[:KEY_ID_BYTES].hex()

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: load them where they are used (Step.open)")


@dataclass(frozen=True)
class Keys:
    """Every secret a worker needs. ``master[0]`` encrypts; the rest only decrypt."""

    master: tuple[Key, ...]
    token: Key
    created: bool = field(default=False, compare=False)
    """True when this very call made the keys: the caller then shows ``LOSS_WARNING``."""


def ensure_keys(home: Path, master: str = "file", token: str = "file") -> Keys:  # noqa: S107 - source names
    """Load the keys, making those whose source is ``file`` if HOME has none yet.

    Processes that race get the same keys, and exactly one of them sees ``created``. Raises UsageError as ``load_keys``.
    """
    made = False
    if "file" in (master, token):
        made = create_once(
            home,
            KEYRING,
            lambda: _dump([secrets.token_bytes(KEY_BYTES)], secrets.token_bytes(KEY_BYTES)),
        )
    keys = load_keys(home, master, token)
    return Keys(keys.master, keys.token, created=made)


def load_keys(home: Path, master: str = "file", token: str = "file") -> Keys:  # noqa: S107 - source names
    """Read the keys from their sources: ``file``, ``env:NAME`` or ``command:LINE``.

    Raises UsageError when a source is missing, too open, damaged, or holds a key of the wrong length.
    """
    ring = _read_ring(home) if "file" in (master, token) else None
    masters = ring[0] if master == "file" and ring else _from_source("keys.master", master)
    tokens = [ring[1]] if token == "file" and ring else _from_source("keys.token", token)  # noqa: S105
    if len(tokens) != 1:
        raise UsageError(f"keys.token gives {len(tokens)} keys; there must be exactly one")
    if len(set(masters)) != len(masters):
        raise UsageError("keys.master gives the same key twice; list each once, newest first")
    return Keys(tuple(Key(secret) for secret in masters), Key(tokens[0]))


def rotate_master(home: Path, witness: Callable[[Key, Key], None] = lambda new, old: None) -> Key:
    """Put a new master key in front of those in HOME's key ring and return it.

    ``witness(new, newest until now)`` is called before the ring is replaced; what it raises leaves the ring as it was.

    Nothing stored is rewritten: old values name the key that opens them. Running workers go on with the old key until
    they start again. Cost: one small file.
    """
    _read_ring(home)  # says what is missing, before there is a folder to lock
    with _locked(home):
        masters, token = _read_ring(home)
        new = secrets.token_bytes(KEY_BYTES)
        witness(Key(new), Key(masters[0]))
        path = home / "keys" / KEYRING
        temporary = write_private(path.parent, _dump([new, *masters], token))
        os.replace(temporary, path)
        _sync_folder(path.parent)
    return Key(new)


def ensure_disk_keys(home: Path, source: str = "file") -> tuple[bytes, ...]:
    """The keys of the store's encrypted disk, newest first; ``file`` is HOME/keys/disk.key, made by the first call.

    The newest encrypts new files, all decrypt. Raises UsageError as ``load_keys``.
    """
    if source != "file":
        return tuple(_from_source("keys.disk", source))
    create_once(home, DISK_KEY, lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    where = str(home / "keys" / DISK_KEY)
    held = tuple(_decode(where, line) for line in read_private(home, DISK_KEY).decode("ascii", "replace").split())
    if not held:
        raise UsageError(f"{where} is empty: restore it from your backup")
    return held


def create_once(home: Path, name: str, content: Callable[[], bytes]) -> bool:
    """Make ``HOME/keys/name`` with ``content()`` unless it exists; True when this call made it.

    The file appears whole or not at all: it is written aside and hard-linked into place, and a link, unlike a rename,
    never replaces the file of a faster process.
    """
    folder = home / "keys"
    path = folder / name
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # a umask can only have taken rights away; this states the exact mode
    if path.exists():
        return False
    _check_mode(folder, 0o700)
    temporary = write_private(folder, content())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(folder)
    return True


def read_private(home: Path, name: str) -> bytes:
    """The bytes of ``HOME/keys/name``; raises UsageError when it is missing or others may read it."""
    folder = home / "keys"
    path = folder / name
    if not path.exists():
        raise UsageError(f"no keys in {folder} ({name} is missing): run `yuqing up` once, or restore your backup")
    _check_mode(folder, 0o700)
    _check_mode(path, 0o600)
    return path.read_bytes()


def _dump(masters: list[bytes], token: bytes) -> bytes:
    ring = {
        "version": 1,
        "master": [base64.b64encode(secret).decode() for secret in masters],
        "token": base64.b64encode(token).decode(),
    }
    return json.dumps(ring, indent=1).encode() + b"\n"


def _read_ring(home: Path) -> tuple[list[bytes], bytes]:
    where = f"{home / 'keys' / KEYRING}"
    raw = read_private(home, KEYRING)
    try:
        ring = json.loads(raw)
        if ring["version"] != 1:
            raise UsageError(f"{where} has version {ring['version']}; this program reads version 1")
        texts = [*ring["master"], ring["token"]]
        if len(texts) < 2 or not all(isinstance(text, str) for text in texts):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        # `from None`: the parser's error quotes the file, and the file is the secret
        raise UsageError(f"{where} is damaged: restore it from your backup") from None
    decoded = [_decode(where, text) for text in texts]
    return decoded[:-1], decoded[-1]


def _from_source(setting: str, source: str) -> list[bytes]:
    kind, _, rest = source.partition(":")
    if kind == "env" and rest:
        text = os.environ.get(rest, "")
        where = f"environment variable {rest} ({setting})"
    elif kind == "command" and rest:
        text = _run(setting, rest)
        where = f"the command of {setting}"
    else:
        raise UsageError(f"{setting}: {source!r} is no key source; use file, env:NAME or command:LINE")
    parts = text.replace(",", " ").split()
    if not parts:
        raise UsageError(f"{where} is empty; it must give {KEY_BYTES} bytes in base64")
    return [_decode(where, part) for part in parts]


def _run(setting: str, line: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own setting, split without a shell
            shlex.split(line), capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{setting}: the key command did not run ({type(error).__name__}); try it by hand") from None
    if done.returncode:
        # its output may hold key material: name the code only
        raise UsageError(f"{setting}: the key command ended with exit code {done.returncode}; try it by hand")
    return done.stdout


def _decode(where: str, text: str) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(f"{where} is not valid base64") from None
    if len(secret) != KEY_BYTES:
        raise UsageError(f"{where} holds a key of {len(secret)} bytes; it must have {KEY_BYTES}")
    return secret


def _check_mode(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UsageError(f"{path} is open to others (mode {mode:o}): run `chmod {wanted:o} {path}`")


def write_private(folder: Path, content: bytes) -> Path:
    """Write a new file that only its owner can read, through to the disk; the caller moves it into place."""
    path = folder / f".new-{os.getpid()}-{secrets.token_hex(4)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    handle = os.open(home / "keys", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
