"""Files made to hurt: each is answered with a code, in bounded memory and time, and the others are read."""

from __future__ import annotations

import io
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdf
import pytest

from schemas.applications import PROBLEMS
from tests.udfs.reading.making import docx, pdf, png
from udfs.reading import Limits, Reader
from udfs.reading import children as processes

MEGABYTE = 1 << 20
LIMITS = Limits(page_seconds=30, seconds=120)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(LIMITS) as one:
        yield one


def _encrypted() -> bytes:
    writer, whole = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    writer.write(whole)
    return whole.getvalue()


def _many_pages() -> bytes:
    kids = b" ".join(b"%d 0 R" % (5 + index) for index in range(5000))
    pages = tuple(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>" for _ in range(5000))
    return pdf(b"", more=pages).replace(b"/Kids[3 0 R]/Count 1", b"/Kids[%s]/Count 5000" % kids)


def _zip_bomb() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * (20 * MEGABYTE))
    return whole.getvalue()


def _members(count: int) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for number in range(count):
            archive.writestr(f"word/{number}.xml", b"")
    return whole.getvalue()


def _locked_archive() -> bytes:
    content = bytearray(docx())
    at = content.find(b"PK\x01\x02")
    while at >= 0:  # the flag in the directory that says a member is encrypted
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 1)
    return bytes(content)


def _laughs() -> bytes:
    entities = b"".join(b'<!ENTITY a%d "%s">' % (index + 1, b"&a%d;" % index * 10) for index in range(9))
    whole = io.BytesIO()
    old = zipfile.ZipFile(io.BytesIO(docx(b"<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>")))
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            head = b'<!DOCTYPE l [<!ENTITY a0 "ha">%s]>' % entities if name == "word/document.xml" else b""
            new.writestr(name, head + old.read(name))
    return whole.getvalue()


def _zeros() -> bytes:
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(220)) + packer.flush()
    return pdf(packed, b"/Filter/FlateDecode")


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
IMAGE = (
    b"<</Type/XObject/Subtype/Image/Width 30000/Height 30000/BitsPerComponent 8/ColorSpace/DeviceRGB/Length 0>>"
    b"stream\n\nendstream"
)
FORM = (
    b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</F 5 0 R>>>>/Length 11>>"
    b"stream\n/F Do /F Do\nendstream"
)
"""A drawing that draws itself twice: two to the power of PDFium's limit of depth."""

FILES: list[tuple[str, Callable[[], bytes], str, str]] = [
    # name, content, problem, kind
    ("empty.pdf", lambda: b"", "empty", "unknown"),
    ("letter.pdf", lambda: b"plain text", "unsupported", "unknown"),
    ("page.pdf", lambda: pdf(b""), "", "pdf"),
    ("locked.pdf", _encrypted, "encrypted", "pdf"),
    ("cut.pdf", lambda: pdf(b"BT ET " * 200)[:300], "broken", "pdf"),
    ("long.pdf", _many_pages, "too_many_pages", "pdf"),
    ("zeros.pdf", _zeros, "archive_bomb", "pdf"),
    (
        "poster.pdf",
        lambda: pdf(b"q 9 0 0 9 0 0 cm /I Do Q", b"", b"<</XObject<</I 5 0 R>>>>", (IMAGE,)),
        "too_many_pixels",
        "pdf",
    ),
    ("endless.pdf", lambda: pdf(b"").replace(b"[0 0 595 842]", b"[0 0 9e9 9e9]"), "", "pdf"),
    ("header.png", lambda: png(50_000, 50_000), "too_many_pixels", "png"),
    ("hundred.png", lambda: png(10_001, 10_000), "too_many_pixels", "png"),
    ("cut.png", lambda: png(400, 400, rows=400)[:150], "broken", "png"),
    ("cut.jpg", lambda: b"\xff\xd8\xff\xe0" + bytes(100), "broken", "jpeg"),
    ("white.png", lambda: png(60, 60, rows=60), "", "png"),
    ("white.docx", lambda: png(60, 60, rows=60), "extension", "png"),
    ("page.jpg", lambda: pdf(b""), "extension", "pdf"),
    ("letter.docx", docx, "", "docx"),
    ("bomb.docx", _zip_bomb, "archive_bomb", "docx"),
    ("members.docx", lambda: _members(2001), "archive_bomb", "docx"),
    ("sheet.docx", lambda: _members(3), "unsupported", "docx"),
    ("cut.docx", lambda: docx()[:900], "broken", "docx"),
    ("laughs.docx", _laughs, "broken", "docx"),
    ("locked.docx", _locked_archive, "encrypted", "docx"),
    ("sealed.docx", lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted", "unknown"),
    ("old.doc", lambda: OLE, "unsupported", "unknown"),
]


@pytest.mark.parametrize(("name", "content", "problem", "kind"), FILES, ids=[row[0] for row in FILES])
def test_code_of_a_file(
    tmp_path: Path, reader: Reader, name: str, content: Callable[[], bytes], problem: str, kind: str
) -> None:
    (tmp_path / name).write_bytes(content())
    (found,) = reader.read(tmp_path).files
    assert (found.problem, found.kind) == (problem, kind), found.detail
    assert not problem or problem in PROBLEMS
    assert bool(found.pages) == (problem in ("", "extension"))


def test_what_is_no_plain_file_of_the_folder(tmp_path: Path, reader: Reader) -> None:
    outside = tmp_path / "outside"
    folder = tmp_path / "application"
    (folder / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "a.png").write_bytes(png(60, 60, rows=60))
    (folder / "application.json").write_text("{}")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "sub" / "b.png").write_bytes(png(60, 60, rows=60))
    (folder / "link.png").symlink_to(outside / "a.png")
    (folder / "inner.png").symlink_to("sub/b.png")
    (folder / "folder").symlink_to(outside)
    os.mkfifo(folder / "pipe.pdf")
    found = {one.file: one.problem for one in reader.read(folder).files}
    assert found == {
        "folder": "link",
        "inner.png": "link",
        "link.png": "link",
        "pipe.pdf": "unsupported",
        "sub/b.png": "",
    }


def test_limits_of_sizes_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(60, 60, rows=60))
    (tmp_path / "b.png").write_bytes(png(61, 60, rows=60))
    (tmp_path / "c.png").write_bytes(png(60, 60, rows=60) + bytes(2000))
    with Reader(Limits(file_bytes=1500)) as reader:
        assert [one.problem for one in reader.read(tmp_path).files] == ["", "", "too_large"]
    with Reader(Limits(files=2)) as reader:
        assert [one.problem for one in reader.read(tmp_path).files] == ["", "", "too_large"]
    with Reader(Limits(pages=2)) as reader:
        assert [one.problem for one in reader.read(tmp_path).files] == ["", "", "too_many_pages"]


def test_a_page_that_never_ends_times_out_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(b"/F Do", b"", b"<</XObject<</F 5 0 R>>>>", (FORM,)))
    (tmp_path / "b.png").write_bytes(png(60, 60, rows=60))
    began = time.monotonic()
    with Reader(Limits(page_seconds=2, seconds=60)) as reader:
        found = reader.read(tmp_path).files
    assert [(one.problem, len(one.pages)) for one in found] == [("timeout", 0), ("", 1)]
    assert time.monotonic() - began < 45


def test_a_page_that_needs_too_much_memory(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(5000, 4000, rows=4000))
    (tmp_path / "b.png").write_bytes(png(60, 60, rows=60))
    with Reader(Limits(memory_bytes=420 * MEGABYTE)) as reader:
        found = reader.read(tmp_path).files
    assert [(one.problem, len(one.pages)) for one in found] == [("memory", 0), ("", 1)]


@pytest.mark.parametrize(("kills", "problem"), [(1, ""), (2, "memory")])
def test_a_process_that_is_killed_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, problem: str
) -> None:
    (tmp_path / "a.png").write_bytes(png(60, 60, rows=60))
    give, given = processes._Child.give, []

    def give_and_kill(child: processes._Child, task: processes.Task) -> None:
        if len(given) < kills:
            child._process.kill()
            child._process.wait()
        given.append(task)
        give(child, task)

    monkeypatch.setattr(processes._Child, "give", give_and_kill)
    with Reader(LIMITS) as reader:
        (found,) = reader.read(tmp_path).files
    assert (found.problem, len(found.pages)) == (problem, 0 if problem else 1)


def test_answers_hold_no_text_of_a_file(tmp_path: Path, reader: Reader) -> None:
    marked = b"zhangsan-110101"
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 " + marked)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + marked * 9)
    (tmp_path / "c.docx").write_bytes(docx(b"<w:p>" + marked))
    found = reader.read(tmp_path).files
    assert [one.problem for one in found] == ["broken"] * 3
    assert all("zhangsan" not in one.detail for one in found)


def test_memory_of_a_decoding_process_is_bounded(tmp_path: Path) -> None:
    """The largest picture that is taken makes a process hold less than 800 MiB."""
    (tmp_path / "a.png").write_bytes(png(5000, 4000, rows=4000))
    with Reader(LIMITS) as reader:
        (found,) = reader.read(tmp_path).files
        assert found.problem == ""
        (process,) = reader._children._idle
        status = Path(f"/proc/{process._process.pid}/status").read_text()
    (peak,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert 100 * 1024 < peak < 800 * 1024
