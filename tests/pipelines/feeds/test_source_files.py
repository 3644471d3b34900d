"""Files as a source: every line is one record with its position, however the file is cut, packed or damaged."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.feeds.files import FileReader, FileSplit, index, read_stream
from pipelines.feeds.folder import scan
from pipelines.feeds.lines import KEPT, MAX_LINE, SourceChanged, SourceError
from schemas.errors import UsageError
from schemas.records import RAW

NOW = 1_626_782_400_000
Record = tuple[int, bytes]


def clock() -> int:
    return NOW


def records(path: Path, lines_per_split: int = 512) -> list[Record]:
    reader = FileReader(clock)
    found: list[Record] = []
    for split in index(path, lines_per_split):
        batch = reader.read(split)
        batch.validate(full=True)
        assert batch.schema == RAW
        assert batch.num_rows <= split.lines <= lines_per_split
        found += zip(batch["offset"].to_pylist(), batch["raw"].to_pylist(), strict=True)
    reader.close()
    return found


CASES = [
    ("empty", b"", []),
    ("one", b"{}\n", [(0, b"{}")]),
    ("no final newline", b"{}\n[]", [(0, b"{}"), (1, b"[]")]),
    ("CRLF", b"a\r\nb\r\n", [(0, b"a"), (1, b"b")]),
    ("CRLF, no final newline", b"a\r\nb\r", [(0, b"a"), (1, b"b")]),
    ("a CR inside, two CRs", b"a\rb\nc\r\r\n", [(0, b"a\rb"), (1, b"c\r")]),
    ("blank lines keep counting", b"\n\na\n \t\n\r\nb\n\n", [(2, b"a"), (5, b"b")]),
    ("blank lines only", b"\n\r\n  \n", []),
    ("white space around stays", b" a \n", [(0, b" a ")]),
    ("invalid UTF-8 and NUL", b"\xff\xfe\n\x00\n\xe4\xb8\n", [(0, b"\xff\xfe"), (1, b"\x00"), (2, b"\xe4\xb8")]),
    (
        "other line ends are text",
        "甲\u2028乙\x85丙\x0b丁\x0c\n戊\n".encode(),
        [(0, "甲\u2028乙\x85丙\x0b丁\x0c".encode()), (1, "戊".encode())],
    ),
    ("byte order mark", b"\xef\xbb\xbf{}\n\xef\xbb\xbf[]\n", [(0, b"{}"), (1, b"\xef\xbb\xbf[]")]),
    ("nothing but a byte order mark", b"\xef\xbb\xbf\n", []),
    ("longest allowed", b"x" * MAX_LINE + b"\n", [(0, b"x" * MAX_LINE)]),
    ("longest allowed, CRLF", b"x" * MAX_LINE + b"\r\n", [(0, b"x" * MAX_LINE)]),
    ("one too long", b"x" * KEPT + b"\na\n", [(0, b"x" * KEPT), (1, b"a")]),
    ("one too long, CRLF", b"x" * KEPT + b"\r\na\n", [(0, b"x" * KEPT), (1, b"a")]),
    ("the last byte kept is a CR", b"x" * MAX_LINE + b"\rx\na", [(0, b"x" * MAX_LINE + b"\r"), (1, b"a")]),
    ("far too long", b"a\n" + b"y" * 1_000_000 + b"\nb", [(0, b"a"), (1, b"y" * KEPT), (2, b"b")]),
    ("far too long, last", b"y" * 1_000_000, [(0, b"y" * KEPT)]),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("lines_per_split", [1, 2, 512])
@pytest.mark.parametrize(("content", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_lines(tmp_path: Path, content: bytes, expected: list[Record], lines_per_split: int, packed: bool) -> None:
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert records(path, lines_per_split) == expected


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(("content", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_stream(content: bytes, expected: list[Record], packed: bool) -> None:
    stream = io.BytesIO(gzip.compress(content) if packed else content)
    batches = list(read_stream(stream, clock=clock, lines=2))
    assert all(0 < batch.num_rows <= 2 and batch.schema == RAW for batch in batches)
    assert [(o, r) for b in batches for o, r in zip(b["offset"].to_pylist(), b["raw"].to_pylist())] == expected  # noqa: B905


def test_a_stream_is_answered_before_its_writer_goes_on() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as writer:
        batches = read_stream(stream, clock=clock)
        for number in range(3):
            writer.write(b"line %d\n" % number)
            batch = next(batches)
            assert (batch["offset"].to_pylist(), batch["raw"].to_pylist()) == ([number], [b"line %d" % number])


def test_a_damaged_stream_names_the_line() -> None:
    packed = gzip.compress(b"a\nb\nc\n")
    batches = read_stream(io.BytesIO(packed[:-9]), partition="stdin")
    with pytest.raises(SourceError, match=r"^stdin, line \d: the gzip file ends in the middle"):
        list(batches)


line = st.one_of(
    st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")),
    st.sampled_from([b"", b"\r", b" ", b"z" * MAX_LINE, b"z" * KEPT, b"z" * (KEPT + 1), b"z" * 70_000 + b"\r"]),
)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(line, max_size=40),
    final=st.booleans(),
    lines_per_split=st.integers(1, 45),
    members=st.integers(0, 4),
)
def test_splits_of_any_size_give_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], final: bool, lines_per_split: int, members: int
) -> None:
    content = b"\n".join(lines) + (b"\n" if final else b"")
    folder = tmp_path_factory.mktemp("split")
    whole = folder / "whole.jsonl"
    whole.write_bytes(content)
    path = folder / "file"
    if members:  # concatenated gzip members, cut anywhere
        step = len(content) // members + 1
        parts = [content[i : i + step] for i in range(0, len(content), step)] or [b""]
        path.write_bytes(b"".join(gzip.compress(part) for part in parts) + b"\0" * (members - 1))
    else:
        path.write_bytes(content)
    # the truth without any of our code: split, strip, cut
    expected = []
    for number, raw in enumerate(content.split(b"\n")):
        raw = raw.removesuffix(b"\r")[:KEPT] if len(raw) <= KEPT + 1 else raw[:KEPT]
        if number == 0:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if raw.strip(b" \t\r\v\f"):
            expected.append((number, raw))
    assert records(path, lines_per_split) == expected
    assert records(whole, lines_per_split) == expected


def test_what_a_record_says_of_itself(tmp_path: Path) -> None:
    folder = tmp_path / "微博 数据"
    folder.mkdir()
    path = folder / "第1批.jsonl"
    path.write_bytes(b"a\n\nb\n")
    os.utime(path, ns=(0, 1_600_000_000_123_456_789))
    (split,) = index(path)
    assert FileReader(clock).read(split).to_pylist() == [
        {
            "source": str(folder),
            "partition": "第1批.jsonl",
            "offset": offset,
            "timestamp": 1_600_000_000_123,
            "ingested_at": NOW,
            "raw": raw,
        }
        for offset, raw in ((0, b"a"), (2, b"b"))
    ]
    (named,) = index(path, source="weibo")
    assert FileReader(clock).read(named)["source"].to_pylist() == ["weibo", "weibo"]


def test_a_split_goes_through_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"a\nb\n")
    for split in index(path, 1):
        assert FileSplit(**json.loads(json.dumps(dataclasses.asdict(split)))) == split


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xb5\xda1.jsonl")
    Path(os.fsdecode(path)).write_bytes(b"a\n")
    (split,) = index(os.fsdecode(path))
    assert FileReader(clock).read(split)["partition"].to_pylist() == ["\\xb5\\xda1.jsonl"]


# -- gzip ------------------------------------------------------------------------------------------------------------
def numbered(count: int) -> bytes:
    # digests, so that gzip cannot make it small and the file has many blocks
    return b"".join(b"%d %d\n" % (n, zlib.crc32(b"%d" % n) ** 3) for n in range(count))


def test_gzip_splits_in_order_cost_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(numbered(50_000)))
    splits = index(path)
    assert len(splits) == 98
    made = []
    real = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda **keys: made.append(1) or real(**keys))
    reader = FileReader(clock)
    for split in splits:
        reader.read(split)
    assert len(made) == 1
    reader.read(splits[3])  # a restart: from the beginning, skipping
    assert len(made) == 2
    reader.close()


def test_gzip_splits_handed_out_in_any_order_and_to_two_readers(tmp_path: Path) -> None:
    content = numbered(5_000)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(content))
    splits = index(path, 100)
    readers = [FileReader(clock), FileReader(clock)]
    order = [*range(0, 50, 2), *range(49, 0, -2)]
    found = {at: readers[n % 2].read(splits[at])["raw"].to_pylist() for n, at in enumerate(order)}
    assert b"\n".join(raw for at in range(50) for raw in found[at]) + b"\n" == content


def test_one_reader_for_many_gzip_files_keeps_few_open(tmp_path: Path) -> None:
    splits = []
    for number in range(12):
        path = tmp_path / f"{number}.gz"
        path.write_bytes(gzip.compress(b"%d\n" % number * 20))
        splits.append(index(path, 10))
    reader = FileReader(clock)
    before = len(os.listdir("/proc/self/fd"))
    for half in (0, 1):
        for number, pair in enumerate(splits):
            assert reader.read(pair[half])["raw"].to_pylist() == [b"%d" % number] * 10
    assert len(os.listdir("/proc/self/fd")) - before <= 4
    reader.close()
    assert len(os.listdir("/proc/self/fd")) == before


def flipped(packed: bytes) -> bytes:
    at = len(packed) // 2
    return packed[:at] + bytes(255 - b for b in packed[at : at + 40]) + packed[at + 40 :]


LINES = 20_000


@pytest.mark.parametrize(
    ("damage", "least", "says"),
    [
        ("truncated", LINES // 3, "ends in the middle"),
        ("no checksum", LINES, "ends in the middle"),
        ("wrong checksum", LINES, "damaged"),
        ("flipped bits", LINES // 3, "damaged"),
        ("garbage behind", LINES, "damaged"),
        ("not gzip", 0, "not a gzip file"),
        ("half a header", 0, "ends in the middle"),
    ],
)
def test_a_damaged_gzip_delivers_what_is_good_then_says_where(
    tmp_path: Path, damage: str, least: int, says: str
) -> None:
    content = numbered(LINES)
    packed = gzip.compress(content)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        {
            "truncated": packed[: len(packed) // 2],
            "no checksum": packed[:-8],
            "wrong checksum": packed[:-8] + bytes(8),
            "flipped bits": flipped(packed),
            "garbage behind": packed + b"garbage",
            "not gzip": content,
            "half a header": packed[:5],
        }[damage]
    )
    *good, bad = index(path, 1000)
    reader = FileReader(clock)
    found = [raw for split in good for raw in reader.read(split)["raw"].to_pylist()]
    assert len(found) >= least
    if damage != "flipped bits":  # there the decoder cannot always tell the first wrong bytes
        assert found == content.split(b"\n")[: len(found)]
    with pytest.raises(SourceError, match=says) as caught:
        reader.read(bad)
    assert f"a.jsonl.gz, line {sum(split.lines for split in good) + 1}: " in str(caught.value)
    with pytest.raises(SourceError):  # a resumed job is told again
        FileReader(clock).read(bad)


def test_every_byte_before_a_truncation_is_delivered(tmp_path: Path) -> None:
    """At any place where the file may be cut, exactly the lines that zlib can give are delivered."""
    packed = gzip.compress(numbered(60))
    path = tmp_path / "a.gz"
    for cut in range(2, len(packed), 7):
        path.write_bytes(packed[:cut])
        can = zlib.decompressobj(wbits=31).decompress(packed[:cut])
        *good, _ = index(path)
        found = [raw for split in good for raw in FileReader(clock).read(split)["raw"].to_pylist()]
        assert found == can.split(b"\n")[:-1]


# -- what is no source ------------------------------------------------------------------------------------------------
def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.jsonl is not there"):
        index(tmp_path / "nowhere.jsonl")


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"is a folder; name a file, or write dir://{tmp_path}"):
        index(tmp_path)


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="not a regular file"):
        index(tmp_path / "fifo")


@pytest.mark.parametrize("lines_per_split", [0, -1, 16_385])
def test_sizes_that_cannot_be(tmp_path: Path, lines_per_split: int) -> None:
    with pytest.raises(ValueError, match="lines_per_split"):
        index(tmp_path / "a", lines_per_split)


# -- changes while it is read -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("change", ["append", "truncate", "touch", "replace", "remove"])
def test_a_file_that_changes_is_noticed(tmp_path: Path, change: str, packed: bool) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(numbered(100)) if packed else numbered(100))
    first, second, *_ = index(path, 10)
    reader = FileReader(clock)
    assert reader.read(first).num_rows == 10
    if change == "append":
        path.write_bytes(path.read_bytes() + b"more\n")
    elif change == "truncate":
        path.write_bytes(b"")
    elif change == "touch":
        os.utime(path, ns=(0, 5))
    elif change == "replace":
        other = tmp_path / "other"
        other.write_bytes(numbered(90))
        other.rename(path)
    else:
        path.unlink()
    with pytest.raises(SourceError, match="can no longer be read" if change == "remove" else "changed") as caught:
        reader.read(second)
    assert isinstance(caught.value, SourceChanged) == (change != "remove")


# -- memory -----------------------------------------------------------------------------------------------------------
MEMORY = """
import resource, sys
from pipelines.feeds.files import FileReader, index, read_stream
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
splits = index(sys.argv[1])
batches = [FileReader().read(split) for split in splits]
streamed = list(read_stream(open(sys.argv[1], "rb")))
assert [b["raw"].to_pylist() for b in batches] == [[b"a" * 65_537, b"b"]]
assert [r for b in streamed for r in b["raw"].to_pylist()] == [b"a" * 65_537, b"b"]
print(peak() - before)
"""


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_a_gigantic_line_does_not_fill_the_memory(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "a.jsonl"
    with gzip.open(path, "wb", compresslevel=1) if packed else open(path, "wb") as file:
        for _ in range(192):
            file.write(b"a" * 1_048_576)
        file.write(b"\nb\n")
    done = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=True, timeout=120)
    assert int(done.stdout) < 64, "MiB for a line of 192 MiB"


# -- folders ----------------------------------------------------------------------------------------------------------
def put(folder: Path, name: str, content: bytes) -> None:
    aside = folder / f".{name}.aside"
    aside.write_bytes(content)
    aside.rename(folder / name)


def names(splits: list[FileSplit]) -> list[str]:
    return [os.path.basename(split.path) for split in splits]


def test_a_folder_gives_each_finished_file_once(tmp_path: Path) -> None:
    put(tmp_path, "2.jsonl", b"c\n")
    put(tmp_path, "1.jsonl.gz", gzip.compress(b"a\nb\n"))
    put(tmp_path, "empty.jsonl", b"")
    (tmp_path / ".hidden.jsonl").write_bytes(b"x\n")
    (tmp_path / "half.jsonl.tmp").write_bytes(b"x\n")
    (tmp_path / "half.jsonl.part").write_bytes(b"x\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    splits, seen = scan(tmp_path, {}, lines_per_split=1)
    assert names(splits) == ["1.jsonl.gz", "1.jsonl.gz", "2.jsonl"]
    assert [FileReader(clock).read(split)["raw"].to_pylist() for split in splits] == [[b"a"], [b"b"], [b"c"]]
    assert json.loads(json.dumps(seen)) == seen
    assert scan(tmp_path, seen) == ([], seen)

    put(tmp_path, "0.jsonl", b"d\n")  # a name before the others is new all the same
    splits, later = scan(tmp_path, seen)
    assert names(splits) == ["0.jsonl"]
    assert scan(tmp_path, seen)[0] == splits, "the state that was passed in is left as it is"

    put(tmp_path, "2.jsonl", b"e\nf\n")  # replaced under its name: a new file
    splits, later = scan(tmp_path, later)
    assert [FileReader(clock).read(split)["raw"].to_pylist() for split in splits] == [[b"e", b"f"]]

    (tmp_path / "2.jsonl").unlink()
    assert "2.jsonl" not in scan(tmp_path, later)[1], "the state does not grow for ever"


def test_a_backlog_comes_in_parts(tmp_path: Path) -> None:
    for number in range(7):
        put(tmp_path, f"{number}.jsonl", b"%d\n" % number)
    found, seen = [], {}
    while splits := (step := scan(tmp_path, seen, max_files=3))[0]:
        assert len(splits) <= 3
        found += names(splits)
        seen = step[1]
    assert found == [f"{number}.jsonl" for number in range(7)]


def test_a_damaged_file_in_a_folder_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, "bad.gz", gzip.compress(b"a\n")[:-3])
    put(tmp_path, "good", b"b\n")
    splits, seen = scan(tmp_path, {}, source="weibo")
    assert [(split.lines, bool(split.damage)) for split in splits] == [(1, False), (0, True), (1, False)]
    assert {split.source for split in splits} == {"weibo"}
    assert scan(tmp_path, seen)[0] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, "locked", b"a\n")
    (tmp_path / "locked").chmod(0)
    (split,), seen = scan(tmp_path, {})
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        FileReader(clock).read(split)
    assert scan(tmp_path, seen)[0] == []


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        scan(tmp_path / "nowhere", {})
    put(tmp_path, "file", b"")
    with pytest.raises(UsageError, match="is not a folder; write file://"):
        scan(tmp_path / "file", {})


def test_speed_is_printed(tmp_path: Path) -> None:
    """No floor: the machine is shared. `pytest -s` shows it."""
    content = numbered(200_000).replace(b"\n", b"x" * 240 + b"\n")
    for name, packed in (("a.jsonl", content), ("a.jsonl.gz", gzip.compress(content, 6))):
        path = tmp_path / name
        path.write_bytes(packed)
        begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        splits = index(path)
        middle = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        reader = FileReader(clock)
        assert sum(reader.read(split).num_rows for split in splits) == 200_000
        end = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        print(f"\n{name}: index {200_000 / (middle - begin):,.0f}, read {200_000 / (end - middle):,.0f} lines/CPU-s")
        reader.close()
