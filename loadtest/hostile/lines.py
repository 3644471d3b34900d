"""Seeded hostile lines, each with what must become of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from loadtest.hostile.cases import CASES
from loadtest.hostile.planted import Planted
from loadtest.hostile.reference import Expected, expected
from loadtest.hostile.texts import text


@dataclass(frozen=True)
class Line:
    """``kind`` for reports. ``planted`` only where the line becomes a row: offsets are in its text."""

    raw: bytes
    kind: str
    expected: Expected
    planted: tuple[Planted, ...] = ()


def lines(count: int, seed: int, chunk: int = 0) -> Iterator[Line]:
    """``count`` lines of a chunk: the same for the same seed and chunk. Ids are distinct over chunks and seeds."""
    r = random.Random(f"hostile {seed} {chunk}")  # noqa: S311 - data for tests
    for number in range(count):
        own_id = f"{seed % 0x10000:04x}{chunk % 0x10000:04x}{number % 2**32:08x}"
        choice = r.random()
        if choice < 0.1:
            yield _case(r, own_id)
        elif choice < 0.7:
            yield _post(r, own_id)
        else:
            yield _mutated(r, own_id)


def _case(r: random.Random, own_id: str) -> Line:
    name, raw, reason = r.choice(CASES)
    raw = raw.replace(b"@", own_id.encode(), 1)
    read = _read(raw)
    told = Expected(
        row=name[0] in "yi", reasons=(reason,) if reason else (), id=own_id, text=read.text, blank=name[0] == "b"
    )
    # the text of an i_ case that the reference refuses is not known
    return Line(raw, name, told)


def _post(r: random.Random, own_id: str) -> Line:
    written, found = text(r)
    post: dict[str, object] = {"id": own_id, "text": written}
    if r.random() < 0.5:
        # identifiers in other fields never reach a row: they are dropped, or masked where they are shown
        post |= {"author": r.choice(("张三", "用户13911112222", "\u202e")), "platform": r.choice(("weibo", "", "抖音"))}
        post |= {"likes": r.choice((0, -1, 2**63 - 1)), "extra": {"电话": "13911112222"}, "reposts": r.randint(0, 9)}
    raw = json.dumps(post, ensure_ascii=r.random() < 0.2).encode()
    read = _read(raw)
    return Line(raw, "post", read, tuple(found) if read.row else ())


def _mutated(r: random.Random, own_id: str) -> Line:
    """A post whose bytes were changed: flipped, cut, doubled, or spliced with another line's."""
    raw = bytearray(_post(r, own_id).raw)
    kinds = r.choices(("flip", "cut", "double", "splice", "byte", "escape"), k=r.randint(1, 3))
    for kind in kinds:
        at, to = sorted((r.randint(0, len(raw)), r.randint(0, len(raw))))
        if kind == "flip" and at < len(raw):
            raw[at] ^= 1 << r.randrange(8)
        elif kind == "cut":
            del raw[at : min(to, at + r.choice((1, 3, 10_000)))]
        elif kind == "double":
            raw[at:at] = raw[at : min(to, at + 40)]
        elif kind == "splice":
            raw[at:] = _post(r, own_id).raw[at:]
        elif kind == "byte":
            raw.insert(at, r.choice((0, 0x0D, 0x22, 0x5C, 0x7B, 0x7D, 0x80, 0xC0, 0xED, 0xF4, 0xFF)))
        else:
            raw[at:at] = r.choice((b"\\u0000", b"\\ud83d", b"\\ude00", b"\\", b'","text":"', b"\\ud83d\\ude00"))
    whole = bytes(raw).replace(b"\n", b"\r")
    return Line(whole, "+".join(sorted(set(kinds))), _read(whole))


def _read(raw: bytes) -> Expected:
    """A line ends with LF or CR LF: one CR at its end is no part of it."""
    return expected(raw.removesuffix(b"\r"))
