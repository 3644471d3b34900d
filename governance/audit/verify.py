"""Finding what was removed, altered, inserted or moved in the audit ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.audit.heads import ANCHOR, HEADS, Head, parse_head, public_key, read_anchor
from governance.audit.journal import canonical, read_lines
from governance.audit.ledger import GENESIS, entry_hash, writers


@dataclass(frozen=True)
class Problem:
    """What is wrong with which entries: ``first`` to ``last`` of ``writer`` (``heads``: of the heads themselves)."""

    writer: str
    first: int
    last: int
    kind: str  # removed, altered, inserted, moved, cut off, forged
    explanation: str

    def __str__(self) -> str:
        which = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.writer}/{which}: {self.kind}: {self.explanation}"


@dataclass
class Report:
    """Result of ``verify``. ``unsealed`` entries follow the newest head: chained, but not yet signed for."""

    entries: int = 0
    unsealed: int = 0
    torn: int = 0  # unfinished last lines, left by killed processes; never acknowledged to anyone
    heads: int = 0
    newest: Head | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(
    home: Path,
    key: bytes | None = None,
    anchor: Path | None = None,
    exported: Iterable[Mapping[str, Any]] | None = None,
) -> Report:
    """Check every chain, every head and the kept head; with ``exported`` (rows of ``audit_log``) the store's copy too.

    ``key`` is the public key as noted outside this machine; if None, the one in HOME/keys is trusted. Cost: 40 us an
    entry; reads one writer's file at a time into memory.
    """
    report = Report()
    trusted = Ed25519PublicKey.from_public_bytes(key or public_key(home))
    heads = _check_heads(home, trusted, anchor or home / "keys" / ANCHOR, report)
    copies: dict[str, dict[int, str]] = {}
    for row in exported or ():
        copies.setdefault(row["writer"], {})[row["seq"]] = row["hash"]
    sealed_writers = {writer for head in heads for writer in head.writers}
    for writer in sorted({*writers(home), *sealed_writers, *copies}):
        chain = _Chain(writer, report)
        chain.read(home / "audit" / f"{writer}.jsonl")
        for head in heads:
            if writer in head.writers:
                chain.check_sealed(*head.writers[writer])
        chain.check_copy(copies.get(writer, {}))
        chain.finish()
    return report


class _Chain:
    """One writer's entries while they are checked. Each entry is blamed once, by the most exact finding."""

    def __init__(self, writer: str, report: Report) -> None:
        self.writer, self.report = writer, report
        self.hashes: dict[int, str] = {}
        self.sealed = -1
        self._blamed: set[int] = set()
        self._blamed_ranges: list[tuple[int, int]] = []  # a forged number may be huge: no set of what lies between
        self._rewritten = False

    def read(self, path: Path) -> None:
        lines, torn = read_lines(path) if path.exists() else ([], 0)
        self.report.torn += torn > 0
        self.report.entries += len(lines)
        links: dict[int, str] = {}
        newest, unreadable = -1, 0
        for number, line in enumerate(lines):
            record = _parse(line)
            if record is None or record["writer"] != self.writer:
                unreadable += 1
                self.blame(number, number, "altered", f"line {number + 1} is no entry of this writer")
                continue
            seq = record["seq"]
            if seq in self.hashes:
                self.blame(seq, seq, "inserted", f"line {number + 1} repeats this number", again=True)
                continue
            if seq < newest:
                self.blame(seq, seq, "moved", f"stands on line {number + 1}, after entry {newest}")
            newest = max(newest, seq)
            if record["hash"] != entry_hash(record):
                self.blame(seq, seq, "altered", "its content does not give its hash")
            self.hashes[seq], links[seq] = record["hash"], record["prev_hash"]
        self._report_gaps()
        for seq, link in links.items():
            before = GENESIS if seq == 0 else self.hashes.get(seq - 1)
            if before is not None and link != before and not self._touched(seq - 1, seq):
                self.blame(max(seq - 1, 0), seq, "altered", "the later entry does not continue the earlier one")

    def check_sealed(self, seq: int, digest: str) -> None:
        """``digest`` was signed as the hash of entry ``seq`` when that was the newest."""
        first = min(self.sealed + 1, seq)
        last = max(self.hashes, default=-1)
        if seq > last:
            self.blame(max(last, self.sealed) + 1, seq, "cut off", "a signed head proves that these entries were there")
        elif self.hashes.get(seq) != digest and not self._rewritten and not self._touched(first, seq):
            self._rewritten = True  # later heads differ as a consequence
            self.blame(first, seq, "altered", "rewritten from one of these on: a signed head differs")
        self.sealed = max(self.sealed, seq)

    def check_copy(self, copy: Mapping[int, str]) -> None:
        """``copy``: seq -> hash, as the store's table has it."""
        for seq, digest in sorted(copy.items()):
            if seq not in self.hashes:
                self.blame(seq, seq, "removed", "the store's audit_log has it")
            elif self.hashes[seq] != digest:
                self.blame(seq, seq, "altered", "the store's audit_log has other content")
        newest = max(copy, default=-1)
        for seq in sorted(seq for seq in self.hashes if seq < newest and seq not in copy):
            self.blame(seq, seq, "removed", "missing in the store's audit_log only")

    def finish(self) -> None:
        self.report.unsealed += sum(seq > self.sealed for seq in self.hashes)

    def blame(self, first: int, last: int, kind: str, explanation: str, again: bool = False) -> None:
        known = (first == last and first in self._blamed) or (first, last) in self._blamed_ranges
        if last < first or (known and not again):
            return
        if first == last:
            self._blamed.add(first)
        else:
            self._blamed_ranges.append((first, last))
        self.report.problems.append(Problem(self.writer, first, last, kind, explanation))

    def _touched(self, first: int, last: int) -> bool:
        """Whether something in this range was blamed already."""
        singles = range(first, last + 1) if last - first < len(self._blamed) else self._blamed
        return any(first <= one <= last and one in self._blamed for one in singles) or any(
            low <= last and first <= high for low, high in self._blamed_ranges
        )

    def _report_gaps(self) -> None:
        there = sorted(self.hashes)
        for before, after in zip([-1, *there], there, strict=False):
            if after > before + 1:
                self.blame(before + 1, after - 1, "removed", f"entry {after} follows {before}")


def _check_heads(home: Path, key: Ed25519PublicKey, anchor: Path, report: Report) -> list[Head]:
    """The heads whose signatures hold; problems of the others go into the report."""
    kept = read_anchor(anchor)  # first: a head is kept after it is written, so one sealed meanwhile is no alarm
    path = home / "audit" / f"{HEADS}.jsonl"
    lines, torn = read_lines(path) if path.exists() else ([], 0)
    report.torn += torn > 0
    report.heads = len(lines)
    found: list[Head] = []
    blame = _Chain(HEADS, report).blame
    before = GENESIS
    for number, line in enumerate(lines):
        try:
            head = parse_head(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            blame(number, number, "altered", "cannot be read")
            before = ""
            continue
        if not head.signed_by(key):
            blame(number, number, "forged", "its signature does not hold")
            before = ""
            continue
        if head.number != number or (before and head.prev_hash != before):
            blame(number, number, "moved", f"head {head.number} stands here: heads are missing or out of order")
        before = head.hash
        found.append(head)
    if kept is None:
        if lines:
            blame(len(lines) - 1, len(lines) - 1, "removed", f"the kept head {anchor.name} is gone")
    elif not kept.signed_by(key):
        blame(kept.number, kept.number, "forged", f"the signature of the kept head {anchor.name} does not hold")
    else:
        last = max((head.number for head in found), default=-1)
        if kept.number > last:
            blame(last + 1, kept.number, "cut off", "the kept head proves that these heads were there")
        elif kept.hash not in {head.hash for head in found}:
            blame(kept.number, kept.number, "altered", "differs from the kept head")
        found.append(kept)
    report.newest = found[-1] if found else None
    return sorted(found, key=lambda head: head.number)


def _parse(line: bytes) -> dict[str, Any] | None:
    """The entry on a line; None unless it is one, in exactly the form in which entries are written."""
    try:
        record = json.loads(line)
        whole = isinstance(record["seq"], int) and record["seq"] >= 0
        texts = all(isinstance(record[name], str) for name in ("writer", "prev_hash", "hash"))
        return record if whole and texts and canonical(record) == line else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
