"""What came out against what must have come out, line by line. Findings name a line, never what stands in it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.hostile.lines import Line
from loadtest.hostile.planted import Planted
from loadtest.hostile.texts import CANARY

KEPT_BYTES = 65_537
"""Of an over-long line: what its dead letter's SHA-256 is of (`docs/operating.md`)."""


@dataclass(frozen=True)
class Finding:
    """Something that must not be: which line of the chunk, of what kind, what is wrong."""

    line: int
    kind: str
    what: str


def row_findings(number: int, line: Line, row: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with a row that came of ``line``."""
    want = line.expected
    if not want.row:
        yield Finding(number, line.kind, f"a row, where a dead letter was due: {' or '.join(want.reasons) or 'blank'}")
        return
    if row.get("id") != want.id:
        yield Finding(number, line.kind, "the row has another id")
        return
    yield from _masked(number, line, row)


def _masked(number: int, line: Line, row: dict[str, Any]) -> Iterator[Finding]:
    text, pii = line.expected.text, row["pii"]
    built, at, hidden = [], 0, bytearray(len(text))
    for span in pii:
        start, end = span["start"], span["end"]
        if not at <= start < end <= len(text):
            yield Finding(number, line.kind, f"span {start}-{end} of {span['type']} overlaps or lies outside")
            return
        built += [text[at:start], f"<{span['type']}>"]
        hidden[start:end] = b"\1" * (end - start)
        at = end
    if "".join([*built, text[at:]]) != row["text"]:
        yield Finding(number, line.kind, "the row's text is not the input with its spans as tokens")
    for one in line.planted:
        left = [place for place in range(one.start, one.end) if text[place].isalnum() and not hidden[place]]
        if left:
            yield Finding(number, line.kind, f"{len(left)} of {one.end - one.start} characters of a {one.kind} stand")


def dead_findings(number: int, line: Line, letter: dict[str, Any]) -> Iterator[Finding]:
    """What is wrong with a dead letter that came of ``line``."""
    want = line.expected
    if letter["step"] != "parse":
        yield Finding(number, line.kind, f"step {letter['step']} rejects it: {letter['reason'][:80]}")
    elif want.blank:
        yield Finding(number, line.kind, "a dead letter of a blank line")
    elif not any(letter["reason"].startswith(reason) for reason in want.reasons):
        due = "a row" if want.row else " or ".join(want.reasons)
        yield Finding(number, line.kind, f"dead letter {letter['reason'][:60]!r}, where due was {due}")
    if letter["sha256"] != hashlib.sha256(line.raw.removesuffix(b"\r")[:KEPT_BYTES]).hexdigest():
        yield Finding(number, line.kind, "the dead letter's SHA-256 is of something else")


def step_findings(
    lines: Sequence[tuple[int, Line]], rows: Sequence[dict[str, Any]], dead: dict[int, dict[str, Any]]
) -> Iterator[Finding]:
    """Match the rows of a step with its numbered lines. ``dead``: dead letters by number; what is met is taken out."""
    came = iter(rows)
    left = len(rows)
    for number, line in lines:
        letter = dead.pop(number, None)
        if letter is not None:
            yield from dead_findings(number, line, letter)
        elif line.expected.blank:
            continue
        elif left:
            left -= 1
            yield from row_findings(number, line, next(came))
        else:
            yield Finding(number, line.kind, "neither a row nor a dead letter came of it")
    if left:
        yield Finding(lines[-1][0] if lines else 0, "step", f"{left} rows more than lines")


def leaks(said: bytes, planted: Sequence[Planted]) -> Counter[str]:
    """Kinds of planted values, or "post text", that stand in what was said beside the rows (logs, dead letters)."""
    text = re.sub(r'"sha256":"[0-9a-f]{64}"', "", said.decode("utf-8", "replace"))
    found: Counter[str] = Counter()
    if CANARY in text or CANARY.encode().hex() in text or CANARY.encode("unicode_escape").decode() in text:
        found["post text"] += 1
    for one in planted:
        if len(one.text) > 4 and one.text in text:
            found[one.kind] += 1
    return found
