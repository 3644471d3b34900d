"""The ledger: every tampering in the table is found and named, and no crash looks like one."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.audit import AUDIT_LOG, Follow, Ledger, find_entry, public_key, seal_heads, verify, writers
from governance.audit.ledger import entry_hash
from schemas.errors import UsageError, YuqingError

Lines = list[dict[str, Any]]


class Clock:
    """Milliseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def ledger(home: Path, writer: str = "cli", **options: Any) -> Ledger:
    return Ledger(home, writer, Clock(), **{"durable": False, "seal_every_ms": None, **options})


def fill(home: Path) -> None:
    """Two writers; cli has 12 entries: heads after 5 and 10, two unsealed. worker has 3, all sealed."""
    with_worker = ledger(home, "worker")
    cli = ledger(home)
    for number in range(12):
        cli.append("ann", "reveal.done", f"weibo/p{number}", {"reason": "call back", "n": number})
        if number == 4:
            for batch in range(3):
                with_worker.append("opinion", "model.batch", "encoder@1.0.0", {"posts": 256, "batch": batch})
            cli.seal()
        if number == 9:
            cli.seal()


def rewrite(path: Path, change: Callable[[Lines], Lines]) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    written = [json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for line in change(lines)]
    path.write_text("".join(line + "\n" for line in written))


def rehash(lines: Lines, start: int) -> Lines:
    """What someone without the signing key can do: make the chain fit again from ``start`` on."""
    for at in range(start, len(lines)):
        lines[at]["prev_hash"] = lines[at - 1]["hash"] if at else "0" * 64
        lines[at]["hash"] = entry_hash(lines[at])
    return lines


def altered(lines: Lines, number: int, **fields: Any) -> Lines:
    lines[number] = {**lines[number], **fields}
    return lines


def test_an_untouched_ledger_verifies(tmp_path: Path) -> None:
    fill(tmp_path)
    report = verify(tmp_path, public_key(tmp_path), exported=Follow(tmp_path).rows())
    assert report.problems == []
    assert (report.entries, report.unsealed, report.heads, report.torn) == (15, 2, 2, 0)
    assert report.newest is not None
    assert report.newest.writers.keys() == {"cli", "worker"}


def test_an_empty_ledger_verifies(tmp_path: Path) -> None:
    assert verify(tmp_path).ok
    assert seal_heads_of_nothing(tmp_path) is None


def seal_heads_of_nothing(home: Path) -> object:
    (home / "audit").mkdir()
    return seal_heads(home, 0)


TAMPERED: dict[str, tuple[Callable[[Lines], Lines], str, list[tuple[int, int, str]]]] = {
    "detail altered": (lambda x: altered(x, 3, actor="bob"), "cli", [(3, 3, "altered")]),
    "time altered": (lambda x: altered(x, 7, at=0), "cli", [(7, 7, "altered")]),
    "first entry altered": (lambda x: altered(x, 0, subject="weibo/other"), "cli", [(0, 0, "altered")]),
    "unsealed entry altered": (lambda x: altered(x, 11, actor="bob"), "cli", [(11, 11, "altered")]),
    "altered with its own hash": (
        lambda x: [*x[:3], *rehash(altered(x, 3, actor="bob")[:4], 3)[3:], *x[4:]],
        "cli",
        [(3, 4, "altered")],
    ),
    "altered, chain made to fit": (lambda x: rehash(altered(x, 3, actor="bob"), 3), "cli", [(0, 4, "altered")]),
    "altered late, chain made to fit": (lambda x: rehash(altered(x, 8, actor="bob"), 8), "cli", [(5, 9, "altered")]),
    "one removed": (lambda x: x[:6] + x[7:], "cli", [(6, 6, "removed")]),
    "first removed": (lambda x: x[1:], "cli", [(0, 0, "removed")]),
    "three removed": (lambda x: x[:2] + x[5:], "cli", [(2, 4, "removed")]),
    "removed and renumbered": (
        lambda x: rehash([{**line, "seq": at} for at, line in enumerate(x[:6] + x[7:])], 6),
        "cli",
        [(5, 9, "altered")],
    ),
    "cut off behind a head": (lambda x: x[:8], "cli", [(8, 9, "cut off")]),
    "all cut off": (lambda x: [], "cli", [(0, 4, "cut off"), (5, 9, "cut off")]),
    "swapped": (lambda x: [*x[:4], x[5], x[4], *x[6:]], "cli", [(4, 4, "moved")]),
    "moved to the end": (lambda x: [*x[:2], *x[3:], x[2]], "cli", [(2, 2, "moved")]),
    "repeated": (lambda x: [*x[:4], x[3], *x[4:]], "cli", [(3, 3, "inserted")]),
    "inserted, chain made to fit": (
        lambda x: rehash([{**line, "seq": at} for at, line in enumerate([*x[:2], x[1], *x[2:]])], 2),
        "cli",
        [(0, 4, "altered")],
    ),
    "a huge number": (
        lambda x: [*x, {**x[-1], "seq": 10**15}],
        "cli",
        [(10**15, 10**15, "altered"), (12, 10**15 - 1, "removed")],
    ),
    "another writer's entry": (lambda x: altered(x, 2, writer="worker"), "cli", [(2, 2, "altered")]),
    "a field added": (lambda x: altered(x, 2, note="x"), "cli", [(2, 2, "altered")]),
    "worker's last cut off": (lambda x: x[:2], "worker", [(2, 2, "cut off")]),
    "head altered": (lambda x: altered(x, 0, at=1), "heads", [(0, 0, "forged")]),
    "head removed": (lambda x: x[1:], "heads", [(0, 0, "moved")]),
    "newest head cut off": (lambda x: x[:1], "heads", [(1, 1, "cut off")]),
    "all heads removed": (lambda x: [], "heads", [(0, 1, "cut off")]),
}


@pytest.mark.parametrize(("change", "writer", "found"), TAMPERED.values(), ids=TAMPERED)
def test_tampering_is_found_and_named(
    tmp_path: Path, change: Callable[[Lines], Lines], writer: str, found: list[tuple[int, int, str]]
) -> None:
    fill(tmp_path)
    rewrite(tmp_path / "audit" / f"{writer}.jsonl", change)
    problems = verify(tmp_path).problems
    assert [(p.writer, p.first, p.last, p.kind) for p in problems] == [(writer, *one) for one in found]
    assert all(str(problem).startswith(f"{writer}/{problem.first}") for problem in problems)


@pytest.mark.parametrize("line", [b"[" * 100_000, b"\xff\xfe", b"null", b"{}", b'{"seq":-1}', b"", b"7", b'"x"'])
def test_no_line_stops_the_verification(tmp_path: Path, line: bytes) -> None:
    for name in ("cli", "heads"):
        home = tmp_path / name
        fill(home)
        path = home / "audit" / f"{name}.jsonl"
        lines = path.read_bytes().split(b"\n")
        path.write_bytes(b"\n".join([lines[0], line, *lines[1:]]))
        assert {problem.writer for problem in verify(home).problems} == {name}


def test_any_change_of_what_is_sealed_is_found(tmp_path: Path) -> None:
    """400 random changes (seeded) of the first ten lines, which are sealed: a byte, or a line as a whole."""
    fill(tmp_path)
    path = tmp_path / "audit" / "cli.jsonl"
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    border = sum(map(len, lines[:10]))
    chance = random.Random(7)
    for _ in range(400):
        changed = list(lines)
        one, two = chance.sample(range(10), 2)
        match chance.choice(["byte", "remove", "double", "swap", "move"]):
            case "byte":
                at = chance.randrange(border)
                changed = [good[:at] + bytes([good[at] ^ (1 << chance.randrange(8))]) + good[at + 1 :]]
            case "remove":
                del changed[one]
            case "double":
                changed.insert(two, changed[one])
            case "swap":
                changed[one], changed[two] = changed[two], changed[one]
            case "move":
                changed.insert(two, changed.pop(one))
        if b"".join(changed) == good:
            continue
        path.write_bytes(b"".join(changed))
        assert not verify(tmp_path).ok
    path.write_bytes(good)
    assert verify(tmp_path).ok


def test_the_store_s_copy_names_the_entry_where_heads_give_a_range(tmp_path: Path) -> None:
    fill(tmp_path)
    exported = Follow(tmp_path).rows()
    rewrite(tmp_path / "audit" / "cli.jsonl", lambda x: rehash(altered(x, 11, actor="bob"), 11))
    assert verify(tmp_path).ok, "nobody signed for entry 11 yet"
    assert [(p.first, p.kind) for p in verify(tmp_path, exported=exported).problems] == [(11, "altered")]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda rows: rows[:3] + rows[4:], [("cli", 3, "removed")]),
        (lambda rows: [{**rows[0], "hash": "0" * 64}, *rows[1:]], [("cli", 0, "altered")]),
        (lambda rows: [*rows, {**rows[-1], "seq": 3}], [("worker", 3, "removed")]),
        (lambda rows: rows[:-1], []),  # the newest may be on their way
    ],
)
def test_a_tampered_table_is_found(
    tmp_path: Path, change: Callable[[Lines], Lines], found: list[tuple[str, int, str]]
) -> None:
    fill(tmp_path)
    report = verify(tmp_path, exported=change(Follow(tmp_path).rows()))
    assert [(p.writer, p.first, p.kind) for p in report.problems] == found


def test_a_removed_writer_is_found(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "audit" / "worker.jsonl").unlink()
    assert [str(p)[:20] for p in verify(tmp_path).problems] == ["worker/0-2: cut off:"]


def test_a_ledger_rolled_back_and_written_on_is_found_by_the_kept_head(tmp_path: Path) -> None:
    fill(tmp_path)
    for name, keep in (("cli", 5), ("heads", 1)):
        rewrite(tmp_path / "audit" / f"{name}.jsonl", lambda x, keep=keep: x[:keep])
    for number in range(20):
        with ledger(tmp_path, seal_every_ms=0) as cli:
            cli.append("mallory", "reveal.done", f"x{number}")
    kinds = {(p.writer, p.kind) for p in verify(tmp_path).problems}
    assert ("heads", "altered") in kinds
    assert ("cli", "altered") in kinds


def test_two_signed_histories_of_one_entry_are_found(tmp_path: Path) -> None:
    """Someone with the signing key puts an old file back after another entry was sealed in its place."""
    with ledger(tmp_path) as cli:
        cli.append("ann", "reveal.done", "first")
    old = (tmp_path / "audit" / "cli.jsonl").read_bytes()
    (tmp_path / "audit" / "cli.jsonl").unlink()
    with ledger(tmp_path) as cli:
        cli.append("ann", "reveal.done", "second")
    (tmp_path / "audit" / "cli.jsonl").write_bytes(old)
    assert [(p.writer, p.first, p.last, p.kind) for p in verify(tmp_path).problems] == [("cli", 0, 0, "altered")]


def test_a_head_kept_elsewhere_finds_what_the_local_one_cannot(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other-disk.json"
    home = tmp_path / "home"
    with ledger(home, seal_every_ms=0, anchor=elsewhere) as cli:
        for number in range(4):
            cli.append("ann", "reveal.done", str(number))
    rewrite(home / "audit" / "cli.jsonl", lambda x: x[:2])
    rewrite(home / "audit" / "heads.jsonl", lambda x: x[:2])
    assert {(p.writer, p.first, p.last, p.kind) for p in verify(home, anchor=elsewhere).problems} == {
        ("heads", 2, 3, "cut off"),
        ("cli", 2, 3, "cut off"),
    }


def test_heads_signed_with_another_key_are_forged(tmp_path: Path) -> None:
    fill(tmp_path)
    noted = public_key(tmp_path)
    other = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw())
    (tmp_path / "keys" / "audit.key").write_bytes(other)
    kinds = {p.kind for p in verify(tmp_path, noted).problems}
    assert kinds == set()
    assert {p.kind for p in verify(tmp_path).problems} == {"forged"}


@pytest.mark.parametrize("damage", [b"", b"{}", b"x"])
def test_a_damaged_kept_head_is_said(tmp_path: Path, damage: bytes) -> None:
    fill(tmp_path)
    (tmp_path / "keys" / "audit-head.json").write_bytes(damage)
    with pytest.raises(UsageError, match=r"audit head .* is damaged"):
        verify(tmp_path)
    with ledger(tmp_path) as cli:
        cli.append("ann", "job.start", "opinion")  # a damaged copy stops nobody from being audited


@pytest.mark.parametrize("torn", [b"{", b'{"writer":"cli","seq":12', b"\xff\xfe", b"x" * 200_000])
def test_a_torn_last_line_is_no_tampering_and_the_next_writer_goes_on(tmp_path: Path, torn: bytes) -> None:
    fill(tmp_path)
    with (tmp_path / "audit" / "cli.jsonl").open("ab") as file:
        file.write(torn)
    report = verify(tmp_path)
    assert (report.ok, report.torn, report.entries) == (True, 1, 15)
    entry = ledger(tmp_path).append("ann", "job.start", "opinion")
    assert entry.seq == 13
    recovered = find_entry(tmp_path, "cli/12")
    assert (recovered.action, recovered.detail) == ("audit.recovered", {"torn_bytes": len(torn)})
    assert verify(tmp_path).ok


def test_two_processes_of_one_writer_make_one_chain(tmp_path: Path) -> None:
    one, two = ledger(tmp_path), ledger(tmp_path)
    seqs = [who.append("ann", "x", str(i)).seq for i, who in enumerate([one, two, two, one, two, one])]
    assert seqs == list(range(6))
    assert verify(tmp_path).ok


CHILD = """
import sys, time
from pathlib import Path
from governance.audit import Ledger
ledger = Ledger(Path(sys.argv[1]), sys.argv[2], lambda: time.time_ns() // 1_000_000, durable=False, seal_every_ms=3)
for number in range(200_000):
    entry = ledger.append("worker", "model.batch", "encoder@1.0.0", {"batch": number, "pad": "x" * 500})
    sys.stdout.write(f"{entry.seq} {entry.hash}\\n")
    sys.stdout.flush()
"""


@pytest.mark.faults
def test_kill_9_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Two writers are killed four times each while they append and seal; entry and head may be torn apart anywhere."""
    acknowledged: dict[tuple[str, int], str] = {}
    for turn in range(4):
        children = {
            writer: subprocess.Popen(
                [sys.executable, "-c", CHILD, str(tmp_path), writer], stdout=subprocess.PIPE, text=True
            )
            for writer in ("w1", "w2")
        }
        for writer, child in children.items():
            assert child.stdout is not None
            for _ in range(15 + 11 * turn):  # a number of entries, not a time, decides when
                seq, digest = child.stdout.readline().split()
                acknowledged[writer, int(seq)] = digest
            os.kill(child.pid, signal.SIGKILL)
            child.wait(30)
            for line in child.stdout.read().splitlines(keepends=True):
                if line.endswith("\n"):
                    acknowledged[writer, int(line.split()[0])] = line.split()[1]
            child.stdout.close()
        report = verify(tmp_path)
        assert report.problems == []
    there = {(row["writer"], row["seq"]): row["hash"] for row in Follow(tmp_path).rows()}
    assert acknowledged.items() <= there.items()
    assert report.heads > 4


def test_entries_are_sealed_as_time_passes_and_at_the_end(tmp_path: Path) -> None:
    clock = Clock()
    who = Ledger(tmp_path, "cli", clock, durable=False, seal_every_ms=1000)
    unsealed = []
    for _ in range(5):
        who.append("ann", "x", "y")
        unsealed.append(verify(tmp_path).unsealed)
        clock.now += 400
    who.close()
    who.close()
    assert unsealed == [0, 1, 2, 0, 1]
    assert verify(tmp_path).unsealed == 0


def test_rows_fit_the_table_and_go_on_where_the_last_export_ended(tmp_path: Path) -> None:
    fill(tmp_path)
    rows = Follow(tmp_path).rows()
    table = pa.Table.from_pylist(rows, schema=AUDIT_LOG)
    assert table.num_rows == 15
    assert [row["seq"] for row in Follow(tmp_path, {"cli": 9, "worker": 2}).rows()] == [10, 11]
    assert writers(tmp_path) == ["cli", "worker"]
    assert {**asdict(find_entry(tmp_path, "cli/4")), "detail": rows[4]["detail"]} == rows[4]


def test_newest_entries_come_first_across_block_borders(tmp_path: Path) -> None:
    who = ledger(tmp_path)
    for number in range(300):
        who.append("ann", "x", str(number), {"pad": "汉" * (number * 7 % 1300)})
    assert [entry.seq for entry in who.newest_first()] == list(range(299, -1, -1))


@pytest.mark.parametrize("name", ["", "a/b", "../x", "A", "heads", ".x", "x" * 65])
def test_writers_have_plain_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="audit writer"):
        Ledger(tmp_path, name, Clock())


@pytest.mark.parametrize("entry_id", ["", "cli", "cli/99", "cli/x", "../cli/1", "nobody/0"])
def test_an_unknown_entry_is_said(tmp_path: Path, entry_id: str) -> None:
    fill(tmp_path)
    with pytest.raises(YuqingError, match="no audit entry"):
        find_entry(tmp_path, entry_id)


def test_an_oversized_detail_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    who = ledger(tmp_path)
    with pytest.raises(UsageError, match="larger than 4096"):
        who.append("ann", "x", "y", {"reason": "长" * 2000})
    assert list(who.newest_first()) == []


def test_cost_of_an_entry_is_below_two_percent_of_a_batch(tmp_path: Path) -> None:
    """A batch of 256 posts takes at least 0.2 CPU-seconds with the model; an entry may cost 4 ms of that."""
    who = Ledger(tmp_path, "worker", lambda: time.time_ns() // 1_000_000, durable=False)
    start = time.process_time()
    for number in range(500):
        who.append("opinion", "model.batch", "encoder@1.0.0", {"posts": 256, "batch": number})
    assert (time.process_time() - start) / 500 < 0.004
