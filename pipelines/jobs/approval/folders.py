"""Where applications lie and what they say of themselves: folders, forms, fingerprints, duplicates.

Nothing here decodes a document; `application.json` is read under a limit. A folder that says nothing readable is still
an application: it is referred with the reason.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import UsageError

FORM = "application.json"
FORM_BYTES = 1 << 20
_FIELDS = ("fields", "declared", "declared_fields")
CHINA = timezone(timedelta(hours=8))
_ID = re.compile(r"[\w.\-]{1,100}\Z")


@dataclass(frozen=True)
class Form:
    """What `application.json` says. ``problem`` is "" or why it cannot be used, without a value of it."""

    id: str
    type: str = ""
    submitted_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    def day(self, today: date) -> date:
        """The day for which rules are judged: that of submission in China, ``today`` where the form names none."""
        return self.submitted_at.astimezone(CHINA).date() if self.submitted_at else today


def applications(root: Path) -> list[Path]:
    """Folders of applications under ``root``, by name: ``root`` itself when it holds a form, else each folder in it.

    Raises UsageError when there is none.
    """
    if not root.is_dir():
        raise UsageError(f"--input {root}: there is no such folder")
    if (root / FORM).exists():
        return [root]
    found = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise UsageError(f"--input {root}: no application in it; a folder each, with {FORM} and its documents")
    return found


def form_of(folder: Path) -> Form:
    """Read the form of an application. Never raises for what stands in it."""
    name = folder.name
    path = folder / FORM
    try:
        if path.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            return Form(name, problem=f"{FORM} 不是普通文件")
        if path.stat().st_size > FORM_BYTES:
            return Form(name, problem=f"{FORM} 超过 {FORM_BYTES >> 20} MiB")
        raw = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        return Form(name, problem=f"缺少 {FORM}")
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Form(name, problem=f"{FORM} 无法解析，应为 UTF-8 编码的 JSON 对象")
    if not isinstance(raw, dict):
        return Form(name, problem=f"{FORM} 应为 JSON 对象")
    return _form(name, raw)


def _form(name: str, raw: dict[str, Any]) -> Form:
    given = raw.get("id", raw.get("application_id", name))
    if not isinstance(given, str | int) or not _ID.match(str(given)):
        return Form(name, problem=f"{FORM} 的 id 应为 1 至 100 个字母、数字、汉字、点、横线或下划线")
    kind, problem = raw.get("type", ""), ""
    if not isinstance(kind, str) or not kind:
        kind, problem = "", f"{FORM} 缺少 type（事项类型）"
    fields = next((raw[key] for key in _FIELDS if key in raw), {})
    if not isinstance(fields, dict):
        fields, problem = {}, problem or f"{FORM} 的 fields 应为 JSON 对象"
    submitted = raw.get("submitted_at")
    moment = None
    if submitted is not None:
        moment = _moment(submitted)
        if moment is None:
            problem = problem or f"{FORM} 的 submitted_at 应为 RFC 3339 时间"
    return Form(str(given), kind, moment, fields, problem)


def _moment(value: object) -> datetime | None:
    """A time with an offset; without one it is China's."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
        read = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=CHINA)


def fingerprint(folder: Path, *versions: str, most_bytes: int = 512 << 20) -> str:
    """SHA-256 over the folder's regular files (name, size, content) and ``versions`` (rules, models, limits).

    Equal fingerprints give equal decisions, so such an application is not decided again. Of a file beyond
    ``most_bytes`` only the size counts: it is not read either. Links and devices count by name.
    """
    digest = hashlib.sha256()
    for version in versions:
        digest.update(version.encode() + b"\0")
    for path in _files(folder):
        digest.update(b"\1" + os.fsencode(path.relative_to(folder)) + b"\0")
        try:
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                digest.update(b"not a file")
                continue
            digest.update(str(status.st_size).encode() + b"\0")
            if status.st_size <= most_bytes:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            digest.update(str(error.errno).encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder, followlinks=False):
        names.sort()
        yield from (Path(place) / name for name in sorted(files))


def duplicate_key(kind: str, form: Form, names: Sequence[str]) -> str:
    """What two applications for the same thing have in common: SHA-256 over the declared fields ``names``.

    "" when any of them is not declared: then it cannot be told.
    """
    values = [_plain(form.fields.get(name)) for name in names]
    if not names or not all(values):
        return ""
    return hashlib.sha256("\0".join([kind, *values]).encode()).hexdigest()


def _plain(value: object) -> str:
    """Without width, spaces and case, so that the same thing typed otherwise is the same thing."""
    if value is None or isinstance(value, dict | list):
        return ""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(value))).casefold()


def earlier(found: Iterable[tuple[str, str, datetime | None]]) -> dict[str, list[str]]:
    """Application -> those before it that are for the same thing.

    ``found``: (id, duplicate key, submitted at). Before is by time of submission, then by id; an application without
    a time comes after those with one. Depends on the set only, not on its order.
    """
    groups: dict[str, list[tuple[bool, float, str]]] = {}
    for identity, key, moment in found:
        if key:
            order = (moment is None, moment.timestamp() if moment else 0.0, identity)
            groups.setdefault(key, []).append(order)
    before: dict[str, list[str]] = {}
    for members in groups.values():
        members.sort()
        for at, (_, _, identity) in enumerate(members):
            before[identity] = [one for _, _, one in members[:at] if one != identity]
    return before
